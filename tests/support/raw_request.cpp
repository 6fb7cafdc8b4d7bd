// raw_request: turns a RawRequest into an environment and a stream.
#include "raw_request.h"

#include <algorithm>

namespace b24::test {

void RawRequest::set(std::string_view name, std::string_view value) {
  for (auto& variable : variables)
    if (variable.first == name) {
      variable.second = value;
      return;
    }
  variables.emplace_back(name, value);
}

void RawRequest::remove(std::string_view name) {
  std::erase_if(variables, [name](const auto& variable) { return variable.first == name; });
}

RawRequest raw_get(std::string_view query) {
  RawRequest raw;
  raw.variables = {{"GATEWAY_INTERFACE", "CGI/1.1"}, {"REQUEST_METHOD", "GET"},
                   {"SCRIPT_NAME", "/handler.php"},  {"HTTP_HOST", "example.com"},
                   {"REMOTE_ADDR", "192.0.2.1"},     {"QUERY_STRING", std::string(query)}};
  return raw;
}

RawRequest raw_post(std::string_view content_type, std::string_view body, std::string_view query) {
  RawRequest raw = raw_get(query);
  raw.set("REQUEST_METHOD", "POST");
  raw.set("CONTENT_TYPE", content_type);
  raw.set("CONTENT_LENGTH", std::to_string(body.size()));
  raw.body = body;
  return raw;
}

std::expected<Request, Refusal> read_raw(const RawRequest& raw, const RequestLimits& limits) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : raw.variables) entries.push_back(name + "=" + value);
  std::vector<const char*> pointers;
  for (const std::string& entry : entries) pointers.push_back(entry.c_str());
  pointers.push_back(nullptr);
  std::string_view rest = raw.body;
  const auto read = [&](char* buffer, std::size_t size) -> long {
    if (rest.empty() && raw.breaks) return -1;
    const std::size_t count = std::min({size, raw.piece, rest.size()});
    rest.copy(buffer, count);
    rest.remove_prefix(count);
    return static_cast<long>(count);
  };
  return read_request(Environment(pointers.data()), read, limits);
}

std::string outcome(const RawRequest& raw, const RequestLimits& limits) {
  const auto request = read_raw(raw, limits);
  return request ? "read" : std::to_string(request.error().status) + " " + request.error().code;
}

}  // namespace b24::test
