// check_page: what checkserver.mustache is filled with: verdict, problems, charts, groups.
#include <algorithm>

#include "base/version.h"
#include "chart.h"
#include "check_output.h"
#include "settings/settings_keys.h"
#include "web/server.h"

namespace b24::check {
namespace {

// A row for the template; a false value stands for what is not there.
Value row_data(const Row& row, const Templates& templates, std::string_view language) {
  const Words w = words(row, &templates, language);
  const std::string state(name(row.finding.state));
  std::string paste;
  for (const std::string& line : row.finding.paste) paste += line + "\n";
  const bool problem = row.finding.state >= State::warning;
  return Value::map({{"id", name_of(row)},
                     {"crest", row.crest},
                     {"state", state},
                     {"state_name", templates.message(language, "checks_state_" + state)},
                     {"title", w.title},
                     {"detail", w.detail},
                     {"remedy", problem ? w.remedy : std::string()},
                     {"paste", problem ? paste : std::string()}});
}

Value problems(const Report& report, const Templates& templates, std::string_view language) {
  Value rows = Value::array();
  for (const State wanted : {State::error, State::warning}) {
    for (const Row& row : report.rows) {
      if (row.finding.state == wanted) rows.append(row_data(row, templates, language));
    }
  }
  return rows;
}

// What is in the way has its row's words; its lines to paste stand with it below.
Value guide_data(const Report& report, const Templates& templates, std::string_view language) {
  const std::vector<GuideStep> steps = guide(report);
  const GuideStep* next = next_step(steps);
  Value all = Value::array();
  for (const GuideStep& step : steps) {
    const std::string key = "guide_" + std::string(step.name);
    Value data = Value::map({{"name", templates.message(language, key)},
                             {"done", step.is_done},
                             {"next", &step == next}});
    if (&step == next && step.row != nullptr) {
      data.set("row", row_data(*step.row, templates, language));
    } else if (&step == next) {
      data.set("how", templates.message(language, key + "_how"));
      data.set("form", step.name == "lead");
    }
    all.append(data);
  }
  return all;
}

Value groups(const Report& report, const Templates& templates, std::string_view language) {
  Value all = Value::array();
  for (const Group group : kGroups) {
    Value rows = Value::array();
    Report part;
    std::ranges::copy_if(report.rows, std::back_inserter(part.rows),
                         [&](const Row& row) { return row.group == group; });
    for (const Row& row : part.rows) rows.append(row_data(row, templates, language));
    const std::string state(name(part.verdict()));
    all.append(Value::map(
        {{"name", templates.message(language, "checks_group_" + std::string(name(group)))},
         {"state", state},
         {"state_name", templates.message(language, "checks_state_" + state)},
         {"count", static_cast<std::int64_t>(rows.size())},
         {"rows", rows}}));
  }
  return all;
}

Value chart_data(const std::string& id, const std::vector<chart::Point>& points, bool is_line,
                 const Templates& templates, std::string_view language) {
  double sum = 0, top = 0;
  bool any = false;
  for (const chart::Point& point : points) {
    if (!point.known) continue;
    sum += point.value;
    top = std::max(top, point.value);
    any |= is_line || point.value > 0;
  }
  const std::string title = templates.message(language, "chart_" + id);
  const std::string words =
      templates.message(language, any ? is_line ? "chart_top" : "chart_sum" : "chart_none",
                        Value::map({{"sum", sum}, {"top", chart::number(top)}}));
  const std::string element = "chart-" + id;
  const chart::Options options{element, title, words};
  return Value::map(
      {{"title", title},
       {"summary", words},
       {"svg", is_line ? chart::line(options, points) : chart::bars(options, points)}});
}

Value charts(const Report& report, const Templates& templates, std::string_view language) {
  Value all = Value::array();
  if (report.hours.empty()) return all;
  std::vector<chart::Point> leads, events, delivery;
  for (const Hour& hour : report.hours) {
    leads.push_back({hour.at, static_cast<double>(hour.leads)});
    events.push_back({hour.at, static_cast<double>(hour.events)});
    delivery.push_back({hour.at, static_cast<double>(hour.delivery) / 1000, hour.delivery >= 0});
  }
  all.append(chart_data("leads", leads, false, templates, language));
  all.append(chart_data("events", events, false, templates, language));
  all.append(chart_data("delivery", delivery, true, templates, language));
  const auto limits = std::ranges::find(report.rows, "portal_limits", &Row::id);
  if (limits == report.rows.end()) return all;
  const Value figures = metrics_of(limits->finding);
  if (const double size = figures["bucket_size"].real(); size > 0)
    all.append(limit_chart(figures["bucket_level"].real(), size, "", templates, language));
  return all;
}

}  // namespace

Value limit_chart(double level, double size, const std::string& portal, const Templates& templates,
                  std::string_view language) {
  const std::string title =
      templates.message(language, "chart_bucket") + (portal.empty() ? "" : " (" + portal + ")");
  const std::string words = templates.message(
      language, "chart_level", Value::map({{"level", chart::number(level)}, {"size", size}}));
  return Value::map(
      {{"title", title},
       {"summary", words},
       {"svg", chart::gauge({"chart-bucket" + env_form(portal), title, words}, level, size)}});
}

Value verdict_form(const Report& report, const Templates& templates, std::string_view language) {
  const std::string verdict(name(report.verdict()));
  const Value when = Value::map({{"time", chart::time_text(report.at, "%Y-%m-%d %H:%M:%S")},
                                 {"took", chart::number(static_cast<double>(report.took) / 1000)}});
  return Value::map({{"verdict", verdict},
                     {"verdict_name", templates.message(language, "checks_verdict_" + verdict)},
                     {"counts", templates.message(language, "checks_counts", counts_of(report))},
                     {"when", templates.message(language, "checks_when", when)}});
}

Value page_form(const Report& report, const Templates& templates, std::string_view language) {
  Value page = verdict_form(report, templates, language);
  const Value found = problems(report, templates, language);
  const Value drawn = charts(report, templates, language);
  const Value steps = guide_data(report, templates, language);
  for (const auto& [name, part] :
       {std::pair("guide", &steps), std::pair("problems", &found), std::pair("charts", &drawn)}) {
    page.set(std::string("has_") + name, part->size() > 0);
    page.set(name, *part);
  }
  page.set("version", kVersion);
  page.set("details", true);
  page.set("groups", groups(report, templates, language));
  return page;
}

}  // namespace b24::check
