// fcgi_connection: one connection of a web server, from accept to close; never waits.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "web/fcgi_guard.h"

namespace b24 {

class FcgiConnection {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Progress {
    waiting,  // for the peer: until `events` happen
    ready,    // the request is whole: call reply() next
    over,     // nothing more to do; close by destroying
  };

  // Owns `socket`, which must be non-blocking.
  FcgiConnection(int socket, std::size_t body_limit, Time deadline)
      : socket_(socket), deadline_(deadline), guard_(body_limit) {}
  FcgiConnection(const FcgiConnection&) = delete;
  FcgiConnection& operator=(const FcgiConnection&) = delete;
  ~FcgiConnection();

  // Reads or writes what can be without waiting.
  Progress advance();
  // Like advance, but waits for the peer until `until` or the deadline.
  Progress advance_until(Time until);

  // The request as libfcgi reads it; REQUIRES: advance said ready. The connection lets go of it.
  std::string take_request();
  // What to send; an empty answer closes the connection.
  void reply(std::string records, Time deadline);

  int socket() const { return socket_; }
  short events() const;  // of poll and epoll alike
  Time deadline() const { return deadline_; }
  void set_deadline(Time deadline) { deadline_ = deadline; }
  std::size_t size() const { return guard_.size() + answer_.size(); }

 private:
  enum class Stage {
    reading,
    writing,
    draining,  // answered while the peer may still be sending: closing now could lose the answer
  };
  Progress read();
  Progress write();
  Progress drain();

  int socket_;
  Time deadline_;
  Stage stage_ = Stage::reading;
  FcgiGuard guard_;
  bool must_drain_ = false;
  std::string answer_;
  std::size_t sent_ = 0;
};

}  // namespace b24
