// check_reach: which addresses a name has, and which of them can be connected to.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "check_seen.h"

namespace b24::check {
namespace {

struct Target {
  std::string host;
  std::string port;
};

// REQUIRES: http:// or https://; both have been checked before.
Target target_of(std::string_view url) {
  const bool https = url.starts_with("https://");
  url.remove_prefix(std::min(url.size(), url.find("://") + 3));
  std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  if (const auto at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  Target target{{}, https ? "443" : "80"};
  const auto colon = authority.rfind(':');
  if (colon != authority.npos && authority.find(']', colon) == authority.npos) {
    target.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[')) authority = authority.substr(1, authority.find(']') - 1);
  target.host = authority;
  return target;
}

struct Connection {
  int fd = -1;
  ReachSeen::Tried* tried = nullptr;
};

// A connection to one address is begun; what is known at once is written down.
int begin_to_connect(const addrinfo& address, ReachSeen::Tried& tried) {
  char text[NI_MAXHOST] = "";
  getnameinfo(address.ai_addr, address.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  tried.address = text;
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    tried.fault = std::strerror(errno);
    return -1;
  }
  if (connect(fd, address.ai_addr, address.ai_addrlen) != 0 && errno != EINPROGRESS) {
    tried.fault = std::strerror(errno);
    close(fd);
    return -1;
  }
  return fd;
}

void finish(Connection& connection, Millis took) {
  int fault = 0;
  socklen_t size = sizeof fault;
  getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &fault, &size);
  connection.tried->reached = fault == 0;
  connection.tried->took = took;
  if (fault != 0) connection.tried->fault = std::strerror(fault);
  close(connection.fd);
  connection.fd = -1;
}

void wait_for(std::vector<Connection>& connections, Millis begun, Millis limit) {
  std::vector<pollfd> polled;
  while (true) {
    polled.clear();
    for (const Connection& c : connections) polled.push_back({c.fd, POLLOUT, 0});
    const Millis left = begun + limit - now_ms();
    const bool waiting = std::any_of(connections.begin(), connections.end(),
                                     [](const Connection& c) { return c.fd >= 0; });
    if (!waiting || left <= 0) break;
    if (poll(polled.data(), polled.size(), static_cast<int>(left)) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) finish(connections[i], now_ms() - begun);
    }
  }
  for (Connection& connection : connections) {
    if (connection.fd < 0) continue;
    connection.tried->fault = std::strerror(ETIMEDOUT);
    connection.tried->took = limit;
    close(connection.fd);
  }
}

}  // namespace

ReachSeen look_at_addresses(const std::string& url, Millis limit) {
  const Target target = target_of(url);
  ReachSeen seen;
  seen.host = target.host;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int fault = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found);
      fault != 0) {
    seen.fault = gai_strerror(fault);
    return seen;
  }
  std::size_t count = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) ++count;
  seen.tried.resize(count);
  std::vector<Connection> connections;
  const Millis begun = now_ms();
  std::size_t i = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next, ++i) {
    connections.push_back({begin_to_connect(*address, seen.tried[i]), &seen.tried[i]});
  }
  freeaddrinfo(found);
  wait_for(connections, begun, limit);
  return seen;
}

}  // namespace b24::check
