// connections: see connections.h.
#include "web/connections.h"

#include <fastcgi.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>

#include "web/answer.h"

namespace b24 {
namespace {

using std::chrono::milliseconds;
using Taken = Connections::Taken;

// A web server that asks first whether it may write (mod_proxy_fcgi) is told so only while a
// quarter of a Unix socket's buffer is in use, of which each record takes more than its size: what
// is larger than this, or in more pieces, never comes as long as nobody reads.
constexpr std::size_t kLookedAt = 16 << 10;
constexpr int kMostPieces = 48;
constexpr milliseconds kOutOfDescriptors{50};
constexpr milliseconds kLastLook{3};  // how often the last ones are looked after
constexpr int kTries = 20;

int checked(int file) {
  if (file < 0) throw std::system_error(errno, std::generic_category(), "poll set");
  return file;
}

// Half of the descriptors; the rest is for requests under way and what the page opens.
std::size_t most_waiting() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur / 2;
}

Arrived peek(int socket) {
  char buffer[kLookedAt];
  const ssize_t got = recv(socket, buffer, sizeof buffer, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Arrived::part : Arrived::never;
  if (got == 0) return Arrived::never;  // it has gone
  return arrived({buffer, static_cast<std::size_t>(got)}, sizeof buffer);
}

bool has_hung_up(int socket) {
  pollfd peer{socket, POLLRDHUP, 0};
  return poll(&peer, 1, 0) > 0;
}

bool has_room(const std::vector<Taken>& taken, std::size_t most) {
  return taken.size() < most && (taken.empty() || taken.back().whole);
}

}  // namespace

Arrived arrived(std::string_view records, std::size_t room) {
  const std::size_t looked_at = records.size();
  int pieces = 0, first = 0;
  bool params_over = false;
  for (; records.size() >= FCGI_HEADER_LEN; ++pieces) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(records[at]); };
    const int type = byte(1), request = byte(2) << 8 | byte(3);
    const std::size_t content = std::size_t{byte(4)} << 8 | byte(5);
    // The library would go on for ever over records that it does not know or that are of another
    // request, and worse.
    const bool fits = pieces == 0 ? type == FCGI_BEGIN_REQUEST
                                  : request == first && (type == FCGI_PARAMS ||
                                                         (type == FCGI_STDIN && params_over));
    if (byte(0) != FCGI_VERSION_1 || !fits) return Arrived::never;
    if (type == FCGI_STDIN && content == 0) return Arrived::whole;
    first = request;
    params_over = type == FCGI_STDIN || (type == FCGI_PARAMS && content == 0);
    records.remove_prefix(std::min(records.size(), FCGI_HEADER_LEN + content + byte(6)));
  }
  return looked_at < room && pieces < kMostPieces ? Arrived::part : Arrived::large;
}

Connections::Connections(const Listener& listener, milliseconds time)
    : listener_(listener),
      time_(time),
      most_waiting_(most_waiting()),
      poll_(checked(epoll_create1(EPOLL_CLOEXEC))),
      stop_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))) {
  // One-shot: those who come wake one thread, which takes them all, and not every thread.
  epoll_event queue{.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = listener_.socket()}};
  epoll_event stop{.events = EPOLLIN, .data = {.fd = stop_}};
  checked(epoll_ctl(poll_, EPOLL_CTL_ADD, listener_.socket(), &queue));
  checked(epoll_ctl(poll_, EPOLL_CTL_ADD, stop_, &stop));
}

Connections::~Connections() {
  while (!all_.empty()) drop(all_.begin());
  close(poll_);
  close(stop_);
}

std::vector<Taken> Connections::next(std::size_t most, int timeout) {
  std::vector<Taken> taken;
  std::array<epoll_event, 64> events;
  const int count =
      epoll_wait(poll_, events.data(), static_cast<int>(std::min(most, events.size())), timeout);
  bool queued = false;
  for (int i = 0; i < count; ++i) {
    const int file = events[static_cast<std::size_t>(i)].data.fd;
    if (file == listener_.socket())
      queued = true;
    else if (file != stop_)
      look(file, taken);
  }
  if (queued) {
    accept(taken, most);
    epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = listener_.socket()}};
    epoll_ctl(poll_, EPOLL_CTL_MOD, listener_.socket(), &event);
  }
  return taken;
}

std::vector<Taken> Connections::rest(std::size_t most) {
  std::vector<Taken> taken;
  for (int tries = 0;;) {
    const bool all_accepted = accept(taken, most) || ++tries == kTries;
    std::vector<int> waiting;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [socket, watched] : all_)
        if (watched.waiting) waiting.push_back(socket);
    }
    for (auto it = waiting.begin(); it != waiting.end() && has_room(taken, most); ++it)
      look(*it, taken);
    if (!taken.empty() || (all_accepted && waiting.empty())) return taken;
    std::this_thread::sleep_for(kLastLook);
  }
}

void Connections::stop(milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    latest_ = Clock::now() + grace;
    for (auto& [socket, watched] : all_)
      if (watched.waiting) watched.deadline = std::min(watched.deadline, latest_);
  }
  stopped_ = true;
  eventfd_write(stop_, 1);
}

// Takes who is queued while there is room; true when nobody is left.
bool Connections::accept(std::vector<Taken>& taken, std::size_t most) {
  while (has_room(taken, most)) {
    const int socket = listener_.accept();
    if (socket < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      make_room();
      return false;
    }
    const Arrived how = peek(socket);
    if (how == Arrived::whole || how == Arrived::large)
      taken.push_back({socket, how == Arrived::whole, deadline()});
    else if (how == Arrived::never || !hold(socket))
      close(socket);
  }
  return false;
}

// Something has come, unless another thread has dealt with it meanwhile.
void Connections::look(int socket, std::vector<Taken>& taken) {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(socket);
  if (found == all_.end() || !found->second.waiting) return;
  const Arrived how = peek(socket);
  if (how == Arrived::never || (how == Arrived::part && has_hung_up(socket))) return drop(found);
  if (how == Arrived::part) return;
  if (!taken.empty() && !taken.back().whole) {  // tell us again, for the next round
    epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.fd = socket}};
    epoll_ctl(poll_, EPOLL_CTL_MOD, socket, &event);
    return;
  }
  const Taken one{socket, how == Arrived::whole, found->second.deadline};
  epoll_ctl(poll_, EPOLL_CTL_DEL, socket, nullptr);
  all_.erase(found);
  --waiting_;
  taken.push_back(one);
}

bool Connections::hold(int socket) {
  const std::lock_guard lock(mutex_);
  if (waiting_ >= most_waiting_) drop_oldest();
  // Edge-triggered: what has come but is not whole is no news.
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.fd = socket}};
  if (epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event) != 0) return false;
  all_.emplace(socket, Watched{std::min(Clock::now() + time_, latest_), true});
  ++waiting_;
  return true;
}

void Connections::drop(All::iterator watched) {
  if (watched->second.waiting) --waiting_;
  close(watched->first);
  all_.erase(watched);
}

void Connections::drop_oldest() {
  const auto oldest = std::ranges::min_element(all_, {}, [](const All::value_type& one) {
    return one.second.waiting ? one.second.deadline : Clock::time_point::max();
  });
  if (oldest != all_.end() && oldest->second.waiting) drop(oldest);
}

void Connections::make_room() {
  complain(std::string("a connection cannot be served: ") + std::strerror(errno));
  {
    const std::lock_guard lock(mutex_);
    drop_oldest();
  }
  std::this_thread::sleep_for(kOutOfDescriptors);
}

Connections::Clock::time_point Connections::deadline() const {
  const std::lock_guard lock(mutex_);
  return std::min(Clock::now() + time_, latest_);
}

void Connections::sweep() {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  for (auto it = all_.begin(); it != all_.end();) {
    const auto late = it++;
    if (late->second.deadline > now) continue;
    if (late->second.waiting)
      drop(late);
    else
      shutdown(late->first, SHUT_RDWR);
  }
}

bool Connections::anybody_ready() const {
  pollfd set{poll_, POLLIN, 0};
  return poll(&set, 1, 0) > 0;
}

bool Connections::anybody_watched() const {
  const std::lock_guard lock(mutex_);
  return !all_.empty();
}

Connections::Watch::Watch(Connections& connections, int socket, Clock::time_point deadline)
    : connections_(connections), socket_(fcntl(socket, F_DUPFD_CLOEXEC, 0)) {
  if (socket_ < 0) return;
  const std::lock_guard lock(connections_.mutex_);
  connections_.all_.emplace(socket_, Watched{deadline, false});
}

Connections::Watch::~Watch() {
  if (socket_ < 0) return;
  const std::lock_guard lock(connections_.mutex_);
  connections_.all_.erase(socket_);
  close(socket_);
}

}  // namespace b24
