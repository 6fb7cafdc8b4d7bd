// portals: the portals that are called: where each is, and how much it takes.
//
// The one without a name is C_REST_WEB_HOOK_URL's; others are the [portal NAME] that have a
// webhook.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.h"

namespace b24 {

struct CalledPortal {
  std::string name;
  std::string url;      // a password; empty when it is not set, or there is no such portal
  std::string setting;  // the key that sets it: "C_REST_WEB_HOOK_URL", "[portal shop] webhook"
  int bucket_size = 0;
  double bucket_drain = 0;
};

// Names are compared as those of sections are (settings_keys.h: env_form).
CalledPortal called_portal(const Settings& settings, std::string_view name);
// The one without a name first, whether its URL is set or not.
std::vector<CalledPortal> called_portals(const Settings& settings);

}  // namespace b24
