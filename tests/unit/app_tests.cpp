// app_tests: what a page is made from.
#include "settings/app.h"

#include <grp.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "base/clock.h"
#include "event_fixture.h"
#include "process.h"
#include "settings/permission.h"
#include "store_fixture.h"
#include "web/app_page.h"

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

BOOST_AUTO_TEST_CASE(what_a_file_said_stays_in_use_while_it_is_gone) {
  const test::TempDir dir;
  const auto file = dir / "settings.conf";
  test::write_file(file, "[data]\ndir = data\n[handler]\ngive_up = 9d\n");
  const std::string data = "B24HOOKS_DATA_DIR=" + (dir / "data").string();
  const char* environment[] = {data.c_str(), nullptr};
  Launch launch;
  launch.settings_file = file.string();
  launch.environment = environment;
  Millis now = 1'000;
  AppSource source(launch, "index", [&] { return now += kSecond; });
  BOOST_TEST(test::good(source.current()).settings->handler.give_up == 9 * kDay);
  std::filesystem::rename(file, dir / "away");
  BOOST_TEST(test::good(source.current()).settings->handler.give_up == 9 * kDay);
  BOOST_TEST(source.settings_fault().value().cause.contains("settings.conf: No such file"));
  std::filesystem::rename(dir / "away", file);
  BOOST_TEST(test::good(source.current()).settings->handler.give_up == 9 * kDay);
  BOOST_TEST(!source.settings_fault());
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

// Its owner opens a file for himself alone; to anybody else it is opened by a group.
BOOST_AUTO_TEST_CASE(who_may_change_a_file_is_told_to_and_others_ask_for_a_group) {
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("skipped: needs the right to be somebody else");
    return;
  }
  constexpr uid_t kNobody = 65534;
  const test::TempDir dir;
  const auto file = [&](const char* name, mode_t mode, uid_t owner, gid_t group) {
    std::string path = (dir / name).string();
    test::write_file(path, "x");
    BOOST_REQUIRE(::chmod(path.c_str(), mode) == 0 && ::chown(path.c_str(), owner, group) == 0);
    return path;
  };
  const std::string open = file("open", 0644, 0, 0), own = file("own", 0644, kNobody, kNobody),
                    closed = file("closed", 0600, 0, 0), web = file("web", 0604, 0, 33);
  using Lines = ShellLines;
  BOOST_TEST(lines_to_read(closed) == Lines{}, boost::test_tools::per_element());
  BOOST_TEST(lines_to_read(open) == Lines{"chmod 600 " + open}, boost::test_tools::per_element());
  // Root may, whosever it is.
  BOOST_TEST(lines_to_read(own) == Lines{"chmod 600 " + own}, boost::test_tools::per_element());
  BOOST_TEST(lines_to_read(web) == Lines{"chmod 640 " + web}, boost::test_tools::per_element());
  BOOST_REQUIRE(::chmod(dir.path().c_str(), 0711) == 0);
  const auto to_nobody = [&](const std::string& path, const Lines& lines) {
    test::Forked nobody([&] {
      return ::setgroups(0, nullptr) == 0 && ::setegid(kNobody) == 0 && ::seteuid(kNobody) == 0 &&
             lines_to_read(path) == lines;
    });
    BOOST_TEST(nobody.join(), path);
  };
  to_nobody(own, {"chmod 600 " + own});
  for (const std::string& others : {open, closed})
    to_nobody(others, {"chgrp nogroup " + others, "chmod 640 " + others});
}

// What was advised there would have shut the pages out.
BOOST_AUTO_TEST_CASE(who_is_not_meant_is_told_as_whom_to_run_it) {
  if (::geteuid() != 0) return;  // only root may be somebody else
  const test::TempDir dir;
  const auto file = dir / "settings.conf";
  test::write_file(file, "[data]\ndir = data\n");
  BOOST_REQUIRE(::chmod(dir.path().c_str(), 0711) == 0 && ::chmod(file.c_str(), 0640) == 0);
  BOOST_REQUIRE(::chown(file.c_str(), 0, 33) == 0);
  test::Forked nobody([&] {
    if (::setgroups(0, nullptr) != 0 || ::setegid(65534) != 0 || ::seteuid(65534) != 0)
      return false;
    const auto settings = load_settings(file, nullptr);
    return !settings && settings.error().remedy.contains("sudo -u www-data ");
  });
  BOOST_TEST(nobody.join());
}

// Files in an own directory that others may read do not make it one that others use.
BOOST_AUTO_TEST_CASE(an_own_directory_that_is_open_is_closed) {
  const test::TempDir dir;
  test::write_file(dir / "kept", "x");
  BOOST_REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  const ShellLines lines = lines_to_own(dir.path(), {"dir = "});
  BOOST_TEST(lines == ShellLines{"chmod 700 " + dir.path().string()},
             boost::test_tools::per_element());
}

// A program that lives looks at all templates; a CGI process at what its one answer needs.
BOOST_AUTO_TEST_CASE(only_a_cgi_process_looks_at_no_template_but_its_own) {
  struct OwnPage : AppPage {
    using AppPage::AppPage;
    Response respond(const Request&) override { return {}; }
    int command(const Arguments&) override { return 0; }
    bool has_templates() { return templates_.current().has_value(); }
  };
  const test::EventSettings settings;
  std::filesystem::create_directory(settings.dir / "templates");
  test::write_file(settings.dir / "templates" / "checkserver.mustache", "{{#broken}}");
  for (const Mode mode : {Mode::fastcgi, Mode::cgi}) {
    Launch launch = settings.launch();
    launch.mode = mode;
    BOOST_TEST(OwnPage(launch, "index").has_templates() == (mode == Mode::cgi));
  }
}

BOOST_AUTO_TEST_SUITE_END()
