// fcgi_connection: one connection of a web server, from accept to close; never waits.
#include "web/fcgi_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "web/answer.h"

namespace b24 {
namespace {

constexpr std::size_t kBlock = 32 << 10;

bool would_wait() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

FcgiConnection::~FcgiConnection() {
  close(socket_);
}

short FcgiConnection::events() const {
  return stage_ == Stage::writing ? POLLOUT : POLLIN;
}

FcgiConnection::Progress FcgiConnection::advance() {
  switch (stage_) {
    case Stage::reading:
      return read();
    case Stage::writing:
      return write();
    case Stage::draining:
      return drain();
  }
  return Progress::over;
}

FcgiConnection::Progress FcgiConnection::advance_until(Time until) {
  until = std::min(until, deadline_);
  Progress progress = advance();
  while (progress == Progress::waiting) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Time::clock::now());
    pollfd peer{socket_, events(), 0};
    if (left.count() <= 0 || poll(&peer, 1, static_cast<int>(left.count())) == 0) break;
    progress = advance();
  }
  return progress;
}

FcgiConnection::Progress FcgiConnection::read() {
  char block[kBlock];
  ssize_t got = 0;
  do {
    got = recv(socket_, block, sizeof block, 0);
    if (got < 0) return would_wait() ? Progress::waiting : Progress::over;
    if (got == 0) return Progress::over;  // gone before the request was whole
    if (guard_.take({block, static_cast<std::size_t>(got)}) == FcgiGuard::State::broken) {
      complain(std::string("a connection was given up: ") + std::string(guard_.fault()));
      must_drain_ = true;
      reply(guard_.refusal(), deadline_);
      return advance();
    }
    if (guard_.state() == FcgiGuard::State::whole) return Progress::ready;
  } while (got == sizeof block);
  return Progress::waiting;
}

std::string FcgiConnection::take_request() {
  std::string records = guard_.records();
  must_drain_ = guard_.is_cut();
  guard_ = FcgiGuard(0);
  return records;
}

void FcgiConnection::reply(std::string records, Time deadline) {
  stage_ = Stage::writing;
  answer_ = std::move(records);
  sent_ = 0;
  deadline_ = deadline;
}

FcgiConnection::Progress FcgiConnection::write() {
  while (sent_ < answer_.size()) {
    ssize_t sent = send(socket_, answer_.data() + sent_, answer_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) return would_wait() ? Progress::waiting : Progress::over;
    sent_ += static_cast<std::size_t>(sent);
  }
  if (!must_drain_ || answer_.empty()) return Progress::over;
  shutdown(socket_, SHUT_WR);
  stage_ = Stage::draining;
  return drain();
}

FcgiConnection::Progress FcgiConnection::drain() {
  char block[kBlock];
  // Bounded, so that a peer that never stops sending cannot keep a thread here.
  for (int i = 0; i < 8; ++i) {
    ssize_t got = recv(socket_, block, sizeof block, 0);
    if (got < 0) return would_wait() ? Progress::waiting : Progress::over;
    if (got == 0) return Progress::over;
  }
  return Progress::waiting;
}

}  // namespace b24
