// fcgi_client: a FastCGI web server's side, well-behaved or not, for tests.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process.h"

namespace b24::test {

using Params = std::vector<std::pair<std::string, std::string>>;

// One record; `type` as in fastcgi.h.
std::string fcgi_record(int type, std::string_view content, int id = 1, int padding = 0);
std::string fcgi_begin(bool keep_connection = false, int role = 1, int id = 1);
// Names and values as they stand in PARAMS.
std::string fcgi_pairs(const Params& params);
// BEGIN, PARAMS and their end; what a body follows.
std::string fcgi_head(const Params& params, bool keep_connection = false);
// STDIN in records of at most `piece` bytes, and its end.
std::string fcgi_body(std::string_view body, std::size_t piece = 32768);

// The variables of a request as nginx sends them.
Params get_params(std::string_view query);
Params post_params(std::string_view query, std::size_t content_length,
                   std::string_view content_type = "application/x-www-form-urlencoded");
std::string fcgi_get(std::string_view query);
std::string fcgi_post(std::string_view query, std::string_view body);

struct FcgiAnswer {
  int status = 0;  // 0: no answer
  std::string head;
  std::string body;
  bool complete = false;     // END_REQUEST came, and nothing after it
  std::size_t requests = 0;  // how many END_REQUESTs came
};
FcgiAnswer parse_fcgi(std::string_view records);

// A connection to "unix:PATH" or "127.0.0.1:PORT"; closed at the end.
class Peer {
 public:
  enum class Connect {
    patiently,
    at_once,  // or not at all, when the queue is full: as web servers do
  };
  // Throws std::runtime_error when it cannot.
  explicit Peer(const std::string& where, Connect connect = Connect::patiently);
  Peer(Peer&& other) noexcept;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  // False when the other side no longer takes it.
  bool send(std::string_view bytes);
  void finish_sending();
  // Everything until the other side closes; nothing when it has not by the deadline.
  std::optional<std::string> receive(std::chrono::milliseconds deadline = kDeadline);
  // Whether the other side closes without a byte.
  bool is_dropped(std::chrono::milliseconds deadline = kDeadline);

  int socket() const { return socket_; }

 private:
  int socket_;
};

// Whether somebody listens there.
bool listens(const std::string& where);

// Sends a whole request and takes the answer.
FcgiAnswer ask(const std::string& where, std::string_view records);

}  // namespace b24::test
