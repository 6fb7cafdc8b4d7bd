// portal_counter: the portal's own counter: grows by one per request, loses 2 at once each second;
// what is over 50 is refused.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace b24::test {

struct PortalCounter {
  double level = 0;
  Millis ticked_at = 0;
  double add(Millis now) {
    if (ticked_at == 0) ticked_at = now;
    const Millis ticks = (now - ticked_at) / 1000;
    ticked_at += ticks * 1000;
    level = std::max(0.0, level - 2 * static_cast<double>(ticks)) + 1;
    return level;
  }
};

}  // namespace b24::test
