// php_tests: names, encodings, print_r, http_build_query and serialize, by tables of PHP's answers.
#include "value/php.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "decorators.h"
#include "value/json.h"

using b24::Value;
namespace php = b24::php;
using namespace std::string_literals;

namespace php_tests {

// The parsed query as JSON, or the fault.
std::string parsed(std::string_view query, const php::Limits& limits = {}) {
  const auto value = php::parse_query(query, limits);
  if (!value) {
    constexpr const char* kNames[] = {"too_many_fields", "too_deep", "too_many_nodes"};
    return kNames[static_cast<int>(value.error())];
  }
  return b24::json::print(*value);
}

}  // namespace php_tests

BOOST_AUTO_TEST_SUITE(php_tests)

BOOST_AUTO_TEST_CASE(names_follow_php) {
  const struct {
    const char* query;
    const char* want;
  } rows[] = {
      {"", "[]"},
      {"&&", "[]"},
      {"a", R"({"a":""})"},
      {"a=1&a=2", R"({"a":"2"})"},
      {"a=1=2", R"({"a":"1=2"})"},
      {"=1", "[]"},
      {"[a]=1", "[]"},
      {"+=1", "[]"},
      {"+a.b+c=1", R"({"a_b_c":"1"})"},
      {"a+=1", R"({"a_":"1"})"},
      {"a[b][c]=1", R"({"a":{"b":{"c":"1"}}})"},
      {"a[]=1&a[]=2", R"({"a":["1","2"]})"},
      {"a[5]=1&a[]=2", R"({"a":{"5":"1","6":"2"}})"},
      {"a[-5]=1&a[]=2", R"({"a":{"-5":"1","-4":"2"}})"},
      {"a[007]=1&a[]=2", R"({"a":{"007":"1","0":"2"}})"},
      {"0=a&1=b", R"(["a","b"])"},
      {"a=1&a[b]=2", R"({"a":{"b":"2"}})"},
      {"a[b]=1&a=2", R"({"a":"2"})"},
      {"a[b]=1&a[b][c]=2", R"({"a":{"b":{"c":"2"}}})"},
      {"a[b.c d]=1", R"({"a":{"b.c d":"1"}})"},
      {"a[b]c[d]=1", R"({"a":{"b":"1"}})"},
      {"a[b][c=1", R"({"a":{"b":"1"}})"},
      {"a[b.c+d[e=1", R"({"a_b_c_d_e":"1"})"},
      {"a[=1", R"({"a_":"1"})"},
      {"a]=1", R"({"a]":"1"})"},
      {"a[[b]=1", R"({"a":{"[b":"1"}})"},
      {"a[+]=1&a[++]=2", R"({"a":{"0":"1","  ":"2"}})"},
      {"a[%09]=1", R"({"a":["1"]})"},
      {"a%00b[c]=1", R"({"a":"1"})"},
      {"a[b%00c]=1", R"({"a_b":"1"})"},
      {"%00=1", "[]"},
      {"a%5Bb%5d=1", R"({"a":{"b":"1"}})"},
      {"a[][x]=1&a[][y]=2", R"({"a":[{"x":"1"},{"y":"2"}]})"},
      {"a[9223372036854775807]=1&a[]=2", R"({"a":{"9223372036854775807":"1"}})"},
      {"a[9223372036854775807]=1&a[][b]=2", R"({"a":{"9223372036854775807":"1"}})"},
      {"__Host-a=1&__Secure-b=2", R"({"__Host-a":"1","__Secure-b":"2"})"},
      {"..Host-a=1&._Secure-=2&_[Host-=3", "[]"},
      {"a[__Host-x][y]=1", R"({"a":[]})"},
  };
  for (const auto& row : rows)
    BOOST_TEST(parsed(row.query) == row.want, row.query << ": " << parsed(row.query));
}

BOOST_AUTO_TEST_CASE(limits_are_faults_and_leave_the_target_alone, *shows("T15")) {
  php::Limits limits{3, 2};
  BOOST_TEST(parsed("a&b&&&c", limits) == R"({"a":"","b":"","c":""})");
  BOOST_TEST(parsed("a&b&c&d", limits) == "too_many_fields");
  BOOST_TEST(parsed("a[b][]=1", limits) == R"({"a":{"b":["1"]}})");
  BOOST_TEST(parsed("a[b][c][d]=1", limits) == "too_deep");
  BOOST_TEST(parsed("a[b][c][d=1", limits) == "too_deep");
  Value target = Value::map({{"a", "kept"}});
  BOOST_TEST(!php::add_variable(target, "a[b][c][d]", "1", limits));
  BOOST_TEST((target == Value::map({{"a", "kept"}})));

  // Every value counts, arrays too, but none twice.
  const php::Limits five{1000, 64, 5};
  BOOST_TEST(parsed("a[b][c]=1&a[b][d]=2&e=3", five) == R"({"a":{"b":{"c":"1","d":"2"}},"e":"3"})");
  BOOST_TEST(parsed("a[b][c]=1&a[b][d]=2&e=3&e=4&a[b][c]=5", five).starts_with("{"));
  BOOST_TEST(parsed("a[b][c]=1&a[b][d]=2&e[]=3", five) == "too_many_nodes");
  BOOST_TEST(parsed("a[][][][][]=1", five) == "too_many_nodes");
  std::string deep = "a";
  for (int i = 0; i < 64; ++i) deep += "[x]";
  BOOST_TEST(parsed(deep).starts_with("{"));
  BOOST_TEST(parsed(deep + "[x]") == "too_deep");
}

BOOST_AUTO_TEST_CASE(percent_encoding_goes_both_ways) {
  const struct {
    std::string encoded;
    std::string text;
  } rows[] = {{"", ""},       {"a+b%20c", "a b c"}, {"%41%4a%4A", "AJJ"},
              {"%", "%"},     {"%4", "%4"},         {"%zz%4", "%zz%4"},
              {"%%41", "%A"}, {"a%00b", "a\0b"s},   {"%FF", "\xFF"}};
  for (const auto& row : rows) BOOST_TEST(php::url_decode(row.encoded) == row.text);
  BOOST_TEST(php::url_encode("aZ09-_. ~*/\xC3\xA9\0"s) == "aZ09-_.+%7E%2A%2F%C3%A9%00");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  BOOST_TEST(php::url_decode(php::url_encode(all)) == all);
}

BOOST_AUTO_TEST_CASE(merge_is_key_by_key_for_arrays_only) {
  const struct {
    const char* under;
    const char* over;
    const char* want;
  } rows[] = {
      {"a=1&b=2", "c=3&a=4", R"({"a":"4","b":"2","c":"3"})"},
      {"a[x]=1&a[y]=2", "a[y]=3&a[z]=4", R"({"a":{"x":"1","y":"3","z":"4"}})"},
      {"a[]=1&a[]=2", "a[]=3", R"({"a":["3","2"]})"},
      {"a[x][p]=1", "a[x][q]=2", R"({"a":{"x":{"p":"1","q":"2"}}})"},
      {"a[x]=1", "a=2", R"({"a":"2"})"},
      {"a=1", "a[x]=2", R"({"a":{"x":"2"}})"},
      {"", "a=1", R"({"a":"1"})"},
      {"a=1", "", R"({"a":"1"})"},
  };
  for (const auto& row : rows) {
    Value under = *php::parse_query(row.under);
    php::merge(under, *php::parse_query(row.over));
    BOOST_TEST(b24::json::print(under) == row.want);
  }
}

BOOST_AUTO_TEST_CASE(print_r_looks_like_php) {
  const Value event = Value::map({{"event", "ONCRMDEALUPDATE"},
                                  {"data", Value::map({{"FIELDS", Value::map({{"ID", "125"}})}})},
                                  {"empty", Value::array()},
                                  {"ts", "1"}});
  BOOST_TEST(php::print_r(event) ==
             "Array\n"
             "(\n"
             "    [event] => ONCRMDEALUPDATE\n"
             "    [data] => Array\n"
             "        (\n"
             "            [FIELDS] => Array\n"
             "                (\n"
             "                    [ID] => 125\n"
             "                )\n"
             "\n"
             "        )\n"
             "\n"
             "    [empty] => Array\n"
             "        (\n"
             "        )\n"
             "\n"
             "    [ts] => 1\n"
             ")\n");
  BOOST_TEST(php::print_r(Value::array()) == "Array\n(\n)\n");
  BOOST_TEST(php::print_r(Value("text")) == "text");
  BOOST_TEST(php::print_r(Value::list({true, false, nullptr, 5})) ==
             "Array\n(\n    [0] => 1\n    [1] => \n    [2] => \n    [3] => 5\n)\n");
}

BOOST_AUTO_TEST_CASE(build_query_encodes_nested_names) {
  const Value value =
      Value::map({{"fields", Value::map({{"PHONE", Value::list({Value::map({{"VALUE", "+7 9"}})})},
                                         {"a b", "\xC3\xA9"}})},
                  {"none", nullptr},
                  {"empty", Value::array()},
                  {"yes", true},
                  {"no", false},
                  {"real", 1.5}});
  BOOST_TEST(
      php::build_query(value) ==
      "fields%5BPHONE%5D%5B0%5D%5BVALUE%5D=%2B7+9&fields%5Ba+b%5D=%C3%A9&yes=1&no=0&real=1.5");
  BOOST_TEST(php::build_query(Value::array()) == "");
  BOOST_TEST(php::build_query(Value::map({{"", Value::map({{"a", "1"}})}})) == "%5Ba%5D=1");
  BOOST_TEST(php::build_query(Value::list({"x", Value::list({nullptr}), "y"})) == "0=x&2=y");
}

// Long names of many empty arrays must not be copied for each.
BOOST_AUTO_TEST_CASE(build_query_of_a_long_name_with_many_members_finishes) {
  Value many = Value::array();
  for (int i = 0; i < 100'000; ++i) many.append(Value::array());
  BOOST_TEST(php::build_query(Value::map({{std::string(100'000, 'n'), many}})) == "");
}

BOOST_AUTO_TEST_SUITE_END()
