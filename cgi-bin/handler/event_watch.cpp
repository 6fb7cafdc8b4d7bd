// event_watch: see event_watch.h.
#include "event_watch.h"

#include <mutex>
#include <utility>
#include <vector>

#include "settings/notice.h"

namespace b24 {
namespace {

constexpr Millis kTold = 30 * kDay;      // of a silence, once
constexpr Millis kTellAgain = 1 * kDay;  // of a loop that goes on

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

Rhythm rhythm_of(Store& store) {
  return Rhythm::parse(follower_fact(store, Rhythm::kName).value_or(""));
}

// Not worth a sync, nor an error: the limit is only met later.
void keep(Store& store, const Loops& loops) {
  (void)store.accept({}, {{std::string(Loops::kFact), loops.print()}});
}

std::string answers_of(Store& store) {
  AnswerTimes times;
  if (const auto counts = store.counts(now_ms() - kDay); counts) {
    for (const Store::Count& count : *counts) times.add(count.name, count.count);
  }
  std::string text = "Our answers of the last day, in milliseconds (half, 99 %, the slowest):";
  for (const double share : {0.5, 0.99, 1.0}) text += " " + std::to_string(times.within(share));
  return text + "\n";
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

void look_after_events(const App& app, Store& store) {
  if (!wants_notices(app.settings->notify)) return;
  // Of all processes one tells.
  const auto is_news = [&](const std::string& what, Millis window) {
    return store.use("notify " + what, window).value_or(2) == 1;
  };
  std::string text;
  for (const auto& silence : rhythm_of(store).silences(now_ms())) {
    const std::string what = silence.name + ": nothing came since " + iso_time(silence.last);
    if (is_news(what, kTold)) text += what + ", far longer than usual.\n";
  }
  for (const auto& loop : loops_of(store).loops(now_ms())) {
    if (is_news(loop.what, kTellAgain))
      text += "[on] " + loop.what + ": it changes what it hears of; it rests until " +
              iso_time(loop.until) + ".\n";
  }
  if (text.empty()) return;
  text += answers_of(store) + "What to do: see checkserver.\n";
  const Status sent = send_notice(app.settings->notify, {"b24hooks: events need a look", text});
  if (!sent) app.log->error("notify", sent.error());
}

}  // namespace b24
