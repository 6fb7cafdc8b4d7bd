// json_tests: documents in and out, and what is none.
#include "value/json.h"

#include <boost/test/unit_test.hpp>

#include "base/text.h"
#include "decorators.h"

using b24::Value;
namespace json = b24::json;
using namespace std::string_literals;

BOOST_AUTO_TEST_SUITE(json_tests)

BOOST_AUTO_TEST_CASE(documents_become_values) {
  const struct {
    std::string text;
    Value want;
  } rows[] = {
      {"null", nullptr},
      {" true\r\n", true},
      {"false", false},
      {"12", 12},
      {"-0", 0},
      {"9007199254740992", std::int64_t{9007199254740992}},
      {"1.0", 1},
      {"1.5", 1.5},
      {"1e30", 1e30},
      {R"("a\"\\\/\n\u00e9\ud83d\ude00")", "a\"\\/\n\xC3\xA9\xF0\x9F\x98\x80"},
      {"[]", Value::array()},
      {"{}", Value::array()},
      {"[1,[2]]", Value::list({1, Value::list({2})})},
      {R"({"a":1,"12":"x","":null})", Value::map({{"a", 1}, {12, "x"}, {"", nullptr}})},
      {R"({"a":1,"b":2,"a":3})", Value::map({{"a", 3}, {"b", 2}})},
      {R"("a\u0000b")",
       "a\xEF\xBF\xBD"
       "b"},
      {R"("\\u0000")", "\\u0000"},
      {R"({"k\u0000":1})", Value::map({{"k\xEF\xBF\xBD", 1}})},
      {"\"\xFF\"", "\xFF"},
  };
  for (const auto& row : rows) {
    const auto value = json::parse(row.text);
    BOOST_TEST(value.has_value(), row.text);
    if (value) BOOST_TEST((*value == row.want), row.text << ": " << json::print(*value));
  }
}

BOOST_AUTO_TEST_CASE(malformed_text_is_refused) {
  const std::string rows[] = {
      "",          " ",       "nul",      "{",           "}",         "[1",
      "[1,]",      "{\"a\"}", "{\"a\":}", "{\"a\":1,}",  "{a:1}",     "{1:1}",
      "'a'",       "\"a",     "\"\\x\"",  "\"\\ud800\"", "\"\\u12\"", "[1] x",
      "1 2",       "{}{}",    "\"a\nb\"", "\"a\0b\""s,   "[1]\0"s,    "\0"s,
      "[\x01]",    "\"\\\"",  "\"\\\n\"", "a=1",         "<html>",    "[\"a\" \"b\"]",
      "{\"a\" 1}", "-",       "\"\\\0\""s};
  for (const std::string& row : rows) {
    const auto value = json::parse(row);
    BOOST_TEST(!value, b24::text::for_log(row));
    if (!value) {
      BOOST_TEST(value.error().code == "bad_json");
      BOOST_TEST((value.error().kind == b24::ErrorKind::input));
    }
  }
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_document_is_refused) {
  const std::string text = R"({"a":[1.5,true,null,"x\"\u00e9"],"b":{"c":-2}})";
  BOOST_TEST(json::parse(text).has_value());
  for (std::size_t length = 0; length < text.size(); ++length)
    BOOST_TEST(!json::parse(text.substr(0, length)));
}

BOOST_AUTO_TEST_CASE(depth_is_bounded, *shows("T15")) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  BOOST_TEST(json::parse(nested(200)).has_value());
  BOOST_TEST(json::parse(nested(201)).error().code == "too_deep");
  BOOST_TEST(json::parse(nested(3), 2).error().code == "too_deep");
  BOOST_TEST(json::parse(nested(2), 2).has_value());
  for (const char* four : {"[1,2,3]", R"({"a":{"b":[]}})", R"([[],{"a,[{":"],"}])", "[[[1]]]"}) {
    const bool nested_empty = std::string_view(four).find("[]") != std::string_view::npos;
    BOOST_TEST(json::parse(four, 9, nested_empty ? 5 : 4).has_value(), four);
    BOOST_TEST(json::parse(four, 9, 2).error().code == "too_many_nodes", four);
  }
  BOOST_TEST(json::parse("[" + std::string(1'000'000, ','), 9, 8192).error().code ==
             "too_many_nodes");
  BOOST_TEST(json::parse(R"(["[[[[","\"[[["])", 1).has_value());
  BOOST_TEST(json::parse(R"([{},{},{}])", 2).has_value());
  BOOST_TEST(json::parse(std::string(5'000'000, '[')).error().code == "too_deep");
}

BOOST_AUTO_TEST_CASE(values_become_documents) {
  const struct {
    Value value;
    const char* want;
  } rows[] = {
      {nullptr, "null"},
      {true, "true"},
      {INT64_MAX, "9223372036854775807"},
      {1.5, "1.5"},
      {"a\"\\\n\t\x01<\xC3\xA9", "\"a\\\"\\\\\\n\\t\\u0001<\xC3\xA9\""},
      {"\xFFz\0"s, "\"\xEF\xBF\xBDz\xEF\xBF\xBD\""},
      {Value::array(), "[]"},
      {Value::list({1, "x"}), R"([1,"x"])"},
      {Value::map({{1, "x"}}), R"({"1":"x"})"},
      {Value::map({{"\xFF", 1}}), "{\"\xEF\xBF\xBD\":1}"},
      {Value::map({{"a", Value::list({Value::array()})}}), R"({"a":[[]]})"},
  };
  for (const auto& row : rows) BOOST_TEST(json::print(row.value) == row.want);
  const std::string indented =
      json::print(Value::map({{"a", 1}, {"b", Value::map({{"c", 2}})}}), json::Layout::indented);
  BOOST_TEST(indented.contains('\n'));
  BOOST_TEST((*json::parse(indented) == *json::parse(R"({"a":1,"b":{"c":2}})")));
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_members_go_both_ways) {
  Value value = Value::array();
  for (int i = 0; i < 100'000; ++i) value["key" + std::to_string(i)] = i;
  const auto back = json::parse(json::print(value));
  BOOST_REQUIRE(back);
  BOOST_TEST((*back == value));
}

BOOST_AUTO_TEST_SUITE_END()
