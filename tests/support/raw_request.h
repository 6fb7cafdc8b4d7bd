// raw_request: a request as the web server hands it over, for tests of what is read from it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "web/request.h"

namespace b24::test {

struct RawRequest {
  std::vector<std::pair<std::string, std::string>> variables;
  std::string body;
  bool breaks = false;      // the stream breaks after the body
  std::size_t piece = 999;  // bytes that one read gives at most

  // Replaces the first of that name.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
};

RawRequest raw_get(std::string_view query);
// With CONTENT_LENGTH.
RawRequest raw_post(std::string_view content_type, std::string_view body,
                    std::string_view query = "");

std::expected<Request, Refusal> read_raw(const RawRequest& raw, const RequestLimits& limits = {});

// The refusal in short, "413 body_too_large", or "read".
std::string outcome(const RawRequest& raw, const RequestLimits& limits = {});

}  // namespace b24::test
