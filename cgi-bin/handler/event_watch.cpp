// event_watch: see event_watch.h.
#include "event_watch.h"

#include <mutex>
#include <utility>
#include <vector>

namespace b24 {
namespace {

class RhythmFollower : public Follower {
 public:
  std::string_view name() const override { return Rhythm::kName; }
  Millis last_write() const override { return 0; }
  std::string begin() const override { return Rhythm().print(); }
  Result<Written> write(std::span<const NewItem> items, const std::string& fact) override {
    Rhythm rhythm = Rhythm::parse(fact);
    for (const NewItem& item : items) rhythm.came(item.name, item.received_at);
    return Written{items.size(), rhythm.print()};
  }
};

std::mutex loops_mutex;  // one at a time in this process
thread_local std::vector<Millis> taken_up;

Loops loops_of(Store& store) {
  return Loops::parse(store.recall(Loops::kFact).value_or(""));
}

// Not worth a sync, nor an error: the limit is only met later.
void keep(Store& store, const Loops& loops) {
  (void)store.accept({}, {{std::string(Loops::kFact), loops.print()}});
}

}  // namespace

std::unique_ptr<Follower> rhythm_follower() {
  return std::make_unique<RhythmFollower>();
}

Millis stop_loop(Store& store, const HandlerSettings& settings, const std::string& section,
                 const Item& event) {
  const std::lock_guard lock(loops_mutex);
  Loops loops = loops_of(store);
  const Millis until = loops.stop(section, event.object, event.received_at, now_ms(),
                                  {settings.loop_limit, settings.loop_time});
  if (until != 0) keep(store, loops);
  return until;
}

void note_change(Store& store, const HandlerSettings& settings, const std::string& section,
                 const Item& event, Millis begun) {
  const std::lock_guard lock(loops_mutex);
  Loops loops = loops_of(store);
  loops.changed(section, event.object, event.received_at, begun, settings.loop_time);
  keep(store, loops);
}

void begin_answer(Millis at) {
  taken_up.push_back(at);
}

void end_answers(StoreSource& stores) {
  for (const Millis at : std::exchange(taken_up, {}))
    stores.count(AnswerTimes::counter(steady_ms() - at));
}

}  // namespace b24
