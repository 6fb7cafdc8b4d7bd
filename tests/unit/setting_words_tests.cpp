// setting_words_tests: the texts of the settings' table, which are English, are all there in the
// other languages, and none is left over.
#include <boost/test/unit_test.hpp>
#include <set>

#include "checkserver/desk.h"
#include "settings/settings_keys.h"
#include "web/catalogue.h"

using namespace b24;

BOOST_AUTO_TEST_SUITE(setting_words_tests)

BOOST_AUTO_TEST_CASE(each_setting_has_its_words_in_russian) {
  std::set<std::string> wanted;
  std::map<std::string, std::string_view> kinds;
  for (const SettingSection& section : setting_sections()) {
    for (const SettingKey& key : section.keys) {
      wanted.insert(desk::help_key(section.name, key.name));
      const std::string kind = desk::expects_key(key.type.expects);
      wanted.insert(kind);
      // Two kinds of values must not share a text.
      BOOST_TEST(kinds.try_emplace(kind, key.type.expects).first->second == key.type.expects);
    }
  }
  BOOST_TEST(wanted.size() > 100u);
  const auto english = read_messages("templates/messages.en.conf");
  const auto russian = read_messages("templates/messages.ru.conf");
  BOOST_REQUIRE((english && russian));
  for (const std::string& key : wanted) BOOST_TEST(russian->contains(key), key);
  for (const auto& [key, text] : *russian) {
    if (key.starts_with(kTranslatedOnly)) BOOST_TEST(wanted.contains(key), key);
  }
  for (const auto& [key, text] : *english) BOOST_TEST(!key.starts_with(kTranslatedOnly), key);
}

BOOST_AUTO_TEST_CASE(a_text_in_one_language_has_the_words_of_all) {
  BOOST_TEST(desk::help_key("form", "heading_ru") == "setting_form_heading_*");
  BOOST_TEST(desk::help_key("field topic", "label_de") == "setting_field_label_*");
  BOOST_TEST(desk::help_key("form", "heading") == "setting_form_heading");
  BOOST_TEST(desk::help_key("", "C_REST_BLOCK_LOG") == "setting_C_REST_BLOCK_LOG");
}

BOOST_AUTO_TEST_SUITE_END()
