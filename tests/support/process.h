// process: children, temporary directories, ports and waiting, for tests.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"

namespace b24::test {

inline constexpr std::chrono::seconds kDeadline{20};

struct Command {
  std::vector<std::string> args;              // args[0]: the program, looked up in PATH
  std::vector<std::string> environment = {};  // "NAME=value"; besides only PATH and sanitizers'
  std::string input = "";                     // its standard input, unless `fds` has a 0
  std::vector<std::pair<int, int>> fds = {};  // {ours, the child's}
  std::filesystem::path directory = "";       // where it runs; empty: here
};

// A running child. Whatever it writes is kept; it is killed and waited for at the end, and dies
// with the thread that started it.
class Process {
 public:
  explicit Process(const Command& command);  // throws when it cannot be started
  Process(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  // The exit code, or 128 + the signal that ended it; nothing when it still runs at the deadline.
  std::optional<int> wait(std::chrono::milliseconds deadline = kDeadline);
  std::string out() const;  // what it has written so far
  std::string err() const;

 private:
  pid_t pid_ = -1;
  std::optional<int> status_;
  int out_ = -1;
  int err_ = -1;
};

struct Ran {
  int status = -1;  // -1: did not end within the deadline
  std::string out;
  std::string err;
};
Ran run(const Command& command, std::chrono::milliseconds deadline = kDeadline);

// How often something is done: what the environment asks for (`make faults`), or the usual.
int wanted(const char* variable, int usual);

// A program of this build: "cgi-bin/index.fcgi", "sandbox.fcgi".
std::string built(std::string_view name);

// Asks every few milliseconds until the condition holds; false when it does not by the deadline.
bool wait_until(const std::function<bool()>& condition,
                std::chrono::milliseconds deadline = kDeadline);

// A directory of its own, mode 0700, removed with everything in it.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& file, std::string_view text);  // mode 0600
std::string read_file(const std::filesystem::path& file);                   // empty when missing

// A TCP port of 127.0.0.1 that nobody listens on at the moment.
int free_port();
FileHandle connected_to(int port);  // a handle of nothing when nobody is there
bool can_connect(int port);

}  // namespace b24::test
