// database_tests: the handle on SQLite: what it binds, rolls back and says of failures.
#include "keep/database.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "base/files.h"
#include "decorators.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace database_tests {

struct DatabaseFixture {
  TempDir dir;
  std::unique_ptr<Database> db = open();
  std::unique_ptr<Database> open() {
    return good(Database::open(dir / "test.db", Database::Sync::full));
  }
  std::int64_t number(std::string_view sql) { return good(number_of(*db, sql)); }
};

}  // namespace database_tests

BOOST_AUTO_TEST_SUITE(database_tests)

BOOST_FIXTURE_TEST_CASE(values_come_back_as_they_were_bound, DatabaseFixture) {
  const std::string bytes("\0\xff'\"\n", 5);
  for (int again = 0; again < 2; ++again) {  // the statement is kept prepared, without its values
    Query query = good(db->prepare("SELECT ?1, ?2, ?3, ?3 IS NULL"));
    query->bind(1, std::int64_t{-9'000'000'000});
    query->bind(2, std::string_view(bytes));
    query->bind(3, std::string_view());
    BOOST_REQUIRE(good(query->step()));
    BOOST_TEST(query->integer(0) == -9'000'000'000);
    BOOST_TEST(query->text(1) == bytes);
    BOOST_TEST(query->text(2) == "");
    BOOST_TEST(query->integer(3) == 0);
    BOOST_TEST(!good(query->step()));
  }
  Query unbound = good(db->prepare("SELECT ?1, ?2, ?3, ?3 IS NULL"));
  BOOST_REQUIRE(good(unbound->step()));
  BOOST_TEST(unbound->text(1) == "");
  BOOST_TEST(unbound->integer(3) == 1);
}

BOOST_FIXTURE_TEST_CASE(wrong_statement_or_parameter_is_an_error, DatabaseFixture) {
  BOOST_TEST(code_of(db->prepare("SELECT * FROM nothing")) == "database");
  BOOST_TEST(!db->execute("NONSENSE"));
  Query query = good(db->prepare("SELECT ?"));
  query->bind(2, std::int64_t{1});
  BOOST_TEST(!query->step());
}

BOOST_FIXTURE_TEST_CASE(transaction_that_is_not_committed_leaves_nothing, DatabaseFixture) {
  good(db->execute("CREATE TABLE t(n)"));
  const auto insert = [&] { return db->execute("INSERT INTO t VALUES (1)"); };
  BOOST_TEST(!db->transact([&]() -> Status {
    good(insert());
    return db->execute("NONSENSE");
  }));
  const auto insert_and_throw = [&]() -> Status {
    good(insert());
    throw std::bad_alloc();
  };
  BOOST_CHECK_THROW((void)db->transact(insert_and_throw), std::bad_alloc);
  BOOST_TEST(number("SELECT count(*) FROM t") == 0);
  good(db->transact(insert));
  BOOST_TEST(number("SELECT count(*) FROM t") == 1);
}

BOOST_FIXTURE_TEST_CASE(error_names_the_file_and_says_what_to_do, DatabaseFixture) {
  const auto other = open();
  good(other->execute("PRAGMA busy_timeout = 10"));
  good(db->transact([&]() -> Status {
    const auto refused = other->transact([] { return Status(); });
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().code == "busy");
    BOOST_TEST((refused.error().kind == ErrorKind::storage));
    BOOST_TEST(refused.error().cause.find("test.db: BEGIN IMMEDIATE: ") != std::string::npos);
    BOOST_TEST(!refused.error().remedy.empty());
    return {};
  }));
}

BOOST_FIXTURE_TEST_CASE(constraint_fails_and_the_transaction_goes_on, DatabaseFixture) {
  good(db->execute("CREATE TABLE t(n UNIQUE)"));
  good(db->transact([&]() -> Status {
    good(db->execute("INSERT INTO t VALUES (1)"));
    BOOST_TEST(!db->execute("INSERT INTO t VALUES (1)"));
    return {};
  }));
  BOOST_TEST(number("SELECT count(*) FROM t") == 1);
}

BOOST_FIXTURE_TEST_CASE(file_is_the_owners_alone_and_written_ahead, DatabaseFixture) {
  BOOST_TEST(db->uses_wal());
  BOOST_TEST(number("PRAGMA synchronous") == 2);
  good(db->set_sync(Database::Sync::normal));
  BOOST_TEST(number("PRAGMA synchronous") == 1);
  good(db->set_sync(Database::Sync::full));
  BOOST_TEST(number("PRAGMA synchronous") == 2);
  BOOST_TEST(number("PRAGMA busy_timeout") == 2'000);
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::stat((dir / "test.db").c_str(), &status), 0);
  BOOST_TEST((status.st_mode & 0777) == 0600u);
}

// A brief process leaves what it wrote in the WAL: the next one takes it from there.
BOOST_FIXTURE_TEST_CASE(who_opens_it_briefly_ends_without_a_checkpoint, DatabaseFixture) {
  good(db->execute("CREATE TABLE t(n)"));
  db.reset();
  const std::filesystem::path log = dir / "test.db-wal";
  for (const bool brief : {true, false}) {
    auto opened = good(Database::open(dir / "test.db", Database::Sync::full, brief));
    good(opened->transact([&] { return opened->execute("INSERT INTO t VALUES (1)"); }));
    opened.reset();
    BOOST_TEST(std::filesystem::exists(log) == brief);
  }
}

BOOST_AUTO_TEST_CASE(place_that_cannot_be_is_an_error) {
  TempDir dir;
  write_file(dir / "file", "");
  for (const char* place : {"missing/test.db", "file/test.db", "."})
    BOOST_TEST(!Database::open(dir / place, Database::Sync::full), place);
}

BOOST_AUTO_TEST_CASE(many_processes_may_open_a_new_file_at_once, *shows("T33")) {
  TempDir dir;
  for (int round = 0; round < 5; ++round) {
    const auto file = dir / (std::to_string(round) + ".db");
    std::vector<Forked> children;
    for (int i = 0; i < 6; ++i) {
      children.emplace_back([&] {
        const auto mine = unless_busy([&] { return Database::open(file, Database::Sync::normal); });
        return mine && (*mine)->uses_wal() && unless_busy([&] {
                 return (*mine)->execute(
                     "CREATE TABLE IF NOT EXISTS t(n); INSERT INTO t VALUES (1)");
               });
      });
    }
    for (Forked& child : children) BOOST_TEST(child.join());
  }
}

BOOST_AUTO_TEST_SUITE_END()
