// echo_server: the echo page (tests/echo) as a running FastCGI process, for tests of the server.
#include "echo_server.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace b24::test {
namespace {

Command command_for(const std::string& where, std::vector<std::string> environment,
                    const std::vector<std::string>& options) {
  Command command{.args = {built("echo.fcgi"), "--listen", where},
                  .environment = std::move(environment)};
  command.args.insert(command.args.end(), options.begin(), options.end());
  return command;
}

bool answers(const std::string& where) {
  try {
    Peer peer(where);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace

EchoServer::EchoServer(std::vector<std::string> environment, std::vector<std::string> options)
    : where("unix:" + (dir / "echo.sock").string()),
      process(command_for(where, std::move(environment), options)) {
  if (!wait_until([this] { return answers(where); }))
    throw std::runtime_error("the echo page does not start: " + process.err());
}

std::optional<int> EchoServer::stop() {
  process.signal(SIGTERM);
  return process.wait();
}

// The directory of the threads would show too few while one of them ends.
int EchoServer::threads() const {
  const std::string status = read_file("/proc/" + std::to_string(process.pid()) + "/status");
  return std::stoi(status.substr(status.find("\nThreads:") + 9));
}

int EchoServer::threads_at_rest() const {
  using Clock = std::chrono::steady_clock;
  int count = threads();
  Clock::time_point since = Clock::now();
  const bool rests = wait_until([&] {
    if (const int now = threads(); std::exchange(count, now) != now) since = Clock::now();
    return Clock::now() - since > std::chrono::seconds(1);
  });
  if (!rests) throw std::runtime_error("the echo page does not come to rest");
  return count;
}

int EchoServer::requests() const {
  std::string text = process.err();
  constexpr std::string_view kBefore = "answered ";
  std::size_t at = text.find(kBefore);
  return at == text.npos ? -1 : std::atoi(text.c_str() + at + kBefore.size());
}

int listen_on(const std::filesystem::path& file) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  file.string().copy(address.sun_path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 5) != 0)
    throw std::runtime_error("cannot listen on " + file.string());
  return fd;
}

void allow_many_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16384);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace b24::test
