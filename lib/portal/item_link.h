// item_link: where a person finds in the portal what was made of a lead.
#pragma once

#include <string>
#include <string_view>

#include "settings/settings.h"
#include "value/value.h"

namespace b24 {

// `result`: its number, or "deal:7" of what was commented instead. Empty when it is neither, or the
// portal is not known. `payload`: as cgi-bin/index/lead_sender.h has it.
std::string item_link(const Settings& settings, const Value& payload, std::string_view result);

}  // namespace b24
