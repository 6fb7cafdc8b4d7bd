// pattern: see pattern.h.
#include "settings/pattern.h"

#include <regex.h>

#include <array>
#include <clocale>
#include <cstdint>
#include <string_view>

namespace b24 {
namespace {

constexpr std::size_t kLongestPattern = 1000;
constexpr std::uint32_t kWidestRange = 2000;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

std::size_t character_size(std::string_view text, std::size_t at) {
  std::size_t size = 1;
  while (at + size < text.size() && is_continuation(text[at + size])) ++size;
  return size;
}

std::uint32_t decode(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  std::uint32_t code = lead & (0x7fU >> character.size());
  for (const char c : character.substr(1))
    code = code << 6U | (static_cast<unsigned char>(c) & 0x3fU);
  return code;
}

void encode(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0U | code >> 6U);
    out += static_cast<char>(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0U | code >> 12U);
    out += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
    out += static_cast<char>(0x80U | (code & 0x3fU));
  }
}

// The C library has no order of the letters beyond ASCII without an installed locale, so the range
// а-я is written out. Everything else is copied.
std::string with_ranges_written_out(std::string_view pattern) {
  std::string out;
  bool in_brackets = false;
  for (std::size_t i = 0; i < pattern.size();) {
    if (!in_brackets && pattern[i] == '\\' && i + 1 < pattern.size()) {
      out += pattern[i++];
    } else if (!in_brackets && pattern[i] == '[') {
      in_brackets = true;
      // A "]" that comes first is a member.
      for (const char first : {'[', '^', ']'}) {
        if (i < pattern.size() && pattern[i] == first) out += pattern[i++];
      }
      continue;
    } else if (in_brackets && pattern.substr(i, 2) == "[:") {
      const std::size_t end = pattern.find(":]", i + 2);
      const std::size_t size = end == std::string_view::npos ? 2 : end + 2 - i;
      out += pattern.substr(i, size);
      i += size;
      continue;
    } else if (in_brackets && pattern[i] == ']') {
      in_brackets = false;
    }
    const std::size_t size = character_size(pattern, i);
    const std::size_t after = i + size;
    if (in_brackets && after + 1 < pattern.size() && pattern[after] == '-' &&
        pattern[after + 1] != ']') {
      const std::size_t end_size = character_size(pattern, after + 1);
      const std::uint32_t from = decode(pattern.substr(i, size));
      const std::uint32_t to = decode(pattern.substr(after + 1, end_size));
      if (to >= 0x80 && from <= to && to - from < kWidestRange) {
        for (std::uint32_t code = from; code <= to; ++code) encode(code, out);
      } else {
        out += pattern.substr(i, size + 1 + end_size);
      }
      i = after + 1 + end_size;
      continue;
    }
    out += pattern.substr(i, size);
    i = after;
  }
  return out;
}

// So that "." means a character, whatever the process's own locale.
template <class Do>
void in_utf8(Do what) {
  static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const locale_t before = utf8 != nullptr ? uselocale(utf8) : nullptr;
  what();
  if (before != nullptr) uselocale(before);
}

class Compiled {
 public:
  explicit Compiled(const std::string& pattern) {
    const std::string whole = "^(" + with_ranges_written_out(pattern) + ")$";
    in_utf8([&] { error_ = regcomp(&compiled_, whole.c_str(), REG_EXTENDED | REG_NOSUB); });
  }
  ~Compiled() {
    if (error_ == 0) regfree(&compiled_);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  std::string error() const {
    if (error_ == 0) return {};
    std::array<char, 200> text{};
    regerror(error_, &compiled_, text.data(), text.size());
    return text.data();
  }
  bool matches(const std::string& text) const {
    int result = REG_NOMATCH;
    if (error_ == 0) {
      in_utf8([&] { result = regexec(&compiled_, text.c_str(), 0, nullptr, 0); });
    }
    return result == 0;
  }

 private:
  regex_t compiled_{};
  int error_ = 0;
};

}  // namespace

std::string pattern_fault(const std::string& pattern) {
  if (pattern.size() > kLongestPattern) return "longer than 1000 bytes";
  for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '\\') continue;
    const char next = pattern[++i];
    const bool letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');
    if (letter || (next >= '0' && next <= '9')) {
      return "\\" + std::string(1, next) + " is not known here";
    }
  }
  return Compiled(pattern).error();
}

bool matches(const std::string& pattern, const std::string& text) {
  return Compiled(pattern).matches(text);
}

}  // namespace b24
