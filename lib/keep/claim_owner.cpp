// claim_owner: names a process so that others can tell whether it has ended.
#include "keep/claim_owner.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"

namespace b24 {
namespace {

struct Life {
  bool known = false;  // whether /proc told us
  bool ended = false;
  std::string started;  // ticks since boot
};

Life look_up(std::string_view pid) {
  const auto stat = read_small("/proc/" + std::string(pid) + "/stat");
  if (!stat) return {errno == ENOENT || errno == ESRCH, true, {}};
  // The name, in parentheses, may hold anything; the state is the first field after it, the start
  // time the 20th.
  const std::size_t end = stat->rfind(')');
  const auto fields = text::split(stat->substr(end == std::string::npos ? 0 : end + 1));
  if (fields.size() < 20) return {};
  return {true, fields[0] == "Z" || fields[0] == "X", fields[19]};
}

std::string pid_namespace() {
  std::array<char, 64> buffer;
  const ssize_t got = ::readlink("/proc/self/ns/pid", buffer.data(), buffer.size());
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : "-";
}

std::string one_word(const std::optional<std::string>& text) {
  const std::string word(text::trim(text ? *text : ""));
  return word.empty() ? "-" : word;
}

enum Field { kHost, kBoot, kNamespace, kPid, kStarted, kFields };

}  // namespace

std::string claim_owner() {
  utsname system{};
  ::uname(&system);
  const std::string pid = std::to_string(::getpid());
  const Life self = look_up(pid);
  return one_word(read_small("/etc/machine-id")) + "/" + system.nodename + " " + boot_id() + " " +
         pid_namespace() + " " + pid + " " + (self.known && !self.ended ? self.started : "-");
}

bool has_ended(std::string_view owner) {
  static const std::vector<std::string> here = text::split(claim_owner());
  const std::vector<std::string> there = text::split(owner);
  if (there.size() != kFields || here.size() != kFields) return false;
  if (there[kHost] != here[kHost] || there[kBoot] == "-" || here[kBoot] == "-") return false;
  if (there[kBoot] != here[kBoot]) return true;
  // Without /proc a PID says nothing; nor does it in another namespace.
  if (there[kNamespace] != here[kNamespace] || here[kNamespace] == "-" || here[kStarted] == "-")
    return false;
  const Life life = look_up(there[kPid]);
  if (!life.known) return false;
  return life.ended || (there[kStarted] != "-" && life.started != there[kStarted]);
}

}  // namespace b24
