// fcgi_keeper: one thread and one poll set for all connections that wait for their peer, so that
// idle and slow peers hold no worker.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "web/fcgi_connection.h"

namespace b24 {

// Safe from all threads.
class FcgiKeeper {
 public:
  using Connection = std::unique_ptr<FcgiConnection>;

  // `ready` is called in the keeper's thread with each connection whose request is whole. Of more
  // than `max_connections` the oldest are closed.
  FcgiKeeper(std::size_t max_connections, std::function<void(Connection)> ready);
  FcgiKeeper(const FcgiKeeper&) = delete;
  FcgiKeeper& operator=(const FcgiKeeper&) = delete;
  ~FcgiKeeper();  // closes what is left

  // Keeps it until it is ready, over, or past its deadline.
  void take(Connection connection);
  // Gives a descriptor back when the process has run out of them.
  void drop_oldest();
  // At the end: nothing is kept longer than `grace` from now on; returns when nothing is left.
  void settle(std::chrono::milliseconds grace);

 private:
  using Kept = std::unordered_map<int, Connection>;

  void run();
  void wait();
  void release_oldest();
  void attend(int socket);
  Connection release(Kept::iterator kept);
  void sweep();
  void wake() const;

  std::size_t max_connections_;
  std::function<void(Connection)> ready_;
  int poll_;
  int wake_;
  std::mutex mutex_;
  std::condition_variable empty_;
  Kept kept_;
  std::size_t size_ = 0;  // bytes held by all
  FcgiConnection::Time latest_ = FcgiConnection::Time::max();
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace b24
