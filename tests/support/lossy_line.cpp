// lossy_line: see lossy_line.h.
#include "lossy_line.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace b24::test {
namespace {

constexpr const char* kSocket = ".s.PGSQL.5432";

using Call = int (*)(int, const sockaddr*, socklen_t);

int unix_socket(const std::filesystem::path& dir, Call call) {
  const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (dir / kSocket).c_str(), sizeof address.sun_path - 1);
  if (call(made, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return made;
  ::close(made);
  return -1;
}

}  // namespace

LossyLine::LossyLine(const std::filesystem::path& server_dir)
    : server_(server_dir), listener_(unix_socket(dir_.path(), ::bind)) {
  constexpr int kQueue = 64;
  if (listener_ < 0 || ::listen(listener_, kQueue) != 0) throw std::runtime_error("lossy_line");
  acceptor_ = std::jthread([this] { accept_all(); });
}

LossyLine::~LossyLine() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  threads_.clear();
  ::close(listener_);
}

void LossyLine::accept_all() {
  for (;;) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = unix_socket(server_, ::connect);
    const std::lock_guard lock(mutex_);
    open_.insert(open_.end(), {client, server});
    threads_.emplace_back([this, client, server] { serve(client, server); });
  }
}

bool LossyLine::hand_on(int from, int to, std::string& bytes) const {
  char buffer[65'536];
  const auto got = ::recv(from, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  bytes.assign(buffer, static_cast<std::size_t>(got));
  if (breaks_ == Breaks::before_commit && bytes.contains("COMMIT")) return false;
  return ::send(to, buffer, bytes.size(), MSG_NOSIGNAL) == got;
}

void LossyLine::serve(int client, int server) {
  pollfd sides[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
  std::string bytes;
  for (bool committing = false, going = true; going && ::poll(sides, 2, -1) > 0;) {
    if (sides[0].revents != 0) {
      going = hand_on(client, server, bytes);
      committing = breaks_ != Breaks::never && bytes.contains("COMMIT");
    }
    if (going && sides[1].revents != 0) going = !committing && hand_on(server, client, bytes);
    if (committing && !going) breaks_ = Breaks::never;
  }
  const std::lock_guard lock(mutex_);
  for (const int socket : {client, server}) {
    open_.remove(socket);
    ::close(socket);
  }
}

}  // namespace b24::test
