// network: see network.h.
#include "network.h"

#include <unistd.h>

#include <stdexcept>

namespace b24::test {
namespace {

// Of this process, which no other has meanwhile; `which` is below 4 there, and 8 here.
std::string address_of(int first, int second, int pid, int which) {
  return std::to_string(first) + "." + std::to_string(second) + "." +
         std::to_string(pid >> 5 & 255) + "." + std::to_string((pid & 31) << 3 | which);
}

bool runs(const std::vector<std::string>& command) {
  return run({command}).status == 0;
}

}  // namespace

std::string own_address(int which) {
  return address_of(127, 1 + (::getpid() >> 13) % 255, ::getpid(), which);
}

std::unique_ptr<OwnNetwork> OwnNetwork::make() {
  if (!runs({"unshare", "--net", "true"})) return nullptr;
  std::unique_ptr<OwnNetwork> made(new OwnNetwork);
  return made->connect() ? std::move(made) : nullptr;
}

std::string OwnNetwork::address(int which) const {
  return address_of(198, 18 + (::getpid() >> 13 & 1), ::getpid(), which);
}

std::vector<std::string> OwnNetwork::inside(std::vector<std::string> command) const {
  command.insert(command.begin(),
                 {"nsenter", "--net=/proc/" + std::to_string(holder_.pid()) + "/ns/net"});
  return command;
}

bool OwnNetwork::connect() const {
  const std::string link = "b24-" + std::to_string(::getpid());
  const auto net_of = [](const std::string& pid) {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/" + pid + "/ns/net", ignored);
  };
  const std::string holder = std::to_string(holder_.pid());
  return wait_until([&] { return net_of(holder) != net_of("self"); }) &&
         runs({"ip", "link", "add", link, "type", "veth", "peer", "name", "node", "netns",
               holder}) &&
         runs({"ip", "address", "add", address(2) + "/29", "dev", link}) &&
         runs({"ip", "address", "add", address(3) + "/29", "dev", link}) &&
         runs({"ip", "link", "set", link, "up"}) &&
         runs(inside({"ip", "address", "add", address(1) + "/29", "dev", "node"})) &&
         runs(inside({"ip", "link", "set", "lo", "up"})) &&
         runs(inside({"ip", "link", "set", "node", "up"}));
}

void OwnNetwork::set(const std::string& state) const {
  if (!runs(inside({"ip", "link", "set", "node", state})))
    throw std::runtime_error("network: " + state);
}

}  // namespace b24::test
