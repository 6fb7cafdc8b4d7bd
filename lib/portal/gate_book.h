// gate_book: the inside of Gate, for the gate*.cpp files alone: what is known of one destination,
// and the rules by which calls are let through. All times are the gate's steady clock's.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "portal/webhook.h"

namespace b24 {

// The portal's counter: grows by one per request, loses `drain` a second.
struct Bucket {
  int size = 50;
  double drain = 2;
  int reserve = 0;  // places left to others
};

struct GateBook {
  struct Method {
    Millis blocked_until = 0;
    std::int64_t refusals = 0;  // in a row
    Millis reset_at = 0;        // when the portal gives it time again, as it last said
  };

  double level = 0;
  Millis updated_at = 0;
  Millis bucket_until = 0;           // the portal said "full": nothing before this
  std::int64_t bucket_refusals = 0;  // in a row
  std::int64_t failures = 0;         // in a row
  std::int64_t openings = 0;         // in a row, of the breaker
  Millis open_until = 0;             // 0: closed
  Millis probe_until = 0;            // a probe is under way, for so long at most
  std::string last_error;
  std::vector<Millis> under_way;  // when each call was let in that nobody has told the end of
  std::map<std::string, Method, std::less<>> methods;

  // Nothing that it knows still matters; or it was written by another machine's clock.
  bool is_forgotten(Millis now) const;
  // Brings the level to `now`, and forgets what is over.
  void catch_up(Millis now, double drain);

  // How long to wait, 0: not at all; because of the method, the breaker, the bucket.
  Millis closed_for(std::string_view method, Millis now) const;
  Millis held_back(Millis now) const;
  Millis full_for(Millis now, const Bucket& bucket) const;

  // 0: it is let in; or how long to wait. `ask` is for a destination without a bucket.
  Millis enter(std::string_view method, Millis now, const Bucket& bucket);
  Millis ask(Millis now);

  // A call that was let in at `entered` (0: it never asked) is over: it counts as of now.
  void land(Millis entered);
  // `wall`: the time of day, for answers that do not say what time the portal has.
  void answered(std::string_view method, const Answer& answer, Millis now, Millis wall);
  void failed(std::string_view method, const CallError& error, Millis now, const Bucket& bucket);
  // What one command inside a batch came to.
  void ran(std::string_view method, const std::expected<Answer, CallError>& outcome, Millis now,
           Millis wall);

  void down(std::string_view code, Millis now);
  void close_breaker();
  void reopen();

 private:
  void learn(std::string_view method, const Answer& answer, Millis now, Millis wall);
  void close_method(std::string_view method, bool used_up, Millis now);
  void open_breaker(Millis time, Millis now);
  void let_in(Millis now);
};

}  // namespace b24
