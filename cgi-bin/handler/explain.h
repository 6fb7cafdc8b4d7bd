// explain: what each section of [on] would do with an event and why, for --explain; nothing is
// called, sent or run.
#pragma once

#include <string>

#include "base/clock.h"
#include "keep/store.h"
#include "settings/settings.h"

namespace b24 {

// Lines for a terminal, secrets masked. What the portal's call answered is taken from what the
// event's last run noted; before that, what depends on it is said to.
std::string explain(const Settings& settings, const Item& event, Millis now);

}  // namespace b24
