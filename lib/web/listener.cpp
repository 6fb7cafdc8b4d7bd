// listener: the listening socket of a FastCGI process, inherited or made.
#include "web/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace b24 {
namespace {

// A burst of events must find room here: what the queue does not take is lost for good.
constexpr int kQueue = 4096;
constexpr int kSystemdFirst = 3;

bool is_listening(int file) {
  int listening = 0;
  socklen_t size = sizeof listening;
  return getsockopt(file, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

bool given_by_systemd() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  bool given = pid != nullptr && count != nullptr && std::atol(pid) == getpid() &&
               std::atoi(count) >= 1 && is_listening(kSystemdFirst);
  // Not for the children of this process.
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(name);
  return given;
}

void prepare(int socket) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  listen(socket, kQueue);  // on a listening socket this only sets the queue
}

Error bad_place(std::string_view where) {
  return {ErrorKind::settings, "listen", "--listen: not an address: " + std::string(where),
          "Give unix:PATH or HOST:PORT, e.g. unix:/run/b24hooks/index.sock or 127.0.0.1:9001."};
}

Error in_use(const std::string& where) {
  return {ErrorKind::settings, "listen", where + ": another process listens there",
          "Stop that process, or choose another address."};
}

sockaddr_un unix_address(const std::string& file) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  file.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

bool somebody_listens(const sockaddr_un& address) {
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool refused = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                 errno == ECONNREFUSED;
  close(probe);
  return !refused;
}

bool bind_unix(int socket, const sockaddr_un& address) {
  mode_t old_mask = umask(0117);
  bool bound = bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  umask(old_mask);
  return bound;
}

}  // namespace

Listener::Listener(Listener&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      file_(std::exchange(other.file_, {})),
      inode_(other.inode_) {}

Listener::~Listener() {
  if (socket_ < 0) return;
  close(socket_);
  struct stat info {};
  if (!file_.empty() && stat(file_.c_str(), &info) == 0 && info.st_ino == inode_)
    unlink(file_.c_str());
}

std::optional<Listener> Listener::inherited() {
  bool systemd = given_by_systemd();
  if (is_listening(STDIN_FILENO)) {
    Listener listener(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kSystemdFirst));
    int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    close(null);
    prepare(listener.socket_);
    return listener;
  }
  if (!systemd) return std::nullopt;
  prepare(kSystemdFirst);
  return Listener(kSystemdFirst);
}

Result<Listener> Listener::open(std::string_view where) {
  constexpr std::string_view kUnix = "unix:";
  if (where.starts_with(kUnix)) return open_unix(where.substr(kUnix.size()));
  std::size_t colon = where.rfind(':');
  if (colon == where.npos || colon == 0 || colon + 1 == where.size())
    return std::unexpected(bad_place(where));
  std::string_view host = where.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return open_tcp(std::string(host), std::string(where.substr(colon + 1)));
}

Result<Listener> Listener::open_unix(const std::filesystem::path& file) {
  std::string where = file.string();
  sockaddr_un address = unix_address(where);
  if (where.empty() || where.size() >= sizeof address.sun_path)
    return std::unexpected(bad_place("unix:" + where));
  Listener listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (listener.socket_ < 0) return std::unexpected(system_error(ErrorKind::settings, where, errno));
  bool bound = bind_unix(listener.socket_, address);
  struct stat info {};
  if (!bound && errno == EADDRINUSE && stat(where.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    if (somebody_listens(address)) return std::unexpected(in_use(where));
    unlink(where.c_str());
    bound = bind_unix(listener.socket_, address);
  }
  if (!bound) return std::unexpected(system_error(ErrorKind::settings, where, errno));
  listener.file_ = std::filesystem::absolute(file);
  if (stat(where.c_str(), &info) == 0) listener.inode_ = info.st_ino;
  prepare(listener.socket_);
  return listener;
}

Result<Listener> Listener::open_tcp(const std::string& host, const std::string& port) {
  std::string where = host + ':' + port;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0)
    return std::unexpected(bad_place(where));
  Listener listener(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  setsockopt(listener.socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bool bound = bind(listener.socket_, found->ai_addr, found->ai_addrlen) == 0;
  // Two sockets may be bound to one address until one of them listens.
  bool listens = bound && listen(listener.socket_, kQueue) == 0;
  int number = errno;
  freeaddrinfo(found);
  if (!listens)
    return std::unexpected(number == EADDRINUSE ? in_use(where)
                                                : system_error(ErrorKind::settings, where, number));
  prepare(listener.socket_);
  return listener;
}

}  // namespace b24
