// late: one thread, one poll set.
#include "late.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace sandbox {

namespace {

constexpr std::string_view kNameHeader = "\r\nX-Sandbox-Plan: ";
constexpr Millis kLongestSilence = 120'000;
constexpr Millis kTick = 100;

std::string http_answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Late\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

LateAnswers::LateAnswers(const std::string& socket_path)
    : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path)
    throw std::system_error(ENAMETOOLONG, std::generic_category(), socket_path);
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  unlink(socket_path.c_str());
  if (listener_ < 0 ||
      bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_, 4096) != 0)
    throw std::system_error(errno, std::generic_category(), socket_path);
}

LateAnswers::~LateAnswers() {
  close(listener_);
}

std::string LateAnswers::plan(const Fault& fault, int status, std::string body) {
  const std::lock_guard lock(mutex_);
  std::string name = std::to_string(++last_plan_);
  plans_[name] = {fault.mode->kind, fault.seconds, http_answer(status, body)};
  return name;
}

void LateAnswers::accept_one(std::map<int, Connection>& connections) {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) connections[fd] = Connection{fd, "", false, {}, b24::now_ms() + kLongestSilence};
}

// False: the connection is done with.
bool LateAnswers::read_some(Connection& connection) {
  char buffer[4096];
  const ssize_t got = recv(connection.fd, buffer, sizeof buffer, 0);
  if (got <= 0) return false;  // the client has given up
  if (connection.planned) return true;
  connection.request.append(buffer, static_cast<std::size_t>(got));
  const std::size_t at = connection.request.find(kNameHeader);
  if (at == std::string::npos || !connection.request.contains("\r\n\r\n")) return true;
  const std::size_t begin = at + kNameHeader.size();
  const std::string name =
      connection.request.substr(begin, connection.request.find('\r', begin) - begin);
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(name);
  if (found == plans_.end()) return false;
  connection.plan = std::move(found->second);
  plans_.erase(found);
  connection.planned = true;
  if (connection.plan.kind == FaultKind::cut) {
    const std::string& answer = connection.plan.answer;
    const std::size_t body = answer.find("\r\n\r\n") + 4;
    write_all(connection.fd, std::string_view(answer).substr(0, (body + answer.size()) / 2));
    return false;
  }
  if (connection.plan.kind == FaultKind::delay)
    connection.due = b24::now_ms() + connection.plan.seconds * Millis{1000};
  return true;
}

void LateAnswers::serve(std::stop_token stop) {
  std::map<int, Connection> connections;
  while (!stop.stop_requested()) {
    std::vector<pollfd> set{{listener_, POLLIN, 0}};
    for (const auto& [fd, connection] : connections) set.push_back({fd, POLLIN, 0});
    poll(set.data(), set.size(), static_cast<int>(kTick));
    for (const pollfd& entry : set) {
      if (entry.fd == listener_) {
        if (entry.revents != 0) accept_one(connections);
        continue;
      }
      Connection& connection = connections[entry.fd];
      bool open = entry.revents == 0 || read_some(connection);
      if (open && b24::now_ms() >= connection.due) {
        if (connection.plan.kind == FaultKind::delay) write_all(entry.fd, connection.plan.answer);
        open = false;
      }
      if (open) continue;
      close(entry.fd);
      connections.erase(entry.fd);
    }
  }
  for (const auto& [fd, connection] : connections) close(fd);
}

}  // namespace sandbox
