// gate: one leaky bucket, one operating-time gate and one circuit breaker per portal, shared by all
// processes through the data directory (gate.db).
//
// It models the portal's own limits: a counter that grows by one per HTTP request and
// loses Y once a second. A request counts here from when its answer is there, for nobody knows when
// it reached the portal, and keeps a place until then; so the counter here is never below the
// portal's by more than one second's Y, and we stay below X by that and one more. Losing the file
// costs at most one refused call, so its commits are not synced. While the file cannot be used (a
// full disk), each process goes by what it knows itself. One Gate may be used by all threads.
//
//   refused by the full bucket   nothing for 1 s, doubling to 1 min while it repeats
//   operating time used up       nothing of that method until the portal's reset, else 1..10 min
//   portal down, 3 in a row      closed for 5 s, doubling to 5 min; then one probe passes
//   a 4xx that is no REST's      the same; of a batch: nothing, since one command may be the cause
//   OVERLOAD_LIMIT               closed for 15 min
//   secret refused, deleted      closed for 1 min, doubling to 15 min
//   another "blocked" verdict    nothing of that method for 1 min, doubling to 15 min
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "keep/database.h"
#include "portal/webhook.h"

namespace b24 {

struct GateState {
  double level = 0;         // of the bucket, now, with the calls under way
  Millis bucket_until = 0;  // the portal said "full": nothing before this
  int failures = 0;         // in a row, of the connection or the portal as a whole
  Millis open_until = 0;    // circuit breaker: only a probe passes after this; 0: closed
  std::string last_error;   // code of the last failure
};

class Gate : public CallGate {
 public:
  ~Gate() override;

  // `reserve`: places in the bucket that this user leaves to others (event actions leave room for
  // leads).
  static Result<std::shared_ptr<Gate>> open(const std::filesystem::path& dir, std::string portal,
                                            int size, double drain, int reserve = 0,
                                            Clock clock = now_ms);

  Millis enter(std::string_view method) override;
  void answered(std::string_view method, const Answer& answer) override;
  void failed(std::string_view method, const CallError& error) override;
  Millis closed_for(std::string_view method) override;
  void ran(std::string_view method, const std::expected<Answer, CallError>& outcome) override;

  // By hand: what was closed by refusals and failures is tried again at once. The bucket, and the
  // time that a method has used up, stay.
  void reopen();
  // Whether the portal is known to be down or closed to us: then a visitor need not wait.
  bool is_open();
  GateState state();

 private:
  struct Book;
  Gate(const std::filesystem::path& dir, std::string portal, int size, double drain, int reserve,
       Clock clock);
  // Opens the file unless it is open; it is closed again after a failure that leaves it in doubt.
  Status open_file();
  Book look();
  // Runs `work` on what is written down, as of now, and writes down what it changed.
  void change(const std::function<void(Book&)>& work);
  // The same, for the end of a call.
  void end(const std::function<void(Book&)>& work);
  Status change_in_file(const std::function<void(Book&)>& work);
  Result<Book> load();
  Status save(const Book& book);
  Status save_methods(const Book& book);

  std::mutex mutex_;
  std::filesystem::path file_;
  std::unique_ptr<Book> book_;
  std::deque<Millis> entered_;  // when each call of this process was let in that is not over
  std::unique_ptr<Database> database_;
  std::string portal_;
  int size_;
  double drain_;
  int reserve_;
  Clock clock_;
};

}  // namespace b24
