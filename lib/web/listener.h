// listener: the listening socket of a FastCGI process, inherited or made.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/files.h"

namespace b24 {

// Owns a non-blocking, close-on-exec listening socket with a queue of 4096.
class Listener {
 public:
  // From the web server or spawn-fcgi on descriptor 0, or from systemd (LISTEN_PID, LISTEN_FDS,
  // which are unset); nothing when there is none. Descriptor 0 is /dev/null afterwards.
  static std::optional<Listener> inherited();
  // "unix:PATH" (mode 0660) or "HOST:PORT"; `allowed`: see allow(). A socket at PATH is replaced
  // without a gap: who serves it now finds out (is_replaced), answers what has queued up there and
  // ends. Errors (kind settings): the text is neither; PATH is something else than a socket;
  // somebody listens on the port; the host is not a loopback address and nobody is allowed; the
  // system's own.
  static Result<Listener> open(std::string_view where, std::vector<Network> allowed);

  Listener(Listener&& other) noexcept = default;
  ~Listener();  // removes the socket's file if it is still the one that open() made

  // Who may connect by TCP; nobody named: only this machine.
  void allow(std::vector<Network> networks) { allowed_ = std::move(networks); }
  // A connection (blocking, close-on-exec), or -1 and errno; EAGAIN: nobody waits. Who may not
  // connect is closed at once (ECONNABORTED).
  int accept() const;
  // Whether the file that open() made is gone or another's, so that nobody new comes here.
  bool is_replaced() const;
  // Readable when that may have changed since is_replaced() was asked; -1: it never will, unless
  // must_look().
  int changes() const { return changes_.get(); }
  // Whether it may be replaced and nobody tells.
  bool must_look() const { return !file_.empty() && changes_.get() < 0; }

  int socket() const { return socket_.get(); }

 private:
  explicit Listener(int socket) : socket_(socket) {}
  static Result<Listener> open_unix(const std::filesystem::path& file);
  static Result<Listener> open_tcp(const std::string& host, const std::string& port,
                                   std::vector<Network> allowed);

  FileHandle socket_;
  std::filesystem::path file_;
  ino_t inode_ = 0;
  FileHandle changes_{-1};  // inotify
  std::vector<Network> allowed_;
};

}  // namespace b24
