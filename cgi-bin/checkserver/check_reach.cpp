// check_reach: which addresses a name has, which of them can be connected to, and for how long a
// certificate counts.
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <system_error>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "check_seen.h"
#include "portal/http.h"

namespace b24::check {
namespace {

struct Target {
  std::string host;
  std::string port;
};

// Of "https://[::1]:443", as Http::origin gives it.
Target target_of(std::string origin) {
  origin.erase(0, origin.find("://") + 3);
  const std::size_t colon = std::min(origin.rfind(':'), origin.size());
  const std::string port = origin.substr(std::min(colon + 1, origin.size()));
  origin.resize(colon);
  if (!origin.starts_with('[')) return {origin, port};
  return {origin.substr(1, origin.size() - 2), port};
}

ReachSeen::Tried try_to_connect(const addrinfo& address, Millis limit) {
  char text[NI_MAXHOST] = "";
  getnameinfo(address.ai_addr, address.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  ReachSeen::Tried tried;
  tried.address = text;
  const Millis begun = now_ms();
  const FileHandle made(socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // Of a connect, too: it then ends with EINPROGRESS.
  const timeval time{.tv_sec = limit / 1000, .tv_usec = limit % 1000 * 1000};
  tried.reached = made.get() >= 0 &&
                  setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) == 0 &&
                  connect(made.get(), address.ai_addr, address.ai_addrlen) == 0;
  if (!tried.reached) {
    tried.fault = std::generic_category().message(errno == EINPROGRESS ? ETIMEDOUT : errno);
  }
  tried.took = now_ms() - begun;
  return tried;
}

}  // namespace

ReachSeen look_at_addresses(const std::string& url, Millis limit) {
  const Target target = target_of(Http::origin(url));
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
  std::list<ReachSeen::Tried> all;
  std::vector<std::jthread> threads;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const auto try_it = [&one = all.emplace_back(), address, limit] {
      one = try_to_connect(*address, limit);
    };
    try {
      threads.emplace_back(try_it);
    } catch (const std::system_error&) {
      try_it();  // no thread is to be had
    }
  }
  threads.clear();
  seen.tried.assign(all.begin(), all.end());
  freeaddrinfo(found);
  return seen;
}

Finding reach_found(const ReachSeen& reach) {
  Value facts = Value::map({{"host", reach.host}});
  if (!reach.fault.empty()) return {State::error, "no_name", facts, reach.fault};
  Lines list;
  std::size_t reached = 0;
  for (const ReachSeen::Tried& tried : reach.tried) {
    list.push_back(tried.address + " " +
                   (tried.reached ? std::to_string(tried.took) + " ms" : tried.fault));
    if (tried.reached) ++reached;
  }
  facts.set("tried", text::join(list, "; "));
  if (reached == 0) return error("unreachable", facts);
  // A machine without IPv6 is nothing unusual, as long as something answers.
  return reached < list.size() ? info("partly", facts) : ok("reached", facts);
}

Finding certificate_found(long days_left, const char* metric) {
  constexpr long kFewDays = 14;
  const Value facts = Value::map({{"days", std::int64_t{days_left}}});
  Finding finding = days_left < kFewDays ? warning("expires", facts) : ok("valid", facts);
  finding.metrics = {{metric, static_cast<double>(days_left) * 86'400}};
  return finding;
}

}  // namespace b24::check
