// network: addresses for the servers of a test, and a network that can be cut.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "process.h"

namespace b24::test {

// 1 to 3: an address of this machine alone, on which nobody else has a port.
std::string own_address(int which);

// A machine's network beside this one's: cut, it is as if the cable were out; what is sent is lost,
// and nobody is told.
class OwnNetwork {
 public:
  // None where that is not allowed (it takes root, and a kernel that has such networks).
  static std::unique_ptr<OwnNetwork> make();

  // 1: inside; 2, 3: this machine's, as seen from there.
  std::string address(int which) const;
  // A command that runs inside.
  std::vector<std::string> inside(std::vector<std::string> command) const;
  void cut() const { set("down"); }
  void mend() const { set("up"); }

 private:
  OwnNetwork() : holder_({{"unshare", "--net", "sleep", "infinity"}}) {}
  bool connect() const;
  void set(const std::string& state) const;

  Process holder_;  // goes with the object, and the network with it
};

}  // namespace b24::test
