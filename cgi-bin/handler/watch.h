// watch: no missed event ([watch KIND]): asks the portal at an interval and after a start what has
// changed since the last known moment, and files what sent no event as an event of its usual name,
// marked "recovered", through the journal as any other.
//
// A change is known by an event of its object that came after it (two seconds less, for clocks).
// One that is younger than the interval, at most two minutes, is left for the next time: its event
// may be on its way. Pages go by id, and the place is kept after each, so that a killed pass goes
// on where it was; one at a time of all processes (watch.lock). What a pass files has an id made of
// kind, object and the change's time.
//
// The store remembers as the fact "watch.KIND": {"since": up to when all is known (by the portal's
// clock), "begun": the same once the pass under way is over, "after": the last id that it has
// looked at, "asked_at": when the last pass ended (by ours)}; and counts watch.came and
// watch.missed.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "keep/ingest.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "portal/webhook.h"
#include "settings/app.h"
#include "value/value.h"

namespace b24 {

class Watch {
 public:
  // All must outlive this. `filed`: called after each page that filed something.
  Watch(AppSource& app, StoreSource& stores, GateSource& gates, Ingester& ingester,
        std::function<void()> filed);

  // FastCGI: until a stop is asked for.
  void work(std::stop_token stop);
  // --work (cron): what is due, at most for `time_limit`.
  void run_due(Millis time_limit, std::stop_token stop = {});

 private:
  Millis run_all(Millis deadline, const std::stop_token& stop);
  AppSource& app_;
  StoreSource& stores_;
  GateSource& gates_;
  Ingester& ingester_;
  const std::function<void()> filed_;
  bool is_start_ = true;
};

}  // namespace b24
