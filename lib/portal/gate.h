// gate: one circuit breaker per destination, and for the portal one leaky bucket and one
// operating-time gate, shared by all processes through the data directory (gate_file.h).
//
// It models the portal's own limits: a counter that grows by one per HTTP request and
// loses Y once a second. A request counts here from when its answer is there, for nobody knows when
// it reached the portal, and keeps a place until then; so the counter here is never below the
// portal's by more than one second's Y, and we stay below X by that and one more. While the file
// cannot be used, each process goes by what it knows itself. One Gate may be used by all threads.
//
// It counts by a steady clock: setting the time of day moves nothing. A machine that was started
// again begins afresh.
//
//   refused by the full bucket   nothing for 1 s, doubling to 1 min while it repeats
//   operating time used up       nothing of that method until the portal's reset, else 1..10 min
//   portal down, 3 in a row      closed for 5 s, doubling to 5 min; then one probe passes
//   a 4xx that is no REST's      the same; of a batch: nothing, since one command may be the cause
//   OVERLOAD_LIMIT               closed for 15 min
//   secret refused, deleted      closed for 1 min, doubling to 15 min
//   another "blocked" verdict    nothing of that method for 1 min, doubling to 15 min
//   another destination down     as the portal down
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "portal/gate_file.h"
#include "portal/webhook.h"

namespace b24 {

// Times are of the day, now.
struct GateState {
  double level = 0;         // of the bucket, with the calls under way
  Millis bucket_until = 0;  // the portal said "full": nothing before this
  int failures = 0;         // in a row, of the connection or the portal as a whole
  Millis open_until = 0;    // circuit breaker: only a probe passes after this; 0: closed
  std::string last_error;   // code of the last failure
};

class Gate : public CallGate {
 public:
  // `portal`: the destination that the bucket is for. `tell` hears of a file that was put aside.
  static Result<std::shared_ptr<Gate>> open(
      const std::filesystem::path& dir, std::string portal, Bucket bucket,
      std::function<void(const Error&)> tell = [](const Error&) {}, Clock steady = steady_ms,
      Clock wall = now_ms);

  Millis enter(std::string_view method) override;
  void answered(std::string_view method, const Answer& answer) override;
  void failed(std::string_view method, const CallError& error) override;
  Millis closed_for(std::string_view method) override;
  void ran(std::string_view method, const std::expected<Answer, CallError>& outcome) override;

  // The breaker of any other destination ("https://host:443"). 0: go, and tell the outcome by
  // `report`; else the time to wait before asking again.
  Millis ask(const std::string& destination);
  // `code`: of the failure that says that the destination is down; empty when it answered.
  void report(const std::string& destination, std::string_view code);
  // How long nothing gets through to a destination (the portal's bucket counts too); 0: it may be
  // asked. Takes no place.
  Millis held_back(const std::string& destination);
  const std::string& portal() const { return portal_; }

  // By hand: what was closed by refusals and failures, at every destination, is tried again at
  // once. The bucket, and the time that a method has used up, stay.
  void reopen();
  // Whether the portal is known to be down or closed to us: then a visitor need not wait.
  bool is_open();
  GateState state();

 private:
  using Work = std::function<void(GateBook&, Millis now)>;
  Gate(GateFile file, std::string portal, Bucket bucket, Clock steady, Clock wall);
  GateBook look(const std::string& destination);
  // Runs `work` on what is known of a destination, as of now, and writes down what it changed. May
  // run it a second time, on another book, when the file cannot be written.
  void change(const std::string& destination, const Work& work);
  // The same, for the end of a call to the portal.
  void end(const Work& work);
  void catch_up(GateBook& book, const std::string& destination, Millis now) const;
  Millis wall_of(Millis steady, Millis now) const;

  std::mutex mutex_;
  GateFile file_;
  GateBooks own_;               // what this process knows, of what it asked for
  std::deque<Millis> entered_;  // when each call of this process was let in that is not over
  std::string portal_;
  Bucket bucket_;
  Clock steady_;
  Clock wall_;
};

}  // namespace b24
