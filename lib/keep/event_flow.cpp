// event_flow: see event_flow.h.
#include "keep/event_flow.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "keep/follower.h"
#include "settings/notice.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr std::size_t kMostNames = 200;
constexpr Millis kNameForgotten = 60 * kDay;
constexpr Millis kWanted = 30 * kDay;
constexpr Millis kLearning = 3 * kDay;
constexpr std::int64_t kFewEvents = 20;
constexpr Millis kHalfLife = 14 * kDay;
constexpr Millis kEcho = 60 * kSecond;   // from our change to the event that tells of it
constexpr Millis kTold = 30 * kDay;      // of a silence, once
constexpr Millis kTellAgain = 1 * kDay;  // of a loop that goes on
constexpr std::string_view kCounter = "answer.";
constexpr Millis kBounds[] = {1,   2,     5,     10,    20,     50,     100,   200,
                              500, 1'000, 2'000, 5'000, 10'000, 30'000, 60'000};

// Time without Saturdays and Sundays; 1970 began on a Thursday.
Millis working_time(Millis at) {
  const Millis monday = at + 3 * kDay;
  return monday / (7 * kDay) * 5 * kDay + std::min(monday % (7 * kDay), 5 * kDay);
}

// A table as the store keeps it: {"name": [1, 2, 3, 4], ...}.
template <class Row>
std::map<std::string, Row, std::less<>> parse_table(std::string_view text) {
  std::map<std::string, Row, std::less<>> table;
  const Result<Value> read = json::parse(text);
  if (!read) return table;
  for (const Value::Member& member : read->members()) {
    const Value& row = member.value;
    table[member.key.text()] = {row["0"].integer(), row["1"].integer(), row["2"].integer(),
                                row["3"].integer()};
  }
  return table;
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

Rhythm Rhythm::parse(std::string_view text) {
  Rhythm rhythm;
  rhythm.names_ = parse_table<Name>(text);
  return rhythm;
}

std::string Rhythm::print() const {
  Value text = Value::array();
  for (const auto& [name, known] : names_)
    text.set(name, Value::list({known.first, known.last, known.longest, known.count}));
  return json::print(text);
}

void Rhythm::came(std::string_view event, Millis at) {
  const std::string name = text::for_log(event, 64);
  if (!names_.contains(name) && names_.size() >= kMostNames) {
    std::erase_if(names_, [&](const auto& each) { return each.second.last < at - kNameForgotten; });
    if (names_.size() >= kMostNames) return;
  }
  Name& known = names_.try_emplace(name, Name{at, at, 0, 0}).first->second;
  const Millis gap = working_time(at) - working_time(known.last);
  const double kept = std::exp2(-static_cast<double>(std::max<Millis>(0, at - known.last)) /
                                static_cast<double>(kHalfLife));
  known.longest = std::max(gap, static_cast<Millis>(static_cast<double>(known.longest) * kept));
  known.last = std::max(known.last, at);
  ++known.count;
}

std::vector<Rhythm::Silence> Rhythm::silences(Millis now) const {
  std::vector<Silence> silent;
  for (const auto& [name, known] : names_) {
    const bool learned = known.count >= kFewEvents && known.last - known.first >= kLearning;
    const Millis silence = working_time(now) - working_time(known.last);
    if (!learned || now - known.last > kWanted) continue;
    if (silence > std::max(3 * known.longest, kHour))
      silent.push_back({name, known.last, known.longest});
  }
  return silent;
}

std::vector<Rhythm::Silence> Rhythm::all() const {
  std::vector<Silence> all;
  for (const auto& [name, known] : names_) all.push_back({name, known.last, known.longest});
  return all;
}

Loops Loops::parse(std::string_view text) {
  Loops loops;
  loops.entries_ = parse_table<Entry>(text);
  return loops;
}

std::string Loops::print() const {
  Value text = Value::array();
  for (const auto& [what, entry] : entries_)
    text.set(what, Value::list({entry.first, entry.last, entry.echoes, entry.until}));
  return json::print(text);
}

bool Loops::is_echo(const Entry& entry, Millis received_at) {
  return entry.first != 0 && received_at >= entry.first && received_at <= entry.last + kEcho;
}

void Loops::forget(Millis now) {
  std::erase_if(entries_, [&](const auto& each) {
    const Entry& entry = each.second;
    return entry.last < now - kEcho && entry.until < now - kDay;
  });
}

Millis Loops::stop(const std::string& section, const std::string& object, Millis received_at,
                   Millis now, const Limit& limit) {
  const auto found = entries_.find(section + " " + object);
  if (limit.times == 0 || found == entries_.end()) return 0;
  Entry& entry = found->second;
  // One that lies further ahead was written by a clock that has been set back since.
  if (entry.until > now && entry.until <= now + limit.time) return entry.until;
  if (entry.echoes < limit.times || now - entry.first > limit.time) return 0;
  if (!is_echo(entry, received_at)) return 0;
  entry = {.until = now + limit.time};
  return entry.until;
}

void Loops::changed(const std::string& section, const std::string& object, Millis received_at,
                    Millis begun, Millis time) {
  forget(begun);
  Entry& entry = entries_[section + " " + object];
  if (begun - entry.first > time) entry = {.until = entry.until};
  if (is_echo(entry, received_at)) ++entry.echoes;
  if (entry.first == 0) entry.first = begun;
  entry.last = begun;
}

std::vector<Loops::Loop> Loops::loops(Millis now) const {
  std::vector<Loop> loops;
  for (const auto& [what, entry] : entries_) {
    if (entry.until >= now - kDay) loops.push_back({what, entry.until});
  }
  return loops;
}

std::string AnswerTimes::counter(Millis took) {
  const Millis* bound = std::ranges::lower_bound(kBounds, took);
  return std::string(kCounter) + std::to_string(bound == std::end(kBounds) ? bound[-1] : *bound);
}

void AnswerTimes::add(std::string_view counter, std::int64_t answers) {
  if (!counter.starts_with(kCounter)) return;
  counts_[Value(counter.substr(kCounter.size())).integer()] += answers;
  answers_ += answers;
}

Millis AnswerTimes::within(double share) const {
  std::int64_t seen = 0;
  for (const auto& [bound, answers] : counts_) {
    seen += answers;
    if (static_cast<double>(seen) >= share * static_cast<double>(answers_)) return bound;
  }
  return 0;
}

void look_after_events(const App& app, Store& store) {
  if (!wants_notices(app.settings->notify)) return;
  // Of all processes one tells.
  const auto is_news = [&](const std::string& what, Millis window) {
    return store.use("notify " + what, window).value_or(2) == 1;
  };
  std::string text;
  for (const auto& silence :
       Rhythm::parse(follower_fact(store, Rhythm::kName).value_or("")).silences(now_ms())) {
    const std::string what = silence.name + ": nothing came since " + iso_time(silence.last);
    if (is_news(what, kTold)) text += what + ", far longer than usual.\n";
  }
  for (const auto& loop : Loops::parse(store.recall(Loops::kFact).value_or("")).loops(now_ms())) {
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
