// text_tests: UTF-8, encodings, log lines and small helpers.
#include "base/text.h"

#include <iconv.h>

#include <boost/test/unit_test.hpp>

#include "base/encoding_table.h"
#include "decorators.h"

namespace text = b24::text;
using namespace std::string_literals;

namespace text_tests {

const std::string kMark = "\xEF\xBF\xBD";

std::optional<std::string> by_iconv(std::string text, std::string_view encoding) {
  const iconv_t handle = iconv_open("UTF-8", std::string(encoding).c_str());
  BOOST_REQUIRE(handle != reinterpret_cast<iconv_t>(-1));
  char* from = text.data();
  std::size_t left = text.size();
  char result[16];
  char* to = result;
  std::size_t space = sizeof result;
  const bool whole = iconv(handle, &from, &left, &to, &space) != static_cast<std::size_t>(-1) &&
                     // Some keep a letter back in case that an accent follows.
                     iconv(handle, nullptr, nullptr, &to, &space) != static_cast<std::size_t>(-1);
  iconv_close(handle);
  if (!whole) return std::nullopt;
  return std::string(result, to);
}

}  // namespace text_tests

BOOST_AUTO_TEST_SUITE(text_tests)

BOOST_AUTO_TEST_CASE(utf8_is_strict) {
  const std::string good[] = {"",
                              "ascii",
                              "\0"s,
                              "\xC2\x80",
                              "\xDF\xBF",
                              "\xE0\xA0\x80",
                              "\xED\x9F\xBF",
                              "\xEE\x80\x80",
                              "\xF0\x90\x80\x80",
                              "\xF4\x8F\xBF\xBF"};
  for (const std::string& row : good) BOOST_TEST(text::is_valid_utf8(row), text::for_log(row));
  const std::string bad[] = {"\x80",
                             "\xBF",
                             "\xC0\x80",
                             "\xC1\xBF",
                             "\xC2",
                             "\xC2\x41",
                             "\xE0\x9F\xBF",
                             "\xED\xA0\x80",
                             "\xE2\x82",
                             "\xF0\x8F\xBF\xBF",
                             "\xF4\x90\x80\x80",
                             "\xF5\x80\x80\x80",
                             "\xFF",
                             "ok\xFE"};
  for (const std::string& row : bad) BOOST_TEST(!text::is_valid_utf8(row), text::for_log(row));
}

BOOST_AUTO_TEST_CASE(each_invalid_byte_and_nul_is_replaced) {
  BOOST_TEST(text::to_valid_utf8("a\xC3\xA9") == "a\xC3\xA9");
  BOOST_TEST(text::to_valid_utf8("a\0b"s) == "a" + kMark + "b");
  BOOST_TEST(text::to_valid_utf8("\xE2\x82") == kMark + kMark);
  BOOST_TEST(text::to_valid_utf8("\xED\xA0\x80") == kMark + kMark + kMark);
  BOOST_TEST(text::is_valid_utf8(text::to_valid_utf8("\xF0\x9F\x98\xC3\xA9\xFF")));
}

BOOST_AUTO_TEST_CASE(code_points_are_counted_and_cut) {
  const std::string word = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  BOOST_TEST(text::length_utf8("") == 0u);
  BOOST_TEST(text::length_utf8(word) == 4u);
  BOOST_TEST(text::first_utf8(word, 0) == "");
  BOOST_TEST(text::first_utf8(word, 2) == "a\xC3\xA9");
  BOOST_TEST(text::first_utf8(word, 3) == "a\xC3\xA9\xE2\x82\xAC");
  BOOST_TEST(text::first_utf8(word, 4) == word);
  BOOST_TEST(text::first_utf8(word, 99) == word);
}

BOOST_AUTO_TEST_CASE(encodings_become_utf8_or_nothing) {
  const struct {
    std::string bytes;
    const char* encoding;
    std::optional<std::string> want;
  } rows[] = {
      {"\xC8\xE2\xE0\xED", "windows-1251", "\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD"},
      {"a\xE9", "iso-8859-1", "a\xC3\xA9"},
      {"a\xE2\x98\x83z", "UTF-8", "a\xE2\x98\x83z"},
      {"a\xFF\xFEz", "UTF-8", std::nullopt},
      {"a\xE2\x98", "UTF-8", std::nullopt},
      {"a\x98z", "windows-1251", std::nullopt},
      {"a\0b"s, "windows-1251", "a\0b"s},
      {"\x03\x26", "UTF-16LE", "\xE2\x98\x83"},
      {"\xD8\x00\x00\x41"s, "UTF-16BE", std::nullopt},
      {"", "koi8-r", ""},
      {"text", "no-such-encoding", std::nullopt},
  };
  for (const auto& row : rows)
    BOOST_TEST((text::to_utf8(row.bytes, row.encoding) == row.want),
               row.encoding << ": " << text::for_log(row.bytes));
  BOOST_TEST(text::to_utf8(std::string(100'000, '\xC8'), "windows-1251")->size() == 200'000u);
  BOOST_TEST(text::known_encoding("windows-1251"));
  BOOST_TEST(text::known_encoding("utf-8"));
  BOOST_TEST(!text::known_encoding("windows-9999"));
}

// Written down, since the bundle has no iconv; so iconv is the oracle.
BOOST_AUTO_TEST_CASE(each_byte_of_each_single_byte_encoding_is_what_iconv_makes_of_it) {
  for (const text::SingleByte& row : text::kSingleByte) {
    for (int byte = 0; byte < 0x100; ++byte) {
      const std::string text(1, static_cast<char>(byte));
      BOOST_TEST((text::to_utf8(text, std::string(row.name)) == by_iconv(text, row.name)),
                 row.name << ": " << byte);
    }
  }
  BOOST_TEST((text::to_utf8("\xCF", "CP1251") == text::to_utf8("\xCF", "windows-1251")));
  BOOST_TEST((text::to_utf8("\x8F", "cp866") == text::to_utf8("\xCF", "windows-1251")));
}

BOOST_AUTO_TEST_CASE(other_forms_of_ascii_become_ascii) {
  BOOST_TEST(text::narrow("＋４９　（３０）１２３") == "+49 (30)123");
  BOOST_TEST(text::narrow("ａ＠ｂ．ｒｕ") == "a@b.ru");
  BOOST_TEST(text::narrow("٠١٩ ۰۹ ०९") == "019 09 09");
  BOOST_TEST(text::narrow("Анна é ～｟") == "Анна é ~｟");
}

BOOST_AUTO_TEST_CASE(a_log_line_stays_one_line, *shows("T24")) {
  const struct {
    std::string text;
    const char* want;
  } rows[] = {
      {"plain \xC3\xA9", "plain \xC3\xA9"},
      {"a\r\nb\tc", "a\\x0d\\x0ab\\x09c"},
      {"\0\x1b\x7f"s, "\\x00\\x1b\\u007f"},
      {"\\n", "\\\\n"},
      {"\xC2\x85\xC2\x9B", "\\u0085\\u009b"},
      {"\xE2\x80\xA8\xE2\x80\xA9", "\\u2028\\u2029"},
      {"a\xE2\x80\xAE\xE2\x81\xA6z\xE2\x80\x8F", "a\\u202e\\u2066z\\u200f"},
      {"\xFF\xC3", "\\xff\\xc3"},
      {"", ""},
  };
  for (const auto& row : rows) BOOST_TEST(text::for_log(row.text) == row.want);
  BOOST_TEST(text::for_log("abcdef", 6) == "abcdef");
  BOOST_TEST(text::for_log("abcdefg", 6) == "abcdef...");
  BOOST_TEST(text::for_log("abc\xC3\xA9", 4) == "abc...");
  BOOST_TEST(text::for_log("abc\n", 6) == "abc...");
  BOOST_TEST(text::for_log(std::string(1'000'000, '\n')).size() <= 515u);
}

BOOST_AUTO_TEST_CASE(helpers_are_ascii) {
  BOOST_TEST(text::trim(" \t\r\na b \n") == "a b");
  BOOST_TEST(text::trim(" \n") == "");
  BOOST_TEST(text::lower("AZ\xC3\x89[") == "az\xC3\x89[");
  BOOST_TEST(text::equal_ignoring_case("Chunked", "cHUNKED"));
  BOOST_TEST(!text::equal_ignoring_case("a", "ab"));
  BOOST_TEST(!text::equal_ignoring_case("[", "{"));
  const std::vector<std::string> parts = {"a", "b", "c"};
  BOOST_TEST(text::split(" a, b,,c\n", ", \n") == parts);
  BOOST_TEST(text::split(" a ; b ;; c;", ";") == parts);
  BOOST_TEST(text::split("").empty());
  BOOST_TEST(text::split(",,", ",").empty());
}

BOOST_AUTO_TEST_SUITE_END()
