// authorities: where this system keeps the certificate authorities that it trusts.
#pragma once

#include <string>

namespace b24 {

// A directory in which OpenSSL finds each by its hash; else a file with all of them, which costs
// some 40 ms of CPU for a process's first connection: the system's, or what the bundle brings. Both
// empty: libcurl has its own idea.
struct Authorities {
  std::string dir;
  std::string file;
};

// Looked for once.
const Authorities& authorities();

}  // namespace b24
