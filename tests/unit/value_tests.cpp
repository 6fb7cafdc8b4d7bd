// value_tests: arrays as PHP has them, conversions, and no member count that makes them slow.
#include "value/value.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "decorators.h"

using b24::Key;
using b24::Value;

namespace value_tests {

std::string keys_of(const Value& value) {
  std::string keys;
  for (const Value::Member& member : value.members())
    keys += (member.key.is_integer() ? "#" : "") + member.key.text() + " ";
  return keys;
}

}  // namespace value_tests

BOOST_AUTO_TEST_SUITE(value_tests)

BOOST_AUTO_TEST_CASE(only_canonical_decimals_become_integer_keys) {
  for (const char* text : {"0", "12", "-3", "9223372036854775807", "-9223372036854775808"}) {
    BOOST_TEST(Key(text).is_integer(), text);
    BOOST_TEST(Key(text).text() == text);
  }
  for (const char* text : {"", "007", "+1", "-0", "-", "1.5", " 1", "1 ", "9223372036854775808",
                           "-9223372036854775809", "18446744073709551617", "0x1", "--1", "a"}) {
    BOOST_TEST(!Key(text).is_integer(), text);
    BOOST_TEST(Key(text).text() == text);
  }
  BOOST_TEST((Key("5") == Key(5)));
  BOOST_TEST(Key(std::string("a\0b", 3)).text().size() == 3u);
}

BOOST_AUTO_TEST_CASE(members_keep_the_order_of_insertion) {
  Value value;
  value["b"] = 1;
  value["a"] = 2;
  value["b"] = 3;
  value.append("x");
  BOOST_TEST(keys_of(value) == "b a #0 ");
  BOOST_TEST(value["b"].integer() == 3);
}

BOOST_AUTO_TEST_CASE(append_takes_the_next_free_integer) {
  const struct {
    const char* key;
    std::int64_t want;
  } rows[] = {{"7", 8}, {"0", 1}, {"-5", -4}, {"a", 0}, {"-9223372036854775808", -INT64_MAX}};
  for (const auto& row : rows) {
    Value value = Value::map({{row.key, "x"}});
    value.append("y");
    BOOST_TEST((value.members().back().key == Key(row.want)), row.key);
  }
}

BOOST_AUTO_TEST_CASE(append_after_the_largest_key_is_dropped) {
  Value value = Value::map({{INT64_MAX - 1, "x"}});
  value.append("y");
  value.append("z");
  BOOST_TEST(value.size() == 2u);
  BOOST_TEST(value[INT64_MAX].text() == "y");
}

BOOST_AUTO_TEST_CASE(reading_what_is_not_there_finds_null_and_writing_makes_it) {
  const Value empty;
  BOOST_TEST(empty["a"]["b"].is_null());
  BOOST_TEST(empty.path("a.b.c").is_null());
  BOOST_TEST(Value("text")["a"].is_null());
  BOOST_TEST(Value("text").size() == 0u);
  const Value five(5);
  BOOST_TEST(five.members().empty());
  Value value("text");
  value["a"]["b"] = "c";
  BOOST_TEST(value.path("a.b").text() == "c");
  BOOST_TEST(value.path("a").is_array());
  BOOST_TEST(value.path("").is_null());
  BOOST_TEST(value.path("a.").is_null());
  BOOST_TEST(Value::list({Value::list({"x", "y"})}).path("0.1").text() == "y");
}

BOOST_AUTO_TEST_CASE(a_list_has_the_keys_from_zero_in_order) {
  BOOST_TEST(Value::array().is_list());
  BOOST_TEST(Value::list({1, 2}).is_list());
  BOOST_TEST(!Value::map({{1, "a"}, {0, "b"}}).is_list());
  BOOST_TEST(!Value::map({{"a", 1}}).is_list());
  BOOST_TEST(!Value("x").is_list());
}

BOOST_AUTO_TEST_CASE(scalars_convert_as_php_does) {
  const struct {
    Value value;
    const char* text;
    bool boolean;
    std::int64_t integer;
    double real;
  } rows[] = {
      {nullptr, "", false, 0, 0},
      {false, "", false, 0, 0},
      {true, "1", true, 1, 1},
      {0, "0", false, 0, 0},
      {-7, "-7", true, -7, -7},
      {1.5, "1.5", true, 1, 1.5},
      {0.0, "0", false, 0, 0},
      {1e17, "1.0E+17", true, 100000000000000000, 1e17},
      {88888881348611157.0, "88888881348611150", true, 88888881348611152, 88888881348611152.0},
      {-88888881348611157.0, "-88888881348611150", true, -88888881348611152, -88888881348611152.0},
      {9007199254740994.0, "9007199254740994", true, 9007199254740994, 9007199254740994.0},
      {12345678901234567.0, "12345678901234568", true, 12345678901234568, 12345678901234568.0},
      {1e16, "10000000000000000", true, 10000000000000000, 1e16},
      {1.25e-7, "1.25E-7", true, 0, 1.25e-7},
      {0.0001, "0.0001", true, 0, 0.0001},
      {1e300, "1.0E+300", true, INT64_MAX, 1e300},
      {HUGE_VAL, "INF", true, INT64_MAX, HUGE_VAL},
      {-HUGE_VAL, "-INF", true, INT64_MIN, -HUGE_VAL},
      {"", "", false, 0, 0},
      {"0", "0", false, 0, 0},
      {"0.0", "0.0", true, 0, 0},
      {"a", "a", true, 0, 0},
      {" 12abc", " 12abc", true, 12, 12},
      {"+5", "+5", true, 5, 5},
      {"+-5", "+-5", true, 0, 0},
      {"-3.9", "-3.9", true, -3, -3.9},
      {".5", ".5", true, 0, 0.5},
      {"1e3", "1e3", true, 1000, 1000},
      {"1e", "1e", true, 1, 1},
      {"inf", "inf", true, 0, 0},
      {"-nan", "-nan", true, 0, 0},
      {"99999999999999999999", "99999999999999999999", true, INT64_MAX, 99999999999999999999.0},
      {"-1e999", "-1e999", true, INT64_MIN, -HUGE_VAL},
      {"1e-999", "1e-999", true, 0, 0},
      {Value::array(), "Array", false, 0, 0},
      {Value::list({0}), "Array", true, 1, 1},
  };
  for (const auto& row : rows) {
    BOOST_TEST_INFO_SCOPE("value " << row.text);
    BOOST_TEST(row.value.text() == row.text);
    BOOST_TEST(row.value.boolean() == row.boolean);
    BOOST_TEST(row.value.integer() == row.integer);
    BOOST_TEST(row.value.real() == row.real);
  }
  BOOST_TEST(Value(std::nan("")).text() == "NAN");
  BOOST_TEST(Value(std::nan("")).integer() == 0);
  BOOST_TEST(Value(std::nan("")).boolean());
}

BOOST_AUTO_TEST_CASE(copies_are_apart_and_moves_are_whole) {
  Value value = Value::map({{"a", Value::list({"x"})}});
  Value copy = value;
  copy["a"][0] = "y";
  BOOST_TEST(value["a"][0].text() == "x");
  BOOST_TEST((copy == Value::map({{"a", Value::list({"y"})}})));
  value = value["a"];  // from inside itself
  BOOST_TEST(value[0].text() == "x");
  value = std::move(copy);
  BOOST_TEST(value["a"][0].text() == "y");
}

BOOST_AUTO_TEST_CASE(equality_sees_types_order_and_members) {
  BOOST_TEST((Value("1") != Value(1)));
  BOOST_TEST((Value::map({{"a", 1}, {"b", 2}}) != Value::map({{"b", 2}, {"a", 1}})));
  BOOST_TEST((Value::array() != Value()));
  BOOST_TEST((Value::list({1, "x"}) == Value::list({1, "x"})));
}

// Anything that looked at each member for each look-up would take minutes here.
BOOST_AUTO_TEST_CASE(a_million_look_ups_among_as_many_members_finish, *shows("T14")) {
  Value value;
  constexpr int kMembers = 200'000;
  for (int i = 0; i < kMembers; ++i) value["key" + std::to_string(i)] = i;
  std::int64_t sum = 0;
  for (int round = 0; round < 5; ++round)
    for (int i = 0; i < kMembers; ++i) sum += value["key" + std::to_string(i)].integer();
  BOOST_TEST(sum == 5LL * kMembers * (kMembers - 1) / 2);
  BOOST_TEST(value.size() == static_cast<std::size_t>(kMembers));
}

BOOST_AUTO_TEST_SUITE_END()
