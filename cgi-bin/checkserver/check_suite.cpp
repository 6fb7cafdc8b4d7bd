// check_suite: checks of the work itself: leads, events, their delivery, refusals, last errors.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <ranges>

#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"
#include "check_seen.h"
#include "keep/event_flow.h"
#include "keep/follower.h"
#include "keep/work_loop.h"
#include "settings/settings_keys.h"
#include "value/json.h"

namespace b24::check {
namespace {

constexpr std::int64_t kMutedFrom = 3;         // missed changes behind the last that came
constexpr Millis kLongWait = 10 * kMinute;     // of the oldest lead: warning
constexpr Millis kTooLongWait = 12 * kHour;    // error
constexpr Millis kWorkerSilent = 5 * kMinute;  // while something waits it tells every minute
constexpr Millis kLongLag = 2 * kMinute;
constexpr std::size_t kNewestEvents = 20;
constexpr std::size_t kFailedShown = 3;
constexpr Millis kChartHours = 48;
constexpr off_t kLogTail = 256 << 10;
constexpr std::size_t kErrorsShown = 5;
constexpr std::uintmax_t kReadWhole = 8 << 20;  // bytes of a store; read within some 50 ms

Finding judge_items(const Seen& seen, const KindStats& stats, const std::string& metric) {
  const Millis oldest = stats.oldest_pending == 0 ? 0 : seen.at - stats.oldest_pending;
  const Value facts = Value::map({{"today", stats.today},
                                  {"pending", stats.pending},
                                  {"failed", stats.failed},
                                  {"done", stats.done},
                                  {"arrived", stats.arrived},
                                  {"oldest", duration(oldest)}});
  return measured(oldest > kTooLongWait ? error("stuck", facts)
                  : stats.failed > 0    ? warning("failed", facts)
                  : oldest > kLongWait  ? warning("waiting", facts)
                                        : ok("fine", facts),
                  {{metric + "_today", static_cast<double>(stats.today)},
                   {metric + "_pending", static_cast<double>(stats.pending)},
                   {metric + "_failed", static_cast<double>(stats.failed)},
                   {metric + "_oldest_pending_seconds", static_cast<double>(oldest) / 1000}});
}

Finding judge_leads(const Seen& seen) {
  Finding finding = judge_items(seen, seen.store->leads, "leads");
  for (const Item& item : seen.store->failed) {
    if (item.kind != Kind::lead || item.error_text.empty()) continue;
    finding.cause = secret::mask(item.error_code + " " + item.error_text);
    break;
  }
  if (finding.name == "failed" || finding.name == "stuck") {
    finding.paste = {command(seen, "index.fcgi --list failed"),
                     command(seen, "index.fcgi --retry all")};
  }
  return finding;
}

Finding judge_events(const Seen& seen) {
  return judge_items(seen, seen.store->events, "events");
}

// Whether those who work on a kind of items are alive; dead ones are no harm while nothing waits.
Finding judge_work(const Seen& seen, std::string_view last_run, const KindStats& items,
                   const std::string& metric, const std::string& cure) {
  const bool waiting = items.pending > 0;
  const Millis last = Value(last_run).integer();
  const Lines paste = {"* * * * * " + command(seen, cure)};
  if (last == 0) return waiting ? error("never_and_waiting", {}, paste) : info("never");
  const Millis age = std::max<Millis>(0, seen.at - last);
  const Value facts = Value::map({{"ago", duration(age)}});
  // Before something waited there was nothing to tell of.
  const bool alive =
      age <= kWorkerSilent || (waiting && seen.at - items.oldest_pending <= kWorkerSilent);
  return measured(alive     ? ok("alive", facts)
                  : waiting ? error("dead", facts, paste)
                            : info("resting", facts),
                  {{metric, static_cast<double>(age) / 1000}});
}

Finding judge_delivery(const Seen& seen) {
  return judge_work(seen, seen.store->delivery_last_run, seen.store->leads,
                    "delivery_last_run_age_seconds", "index.fcgi --deliver");
}

Finding judge_event_work(const Seen& seen) {
  return judge_work(seen, seen.store->event_work_last_run, seen.store->events,
                    "event_work_last_run_age_seconds", "handler.fcgi --work");
}

Finding judge_lag(const Seen& seen) {
  std::vector<Millis> lag = seen.store->event_lag;
  if (lag.empty()) return info("no_events");
  std::ranges::sort(lag);
  const Millis middle = std::max<Millis>(0, lag[lag.size() / 2]);
  const Value facts = Value::map({{"lag", duration(middle)}});
  return measured(middle > kLongLag ? warning("late_events", facts) : ok("prompt", facts),
                  {{"event_lag_seconds", static_cast<double>(middle) / 1000}});
}

std::string line_of(const std::string& what, Millis at) {
  return what + ": " + iso_time(at) + "\n";
}

Finding judge_silence(const Seen& seen) {
  const Rhythm rhythm = Rhythm::parse(seen.store->rhythm);
  if (rhythm.empty()) return info("none");
  AnswerTimes answers;
  for (const Store::Count& count : seen.store->counts) answers.add(count.name, count.count);
  Finding finding{.name = "usual"};
  for (const Rhythm::Silence& silence : rhythm.silences(seen.at)) {
    finding.state = State::warning;
    finding.name = "silent";
    finding.cause += line_of(silence.name, silence.last);
  }
  constexpr std::pair<const char*, double> kShares[] = {
      {"p50", 0.5}, {"p99", 0.99}, {"slowest", 1}};
  for (const auto& [name, share] : kShares) {
    const Millis within = answers.within(share);
    finding.facts.set(name, within);
    finding.metrics.push_back(
        {std::string("answer_") + name + "_seconds", static_cast<double>(within) / 1000});
  }
  return finding;
}

Finding judge_robots(const Seen& seen) {
  const std::vector<RobotSettings>& robots = seen.subject->settings->robots;
  if (robots.empty()) return info("none");
  Finding finding{.name = "known"};
  const auto known = Rhythm::parse(seen.store->rhythm).all();
  for (const RobotSettings& robot : robots) {
    const std::string name = event_form("ROBOT:" + robot.name);
    const auto came = std::ranges::find(known, name, &Rhythm::Silence::name);
    finding.cause += came == known.end() ? name + ": -\n" : line_of(name, came->last);
    if (!robot.secret.empty()) continue;
    finding.state = State::warning;
    finding.name = "no_secret";
    finding.paste = {"[robot " + robot.name + "]",
                     "secret = <16 characters or more that nobody can guess>"};
  }
  return finding;
}

Finding judge_missed(const Seen& seen) {
  return missed_events(*seen.subject->settings, seen.store->counts, seen.store->rhythm);
}

Finding judge_loops(const Seen& seen) {
  Finding finding{.name = "none"};
  for (const Loops::Loop& loop : Loops::parse(seen.store->loops).loops(seen.at)) {
    finding.state = State::warning;
    finding.name = "stopped";
    finding.cause += line_of(loop.what, loop.until);
  }
  return finding;
}

Finding judge_refusals(const Seen& seen) {
  const auto totals = refused_by_reason(seen.store->counts);
  Lines list;
  std::int64_t spam = 0, refused = 0;
  for (const auto& [name, count] : totals) {
    list.push_back(name + ": " + std::to_string(count));
    (name.starts_with("spam.") ? spam : refused) += count;
  }
  const Value facts =
      Value::map({{"refused", refused}, {"spam", spam}, {"list", text::join(list, ", ")}});
  return measured(totals.contains("refused.robot") ? warning("robots", facts)
                                                   : info(totals.empty() ? "none" : "some", facts),
                  {{"refused_last_day", static_cast<double>(refused)},
                   {"spam_last_day", static_cast<double>(spam)}});
}

Finding judge_errors(const Seen& seen) {
  const CRestSettings& crest = seen.subject->settings->crest;
  if (crest.block_log) return info("blocked");
  if (crest.log_type_dump) return info("dumped");
  if (!seen.log) return info("unknown");
  if (seen.log->empty()) return ok("none");
  Finding finding = info("old");
  const std::string since = iso_time(seen.at - kHour);
  for (const LogEntry& entry : *seen.log) {
    if (!finding.cause.empty()) finding.cause += "\n";
    finding.cause += entry.time + " " + entry.what + (entry.code.empty() ? "" : " " + entry.code) +
                     (entry.text.empty() ? "" : ": " + entry.text);
    if (!entry.is_error || entry.time < since) continue;
    finding.state = State::warning;
    finding.name = "recent";
  }
  return finding;
}

// Takes what the store answers, or keeps why it did not.
template <class T>
void take(Result<T> answer, T& into, std::optional<Error>& error) {
  if (answer) {
    into = std::move(*answer);
  } else if (!error) {
    error = answer.error();
  }
}

std::vector<Hour> hours_of(Store& store, Millis now, std::optional<Error>& error) {
  std::vector<Hour> hours;
  const Millis first = now / kHour * kHour - (kChartHours - 1) * kHour;
  for (Millis i = 0; i < kChartHours; ++i) hours.push_back({.at = first + i * kHour});
  for (const Kind kind : {Kind::lead, Kind::event}) {
    std::vector<Store::Hour> counted;
    take(store.hours(kind, first), counted, error);
    for (const Store::Hour& hour : counted) {
      const Millis index = (hour.hour - first) / kHour;
      if (index < 0 || index >= kChartHours) continue;
      Hour& into = hours[static_cast<std::size_t>(index)];
      (kind == Kind::lead ? into.leads : into.events) = hour.received;
      if (kind == Kind::lead) into.delivery = hour.took;
    }
  }
  return hours;
}

std::string tail_of(const std::filesystem::path& file) {
  const FileHandle handle(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (handle.get() < 0) return {};
  const off_t size = lseek(handle.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - kLogTail);
  std::string text(static_cast<std::size_t>(std::max<off_t>(0, size - from)), '\0');
  const ssize_t got = pread(handle.get(), text.data(), text.size(), from);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  // The first line is cut when the file is longer.
  if (from > 0) text.erase(0, text.find('\n') + 1);
  return text;
}

}  // namespace

std::span<const Check> suite_checks() {
  static constexpr Check kChecks[] = {
      {"leads", Group::suite, "", judge_leads, Needs::store},
      {"events", Group::suite, "", judge_events, Needs::store},
      {"delivery", Group::suite, "", judge_delivery, Needs::store},
      {"event_work", Group::suite, "", judge_event_work, Needs::store},
      {"event_lag", Group::suite, "", judge_lag, Needs::store},
      {"event_silence", Group::suite, "", judge_silence, Needs::store},
      {"missed", Group::suite, "", judge_missed, Needs::store},
      {"robots", Group::suite, "", judge_robots, Needs::store},
      {"event_loops", Group::suite, "", judge_loops, Needs::store},
      {"refusals", Group::suite, "", judge_refusals, Needs::store},
      {"errors", Group::suite, "", judge_errors},
  };
  return kChecks;
}

StoreSeen look_at_store(Store& store, Millis now) {
  StoreSeen seen;
  seen.wal = store.uses_wal();
  take(store.stats(Kind::lead), seen.leads, seen.error);
  take(store.stats(Kind::event), seen.events, seen.error);
  take(store.recall(last_run_key(Kind::lead)), seen.delivery_last_run, seen.error);
  take(store.recall(last_run_key(Kind::event)), seen.event_work_last_run, seen.error);
  take(store.counts(now - kDay), seen.counts, seen.error);
  take(follower_fact(store, Rhythm::kName), seen.rhythm, seen.error);
  take(store.recall(Loops::kFact), seen.loops, seen.error);
  ListFilter newest_events;
  newest_events.kind = Kind::event;
  newest_events.since = now - kHour;
  newest_events.limit = kNewestEvents;
  std::vector<Item> newest;
  take(store.list(newest_events), newest, seen.error);
  for (const Item& event : newest) {
    const Millis sent = millis_of(event.payload["ts"].real());
    if (sent > 0) seen.event_lag.push_back(event.received_at - sent);
  }
  ListFilter failures;
  failures.state = b24::State::failed;
  failures.limit = kFailedShown;
  take(store.list(failures), seen.failed, seen.error);
  seen.hours = hours_of(store, now, seen.error);
  std::error_code fault;
  const std::uintmax_t size = std::filesystem::file_size(store.dir() / "store.db", fault);
  if (fault || size <= kReadWhole) seen.sound = store.check();
  return seen;
}

std::map<std::string, std::int64_t> refused_by_reason(const std::vector<Store::Count>& last_day) {
  std::map<std::string, std::int64_t> totals;
  for (const Store::Count& count : last_day) {
    if (count.name.starts_with("refused.") || count.name.starts_with("spam."))
      totals[count.name] += count.count;
  }
  return totals;
}

Finding missed_events(const Settings& settings, const std::vector<Store::Count>& counts,
                      const std::string& rhythm) {
  if (settings.watches.empty()) return info("none");
  std::int64_t missed = 0, came = 0, unsent = 0;
  std::map<std::string, Millis> last_came;  // by section
  std::map<std::string, std::int64_t> since;
  for (const auto& [name, hour, count] : counts) {
    if (!name.starts_with(kCameCount)) continue;
    came += count;
    Millis& last = last_came[name.substr(kCameCount.size())];
    last = std::max(last, hour);
  }
  for (const auto& [name, hour, count] : counts) {
    if (!name.starts_with(kMissedCount)) continue;
    missed += count;
    const std::string section = name.substr(kMissedCount.size());
    if (hour > last_came[section]) since[section] += count;
  }
  std::erase_if(since, [](const auto& each) { return each.second < kMutedFrom; });
  for (const auto& [section, count] : since) unsent += count;
  const std::int64_t share = missed == 0 ? 0 : missed * 100 / (missed + came);
  const Value facts = Value::map({{"missed", missed},
                                  {"came", came},
                                  {"share", share},
                                  {"unsent", unsent},
                                  {"sections", text::join(std::views::keys(since), ", ")}});
  Finding finding = measured(
      since.empty() ? ok(missed == 0 ? "all_came" : "some", facts) : warning("muted", facts),
      {{"events_missed_day", static_cast<double>(missed)}});
  for (const Rhythm::Silence& each : Rhythm::parse(rhythm).all()) {
    finding.cause += each.name + ": " + std::to_string(each.longest / kHour) + " h " +
                     std::to_string(each.longest % kHour / kMinute) + " min\n";
  }
  return finding;
}

std::vector<Value> log_lines(const Settings& settings) {
  std::vector<Value> lines;
  const std::string tail = tail_of(Log::file_of(settings));
  for (const std::string& line : text::split(tail, "\n")) {
    Result<Value> parsed = json::parse(line);
    if (!parsed) continue;
    const std::string level = (*parsed)["level"].text();
    if (level == "warning" || level == "error") lines.push_back(*std::move(parsed));
  }
  return lines;
}

std::vector<LogEntry> look_at_log(const Settings& settings) {
  std::map<std::string, LogEntry> newest;
  for (const Value& entry : log_lines(settings)) {
    const std::string what = entry["what"].text();
    const std::string code = entry["code"].text();
    std::string words = entry["cause"].text();
    if (words.empty()) words = entry["detail"].text();
    newest[what + "\n" + code] = {entry["time"].text(), what, code,
                                  text::for_log(secret::mask(words), 300),
                                  entry["level"].text() == "error"};
  }
  std::vector<LogEntry> entries;
  for (auto& [key, entry] : newest) entries.push_back(std::move(entry));
  std::ranges::sort(entries, std::greater(), &LogEntry::time);
  if (entries.size() > kErrorsShown) entries.resize(kErrorsShown);
  return entries;
}

}  // namespace b24::check
