// checkserver_site_tests: the self-check's rows about the own site as the internet sees it, with
// the very thing broken; and that looking changes nothing.
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <memory>
#include <set>

#include "base/clock.h"
#include "check_site.h"
#include "decorators.h"
#include "portal/test_event.h"

namespace checkserver_site_tests {

namespace fs = std::filesystem;
using namespace b24::test;
using b24::Value;

std::string site_part(const std::string& url, const std::string& token) {
  return "[site]\npublic_url = " + url + "\n[portal]\napplication_token = " + token;
}

}  // namespace checkserver_site_tests

BOOST_AUTO_TEST_SUITE(checkserver_site_tests)

BOOST_AUTO_TEST_CASE(a_whole_site_is_found_well) {
  HttpReply reply;
  Value report;
  const auto is_well = [&] {
    reply = shared_site().get(std::string(kCheckPage) + "?format=json");
    report = parsed_json(reply.body);
    return report["verdict"].text() == "ok";
  };
  BOOST_TEST(wait_until(is_well, kDeadline * 6), reply.body);  // a busy disk is told of, too
  BOOST_TEST(reply.status == 200);
  for (const char* id : {"curl",
                         "sqlite",
                         "settings",
                         "store",
                         "write",
                         "leaks",
                         "webhook_url",
                         "portal_address",
                         "portal_tls",
                         "portal_answer",
                         "portal_clock",
                         "portal_user",
                         "portal_scope",
                         "portal_methods",
                         "portal_fields",
                         "portal_stage",
                         "portal_responsible",
                         "token",
                         "test_event",
                         "delivery",
                         "event_work"}) {
    expect_row(report, id, "ok");
  }
  expect_row(report, "process", "info", "FastCGI; web server: nginx/");
}

BOOST_AUTO_TEST_CASE(looking_changes_nothing) {
  Site& site = breakable_site();
  const auto names = [&] {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(site.run_dir() / "data")) {
      all.insert(entry.path().filename().string());
    }
    return all;
  };
  checked(site);
  const auto store = b24::Store::open(site.run_dir() / "data").value();
  const std::string log = site.hook_log();
  const Value leads = site.leads();
  const auto before = names();
  const auto number = *store->last_number();
  for (int i = 0; i < 3; ++i) checked(site);
  BOOST_TEST(site.hook_log() == log);
  BOOST_TEST((site.leads() == leads));
  BOOST_TEST((names() == before));
  BOOST_TEST(*store->last_number() == number);
  BOOST_TEST(site.events().size() == 0U);
  expect_row(checked(site), "events", "ok", "Today: 0");
}

BOOST_AUTO_TEST_CASE(files_that_the_web_server_gives_away_are_found, *shows("T26")) {
  const TempDir dir;
  const OpenServer server(dir);
  const BareCheck bare("[site]\npublic_url = " + server.url());
  expect_row(bare.report(), "leaks", "ok");
  for (const char* path : {"data/store.db", "settings.conf", "hook.log", ".git/HEAD"}) {
    const fs::path file = dir.path() / "www" / path;
    fs::create_directories(file.parent_path());
    chmod(file.parent_path().c_str(), 0755);
    write_file(file, "SQLite format 3");
    chmod(file.c_str(), 0644);
    expect_row(bare.report(), "leaks", "error", server.url() + path);
    fs::remove(file);
  }
  expect_row(bare.report(), "leaks", "ok");
}

BOOST_AUTO_TEST_CASE(a_site_that_gives_one_page_for_everything_leaks_nothing) {
  const TempDir dir;
  const OpenServer same(dir, "location / { return 200 'welcome'; }");
  expect_row(BareCheck("[site]\npublic_url = " + same.url()).report(), "leaks", "ok");
  const TempDir other;
  const OpenServer away(other, "location / { return 302 http://127.0.0.1:1/; }");
  expect_row(BareCheck("[site]\npublic_url = " + away.url()).report(), "leaks", "warning",
             "elsewhere");
}

// Through the web server's DOCUMENT_ROOT, which the shell does not know.
BOOST_AUTO_TEST_CASE(settings_and_data_in_the_web_root_are_found) {
  const BareCheck bare("[checkserver]\naccess = public");
  const CheckServer server(bare);
  const auto answer = server.get("format=json", {{"DOCUMENT_ROOT", bare.dir.path().string()}});
  const Value report = parsed_json(answer.body);
  expect_row(report, "settings_privacy", "error", "B24HOOKS_SETTINGS");
  expect_row(report, "data_dir", "error", "web server's directory");
  expect_row(report, "logs_dir", "error", "web server's directory");
}

BOOST_AUTO_TEST_CASE(an_address_that_nobody_answers_is_found) {
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port()) + "/";
  const Value report = BareCheck(site_part(url, "sometoken123")).report();
  expect_row(report, "leaks", "warning");
  expect_row(report, "test_event", "error", url);
}

BOOST_AUTO_TEST_CASE(addresses_that_the_portal_cannot_use_are_found) {
  expect_row(BareCheck().report(), "public_url", "warning", "not known");
  expect_row(BareCheck().report(), "leaks", "info");
  expect_row(BareCheck("[site]\npublic_url = example.com/").report(), "public_url", "error");
  const Value plain = BareCheck(site_part("http://no-such-host.invalid/", "sometoken123")).report();
  expect_row(plain, "public_url", "error", "HTTPS");
  // The token never goes over such a line.
  expect_row(plain, "test_event", "info");
}

BOOST_AUTO_TEST_CASE(a_token_that_is_not_configured_is_found) {
  const Value report = BareCheck().report();
  expect_row(report, "token", "warning", "every event is refused");
  BOOST_TEST(check_row(report, "token")["paste"][0].text() == "[portal]");
}

BOOST_AUTO_TEST_CASE(own_certificates_that_the_portal_would_refuse_are_found) {
  const Authority authority;
  struct Case {
    bool trusted;
    const char* name;
    int days;  // from ten days ago
    const char* state;
    const char* words;
  };
  for (const Case& c : {Case{false, "localhost", 100, "error", "Let's Encrypt"},
                        Case{true, "other.example", 100, "error", "Let's Encrypt"},
                        Case{true, "localhost", 5, "error", "expired"},
                        Case{true, "localhost", 15, "warning", "days more"},
                        Case{true, "localhost", 100, "ok", "days more"}}) {
    const TlsServer server(authority.issue(c.name, c.days),
                           [](const Received&) { return answer(404, "not here"); });
    std::string settings = site_part(server.url("/"), "sometoken123");
    if (c.trusted) settings += "\n[portal_call]\nca_file = " + authority.ca_file().string();
    BOOST_TEST_CONTEXT(c.trusted << " " << c.name << " " << c.days) {
      const Value report = BareCheck(settings).report();
      expect_row(report, "site_tls", c.state, c.words);
      expect_row(report, "test_event", "error");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_handler_with_another_token_or_another_store_is_found) {
  const Site& site = breakable_site();
  const std::string url = "http://localhost:" + std::to_string(site.port()) + "/";
  expect_row(BareCheck(site_part(url, "a-token-that-is-not-it")).report(), "test_event", "error",
             "refused the token");
  expect_row(BareCheck(site_part(url, site.token())).report(), "test_event", "error",
             "not in this store");
}

BOOST_AUTO_TEST_CASE(a_handler_that_is_not_there_is_found) {
  const TempDir dir;
  const OpenServer server(dir);
  expect_row(BareCheck(site_part(server.url(), "sometoken123")).report(), "test_event", "error",
             "answered 404 instead of 200");
}

BOOST_AUTO_TEST_CASE(two_checks_at_once_do_not_disturb_each_other) {
  const Site& site = breakable_site();
  const std::string settings = (site.run_dir() / "settings.conf").string();
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(std::make_unique<Process>(b24::test::Command{
        {built("cgi-bin/checkserver.fcgi"), "--settings", settings, "--format", "json"}}));
  }
  for (const auto& process : all) {
    BOOST_REQUIRE(process->wait().has_value());
    expect_row(parsed_json(process->out()), "test_event", "ok");
  }
}

BOOST_AUTO_TEST_CASE(a_test_event_with_a_forged_mark_is_an_event_like_any_other) {
  const Site& site = breakable_site();
  b24::Settings settings;
  settings.portals.push_back({});
  settings.portals[0].application_tokens = {site.token()};
  Value event = b24::make_test_event(settings, "n", b24::now_ms());
  event.set("b24hooks_test", "forged");
  BOOST_TEST(site.post("/handler.php", event).status == 200);
  BOOST_TEST(wait_until([&] { return site.hook_log().contains("B24HOOKSTEST"); }));
}

BOOST_AUTO_TEST_SUITE_END()
