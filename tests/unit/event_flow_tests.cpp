// event_flow_tests: when a silence is one, when an action chases itself, how soon we answered.
#include "keep/event_flow.h"

#include <boost/test/unit_test.hpp>

#include "store_fixture.h"
#include "value/json.h"

using namespace b24;

namespace event_flow_tests {

constexpr Millis kMonday = 1'699'833'600'000;  // 2023-11-13, 00:00 UTC
constexpr Loops::Limit kLimit{5, 10 * kMinute};

// From nine to six on working days, one every ten minutes.
Rhythm office(int days) {
  Rhythm rhythm;
  for (int day = 0; day < days; ++day) {
    if (day % 7 >= 5) continue;
    for (Millis at = 9 * kHour; at <= 18 * kHour; at += 10 * kMinute)
      rhythm.came("ONCRMDEALUPDATE", kMonday + day * kDay + at);
  }
  return Rhythm::parse(rhythm.print());
}

bool is_silent(const Rhythm& rhythm, Millis at) {
  return !rhythm.silences(at).empty();
}

// Whether the section is stopped when it changes object 7 `times` times, each because of an event
// that came `wait` after its own change.
bool is_stopped(int times, Millis wait, Millis between = 0) {
  Loops loops;
  Millis received = kMonday;
  for (int i = 0; i < times; ++i) {
    const Millis now = received + 10;
    if (loops.stop("ONX", "ONX:7", received, now, kLimit) != 0) return true;
    loops.changed("ONX", "ONX:7", received, now, kLimit.time);
    loops = Loops::parse(loops.print());
    received = now + wait + between;
  }
  return false;
}

}  // namespace event_flow_tests

BOOST_AUTO_TEST_SUITE(event_flow_tests)

BOOST_AUTO_TEST_CASE(nights_and_weekends_are_no_silence) {
  const Rhythm rhythm = office(5);
  const Millis friday = kMonday + 4 * kDay + 18 * kHour;
  for (const Millis later : {kHour, 15 * kHour, 2 * kDay, 2 * kDay + 15 * kHour})
    BOOST_TEST(!is_silent(rhythm, friday + later), later);
}

BOOST_AUTO_TEST_CASE(a_silence_far_beyond_the_usual_gap_is_told) {
  const Rhythm rhythm = office(12);
  const Millis last = kMonday + 11 * kDay + 18 * kHour;
  BOOST_TEST(!is_silent(rhythm, last + 3 * kDay));
  const auto silences = rhythm.silences(last + 5 * kDay);
  BOOST_REQUIRE(silences.size() == 1u);
  BOOST_TEST(silences[0].name == "ONCRMDEALUPDATE");
  BOOST_TEST(silences[0].last == last);
  BOOST_TEST(silences[0].longest > 14 * kHour);
  BOOST_TEST(silences[0].longest <= 15 * kHour);
  // Another name goes on.
  Rhythm two = rhythm;
  two.came("ONX", last + 5 * kDay);
  BOOST_TEST(two.silences(last + 5 * kDay).size() == 1u);
  two.came("ONCRMDEALUPDATE", last + 5 * kDay);
  BOOST_TEST(!is_silent(two, last + 5 * kDay + kHour));
}

BOOST_AUTO_TEST_CASE(a_busy_name_is_missed_within_hours) {
  Rhythm rhythm;
  Millis at = kMonday;
  for (; at < kMonday + 4 * kDay; at += kMinute) rhythm.came("ONX", at);
  BOOST_TEST(!is_silent(rhythm, at + 50 * kMinute));
  BOOST_TEST(is_silent(rhythm, at + 70 * kMinute));
}

BOOST_AUTO_TEST_CASE(a_long_gap_counts_half_after_two_weeks) {
  Rhythm rhythm;
  rhythm.came("ONX", kMonday);
  for (Millis at = 2 * kDay; at <= 16 * kDay; at += kHour) rhythm.came("ONX", kMonday + at);
  const Millis longest = rhythm.all().at(0).longest;
  BOOST_TEST(longest > kDay * 99 / 100);
  BOOST_TEST(longest <= kDay);
}

BOOST_AUTO_TEST_CASE(what_is_new_rare_or_long_gone_is_not_missed) {
  Rhythm fresh;
  for (int i = 0; i < 100; ++i) fresh.came("ONX", kMonday + i * kMinute);
  BOOST_TEST(!is_silent(fresh, kMonday + 2 * kDay));
  Rhythm rare;
  for (int i = 0; i < 10; ++i) rare.came("ONX", kMonday + i * kDay);
  BOOST_TEST(!is_silent(rare, kMonday + 25 * kDay));
  BOOST_TEST(is_silent(office(5), kMonday + 20 * kDay));
  BOOST_TEST(!is_silent(office(5), kMonday + 40 * kDay));
}

BOOST_AUTO_TEST_CASE(the_rhythm_of_any_number_of_names_stays_small) {
  Rhythm rhythm;
  for (int i = 0; i < 10'000; ++i)
    rhythm.came("ON" + std::string(1'000, 'x') + std::to_string(i), kMonday);
  for (int i = 0; i < 10'000; ++i) rhythm.came(std::to_string(i), kMonday);
  BOOST_TEST(rhythm.print().size() < 40'000u);
  BOOST_TEST(good(json::parse(rhythm.print())).size() == 200u);
  for (const char* text : {"", "x", "[]", "5", R"({"ONX":5})", R"({"ONX":["a"]})"})
    BOOST_TEST(!is_silent(Rhythm::parse(text), kMonday));
}

BOOST_AUTO_TEST_CASE(a_section_that_follows_its_own_changes_is_stopped) {
  BOOST_TEST(!is_stopped(6, 500));
  BOOST_TEST(is_stopped(7, 500));
  BOOST_TEST(is_stopped(7, 30 * kSecond));
}

BOOST_AUTO_TEST_CASE(what_others_change_is_no_loop) {
  BOOST_TEST(!is_stopped(100, 0, 2 * kMinute));  // long after our own
  // All came before the first was dealt with.
  Loops loops;
  for (int i = 0; i < 100; ++i) {
    const Millis now = kMonday + i * kSecond;
    BOOST_TEST(loops.stop("ONX", "ONX:7", kMonday - kSecond, now, kLimit) == 0);
    loops.changed("ONX", "ONX:7", kMonday - kSecond, now, kLimit.time);
  }
  BOOST_TEST(loops.loops(kMonday).empty());
}

BOOST_AUTO_TEST_CASE(changes_are_counted_together_for_as_long_as_the_limit_says) {
  for (const auto& [later, first] :
       {std::pair(kMinute, kMonday), std::pair(kMinute + 1, kMonday + kMinute + 1)}) {
    Loops loops;
    loops.changed("ONX", "ONX:7", kMonday, kMonday, kMinute);
    loops.changed("ONX", "ONX:7", kMonday + later, kMonday + later, kMinute);
    BOOST_TEST(loops.print().contains("[" + std::to_string(first)), later);
  }
}

BOOST_AUTO_TEST_CASE(a_loop_is_stopped_for_its_object_alone_and_goes_on_later) {
  Loops loops;
  const auto chase = [&](const std::string& object, Millis from, const Loops::Limit& limit) {
    for (Millis at = from;; at += kSecond) {
      if (const Millis until = loops.stop("ONX", object, at, at, limit); until != 0) return until;
      if (at > from + kMinute) return Millis{0};
      loops.changed("ONX", object, at, at, limit.time);
    }
  };
  const Millis until = chase("ONX:7", kMonday, kLimit);
  BOOST_TEST(until > kMonday + 10 * kMinute);
  BOOST_TEST(loops.stop("ONX", "ONX:7", until - 1, until - 1, kLimit) == until);
  BOOST_TEST(loops.stop("ONX", "ONX:8", until - 1, until - 1, kLimit) == 0);
  BOOST_TEST(loops.stop("ONX other", "ONX:7", until - 1, until - 1, kLimit) == 0);
  const auto told = loops.loops(until + kHour);
  BOOST_REQUIRE(told.size() == 1u);
  BOOST_TEST(told[0].what == "ONX ONX:7");
  BOOST_TEST(told[0].until == until);
  BOOST_TEST(loops.loops(until + 2 * kDay).empty());
  BOOST_TEST(loops.stop("ONX", "ONX:7", until - 1, until, kLimit) == 0);
  BOOST_TEST(chase("ONX:7", until, kLimit) > until);  // and is found again
  BOOST_TEST(chase("ONX:9", kMonday, {0, kMinute}) == 0);
}

BOOST_AUTO_TEST_CASE(answer_times_are_told_by_share) {
  AnswerTimes times;
  BOOST_TEST(times.within(0.5) == 0);
  times.add("refused.robot", 1'000);
  for (int i = 0; i < 98; ++i) times.add(AnswerTimes::counter(2), 1);
  times.add(AnswerTimes::counter(150), 1);
  times.add(AnswerTimes::counter(2'500), 1);
  BOOST_TEST(times.within(0.5) == 2);
  BOOST_TEST(times.within(0.99) == 200);
  BOOST_TEST(times.within(1) == 5'000);
  BOOST_TEST(AnswerTimes::counter(0) == AnswerTimes::counter(1));
  BOOST_TEST(AnswerTimes::counter(10 * kHour) == AnswerTimes::counter(60'000));
}

BOOST_AUTO_TEST_SUITE_END()
