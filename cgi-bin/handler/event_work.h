// event_work: takes from the store the events whose actions are due and runs them, in order for
// each object.
#pragma once

#include "keep/work_loop.h"
#include "portal/gate.h"

namespace b24 {

// All must outlive it.
WorkLoop event_work(AppSource& app, StoreSource& stores, GateSource& gates);

}  // namespace b24
