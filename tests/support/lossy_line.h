// lossy_line: stands between PostgreSQL's clients and a node, and breaks when it is told to.
#pragma once

#include <atomic>
#include <filesystem>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "process.h"

namespace b24::test {

class LossyLine {
 public:
  enum class Breaks { never, before_commit, after_commit };

  explicit LossyLine(const std::filesystem::path& server_dir);  // of the node's socket
  ~LossyLine();
  LossyLine(const LossyLine&) = delete;
  LossyLine& operator=(const LossyLine&) = delete;

  std::string host() const { return dir_.path().string(); }
  // The next COMMIT does not get there, or its answer does not get back, and the connection ends.
  void break_once(Breaks when) { breaks_ = when; }

 private:
  void accept_all();
  void serve(int client, int server);
  bool hand_on(int from, int to, std::string& bytes) const;

  TempDir dir_;
  const std::filesystem::path server_;
  int listener_;
  std::atomic<Breaks> breaks_ = Breaks::never;
  std::mutex mutex_;
  std::list<int> open_;
  std::list<std::jthread> threads_;
  std::jthread acceptor_;
};

}  // namespace b24::test
