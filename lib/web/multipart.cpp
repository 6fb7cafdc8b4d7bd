// multipart: splits a body at its boundaries and reads the parts' headers.
#include "web/multipart.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"

namespace b24 {

namespace {

constexpr std::size_t kLongestBoundary = 70;  // RFC 2046
constexpr std::size_t kMostParts = 64;
constexpr std::size_t kMostHeaders = 8192;  // bytes, of a part

using Headers = std::map<std::string, std::string>;  // by lower-case name; the first of each counts

void drop_space(std::string_view& text) {
  while (!text.empty() && text::is_space(text.front())) text.remove_prefix(1);
}

// Takes a word up to an unquoted `stop`, and the stops behind it.
std::string_view take_word(std::string_view& line, char stop) {
  std::size_t end = 0;
  while (end < line.size() && line[end] != stop) {
    const char quote = line[end++];
    if (quote != '"' && quote != '\'') continue;
    while (end < line.size() && line[end] != quote)
      end += line[end] == '\\' && end + 1 < line.size() && line[end + 1] == quote ? 2 : 1;
    if (end < line.size()) ++end;
  }
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  while (line.starts_with(stop)) line.remove_prefix(1);
  return word;
}

std::string unquoted(std::string_view text) {
  drop_space(text);
  char quote = '\0';
  if (text.starts_with('"') || text.starts_with('\'')) {
    quote = text.front();
    text.remove_prefix(1);
  } else {
    text = text.substr(
        0, static_cast<std::size_t>(std::ranges::find_if(text, text::is_space) - text.begin()));
  }
  std::string result;
  for (std::size_t i = 0; i < text.size() && (quote == '\0' || text[i] != quote); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\' && next != '\0' && (next == '\\' || next == quote)) ++i;
    result += text[i];
  }
  return result;
}

void read_disposition(std::string_view value, Part& part) {
  while (!value.empty()) {
    std::string_view pair = take_word(value, ';');
    drop_space(value);
    if (pair.find('=') == pair.npos) continue;
    const std::string_view key = take_word(pair, '=');
    if (text::equal_ignoring_case(key, "name")) part.name = unquoted(pair);
    if (text::equal_ignoring_case(key, "filename")) part.filename = unquoted(pair);
  }
}

std::unexpected<Refusal> malformed(const char* what) {
  return std::unexpected(Refusal{400, "bad_multipart", std::string("multipart: ") + what});
}

class Splitter {
 public:
  Splitter(std::string_view body, std::string_view boundary)
      : rest_(body), delimiter_("--" + std::string(boundary)) {}

  // Goes behind the next boundary line; false at the end of the body.
  bool next_part() {
    while (const auto found = line()) {
      if (*found == delimiter_) {
        closed_ = false;
        return true;
      }
      if (found->starts_with(delimiter_ + "--")) closed_ = true;
    }
    if (rest_.starts_with(delimiter_ + "--")) closed_ = true;
    return false;
  }
  bool closed() const { return closed_; }

  // Nothing when they are larger than `limit`.
  std::optional<Headers> headers(std::size_t limit) {
    Headers all;
    std::string* last = nullptr;
    const std::size_t before = rest_.size();
    while (const auto found = line()) {
      if (before - rest_.size() > limit) return {};
      if (found->empty()) break;
      const std::size_t colon = text::is_space(found->front()) ? found->npos : found->find(':');
      if (colon == found->npos) {
        if (last != nullptr) *last += *found;
        continue;
      }
      std::string_view value = found->substr(colon + 1);
      drop_space(value);
      const auto [header, is_first] = all.try_emplace(text::lower(found->substr(0, colon)), value);
      last = is_first ? &header->second : nullptr;
    }
    return all;
  }

  std::string_view content() {
    const std::size_t end = std::min(rest_.find("\n" + delimiter_), rest_.size());
    std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (found.ends_with('\r')) found.remove_suffix(1);
    return found;
  }

 private:
  // PHP's lines are C strings: they end at a NUL, wherever the line break is.
  std::optional<std::string_view> line() {
    const std::size_t end = rest_.find('\n');
    if (end == rest_.npos) return {};
    std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    if (found.ends_with('\r')) found.remove_suffix(1);
    return found.substr(0, found.find('\0'));
  }

  std::string_view rest_;
  std::string delimiter_;
  bool closed_ = false;
};

}  // namespace

std::string_view content_parameter(std::string_view content_type, std::string_view name) {
  const std::size_t word = text::lower(content_type).find(name);
  const std::size_t equals = content_type.find('=', std::min(word, content_type.size()));
  if (equals == content_type.npos) return {};
  std::string_view value = content_type.substr(equals + 1);
  if (!value.starts_with('"')) return value.substr(0, value.find_first_of(",;"));
  value.remove_prefix(1);
  const std::size_t end = value.find('"');
  return end == value.npos ? std::string_view() : value.substr(0, end);
}

std::expected<std::vector<Part>, Refusal> parse_multipart(std::string_view body,
                                                          std::string_view content_type) {
  const std::string_view boundary = content_parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > kLongestBoundary)
    return malformed("no boundary of 1 to 70 characters");
  Splitter splitter(body, boundary);
  std::vector<Part> parts;
  for (std::size_t count = 1; splitter.next_part(); ++count) {
    if (count > kMostParts)
      return std::unexpected(Refusal{413, "too_many_fields", "multipart: too many parts"});
    const auto headers = splitter.headers(kMostHeaders);
    if (!headers) return malformed("the headers of a part are too large");
    const auto disposition = headers->find("content-disposition");
    if (disposition == headers->end()) continue;
    Part part;
    read_disposition(disposition->second, part);
    if (!part.name && !part.filename) return malformed("a part without a name");
    if (part.filename != "") part.content = splitter.content();  // PHP reads no missing file
    parts.push_back(std::move(part));
  }
  if (!splitter.closed()) return malformed("no closing boundary");
  return parts;
}

}  // namespace b24
