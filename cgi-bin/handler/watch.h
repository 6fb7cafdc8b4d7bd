// watch: no missed event ([watch KIND], [watch KIND PORTAL]): asks the portal at an interval and
// after a start what has changed since the last known moment, and files what sent no event as an
// event of its usual name, marked "recovered", through the journal as any other.
//
// A change is known by an event of its object that was sent after it (`ts`, and a second). One that
// is younger than the interval, at most two minutes, is left: its event may be on its way. Pages
// go by id, and the place is kept after each, so that a killed pass goes on where it was; one at a
// time of all processes (watch.lock). What a pass files has an id made of kind, portal, object and
// the change's time. A row of the portal's list that has no id or no time is passed over and told
// of; a fault is told of once, and each half hour while it lasts.
//
// The store remembers as the fact "watch.KIND" or "watch.KIND_PORTAL": {"since": up to when all is
// known (by the portal's clock), "begun": the same once the pass under way is over, "after": the
// last id that it has looked at, "asked_at": when the last pass ended (by ours), "fault": the code
// of what is wrong, "told_at": when that was told}; and counts what came and what was missed
// (keep/event_flow.h).
#pragma once

#include <functional>
#include <stop_token>

#include "keep/ingest.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "settings/app.h"

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
