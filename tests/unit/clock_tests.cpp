// clock_tests: how a point in time is written, and what errors of the system say.
#include "base/clock.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "base/error.h"

using namespace b24;

namespace clock_tests {

// The process's time zone for as long as it lives.
class TimeZone {
 public:
  explicit TimeZone(const char* name) {
    if (const char* before = getenv("TZ")) before_ = before;
    set(name);
  }
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;
  ~TimeZone() { set(before_.empty() ? nullptr : before_.c_str()); }

 private:
  static void set(const char* name) {
    if (name)
      setenv("TZ", name, 1);
    else
      unsetenv("TZ");
    tzset();
  }
  std::string before_;
};

}  // namespace clock_tests

BOOST_AUTO_TEST_SUITE(clock_tests)

BOOST_AUTO_TEST_CASE(php_dates_have_hours_without_a_leading_zero) {
  const struct {
    const char* zone;
    b24::Millis at;
    const char* want;
  } rows[] = {
      {"UTC0", 0, "1970.01.01 0:00:00"},
      {"UTC0", 1'785'575'045'999, "2026.08.01 9:04:05"},
      {"UTC0", 1'785'625'445'000, "2026.08.01 23:04:05"},
      {"MSK-3", 1'785'575'045'000, "2026.08.01 12:04:05"},
      {"UTC0", -1, "1969.12.31 23:59:59"},
  };
  for (const auto& row : rows) {
    const TimeZone zone(row.zone);
    BOOST_TEST(b24::php_date(row.at) == row.want);
  }
}

BOOST_AUTO_TEST_CASE(iso_times_are_utc_with_milliseconds) {
  const TimeZone zone("MSK-3");
  BOOST_TEST(b24::iso_time(0) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(b24::iso_time(1'785'575'045'007) == "2026-08-01T09:04:05.007Z");
  BOOST_TEST(b24::iso_time(-1) == "1969-12-31T23:59:59.999Z");
}

BOOST_AUTO_TEST_CASE(now_is_the_systems_time) {
  const auto before = static_cast<b24::Millis>(std::time(nullptr)) * 1000;
  const b24::Millis now = b24::now_ms();
  BOOST_TEST(now >= before - 1000);
  BOOST_TEST(now <= (static_cast<b24::Millis>(std::time(nullptr)) + 2) * 1000);
}

BOOST_AUTO_TEST_CASE(system_errors_name_the_context_and_a_remedy) {
  const b24::Error error = b24::system_error(b24::ErrorKind::storage, "/data/x", ENOSPC);
  BOOST_TEST((error.kind == b24::ErrorKind::storage));
  BOOST_TEST(error.cause == "/data/x: No space left on device");
  for (const int number : {EACCES, ENOSPC, EROFS, ENOENT, EMFILE})
    BOOST_TEST(!b24::system_error(b24::ErrorKind::storage, "x", number).remedy.empty(), number);
  BOOST_TEST(b24::system_error(b24::ErrorKind::storage, "x", EDOM).remedy == "");
  BOOST_TEST(b24::name(b24::ErrorKind::portal) == std::string("portal"));
  BOOST_TEST(b24::name(b24::ErrorKind::input) == std::string("input"));
}

BOOST_AUTO_TEST_CASE(times_are_read) {
  constexpr Millis kNow = 1'800'000'000'000;
  const struct {
    const char* text;
    Millis want;
  } good_ones[] = {{"2026-11-24T06:00:00Z", 1'795'500'000'000},
                   {"2026-11-24T06:00:00", 1'795'500'000'000},
                   {"2026-11-24T09:00:00+03:00", 1'795'500'000'000},
                   {"2026-11-24T06:00", 1'795'500'000'000},
                   {"2026-11-24T06:00:00.250Z", 1'795'500'000'250},
                   {"2026-11-24", 1'795'478'400'000},
                   {"2026-11-24Z", 1'795'478'400'000},
                   {"90s", kNow - 90'000},
                   {"15m", kNow - 900'000},
                   {"2h", kNow - 7'200'000},
                   {"3d", kNow - 259'200'000},
                   {"0s", kNow}};
  for (const auto& [text, want] : good_ones)
    BOOST_TEST(read_since(text, Zone::utc, kNow).value_or(-1) == want, text);
  for (const char* bad : {"",
                          "x",
                          "2",
                          "2h ",
                          " 2h",
                          "-2h",
                          "2hh",
                          "2w",
                          "h",
                          "1.5h",
                          "99999999999999999999h",
                          "100000d",
                          "2026-11-24T06",
                          "2026-11-24T06:00+3x",
                          "2026-11-24T06:00:00.",
                          "2026-11-24T06:00:00.1e1Z",
                          "2026-13-01",
                          "2026-02-30",
                          "2026-11-24 06:00:00",
                          "2026-11-24T",
                          "2026-11-24T25:00:00Z",
                          "yesterday",
                          "2026-11-24ZZ"})
    BOOST_TEST(!read_since(bad, Zone::utc, kNow), bad);
}

BOOST_AUTO_TEST_CASE(a_time_says_its_zone_where_it_must) {
  const auto read = [](const char* text) { return read_time(text, Zone::must_be_said); };
  BOOST_TEST(read("1970-01-01T03:00:01+03:00").value() == 1'000);
  BOOST_TEST(read("1970-01-01T00:00:01-01:30").value() == 1'000 + 90 * 60'000);
  BOOST_TEST(read("1970-01-01T00:00:02Z").value() == 2'000);
  for (const char* bad : {"", "now", "1970-01-01", "1970-01-01T00:00:02", "2026-11-24 09:01:30"}) {
    BOOST_TEST(!read(bad).has_value(), bad);
  }
}

BOOST_AUTO_TEST_CASE(days_are_those_of_the_zone) {
  const TimeZone there("CET-1CEST,M3.5.0,M10.5.0/3");
  const Millis midnight = read_time("2026-03-29", Zone::local).value();
  BOOST_TEST(midnight == read_time("2026-03-28T23:00Z", Zone::utc).value());
  BOOST_TEST(last_midnight(midnight) == midnight);
  BOOST_TEST(last_midnight(midnight - 1) == midnight - kDay);
  // A day of 23 hours.
  BOOST_TEST(last_midnight(midnight + 36 * kHour) == midnight + 23 * kHour);
}

BOOST_AUTO_TEST_SUITE_END()
