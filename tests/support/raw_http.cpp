// raw_http: sockets, and reading an answer.
#include "raw_http.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "base/text.h"
#include "process.h"

namespace b24::test {

namespace {

constexpr Millis kLongest = 30'000;

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Appends what comes next; false when nothing does, until then or ever.
bool receive(int fd, Millis until, std::string& answer) {
  pollfd wait{fd, POLLIN, 0};
  const Millis left = until - now_ms();
  if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0) return false;
  char buffer[16384];
  const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  answer.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::string request_text(int port, const HttpCall& call) {
  std::string request = call.method + " " + call.path +
                        " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
                        "\r\nConnection: close\r\n";
  for (const std::string& header : call.headers) request += header + "\r\n";
  if (call.method == "POST" || !call.body.empty())
    request += "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
  return request + "\r\n" + call.body;
}

bool is_whole(const std::string& answer) {
  const HttpReply reply = parse_reply(answer);
  const std::string length = reply.header("content-length");
  return !length.empty() && std::to_string(reply.body.size()) == length;
}

}  // namespace

std::string HttpReply::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "";
}

std::string send_raw(int port, std::string_view bytes, bool shut_down) {
  const FileHandle connection = connected_to(port);
  if (connection.get() < 0) return "";
  send_all(connection.get(), bytes);
  if (shut_down) shutdown(connection.get(), SHUT_WR);
  std::string answer;
  const Millis end = now_ms() + kLongest;
  while (receive(connection.get(), end, answer)) continue;
  return answer;
}

// The body that was sent in chunks.
static std::string joined(std::string_view chunks) {
  std::string body;
  for (std::size_t size = 0;; chunks.remove_prefix(std::min(size + 2, chunks.size()))) {
    const std::size_t line_end = chunks.find("\r\n");
    if (line_end == std::string_view::npos) return body;
    std::from_chars(chunks.data(), chunks.data() + line_end, size = 0, 16);
    chunks.remove_prefix(line_end + 2);
    if (size == 0) return body;
    body += chunks.substr(0, size);
  }
}

HttpReply parse_reply(std::string raw) {
  HttpReply reply;
  reply.raw = std::move(raw);
  const std::string& text = reply.raw;
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || end == std::string::npos) return reply;
  std::from_chars(text.data() + 9, text.data() + text.size(), reply.status);
  std::size_t at = text.find("\r\n") + 2;
  while (at < end) {
    const std::size_t line_end = text.find("\r\n", at);
    const std::string_view line = std::string_view(text).substr(at, line_end - at);
    const std::size_t colon = std::min(line.find(':'), line.size() - 1);
    reply.headers.emplace_back(text::lower(line.substr(0, colon)),
                               text::trim(line.substr(colon + 1)));
    at = line_end + 2;
  }
  reply.body = text.substr(end + 4);
  if (text::lower(reply.header("transfer-encoding")) == "chunked") reply.body = joined(reply.body);
  return reply;
}

HttpReply http(int port, const HttpCall& call) {
  return parse_reply(send_raw(port, request_text(port, call)));
}

HttpReply http_by_length(int port, const HttpCall& call) {
  const FileHandle connection = connected_to(port);
  std::string answer;
  if (connection.get() >= 0) send_all(connection.get(), request_text(port, call));
  const Millis end = now_ms() + 4 * kLongest;
  while (!is_whole(answer) && receive(connection.get(), end, answer)) continue;
  return parse_reply(answer);
}

std::vector<HttpReply> burst(int port, const std::vector<HttpCall>& calls) {
  std::vector<FileHandle> connections;
  for (const HttpCall& call : calls) {
    connections.push_back(connected_to(port));
    send_all(connections.back().get(), request_text(port, call));
  }
  std::vector<HttpReply> replies;
  const Millis end = now_ms() + 4 * kLongest;
  for (const FileHandle& connection : connections) {
    std::string answer;
    while (receive(connection.get(), end, answer)) continue;
    replies.push_back(parse_reply(answer));
  }
  return replies;
}

std::vector<FileHandle> slow_posts(int port, const std::string& path, int count) {
  std::vector<FileHandle> slow;
  for (int i = 0; i < count; ++i) {
    slow.push_back(connected_to(port));
    send_all(slow.back().get(), "POST " + path +
                                    " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                                    "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
                                    "event=ONSLOW");
  }
  return slow;
}

}  // namespace b24::test
