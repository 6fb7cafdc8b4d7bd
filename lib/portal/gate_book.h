// gate_book: the inside of Gate, for gate.cpp alone: what is known of one destination, and the
// rules by which calls are let through. All times are the gate's steady clock's.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "portal/webhook.h"
#include "value/value.h"

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

  GateBook() = default;
  explicit GateBook(const Value& value);  // as value() gave it
  Value value() const;

  double level = 0;
  Millis at = 0;                     // as of when all this is
  std::int64_t machines = 0;         // how many share the bucket, as last known; 0: this one alone
  std::int64_t apart = 0;            // 1: they cannot be asked, and each keeps to its part of it
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
  // Brings it to `now`, and forgets what is over.
  void catch_up(Millis now, double drain);

  // How long to wait, 0: not at all; because of the method, the breaker, the bucket.
  Millis closed_for(std::string_view method) const;
  Millis held_back() const;
  Millis full_for(const Bucket& bucket) const;

  // 0: it is let in; or how long to wait. `ask` is for a destination without a bucket.
  Millis enter(std::string_view method, const Bucket& bucket);
  Millis ask();

  // A call that was let in at `entered` (0: it never asked) is over: it counts as of now.
  void land(Millis entered);
  // `wall`: the time of day, for answers that do not say what time the portal has.
  void ended(std::string_view method, const CallResult& result, const Bucket& bucket, Millis wall);
  // What one command inside a batch came to.
  void ran(std::string_view method, const CallResult& outcome, Millis wall);

  void down(std::string_view code);
  void close_breaker();
  void reopen();

 private:
  void failed(std::string_view method, const CallError& error, const Bucket& bucket);
  void learn(std::string_view method, const Answer& answer, Millis wall);
  void close_method(std::string_view method, bool used_up);
  void open_breaker(Millis time);
};

}  // namespace b24
