// pattern_tests: whole texts, letters beyond ASCII, hostile texts.
#include "settings/pattern.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace b24;

BOOST_AUTO_TEST_SUITE(pattern_tests)

BOOST_AUTO_TEST_CASE(patterns_match_whole_texts_in_utf8) {
  const struct {
    const char* pattern;
    const char* text;
    bool want;
  } cases[] = {
      {"[0-9]{6}", "123456", true},
      {"[0-9]{6}", "1234567", false},
      {"[0-9]{6}", "x123456", false},
      {"a|b", "ab", false},
      {"a|b", "b", true},
      {"[А-Яа-яЁё]+", "Москва", true},
      {"[А-Яа-яЁё]+", "Ёж", true},
      {"[А-Яа-яЁё]+", "Moscow", false},
      {"[А-Яа-яЁё -]+", "Ростов-на Дону", true},
      {"[^а-я]+", "ABC", true},
      {"[^а-я]+", "аб", false},
      {"[]а-я]+", "а]б", true},
      {"[[:digit:]а-я]+", "1а", true},
      {"\\[[а-в]\\]", "[б]", true},
      {"[a-z]+[А-Я]", "abcЯ", true},
      {"[α-ω]{3}", "αβγ", true},
      {".{3}", "дом", true},
      {"[[:alpha:]]+", "дом", true},
  };
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.pattern << " " << c.text) {
      BOOST_TEST(pattern_fault(c.pattern) == "");
      BOOST_TEST(matches(c.pattern, c.text) == c.want);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_used_is_said) {
  const std::string long_one(1001, 'a');
  for (const char* pattern : {"[0-9", "(a", "a{2,1}", "\\d+", "(a*)\\1", "[а-", "[", "[я-а]", "[^",
                              "a\\", long_one.c_str()}) {
    BOOST_TEST(pattern_fault(pattern) != "", pattern);
    BOOST_TEST(!matches("[0-9", "1"));
  }
}

BOOST_AUTO_TEST_CASE(hostile_text_does_not_blow_up_a_pattern) {
  const std::string text(50'000, 'a');
  for (const char* pattern : {"(a+)+b", "(a|aa)*b", "(a|a)*b", "(.*)*x"}) {
    BOOST_TEST(!matches(pattern, text));
  }
}

BOOST_AUTO_TEST_SUITE_END()
