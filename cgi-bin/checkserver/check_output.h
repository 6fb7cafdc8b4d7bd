// check_output: one report, many forms.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "value/value.h"
#include "web/page.h"

namespace b24::check {

// `templates` may be null: then ids and facts stand for words.

// {"verdict": "ok|warning|error", "version", "checked_at", "took_ms", "counts": {"ok", "info",
// "warning", "error"}, "checks": [{"id", "crest", "group", "state", "title", "detail", "remedy",
// "paste": [...], "metrics": {...}}]}; without "crest" and "metrics" where there are none.
Value json_form(const Report& report, const Templates* templates, std::string_view language);

// A table for a terminal, problems first.
std::string text_form(const Report& report, const Templates* templates, std::string_view language,
                      bool coloured);

// As CRest::checkServer prints it: [success] => Success!, or the errors by name.
std::string crest_form(const Report& report, const Templates* templates, std::string_view language);

// Prometheus' text format.
std::string metrics_form(const Report& report);

// {"errors", "warnings", "well"}: how many rows are so.
Value counts_of(const Report& report);

// --- A new installation's way to its first lead and its first event (check_guide.cpp) ---

// The catalogue has guide_NAME and, of a step whose `row` is null, guide_NAME_how.
struct GuideStep {
  std::string_view name;
  bool is_done = false;
  const Row* row = nullptr;  // of the report: what is in the way
};

// In their order; empty when a lead and an event have arrived.
std::vector<GuideStep> guide(const Report& report);

// The first step that is not done; null when there is none.
const GuideStep* next_step(const std::vector<GuideStep>& steps);

// --- The page ---

// What checkserver.mustache is filled with.
Value verdict_form(const Report& report, const Templates& templates, std::string_view language);
Value page_form(const Report& report, const Templates& templates, std::string_view language);

// {"title", "summary", "svg"}: how full the limit of this portal is (empty: of the one unnamed).
Value limit_chart(double level, double size, const std::string& portal, const Templates& templates,
                  std::string_view language);

// The same forms for those who get only the verdict.
Value json_verdict(State verdict);
std::string text_verdict(State verdict);
std::string crest_verdict(State verdict);
std::string metrics_verdict(State verdict);

}  // namespace b24::check
