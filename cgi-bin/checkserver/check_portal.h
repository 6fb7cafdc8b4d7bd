// check_portal: what the two halves of the portal's checks both know.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check_seen.h"
#include "settings/settings.h"

namespace b24::check {

// Whether the form's leads go to the portal of this name.
bool has_form(const Settings& settings, std::string_view portal);
// The portal's methods that these settings make us call, sorted. In the batch, number N is asked
// about by the command "methodN".
std::vector<std::string> used_methods(const Settings& settings, std::string_view portal = {});
// What every lead gets in this field; empty when nothing.
std::string fixed_value(const Settings& settings, std::string_view name);
// "2026-11-24T09:01:30+03:00" as milliseconds; nothing when it is no such text.
std::optional<Millis> parse_iso_time(std::string_view text);

}  // namespace b24::check
