// response: what a page answers, and its one writer.
#include "web/response.h"

#include <algorithm>

#include "base/text.h"

namespace b24 {
namespace {

struct Reason {
  int status;
  std::string_view text;
};

constexpr Reason kReasons[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {303, "See Other"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

std::string_view reason(int status) {
  const auto* found = std::ranges::find(kReasons, status, &Reason::status);
  return found == std::end(kReasons) ? "Unknown" : found->text;
}

}  // namespace

Response& Response::set(std::string_view header, std::string_view value) {
  auto found = std::ranges::find(headers, header, &std::pair<std::string, std::string>::first);
  if (found == headers.end())
    headers.emplace_back(header, text::without_controls(value));
  else
    found->second = text::without_controls(value);
  return *this;
}

Response text_response(int status, std::string body, std::string_view content_type) {
  Response response{.status = status, .headers = {}, .body = std::move(body)};
  response.set("Content-Type", content_type)
      .set("X-Content-Type-Options", "nosniff")
      .set("Cache-Control", "no-store");
  return response;
}

std::string to_cgi(const Response& response, bool head) {
  std::string text = "Status: " + std::to_string(response.status) + ' ';
  text.append(reason(response.status)).append("\r\n");
  // `headers` is open to all, so the last word on what a line holds is here.
  for (const auto& [header, value] : response.headers)
    text.append(header).append(": ").append(text::without_controls(value)).append("\r\n");
  bool may_have_body = response.status != 204 && response.status != 304;
  if (may_have_body) text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  text += "\r\n";
  if (may_have_body && !head) text += response.body;
  return text;
}

}  // namespace b24
