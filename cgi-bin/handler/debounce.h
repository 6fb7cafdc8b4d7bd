// debounce: joins events of one object ([on] debounce): the first waits so long, then one run with
// the newest of all that have come by then.
//
// Each hands its place on to the next one that the section would follow, so that the object's order
// is kept, other sections see each event, and a killed process has lost nothing: the section's
// part of the progress, {"since": when the first came, "joined": how many}, changes hands in one
// transaction, and what was handed on has {"joined_by": the item's number}.
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "keep/store.h"
#include "settings/settings.h"

namespace b24 {

struct Turn {
  bool runs = true;       // false: it waits, or another event has its place
  Millis wait_until = 0;  // 0: it does not wait
};
// `own`: the section's part of the event's progress; what it hands on is noted there, too.
Result<Turn> take_turn(const ActionSettings& action, const Item& event, Value& own, Store& store,
                       Millis now);

// How many events a run is for.
std::int64_t joined_of(const Value& own);

}  // namespace b24
