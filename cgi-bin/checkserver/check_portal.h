// check_portal: what the two halves of the portal's checks both know.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "check_seen.h"
#include "settings/settings.h"

namespace b24::check {

// The portal's methods that these settings make us call, sorted. In the batch, number N is asked
// about by the command "methodN".
std::vector<std::string> used_methods(const Settings& settings);
// What every lead gets in this field; empty when nothing.
std::string fixed_value(const Settings& settings, std::string_view name);

}  // namespace b24::check
