// clock_tests: how a point in time is written, and what errors of the system say.
#include "base/clock.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "base/error.h"

namespace clock_tests {

// The process's time zone for as long as it lives.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* before = getenv("TZ")) before_ = before;
    set(name);
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;
  ~Zone() { set(before_.empty() ? nullptr : before_.c_str()); }

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
    const Zone zone(row.zone);
    BOOST_TEST(b24::php_date(row.at) == row.want);
  }
}

BOOST_AUTO_TEST_CASE(iso_times_are_utc_with_milliseconds) {
  const Zone zone("MSK-3");
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

BOOST_AUTO_TEST_SUITE_END()
