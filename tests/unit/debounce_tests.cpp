// debounce_tests: whose turn it is when events of one object come one after the other.
#include <boost/test/unit_test.hpp>
#include <string>

#include "handler/debounce.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace debounce_tests {

struct Debounced : StoreFixture {
  ActionSettings action;
  std::int64_t first = accept(Kind::event, "first", "deal 1");

  Debounced() {
    action.event = "TEST";
    action.debounce = 10 * kSecond;
  }
  Turn turn_of(std::int64_t number, Value& own) {
    return good(take_turn(action, item(number), own, *store, now));
  }
  Turn turn_of(std::int64_t number) {
    Value own = item(number).progress["TEST"];
    return turn_of(number, own);
  }
  void pass(Millis time) { now += time; }
};

bool runs_now(const Turn& turn) {
  return turn.runs && turn.wait_until == 0;
}

}  // namespace debounce_tests

BOOST_AUTO_TEST_SUITE(debounce_tests)

BOOST_FIXTURE_TEST_CASE(it_waits_to_the_last_millisecond_and_no_longer, Debounced) {
  const Millis due = now + 10 * kSecond;
  for (const Millis time : {Millis{0}, 10 * kSecond - 1}) {
    now = due - 10 * kSecond + time;
    const Turn turn = turn_of(first);
    BOOST_TEST(!turn.runs);
    BOOST_TEST(turn.wait_until == due);
  }
  now = due;
  BOOST_TEST(runs_now(turn_of(first)));
}

BOOST_FIXTURE_TEST_CASE(who_need_not_wait_runs_at_once, Debounced) {
  const auto other = accept(Kind::event, "of no object");
  BOOST_TEST(runs_now(turn_of(other)));
  Value begun = Value::map({{"exec", Value::map({{"ended", true}})}});
  BOOST_TEST(runs_now(turn_of(first, begun)));
  action.debounce = 0;
  BOOST_TEST(runs_now(turn_of(first)));
}

BOOST_FIXTURE_TEST_CASE(a_clock_that_was_set_back_holds_nothing_up, Debounced) {
  pass(-1);
  BOOST_TEST(runs_now(turn_of(first)));
}

BOOST_FIXTURE_TEST_CASE(the_next_one_has_the_place_and_counts_those_before, Debounced) {
  const Millis begin = now;
  const auto second = accept(Kind::event, "second", "deal 1");
  accept(Kind::event, "of another object", "deal 2");
  pass(10 * kSecond);
  Value own;
  const Turn turn = turn_of(first, own);
  BOOST_TEST(!turn.runs);
  BOOST_TEST(turn.wait_until == 0);
  BOOST_TEST(own["joined_by"].integer() == second);
  BOOST_TEST(item(first).progress["TEST"]["joined_by"].integer() == second);
  // However often it is asked.
  BOOST_TEST(!turn_of(first).runs);

  const Value place = item(second).progress["TEST"];
  BOOST_TEST(place["since"].integer() == begin);
  BOOST_TEST(joined_of(place) == 2);
  // It does not wait anew: the first one has waited for both.
  BOOST_TEST(runs_now(turn_of(second)));
}

BOOST_FIXTURE_TEST_CASE(only_what_the_section_is_for_takes_a_place, Debounced) {
  NewItem other = new_item(Kind::event, "other", "deal 1");
  other.name = "OTHER";
  const auto second = test::accept(*store, other);
  pass(10 * kSecond);
  BOOST_TEST(runs_now(turn_of(first)));
  action.event = "*";
  Value own;
  BOOST_TEST(!turn_of(first, own).runs);
  BOOST_TEST(own["joined_by"].integer() == second);
}

BOOST_FIXTURE_TEST_CASE(one_that_is_over_takes_no_place, Debounced) {
  const auto second = accept(Kind::event, "second", "deal 1");
  pass(10 * kSecond);
  good(store->set_aside(second));
  BOOST_TEST(runs_now(turn_of(first)));
}

BOOST_FIXTURE_TEST_CASE(nothing_joined_is_one_event, Debounced) {
  BOOST_TEST(joined_of(Value()) == 1);
  BOOST_TEST(joined_of(Value::map({{"joined", 3}})) == 3);
}

BOOST_AUTO_TEST_SUITE_END()
