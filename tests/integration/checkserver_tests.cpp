// checkserver_tests: the self-check on a real site: each case breaks one thing and sees its row.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <thread>

#include "json.h"
#include "site.h"
#include "store.h"
#include "test_event.h"
#include "text.h"
#include "tls_server.h"

namespace {

namespace fs = std::filesystem;
using b24::Value;
using b24::test::built;
using b24::test::ChangedSetting;
using b24::test::http;
using b24::test::HttpReply;
using b24::test::Ran;
using b24::test::run;
using b24::test::shared_site;
using b24::test::Site;
using b24::test::TempDir;
using b24::test::wait_until;
using b24::test::write_file;

constexpr const char* kPage = "/checkserver.php";
constexpr const char* kKey = "key-of-the-owner-0123456789";

Value parsed(const std::string& text) {
  const auto value = b24::json::parse(text);
  BOOST_REQUIRE_MESSAGE(value.has_value(), "no JSON: " + text.substr(0, 300));
  return *value;
}

// A fresh run in a shell, by the settings of a site or of a test's own.
Ran shell(const fs::path& settings, const std::string& format = "json",
          std::vector<std::string> environment = {}) {
  return run(
      {{built("cgi-bin/checkserver.fcgi"), "--settings", settings.string(), "--format", format},
       std::move(environment)});
}

Value row_of(const Value& report, std::string_view id) {
  for (const Value::Member& row : report["checks"].members()) {
    if (row.value["id"].text() == id) return row.value;
  }
  BOOST_FAIL("no row " + std::string(id));
  return {};
}

void expect(const Value& report, const char* id, const char* state, const char* words = "") {
  const Value row = row_of(report, id);
  BOOST_TEST_CONTEXT(b24::json::print(row)) {
    BOOST_TEST(row["state"].text() == state);
    BOOST_TEST((row["detail"].text() + row["remedy"].text()).contains(words));
    if (row["state"].text() == "error" || row["state"].text() == "warning") {
      BOOST_TEST(!row["remedy"].text().empty());
    }
  }
}

// A site of its own that can be broken; the one that the other suites share stays whole.
Site& own_site() {
  static Site site;
  return site;
}

Value checked(const Site& site) {
  return parsed(shell(site.run_dir() / "settings.conf").out);
}

std::string sandbox_url(const char* webhook) {
  return "https://localhost:" + std::to_string(own_site().sandbox_port()) + "/rest/" + webhook;
}

// A web server that gives whatever lies in a directory.
class OpenServer {
 public:
  explicit OpenServer(const TempDir& dir)
      : port_(b24::test::free_port()), process_(command(dir, port_)) {
    if (!wait_until([&] { return b24::test::can_connect(port_); })) {
      throw std::runtime_error("nginx does not start: " + process_.err());
    }
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  static b24::test::Command command(const TempDir& dir, int port) {
    fs::create_directories(dir / "www");
    fs::create_directories(dir / "tmp");
    std::string conf = "daemon off; pid " + (dir / "tmp/pid").string() +
                       "; error_log stderr; worker_processes 1;\nevents {}\nhttp { access_log off;";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      conf += std::string(kind) + "_temp_path " + (dir / "tmp").string() + "; ";
    }
    conf += "server { listen 127.0.0.1:" + std::to_string(port) + "; root " +
            (dir / "www").string() + "; } }\n";
    write_file(dir / "nginx.conf", conf);
    return {{"/usr/sbin/nginx", "-c", (dir / "nginx.conf").string(), "-e", "stderr"}};
  }

  int port_;
  b24::test::Process process_;
};

// A directory with settings that work, without any server.
struct Bare {
  TempDir dir;
  explicit Bare(const std::string& more = "",
                const std::string& url = "https://127.0.0.1:1/rest/1/secretsecret99/") {
    fs::create_directory(dir / "data");
    chmod((dir / "data").c_str(), 0700);
    write_file(dir / "settings.conf",
               "C_REST_WEB_HOOK_URL = " + url + "\n" + more +
                   "\n[page]\ntemplates = " + fs::absolute("templates").string() + "\n");
  }
  Value report() const { return parsed(shell(dir / "settings.conf").out); }
};

std::string cookie_of(const HttpReply& reply) {
  const std::string cookie = reply.header("set-cookie");
  return cookie.substr(0, cookie.find(';'));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkserver_tests)

BOOST_AUTO_TEST_CASE(a_whole_site_is_found_well) {
  const HttpReply reply = shared_site().get(std::string(kPage) + "?format=json");
  const Value report = parsed(reply.body);
  BOOST_TEST(reply.status == 200);
  BOOST_TEST(report["verdict"].text() == "ok", reply.body);
  for (const char* id : {"curl", "settings", "store", "write", "leaks", "webhook_url",
                         "portal_address", "portal_tls", "portal_answer", "portal_clock",
                         "portal_user", "portal_scope", "portal_methods", "portal_fields",
                         "portal_stage", "portal_responsible", "token", "test_event"}) {
    expect(report, id, "ok");
  }
}

BOOST_AUTO_TEST_CASE(looking_changes_nothing) {
  Site& site = own_site();
  const std::string before = site.hook_log();
  const Value leads = site.leads();
  for (int i = 0; i < 3; ++i) checked(site);
  BOOST_TEST(site.hook_log() == before);
  BOOST_TEST((site.leads() == leads));
  for (const auto& entry : fs::directory_iterator(site.run_dir() / "data")) {
    BOOST_TEST(!entry.path().filename().string().starts_with(".check"), entry.path());
  }
  expect(checked(site), "events", "ok", "Today: 0");
}

BOOST_AUTO_TEST_CASE(a_wrong_secret_is_named_with_its_cure) {
  const ChangedSetting changed(own_site(), "C_REST_WEB_HOOK_URL", sandbox_url("1/notthesecret/"));
  const Ran ran = shell(own_site().run_dir() / "settings.conf");
  BOOST_TEST(ran.status == 2);
  expect(parsed(ran.out), "portal_answer", "error", "does not know this webhook");
  BOOST_TEST(!ran.out.contains("notthesecret"));
}

BOOST_AUTO_TEST_CASE(a_webhook_without_the_right_crm_is_found) {
  const ChangedSetting changed(own_site(), "C_REST_WEB_HOOK_URL", sandbox_url("2/noscope/"));
  expect(checked(own_site()), "portal_scope", "error", "crm");
}

BOOST_AUTO_TEST_CASE(an_administrators_webhook_is_warned_of) {
  const ChangedSetting changed(own_site(), "C_REST_WEB_HOOK_URL", sandbox_url("3/admin/"));
  expect(checked(own_site()), "portal_user", "warning", "administrator");
}

BOOST_AUTO_TEST_CASE(a_certificate_that_nobody_vouches_for_is_refused) {
  const ChangedSetting changed(own_site(), "ca_file", "");
  const Value report = checked(own_site());
  expect(report, "portal_tls", "error", "certificate authority");
  expect(report, "portal_answer", "error");
}

BOOST_AUTO_TEST_CASE(certificates_are_looked_at_closely) {
  const b24::test::Authority authority;
  struct Case {
    const char* name;
    int days;  // from ten days ago
    const char* state;
  };
  for (const Case& c : {Case{"localhost", -1, "error"}, Case{"other.example", 100, "error"},
                        Case{"localhost", 15, "warning"}, Case{"localhost", 100, "ok"}}) {
    const b24::test::TlsServer server(
        authority.issue(c.name, c.days),
        [](const b24::test::Received&) { return b24::test::json("{\"result\":[]}"); });
    const Bare bare("[portal_call]\nca_file = " + authority.ca_file().string(),
                    server.url("/rest/1/secretsecret99/"));
    BOOST_TEST_CONTEXT(c.name << " " << c.days) {
      expect(bare.report(), "portal_tls", c.state);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_portal_that_fails_in_many_ways_is_found) {
  Site& site = own_site();
  const ChangedSetting changed(site, "access", "public\ntime_limit = 3s");
  for (const char* mode : {"down", "html", "slow", "expired"}) {
    site.fault(mode);
    BOOST_TEST_CONTEXT(mode) {
      expect(checked(site), "portal_answer", "error");
    }
  }
  site.reset();
}

BOOST_AUTO_TEST_CASE(settings_that_are_broken_or_open_are_found) {
  const Bare broken("nonsense_key = 1");
  Ran ran = shell(broken.dir / "settings.conf");
  BOOST_TEST(ran.status == 2);
  expect(parsed(ran.out), "settings", "error", "nonsense_key");
  const Bare open;
  chmod((open.dir / "settings.conf").c_str(), 0644);
  ran = shell(open.dir / "settings.conf");
  expect(parsed(ran.out), "settings", "error", "settings.conf");
  expect(parsed(ran.out), "settings_privacy", "error", "settings.conf");
  BOOST_TEST(shell("/no/such/settings.conf").status == 2);
}

BOOST_AUTO_TEST_CASE(directories_that_others_read_or_nobody_writes_are_found) {
  const Bare open;
  chmod((open.dir / "data").c_str(), 0755);
  expect(open.report(), "data_dir", "error", "Other users");
  expect(open.report(), "store", "error");
  const Bare nowhere("[data]\ndir = /proc/self/fdinfo");
  const Ran ran = shell(nowhere.dir / "settings.conf", "crest");
  BOOST_TEST(ran.status == 2);
  BOOST_TEST(ran.out.contains("    [setting_creat_error] => "), ran.out);
  const Bare logs("C_REST_LOGS_DIR = /no/such/place");
  expect(logs.report(), "logs_dir", "error", "/no/such/place");
}

BOOST_AUTO_TEST_CASE(a_damaged_store_is_found) {
  const Bare bare;
  {
    const auto store = b24::Store::open(bare.dir / "data").value();
    for (int i = 0; i < 200; ++i) {
      b24::NewItem item;
      item.kind = b24::Kind::event;
      item.id = "e" + std::to_string(i);
      item.state = b24::State::done;
      item.payload = Value::map({{"text", std::string(500, 'x')}});
      BOOST_REQUIRE(store->accept(item).has_value());
    }
  }
  expect(bare.report(), "store_sound", "ok");
  const fs::path file = bare.dir / "data/store.db";
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  BOOST_REQUIRE(fd >= 0);
  const std::string rubbish(3000, 'z');
  for (off_t at = 20 * 4096 + 100; at < static_cast<off_t>(fs::file_size(file)); at += 4096) {
    BOOST_REQUIRE(pwrite(fd, rubbish.data(), rubbish.size(), at) > 0);
  }
  close(fd);
  const Value report = bare.report();
  const bool found = row_of(report, "store_sound")["state"].text() == "error" ||
                     row_of(report, "store")["state"].text() == "error";
  BOOST_TEST(found, b24::json::print(report));
}

BOOST_AUTO_TEST_CASE(a_dead_worker_with_leads_waiting_is_found) {
  const Bare bare;
  {
    const auto store = b24::Store::open(bare.dir / "data").value();
    b24::NewItem item;
    item.id = "lead";
    item.received_at = b24::now_ms() - 3 * 3'600'000;
    BOOST_REQUIRE(store->accept(item).has_value());
    BOOST_REQUIRE(
        store->remember("delivery.last_run", std::to_string(b24::now_ms() - 2 * 3'600'000)));
  }
  const Value report = bare.report();
  expect(report, "delivery", "error", "cron");
  BOOST_TEST(row_of(report, "delivery")["paste"][0].text().contains("--deliver"));
  expect(report, "leads", "warning", "3 h");
}

BOOST_AUTO_TEST_CASE(files_that_the_web_server_gives_away_are_found) {
  const TempDir dir;
  const OpenServer server(dir);
  const Bare bare("[site]\npublic_url = " + server.url());
  expect(bare.report(), "leaks", "ok");
  fs::create_directories(dir / "www/data");
  write_file(dir / "www/data/store.db", "SQLite format 3");
  for (const char* open : {"www", "www/data"}) chmod((dir / open).c_str(), 0755);
  chmod((dir / "www/data/store.db").c_str(), 0644);
  chmod(dir.path().c_str(), 0755);
  expect(bare.report(), "leaks", "error", "data/store.db");
}

BOOST_AUTO_TEST_CASE(an_address_that_nobody_answers_is_found) {
  const Bare bare(
      "[site]\npublic_url = http://127.0.0.1:" + std::to_string(b24::test::free_port()) +
      "/\n[portal]\napplication_token = sometoken123");
  const Value report = bare.report();
  expect(report, "leaks", "warning");
  expect(report, "test_event", "error");
}

BOOST_AUTO_TEST_CASE(a_handler_with_another_token_or_another_store_is_found) {
  const Site& site = own_site();
  const std::string site_part =
      "[site]\npublic_url = http://localhost:" + std::to_string(site.port()) +
      "/\n[portal]\napplication_token = ";
  expect(Bare(site_part + "a-token-that-is-not-it").report(), "test_event", "error", "token");
  expect(Bare(site_part + site.token()).report(), "test_event", "error", "not in this store");
}

BOOST_AUTO_TEST_CASE(a_stage_that_is_gone_and_a_field_that_is_none_are_found) {
  const Site& site = own_site();
  const std::string before = site.settings();
  site.set_settings(before + "\n[form]\nvalues = STATUS_ID=NO_SUCH, UF_CRM_NONE=1\n");
  const Value report = checked(site);
  site.set_settings(before);
  expect(report, "portal_stage", "error", "NO_SUCH");
  expect(report, "portal_fields", "error", "UF_CRM_NONE");
}

BOOST_AUTO_TEST_CASE(every_form_says_the_same) {
  const Site& site = shared_site();
  const std::string page = kPage;
  const HttpReply html = site.get(page);
  BOOST_TEST(html.status == 200);
  BOOST_TEST(html.header("content-type") == "text/html; charset=utf-8");
  BOOST_TEST(html.header("cache-control").contains("no-store"));
  BOOST_TEST(html.body.contains("All is well"));
  BOOST_TEST(html.body.contains("<svg"));
  const HttpReply json = http(site.port(), {"GET", page, {"Accept: application/json"}, ""});
  BOOST_TEST(json.header("content-type") == "application/json; charset=utf-8");
  BOOST_TEST(parsed(json.body)["verdict"].text() == "ok");
  const HttpReply text = site.get(page + "?format=text");
  BOOST_TEST(text.header("content-type") == "text/plain; charset=utf-8");
  BOOST_TEST(!text.body.contains('\033'));
  BOOST_TEST(site.get(page + "?format=crest").body == "Array\n(\n    [success] => Success!\n)\n");
  BOOST_TEST(site.get(page + "?format=xml").status == 400);
  BOOST_TEST(site.get(page + "?refresh=30").body.contains("http-equiv=\"refresh\""));
  BOOST_TEST(site.get(page + "?refresh=1").body.contains("content=\"10\""));
}

BOOST_AUTO_TEST_CASE(the_page_is_valid_html) {
  const HttpReply reply = shared_site().get(kPage);
  const Ran ran =
      run({{"tidy", "-quiet", "-errors", "--drop-empty-elements", "no"}, {}, reply.body});
  BOOST_TEST(ran.status >= 0);
  // SVG's own title may have an id; tidy does not know that.
  for (const std::string& line : b24::text::split(ran.err, "\n")) {
    BOOST_TEST(line.contains("<title> proprietary attribute \"id\""), line);
  }
}

BOOST_AUTO_TEST_CASE(prometheus_takes_the_metrics) {
  const HttpReply reply = shared_site().get(std::string(kPage) + "?format=metrics");
  BOOST_TEST(reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8");
  const Ran ran = run({{"promtool", "check", "metrics"}, {}, reply.body});
  BOOST_TEST(ran.status == 0, ran.out + ran.err);
  BOOST_TEST((ran.out + ran.err).empty(), ran.out + ran.err);
  for (const char* name :
       {"b24hooks_verdict 0", "b24hooks_leads_pending ", "b24hooks_bucket_level ",
        "b24hooks_portal_answer_seconds ", "b24hooks_test_event_seconds "}) {
    BOOST_TEST(reply.body.contains(name), name);
  }
}

BOOST_AUTO_TEST_CASE(the_shells_exit_code_is_the_verdict) {
  const fs::path settings = shared_site().run_dir() / "settings.conf";
  const Ran well = shell(settings, "text");
  BOOST_TEST(well.status == 0, well.out);
  BOOST_TEST(!well.out.contains('\033'));
  BOOST_TEST(shell(Bare().dir / "settings.conf", "text").status == 2);
  BOOST_TEST(shell(settings, "xml").status == 3);
  {
    const ChangedSetting changed(own_site(), "C_REST_WEB_HOOK_URL", sandbox_url("3/admin/"));
    BOOST_TEST(shell(own_site().run_dir() / "settings.conf", "text").status == 1);
  }
  BOOST_TEST(shell(settings, "text", {"LANG=ru_RU.UTF-8"}).out.contains("Всё в порядке"));
}

BOOST_AUTO_TEST_CASE(strangers_get_the_verdict_and_the_key_opens_the_rest) {
  const Site& site = own_site();
  const ChangedSetting changed(site, "access", std::string("summary\nkey = ") + kKey);
  const auto get = [&](const std::string& query, std::vector<std::string> headers = {}) {
    return http(site.port(), {"GET", kPage + query, std::move(headers), ""});
  };
  BOOST_REQUIRE(wait_until([&] { return !get("").body.contains("<table"); }));
  const HttpReply stranger = get("");
  BOOST_TEST(stranger.body.contains("type=\"password\""));
  for (const std::string& detail : {std::string("<svg"), site.run_dir().string(),
                                    std::string("nginx"), std::string("SQLite")}) {
    BOOST_TEST(!stranger.body.contains(detail), detail);
  }
  BOOST_TEST(parsed(get("?format=json").body).size() == 1);
  BOOST_TEST(!get("?format=metrics").body.contains("check_state"));
  // The key in the address is no key.
  BOOST_TEST(parsed(get(std::string("?format=json&key=") + kKey).body).size() == 1);

  const std::string header = std::string("X-B24hooks-Key: ") + kKey;
  BOOST_TEST(get("?format=json", {header}).body.contains("checks"));
  const std::string not_it = "X-B24hooks-Key: wrong-key-0123456789";
  BOOST_TEST(!get("?format=json", {not_it}).body.contains("checks"));

  const HttpReply wrong = site.post(kPage, std::string("key=wrong-key-0123456789"));
  BOOST_TEST(wrong.status == 403);
  BOOST_TEST(wrong.header("set-cookie").empty());
  const HttpReply right = site.post(kPage, std::string("key=") + kKey);
  BOOST_TEST(right.status == 303);
  BOOST_TEST(right.header("set-cookie").contains("HttpOnly; SameSite=Strict"));
  BOOST_TEST(!right.raw.contains(kKey));
  const HttpReply opened = get("", {"Cookie: " + cookie_of(right)});
  BOOST_TEST(opened.body.contains("<table"));
  BOOST_TEST(!opened.body.contains(kKey));
  BOOST_TEST(!get("", {"Cookie: " + cookie_of(right) + "x"}).body.contains("<table"));
}

BOOST_AUTO_TEST_CASE(many_at_once_share_one_run) {
  const Site& site = own_site();
  const std::string page = std::string(kPage) + "?format=json";
  BOOST_REQUIRE(wait_until([&] { return site.get(page).body.contains("checks"); }));
  site.reset();
  std::atomic<int> answered = 0;
  {
    std::vector<std::jthread> askers;
    for (int i = 0; i < 12; ++i) {
      askers.emplace_back([&] {
        if (site.get(page).body.contains("checks")) ++answered;
      });
    }
  }
  BOOST_TEST(answered == 12);
  // A result lasts three seconds, and a slow machine may take longer for twelve answers.
  BOOST_TEST(site.calls("batch").size() < 12);
}

BOOST_AUTO_TEST_CASE(a_test_event_with_a_forged_mark_is_an_event_like_any_other) {
  const Site& site = own_site();
  b24::Settings settings;
  settings.portals.push_back({});
  settings.portals[0].application_tokens = {site.token()};
  Value event = b24::make_test_event(settings, "n", b24::now_ms());
  event.set("b24hooks_test", "forged");
  BOOST_TEST(site.post("/handler.php", event).status == 200);
  BOOST_TEST(wait_until([&] { return site.hook_log().contains("B24HOOKSTEST"); }));
}

BOOST_AUTO_TEST_CASE(no_secret_is_shown_in_any_form) {
  const Site& site = shared_site();
  const std::string token = site.token();
  for (const char* format : {"html", "json", "text", "crest", "metrics"}) {
    const std::string body = site.get(std::string(kPage) + "?format=" + format).body;
    BOOST_TEST(!body.contains(token), format);
    BOOST_TEST(!body.contains("/rest/1/sandbox"), format);
  }
  BOOST_TEST(!shell(Bare().dir / "settings.conf").out.contains("secretsecret99"));
}

// The last ones, since a page that is closed says nothing to the others.

BOOST_AUTO_TEST_CASE(keys_cannot_be_tried_for_ever) {
  const Site& site = own_site();
  const ChangedSetting changed(site, "access", std::string("key\nkey = ") + kKey);
  BOOST_REQUIRE(wait_until([&] { return site.get(kPage).status == 403; }));
  BOOST_TEST(site.get(std::string(kPage) + "?format=json").status == 403);
  bool stopped = false;
  for (int i = 0; i < 100 && !stopped; ++i) {
    stopped = site.post(kPage, "key=wrong-key-" + std::to_string(1'000'000 + i)).status == 429;
  }
  BOOST_TEST(stopped);
}

BOOST_AUTO_TEST_CASE(a_page_that_is_off_is_not_there) {
  const Site& site = own_site();
  const ChangedSetting changed(site, "access", std::string("off\nkey = ") + kKey);
  const std::string header = std::string("X-B24hooks-Key: ") + kKey;
  BOOST_REQUIRE(wait_until([&] { return site.get(kPage).status == 404; }));
  BOOST_TEST(http(site.port(), {"GET", kPage, {header}, ""}).status == 404);
  BOOST_TEST(site.post(kPage, std::string("key=") + kKey).status == 404);
}

BOOST_AUTO_TEST_SUITE_END()
