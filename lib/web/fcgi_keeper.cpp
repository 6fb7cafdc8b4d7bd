// fcgi_keeper: one thread and one poll set for all connections that wait for their peer, so that
// idle and slow peers hold no worker.
#include "web/fcgi_keeper.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace b24 {
namespace {

using Progress = FcgiConnection::Progress;

constexpr int kTickMs = 100;                // how late a deadline may be noticed
constexpr std::size_t kMaxHeld = 64 << 20;  // bytes of unfinished requests and answers

epoll_event event_for(const FcgiConnection& connection) {
  return {.events = static_cast<std::uint32_t>(connection.events()),
          .data = {.fd = connection.socket()}};
}

}  // namespace

FcgiKeeper::FcgiKeeper(std::size_t max_connections, std::function<void(Connection)> ready)
    : max_connections_(max_connections),
      ready_(std::move(ready)),
      poll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_}};
  if (poll_ < 0 || wake_ < 0 || epoll_ctl(poll_, EPOLL_CTL_ADD, wake_, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "poll set");
  thread_ = std::thread([this] { run(); });
}

FcgiKeeper::~FcgiKeeper() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
  close(poll_);
  close(wake_);
}

void FcgiKeeper::wake() const {
  eventfd_write(wake_, 1);
}

void FcgiKeeper::take(Connection connection) {
  std::lock_guard lock(mutex_);
  if (kept_.size() >= max_connections_) release_oldest();
  int socket = connection->socket();
  epoll_event event = event_for(*connection);
  if (epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event) != 0) return;
  connection->set_deadline(std::min(connection->deadline(), latest_));
  size_ += connection->size();
  if (kept_.empty()) wake();  // it sleeps without end while it keeps nothing
  kept_.emplace(socket, std::move(connection));
}

void FcgiKeeper::drop_oldest() {
  std::lock_guard lock(mutex_);
  release_oldest();
}

void FcgiKeeper::release_oldest() {
  auto oldest = std::ranges::min_element(
      kept_, {}, [](const Kept::value_type& kept) { return kept.second->deadline(); });
  if (oldest != kept_.end()) release(oldest);
}

void FcgiKeeper::settle(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  latest_ = FcgiConnection::Time::clock::now() + grace;
  for (auto& [socket, connection] : kept_)
    connection->set_deadline(std::min(connection->deadline(), latest_));
  empty_.wait(lock, [this] { return kept_.empty(); });
}

void FcgiKeeper::run() {
  auto next_sweep = FcgiConnection::Time::clock::now();
  for (;;) {
    wait();
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (auto now = FcgiConnection::Time::clock::now(); now >= next_sweep) {
      sweep();
      next_sweep = now + std::chrono::milliseconds(kTickMs);
    }
    if (kept_.empty()) empty_.notify_all();
  }
}

void FcgiKeeper::wait() {
  int timeout = -1;
  {
    std::lock_guard lock(mutex_);
    if (!kept_.empty()) timeout = kTickMs;
  }
  epoll_event events[64];
  int count = epoll_wait(poll_, events, std::size(events), timeout);
  for (int i = 0; i < count; ++i) {
    std::lock_guard lock(mutex_);
    attend(events[i].data.fd);
  }
}

void FcgiKeeper::attend(int socket) {
  if (socket == wake_) {
    eventfd_t ignored;
    eventfd_read(wake_, &ignored);
    return;
  }
  auto kept = kept_.find(socket);
  if (kept == kept_.end()) return;
  FcgiConnection& connection = *kept->second;
  std::size_t size_before = connection.size();
  short events_before = connection.events();
  Progress progress = connection.advance();
  size_ += connection.size() - size_before;
  if (progress == Progress::ready) {
    Connection whole = release(kept);
    ready_(std::move(whole));
  } else if (progress == Progress::over || size_ > kMaxHeld) {
    release(kept);
  } else if (connection.events() != events_before) {
    epoll_event event = event_for(connection);
    epoll_ctl(poll_, EPOLL_CTL_MOD, socket, &event);
  }
}

FcgiKeeper::Connection FcgiKeeper::release(Kept::iterator kept) {
  Connection connection = std::move(kept->second);
  size_ -= connection->size();
  epoll_ctl(poll_, EPOLL_CTL_DEL, kept->first, nullptr);
  kept_.erase(kept);
  return connection;
}

void FcgiKeeper::sweep() {
  auto now = FcgiConnection::Time::clock::now();
  for (auto kept = kept_.begin(); kept != kept_.end();) {
    auto next = std::next(kept);
    if (kept->second->deadline() <= now) release(kept);
    kept = next;
  }
}

}  // namespace b24
