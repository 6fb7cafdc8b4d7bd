// check_output_tests: the forms of a report, each read as its reader would.
#include "checkserver/check_output.h"

#include <boost/test/unit_test.hpp>
#include <regex>
#include <set>

#include "base/text.h"
#include "decorators.h"
#include "value/json.h"

namespace b24::check {
namespace check_output_tests {

const Templates& templates() {
  static const auto loaded = Templates::load({"templates"}).value();
  return *loaded;
}

Row row(const char* id, Group group, State state, const char* finding, Value facts) {
  Row made;
  made.id = id;
  made.group = group;
  made.finding.state = state;
  made.finding.name = finding;
  made.finding.facts = std::move(facts);
  return made;
}

Report some_report() {
  Report report;
  report.at = 1'764'000'000'000;
  report.took = 420;
  report.rows.push_back(row("curl", Group::programs, State::error, "missing", Value::array()));
  report.rows[0].crest = "curl_error";
  report.rows[0].finding.paste = {"apt-get install libcurl4"};
  report.rows.push_back(
      row("write", Group::storage, State::ok, "written", Value::map({{"ms", 2.5}})));
  report.rows[1].finding.metrics = {{"synced_write_seconds", 0.0025}};
  report.rows.push_back(row("portal_limits", Group::portal, State::ok, "room", Value::array()));
  report.rows[2].finding.metrics = {{"bucket_level", 12.5}, {"bucket_size", 50}};
  report.rows.push_back(row("portal_user", Group::portal, State::warning, "admin",
                            Value::map({{"name", "<b>\"Eve\" & \033[31mco</b>"}, {"id", "1"}})));
  report.hours = {{report.at, 3, 900, 250}, {report.at + 3'600'000, 0, 0, -1}};
  return report;
}

// Prometheus' text format, strictly: HELP, TYPE, then samples of that name; each name once.
void check_metrics(const std::string& text) {
  static const std::regex help("# HELP (b24hooks_[a-z_]+) [^\\\\]+");
  static const std::regex type("# TYPE (b24hooks_[a-z_]+) (gauge|counter)");
  static const std::regex sample(
      "(b24hooks_[a-z_]+)(\\{[a-z]+=\"[^\"\\\\\n]*\"(,[a-z]+=\"[^\"\\\\\n]*\")*\\})? "
      "-?[0-9]+(\\.[0-9]+)?(e[-+][0-9]+)?");
  BOOST_REQUIRE(text.ends_with('\n'));
  std::set<std::string> helped, typed, sampled, series;
  std::string current;
  for (const std::string& line : text::split(text, "\n")) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      current = match[1];
      BOOST_TEST(helped.insert(current).second, line);
    } else if (std::regex_match(line, match, type)) {
      BOOST_TEST(match[1] == current, line);
      typed.insert(current);
    } else {
      BOOST_REQUIRE_MESSAGE(std::regex_match(line, match, sample), line);
      BOOST_TEST(match[1] == current, line);
      BOOST_TEST(typed.contains(current));
      BOOST_TEST(series.insert(match[1].str() + match[2].str()).second, line);
      sampled.insert(current);
    }
  }
  BOOST_TEST(helped.size() == sampled.size());
}

}  // namespace check_output_tests

BOOST_AUTO_TEST_SUITE(check_output_tests)

BOOST_AUTO_TEST_CASE(json_has_the_documented_members) {
  const std::string text = json::print(json_form(some_report(), &templates(), "en"));
  const Value parsed = json::parse(text).value();
  BOOST_TEST(parsed["verdict"].text() == "error");
  BOOST_TEST(parsed["checked_at"].text() == "2025-11-24T16:00:00.000Z");
  BOOST_TEST(parsed["took_ms"].integer() == 420);
  BOOST_TEST(parsed.path("counts.error").integer() == 1);
  BOOST_TEST(parsed.path("counts.warning").integer() == 1);
  BOOST_TEST(parsed.path("counts.ok").integer() == 2);
  const Value& first = parsed["checks"][0];
  BOOST_TEST(first["id"].text() == "curl");
  BOOST_TEST(first["crest"].text() == "curl_error");
  BOOST_TEST(first["group"].text() == "programs");
  BOOST_TEST(first["state"].text() == "error");
  BOOST_TEST(!first["title"].text().empty());
  BOOST_TEST(!first["detail"].text().empty());
  BOOST_TEST(!first["remedy"].text().empty());
  BOOST_TEST(first["paste"][0].text() == "apt-get install libcurl4");
  BOOST_TEST(first.find("metrics") == nullptr);
  BOOST_TEST(parsed["checks"][1]["metrics"]["synced_write_seconds"].real() == 0.0025);
}

BOOST_AUTO_TEST_CASE(crest_form_is_print_r) {
  Report report = some_report();
  const std::string broken = crest_form(report, &templates(), "en");
  BOOST_TEST(broken.starts_with("Array\n(\n    [curl_error] => libcurl: "));
  BOOST_TEST(!broken.contains("success"));
  report.rows.erase(report.rows.begin());
  BOOST_TEST(crest_form(report, &templates(), "en") == "Array\n(\n    [success] => Success!\n)\n");
  BOOST_TEST(crest_verdict(State::warning) == "Array\n(\n    [success] => Success!\n)\n");
  BOOST_TEST(crest_verdict(State::error) == "Array\n(\n    [error] => Error\n)\n");
}

BOOST_AUTO_TEST_CASE(metrics_are_well_formed) {
  check_metrics(metrics_form(some_report()));
  check_metrics(metrics_verdict(State::ok));
  const std::string text = metrics_form(some_report());
  BOOST_TEST(text.contains("b24hooks_verdict 3\n"));
  BOOST_TEST(text.contains("b24hooks_check_state{check=\"curl\",group=\"programs\"} 3\n"));
  BOOST_TEST(text.contains("b24hooks_synced_write_seconds 0.0025\n"));
  BOOST_TEST(text.contains("b24hooks_check_run_seconds 0.42\n"));
}

BOOST_AUTO_TEST_CASE(the_table_puts_problems_first_and_cannot_steer_a_terminal, *shows("T24")) {
  const std::string plain = text_form(some_report(), &templates(), "en", false);
  BOOST_TEST(!plain.contains('\033'));
  BOOST_TEST(plain.contains("apt-get install libcurl4"));
  BOOST_TEST(plain.find("libcurl") < plain.find("A synced write"));
  const std::string coloured = text_form(some_report(), &templates(), "en", true);
  BOOST_TEST(coloured.contains("\033[1;31m"));
  BOOST_TEST(!coloured.contains("\033[31mco"));
  for (const std::string& line : text::split(plain, "\n")) {
    BOOST_TEST(text::length_utf8(line) <= 100, line);
  }
}

BOOST_AUTO_TEST_CASE(the_page_escapes_what_a_portal_says, *shows("T27")) {
  Value data = page_form(some_report(), templates(), "en");
  data.set("title", "Self-check");
  const std::string html = templates().page(200, "checkserver", data, "en").body;
  BOOST_TEST(html.contains("&lt;b&gt;&quot;Eve&quot; &amp; "));
  BOOST_TEST(!html.contains("<b>\"Eve"));
  BOOST_TEST(html.find("id=\"problem-curl\"") < html.find("id=\"problem-portal_user\""));
  BOOST_TEST(html.contains("chart-leads"));
  BOOST_TEST(!html.contains("http-equiv=\"refresh\""));
  data.set("refresh", "30");
  BOOST_TEST(templates()
                 .page(200, "checkserver", data, "ru")
                 .body.contains("<meta http-equiv=\"refresh\" content=\"30\">"));
}

BOOST_AUTO_TEST_CASE(a_verdict_alone_tells_nothing_else) {
  BOOST_TEST(json::print(json_verdict(State::warning)) == R"({"verdict":"warning"})");
  BOOST_TEST(text_verdict(State::ok) == "ok\n");
  const Value data = Value::map({{"verdict", "error"},
                                 {"verdict_name", "Something does not work"},
                                 {"title", "Self-check"},
                                 {"key_form", true},
                                 {"has_key", true}});
  const std::string html = templates().page(200, "checkserver", data, "en").body;
  BOOST_TEST(html.contains("Something does not work"));
  BOOST_TEST(html.contains("type=\"password\""));
  for (const char* detail : {"<svg", "<table", "0.2.0", "Check again", "format="}) {
    BOOST_TEST(!html.contains(detail), detail);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace b24::check
