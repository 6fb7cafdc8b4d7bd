// text: small questions about bytes and characters that several modules ask.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace b24::text {

// ASCII only.
inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
// What C's isspace is.
inline bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Digits, one at least.
bool is_number(std::string_view text);

bool is_valid_utf8(std::string_view bytes);
// Each byte that is not part of valid UTF-8, and each NUL, becomes U+FFFD.
std::string to_valid_utf8(std::string_view bytes);
// The number of code points; REQUIRES valid UTF-8.
std::size_t length_utf8(std::string_view text);
// At most `count` code points from the front; REQUIRES valid UTF-8.
std::string_view first_utf8(std::string_view text, std::size_t count);

// C0, DEL, C1 and what breaks lines; with `lines` "\n", "\t" and Unicode's line breaks are none.
// REQUIRES valid UTF-8.
bool has_control(std::string_view text, bool lines);

// Without the bytes of C0 and DEL.
std::string without_controls(std::string_view text);

// Encodings under the names that iconv knows, e.g. "windows-1251".
bool known_encoding(const std::string& name);
// Nothing when the bytes are not valid in that encoding, or iconv does not know it.
std::optional<std::string> to_utf8(std::string_view bytes, const std::string& encoding);
// Full-width letters, digits and signs, and the digits of other scripts, as those of ASCII;
// REQUIRES valid UTF-8.
std::string narrow(std::string_view text);

// Control bytes, DEL, C1, line and direction controls and invalid UTF-8 become \xNN or \uNNNN.
std::string escape_controls(std::string_view text);
// The same for one line of a log: "\" becomes "\\", too; at most `limit` bytes, then "...".
std::string for_log(std::string_view text, std::size_t limit = 512);

// Puts in the place of each name between `open` and `close` what `value` says of it.
std::string fill(std::string_view text, std::string_view open, std::string_view close,
                 const std::function<std::string(std::string_view name)>& value);
// Puts `with` in the place of each `what`. REQUIRES: `what` is not empty.
void replace_all(std::string& text, std::string_view what, std::string_view with);
// "https://host:port" of a URL; empty when there is no "://" in it.
std::string_view origin_of(std::string_view url);
std::string_view trim(std::string_view text);  // blanks and line breaks at both ends
std::string lower(std::string_view text);      // ASCII only
std::string upper(std::string_view text);      // ASCII only
// Puts a character behind a text. REQUIRES: below U+10000, and no surrogate.
void append_utf8(std::string& text, char32_t point);
// As people compare words: small letters of the Latin, Greek and Cyrillic alphabets, and a Cyrillic
// io as the ie that many write for it. Bytes that are not UTF-8 stay.
std::string fold(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII only
// A cell of CSV, in its quotes. A spreadsheet takes one that begins with = + - or @, or with a
// blank before them, for a formula; such a one is put behind an apostrophe.
std::string csv_cell(std::string_view value);
// Parts between any of the separator characters, trimmed, empty ones left out: "a, b" -> {"a",
// "b"}.
std::vector<std::string> split(std::string_view text, std::string_view separators = ", \t\r\n");
// In lines of at most `width` code points, as far as its words are no longer. The first stands
// behind what is there already, at `column`; each further one behind `margin`. REQUIRES valid
// UTF-8.
std::string wrapped(std::string_view text, std::size_t width, std::string_view margin,
                    std::size_t column);
// {"a", "b"} -> "a, b"
template <class Texts>
std::string join(const Texts& texts, std::string_view between) {
  std::string all;
  for (const auto& text : texts) {
    if (!all.empty()) all += between;
    all += std::string(text);
  }
  return all;
}

}  // namespace b24::text
