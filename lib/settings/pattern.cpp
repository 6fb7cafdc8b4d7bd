// pattern: see pattern.h.
#include "settings/pattern.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "base/text.h"

namespace b24 {
namespace {

constexpr std::size_t kLongestPattern = 1000;
constexpr wchar_t kWidestRange = 2000;

// Makes "." mean a character, whatever the process's own locale. `texts` that are all ASCII do
// without: to load a locale costs a CGI process a tenth of its time.
class InUtf8 {
 public:
  explicit InUtf8(std::initializer_list<std::string_view> texts) {
    const auto is_ascii = [](std::string_view text) {
      return std::ranges::all_of(text, [](char c) { return (c & 0x80) == 0; });
    };
    if (std::ranges::all_of(texts, is_ascii)) return;
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 != nullptr) before_ = uselocale(utf8);
  }
  ~InUtf8() {
    if (before_ != nullptr) uselocale(before_);
  }
  InUtf8(const InUtf8&) = delete;
  InUtf8& operator=(const InUtf8&) = delete;

 private:
  locale_t before_ = nullptr;
};

// The C library has no order of the letters beyond ASCII without an installed locale, so the range
// а-я is written out. Everything else is copied.
std::wstring with_ranges_written_out(const std::wstring& text) {
  std::wstring out;
  bool in_brackets = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::wstring_view next = std::wstring_view(text).substr(i + 1);
    const wchar_t c = text[i];
    std::size_t more = 0;  // of what comes next, to copy
    if (!in_brackets && c == '\\') {
      more = std::min<std::size_t>(next.size(), 1);
    } else if (!in_brackets && c == '[') {
      in_brackets = true;
      // A "]" that comes first is a member.
      if (next.starts_with(L'^')) ++more;
      if (next.substr(more).starts_with(L']')) ++more;
    } else if (in_brackets && c == '[' && next.starts_with(L':')) {
      const std::size_t end = next.find(L":]");
      more = end == next.npos ? 1 : end + 2;
    } else if (in_brackets && c == ']') {
      in_brackets = false;
    } else if (in_brackets && next.size() > 1 && next[0] == '-' && next[1] != ']') {
      more = 2;
      const wchar_t last = next[1];
      if (last >= 0x80 && c <= last && last - c < kWidestRange) {
        for (wchar_t letter = c; letter < last; ++letter) out += letter;
        out += last;
        i += more;
        continue;
      }
    }
    out.append(text, i, 1 + more);
    i += more;
  }
  return out;
}

// A pattern that is no UTF-8 is left as it is, for regcomp to refuse.
std::string for_the_library(const std::string& pattern) {
  std::wstring wide(pattern.size(), L'\0');
  const std::size_t size = std::mbstowcs(wide.data(), pattern.c_str(), wide.size());
  if (size == std::string::npos) return pattern;
  wide.resize(size);
  wide = with_ranges_written_out(wide);
  std::string bytes(wide.size() * 4, '\0');
  const std::size_t written = std::wcstombs(bytes.data(), wide.c_str(), bytes.size());
  return written == std::string::npos ? pattern : bytes.substr(0, written);
}

struct Compiled {
  regex_t regex{};
  int error;
  explicit Compiled(const std::string& pattern) {
    const std::string whole = "^(" + for_the_library(pattern) + ")$";
    error = regcomp(&regex, whole.c_str(), REG_EXTENDED | REG_NOSUB);
  }
  ~Compiled() {
    if (error == 0) regfree(&regex);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
};

}  // namespace

std::string pattern_fault(const std::string& pattern) {
  if (pattern.size() > kLongestPattern) return "longer than 1000 bytes";
  for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '\\') continue;
    const char next = pattern[++i];
    if (text::is_letter(next) || text::is_digit(next))
      return "\\" + std::string(1, next) + " is not known here";
  }
  const InUtf8 in_utf8({pattern});
  const Compiled compiled(pattern);
  if (compiled.error == 0) return {};
  std::array<char, 200> text{};
  regerror(compiled.error, &compiled.regex, text.data(), text.size());
  return text.data();
}

bool matches(const std::string& pattern, const std::string& text) {
  const InUtf8 in_utf8({pattern, text});
  const Compiled compiled(pattern);
  return compiled.error == 0 && regexec(&compiled.regex, text.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace b24
