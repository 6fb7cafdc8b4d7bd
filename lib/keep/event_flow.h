// event_flow: what the receiver learns of the way in which the portal's events come, and the
// self-check shows: silences, loops, and how soon we answered. The receiver keeps each as a fact or
// a counter of the store, in the text that print gives; what parse cannot read is empty.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "keep/store.h"
#include "settings/app.h"

namespace b24 {

// The gaps between events of each name. The portal calls a slow or failing receiver less often and
// then not at all, and tells nobody.
class Rhythm {
 public:
  static constexpr std::string_view kName = "rhythm";  // of the follower

  static Rhythm parse(std::string_view text);
  std::string print() const;

  // Names beyond the first 200 are not learned; one that was silent for 60 days makes room.
  void came(std::string_view name, Millis at);

  struct Silence {
    std::string name;
    Millis last;     // when an event of this name came
    Millis longest;  // gap up to then; half of it is forgotten in two weeks
  };
  // The names that have come for three days and twenty times at least, and are silent for over an
  // hour and three times their longest gap, Saturdays and Sundays not counted, but not for a month:
  // then somebody wanted it so.
  std::vector<Silence> silences(Millis now) const;
  // Every name that is known.
  std::vector<Silence> all() const;
  bool empty() const { return names_.empty(); }

 private:
  struct Name {
    Millis first, last, longest;
    std::int64_t count;
  };
  std::map<std::string, Name, std::less<>> names_;
};

// How often a section ([on EVENT]) changed an object because of an event that came soon after its
// own change of it.
class Loops {
 public:
  static constexpr std::string_view kFact = "event.loops";

  struct Limit {
    int times = 0;  // 0: none
    Millis time = 0;
  };

  static Loops parse(std::string_view text);
  std::string print() const;

  // 0, or until when the section may not change the object, since it did so over `limit.times`
  // times within `limit.time`. For as long it rests.
  Millis stop(const std::string& section, const std::string& object, Millis received_at, Millis now,
              const Limit& limit);
  // It changed the object; the call was begun at `begun`. `time`: the limit's.
  void changed(const std::string& section, const std::string& object, Millis received_at,
               Millis begun, Millis time);

  struct Loop {
    std::string what;  // section and object
    Millis until;      // it rests, or rested
  };
  // Those of the last day.
  std::vector<Loop> loops(Millis now) const;

 private:
  struct Entry {
    Millis first = 0, last = 0;  // changes; 0: none that matter
    std::int64_t echoes = 0;     // what followed them
    Millis until = 0;
  };
  static bool is_echo(const Entry& entry, Millis received_at);
  void forget(Millis now);
  std::map<std::string, Entry, std::less<>> entries_;
};

// Our answer times, as counters: how many answers took no longer than some milliseconds.
class AnswerTimes {
 public:
  static std::string counter(Millis took);                   // "answer.20"
  void add(std::string_view counter, std::int64_t answers);  // other counters are ignored
  // Within how many milliseconds this share (0.5, 0.99, 1) of the answers was there; 0: there were
  // none.
  Millis within(double share) const;

 private:
  std::map<Millis, std::int64_t> counts_;
  std::int64_t answers_ = 0;
};

// Counters of the watched changes ([watch KIND]) that came as events, and that did not; the
// section's name follows, as that of its fact does.
inline constexpr std::string_view kCameCount = "watch.came.";
inline constexpr std::string_view kMissedCount = "watch.missed.";

// Now and then, by any program: sends one message for all silences and loops that none has told of
// yet.
void look_after_events(const App& app, Store& store);

}  // namespace b24
