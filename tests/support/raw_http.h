// raw_http: HTTP for tests, byte by byte: what is sent is what the test wrote, and every header of
// the answer can be seen.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"

namespace b24::test {

struct HttpReply {
  int status = 0;  // 0: no answer, or none that can be read
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string raw;

  std::string header(std::string_view name) const;  // the first; empty: none
};

// Sends bytes to a port of 127.0.0.1, optionally shuts down the sending side, and reads to the end.
// Nothing after 30 s is an end, too.
std::string send_raw(int port, std::string_view bytes, bool shut_down = false);

HttpReply parse_reply(std::string raw);

struct HttpCall {
  std::string method = "GET";
  std::string path = "/";
  std::vector<std::string> headers;  // "Name: value", besides Host, Connection, Content-Length
  std::string body;
};
// One request on a connection of its own. Content-Length is set for a POST.
HttpReply http(int port, const HttpCall& call);
// The same with a server that leaves the connection open: the answer ends where its Content-Length
// says, and may take 120 s.
HttpReply http_by_length(int port, const HttpCall& call);
// All are sent before the first answer is read, each on a connection of its own.
std::vector<HttpReply> burst(int port, const std::vector<HttpCall>& calls);
// So many clients that have begun to POST event=ONSLOW and stand still; REQUIRES: they are let in.
std::vector<FileHandle> slow_posts(int port, const std::string& path, int count);

}  // namespace b24::test
