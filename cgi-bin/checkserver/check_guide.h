// check_guide: a new installation's way to its first lead and its first event.
#pragma once

#include <string_view>
#include <vector>

#include "check.h"

namespace b24::check {

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

}  // namespace b24::check
