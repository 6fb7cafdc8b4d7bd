// fcgi_pool: the workers that accept connections and answer their requests.
#include "web/fcgi_pool.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "web/answer.h"

namespace b24 {
namespace {

using std::chrono::milliseconds;
using Progress = FcgiConnection::Progress;

// A web server connects first and sends right after; waiting this long for it is cheaper than
// handing the connection to the keeper and getting it back.
constexpr milliseconds kPatience{2};
constexpr milliseconds kOutOfDescriptors{50};
constexpr int kTries = 20;
constexpr int kIdleMs = 30'000;           // after this a worker beyond the kept ones ends
constexpr milliseconds kLastGrace{1000};  // for slow peers, once a stop was asked for

int checked(int file) {
  if (file < 0) throw std::system_error(errno, std::generic_category(), "worker pool");
  return file;
}

// Half of the descriptors; the rest is for the workers and what the page opens.
std::size_t max_connections() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur / 2;
}

}  // namespace

FcgiPool::FcgiPool(int listener, Page& page, const ServerLimits& limits)
    : listener_(listener),
      page_(page),
      limits_(limits),
      poll_(checked(epoll_create1(EPOLL_CLOEXEC))),
      ready_event_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))),
      stop_event_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))),
      keeper_(max_connections(), [this](Connection connection) {
        {
          std::lock_guard lock(mutex_);
          ready_.push_back(std::move(connection));
        }
        eventfd_write(ready_event_, 1);
      }) {
  // One-shot: a new connection wakes one worker, not all of them.
  watch(listener_, EPOLLIN | EPOLLONESHOT);
  watch(ready_event_, EPOLLIN);
  watch(stop_event_, EPOLLIN);
  std::lock_guard lock(mutex_);
  for (int i = 0; i < limits_.threads; ++i) start_worker();
}

FcgiPool::~FcgiPool() {
  // What has begun to arrive becomes ready while the workers still work as usual.
  keeper_.settle(kLastGrace);
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
  }
  eventfd_write(stop_event_, 1);
  for (Worker& worker : workers_) worker.thread.join();
  keeper_.settle(kLastGrace);
  answer_rest();
  keeper_.settle(kLastGrace);
  for (int file : {poll_, ready_event_, stop_event_}) close(file);
}

void FcgiPool::watch(int file, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = file}};
  checked(epoll_ctl(poll_, EPOLL_CTL_ADD, file, &event));
}

void FcgiPool::start_worker() {
  Worker& worker = workers_.emplace_back();
  try {
    worker.thread = std::thread([this, &worker] { work(worker); });
    ++alive_;
  } catch (const std::system_error&) {
    workers_.pop_back();
    if (alive_ == 0) throw;  // fewer workers than wished for are better than none
  }
}

void FcgiPool::grow() {
  std::lock_guard lock(mutex_);
  if (draining_ || alive_ >= limits_.max_threads) return;
  std::erase_if(workers_, [](Worker& worker) {
    if (worker.ended) worker.thread.join();
    return worker.ended;
  });
  start_worker();
}

bool FcgiPool::retire(Worker& worker) {
  std::lock_guard lock(mutex_);
  if (draining_ || alive_ <= limits_.threads) return false;
  --alive_;
  worker.ended = true;
  return true;
}

void FcgiPool::work(Worker& worker) {
  FcgiExchange exchange(page_);
  for (;;) {
    try {
      Connection connection = next(worker);
      if (connection == nullptr) return;
      answer(std::move(connection), exchange);
    } catch (const std::exception& fault) {
      complain(std::string("a connection failed: ") + fault.what());
    }
  }
}

FcgiPool::Connection FcgiPool::next(Worker& worker) {
  for (;;) {
    epoll_event event;
    ++idle_;
    int count = epoll_wait(poll_, &event, 1, alive_ > limits_.threads ? kIdleMs : -1);
    --idle_;
    if (count == 0 && retire(worker)) return nullptr;
    if (count <= 0) continue;
    if (event.data.fd == stop_event_) return next_at_the_end();
    Connection connection = event.data.fd == listener_ ? next_from_listener() : take_ready();
    if (connection != nullptr) return connection;
  }
}

FcgiPool::Connection FcgiPool::next_from_listener() {
  int socket = accept_socket();
  epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = listener_}};
  epoll_ctl(poll_, EPOLL_CTL_MOD, listener_, &event);
  if (socket < 0) return nullptr;
  auto connection = std::make_unique<FcgiConnection>(socket, page_.limits().body, from_now());
  auto progress = connection->advance_until(FcgiConnection::Time::clock::now() + kPatience);
  if (progress == Progress::ready) return connection;
  if (progress == Progress::waiting) keeper_.take(std::move(connection));
  return nullptr;
}

FcgiPool::Connection FcgiPool::next_at_the_end() {
  for (int socket = accept_socket(); socket >= 0; socket = accept_socket()) {
    auto until = FcgiConnection::Time::clock::now() + kLastGrace;
    auto connection = std::make_unique<FcgiConnection>(socket, page_.limits().body, until);
    if (connection->advance_until(until) == Progress::ready) return connection;
  }
  return take_ready();
}

int FcgiPool::accept_socket() {
  // Over and over, since the backlog must not be left while the process lacks descriptors.
  for (int tries = 0; tries < kTries; ++tries) {
    int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0 || errno == EAGAIN || errno == EWOULDBLOCK) return socket;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    make_room();
  }
  return -1;
}

FcgiPool::Connection FcgiPool::take_ready() {
  eventfd_t ignored;
  if (eventfd_read(ready_event_, &ignored) != 0) return nullptr;
  std::lock_guard lock(mutex_);
  Connection connection = std::move(ready_.front());
  ready_.pop_front();
  return connection;
}

void FcgiPool::make_room() {
  complain(std::string("a connection cannot be served: ") + std::strerror(errno));
  keeper_.drop_oldest();
  std::this_thread::sleep_for(kOutOfDescriptors);
}

// A worker that gave a connection to the keeper right before the end may have been the last one.
void FcgiPool::answer_rest() {
  try {
    FcgiExchange exchange(page_);
    while (Connection connection = take_ready()) answer(std::move(connection), exchange);
  } catch (const std::exception& fault) {
    complain(std::string("a connection failed: ") + fault.what());
  }
}

void FcgiPool::answer(Connection connection, FcgiExchange& exchange) {
  if (idle_ == 0) grow();
  for (int tries = 0; !exchange.prepare(); ++tries) {
    if (tries == kTries) return;
    make_room();
  }
  std::string records = exchange.answer(connection->take_request());
  connection->reply(std::move(records), from_now());
  if (connection->advance() == Progress::waiting) keeper_.take(std::move(connection));
}

FcgiConnection::Time FcgiPool::from_now() const {
  return FcgiConnection::Time::clock::now() + milliseconds(limits_.request_time);
}

}  // namespace b24
