// connections: what was accepted, until its request has arrived whole or its time is up.
//
// A FastCGI request that lies in the socket's buffer to its end can be read by libfcgi without
// waiting; until then its connection waits in one poll set and holds no thread. Only a request
// larger than the buffer is read while it comes, by one thread, for as long as its time lasts.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include "web/listener.h"

namespace b24 {

enum class Arrived {
  part,   // more must come
  whole,  // to its end
  large,  // more, or in more pieces, than is waited for
  never,  // not what a web server sends
};
// How much of a FastCGI request has come, by the headers of its records; `room`: how much could
// have been looked at.
Arrived arrived(std::string_view records, std::size_t room);

// Safe from all threads.
class Connections {
 public:
  using Clock = std::chrono::steady_clock;
  struct Taken {
    int socket = -1;  // the taker's to close; blocking
    bool whole = true;
    Clock::time_point deadline;  // to have sent the request
  };

  // `listener` must outlive this. `time`: for a request to arrive. Throws std::system_error.
  Connections(const Listener& listener, std::chrono::milliseconds time);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections();

  // Waits, at most `timeout` ms (-1: no end), until something happens, then gives what can be read,
  // up to `most`; one that is not whole only as the last. Nothing may have come, too.
  std::vector<Taken> next(std::size_t most, int timeout);
  // From now on nobody is waited for longer than `grace`, and next() returns at once.
  void stop(std::chrono::milliseconds grace);
  bool stopped() const { return stopped_; }
  // After stop(): like next(), until nobody is queued or waiting any more.
  std::vector<Taken> rest(std::size_t most);

  // Shuts down what is late. To be called every now and then.
  void sweep();
  // Whether next() would have something at once; whether sweep() has anybody to look at.
  bool anybody_ready() const;
  bool anybody_watched() const;

  // For as long as it lives, `socket` is shut down at `deadline`, so that nobody waits for it.
  class Watch {
   public:
    Watch(Connections& connections, int socket, Clock::time_point deadline);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

   private:
    Connections& connections_;
    int socket_;  // a duplicate: the library may close its own at any time
  };

 private:
  struct Watched {
    Clock::time_point deadline;
    bool waiting;  // in the poll set, and ours to close
  };
  using All = std::map<int, Watched>;

  bool accept(std::vector<Taken>& taken, std::size_t most);
  void look(int socket, std::vector<Taken>& taken);
  bool hold(int socket);
  void drop(All::iterator watched);
  void drop_oldest();
  void make_room();
  Clock::time_point deadline() const;

  const Listener& listener_;
  std::chrono::milliseconds time_;
  std::size_t most_waiting_;
  int poll_;
  int stop_;
  std::atomic<bool> stopped_ = false;
  mutable std::mutex mutex_;
  All all_;
  std::size_t waiting_ = 0;
  Clock::time_point latest_ = Clock::time_point::max();
};

}  // namespace b24
