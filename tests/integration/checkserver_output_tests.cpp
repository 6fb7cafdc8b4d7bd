// checkserver_output_tests: the self-check's five forms, each judged by somebody else: tidy, PHP,
// promtool, a schema, a terminal.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "base/text.h"
#include "check_site.h"
#include "php_cgi.h"
#include "value/json.h"
#include "value/php.h"

namespace checkserver_output_tests {

using namespace b24::test;
using b24::Value;

const std::string kPage = kCheckPage;

void expect_members(const Value& value, const std::set<std::string>& needed,
                    const std::set<std::string>& optional = {}) {
  std::set<std::string> found;
  for (const Value::Member& member : value.members()) found.insert(member.key.text());
  for (const std::string& name : needed) BOOST_TEST(found.contains(name), name);
  for (const std::string& name : found) {
    BOOST_TEST((needed.contains(name) || optional.contains(name)), name);
  }
}

// The documented shape (check_output.h), every member with its type.
void expect_schema(const Value& report) {
  expect_members(report, {"verdict", "version", "checked_at", "took_ms", "counts", "checks"});
  BOOST_TEST((report["took_ms"].type() == Value::Type::integer));
  BOOST_TEST(report["checked_at"].text().size() == std::string("2026-11-24T06:00:00.000Z").size());
  expect_members(report["counts"], {"ok", "info", "warning", "error"});
  const std::set<std::string> states = {"ok", "info", "warning", "error"};
  const std::set<std::string> groups = {"programs", "settings", "storage", "leaks",
                                        "portal",   "inbound",  "suite"};
  std::map<std::string, std::int64_t> counts;
  std::set<std::string> ids;
  for (const Value::Member& row : report["checks"].members()) {
    const Value& check = row.value;
    BOOST_TEST_CONTEXT(b24::json::print(check)) {
      expect_members(check, {"id", "group", "state", "title", "detail", "remedy", "paste"},
                     {"crest", "metrics"});
      for (const char* name : {"id", "group", "state", "title", "detail", "remedy"}) {
        BOOST_TEST(check[name].is_string(), name);
      }
      BOOST_TEST(ids.insert(check["id"].text()).second);
      BOOST_TEST(groups.contains(check["group"].text()));
      BOOST_TEST(states.contains(check["state"].text()));
      BOOST_TEST(!check["title"].text().empty());
      BOOST_TEST(!check["detail"].text().empty());
      BOOST_TEST(check["paste"].is_array());
      for (const Value::Member& line : check["paste"].members()) {
        BOOST_TEST(line.value.is_string());
      }
      for (const Value::Member& metric : check["metrics"].members()) {
        BOOST_TEST((metric.value.type() == Value::Type::integer ||
                    metric.value.type() == Value::Type::real));
      }
    }
    ++counts[check["state"].text()];
  }
  for (const std::string& state : states) {
    BOOST_TEST(report["counts"][b24::Key(state)].integer() == counts[state]);
  }
}

void expect_valid_html(const HttpReply& reply) {
  const Ran ran =
      run({{"tidy", "-quiet", "-errors", "--drop-empty-elements", "no"}, {}, reply.body});
  BOOST_TEST(ran.status >= 0);
  BOOST_TEST(ran.status < 2, ran.err);  // 2: errors
  // SVG's own title may have an id; tidy does not know that.
  for (const std::string& line : b24::text::split(ran.err, "\n")) {
    BOOST_TEST(line.contains("<title> proprietary attribute \"id\""), line);
  }
}

// What the program writes to a terminal.
std::string on_terminal(const BareCheck& bare, std::vector<std::string> environment) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  BOOST_REQUIRE(terminal >= 0);
  BOOST_REQUIRE(grantpt(terminal) == 0);
  BOOST_REQUIRE(unlockpt(terminal) == 0);
  char name[64];
  BOOST_REQUIRE(ptsname_r(terminal, name, sizeof name) == 0);
  const int side = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  BOOST_REQUIRE(side >= 0);
  std::string out;
  {
    Process process({{built("cgi-bin/checkserver.fcgi"), "--settings", bare.settings().string()},
                     std::move(environment),
                     "",
                     {{side, 1}}});
    close(side);
    char buffer[4096];
    // Ends with EIO when the last of the other side has gone.
    for (ssize_t got = 0; (got = read(terminal, buffer, sizeof buffer)) > 0;) {
      out.append(buffer, static_cast<std::size_t>(got));
    }
    process.wait();
  }
  close(terminal);
  return out;
}

}  // namespace checkserver_output_tests

BOOST_AUTO_TEST_SUITE(checkserver_output_tests)

BOOST_AUTO_TEST_CASE(every_form_says_the_same) {
  const Site& site = shared_site();
  HttpReply html, json;
  BOOST_TEST(wait_until(  // a busy disk is told of, too
      [&] {
        html = site.get(kPage);
        json = http(site.port(), {"GET", kPage, {"Accept: application/json"}, ""});
        return html.body.contains("All is well") &&
               parsed_json(json.body)["verdict"].text() == "ok";
      },
      kDeadline * 6));
  BOOST_TEST(html.status == 200);
  BOOST_TEST(html.header("content-type") == "text/html; charset=utf-8");
  BOOST_TEST(html.header("cache-control").contains("no-store"));
  BOOST_TEST(json.header("content-type") == "application/json; charset=utf-8");
  const HttpReply text = site.get(kPage + "?format=text");
  BOOST_TEST(text.header("content-type") == "text/plain; charset=utf-8");
  BOOST_TEST(!text.body.contains('\033'));
  BOOST_TEST(site.get(kPage + "?format=crest").body == "Array\n(\n    [success] => Success!\n)\n");
  BOOST_TEST(site.get(kPage + "?format=xml").status == 400);
  BOOST_TEST(site.get(kPage + "?refresh=30").body.contains("http-equiv=\"refresh\""));
  BOOST_TEST(site.get(kPage + "?refresh=1").body.contains("content=\"10\""));
}

BOOST_AUTO_TEST_CASE(an_error_is_a_503_in_every_form) {
  const BareCheck bare("[checkserver]\naccess = public");
  const CheckServer server(bare);
  for (const char* format : {"html", "json", "text", "crest", "metrics"}) {
    BOOST_TEST(server.get(std::string("format=") + format).status == 503, format);
  }
}

BOOST_AUTO_TEST_CASE(the_page_is_valid_html) {
  const Site& site = breakable_site();
  expect_valid_html(site.get(kPage));
  BOOST_TEST(site.get(kPage).body.contains("<svg"));
  const auto in_russian = [&](const std::string& query) {
    return http(site.port(), {"GET", kPage + query, {"Accept-Language: ru"}, ""});
  };
  expect_valid_html(in_russian("?refresh=30"));
  {
    const ChangedSetting changed(site, "C_REST_WEB_HOOK_URL", "https://<b>&\"'.example/");
    BOOST_REQUIRE(wait_until([&] { return in_russian("").status == 503; }));
    expect_valid_html(in_russian(""));
    BOOST_TEST(in_russian("").body.contains("class=\"problem card error\""));
  }
  for (const char* access : {"summary", "key"}) {
    const ChangedSetting changed(site, "access", std::string(access) + "\nkey = " + kCheckKey);
    BOOST_REQUIRE(wait_until([&] { return site.get(kPage).body.contains("type=\"password\""); }));
    expect_valid_html(site.get(kPage));
    expect_valid_html(site.post(kPage, std::string("key=wrong-key-0123456789")));
  }
}

BOOST_AUTO_TEST_CASE(charts_have_words_for_those_who_do_not_see_them) {
  const std::string body = shared_site().get(kPage).body;
  std::size_t charts = 0;
  for (std::size_t at = 0; (at = body.find("<svg", at)) != std::string::npos; ++at, ++charts) {
    const std::string svg = body.substr(at, body.find("</svg>", at) - at);
    BOOST_TEST(svg.contains("role=\"img\" aria-labelledby="));
    BOOST_TEST(!svg.contains("\"></title>"));
    BOOST_TEST(!svg.contains("\"></desc>"));
  }
  BOOST_TEST(charts >= 4U);
}

BOOST_AUTO_TEST_CASE(the_json_has_the_documented_shape) {
  expect_schema(parsed_json(shared_site().get(kPage + "?format=json").body));
  expect_schema(BareCheck().report());
  expect_schema(BareCheck("nonsense = 1").report());
  expect_schema(parsed_json(run_check("/no/such/settings.conf").out));
  expect_schema(parsed_json(run_check(BareCheck().settings(), "json", {"LANG=ru_RU.UTF-8"}).out));
}

BOOST_AUTO_TEST_CASE(prometheus_takes_the_metrics) {
  const HttpReply reply = shared_site().get(kPage + "?format=metrics");
  BOOST_TEST(reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8");
  for (const std::string& text : {reply.body, run_check(BareCheck().settings(), "metrics").out,
                                  run_check("/no/such/settings.conf", "metrics").out}) {
    const Ran ran = run({{"promtool", "check", "metrics"}, {}, text});
    BOOST_TEST(ran.status == 0, ran.out + ran.err);
    BOOST_TEST((ran.out + ran.err).empty(), ran.out + ran.err);
  }
  for (const char* name :
       {"b24hooks_verdict 0", "b24hooks_leads_pending ", "b24hooks_bucket_level ",
        "b24hooks_portal_answer_seconds ", "b24hooks_test_event_seconds "}) {
    BOOST_TEST(reply.body.contains(name), name);
  }
}

// The same array, printed by PHP itself.
BOOST_AUTO_TEST_CASE(the_crest_form_is_what_php_prints) {
  const PhpCgi php;
  php.page("print.php", "<?php print_r(json_decode($_POST['report'], true));");
  const BareCheck open("", "https://example.com/");
  std::filesystem::permissions(open.data(), std::filesystem::perms(0755));
  const BareCheck broken("nonsense = 1");
  for (const auto& settings : {open.settings(), broken.settings()}) {
    const Value report = parsed_json(run_check(settings).out);
    Value errors = Value::array();
    for (const Value::Member& row : report["checks"].members()) {
      const Value& check = row.value;
      if (check["state"].text() != "error") continue;
      const std::string crest = check["crest"].text();
      errors.set(
          crest.empty() ? check["id"].text() : crest,
          check["title"].text() + ": " + check["detail"].text() + " " + check["remedy"].text());
    }
    BOOST_TEST(errors.size() > 0U);
    PhpRequest request;
    request.body = b24::php::build_query(Value::map({{"report", b24::json::print(errors)}}));
    request.content_type = "application/x-www-form-urlencoded";
    BOOST_TEST(run_check(settings, "crest").out == php.ask("print.php", request));
  }
}

BOOST_AUTO_TEST_CASE(crests_names_are_in_its_form) {
  const BareCheck nowhere("C_REST_LOGS_DIR = /no/such/place\n[data]\ndir = /proc/self/fdinfo");
  const Ran ran = run_check(nowhere.settings(), "crest");
  BOOST_TEST(ran.status == 2);
  for (const char* name :
       {"setting_creat_error", "logs_folder_creat_error", "logs_file_creat_error"}) {
    BOOST_TEST(ran.out.contains("    [" + std::string(name) + "] => "), ran.out);
  }
}

BOOST_AUTO_TEST_CASE(the_shells_exit_code_is_the_verdict) {
  const auto settings = shared_site().run_dir() / "settings.conf";
  const Ran well = run_check(settings, "text");
  BOOST_TEST(well.status == 0, well.out);
  BOOST_TEST(run_check(BareCheck().settings(), "text").status == 2);
  for (const char* format : {"xml", "html", ""}) {
    BOOST_TEST(run_check(settings, format).status == 3, format);
  }
  const Site& site = breakable_site();
  const ChangedSetting changed(
      site, "C_REST_WEB_HOOK_URL",
      "https://localhost:" + std::to_string(site.sandbox_port()) + "/rest/3/admin/");
  BOOST_TEST(run_check(site.run_dir() / "settings.conf", "text").status == 1);
  BOOST_TEST(run_check(settings, "text", {"LANG=ru_RU.UTF-8"}).out.contains("Всё в порядке"));
  BOOST_TEST(run_check(settings, "text", {"LC_MESSAGES=ru_RU.UTF-8", "LANG=C"})
                 .out.contains("Всё в порядке"));
}

BOOST_AUTO_TEST_CASE(only_a_terminal_gets_colours_and_only_when_it_wants_them) {
  const BareCheck bare;
  BOOST_TEST(!run_check(bare.settings(), "text").out.contains('\033'));
  BOOST_TEST(on_terminal(bare, {"TERM=xterm"}).contains("\033[1;31m"));
  BOOST_TEST(on_terminal(bare, {"TERM=xterm", "NO_COLOR="}).contains('\033'));
  const std::string plain = on_terminal(bare, {"TERM=xterm", "NO_COLOR=1"});
  BOOST_TEST(plain.contains("Portal answers"));
  BOOST_TEST(!plain.contains('\033'));
}

// Every text of a broken site has Russian words, or is nothing but names and numbers.
BOOST_AUTO_TEST_CASE(in_russian_nothing_is_left_in_english) {
  for (const BareCheck& bare :
       {BareCheck(), BareCheck("nonsense = 1"), BareCheck("[form]\ntitle = {none}")}) {
    const Value report = parsed_json(run_check(bare.settings(), "json", {"LANG=ru_RU.UTF-8"}).out);
    const Value english = bare.report();
    for (const Value::Member& row : report["checks"].members()) {
      const Value& check = row.value;
      BOOST_TEST_CONTEXT(b24::json::print(check)) {
        if (check["state"].text() != "error" && check["state"].text() != "warning") continue;
        const Value other = check_row(english, check["id"].text());
        BOOST_TEST(check["remedy"].text() != other["remedy"].text());
        BOOST_TEST(check["detail"].text() != other["detail"].text());
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
