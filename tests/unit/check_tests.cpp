// check_tests: the engine of the self-check: rows, verdicts, words, and that no secret is in them.
#include "checkserver/check.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "check_facts.h"

namespace b24::check {

BOOST_AUTO_TEST_SUITE(check_tests)

BOOST_AUTO_TEST_CASE(times_are_told_in_the_unit_that_suits_them_in_each_language) {
  struct Case {
    Millis time;
    const char* english;
    const char* russian;
  };
  for (const Case& c : {Case{0, "0 ms", "0 мс"}, Case{999, "999 ms", "999 мс"},
                        Case{1'999, "1 s", "1 с"}, Case{3 * kMinute, "3 min", "3 мин"},
                        Case{5 * kHour, "5 h", "5 ч"}, Case{49 * kHour, "2 d", "2 дн."}}) {
    Row row{"event_lag", Group::suite, "", {.name = "prompt"}};
    row.finding.facts = Value::map({{"lag", duration(c.time)}});
    BOOST_TEST(words(row, &templates(), "en").detail.contains(c.english));
    BOOST_TEST(words(row, &templates(), "ru").detail.contains(c.russian));
    BOOST_TEST(words(row, nullptr, "en").detail.contains(c.english));
  }
}

BOOST_AUTO_TEST_CASE(crests_names_are_kept) {
  std::set<std::string_view> names;
  for (const Check& check : all_checks()) names.insert(check.crest);
  for (const char* name :
       {"curl_error", "setting_creat_error", "logs_folder_creat_error", "logs_file_creat_error"}) {
    BOOST_TEST(names.contains(name), name);
  }
}

BOOST_AUTO_TEST_CASE(nothing_seen_is_no_crash_and_no_success) {
  Seen nothing;
  nothing.subject = std::make_shared<const Subject>();
  const Report report = judge(nothing);
  BOOST_TEST(report.rows.size() == all_checks().size());
  BOOST_TEST((report.verdict() == State::error));
}

BOOST_AUTO_TEST_CASE(no_secret_is_in_any_row) {
  Facts facts = good_facts();
  facts.settings.checkserver.key = "a-key-of-the-owner";
  facts.settings.portals[0].application_tokens = {"tok-secret-0123456789"};
  facts.seen.store->failed.push_back({});
  facts.seen.store->failed[0].error_text = std::string("no answer from ") + kUrl;
  facts.seen.store->leads.failed = 1;
  facts.seen.tls->error = Error{ErrorKind::network, "tls", std::string("bad: ") + kUrl, ""};
  Report report;
  report.rows = judged(facts);
  const std::string text = to_text(report);
  for (const char* secret : {"abcdefabcdef1234", "a-key-of-the-owner", "tok-secret-0123456789"}) {
    BOOST_TEST(!text.contains(secret), secret);
  }
}

BOOST_AUTO_TEST_CASE(a_report_survives_being_shared) {
  Report report;
  report.at = kNow;
  report.took = 321;
  report.rows = judged(good_facts());
  report.rows[1].finding.paste = {"one", "two"};
  report.rows[1].finding.metrics = {{"free", 1.5}};
  report.hours = {{kNow, 3, 4, 250}, {kNow + kHour, 0, 0, -1}};
  const Result<Report> back = from_text(to_text(report));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST(to_text(*back) == to_text(report));
  BOOST_TEST(back->rows[1].finding.paste.size() == 2);
  BOOST_TEST(back->hours[1].delivery == -1);
  BOOST_TEST(!from_text("{\"rows\": [").has_value());
}

BOOST_AUTO_TEST_CASE(the_worst_state_is_the_verdict) {
  const auto verdict_of = [](std::initializer_list<State> states) {
    Report report;
    for (const State state : states) {
      Row row;
      row.finding.state = state;
      report.rows.push_back(row);
    }
    return report.verdict();
  };
  BOOST_TEST((verdict_of({State::ok, State::info}) == State::ok));
  BOOST_TEST((verdict_of({State::warning, State::info}) == State::warning));
  BOOST_TEST((verdict_of({State::warning, State::error, State::ok}) == State::error));
}

// Whoever fails speaks English; what to do is said in every language.
BOOST_AUTO_TEST_CASE(a_remedy_for_each_known_error_is_in_each_language) {
  for (const char* code : {"no_settings_file",
                           "settings_open_to_others",
                           "settings_in_web_root",
                           "data_in_web_root",
                           "broken_line",
                           "unknown_section",
                           "unknown_key",
                           "bad_value",
                           "duplicate_key",
                           "no_data_dir",
                           "no_templates",
                           "broken_template",
                           "unknown_message",
                           "broken_catalogue",
                           "bad_form",
                           "webhook_url",
                           "bad_public_url",
                           "data_dir_in_web_root",
                           "data_dir_open",
                           "store_version",
                           "disk_full",
                           "busy",
                           "corrupt",
                           "read_only",
                           "cannot_open",
                           "io_error",
                           "locking",
                           "no_memory",
                           "system_13",
                           "system_28",
                           "system_30",
                           "system_2",
                           "dns",
                           "connect",
                           "timeout",
                           "tls",
                           "reset",
                           "not_http",
                           "redirect_refused",
                           "too_large",
                           "bad_url",
                           "curl_missing",
                           "network",
                           "insufficient_scope",
                           "ACCESS_DENIED",
                           "NO_AUTH_FOUND",
                           "ERROR_METHOD_NOT_FOUND",
                           "INTERNAL_SERVER_ERROR"}) {
    Row row;
    row.id = "store";
    row.finding = failed("closed", {ErrorKind::storage, code, "it broke", "as it was said"});
    const std::string english = words(row, &templates(), "en").remedy;
    BOOST_TEST(english != "as it was said", code);
    BOOST_TEST(!english.ends_with(":"), code);
    BOOST_TEST(words(row, &templates(), "ru").remedy != english, code);
  }
}

BOOST_AUTO_TEST_CASE(a_secret_of_the_settings_is_hidden_wherever_it_turns_up) {
  Facts facts = good_facts();
  facts.settings.crest.web_hook_url = "https:/example.com/rest-1-canarysecret99";
  facts.settings.spam.captcha_secret = "canary-captcha";
  facts.settings.site.public_url = "https://site.example.org/canary-captcha/";
  facts.seen.storage->data_dir.path = "/var/rest-1-canarysecret99";
  facts.seen.storage->data_dir.exists = false;
  Report report;
  report.rows = judged(facts);
  BOOST_TEST(!to_text(report).contains("canary"));
  BOOST_TEST(row_of(report.rows, "public_url").finding.facts["url"].text() ==
             "https://site.example.org/***/");
}

BOOST_AUTO_TEST_CASE(without_templates_facts_stand_for_words) {
  const std::vector<Row> rows = judged(good_facts());
  const Words w = words(row_of(rows, "data_dir"), nullptr, "en");
  BOOST_TEST(w.title == "data_dir");
  BOOST_TEST(w.detail.contains("/var/lib/b24hooks"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace b24::check
