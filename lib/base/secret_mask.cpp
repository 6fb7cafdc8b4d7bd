// secret_mask: finds secrets in any text, in whatever form they were written, and masks them.
#include <algorithm>
#include <initializer_list>
#include <optional>

#include "base/secret.h"
#include "base/text.h"

namespace b24::secret {
namespace {

constexpr std::string_view kMask = "***";

bool is_word(char c) {
  return text::is_letter(c) || text::is_digit(c) || c == '_';
}

bool is_hex(char c) {
  return text::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         text::equal_ignoring_case(text.substr(0, start.size()), start);
}

// Reads a text from the front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string_view rest() const { return text_.substr(at_); }
  std::size_t at() const { return at_; }
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip(std::size_t count) { at_ += count; }
  template <class Is>
  std::size_t skip_while(Is is) {
    const std::size_t start = at_;
    while (!at_end() && is(text_[at_])) ++at_;
    return at_ - start;
  }
  // Skips the first of `forms` that is here.
  bool take(std::initializer_list<std::string_view> forms) {
    for (std::string_view form : forms)
      if (starts_with_ignoring_case(rest(), form)) return skip(form.size()), true;
    return false;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// A slash as it stands in a URL, in JSON (once and twice escaped), and percent-encoded once or
// twice.
const std::initializer_list<std::string_view> kSlashes = {"/",   "\\/",   "\\\\/",
                                                          "%2F", "%252F", "\\u002F"};

bool take_slashes(Scanner& scanner) {
  bool taken = false;
  while (scanner.take(kSlashes)) taken = true;
  return taken;
}

// Where the secret of a webhook URL lies in a text that starts with "/rest/": {start, end}.
std::optional<std::pair<std::size_t, std::size_t>> webhook_secret(std::string_view text) {
  Scanner scanner(text);
  // One slash only: a long run of them is then looked at once.
  if (!scanner.take(kSlashes) || !scanner.take({"rest"}) || !take_slashes(scanner))
    return std::nullopt;
  if (scanner.take({"api"}) && !take_slashes(scanner)) return std::nullopt;
  if (scanner.skip_while(text::is_digit) == 0 || !take_slashes(scanner)) return std::nullopt;
  const std::size_t start = scanner.at();
  for (;;) {
    scanner.skip_while([](char c) { return is_word(c) || c == '-' || c == '.' || c == '~'; });
    const std::string_view rest = scanner.rest();
    // An encoded character of the secret itself; an encoded slash ends it.
    if (rest.size() < 3 || rest[0] != '%' || !is_hex(rest[1]) || !is_hex(rest[2])) break;
    if (starts_with_ignoring_case(rest, "%2F") || starts_with_ignoring_case(rest, "%252F")) break;
    scanner.skip(3);
  }
  if (scanner.at() == start) return std::nullopt;
  return std::pair{start, scanner.at()};
}

// A value in quotes ends at the first quote with no more backslashes before it than the opening one
// had.
std::size_t quoted_end(std::string_view text, std::size_t at, std::size_t backslashes, char quote) {
  std::size_t run = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == quote && run <= backslashes) return at - run;
    run = text[at] == '\\' ? run + 1 : 0;
  }
  return at;
}

std::size_t bare_end(std::string_view text, std::size_t at, std::string_view ends) {
  return std::min(text.find_first_of(ends, at), text.size());
}

// Where the value lies that a text right behind a secret name gives to it: {start, end}; nothing
// when it gives none.
std::optional<std::pair<std::size_t, std::size_t>> value_behind(std::string_view text,
                                                                std::string_view name) {
  Scanner scanner(text);
  // What may close the name: name" name\" name] name%5D
  scanner.skip_while([](char c) { return c == '\\'; });
  scanner.take({"\"", "'", "]", "%5D", "%255D"});
  scanner.skip_while(is_blank);
  if (scanner.take({"=>"})) {
    scanner.skip_while(is_blank);
    if (starts_with_ignoring_case(scanner.rest(), "Array")) return std::nullopt;
    return std::pair{scanner.at(), bare_end(text, scanner.at(), "\r\n")};
  }
  const bool encoded = scanner.take({"%3D", "%253D"});
  const bool colon = !encoded && scanner.peek() == ':';
  if (!encoded && !scanner.take({"=", ":"})) return std::nullopt;
  scanner.skip_while(is_blank);
  Scanner quote = scanner;
  const std::size_t backslashes = quote.skip_while([](char c) { return c == '\\'; });
  if (const char mark = quote.peek(); mark == '"' || mark == '\'')
    return std::pair{quote.at() + 1, quoted_end(text, quote.at() + 1, backslashes, mark)};
  if (scanner.peek() == '{' || scanner.peek() == '[') return std::nullopt;
  const std::size_t start = scanner.at();
  if (encoded) return std::pair{start, bare_end(text, start, "&% \t\r\n\"'<>")};
  // A header's value has blanks: "Authorization: Bearer abc".
  const bool header =
      text::equal_ignoring_case(name, "authorization") || text::equal_ignoring_case(name, "cookie");
  if (header) return std::pair{start, bare_end(text, start, "\r\n\"")};
  return std::pair{start, bare_end(text, start, colon ? " \t\r\n\"',}]&" : " \t\r\n\"'&<>")};
}

// ": No such file": a capital letter, small ones, a blank. Secrets are not made so.
bool begins_sentence(std::string_view text) {
  if (!text.starts_with(": ")) return false;
  text.remove_prefix(2);
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  return !word.empty() && word[0] >= 'A' && word[0] <= 'Z' &&
         std::ranges::all_of(word.substr(1), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

std::string mask(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  std::size_t copied = 0;
  const auto hide = [&](std::size_t start, std::size_t end) {
    result.append(text, copied, start - copied).append(kMask);
    copied = end;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '/' || text[at] == '\\' || text[at] == '%') {
      if (const auto found = webhook_secret(text.substr(at))) {
        hide(at + found->first, at + found->second);
        at = copied;
        continue;
      }
    }
    if (text[at] == '%' && at + 2 < text.size() && is_hex(text[at + 1]) && is_hex(text[at + 2])) {
      at += 3;  // so that the digits of "%5Bsecret" are not taken for the start of the name
      if (text.substr(at - 3, 3) == "%25" && at + 1 < text.size() && is_hex(text[at]) &&
          is_hex(text[at + 1]))
        at += 2;
      continue;
    }
    if (!is_word(text[at])) {
      ++at;
      continue;
    }
    const std::size_t start = at;
    while (at < text.size() && is_word(text[at])) ++at;
    const std::string_view name = text.substr(start, at - start);
    if (!is_secret_name(name)) continue;
    // "data/form.key: No such file": the name of a file, and a sentence behind it.
    const bool is_file = start > 0 && (text[start - 1] == '.' || text[start - 1] == '/');
    if (is_file && begins_sentence(text.substr(at))) continue;
    const auto found = value_behind(text.substr(at), name);
    if (!found || found->first == found->second) continue;
    hide(at + found->first, at + found->second);
    at = copied;
  }
  result.append(text, copied);
  return result;
}

}  // namespace b24::secret
