// rounds: pattern P around libfcgi. It relies on two public fields of FCGX_Request: ipcFd, which is
// read from when it is set, and keepConnection, without which FCGX_Accept_r begins with closing it.
#include "web/rounds.h"

#include <fastcgi.h>
#include <malloc.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "web/answer.h"

namespace b24 {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{10};         // of the watchdog: all busy for this long is too long
constexpr milliseconds kLastGrace{1000};  // for slow peers, once a stop was asked for
constexpr milliseconds kShare{1000};      // what a peer may cost the others of its round
constexpr milliseconds kTidy{2000};       // between looks after unused memory
constexpr milliseconds kSpare{1000};      // threads that had nothing to do for so long are too many

milliseconds patience(const ServerLimits& limits) {
  const milliseconds whole(limits.request_time);
  return limits.round > 1 ? std::min(whole, kShare) : whole;
}

int clamped(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

// An answer as records. The library would send it in pieces of 8 KiB, each by a call of the system.
std::string in_records(int request, std::string_view text) {
  constexpr std::size_t kMost = 0xfff8;
  std::string records;
  records.reserve(text.size() + (text.size() / kMost + 4) * FCGI_HEADER_LEN);
  const auto begin = [&](int type, std::size_t length) {
    const auto byte = [](auto number) { return static_cast<unsigned char>(number & 0xff); };
    const FCGI_Header head{.version = FCGI_VERSION_1,
                           .type = byte(type),
                           .requestIdB1 = byte(request >> 8),
                           .requestIdB0 = byte(request),
                           .contentLengthB1 = byte(length >> 8),
                           .contentLengthB0 = byte(length),
                           .paddingLength = 0,
                           .reserved = 0};
    records.append(reinterpret_cast<const char*>(&head), sizeof head);
  };
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, kMost);
    begin(FCGI_STDOUT, piece.size());
    records += piece;
    text.remove_prefix(piece.size());
  }
  begin(FCGI_STDOUT, 0);
  begin(FCGI_END_REQUEST, sizeof(FCGI_EndRequestBody));
  records.append(sizeof(FCGI_EndRequestBody), '\0');  // 0, and FCGI_REQUEST_COMPLETE
  return records;
}

// Gives up on a peer that takes nothing for so long.
void send_all(int socket, std::string_view bytes, milliseconds patience) {
  for (int flags = MSG_NOSIGNAL | MSG_DONTWAIT; !bytes.empty();) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), flags);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN && (flags & MSG_DONTWAIT) != 0) {
      const timeval limit{.tv_sec = patience.count() / 1000,
                          .tv_usec = patience.count() % 1000 * 1000};
      setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
      flags = MSG_NOSIGNAL;
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

bool prepare_rounds() {
  // After its answer the library waits for the peer to close: for the one that is still sending.
  setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "100", 1);
  return FCGX_Init() == 0;
}

Rounds::Rounds(const Listener& listener, Page& page, const ServerLimits& limits)
    : page_(page), limits_(limits), connections_(listener, milliseconds(limits.request_time)) {
  // Before the workers, which would take its place where the system allows few threads.
  watchdog_ = std::thread([this] { watch(); });
  try {
    const std::lock_guard lock(mutex_);
    while (alive_ < limits_.threads && start_worker()) {
    }
  } catch (const std::system_error&) {
    end_watchdog();
    throw;
  }
}

Rounds::~Rounds() {
  connections_.stop(kLastGrace);
  { const std::lock_guard lock(mutex_); }  // from here on no thread is added or removed
  for (Worker& worker : workers_) worker.thread.join();
  end_watchdog();
}

void Rounds::end_watchdog() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  awake_.notify_one();
  watchdog_.join();
}

// False: fewer than wished for, which are better than none.
bool Rounds::start_worker() {
  Worker& worker = workers_.emplace_back();
  try {
    worker.thread = std::thread([this, &worker] { work(worker); });
    ++alive_;
    return true;
  } catch (const std::system_error&) {
    workers_.pop_back();
    if (alive_ == 0) throw;
    return false;
  }
}

void Rounds::work(Worker& worker) {
  Requests requests(static_cast<std::size_t>(limits_.round));
  Round round;
  // -1: the library can never accept a connection itself.
  for (FCGX_Request& request : requests) FCGX_InitRequest(&request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
  for (;;) {
    try {
      const std::vector<Taken> taken = next(worker);
      if (taken.empty()) return;
      // Whoever is still sending may not keep the others waiting.
      const std::size_t whole = taken.size() - (taken.back().whole ? 0 : 1);
      serve(std::span(taken).first(whole), requests, round);
      serve(std::span(taken).subspan(whole), requests, round);
    } catch (const std::exception& fault) {
      complain(std::string("a round failed: ") + fault.what());
      round.clear();
      for (FCGX_Request& request : requests)
        if (request.ipcFd >= 0) FCGX_Free(&request, 1);
    }
  }
}

// What to answer next; nothing: the thread is to end.
std::vector<Rounds::Taken> Rounds::next(Worker& worker) {
  const auto most = static_cast<std::size_t>(limits_.round);
  const milliseconds idle(limits_.idle_time);
  while (!connections_.stopped()) {
    if (surplus_ > 0 && retire(worker)) return {};
    const auto since = Connections::Clock::now();
    const bool may_end = alive_ > limits_.threads;
    ++idle_;
    std::vector<Taken> taken = connections_.next(most, may_end ? clamped(idle.count()) : -1);
    --idle_;
    ++rounds_;
    if (dozing_.exchange(false)) {
      const std::lock_guard lock(mutex_);
      awake_.notify_one();
    }
    if (!taken.empty()) return taken;
    if (Connections::Clock::now() - since >= idle && retire(worker)) return {};
  }
  return connections_.rest(most);
}

bool Rounds::retire(Worker& worker) {
  const std::lock_guard lock(mutex_);
  if (connections_.stopped() || alive_ <= limits_.threads) return false;
  --alive_;
  surplus_ = std::max(surplus_ - 1, 0);
  worker.ended = true;
  return true;
}

void Rounds::serve(std::span<const Taken> taken, Requests& requests, Round& round) {
  for (const Taken& one : taken) {
    std::optional<Connections::Watch> watch;
    if (!one.whole) watch.emplace(connections_, one.socket, one.deadline);
    FCGX_Request& request = requests[round.size()];
    if (!begin(one.socket, request)) continue;
    round.emplace_back(page_, Environment(request.envp)).read([&](char* buffer, std::size_t size) {
      const int got = FCGX_GetStr(buffer, clamped(size), request.in);
      return got == 0 && FCGX_GetError(request.in) != 0 ? -1L : got;
    });
    request.detached = FCGX_GetChar(request.in) == EOF;
  }
  for (Exchange& exchange : round) exchange.respond();
  const bool kept = Exchange::keep(page_, round);
  for (std::size_t i = 0; i < round.size(); ++i) send(requests[i], round[i].text());
  round.clear();
  if (kept) page_.kept();
}

// The socket is the library's from here on; false when it was not given a request, and has closed.
bool Rounds::begin(int socket, FCGX_Request& request) {
  request.ipcFd = socket;
  request.keepConnection = 1;
  request.detached = 1;
  if (FCGX_Accept_r(&request) < 0) return false;
  // It returns what it has of the parameters, too, when they broke off.
  if (FCGX_GetError(request.in) == 0) return true;
  FCGX_Free(&request, 1);
  return false;
}

// Detached is what was read to its end: such a connection is just closed. From another the library
// takes what still comes, lest the answer be cut off.
void Rounds::send(FCGX_Request& request, const std::string& text) {
  std::optional<Connections::Watch> watch;
  if (request.detached == 0)
    watch.emplace(connections_, request.ipcFd, Connections::Clock::now() + patience(limits_));
  send_all(request.ipcFd, in_records(request.requestId, text), patience(limits_));
  FCGX_Free(&request, 1);
}

void Rounds::watch() {
  unsigned seen = 0;
  unsigned tidied = 0;
  unsigned at_last_tidy = 0;
  int least_idle = INT_MAX;
  bool all_needed = false;
  auto next_tidy = Connections::Clock::now() + kTidy;
  auto next_count = Connections::Clock::now() + kSpare;
  std::unique_lock lock(mutex_);
  while (!finished_) {
    connections_.sweep();
    if (rounds_ != tidied && Connections::Clock::now() >= next_tidy) {
      malloc_trim(0);  // what large requests and bursts took goes back
      // What is still worked on comes later, and so does what others do behind the answers.
      if (idle_ == alive_ && rounds_ == at_last_tidy) tidied = rounds_;
      at_last_tidy = rounds_;
      next_tidy = Connections::Clock::now() + kTidy;
    }
    const bool is_held_up = rounds_ == seen || Waiting::anybody();
    if (idle_ == 0 && is_held_up && connections_.anybody_ready()) {
      all_needed = true;
      grow();
    }
    seen = rounds_;
    // While requests come none is idle for idle_time: the system wakes one after the other. Where
    // nobody had to wait for long one fewer may do, though all had something to do.
    least_idle = std::min(least_idle, idle_.load());
    if (Connections::Clock::now() >= next_count) {
      const int spare = std::max(least_idle, std::exchange(all_needed, false) ? 0 : 1);
      surplus_ = std::clamp(alive_ - limits_.threads, 0, spare);
      least_idle = INT_MAX;
      next_count = Connections::Clock::now() + kSpare;
    }
    dozing_ = idle_ == alive_ && !connections_.anybody_watched();
    const auto woken = [this] { return finished_ || !dozing_; };
    if (!dozing_)
      awake_.wait_for(lock, kTick);
    else if (rounds_ != tidied)
      awake_.wait_until(lock, next_tidy, woken);
    else
      awake_.wait(lock, woken);
  }
}

// REQUIRES: mutex_ is locked.
void Rounds::grow() {
  if (connections_.stopped() || alive_ == 0 || alive_ >= limits_.max_threads) return;
  std::erase_if(workers_, [](Worker& worker) {
    if (worker.ended) worker.thread.join();
    return worker.ended;
  });
  start_worker();
}

}  // namespace b24
