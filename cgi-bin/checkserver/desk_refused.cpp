// desk_refused: what was turned away of late, and what would let it in: the log's own lines.
#include <algorithm>
#include <ranges>

#include "base/text.h"
#include "check_seen.h"
#include "desk.h"

namespace b24::desk {
namespace {

constexpr std::size_t kRefused = 100;

bool is_refusal(const Value& line) {
  constexpr std::string_view kNames[] = {"refused", "robot_refused", "program_refused"};
  return std::ranges::find(kNames, line["what"].text()) != std::end(kNames);
}

// As the desk shows times; what is none as it is.
std::string time_of(const Value& line) {
  const std::string text = line["time"].text();
  const auto time = read_time(text, Zone::must_be_said);
  return time ? time_text(*time) : text;
}

Value row_of(const Visit& visit, const Value& line) {
  const std::string code = line["code"].text();
  std::string details;
  for (const char* name : {"page", "event", "address", "origin"}) {
    const std::string text = line[name].text();
    if (!text.empty()) details += (details.empty() ? "" : " · ") + text;
  }
  const std::string left_out = line["left_out"].text(), remedy = line["remedy"].text();
  const bool is_line = remedy.starts_with('[');  // of the settings: the same in all languages
  return Value::map(
      {{"time", time_of(line)},
       {"reason", visit.say_or("desk_refused_" + code, code)},
       {"details", details},
       {"cause", line["cause"]},
       {"line", is_line ? remedy : ""},
       {"remedy", is_line ? "" : visit.say_or("desk_refused_" + code + "_fix", remedy)},
       {"left_out",
        left_out.empty() ? "" : visit.say("desk_left_out", Value::map({{"count", left_out}}))}});
}

}  // namespace

Value refusals(const Settings& settings) {
  const std::vector<Value> lines = check::log_lines(settings);
  Value newest = Value::array();
  for (const Value& line : lines | std::views::reverse) {
    if (newest.size() < kRefused && is_refusal(line)) newest.append(line);
  }
  return newest;
}

Answer show_refused(const Visit& visit) {
  const Value newest = refusals(visit.settings());
  if (visit.wants("json")) return json_answer(Value::map({{"refused", newest}}));
  Value rows = Value::array();
  for (const Value::Member& line : newest.members()) rows.append(row_of(visit, line.value));
  const CRestSettings& log = visit.settings().crest;
  return page(visit, "refusals",
              Value::map({{"has_rows", rows.size() > 0},
                          {"rows", rows},
                          {"no_log", log.block_log || log.log_type_dump}}));
}

}  // namespace b24::desk
