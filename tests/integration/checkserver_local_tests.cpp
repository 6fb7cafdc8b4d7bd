// checkserver_local_tests: the self-check's rows about settings, storage and the work done, each
// with the very thing broken.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "base/clock.h"
#include "check_site.h"
#include "keep/store.h"
#include "keep/work_loop.h"
#include "store_fixture.h"
#include "value/json.h"

namespace checkserver_local_tests {

namespace fs = std::filesystem;
using namespace b24::test;
using b24::Value;

b24::NewItem item_of(b24::Kind kind, const std::string& id, b24::Millis received_at,
                     b24::State state = b24::State::pending) {
  b24::NewItem item;
  item.kind = kind;
  item.id = id;
  item.received_at = received_at;
  item.state = state;
  item.payload = Value::map({{"text", std::string(500, 'x')}});
  return item;
}

// With a file of the installed templates changed.
void use_own_templates(const BareCheck& bare, const std::string& file, const std::string& from,
                       const std::string& to) {
  fs::copy("templates", bare.dir / "templates");
  std::string text = read_file(bare.dir / "templates" / file);
  const std::size_t at = text.find(from);
  BOOST_REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  write_file(bare.dir / "templates" / file, text);
  std::string settings = read_file(bare.settings());
  settings.replace(settings.find("templates = "), std::string::npos, "templates = templates\n");
  write_file(bare.settings(), settings);
}

// One run under strace, which makes system calls of the program's files fail.
Value traced(const BareCheck& bare, const std::string& inject, const fs::path& path) {
  const Ran ran = run({{"strace", "-f", "-qq", "-o", "/dev/null", "-P", path.string(), "-e",
                        "inject=" + inject, built("cgi-bin/checkserver.fcgi"), "--settings",
                        bare.settings().string(), "--format", "json"}});
  return parsed_json(ran.out);
}

}  // namespace checkserver_local_tests

BOOST_AUTO_TEST_SUITE(checkserver_local_tests)

BOOST_AUTO_TEST_CASE(settings_that_are_broken_are_named_by_line_and_cure) {
  struct Case {
    const char* line;
    const char* words;
  };
  for (const Case& c :
       {Case{"nonsense_key = 1", "no key \"nonsense_key\""},
        Case{"[nonsense]\na = 1", "no section [nonsense]"}, Case{"[data\n", "neither"},
        Case{"C_REST_BLOCK_LOG = perhaps", "expects Y or N"},
        Case{"[data]\ndir = a\ndir = b", "second time"}}) {
    const BareCheck bare(c.line);
    const Ran ran = run_check(bare.settings());
    BOOST_TEST_CONTEXT(c.line) {
      BOOST_TEST(ran.status == 2);
      expect_row(parsed_json(ran.out), "settings", "error", c.words);
      expect_row(parsed_json(ran.out), "settings", "error", "settings.conf:");
    }
  }
  const Ran missing = run_check("/no/such/settings.conf");
  BOOST_TEST(missing.status == 2);
  expect_row(parsed_json(missing.out), "settings", "error", "settings.conf.example");
}

// Where "=" is forgotten the secret is a part of the name.
BOOST_AUTO_TEST_CASE(an_error_of_the_settings_never_shows_a_secret) {
  for (const char* line :
       {"C_REST_WEB_HOOK_URL https://example.com/rest/1/canarycanary99/",
        "[checkserver]\nkey canarycanary99==", "[checkserver]\nkey = canary\n",
        "[portal]\napplication_token canarycanary99: x",
        "[checkserver]\naccess = key\nkey: canarycanary99\nkey: canarycanary99"}) {
    const Ran ran = run_check(BareCheck(line).settings());
    BOOST_TEST_CONTEXT(line) {
      expect_row(parsed_json(ran.out), "settings", "error");
      BOOST_TEST(!(ran.out + ran.err).contains("canary"), ran.out + ran.err);
    }
  }
}

BOOST_AUTO_TEST_CASE(settings_that_others_read_are_found) {
  const BareCheck open;
  chmod(open.settings().c_str(), 0644);
  const Value report = parsed_json(run_check(open.settings()).out);
  expect_row(report, "settings", "error", "settings.conf");
  expect_row(report, "settings_privacy", "error", "settings.conf");
  BOOST_TEST(check_row(report, "settings_privacy")["paste"][0].text() ==
             "chmod 600 " + open.settings().string());
  // The own group may read, as root:www-data 0640 lets it.
  chmod(open.settings().c_str(), 0640);
  expect_row(open.report(), "settings_privacy", "ok");
}

BOOST_AUTO_TEST_CASE(templates_and_catalogues_that_are_broken_are_found) {
  const BareCheck broken("[checkserver]\naccess = public");
  use_own_templates(broken, "checkserver.mustache", "{{/details}}", "");
  expect_row(broken.report(), "templates", "error", "checkserver.mustache");
  const FcgiAnswer page = CheckServer(broken).get("");  // without them a text says it
  BOOST_TEST(page.status == 503);
  BOOST_TEST(page.body.contains("checkserver.mustache"));
  const BareCheck partly;
  use_own_templates(partly, "messages.ru.conf", "checks_title = ", "checks_titel = ");
  expect_row(partly.report(), "templates", "warning", "checks_titel");
  const BareCheck none("[form]\ntitle = {no_such_field}");
  expect_row(none.report(), "form", "error", "no_such_field");
}

BOOST_AUTO_TEST_CASE(directories_that_others_read_or_nobody_writes_are_found) {
  const BareCheck open;
  chmod(open.data().c_str(), 0755);
  const Value report = open.report();
  expect_row(report, "data_dir", "error", "Other users");
  BOOST_TEST(check_row(report, "data_dir")["paste"][0].text().starts_with("chmod 700 "));
  expect_row(report, "store", "error", "chmod 700");
  const BareCheck nowhere("[data]\ndir = /proc/self/fdinfo");
  expect_row(nowhere.report(), "write", "error", "/proc/self/fdinfo");
  const BareCheck file("[data]\ndir = settings.conf");
  expect_row(file.report(), "data_dir", "error", "not a directory");
  const BareCheck logs("C_REST_LOGS_DIR = /no/such/place");
  expect_row(logs.report(), "logs_dir", "error", "/no/such/place");
}

BOOST_AUTO_TEST_CASE(logs_that_cannot_be_written_or_grow_for_ever_are_found) {
  const BareCheck bare("[log]\nmax_size = 1K");
  fs::create_directory(bare.data() / "hook.log");
  write_file(bare.data() / "b24hooks.log", std::string(3000, '\n'));
  Value report = bare.report();
  expect_row(report, "hook_log", "error", "hook.log");
  expect_row(report, "log_file", "warning", "not rotated");
  fs::remove(bare.data() / "hook.log");
  write_file(bare.data() / "hook.log", std::string(3000, '\n'));
  write_file(bare.data() / "b24hooks.log", "");
  chmod((bare.data() / "b24hooks.log").c_str(), 0644);
  report = bare.report();
  expect_row(report, "hook_log", "warning", "not rotated");
  expect_row(report, "log_file", "warning", "Other users");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_found) {
  const BareCheck bare;
  expect_row(bare.report(), "write", "ok");
  const Ran ran = run({{"strace", "-f", "-qq", "-o", "/dev/null", "-e",
                        "inject=fdatasync:error=ENOSPC", built("cgi-bin/checkserver.fcgi"),
                        "--settings", bare.settings().string(), "--format", "json"}});
  BOOST_TEST(ran.status == 2);
  expect_row(parsed_json(ran.out), "write", "error", "No space left");
  expect_row(parsed_json(ran.out), "write", "error", "disk is full");
}

// On a disk of its own, where the kernel lets us have one.
BOOST_AUTO_TEST_CASE(a_disk_with_little_room_is_found) {
  const BareCheck bare;
  const std::string data = bare.data().string();
  const auto on_disk = [&](const std::string& size) {
    return run({{"unshare", "--map-root-user", "--mount", "sh", "-c",
                 "mount -t tmpfs -o size=" + size + ",mode=700 none " + data +
                     " || exit 77; exec " + built("cgi-bin/checkserver.fcgi") +
                     " --format json --settings " + bare.settings().string()}});
  };
  const Ran tiny = on_disk("1m");
  if (tiny.out.empty()) {
    BOOST_TEST_MESSAGE("no tmpfs here: " + tiny.err);
    return;
  }
  expect_row(parsed_json(tiny.out), "space", "error", "of 1 MB are free");
  expect_row(parsed_json(on_disk("100m").out), "space", "warning", "of 100 MB are free");
}

BOOST_AUTO_TEST_CASE(a_file_system_without_shared_memory_is_told) {
  const BareCheck bare;
  expect_row(bare.report(), "journal", "ok");
  const BareCheck other;
  const Value report = traced(other, "mmap:error=ENODEV", other.data() / "store.db-probe");
  expect_row(report, "store", "ok");
  expect_row(report, "journal", "warning", "local disk");
}

BOOST_AUTO_TEST_CASE(a_damaged_store_is_found) {
  const BareCheck bare;
  {
    const auto store = bare.store();
    for (int i = 0; i < 200; ++i) {
      const auto item =
          item_of(b24::Kind::event, "e" + std::to_string(i), b24::now_ms(), b24::State::done);
      BOOST_REQUIRE(store->accept({item}).has_value());
    }
  }
  expect_row(bare.report(), "store_sound", "ok");
  const fs::path file = bare.data() / "store.db";
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  BOOST_REQUIRE(fd >= 0);
  const std::string rubbish(3000, 'z');
  for (off_t at = 20 * 4096 + 100; at < static_cast<off_t>(fs::file_size(file)); at += 4096) {
    BOOST_REQUIRE(pwrite(fd, rubbish.data(), rubbish.size(), at) > 0);
  }
  close(fd);
  const Value report = bare.report();
  const bool found = check_row(report, "store_sound")["state"].text() == "error" ||
                     check_row(report, "store")["state"].text() == "error";
  BOOST_TEST(found, b24::json::print(report));
}

BOOST_AUTO_TEST_CASE(a_store_of_another_release_is_found) {
  const BareCheck bare;
  bare.store();
  const int fd = ::open((bare.data() / "store.db").c_str(), O_RDWR | O_CLOEXEC);
  constexpr unsigned char kVersion[] = {0, 0, 0x7f, 0x7f};  // user_version, in SQLite's header
  BOOST_REQUIRE(pwrite(fd, kVersion, sizeof kVersion, 60) == 4);
  close(fd);
  expect_row(bare.report(), "store", "error", "version 32639");
}

BOOST_AUTO_TEST_CASE(a_dead_worker_is_found_and_a_live_one_is_known) {
  const BareCheck bare;
  const b24::Millis now = b24::now_ms();
  {
    const auto store = bare.store();
    BOOST_REQUIRE(store->accept({item_of(b24::Kind::lead, "lead", now - 3 * b24::kHour)}));
    BOOST_REQUIRE(store->accept({item_of(b24::Kind::event, "event", now - 3 * b24::kHour)}));
    for (const b24::Kind kind : {b24::Kind::lead, b24::Kind::event}) {
      BOOST_REQUIRE(store->remember(b24::last_run_key(kind), std::to_string(now - 2 * b24::kHour)));
    }
  }
  Value report = bare.report();
  expect_row(report, "delivery", "error", "2 h ago, and leads wait");
  BOOST_TEST(check_row(report, "delivery")["paste"][0].text() ==
             "* * * * * " + fs::canonical(built("cgi-bin/index.fcgi")).string() + " --settings " +
                 bare.settings().string() + " --deliver");
  expect_row(report, "event_work", "error", "2 h ago, and events wait");
  BOOST_TEST(check_row(report, "event_work")["paste"][0].text().ends_with(" --work"));
  expect_row(report, "leads", "warning", "wait for 3 h");
  expect_row(report, "events", "warning", "wait for 3 h");
  BOOST_TEST(
      run({{built("cgi-bin/index.fcgi"), "--settings", bare.settings().string(), "--deliver"}})
          .status >= 0);
  BOOST_TEST(
      run({{built("cgi-bin/handler.fcgi"), "--settings", bare.settings().string(), "--work"}})
          .status == 0);
  report = bare.report();
  expect_row(report, "delivery", "ok", "s ago");
  expect_row(report, "event_work", "ok", "s ago");
}

BOOST_AUTO_TEST_CASE(leads_that_failed_or_are_stuck_are_found) {
  const BareCheck bare;
  {
    const auto store = bare.store();
    const auto lead = b24::test::accept(*store, item_of(b24::Kind::lead, "a", b24::now_ms()));
    b24::Outcome refused;
    refused.code = "ERROR_CORE";
    refused.text = "The field Branch is required";
    BOOST_REQUIRE(store->fail(lead, refused));
  }
  const Value report = bare.report();
  expect_row(report, "leads", "warning", "ERROR_CORE The field Branch is required");
  BOOST_TEST(check_row(report, "leads")["paste"][1].text().ends_with(" --retry all"));
  BOOST_REQUIRE(
      bare.store()->accept({item_of(b24::Kind::lead, "b", b24::now_ms() - 20 * b24::kHour)}));
  expect_row(bare.report(), "leads", "error", "wait for 20 h");
}

BOOST_AUTO_TEST_CASE(late_events_refusals_and_spam_are_told) {
  const BareCheck bare;
  {
    const auto store = bare.store();
    b24::NewItem late = item_of(b24::Kind::event, "a", b24::now_ms(), b24::State::done);
    late.payload = Value::map({{"ts", std::to_string(b24::now_ms() / 1000 - 900)}});
    BOOST_REQUIRE(store->accept({late}).has_value());
    BOOST_REQUIRE(store->count("refused.wrong_token", 2));
    BOOST_REQUIRE(store->count("spam.honeypot", 3));
  }
  const Value report = bare.report();
  expect_row(report, "event_lag", "warning", "15 min after");
  expect_row(report, "refusals", "info", "Refused requests: 2; submissions dropped as spam: 3");
  BOOST_TEST(check_row(report, "refusals")["metrics"]["spam_last_day"].real() == 3);
}

BOOST_AUTO_TEST_CASE(the_last_errors_are_told_unless_there_is_no_log_of_them) {
  const BareCheck bare;
  const std::string line = "{\"time\":\"" + b24::iso_time(b24::now_ms()) +
                           "\",\"level\":\"error\",\"what\":\"delivery\",\"code\":\"timeout\","
                           "\"cause\":\"https://example.com/rest/1/secret-of-then/ is silent\"}\n";
  write_file(bare.data() / "b24hooks.log", line);
  const Value report = bare.report();
  expect_row(report, "errors", "warning", "delivery timeout: https://example.com/rest/1/***/");
  const BareCheck blocked("C_REST_BLOCK_LOG = Y");
  write_file(blocked.data() / "b24hooks.log", line);
  expect_row(blocked.report(), "errors", "info", "C_REST_BLOCK_LOG");
  const BareCheck dumped("C_REST_LOG_TYPE_DUMP = Y");
  expect_row(dumped.report(), "errors", "info", "C_REST_LOG_TYPE_DUMP");
}

BOOST_AUTO_TEST_SUITE_END()
