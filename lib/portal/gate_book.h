// gate_book: the inside of Gate, for the gate*.cpp files alone: what is known of one portal, and
// the rules.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "portal/gate.h"

namespace b24 {

// What is written down, as of `now`.
struct Gate::Book {
  struct Portal {
    double level = 0;
    Millis updated_at = 0;
    Millis bucket_until = 0;
    std::int64_t bucket_refusals = 0;  // in a row
    std::int64_t failures = 0;         // in a row
    std::int64_t openings = 0;         // in a row, of the breaker
    Millis open_until = 0;             // 0: closed
    Millis probe_until = 0;            // a probe is under way, for so long at most
    std::string last_error;
    std::vector<Millis> under_way;  // when each call was let in that nobody has told the end of
    bool operator==(const Portal&) const = default;
  };
  struct Method {
    Millis blocked_until = 0;
    std::int64_t refusals = 0;  // in a row
    Millis reset_at = 0;        // when the portal gives it time again, as it last said
    bool operator==(const Method&) const = default;
  };

  Millis now = 0;
  Portal portal;
  std::map<std::string, Method, std::less<>> methods;

  // Brings the level to now. What was written down before the clock was set back moves with it.
  void catch_up(Millis time, double drain);
  Millis enter(std::string_view method, double room, double drain);
  // A call that was let in at `entered` (0: it never asked) is over: it counts as of now.
  void land(Millis entered);
  void answered(std::string_view method, const Answer& answer);
  void failed(std::string_view method, const CallError& error, int size);
  void reopen();
  Millis closed_for(std::string_view method) const;
  void ran(std::string_view method, const std::expected<Answer, CallError>& outcome);

 private:
  Method& of(std::string_view method) { return methods[std::string(method)]; }
  void learn(std::string_view method, const Answer& answer);
  void close_method(std::string_view method, bool used_up);
  void open_breaker(Millis time);
  void close_breaker();
};

}  // namespace b24
