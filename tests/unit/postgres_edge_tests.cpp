// postgres_edge_tests: one connection to PostgreSQL, and what a server may answer that the store's
// own suites do not come by.
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/test/unit_test.hpp>

#include "base/files.h"
#include "base/text.h"
#include "checkserver/check_seen.h"
#include "keep/postgres.h"
#include "keep/store_postgres.h"
#include "postgres.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace postgres_edge_tests {

struct OneNode {
  Postgres postgres{1};
  std::string database = postgres.new_database();
  std::string url = postgres.url(database);

  std::unique_ptr<PostgresDatabase> open() const {
    return good(PostgresDatabase::connect({url, {}, false}));
  }
};

// A server that is reached and says nothing, as one whose disk hangs.
class Silent {
 public:
  Silent() : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (dir_ / ".s.PGSQL.5432").string();
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    BOOST_REQUIRE(::bind(socket_.get(), where, sizeof address) == 0);
    BOOST_REQUIRE(::listen(socket_.get(), 8) == 0);
  }
  std::string host() const { return dir_.path().string(); }

 private:
  TempDir dir_;
  FileHandle socket_;
};

bool still_answers(Database& db) {
  return number_of(db, "SELECT ?1 + 1", 16) == 17;
}

}  // namespace postgres_edge_tests

BOOST_FIXTURE_TEST_SUITE(postgres_edge_tests, OneNode)

BOOST_AUTO_TEST_CASE(what_the_server_refuses_has_a_name_and_the_session_goes_on) {
  const auto db = open();
  for (const auto& [sql, code, says] :
       {std::tuple("SELECT 1 / 0", "database", "(22012)"),
        std::tuple("SELECT * FROM nowhere", "schema_missing", "(42P01)"),
        std::tuple("CREATE SCHEMA b24hooks", "permission", "(42501)"),
        std::tuple("SELECT CAST('x' AS bigint)", "database", "(22P02)")}) {
    const Status refused = db->execute(sql);
    BOOST_TEST(code_of(refused) == code, sql);
    BOOST_TEST(refused.error().cause.contains(says), refused.error().cause);
    BOOST_TEST(!db->is_lost());
    BOOST_TEST(still_answers(*db));
  }
  auto query = good(db->prepare("SELECT ?1"));
  query->bind(1, "a");
  query->bind(2, "one too many");
  BOOST_TEST(code_of(query->step()) == "database");
}

BOOST_AUTO_TEST_CASE(what_takes_too_long_is_cancelled_and_the_session_goes_on) {
  const auto db = open();
  db->set_answer_time(200);
  const Status late = db->execute("SELECT pg_sleep(60)");
  BOOST_TEST(code_of(late) == "busy");
  BOOST_TEST(late.error().cause.contains("(57014)"), late.error().cause);
  db->set_answer_time(20'000);
  BOOST_TEST(still_answers(*db));
}

BOOST_AUTO_TEST_CASE(a_session_that_was_ended_is_lost_for_good) {
  const auto db = open();
  BOOST_TEST(still_answers(*db));
  postgres.ask(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
      " application_name = 'b24hooks'");
  BOOST_TEST(code_of(db->execute("SELECT 1")) == "away");
  BOOST_TEST(db->is_lost());
  BOOST_TEST(code_of(db->execute("SELECT 1")) == "away");
  BOOST_TEST(still_answers(*open()));
}

BOOST_AUTO_TEST_CASE(a_silent_host_holds_nobody_up_who_has_another) {
  const Silent silent;
  const std::string rest = url.substr(url.find("host=") + 5);
  const std::string both = url.substr(0, url.find("host=")) + "host=" + silent.host() + "," + rest;
  BOOST_TEST(still_answers(*good(PostgresDatabase::connect({both, {}, false}))));
  const std::string alone = url.substr(0, url.find("host=")) + "host=" + silent.host();
  const auto away = PostgresDatabase::connect({alone, {}, false});
  BOOST_TEST(code_of(away) == "away");
  BOOST_TEST(away.error().cause.contains("no answer in time"), away.error().cause);
}

BOOST_AUTO_TEST_CASE(a_database_that_may_only_be_read_is_not_written_to) {
  postgres.ask("ALTER DATABASE " + database + " SET default_transaction_read_only = on");
  const auto away = PostgresDatabase::connect({url, {}, false});
  BOOST_TEST(code_of(away) == "away");
  BOOST_TEST(away.error().cause.ends_with(": read-only"), away.error().cause);
}

// A machine keeps what it has seen of the server in a file; of another server that says nothing.
BOOST_AUTO_TEST_CASE(the_newest_timeline_is_remembered_for_each_server) {
  const TempDir dir;
  const auto connected = [&] { return PostgresDatabase::connect({url, dir.path(), false}); };
  good(connected());
  const std::string seen = test::read_file(dir / "timeline");
  BOOST_TEST(seen.ends_with(" 00000001\n"), seen);
  good(connected());
  BOOST_TEST(test::read_file(dir / "timeline") == seen);
  std::string newer = seen;
  text::replace_all(newer, " 00000001", " 00000002");
  test::write_file(dir / "timeline", newer);
  BOOST_TEST(code_of(connected()) == "old_primary");
  test::write_file(dir / "timeline", "1 00000002\n");
  good(connected());
  BOOST_TEST(test::read_file(dir / "timeline") == seen);
}

BOOST_AUTO_TEST_CASE(a_store_in_work_does_not_move_nor_one_onto_another) {
  good(migrate_shared(postgres.owner_url(database), url));
  const TempDir dir, other;
  const auto file = good(Store::open(dir / "data"));
  const auto shared = good(Store::open(other.path(), "", {}, {url, false}));
  good(file->accept({new_item(Kind::lead, "1"), new_item(Kind::lead, "2")}));
  const std::vector<Item> held = good(file->claim(Kind::lead, 1));
  BOOST_REQUIRE(held.size() == 1U);
  BOOST_TEST(code_of(file->move_to(*shared, 0)) == "in_work");
  BOOST_TEST(good(shared->stats(Kind::lead)).pending == 0);
  good(file->done(held[0].number, {}));
  const Store::Moved moved = good(file->move_to(*shared, 0));
  BOOST_TEST((moved.front() == std::pair<std::string, std::int64_t>("items", 2)));
  BOOST_TEST(good(shared->find(Kind::lead, "1")).value().number == held[0].number);
  const TempDir third;
  const auto full = good(Store::open(third / "data"));
  good(full->accept({new_item(Kind::lead, "3")}));
  BOOST_TEST(code_of(full->move_to(*shared, 0)) == "not_empty");
}

// A number stands in logs and in what others were told.
BOOST_AUTO_TEST_CASE(the_number_of_what_was_deleted_is_given_to_nobody_else_after_a_move) {
  good(migrate_shared(postgres.owner_url(database), url));
  const TempDir dir, other, third;
  const auto file = good(Store::open(dir / "data"));
  const auto shared = good(Store::open(other.path(), "", {}, {url, false}));
  const auto back = good(Store::open(third / "data"));
  accept(*file, new_item(Kind::lead, "kept"));
  std::int64_t last = 0;
  const auto one_is_gone = [&](Store& store) {
    const std::int64_t number = accept(store, new_item(Kind::lead, "gone"));
    BOOST_TEST(number > last);
    last = number;
    good(store.erase(number));
  };
  one_is_gone(*file);
  good(file->move_to(*shared, 0));
  one_is_gone(*shared);
  good(shared->move_to(*back, 0));
  one_is_gone(*back);
}

BOOST_AUTO_TEST_CASE(how_far_the_servers_clock_is_ahead_is_measured) {
  good(migrate_shared(postgres.owner_url(database), url));
  const TempDir dir;
  const auto shared = good(Store::open(dir.path(), "", {}, {url, false}));
  const Millis begun = now_ms();
  const Millis ahead = good(shared->look_at_server()).clock_ahead;  // of the same clock
  BOOST_TEST(std::abs(ahead) <= now_ms() - begun + 1);
}

// Else its journal would be taken in once more, and its logs begun anew.
BOOST_AUTO_TEST_CASE(what_a_machine_remembers_goes_to_the_database_and_back) {
  good(migrate_shared(postgres.owner_url(database), url));
  const TempDir dir, other, third;
  const auto file = good(Store::open(dir / "data"));
  const auto shared = good(Store::open(other.path(), "", {}, {url, false}));
  const auto back = good(Store::open(third / "data"));
  const std::pair<const char*, const char*> facts[] = {
      {"journal.event", "1:2:3 4"}, {"follow.hook.log", "1:2:3 5"}, {"event.loops", "[]"}};
  for (const auto& [key, value] : facts) good(file->remember(key, value));
  good(file->move_to(*shared, 0));
  for (const auto& [key, value] : facts) BOOST_TEST(good(shared->recall(key)) == value, key);
  good(shared->move_to(*back, 0));
  for (const auto& [key, value] : facts) BOOST_TEST(good(back->recall(key)) == value, key);
}

BOOST_AUTO_TEST_CASE(the_password_file_of_the_url_is_looked_at) {
  good(migrate_shared(postgres.owner_url(database), url));
  const TempDir dir;
  const std::string file = (dir / "db+1.pass").string();
  std::string encoded = file;
  text::replace_all(encoded, "/", "%2F");
  Settings settings;
  settings.data.dir = dir / "data";
  settings.data.store = url + "&passfile=" + encoded + "&connect_timeout=9";
  const auto store = good(Store::open(dir / "data", "", {}, {url, false}));
  const auto seen = [&] { return check::look_at_database(settings, *store); };
  BOOST_TEST(good(seen().server).timeline == "00000001");
  BOOST_TEST(seen().passfile == file);
  BOOST_TEST(!seen().passfile_readable);
  test::write_file(file, "*:*:*:*:x\n");
  BOOST_TEST(seen().passfile_readable);
  BOOST_TEST(!seen().passfile_open);
  std::filesystem::permissions(file, std::filesystem::perms(0640));
  BOOST_TEST(seen().passfile_open);
}

BOOST_AUTO_TEST_SUITE_END()
