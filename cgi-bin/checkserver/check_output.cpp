// check_output: the forms for programs and terminals (the page's form is check_page.cpp).
#include "check_output.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "base/version.h"
#include "settings/settings_keys.h"
#include "value/php.h"
#include "web/server.h"

namespace b24::check {
namespace {

constexpr std::size_t kTextWidth = 100;
constexpr std::size_t kIndent = 10;

struct Help {
  std::string_view metric;
  std::string_view text;
};
constexpr Help kHelp[] = {
    {"synced_write_seconds", "Time that one synced write to the data directory took."},
    {"disk_free_bytes", "Free bytes on the file system of the data directory."},
    {"disk_free_inodes", "Free inodes on the file system of the data directory."},
    {"leaking_paths", "Files that the own site gave to a stranger."},
    {"portal_certificate_left_seconds", "Time until the portal's certificate expires."},
    {"portal_answer_seconds", "Time that the portal took for the check's batch."},
    {"portal_clock_offset_seconds", "How far this clock is ahead of the portal's."},
    {"bucket_level", "Calls in the portal's leaky bucket."},
    {"bucket_size", "Size of the portal's leaky bucket."},
    {"operating_seconds", "Operating time of the busiest method in ten minutes."},
    {"site_certificate_left_seconds", "Time until the own certificate expires."},
    {"test_event_seconds", "Time that the own handler took for a test event."},
    {"leads_today", "Leads received since midnight."},
    {"leads_pending", "Leads that wait to be delivered."},
    {"leads_failed", "Leads that the portal refused for good."},
    {"leads_oldest_pending_seconds", "Age of the oldest lead that waits."},
    {"events_today", "Events received since midnight."},
    {"events_pending", "Events with actions left to do."},
    {"events_failed", "Events whose actions failed for good."},
    {"events_oldest_pending_seconds", "Age of the oldest event with actions left to do."},
    {"delivery_last_run_age_seconds",
     "Time since the delivery last ran; it grows while nothing waits."},
    {"event_work_last_run_age_seconds", "Time since the work on events last ran; grows likewise."},
    {"event_lag_seconds", "Time from the sending of an event to its arrival, in the middle."},
    {"refused_last_day", "Refused requests of the last day."},
    {"spam_last_day", "Submissions dropped as spam in the last day."},
};

void metric(std::string& out, std::string_view name, std::string_view help) {
  out += "# HELP b24hooks_" + std::string(name) + " " + std::string(help) + "\n# TYPE b24hooks_" +
         std::string(name) + " gauge\n";
}

std::string_view help_of(std::string_view name) {
  const auto* found = std::ranges::find(kHelp, name, &Help::metric);
  return found == std::end(kHelp) ? std::string_view("A figure of checkserver.") : found->text;
}

std::string_view colour(State state) {
  constexpr std::string_view kColours[] = {"\033[32m", "\033[36m", "\033[33m", "\033[1;31m"};
  return kColours[static_cast<std::size_t>(state)];
}

// Every line but the first is indented. Whoever wrote the words (a portal, a visitor) must not
// steer the terminal.
std::string wrapped(std::string_view words, std::size_t column) {
  const std::string indent(kIndent, ' ');
  Lines lines;
  for (const std::string& line : text::split(words, "\n")) {
    lines.push_back(text::wrapped(text::for_log(line, 4000), kTextWidth, indent, column));
    column = kIndent;
  }
  return text::join(lines, "\n" + indent);
}

std::string text_row(const Row& row, const Templates* templates, std::string_view language,
                     bool coloured) {
  const Words w = words(row, templates, language);
  const State state = row.finding.state;
  std::string label(name(state));
  label.resize(kIndent - 2, ' ');
  std::string out = "  ";
  if (coloured) out += colour(state);
  out += label;
  if (coloured) out += "\033[0m";
  const std::string title = w.title + (w.detail.empty() ? "" : ": ");
  out += coloured ? "\033[1m" + title + "\033[0m" : title;
  out += wrapped(w.detail, kIndent + text::length_utf8(title)) + "\n";
  if (state < State::warning) return out;
  const std::string indent(kIndent, ' ');
  if (!w.remedy.empty()) out += indent + "-> " + wrapped(w.remedy, kIndent + 3) + "\n";
  for (const std::string& line : row.finding.paste) {
    out += indent + "   " + text::for_log(line, 4000) + "\n";
  }
  return out;
}

std::string heading(std::string_view title, bool coloured) {
  return coloured ? "\n\033[1m" + std::string(title) + "\033[0m\n"
                  : "\n" + std::string(title) + "\n";
}

std::string message_or(const Templates* templates, std::string_view language,
                       const std::string& key, std::string_view otherwise,
                       const Value& data = Value::array()) {
  return templates != nullptr ? templates->message(language, key, data) : std::string(otherwise);
}

// The row that is in the way is told among the problems.
std::string guide_text(const Report& report, const Templates* templates, std::string_view language,
                       bool coloured) {
  const std::vector<GuideStep> steps = guide(report);
  if (steps.empty()) return {};
  std::string out = heading(message_or(templates, language, "guide_title", "guide"), coloured);
  const GuideStep* next = next_step(steps);
  for (const GuideStep& step : steps) {
    const std::string key = "guide_" + std::string(step.name);
    const std::string title = message_or(templates, language, key, step.name);
    out += step.is_done ? "  [x]     " : &step == next ? "  [ ] ->  " : "  [ ]     ";
    out += (coloured && &step == next ? "\033[1m" + title + "\033[0m" : title) + "\n";
    if (&step != next) continue;
    const std::string how = step.row != nullptr ? words(*step.row, templates, language).detail
                                                : message_or(templates, language, key + "_how", "");
    out += std::string(kIndent, ' ') + wrapped(how, kIndent) + "\n";
  }
  return out;
}

}  // namespace

Value counts_of(const Report& report) {
  return Value::map({{"errors", report.count(State::error)},
                     {"warnings", report.count(State::warning)},
                     {"well", report.count(State::ok) + report.count(State::info)}});
}

Value json_form(const Report& report, const Templates* templates, std::string_view language) {
  Value checks = Value::array();
  for (const Row& row : report.rows) {
    const Words w = words(row, templates, language);
    Value check = Value::map({{"id", name_of(row)}});
    if (!row.portal.empty()) check.set("portal", row.portal);
    if (!row.crest.empty()) check.set("crest", row.crest);
    check.set("group", name(row.group));
    check.set("state", name(row.finding.state));
    check.set("title", w.title);
    check.set("detail", w.detail);
    check.set("remedy", w.remedy);
    check.set("paste", list_of(row.finding.paste));
    if (!row.finding.metrics.empty()) check.set("metrics", metrics_of(row.finding));
    checks.append(check);
  }
  return Value::map({{"verdict", name(report.verdict())},
                     {"version", kVersion},
                     {"checked_at", iso_time(report.at)},
                     {"took_ms", report.took},
                     {"counts", Value::map({{"ok", report.count(State::ok)},
                                            {"info", report.count(State::info)},
                                            {"warning", report.count(State::warning)},
                                            {"error", report.count(State::error)}})},
                     {"checks", checks}});
}

std::string text_form(const Report& report, const Templates* templates, std::string_view language,
                      bool coloured) {
  const State verdict = report.verdict();
  const std::string verdict_name(name(verdict));
  std::string title =
      message_or(templates, language, "checks_verdict_" + verdict_name, verdict_name);
  if (coloured) title = std::string(colour(verdict)) + title + "\033[0m";
  std::string out = "b24hooks " + std::string(kVersion) + ": " + title + "\n";
  out += message_or(templates, language, "checks_counts", "", counts_of(report)) + "\n";
  out += guide_text(report, templates, language, coloured);
  if (verdict != State::ok) {
    out += heading(message_or(templates, language, "checks_problems", "problems"), coloured);
    for (const State wanted : {State::error, State::warning}) {
      for (const Row& row : report.rows) {
        if (row.finding.state == wanted) out += text_row(row, templates, language, coloured);
      }
    }
  }
  for (const Group group : kGroups) {
    std::string rows;
    for (const Row& row : report.rows) {
      if (row.group == group && row.finding.state < State::warning) {
        rows += text_row(row, templates, language, coloured);
      }
    }
    const std::string group_name(name(group));
    if (rows.empty()) continue;
    out += heading(message_or(templates, language, "checks_group_" + group_name, group_name),
                   coloured) +
           rows;
  }
  return out;
}

std::string crest_form(const Report& report, const Templates* templates,
                       std::string_view language) {
  Value result = Value::array();
  for (const Row& row : report.rows) {
    if (row.finding.state != State::error) continue;
    const Words w = words(row, templates, language);
    result.set(row.crest.empty() ? name_of(row) : row.crest,
               w.title + ": " + w.detail + " " + w.remedy);
  }
  if (result.size() == 0) result.set("success", "Success!");
  return php::print_r(result);
}

std::string metrics_form(const Report& report) {
  std::string out = metrics_verdict(report.verdict());
  metric(out, "info", "Version of b24hooks.");
  out += "b24hooks_info{version=\"" + std::string(kVersion) + "\"} 1\n";
  metric(out, "check_run_seconds", "How long the checks took.");
  out +=
      "b24hooks_check_run_seconds " + Value(static_cast<double>(report.took) / 1000).text() + "\n";
  metric(out, "check_time_seconds", "When the checks were made, as Unix time.");
  out += "b24hooks_check_time_seconds " + std::to_string(report.at / 1000) + "\n";
  metric(out, "check_state", "State of each check: 0 ok, 1 info, 2 warning, 3 error.");
  for (const Row& row : report.rows) {
    out += "b24hooks_check_state{check=\"" + name_of(row) + "\",group=\"" +
           std::string(name(row.group)) + "\"} " +
           std::to_string(static_cast<int>(row.finding.state)) + "\n";
  }
  // Of several portals the figures of one name stand together, as Prometheus wants them.
  std::map<std::string, std::string> figures;
  for (const Row& row : report.rows) {
    const std::string portal =
        row.portal.empty() ? "" : "{portal=\"" + env_form(row.portal) + "\"}";
    for (const Metric& m : row.finding.metrics)
      figures[m.name] += "b24hooks_" + m.name + portal + " " + Value(m.value).text() + "\n";
  }
  for (const auto& [name, lines] : figures) {
    metric(out, name, help_of(name));
    out += lines;
  }
  return out;
}

Value json_verdict(State verdict) {
  return Value::map({{"verdict", name(verdict)}});
}

std::string text_verdict(State verdict) {
  return std::string(name(verdict)) + "\n";
}

std::string crest_verdict(State verdict) {
  return php::print_r(verdict == State::error ? Value::map({{"error", "Error"}})
                                              : Value::map({{"success", "Success!"}}));
}

std::string metrics_verdict(State verdict) {
  std::string out;
  metric(out, "verdict", "The worst state of all checks: 0 ok, 2 warning, 3 error.");
  return out + "b24hooks_verdict " + std::to_string(static_cast<int>(verdict)) + "\n";
}

}  // namespace b24::check
