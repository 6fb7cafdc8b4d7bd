// rounds: the threads that answer FastCGI requests, many in one go.
//
// A round: take every request that has arrived whole, up to ServerLimits::round; read and answer
// each; if any promised something, keep all promises by one Page::keep; then send all. While a
// thread syncs another takes the next round. libfcgi reads the requests; it never accepts one
// itself, and an answer is written whole.
#pragma once

#include <fcgiapp.h>

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "web/answer.h"
#include "web/connections.h"
#include "web/server.h"

namespace b24 {

class Rounds {
 public:
  // Starts limits.threads threads; the listener and the page stay the caller's. Throws
  // std::system_error when it cannot.
  Rounds(const Listener& listener, Page& page, const ServerLimits& limits);
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;
  // Answers what is queued and under way, then ends the threads.
  ~Rounds();

 private:
  using Taken = Connections::Taken;
  using Requests = std::vector<FCGX_Request>;  // one a connection of a round
  using Round = std::vector<Exchange>;         // kept, since it is large
  struct Worker {
    std::thread thread;
    bool ended = false;
  };

  bool start_worker();
  void end_watchdog();
  void work(Worker& worker);
  std::vector<Taken> next(Worker& worker);
  bool retire(Worker& worker);
  void serve(std::span<const Taken> taken, Requests& requests, Round& round);
  static bool begin(int socket, FCGX_Request& request);
  void send(FCGX_Request& request, const std::string& text);
  void watch();
  void grow();

  Page& page_;
  ServerLimits limits_;
  Connections connections_;
  std::atomic<int> idle_ = 0;         // threads that wait for a request
  std::atomic<unsigned> rounds_ = 0;  // begun so far
  std::atomic<int> surplus_ = 0;      // threads that nobody needs, of those beyond the kept ones
  std::atomic<bool> dozing_ = false;  // the watchdog has nothing to look after
  std::mutex mutex_;                  // of what follows
  bool finished_ = false;
  std::condition_variable awake_;
  std::list<Worker> workers_;
  std::atomic<int> alive_ = 0;  // changed under the mutex alone
  std::thread watchdog_;
};

// To be called once, before the first Rounds; false when libfcgi cannot be started.
bool prepare_rounds();

}  // namespace b24
