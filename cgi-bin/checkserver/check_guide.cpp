// check_guide: a new installation's way to its first lead and its first event.
#include <algorithm>
#include <array>

#include "check_output.h"

namespace b24::check {
namespace {

// A step is done when no row of it is in the way, or, with `arrival`, when such a thing has come.
struct Step {
  std::string_view name;
  std::array<std::string_view, 6> rows;
  std::string_view arrival = {};
};
constexpr Step kSteps[] = {
    {"settings", {"settings", "settings_privacy", "form"}},
    {"storage", {"data_dir", "write", "store"}},
    {"webhook",
     {"webhook_url", "portal_address", "portal_tls", "portal_answer", "portal_scope",
      "portal_methods"}},
    {"lead", {}, "leads"},
    {"address", {"public_url", "site_tls"}},
    {"token", {"token", "test_event"}},
    {"event", {}, "events"},
};

const Row* find_row(const Report& report, std::string_view id) {
  const auto found = std::ranges::find(report.rows, id, &Row::id);
  return found == report.rows.end() ? nullptr : &*found;
}

bool is_in_the_way(const Row& row) {
  return row.finding.state == State::error || row.finding.name == "missing";
}

// Without settings, or without the store, nobody has looked.
bool was_looked_at(const Row& row) {
  return row.finding.name != "no_settings" && row.finding.name != "no_store";
}

bool has_arrived(const Report& report, std::string_view row) {
  const Row* found = find_row(report, row);
  return found != nullptr && found->finding.facts["arrived"].boolean();
}

}  // namespace

std::vector<GuideStep> guide(const Report& report) {
  if (has_arrived(report, "leads") && has_arrived(report, "events")) return {};
  std::vector<GuideStep> steps;
  for (const Step& step : kSteps) {
    GuideStep made{step.name, step.arrival.empty() || has_arrived(report, step.arrival)};
    for (const std::string_view id : step.rows) {
      const Row* row = find_row(report, id);
      if (row == nullptr) continue;
      made.is_done = made.is_done && was_looked_at(*row) && !is_in_the_way(*row);
      if (made.row == nullptr && is_in_the_way(*row)) made.row = row;
    }
    steps.push_back(made);
  }
  return steps;
}

const GuideStep* next_step(const std::vector<GuideStep>& steps) {
  const auto next = std::ranges::find(steps, false, &GuideStep::is_done);
  return next == steps.end() ? nullptr : &*next;
}

}  // namespace b24::check
