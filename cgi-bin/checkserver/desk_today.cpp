// desk_today: how many leads and events there are, what comes next, two days as charts, and the
// portal's limit.
#include <map>

#include "chart.h"
#include "check_output.h"
#include "desk.h"

namespace b24::desk {
namespace {

constexpr Millis kChartHours = 48;
constexpr Millis kWeekHours = 7 * 24;

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

Result<Value> kind_data(const Visit& visit, Kind kind) {
  const std::string word(name(kind));
  const auto stats = visit.store.stats(kind);
  if (!stats) return std::unexpected(stats.error());
  const auto due = visit.store.next_due(kind, kind == Kind::event);
  if (!due) return std::unexpected(due.error());
  const Millis first = now_ms() / kHour * kHour - (kChartHours - 1) * kHour;
  const auto hours = visit.store.hours(kind, now_ms() / kHour * kHour - (kWeekHours - 1) * kHour);
  if (!hours) return std::unexpected(hours.error());
  std::map<Millis, double> counted;
  std::int64_t week = 0;
  for (const Store::Hour& hour : *hours) {
    counted[hour.hour] = static_cast<double>(hour.received);
    week += hour.received;
  }
  std::vector<chart::Point> points;
  double sum = 0;
  for (Millis i = 0; i < kChartHours; ++i) {
    points.push_back({first + i * kHour, counted[first + i * kHour]});
    sum += points.back().value;
  }
  const std::string title = visit.say("chart_" + word + "s");
  const std::string summary = visit.say("desk_two_days", Value::map({{"sum", sum}}));
  const std::string element = "chart-" + word;
  const auto state_link = [&](const char* state) {
    return address({{"desk", word + "s"}, {"state", state}});
  };
  Value numbers = Value::list(
      {number(visit, "desk_came_today", stats->today, "", address({{"desk", word + "s"}})),
       number(visit, "desk_came_week", week, "", address({{"desk", word + "s"}})),
       number(visit, "desk_" + word + "_pending", stats->pending, "info", state_link("pending")),
       number(visit, "desk_" + word + "_failed", stats->failed, "error", state_link("failed"))});
  if (kind == Kind::lead) {
    numbers.append(number(visit, "desk_lead_spam", stats->spam, "warning", state_link("spam")));
  }
  return Value::map({{"heading", visit.say("desk_" + word + "s")},
                     {"numbers", numbers},
                     {"due", due_text(visit, *due)},
                     {"chart_title", title},
                     {"summary", summary},
                     {"svg", chart::bars({element, title, summary, ""}, points)}});
}

// How full the portal's limit is; null while that is not known.
Value limit(const Visit& visit) {
  const int size = visit.settings().call.bucket_size;
  if (visit.gate == nullptr || size <= 0) return {};
  return check::limit_chart(visit.gate->state().level, size, visit.templates, visit.language);
}

// Of the last day, by reason.
Result<Value> refused(const Visit& visit) {
  const auto counts = visit.store.counts(now_ms() - kDay);
  if (!counts) return std::unexpected(counts.error());
  std::map<std::string, std::int64_t> totals;
  for (const Store::Count& count : *counts) {
    if (count.name.starts_with("refused.") || count.name.starts_with("spam."))
      totals[count.name] += count.count;
  }
  Value rows = Value::array();
  for (const auto& [name, count] : totals) {
    rows.append(Value::map({{"name", name}, {"count", count}}));
  }
  return rows;
}

}  // namespace

Answer show_today(const Visit& visit) {
  Value kinds = Value::array();
  for (const Kind kind : {Kind::lead, Kind::event}) {
    auto data = kind_data(visit, kind);
    if (!data) return std::unexpected(refusal_of(visit, data.error()));
    kinds.append(std::move(*data));
  }
  const auto rows = refused(visit);
  if (!rows) return std::unexpected(refusal_of(visit, rows.error()));
  return page(visit, "today",
              Value::map({{"kinds", kinds},
                          {"limit", limit(visit)},
                          {"has_refused", rows->size() > 0},
                          {"refused", *rows}}));
}

}  // namespace b24::desk
