// settings_in_use_tests: what is told of each setting: its value, its place, and no secret.
#include "checkserver/settings_in_use.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "base/text.h"
#include "checkserver/desk.h"
#include "decorators.h"
#include "process.h"
#include "settings/settings_keys.h"

using namespace b24;

namespace settings_in_use_tests {

struct Fixture {
  test::TempDir dir;
  std::filesystem::path file = dir / "settings.conf";
  Result<std::vector<SettingInUse>> all = std::vector<SettingInUse>();

  void read(const std::string& text, std::vector<const char*> environment = {}) {
    test::write_file(file, text);
    environment.push_back(nullptr);
    all = settings_in_use(file, environment.data());
  }
  const SettingInUse& of(const std::string& section, const std::string& key) const {
    BOOST_TEST_REQUIRE(all.has_value());
    const auto found = std::ranges::find_if(
        *all, [&](const auto& one) { return one.section == section && one.key == key; });
    BOOST_TEST_REQUIRE((found != all->end()), section << "." << key);
    return *found;
  }
  std::string at(int line) const { return file.string() + ":" + std::to_string(line); }
};

}  // namespace settings_in_use_tests

BOOST_FIXTURE_TEST_SUITE(settings_in_use_tests, Fixture)

BOOST_AUTO_TEST_CASE(each_key_has_its_value_its_place_and_a_line_to_put) {
  read("[form]\ntitle = Site\n\n[log]\nkeep_files = 3\n",
       {"B24HOOKS_FORM_TITLE=Env", "B24HOOKS_SERVER_THREADS=3"});
  const SettingInUse title = of("form", "title");
  BOOST_TEST(title.value == "Env");
  BOOST_TEST(title.place == "environment variable B24HOOKS_FORM_TITLE");
  BOOST_TEST(title.passed_over == at(2));
  BOOST_TEST(text::join(title.lines, "|") == "B24HOOKS_FORM_TITLE=Website: {email}");
  const SettingInUse files = of("log", "keep_files");
  BOOST_TEST(files.value == "3");
  BOOST_TEST(files.place == at(5));
  BOOST_TEST(files.passed_over == "");
  BOOST_TEST(files.lines.size() == 2u);
  BOOST_TEST(files.lines.at(0) == "[log]");
  BOOST_TEST(files.lines.at(1).starts_with("keep_files = "));
  const SettingInUse method = of("form", "method");
  BOOST_TEST(method.value == "crm.lead.add");
  BOOST_TEST(method.place == "");
  BOOST_TEST(method.expects == "crm.lead.add or crm.item.add");
  // Before the first section there is none to name.
  BOOST_TEST(of("", "C_REST_IGNORE_SSL").lines.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_further_form_shows_what_it_takes_from_the_default_one) {
  read("[form callback]\nwait = 2s\n\n[form]\nwait = 1s\nmin_time = 3s\n");
  BOOST_TEST(of("form callback", "wait").value == "2s");
  BOOST_TEST(of("form callback", "min_time").value == "3s");
  BOOST_TEST(of("form callback", "min_time").place == at(6));
  BOOST_TEST(of("form callback", "min_time").lines.front() == "[form callback]");
  BOOST_TEST(of("form", "wait").value == "1s");
}

// Every line that is shown is one that the reader takes.
BOOST_AUTO_TEST_CASE(each_line_to_put_is_one_that_is_read) {
  read("[field size]\nlabel_de = x\n[on ONX]\nfilter = a=b\n[portal main]\nmember_id = 1\n");
  BOOST_TEST_REQUIRE(all.has_value());
  const auto rows = *all;
  for (const SettingInUse& row : rows) {
    read(text::join(row.lines, "\n") + "\n");
    BOOST_TEST(all.has_value(),
               row.section << "." << row.key << ": " << (all ? "" : all.error().cause));
    if (all) BOOST_TEST(of(row.section, row.key).place == at(static_cast<int>(row.lines.size())));
  }
}

BOOST_AUTO_TEST_CASE(sections_with_a_name_stand_once_each_whoever_named_them) {
  read("[field Size]\nlabel = a\nlabel_ru = b\n[field other]\n",
       {"B24HOOKS_FIELD_SIZE_TARGET=COMMENTS", "B24HOOKS_FIELD_SIZE_LABEL_DE=c"});
  BOOST_TEST(of("field Size", "target").value == "COMMENTS");
  BOOST_TEST(of("field Size", "label_ru").place == at(3));
  BOOST_TEST(of("field Size", "label_de").value == "c");
  BOOST_TEST(std::ranges::count(*all, std::string("target"), &SettingInUse::key) == 1);
  BOOST_TEST(std::ranges::count(*all, std::string("application_token"), &SettingInUse::key) == 1);
}

BOOST_AUTO_TEST_CASE(no_secret_is_told, *shows("T25")) {
  std::string text, sections;
  for (const SettingSection& section : setting_sections()) {
    std::string part = "[" + std::string(section.name) + " canary]\n";
    if (!section.item) part = "[" + std::string(section.name) + "]\n";
    if (section.name.empty()) part.clear();
    for (const SettingKey& key : section.keys) {
      if (!key.type.secret) continue;
      const bool is_url = key.type.expects.contains("URL");
      part += std::string(key.name) + " = " +
              (is_url ? "https://p.example/rest/1/canarysecret99/" : "canarysecret0123456789") +
              "\n";
    }
    text += part;
  }
  read(text + "[notify]\ncommand = /bin/tell --url https://p.example/rest/1/canarysecret99/\n");
  BOOST_TEST_REQUIRE(all.has_value(), (all ? "" : all.error().cause));
  BOOST_TEST(of("", "C_REST_WEB_HOOK_URL").value == "***");
  BOOST_TEST(of("portal canary", "application_token").value == "***");
  BOOST_TEST(of("spam", "captcha_site_key").value == "");
  BOOST_TEST(!text_of(*all).contains("canarysecret"));
  read("");
  BOOST_TEST(of("", "C_REST_WEB_HOOK_URL").value == "");  // that there is none is no secret
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_an_error) {
  read("[form]\ntitel = x\n");
  BOOST_TEST(!all.has_value());
  BOOST_TEST(all.error().code == "unknown_key");
}

// A problem stands with the setting that its lines to paste set, or by itself.
BOOST_AUTO_TEST_CASE(a_problem_of_no_setting_of_its_own_stands_by_itself) {
  read("[form]\ntitle = x\n");
  const auto check = [](const char* id, const char* group, const char* state, Value paste) {
    return Value::map(
        {{"id", id}, {"group", group}, {"state", state}, {"paste", std::move(paste)}});
  };
  const Value checks = Value::map(
      {{"checks", Value::list({check("privacy", "settings", "error", Value::list({"chmod 600 x"})),
                               check("zone", "settings", "warning",
                                     Value::list({"[log]", "time_zone = +03:00"})),
                               check("fine", "settings", "ok", Value::array()),
                               check("disk", "storage", "error", Value::array())})}});
  const Value shown = desk::setup_value(*all, checks);
  BOOST_REQUIRE(shown["problems"].size() == 1u);
  BOOST_TEST(shown["problems"][0]["id"].text() == "privacy");
  std::string named;
  for (const Value::Member& row : shown["settings"].members()) {
    for (const Value::Member& problem : row.value["problems"].members())
      named += row.value["section"].text() + "." + row.value["key"].text() + " " +
               problem.value["id"].text() + "\n";
  }
  BOOST_TEST(named == "log.time_zone zone\n");
}

BOOST_AUTO_TEST_SUITE_END()
