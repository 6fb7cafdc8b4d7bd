// store_look_tests: lists, numbers, counters, limits, erasing.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ctime>

#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace store_look_tests {

using Ids = std::vector<std::string>;

struct LookFixture : StoreFixture {
  std::int64_t add(Kind kind, const std::string& id, const std::string& name, State state) {
    NewItem item = new_item(kind, id);
    item.name = name;
    item.state = state;
    return test::accept(*store, item);
  }
  Ids list(const ListFilter& filter) {
    Ids ids;
    for (const Item& item : good(store->list(filter))) ids.push_back(item.id);
    return ids;
  }
};

struct TimeZone {
  explicit TimeZone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~TimeZone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

}  // namespace store_look_tests

BOOST_AUTO_TEST_SUITE(store_look_tests)

BOOST_FIXTURE_TEST_CASE(list_filters_in_every_combination, LookFixture) {
  // Every third item is failed, every fourth pending; two kinds, two names, a minute apart.
  std::vector<Item> all;
  for (int i = 0; i < 48; ++i) {
    now += 120'000;
    const State state = i % 3 == 0 ? State::failed : i % 4 == 0 ? State::pending : State::done;
    const auto number = add(i % 2 == 0 ? Kind::lead : Kind::event, std::to_string(i),
                            i % 5 == 0 ? "RARE" : "USUAL", state);
    all.push_back(item(number));
  }
  int cases = 0;
  for (const auto kind : {std::optional<Kind>(), std::optional(Kind::lead), {Kind::event}})
    for (const auto state :
         {std::optional<State>(), std::optional(State::pending), {State::done}, {State::failed}})
      for (const char* name : {"", "RARE", "NONE"})
        for (const Millis since : {Millis{0}, all[20].received_at, now + 1})
          for (const std::int64_t after : {std::int64_t{0}, all[30].number})
            for (const std::size_t limit : {std::size_t{5}, std::size_t{100}})
              for (const bool newest_first : {false, true}) {
                Ids want;
                for (std::size_t i = 0; i < all.size() && want.size() < limit; ++i) {
                  const Item& item = newest_first ? all[all.size() - 1 - i] : all[i];
                  if ((kind && item.kind != *kind) || (state && item.state != *state)) continue;
                  if ((*name != '\0' && item.name != name) || item.received_at < since) continue;
                  if (after != 0 && (newest_first ? item.number >= after : item.number <= after))
                    continue;
                  want.push_back(item.id);
                }
                BOOST_TEST(list({kind, state, name, since, after, limit, newest_first}) == want);
                ++cases;
              }
  BOOST_TEST(cases == 3 * 4 * 3 * 3 * 2 * 2 * 2);
}

BOOST_FIXTURE_TEST_CASE(stats_follow_every_change, LookFixture) {
  BOOST_TEST(good(store->stats(Kind::lead)).oldest_pending == 0);
  const Millis first = now;
  const auto a = accept(Kind::lead, "a");
  now += 1'000;
  const auto b = accept(Kind::lead, "b");
  accept(Kind::lead, "c");
  add(Kind::event, "kept", "E", State::done);
  const auto stats = [&] { return good(store->stats(Kind::lead)); };
  BOOST_TEST(stats().pending == 3);
  BOOST_TEST(stats().oldest_pending == first);
  good(store->done(a, {}));
  good(store->fail(b, {}));
  BOOST_TEST(stats().pending == 1);
  BOOST_TEST(stats().done == 1);
  BOOST_TEST(stats().failed == 1);
  BOOST_TEST(stats().today == 3);
  BOOST_TEST(stats().oldest_pending == first + 1'000);
  good(store->retry_now(b));
  BOOST_TEST(stats().failed == 0);
  BOOST_TEST(stats().pending == 2);
  now += 10;
  BOOST_TEST(good(store->erase_done(now)) == 2);  // of all kinds
  BOOST_TEST(stats().done == 0);
  BOOST_TEST(stats().today == 3);
  BOOST_TEST(good(store->stats(Kind::event)).done == 0);
}

BOOST_FIXTURE_TEST_CASE(today_begins_at_the_servers_midnight, LookFixture) {
  for (const char* zone : {"UTC", "Europe/Moscow", "Asia/Kolkata", "Asia/Kathmandu"}) {
    const TimeZone here(zone);
    now += 30 * kDay;
    const std::time_t seconds = now / 1000;
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
    const Millis midnight = Millis{std::mktime(&parts)} * 1000;
    now = midnight - 1;
    accept(Kind::lead, std::string(zone) + "yesterday");
    now = midnight;
    accept(Kind::lead, std::string(zone) + "today");
    accept(Kind::lead, std::string(zone) + "today too");
    BOOST_TEST(good(store->stats(Kind::lead)).today == 2, zone);
  }
}

BOOST_FIXTURE_TEST_CASE(next_due_is_the_earliest_that_nobody_works_on, LookFixture) {
  BOOST_TEST(!good(store->next_due(Kind::lead)));
  const auto a = accept(Kind::lead, "a");
  const auto b = accept(Kind::lead, "b");
  BOOST_TEST(good(store->next_due(Kind::lead)).value() == 0);
  good(store->retry(a, now + 5'000, {}, false));
  BOOST_TEST(good(store->next_due(Kind::lead)).value() == 0);
  BOOST_TEST(good(store->claim(Kind::lead, 1)).front().number == b);
  BOOST_TEST(good(store->next_due(Kind::lead)).value() == 5'000);
  now += 2'000;
  BOOST_TEST(good(store->next_due(Kind::lead)).value() == 3'000);
  good(store->fail(a, {}));
  BOOST_TEST(!good(store->next_due(Kind::lead)));
  BOOST_TEST(!good(store->next_due(Kind::event)));
}

BOOST_FIXTURE_TEST_CASE(only_old_done_items_are_erased_a_bounded_number_at_a_time, LookFixture) {
  for (int i = 0; i < 1'200; ++i) add(Kind::event, std::to_string(i), "E", State::done);
  const auto failed = accept(Kind::lead, "failed");
  good(store->fail(failed, {}));
  const auto late = accept(Kind::lead, "late");
  const auto pending = accept(Kind::lead, "pending");
  now += kDay;
  good(store->done(late, {}));
  BOOST_TEST(good(store->erase_done(now)) == 500);
  BOOST_TEST(good(store->erase_done(now)) == 500);
  BOOST_TEST(good(store->erase_done(now)) == 200);
  BOOST_TEST(good(store->erase_done(now)) == 0);  // late finished only now
  BOOST_TEST((item(failed).state == State::failed));
  BOOST_TEST((item(pending).state == State::pending));
  now += 1;
  BOOST_TEST(good(store->erase_done(now)) == 1);
  BOOST_TEST(good(store->history(late)).empty());
  BOOST_TEST(good(store->history(failed)).size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(counters_are_kept_by_hour_for_60_days, LookFixture) {
  now = now / kHour * kHour;
  const Millis first = now;
  good(store->count("spam.honeypot"));
  good(store->count("spam.honeypot", 2));
  good(store->count("refused.token"));
  now += kHour;
  good(store->count("spam.honeypot"));
  auto counts = good(store->counts(first));
  BOOST_REQUIRE_EQUAL(counts.size(), 3u);
  BOOST_TEST(counts[0].name == "refused.token");
  BOOST_TEST(counts[1].count == 3);
  BOOST_TEST(counts[1].hour == first);
  BOOST_TEST(counts[2].hour == first + kHour);
  BOOST_TEST(good(store->counts(first + kHour)).size() == 1u);
  now = first + 60 * kDay + kHour;
  good(store->count("refused.token"));
  counts = good(store->counts(0));
  BOOST_REQUIRE_EQUAL(counts.size(), 2u);  // the first hour is gone
  BOOST_TEST(counts[0].hour == first + kHour);
}

BOOST_FIXTURE_TEST_CASE(uses_are_counted_within_their_window, LookFixture) {
  const auto use = [&](const char* key, Millis window = 1'000) {
    return good(store->use(key, window));
  };
  BOOST_TEST(use("a") == 1);
  BOOST_TEST(use("a") == 2);
  BOOST_TEST(use("b") == 1);
  BOOST_TEST(use("a", 5'000) == 1);
  now += 999;
  BOOST_TEST(use("a") == 3);
  now += 1;
  BOOST_TEST(use("a") == 1);
  BOOST_TEST(use("a", 5'000) == 2);
  now -= kDay;  // the clock was set back: nobody is locked out for a day
  BOOST_TEST(use("a") == 1);
  BOOST_TEST(use("a") == 2);
}

BOOST_FIXTURE_TEST_CASE(facts_are_shared_and_replaced, LookFixture) {
  BOOST_TEST(good(store->recall("k")) == "");
  const std::string_view any("w\0v", on_postgres() ? 1 : 3);  // PostgreSQL's texts have no NUL
  good(store->remember("k", "before"));
  good(store->remember("k", any));
  reopen();
  BOOST_TEST(good(store->recall("k")) == any);
}

BOOST_FIXTURE_TEST_CASE(last_number_outlives_its_item, LookFixture) {
  const auto before = good(store->last_number());
  const auto number = add(Kind::event, "a", "E", State::done);
  BOOST_TEST(number == before + 1);
  now += 10;
  BOOST_TEST(good(store->erase_done(now)) == 1);
  BOOST_TEST(good(store->last_number()) == number);
}

BOOST_FIXTURE_TEST_CASE(unreadable_payload_does_not_hide_the_item, LookFixture, *of_sqlite()) {
  const auto number = accept(Kind::lead, "a");
  close();
  BOOST_REQUIRE_EQUAL(
      run({{"sqlite3", (dir / "store.db").string(), "UPDATE items SET payload = 'garbage'"},
           {},
           "",
           {},
           {}})
          .status,
      0);
  store = open();
  BOOST_TEST(item(number).payload.is_null());
  BOOST_TEST(item(number).error_code == "payload_unreadable");
  BOOST_TEST(list({}) == (Ids{"a"}));
}

BOOST_AUTO_TEST_SUITE_END()
