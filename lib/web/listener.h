// listener: the listening socket of a FastCGI process, inherited or made.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace b24 {

// Owns a non-blocking, close-on-exec listening socket with a queue of 4096.
class Listener {
 public:
  // From the web server or spawn-fcgi on descriptor 0, or from systemd (LISTEN_PID, LISTEN_FDS,
  // which are unset); nothing when there is none. Descriptor 0 is /dev/null afterwards.
  static std::optional<Listener> inherited();
  // "unix:PATH" (mode 0660; what a dead process has left at PATH is replaced) or "HOST:PORT".
  // Errors (kind settings): the text is neither, somebody listens there already, the system's own.
  static Result<Listener> open(std::string_view where);

  Listener(Listener&& other) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();  // removes the socket's file if it is still the one that open() made

  int socket() const { return socket_; }

 private:
  explicit Listener(int socket) : socket_(socket) {}
  static Result<Listener> open_unix(const std::filesystem::path& file);
  static Result<Listener> open_tcp(const std::string& host, const std::string& port);

  int socket_;
  std::filesystem::path file_;
  ino_t inode_ = 0;
};

}  // namespace b24
