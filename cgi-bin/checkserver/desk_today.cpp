// desk_today: how many leads and events there are, what comes next, two days as charts, the
// portal's limit, and of the last day what was missed and what was refused.
#include <algorithm>
#include <set>
#include <span>

#include "chart.h"
#include "check_output.h"
#include "check_seen.h"
#include "desk.h"
#include "keep/event_flow.h"
#include "keep/follower.h"
#include "portal/webhook.h"

namespace b24::desk {
namespace {

constexpr int kHours = 48;
constexpr int kDays = 30;
constexpr Millis kVerdictAge = 10 * kMinute;  // a look must not cost a run of the checks

Value number(const Visit& visit, const std::string& key, std::int64_t count, const char* alarm,
             const std::string& href) {
  return Value::map({{"name", visit.say(key)},
                     {"count", count},
                     {"state_class", count > 0 ? alarm : ""},
                     {"href", href}});
}

std::string due_text(const Visit& visit, std::optional<Millis> due) {
  if (!due) return visit.say("desk_due_nothing");
  if (*due < kSecond) return visit.say("desk_due_now");
  return visit.say("desk_due", Value::map({{"time", time_text(now_ms() + *due)}}));
}

struct Counted {
  std::vector<chart::Point> hours, days;  // oldest first, none left out
};

// The points' times are those at which they begin.
void add(std::vector<chart::Point>& points, Millis at, std::int64_t count) {
  const auto next = std::ranges::upper_bound(points, at, {}, &chart::Point::at);
  if (next != points.begin()) std::prev(next)->value += static_cast<double>(count);
}

Result<Counted> counted_of(const Visit& visit, Kind kind) {
  Counted counted;
  const Millis hour = now_ms() / kHour * kHour;
  for (int i = kHours; i-- > 0;) counted.hours.push_back({hour - i * kHour});
  for (Millis day = last_midnight(now_ms()); counted.days.size() < kDays;
       day = last_midnight(day - 12 * kHour)) {
    counted.days.insert(counted.days.begin(), {day});
  }
  const auto received = visit.store.received(kind, counted.days.front().at);
  if (!received) return std::unexpected(received.error());
  for (const auto& [at, count] : *received) {
    add(counted.hours, at, count);
    add(counted.days, at, count);
  }
  return counted;
}

std::int64_t sum_of(std::span<const chart::Point> points) {
  double sum = 0;
  for (const chart::Point& point : points) sum += point.value;
  return static_cast<std::int64_t>(sum);
}

Value chart_of(const Visit& visit, const std::string& word, const std::string& span,
               const std::vector<chart::Point>& points) {
  const std::string title = visit.say("chart_" + word + "s" + (span == "month" ? "_days" : ""));
  const std::string summary = visit.say("desk_" + span, Value::map({{"sum", sum_of(points)}}));
  const std::string element = "chart-" + word + "-" + span;
  return Value::map({{"title", title},
                     {"summary", summary},
                     {"svg", chart::bars({element, title, summary, span == "month"}, points)}});
}

Result<Value> kind_data(const Visit& visit, Kind kind) {
  const std::string word(name(kind));
  const auto stats = visit.store.stats(kind);
  if (!stats) return std::unexpected(stats.error());
  const auto due = visit.store.next_due(kind);
  if (!due) return std::unexpected(due.error());
  const auto counted = counted_of(visit, kind);
  if (!counted) return std::unexpected(counted.error());
  const auto state_link = [&](const char* state) {
    return address({{"desk", word + "s"}, {"state", state}});
  };
  Value numbers = Value::list(
      {number(visit, "desk_came_today", stats->today, "", address({{"desk", word + "s"}})),
       number(visit, "desk_came_week", sum_of(std::span(counted->days).last(7)), "",
              address({{"desk", word + "s"}})),
       number(visit, "desk_" + word + "_pending", stats->pending, "info", state_link("pending")),
       number(visit, "desk_" + word + "_failed", stats->failed, "error", state_link("failed"))});
  if (kind == Kind::lead) {
    numbers.append(number(visit, "desk_lead_done", stats->done, "", state_link("done")));
    numbers.append(number(visit, "desk_lead_spam", stats->spam, "warning", state_link("spam")));
  }
  return Value::map({{"heading", visit.say("desk_" + word + "s")},
                     {"numbers", numbers},
                     {"due", due_text(visit, *due)},
                     {"charts", Value::list({chart_of(visit, word, "two_days", counted->hours),
                                             chart_of(visit, word, "month", counted->days)})}});
}

// How full each portal's limit is, where that is known; portals of one host share theirs.
Value limits(const Visit& visit) {
  Value all = Value::array();
  std::set<std::string> hosts;
  for (const CalledPortal& portal : called_portals(visit.settings())) {
    const auto gate = visit.gates.current(portal.name);
    if (!gate || portal.bucket_size <= 0) continue;
    if (!hosts.insert(Webhook::portal_of(portal.url)).second) continue;
    all.append(check::limit_chart((*gate)->state().level, portal.bucket_size, portal.name,
                                  visit.templates, visit.language));
  }
  return all;
}

// Of a check, for the page.
Value told(const Visit& visit, std::string id, check::Group group, check::Finding finding) {
  const check::Row row{std::move(id), group, "", std::move(finding)};
  const check::Words words = check::words(row, &visit.templates, visit.language);
  return Value::map({{"state", check::name(row.finding.state)},
                     {"detail", words.detail},
                     {"remedy", words.remedy}});
}

// Null where nothing is watched.
Result<Value> missed(const Visit& visit, const std::vector<Store::Count>& counts) {
  if (visit.settings().watches.empty()) return Value();
  const auto rhythm = follower_fact(visit.store, Rhythm::kName);
  if (!rhythm) return std::unexpected(rhythm.error());
  return told(visit, "missed", check::Group::suite,
              check::missed_events(visit.settings(), counts, *rhythm));
}

// Null where nothing is on one disk only.
Value only_journaled(const Visit& visit, const std::vector<Store::Count>& counts) {
  if (!visit.store.is_shared()) return {};
  auto finding =
      check::only_journaled(journaled(visit.settings().data.dir), visit.store.is_away(), counts);
  if (finding.state == check::State::ok) return {};
  return told(visit, "journaled", check::Group::storage, std::move(finding));
}

// What the store tells.
Status add_numbers(const Visit& visit, Value& data) {
  Value kinds = Value::array();
  for (const Kind kind : {Kind::lead, Kind::event}) {
    auto one = kind_data(visit, kind);
    if (!one) return std::unexpected(one.error());
    kinds.append(std::move(*one));
  }
  const auto counts = visit.store.counts(now_ms() - kDay);
  if (!counts) return std::unexpected(counts.error());
  const auto unsent = missed(visit, *counts);
  if (!unsent) return std::unexpected(unsent.error());
  Value rows = Value::array();
  for (const auto& [name, count] : check::refused_by_reason(*counts))
    rows.append(Value::map({{"name", name}, {"count", count}}));
  data.set("kinds", kinds);
  data.set("limits", limits(visit));
  data.set("missed", *unsent);
  data.set("journaled", only_journaled(visit, *counts));
  data.set("counted", Value::map({{"has_refused", rows.size() > 0}, {"refused", rows}}));
  return {};
}

}  // namespace

// While a shared store is away there is still what this machine knows.
Answer show_today(const Visit& visit) {
  Value data = Value::array();
  const Status told = add_numbers(visit, data);
  if (!told && !visit.store.is_away()) return std::unexpected(refusal_of(visit, told.error()));
  if (!told) data.set("journaled", only_journaled(visit, {}));
  data.set("checks",
           check::verdict_form(visit.checks(kVerdictAge), visit.templates, visit.language));
  return page(visit, "today", data);
}

}  // namespace b24::desk
