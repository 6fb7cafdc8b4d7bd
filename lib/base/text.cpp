// text: UTF-8 and small string helpers.
#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace b24::text {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct CodePoint {
  std::size_t length = 0;  // 0: the first byte is not part of valid UTF-8
  std::uint32_t value = 0;
};

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The code point at the front. Overlong forms, surrogates and what lies above U+10FFFF are invalid.
CodePoint decode(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  std::uint32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  constexpr std::array<std::uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[length] || value > 0x10FFFF) return {};
  if (value >= 0xD800 && value <= 0xDFFF) return {};
  return {length, value};
}

// Takes the code point at the front, or a byte that is none.
struct Piece {
  std::string_view bytes;
  CodePoint point;
};
Piece take(std::string_view& text) {
  const CodePoint point = decode(text);
  const Piece piece{text.substr(0, std::max<std::size_t>(point.length, 1)), point};
  text.remove_prefix(piece.bytes.size());
  return piece;
}

// Takes what is ASCII at the front, which most text is, up to a NUL.
std::string_view take_plain(std::string_view& text) {
  const auto end = std::ranges::find_if(
      text, [](char c) { return c == '\0' || static_cast<unsigned char>(c) >= 0x80; });
  const std::string_view plain(text.begin(), end);
  text = {end, text.end()};
  return plain;
}

// DEL and C1; what breaks lines; what makes a reader see characters in another order than they
// stand in.
bool is_wide_control(std::uint32_t point) {
  return (point >= 0x7F && point < 0xA0) || point == 0x200E || point == 0x200F ||
         (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

std::string escaped(std::string_view text, std::size_t limit, std::string_view backslash) {
  std::string result;
  while (!text.empty()) {
    auto [piece, point] = take(text);
    std::array<char, 12> escape{};
    if (point.length == 0 || point.value < 0x20)
      std::snprintf(escape.data(), escape.size(), "\\x%02x",
                    static_cast<unsigned char>(piece.front()));
    else if (is_wide_control(point.value))
      std::snprintf(escape.data(), escape.size(), "\\u%04x", point.value);
    else if (point.value == '\\')
      piece = backslash;
    if (escape[0] != '\0') piece = escape.data();
    if (piece.size() > limit - result.size()) return result + "...";
    result += piece;
  }
  return result;
}

}  // namespace

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool is_valid_utf8(std::string_view bytes) {
  for (take_plain(bytes); !bytes.empty(); take_plain(bytes))
    if (take(bytes).point.length == 0) return false;
  return true;
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  for (result += take_plain(bytes); !bytes.empty(); result += take_plain(bytes)) {
    const Piece piece = take(bytes);
    result += piece.point.length != 0 && piece.point.value != 0 ? piece.bytes : kReplacement;
  }
  return result;
}

std::size_t length_utf8(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

std::string_view first_utf8(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && (is_continuation(text[end]) || count-- > 0)) ++end;
  return text.substr(0, end);
}

bool has_control(std::string_view text, bool lines) {
  while (!text.empty()) {
    const std::uint32_t value = take(text).point.value;
    const bool line = value == '\n' || value == '\t' || value == 0x2028 || value == 0x2029;
    if (line ? !lines : value < 0x20 || (value >= 0x7F && value < 0xA0)) return true;
  }
  return false;
}

std::string without_controls(std::string_view text) {
  std::string clean(text);
  std::erase_if(clean, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
  return clean;
}

std::string narrow(std::string_view text) {
  // Digits of Arabic, Persian, Hindi; then the full-width forms of ASCII, and their blank.
  constexpr struct {
    std::uint32_t first, last, ascii;
  } kForms[] = {{0x660, 0x669, '0'},
                {0x6F0, 0x6F9, '0'},
                {0x966, 0x96F, '0'},
                {0xFF01, 0xFF5E, '!'},
                {0x3000, 0x3000, ' '}};
  std::string result;
  while (!text.empty()) {
    const Piece piece = take(text);
    const std::uint32_t value = piece.point.value;
    const auto* const form = std::ranges::find_if(
        kForms, [&](const auto& each) { return value >= each.first && value <= each.last; });
    if (form == std::end(kForms))
      result += piece.bytes;
    else
      result += static_cast<char>(form->ascii + value - form->first);
  }
  return result;
}

std::string escape_controls(std::string_view text) {
  return escaped(text, text.npos, "\\");
}

std::string for_log(std::string_view text, std::size_t limit) {
  return escaped(text, limit, "\\\\");
}

std::string fill(std::string_view text, std::string_view open, std::string_view close,
                 const std::function<std::string(std::string_view name)>& value) {
  std::string filled;
  for (;;) {
    const std::size_t begin = text.find(open);
    const std::size_t end = text.find(close, std::min(begin, text.size()));
    if (end == text.npos) return filled.append(text);
    const std::size_t name = begin + open.size();
    filled.append(text.substr(0, begin)).append(value(text.substr(name, end - name)));
    text.remove_prefix(end + close.size());
  }
}

std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  return scheme == url.npos ? std::string_view()
                            : url.substr(0, url.find_first_of("/?#", scheme + 3));
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

void append_utf8(std::string& text, char32_t point) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    text += static_cast<char>(point);
    return;
  }
  if (point < 0x800) {
    text += static_cast<char>(0xC0 | (point >> 6));
  } else {
    text += static_cast<char>(0xE0 | (point >> 12));
    tail(6);
  }
  tail(0);
}

std::string fold(std::string_view text) {
  struct Range {
    std::uint32_t first, last, to;
  };
  constexpr Range kCapitals[] = {
      {0xC0, 0xD6, 0xE0},    {0xD8, 0xDE, 0xF8},    {0x391, 0x3A1, 0x3B1},
      {0x3A3, 0x3A9, 0x3C3}, {0x400, 0x400, 0x450}, {0x401, 0x401, 0x435},
      {0x402, 0x40F, 0x452}, {0x410, 0x42F, 0x430}, {0x451, 0x451, 0x435}};
  std::string folded;
  while (!text.empty()) {
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      const std::size_t end =
          std::ranges::find_if(text, [](char c) { return c < 0; }) - text.begin();
      folded += lower(text.substr(0, end));
      text.remove_prefix(end);
      continue;
    }
    const Piece piece = take(text);
    const auto* range = std::ranges::find_if(kCapitals, [&](const Range& one) {
      return piece.point.value >= one.first && piece.point.value <= one.last;
    });
    if (piece.point.length == 0 || range == std::end(kCapitals)) {
      folded += piece.bytes;
      continue;
    }
    append_utf8(folded, piece.point.value - range->first + range->to);
  }
  return folded;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && lower(a) == lower(b);
}

std::string csv_cell(std::string_view value) {
  std::string cell(value);
  replace_all(cell, "\"", "\"\"");
  const bool formula = !cell.empty() && std::string_view("=+-@\t\r\n ").contains(cell.front());
  return (formula ? "\"'" : "\"") + cell + "\"";
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find_first_of(separators);
    const std::string_view part = trim(text.substr(0, end));
    if (!part.empty()) parts.emplace_back(part);
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string wrapped(std::string_view text, std::size_t width, std::string_view margin,
                    std::size_t column) {
  std::string result;
  for (const std::string& word : split(text, " ")) {
    const std::size_t length = length_utf8(word);
    if (!result.empty() && column + 1 + length > width) {
      result.append("\n").append(margin);
      column = margin.size();
    } else if (!result.empty()) {
      result += ' ';
      ++column;
    }
    result += word;
    column += length;
  }
  return result;
}

}  // namespace b24::text
