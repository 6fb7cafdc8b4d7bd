// store_size_tests: what a question costs does not grow with the store. What is counted are bytes
// that are read and written, not time.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <sstream>

#include "decorators.h"
#include "raw_sql.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace store_size_tests {

constexpr std::int64_t kMany = 20'000;
constexpr std::int64_t kFew = 300 << 10;  // bytes; the store has some 10 MB

std::int64_t bytes_read() {
  std::istringstream io(read_file("/proc/self/io"));
  std::string name;
  std::int64_t count = 0;
  io >> name >> count;
  BOOST_REQUIRE(name == "rchar:");
  return count;
}

struct BigStore : StoreFixture {
  // Events only, one a minute up to now; what waits is due in some minutes.
  // Every tenth is found by a word.
  void fill(const std::string& state) {
    close();
    const std::string finished = state == "pending" ? "0" : "1800000000000";
    const std::string sql =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(kMany) +
        ") INSERT INTO items(kind, id, name, object, state, received_at, due_at, finished_at,"
        " unsure, destination, payload) SELECT 'event', printf('%08d', i), 'TEST', '', '" +
        state + "', 1800000000000 - (" + std::to_string(kMany) + " - i) * 60000, 1800000600000, " +
        finished + ", 0, 'portal', '{\"ts\":\"" + std::string(300, '1') + "\"}' FROM n";
    RawSql(dir / "store.db")
        .run(sql + "; INSERT INTO finds SELECT number, 'word' FROM items WHERE number % 10 = 0");
    store = open();
  }
};

}  // namespace store_size_tests

BOOST_AUTO_TEST_SUITE(store_size_tests)

BOOST_AUTO_TEST_CASE(no_question_reads_the_whole_store, *shows("F9")) {
  for (const char* state : {"pending", "done", "failed"}) {
    BigStore big;
    big.fill(state);
    const auto list = [&](std::optional<Kind> kind, std::optional<State> only, Millis since) {
      ListFilter filter;
      filter.kind = kind;
      filter.state = only;
      filter.since = since;
      return big.store->list(filter).has_value();
    };
    const Millis hour_ago = big.now - kHour;
    const std::pair<const char*, std::function<bool()>> questions[] = {
        {"stats of many", [&] { return big.store->stats(Kind::event).has_value(); }},
        {"stats of none", [&] { return big.store->stats(Kind::lead).has_value(); }},
        {"list", [&] { return list(Kind::event, {}, 0); }},
        {"list of another kind", [&] { return list(Kind::lead, {}, 0); }},
        {"list of failed", [&] { return list({}, State::failed, 0); }},
        {"list since", [&] { return list(Kind::event, {}, hour_ago); }},
        {"list since now", [&] { return list(Kind::event, {}, big.now + 1); }},
        {"list of a day",
         [&] {
           ListFilter day = list_of(Kind::event);
           day.since = big.now - 10 * kDay;
           day.until = day.since + kDay;
           return good(big.store->list(day)).size() == 100u;
         }},
        {"list of a word",
         [&] {
           ListFilter found = list_of(Kind::event, 20);
           found.words = {"word"};
           return good(big.store->list(found)).size() == 20u;
         }},
        {"list of two words of which one is rare",
         [&] {
           ListFilter found = list_of(Kind::event);
           found.words = {"word", "nowhere"};
           return good(big.store->list(found)).empty();
         }},
        {"show", [&] { return !good(big.store->find_by_beginning(Kind::event, "0001")).empty(); }},
        {"due of a closed destination",
         [&] {
           const auto closed = [](const std::string&) { return kMinute; };
           return big.store->claim(Kind::event, 1, closed).has_value() &&
                  good(big.store->next_due(Kind::event, closed)).value_or(kMinute) == kMinute;
         }},
        {"hours", [&] { return big.store->hours(Kind::lead, hour_ago).has_value(); }},
        {"erase", [&] { return big.store->erase_done(hour_ago - 300 * kDay).has_value(); }},
    };
    for (const auto& [what, question] : questions) {
      big.reopen();
      const std::int64_t before = bytes_read();
      BOOST_TEST(question(), what);
      BOOST_TEST(bytes_read() - before < kFew, what << " of " << state);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(all_are_retried_a_bounded_number_at_a_time, BigStore) {
  fill("failed");
  accept(Kind::lead, "another");
  BOOST_TEST(good(store->retry_all(Kind::event, "", 0)) == kMany);
  BOOST_TEST(good(store->stats(Kind::event)).pending == kMany);
  // In one transaction all of the store would stand in it.
  BOOST_TEST(fs::file_size(dir / "store.db-wal") < 6u << 20);
  BOOST_TEST(good(store->retry_all(Kind::event, "", now - kHour + 1)) == 60);
  BOOST_TEST(good(store->retry_all(Kind::event, "OTHER", 0)) == 0);
}

BOOST_FIXTURE_TEST_CASE(all_are_done_again_a_bounded_number_at_a_time, BigStore) {
  fill("done");
  BOOST_TEST(good(store->replay_all(Kind::event, "", now - 2'500 * kMinute + 1)) == 2'500);
  BOOST_TEST(good(store->stats(Kind::event)).pending == 2'500);
}

BOOST_FIXTURE_TEST_CASE(a_reboot_makes_all_due_and_rewrites_nothing, BigStore) {
  fill("pending");
  good(store->remember("due.base", "another-boot 5"));
  close();
  const std::int64_t before = bytes_read();
  auto booted = good(Store::open(dir.path()));
  BOOST_TEST(bytes_read() - before < kFew);
  BOOST_TEST(fs::file_size(dir / "store.db-wal") < 100u << 10);
  BOOST_TEST(good(booted->next_due(Kind::event)).value() == 0);
  BOOST_TEST(good(booted->claim(Kind::event, kMany)).size() == std::size_t{kMany});
}

BOOST_AUTO_TEST_SUITE_END()
