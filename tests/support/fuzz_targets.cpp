// fuzz_targets: properties of everything that reads hostile bytes.
#include "fuzz_targets.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "base/text.h"
#include "raw_request.h"
#include "value/json.h"
#include "value/php.h"

namespace b24::test {

namespace {

void must(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

bool is_clean(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; });
}

void check_values(const Value& value) {
  must(text::is_valid_utf8(json::print(value)), "JSON is valid UTF-8");
  php::print_r(value);
}

}  // namespace

void fuzz_query(std::string_view input) {
  const auto value = php::parse_query(input);
  if (!value) return;
  check_values(*value);
  const std::string query = php::build_query(*value);
  const auto again = php::parse_query(query);
  must(again && php::build_query(*again) == query, "build_query writes what parse_query reads");
}

void fuzz_multipart(std::string_view input) {
  const std::string_view type = take_line(input);
  RawRequest raw = raw_post("multipart/form-data" + std::string(type), input);
  const auto request = read_raw(raw);
  if (!request) return;
  check_values(request->params);
  std::size_t bytes = 0;
  for (const Upload& upload : request->uploads) bytes += upload.content.size();
  must(bytes <= input.size(), "files are parts of the body");
}

void fuzz_json(std::string_view input) {
  const auto value = json::parse(input, 64);
  if (!value) return;
  // Only now all names are valid UTF-8 and different from each other.
  const auto clean = json::parse(json::print(*value), 64);
  must(clean.has_value(), "print writes what parse reads");
  const std::string text = json::print(*clean);
  must(text.find('\n') == text.npos, "compact JSON is one line");
  const auto again = json::parse(text, 64);
  must(again && json::print(*again) == text, "print and parse are inverse");
}

void fuzz_request(std::string_view input) {
  RawRequest raw;
  while (!input.empty()) {
    const std::string_view line = take_line(input);
    if (line.empty()) break;
    const std::size_t equals = std::min(line.find('='), line.size());
    raw.variables.emplace_back(line.substr(0, equals),
                               line.substr(std::min(equals + 1, line.size())));
  }
  raw.body = input;
  const auto request = read_raw(raw);
  if (!request) {
    must(request.error().status >= 400 && !request.error().code.empty(), "a refusal says why");
    must(is_clean(request.error().code), "codes are words");
    return;
  }
  check_values(request->params);
  request->accepts_json();
  must(is_clean(request->host), "the host is a host");
}

}  // namespace b24::test
