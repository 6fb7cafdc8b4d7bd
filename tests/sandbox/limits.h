// limits: the portal's leaky bucket for each source, and each method's operating time.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sandbox {

using b24::Millis;

struct LimitOptions {
  int size = 50;                  // X: above it the next request is refused
  double drain = 2;               // Y: what the counter loses once a second
  double operating_limit = 480;   // seconds of one method within the window
  double operating_cost = 0;      // seconds that each call counts for, besides what it really took
  double operating_window = 600;  // seconds: ten baskets of a tenth each
};

struct Operating {
  double seconds = 0;
  std::int64_t reset_at = 0;  // Unix time at which the oldest basket is left out
};

// Not safe for several threads.
class Limits {
 public:
  explicit Limits(const LimitOptions& given) : options(given) {}

  // Counts one request of a source; false: the bucket is full and the request is not done.
  bool enter(const std::string& source, Millis now);
  // Whether a method has time left; asked before each call.
  bool may_operate(const std::string& method, Millis now);
  Operating operated(const std::string& method, double seconds, Millis now);

  LimitOptions options;

 private:
  struct Bucket {
    double count = 0;
    Millis ticked_at = 0;
  };
  struct Basket {
    Millis begun = 0;
    double seconds = 0;
  };
  Operating sum(std::deque<Basket>& baskets, Millis now) const;

  std::map<std::string, Bucket> buckets_;
  std::map<std::string, std::deque<Basket>> baskets_;
};

}  // namespace sandbox
