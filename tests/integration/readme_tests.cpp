// readme_tests: what README.md names is there: options, make's targets, files, settings.
#include <boost/test/unit_test.hpp>
#include <regex>
#include <set>
#include <string>

#include "process.h"
#include "settings/settings.h"

using namespace b24::test;

namespace readme_tests {

std::set<std::string> all_matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    found.insert(it->str(1));
  }
  return found;
}

std::string readme() {
  return read_file("README.md");
}

}  // namespace readme_tests

BOOST_AUTO_TEST_SUITE(readme_tests)

BOOST_AUTO_TEST_CASE(each_option_is_one_of_its_program) {
  int options = 0;
  for (const std::string name : {"index", "handler", "checkserver"}) {
    const std::string help =
        run({{built("cgi-bin/" + name + ".fcgi"), "--help"}, {}, "", {}, ""}).out;
    for (const std::string& code : all_matches(readme(), "`([^`\n]+)`")) {
      if (!code.starts_with(name + ".fcgi ")) continue;
      for (const std::string& option : all_matches(code, "(--[a-z-]+)")) {
        BOOST_TEST(help.contains("\n  " + option + " "), name << " " << option);
        ++options;
      }
    }
  }
  BOOST_TEST(options > 10);
}

BOOST_AUTO_TEST_CASE(each_target_of_make_is_there) {
  const std::string targets = run({{"make", "help"}, {}, "", {}, ""}).out;
  for (const std::string& target : all_matches(readme(), "make ([a-z]+)\\b(?! lib)")) {
    if (target == "can") continue;  // "everything that make can do"
    BOOST_TEST(("\n" + targets).contains("\n" + target + " "), target);
  }
}

BOOST_AUTO_TEST_CASE(each_file_is_there) {
  const auto files = all_matches(
      readme(),
      "`((?:conf|lib|cgi-bin|templates|tests|\\.readme)/[A-Za-z0-9_./@-]*|[a-z.]+\\.example)`");
  BOOST_TEST(files.size() > 5u);
  for (const std::string& file : files) {
    if (file == "conf/settings.conf") continue;  // the owner makes it
    BOOST_TEST(std::filesystem::exists(file), file);
  }
  for (const std::string& picture : all_matches(readme(), "\\]\\((\\.readme/[^)]+)\\)")) {
    BOOST_TEST(std::filesystem::exists(picture), picture);
  }
}

BOOST_AUTO_TEST_CASE(the_example_of_an_action_is_taken) {
  const std::string text = readme();
  const std::size_t begin = text.find("    [on ONCRMDEALUPDATE]");
  BOOST_TEST_REQUIRE(begin != text.npos);
  const std::string section = text.substr(begin, text.find("\n\n", begin) - begin);
  const TempDir dir;
  std::string settings = "C_REST_WEB_HOOK_URL = https://portal.example/rest/1/secretsecret99/\n" +
                         std::regex_replace(section, std::regex("(^|\n) +"), "\n");
  settings =
      std::regex_replace(settings, std::regex("whsec_\\.\\.\\."), "whsec_" + std::string(32, 'A'));
  write_file(dir / "settings.conf", settings + "\n");
  const auto loaded = b24::load_settings(dir / "settings.conf", nullptr);
  BOOST_TEST_REQUIRE(loaded.has_value(), (loaded ? "" : loaded.error().cause));
  BOOST_TEST(loaded->actions.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
