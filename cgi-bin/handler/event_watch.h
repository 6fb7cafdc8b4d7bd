// event_watch: whether events come as they should: learns their rhythm and our answer times, stops
// loops, tells the owner. What is learned lies in the store (portal/event_flow.h), for all
// processes and the self-check.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "keep/ingest.h"
#include "keep/store.h"
#include "portal/event_flow.h"
#include "settings/app.h"

namespace b24 {

// Learns from all that is taken in.
std::unique_ptr<Follower> rhythm_follower();

// Keeps sections of [on] from changing for ever what they hear of. Safe from all threads; of two
// processes at the same moment one may miss what the other counts.
class LoopGuard {
 public:
  LoopGuard(Store& store, const HandlerSettings& settings)
      : store_(store), limit_{settings.loop_limit, settings.loop_time} {}
  // 0, or until when the section may not change the event's object.
  Millis stop(const std::string& section, const Item& event);
  // It did, by a call that was begun at `begun`.
  void changed(const std::string& section, const Item& event, Millis begun);

 private:
  Store& store_;
  const Loops::Limit limit_;
};

// How long answers took, until they are put into the store. Safe from all threads.
class AnswerClock {
 public:
  // The thread took up a request at `at` (steady) that it will answer in this round.
  static void begin(Millis at);
  // What the thread has begun is kept, and so answered.
  void end();
  void put_into(Store& store);

 private:
  std::mutex mutex_;
  std::map<std::string, std::int64_t> counts_;
};

// One message for all silences and loops that none has told of yet.
void tell_of_events(const App& app, Store& store);

}  // namespace b24
