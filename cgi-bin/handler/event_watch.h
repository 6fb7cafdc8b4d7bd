// event_watch: whether events come as they should: learns their rhythm and our answer times, stops
// loops. What is learned lies in the store (keep/event_flow.h), for all
// processes and the self-check.
#pragma once

#include <memory>
#include <string>

#include "keep/event_flow.h"
#include "keep/follower.h"
#include "keep/store.h"

namespace b24 {

// Learns from all that is taken in.
std::unique_ptr<Follower> rhythm_follower();

// Keeps a section of [on] from changing for ever what it hears of: 0, or until when it may not
// change the event's object. Of two processes at the same moment one may miss what the other
// counts.
Millis stop_loop(Store& store, const HandlerSettings& settings, const std::string& section,
                 const Item& event);
// It did, by a call that was begun at `begun`.
void note_change(Store& store, const HandlerSettings& settings, const std::string& section,
                 const Item& event, Millis begun);

// How long our answers take. The calling thread took up a request at `at` (steady):
void begin_answer(Millis at);
// what it has begun is kept, and so answered.
void end_answers(StoreSource& stores);

}  // namespace b24
