// server: runs a page as CGI, as FastCGI (threads) or from the shell; stops cleanly.
//
// How the mode is found, in this order: a listening socket on descriptor 0 (spawn-fcgi, mod_fcgid)
// or from systemd (LISTEN_FDS) -> FastCGI; GATEWAY_INTERFACE or REQUEST_METHOD in the environment
// -> CGI, and then argv is never looked at; --listen -> FastCGI on an own socket; else the shell.
//
// FastCGI: one thread takes signals, a few answer requests in rounds (rounds.h). Each connection
// carries one request; what has not arrived whole holds no thread (connections.h). SIGTERM, SIGINT
// and a successor on the same Unix socket: what is queued and under way is answered, then exit 0.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "settings/app.h"
#include "web/request.h"
#include "web/response.h"

namespace b24 {

// The options that a page takes on the command line, parsed; "--list pending" -> {"--list",
// "pending"}.
using Arguments = std::vector<std::pair<std::string, std::string>>;

struct ServerLimits {
  int threads = 2;               // kept ready; --threads goes before it
  int max_threads = 64;          // there may be this many while all are busy
  Millis idle_time = 30'000;     // after this a thread beyond the kept ones ends, at rest
  Millis request_time = 10'000;  // to send the request; and to take some of the answer
  int round = 1;                 // requests that are answered together; 1 for a page that may wait
  std::vector<Network> allow = {};  // who may connect by TCP; empty: this machine only
};

// Held by a thread of a page that waits for somebody else: its place is another's meanwhile.
class Waiting {
 public:
  Waiting() { ++count_; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { --count_; }
  static bool anybody() { return count_ > 0; }

 private:
  static inline std::atomic<int> count_ = 0;
};

// What a binary plugs into the server.
class Page {
 public:
  virtual ~Page() = default;
  // The answer to a request; called from many threads at once.
  virtual Response respond(const Request& request) = 0;
  // Puts what answers promised (Response::promise) on the disk, durably when it returns: called
  // once for all answers of a round. When it fails, none of them is sent, but not_kept for each.
  virtual Status keep(std::span<const std::string> promises) {
    static_cast<void>(promises);
    return {};
  }
  virtual Response not_kept(const Error& error, const Request& request);
  // The answers of a round in which something was kept have been sent.
  virtual void kept() {}
  // The answer to a request that was refused before it could be read; writes the log line.
  virtual Response refuse(const Refusal& refusal, const Environment& environment) = 0;
  // FastCGI: background work, in a thread of its own from start to stop. Must return soon after a
  // stop is asked for.
  virtual void work(std::stop_token stop) { static_cast<void>(stop); }
  // CGI: called once the answer has been sent and closed.
  virtual void after_answer() {}
  // Shell: what the options ask for; the exit code, EX_USAGE when that is not clear.
  virtual int command(const Arguments& arguments) = 0;
  // Limits for reading a request; asked for each.
  virtual RequestLimits limits() { return {}; }
  // FastCGI: asked for once, at the start.
  virtual ServerLimits server_limits() { return {}; }
};

struct Option {
  std::string_view name;      // "--list", a literal
  std::string_view argument;  // "pending|failed"; empty for none; in [] when it may be left out
  std::string_view help;
};

struct Program {
  std::string_view name;     // "index"
  std::string_view summary;  // one line for --help
  std::span<const Option> options;
  std::unique_ptr<Page> (*make)(const Launch& launch);
};

// The whole life of a process; the result is main's. Common to all are --listen, --threads,
// --settings, --help and --version (command_line.cpp); a line on stderr and 64 (EX_USAGE) for an
// option that is unknown or lacks its argument. The help when nothing was asked for and the page
// has nothing to do then.
int serve(int argc, char** argv, const Program& program);

}  // namespace b24
