// fcgi_pool: the workers that accept connections and answer their requests.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "web/fcgi_connection.h"
#include "web/fcgi_exchange.h"
#include "web/fcgi_keeper.h"
#include "web/server.h"

namespace b24 {

class FcgiPool {
 public:
  // Starts limits.threads workers on a non-blocking listening socket, which stays the caller's, as
  // the page does. Throws std::system_error when it cannot.
  FcgiPool(int listener, Page& page, const ServerLimits& limits);
  FcgiPool(const FcgiPool&) = delete;
  FcgiPool& operator=(const FcgiPool&) = delete;
  // Answers what is queued and under way, then ends the workers.
  ~FcgiPool();

 private:
  using Connection = FcgiKeeper::Connection;
  struct Worker {
    std::thread thread;
    bool ended = false;
  };

  void watch(int file, std::uint32_t events);
  void start_worker();
  void grow();
  bool retire(Worker& worker);
  void work(Worker& worker);
  Connection next(Worker& worker);
  Connection next_at_the_end();
  Connection next_from_listener();
  int accept_socket();
  Connection take_ready();
  void answer(Connection connection, FcgiExchange& exchange);
  void answer_rest();
  void make_room();
  FcgiConnection::Time from_now() const;

  int listener_;
  Page& page_;
  ServerLimits limits_;
  int poll_;         // the listener, ready_event_ and stop_event_
  int ready_event_;  // a semaphore: how many are in ready_
  int stop_event_;
  std::atomic<int> idle_ = 0;
  std::atomic<bool> draining_ = false;
  std::mutex mutex_;
  std::deque<Connection> ready_;
  std::list<Worker> workers_;
  std::atomic<int> alive_ = 0;
  FcgiKeeper keeper_;
};

}  // namespace b24
