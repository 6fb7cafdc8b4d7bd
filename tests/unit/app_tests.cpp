// app_tests: what a page is made from.
#include "settings/app.h"

#include <time.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "base/clock.h"
#include "process.h"

using namespace b24;

BOOST_AUTO_TEST_SUITE(app_tests)

// The setting was once read and then not used.
BOOST_AUTO_TEST_CASE(the_time_zone_of_the_settings_is_the_process_own) {
  const std::string before = php_date(0);
  const struct {
    const char* zone;
    const char* epoch;
  } rows[] = {{"Asia/Tokyo", "1970.01.01 9:00:00"},
              {"+05:30", "1970.01.01 5:30:00"},
              {"-03:00", "1969.12.31 21:00:00"}};
  for (const auto& row : rows) {
    const test::TempDir dir;
    test::write_file(dir / "settings.conf",
                     std::string("[data]\ndir = data\n[log]\ntime_zone = ") + row.zone + "\n");
    const char* environment[] = {nullptr};
    Launch launch;
    launch.settings_file = (dir / "settings.conf").string();
    launch.environment = environment;
    const AppSource source(launch, "handler");
    BOOST_TEST(php_date(0) == row.epoch, row.zone);
  }
  unsetenv("TZ");
  tzset();
  BOOST_TEST(php_date(0) == before);
}

// FastCGI tells the web root with each request only.
BOOST_AUTO_TEST_CASE(settings_below_a_requests_web_root_are_refused) {
  const test::TempDir dir;
  test::write_file(dir / "settings.conf", "[data]\ndir = data\n");
  std::filesystem::permissions(dir / "settings.conf", std::filesystem::perms::owner_read);
  const char* environment[] = {nullptr};
  Launch launch;
  launch.settings_file = (dir / "settings.conf").string();
  launch.environment = environment;
  AppSource source(launch, "index");
  BOOST_TEST(source.current_for("").has_value());
  BOOST_TEST(source.current_for((dir / "web").string()).has_value());
  for (const std::string& root : {dir.path().string(), dir.path().string() + "/"}) {
    const Result<App> refused = source.current_for(root);
    BOOST_TEST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().code == "settings_in_web_root");
    BOOST_TEST(refused.error().remedy == "move it to /etc/b24hooks/settings.conf");
  }
  BOOST_TEST(source.current_for((dir / "web").string()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
