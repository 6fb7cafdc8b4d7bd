// outbox_command_tests: what the shell's commands say of the store, and their exit codes.
#include "keep/outbox_command.h"

#include <sysexits.h>

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "event_fixture.h"
#include "sql_spy.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace outbox_command_tests {

using Arguments = std::vector<std::pair<std::string, std::string>>;

struct Outbox {
  EventSettings settings;
  AppSource source{settings.launch(), "index"};
  StoreSource stores{source};
  std::shared_ptr<Store> store = good(stores.current());
  std::string said;
  int reopened = 0;

  Outbox() {
    accept(*store, new_item(Kind::lead, "waiting-1"));
    const auto failed = accept(*store, new_item(Kind::lead, "refused-1"));
    good(store->claim(Kind::lead, 2));
    good(store->fail(failed, {.code = "bad", .text = "it was refused"}));
  }
  // The exit code; what it printed is in `said`.
  int run(const Arguments& arguments) {
    std::ostringstream text;
    std::streambuf* const before = std::cout.rdbuf(text.rdbuf());
    const int code =
        outbox_command(stores, Kind::lead, arguments, [this] { ++reopened; }).value_or(EX_USAGE);
    std::cout.rdbuf(before);
    said = text.str();
    return code;
  }
};

}  // namespace outbox_command_tests

BOOST_AUTO_TEST_SUITE(outbox_command_tests)

BOOST_FIXTURE_TEST_CASE(lists_are_of_the_state_that_was_asked_for, Outbox) {
  BOOST_TEST(run({{"--list", ""}}) == 0);
  BOOST_TEST(said.contains("waiting-1"));
  BOOST_TEST(said.contains("refused-1"));
  BOOST_TEST(said.ends_with("1 pending, 1 failed, 0 done\n"), said);
  BOOST_TEST(run({{"--list", "failed"}}) == 0);
  BOOST_TEST(!said.contains("waiting-1"));
  BOOST_TEST(said.contains("refused-1"));
  BOOST_TEST(said.contains("bad"));
}

BOOST_FIXTURE_TEST_CASE(columns_never_run_together, Outbox) {
  for (const std::size_t size : {27u, 28u, 29u}) {
    const std::string id(size, 'x');
    accept(*store, new_item(Kind::lead, id));
    BOOST_TEST(run({{"--list", ""}}) == 0);
    BOOST_TEST(said.contains("\n" + id + ' '), said);
  }
}

BOOST_FIXTURE_TEST_CASE(an_item_is_shown_by_its_id_or_how_that_begins, Outbox) {
  for (const char* id : {"refused-1", "refu"}) {
    BOOST_TEST(run({{"--show", id}}) == 0);
    BOOST_TEST(said.contains("it was refused"), said);
  }
  for (const char* id : {"ref", "nothing-1", ""}) BOOST_TEST(run({{"--show", id}}) == 1, id);
  // Of two nobody knows which is meant.
  for (const char* id : {"twins-1", "twins-10"}) accept(*store, new_item(Kind::lead, id));
  BOOST_TEST(run({{"--spam", "twins"}}) == 1);
  BOOST_TEST(run({{"--spam", "twins-1"}}) == 0);
  BOOST_TEST((good(store->find(Kind::lead, "twins-10"))->state == State::pending));
}

BOOST_FIXTURE_TEST_CASE(what_is_not_understood_is_told_from_what_is_not_there, Outbox) {
  constexpr int kUsage = 64;
  BOOST_TEST(run({}) == kUsage);
  BOOST_TEST(run({{"--nonsense", ""}}) == kUsage);
  BOOST_TEST(run({{"--list", "nonsense"}}) == kUsage);
  BOOST_TEST(run({{"--retry", "nothing-1"}}) == 1);
  BOOST_TEST(run({{"--spam", "nothing-1"}}) == 1);
  BOOST_TEST(run({{"--delete", "nothing-1"}}) == 1);
}

BOOST_FIXTURE_TEST_CASE(what_is_tried_again_asks_the_portal_at_once, Outbox) {
  BOOST_TEST(run({{"--retry", "refused-1"}}) == 0);
  BOOST_TEST(reopened == 1);
  BOOST_TEST(good(store->stats(Kind::lead)).pending == 2);
  BOOST_TEST(run({{"--list", ""}}) == 0);
  BOOST_TEST(reopened == 1);
}

// Whoever asks in a script must not take a store that cannot be read for an empty one.
BOOST_FIXTURE_TEST_CASE(a_store_that_fails_is_an_error_of_each_command, Outbox) {
  for (const Arguments& arguments : {Arguments{{"--list", ""}},
                                     {{"--show", "refused-1"}},
                                     {{"--show", "refu"}},
                                     {{"--search", "refused-1"}},
                                     {{"--spam", "refused-1"}},
                                     {{"--retry", "refused-1"}},
                                     {{"--retry", "all"}}}) {
    bool failed = true;
    int failures = 0;
    for (int number = 1; failed; ++number) {
      BOOST_TEST_CONTEXT(arguments[0].first << " " << arguments[0].second << ", call " << number) {
        BOOST_REQUIRE(number < 200);
        const FailingSql fault(number);
        const int code = run(arguments);
        failed = fault.has_failed();
        BOOST_TEST(code == (failed ? 1 : 0));
        failures += failed ? 1 : 0;
      }
    }
    BOOST_TEST(failures > 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
