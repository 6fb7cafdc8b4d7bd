// check_run: one run for all who ask at the same time, and its result for those who ask soon after.
#pragma once

#include <mutex>
#include <optional>

#include "base/clock.h"
#include "check.h"
#include "check_seen.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "web/app_page.h"

namespace b24::check {

// Safe from all threads. Processes share the result through checkserver.json in the data directory;
// where that cannot be written, each process keeps its own.
class Runner {
 public:
  // All must outlive this.
  Runner(AppSource& app, TemplateSource& templates, StoreSource& stores, GateSource& gates)
      : app_(app), templates_(templates), stores_(stores), gates_(gates) {}

  // The last report when it is younger than `max_age`, else a new one.
  Report report(const Place& place, Millis max_age);
  // A new one, whatever there is.
  Report fresh(const Place& place);

 private:
  std::optional<Report> shared_or_new(const Place& place, Millis max_age);

  AppSource& app_;
  TemplateSource& templates_;
  StoreSource& stores_;
  GateSource& gates_;
  std::mutex mutex_;
  std::optional<Report> last_;
};

}  // namespace b24::check
