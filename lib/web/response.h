// response: what a page answers, and its one writer.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace b24 {

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // What has to be on the disk before this may be sent (Page::keep); empty: nothing.
  std::string promise = {};

  // Sets or replaces; `header` is a literal ("Content-Type"), never a visitor's word. A value with
  // a byte below 0x20 or 0x7f is a programming error for fixed text and an attack for anything
  // else: such bytes are dropped, so that nothing can start a second header line.
  Response& set(std::string_view header, std::string_view value);
};

// A response with a content type, "nosniff" and "no-store".
Response text_response(int status, std::string body,
                       std::string_view content_type = "text/plain; charset=utf-8");

// "Status: 200 OK", the headers, Content-Length, an empty line, the body: what CGI and FastCGI
// want. `head`: leave the body out, keep its length.
std::string to_cgi(const Response& response, bool head = false);

}  // namespace b24
