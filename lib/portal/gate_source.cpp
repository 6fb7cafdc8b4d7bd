// gate_source: see gate_source.h.
#include "portal/gate_source.h"

#include "portal/webhook.h"

namespace b24 {

Result<std::shared_ptr<Gate>> GateSource::current(int reserve) {
  Result<App> app = app_.current();
  if (!app) return std::unexpected(app.error());
  const Settings& settings = *app->settings;
  const std::string portal = Webhook::portal_of(settings.crest.web_hook_url);
  const std::string key = settings.data.dir.string() + "\n" + portal + "\n" +
                          std::to_string(settings.call.bucket_size) + "\n" +
                          std::to_string(settings.call.bucket_drain);
  const std::lock_guard lock(mutex_);
  if (gates_for_ != key) gates_.clear();
  gates_for_ = key;
  if (const auto known = gates_.find(reserve); known != gates_.end()) return known->second;
  Result<std::shared_ptr<Gate>> gate = Gate::open(
      settings.data.dir, portal, {settings.call.bucket_size, settings.call.bucket_drain, reserve},
      [log = app->log](const Error& error) { log->error("gate", error); });
  if (gate) gates_.emplace(reserve, *gate);
  return gate;
}

}  // namespace b24
