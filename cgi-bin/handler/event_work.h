// event_work: takes from the store the events whose actions are due and runs them, in order for
// each object.
#pragma once

#include <stop_token>

#include "base/error.h"
#include "keep/work_loop.h"
#include "portal/gate.h"
#include "read_ahead.h"

namespace b24 {

class EventWork {
 public:
  // All must outlive this.
  EventWork(AppSource& app, StoreSource& stores, GateSource& gates);

  // FastCGI: until a stop is asked for.
  void work(std::stop_token stop);
  // --work (cron), and CGI after its answer: what is due now, at most for `time_limit`.
  Result<int> work_due(Millis time_limit, const std::function<Status()>& ingest) {
    return loop_.work_due(time_limit, ingest);
  }
  void ingested(int taken) { loop_.ingested(taken); }

 private:
  WorkLoop::Pass make_pass(std::stop_token stop);
  AppSource& app_;
  StoreSource& stores_;
  GateSource& gates_;
  const Store::Held held_;
  ReadAhead read_ahead_;
  WorkLoop loop_;
};

}  // namespace b24
