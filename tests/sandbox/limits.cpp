// limits: counting.
#include "limits.h"

#include <algorithm>

namespace sandbox {

bool Limits::enter(const std::string& source, Millis now) {
  Bucket& bucket = buckets_.try_emplace(source, Bucket{0, now}).first->second;
  const Millis ticks = (now - bucket.ticked_at) / 1000;
  bucket.ticked_at += ticks * 1000;
  bucket.count = std::max(0.0, bucket.count - options.drain * static_cast<double>(ticks));
  if (bucket.count > options.size) return false;
  bucket.count += 1;
  return true;
}

Operating Limits::sum(std::deque<Basket>& baskets, Millis now) const {
  const auto window = static_cast<Millis>(options.operating_window * 1000);
  while (!baskets.empty() && baskets.front().begun + window <= now) baskets.pop_front();
  Operating operating;
  for (const Basket& basket : baskets) operating.seconds += basket.seconds;
  operating.reset_at = ((baskets.empty() ? now : baskets.front().begun) + window) / 1000;
  return operating;
}

bool Limits::may_operate(const std::string& method, Millis now) {
  return sum(baskets_[method], now).seconds <= options.operating_limit;
}

Operating Limits::operated(const std::string& method, double seconds, Millis now) {
  auto& baskets = baskets_[method];
  const auto minute = static_cast<Millis>(options.operating_window * 100);
  if (baskets.empty() || baskets.back().begun + minute <= now) baskets.push_back({now, 0});
  baskets.back().seconds += seconds + options.operating_cost;
  return sum(baskets, now);
}

}  // namespace sandbox
