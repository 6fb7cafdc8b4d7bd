// late: answers that come late, come in part or never come.
//
// A page can only answer whole and at once, so the web server fetches these from here instead: the
// page plans an answer and names it in a redirect that the client never sees.
#pragma once

#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "faults.h"

namespace sandbox {

using b24::Millis;

class LateAnswers {
 public:
  // Listens on a Unix socket; throws std::system_error when it cannot.
  explicit LateAnswers(const std::string& socket_path);
  ~LateAnswers();
  LateAnswers(const LateAnswers&) = delete;
  LateAnswers& operator=(const LateAnswers&) = delete;

  // Keeps a body for the one request that will ask for it by the name returned. Safe from all
  // threads.
  std::string plan(const Fault& fault, int status, std::string body);

  // Serves until a stop is asked for.
  void serve(std::stop_token stop);

 private:
  struct Plan {
    FaultKind kind = FaultKind::none;
    int seconds = 0;
    std::string answer;
  };
  struct Connection {
    int fd = -1;
    std::string request;
    bool planned = false;
    Plan plan;
    Millis due = 0;
  };

  bool read_some(Connection& connection);
  void accept_one(std::map<int, Connection>& connections);

  int listener_;
  std::mutex mutex_;
  std::map<std::string, Plan> plans_;
  std::int64_t last_plan_ = 0;
};

}  // namespace sandbox
