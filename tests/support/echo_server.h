// echo_server: the echo page (tests/echo) as a running FastCGI process, for tests of the server.
#pragma once

#include <string>
#include <vector>

#include "fcgi_client.h"
#include "process.h"

namespace b24::test {

class EchoServer {
 public:
  // `environment`: limits, see tests/echo. Returns once it can be connected to.
  explicit EchoServer(std::vector<std::string> environment = {},
                      std::vector<std::string> options = {"--threads", "2"});

  FcgiAnswer get(std::string_view query) { return ask(where, fcgi_get(query)); }
  // Ends it by SIGTERM: its exit code, or nothing when it stays.
  std::optional<int> stop();
  int threads() const;
  // As many as there have been for a second: on a busy machine some are still being started, or one
  // more ends.
  int threads_at_rest() const;
  // How many requests the page was asked; REQUIRES: stopped.
  int requests() const;

  TempDir dir;
  std::string where;  // "unix:..."
  Process process;
};

// A listening socket that outlives the processes that serve it.
int listen_on(const std::filesystem::path& file);

// For tests that open thousands of connections.
void allow_many_descriptors();

}  // namespace b24::test
