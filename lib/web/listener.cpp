// listener: the listening socket of a FastCGI process, inherited or made.
#include "web/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
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

std::unexpected<Error> cannot_listen(std::string cause, const char* remedy) {
  return std::unexpected(Error{ErrorKind::settings, "listen", std::move(cause), remedy});
}

std::unexpected<Error> bad_place(std::string_view where) {
  return cannot_listen(
      "--listen: not an address: " + std::string(where),
      "Give unix:PATH or HOST:PORT, e.g. unix:/run/b24hooks/index.sock or 127.0.0.1:9001.");
}

// 0: there is none. For a moment one that was removed is still found by its name.
ino_t inode_of(const std::filesystem::path& file) {
  struct stat info {};
  return stat(file.c_str(), &info) == 0 && info.st_nlink > 0 ? info.st_ino : 0;
}

// Tells when the file is removed, renamed or replaced: a removed socket counts as changed, since it
// is not deleted as long as somebody listens on it.
FileHandle watch(const std::string& file) {
  FileHandle changes(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const bool watched =
      inotify_add_watch(changes.get(), file.c_str(), IN_ATTRIB | IN_MOVE_SELF) >= 0;
  return watched ? std::move(changes) : FileHandle(-1);
}

sockaddr_un unix_address(const std::string& file) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  file.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

// Nothing for a peer that does not come by TCP.
std::optional<Address> address_of(const sockaddr* peer) {
  char text[INET6_ADDRSTRLEN] = "";
  if (peer->sa_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(peer)->sin_addr, text, sizeof text);
  else if (peer->sa_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(peer)->sin6_addr, text, sizeof text);
  return Address::parse(text);
}

const std::vector<Network>& this_machine() {
  static const std::vector<Network> kLoopback = {*Network::parse("127.0.0.0/8"),
                                                 *Network::parse("::1")};
  return kLoopback;
}

bool bind_unix(int socket, const sockaddr_un& address) {
  mode_t old_mask = umask(0117);
  bool bound = bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  umask(old_mask);
  return bound;
}

}  // namespace

Listener::~Listener() {
  if (socket() < 0 || file_.empty()) return;
  if (inode_of(file_) == inode_) unlink(file_.c_str());
}

int Listener::accept() const {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const int connection = accept4(socket(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
  if (connection < 0) return -1;
  const auto address = address_of(reinterpret_cast<const sockaddr*>(&peer));
  if (!address || any_contains(allowed_.empty() ? this_machine() : allowed_, *address))
    return connection;
  close(connection);
  errno = ECONNABORTED;
  return -1;
}

bool Listener::is_replaced() const {
  std::array<char, 1024> told;
  while (read(changes_.get(), told.data(), told.size()) > 0) continue;
  return !file_.empty() && inode_of(file_) != inode_;
}

std::optional<Listener> Listener::inherited() {
  bool systemd = given_by_systemd();
  if (is_listening(STDIN_FILENO)) {
    Listener listener(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kSystemdFirst));
    int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    close(null);
    prepare(listener.socket());
    return listener;
  }
  if (!systemd) return std::nullopt;
  prepare(kSystemdFirst);
  return Listener(kSystemdFirst);
}

Result<Listener> Listener::open(std::string_view where, std::vector<Network> allowed) {
  constexpr std::string_view kUnix = "unix:";
  if (where.starts_with(kUnix)) return open_unix(where.substr(kUnix.size()));
  std::size_t colon = where.rfind(':');
  if (colon == where.npos || colon == 0 || colon + 1 == where.size()) return bad_place(where);
  std::string_view host = where.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return open_tcp(std::string(host), std::string(where.substr(colon + 1)), std::move(allowed));
}

Result<Listener> Listener::open_unix(const std::filesystem::path& file) {
  const std::string where = file.string();
  const std::string fresh = where + '.' + std::to_string(getpid());
  const sockaddr_un address = unix_address(fresh);
  if (where.empty() || fresh.size() >= sizeof address.sun_path) return bad_place("unix:" + where);
  Listener listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct stat info {};
  if (stat(where.c_str(), &info) == 0 && !S_ISSOCK(info.st_mode))
    return std::unexpected(system_error(ErrorKind::settings, where, EADDRINUSE));
  unlink(fresh.c_str());
  if (listener.socket() < 0 || !bind_unix(listener.socket(), address))
    return std::unexpected(system_error(ErrorKind::settings, where, errno));
  // It listens before anybody can find it: so there is no moment at which nobody does.
  prepare(listener.socket());
  listener.file_ = std::filesystem::absolute(file);
  listener.inode_ = inode_of(fresh);
  listener.changes_ = watch(fresh);
  if (rename(fresh.c_str(), where.c_str()) == 0) return listener;
  const int number = errno;
  unlink(fresh.c_str());
  return std::unexpected(system_error(ErrorKind::settings, where, number));
}

Result<Listener> Listener::open_tcp(const std::string& host, const std::string& port,
                                    std::vector<Network> allowed) {
  const std::string where = host + ':' + port;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &list) != 0) return bad_place(where);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(list, freeaddrinfo);
  const auto address = address_of(found->ai_addr);
  if (allowed.empty() && !(address && any_contains(this_machine(), *address)))
    return cannot_listen(where + ": other machines can reach this address",
                         "Listen on 127.0.0.1, or name who may connect in [server] listen_allow.");
  Listener listener(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  listener.allow(std::move(allowed));
  int on = 1;
  setsockopt(listener.socket(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Two sockets may be bound to one address until one of them listens.
  if (bind(listener.socket(), found->ai_addr, found->ai_addrlen) != 0 ||
      listen(listener.socket(), kQueue) != 0) {
    if (errno != EADDRINUSE)
      return std::unexpected(system_error(ErrorKind::settings, where, errno));
    return cannot_listen(where + ": another process listens there",
                         "Stop that process, or choose another address.");
  }
  prepare(listener.socket());
  return listener;
}

}  // namespace b24
