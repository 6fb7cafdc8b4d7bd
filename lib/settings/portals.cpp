// portals: see portals.h.
#include "settings/portals.h"

#include <algorithm>

#include "settings/settings_keys.h"

namespace b24 {

CalledPortal called_portal(const Settings& settings, std::string_view name) {
  const CallSettings& all = settings.call;
  if (name.empty())
    return {"", settings.crest.web_hook_url, "C_REST_WEB_HOOK_URL", all.bucket_size,
            all.bucket_drain};
  CalledPortal called{std::string(name), "", "[portal " + std::string(name) + "] webhook",
                      all.bucket_size, all.bucket_drain};
  for (const PortalSettings& portal : settings.portals) {
    if (portal.name.empty() || env_form(portal.name) != env_form(name)) continue;
    called.url = portal.webhook;
    if (portal.bucket_size != 0) called.bucket_size = portal.bucket_size;
    if (portal.bucket_drain != 0) called.bucket_drain = portal.bucket_drain;
  }
  return called;
}

std::vector<CalledPortal> called_portals(const Settings& settings) {
  std::vector<CalledPortal> all = {called_portal(settings, "")};
  for (const PortalSettings& portal : settings.portals)
    if (!portal.webhook.empty()) all.push_back(called_portal(settings, portal.name));
  return all;
}

}  // namespace b24
