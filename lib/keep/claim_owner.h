// claim_owner: names a process so that others can tell whether it has ended.
#pragma once

#include <string>
#include <string_view>

namespace b24 {

// This process: host, boot, PID namespace, PID and start time, in one line.
std::string claim_owner();

// True only when the named process has certainly ended: same machine, and either an earlier boot
// or no such process any more. Of a process on another machine or in another container (a shared
// file system) nothing can be known.
bool has_ended(std::string_view owner);

}  // namespace b24
