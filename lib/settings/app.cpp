// app: the settings of the running process and the log that follows from them.
#include "settings/app.h"

#include <cstdlib>
#include <ctime>
#include <utility>

#include "settings/settings_place.h"

namespace b24 {

AppSource::AppSource(const Launch& launch, std::string page)
    : page_(std::move(page)),
      mode_(launch.mode),
      document_root_(variable(launch.environment, "DOCUMENT_ROOT")),
      settings_(launch.settings_file, launch.environment) {
  // Here, since the environment must not change once there are threads. A new time zone counts from
  // the next start.
  const Result<App> app = current();
  if (!app || app->settings->log.time_zone.empty()) return;
  setenv("TZ", app->settings->log.time_zone.c_str(), 1);
  tzset();
}

Result<App> AppSource::current() {
  Result<std::shared_ptr<const Settings>> settings = settings_.current();
  if (!settings) return std::unexpected(settings.error());
  const std::lock_guard lock(mutex_);
  if (app_.settings != *settings) {
    app_.settings = *settings;
    app_.log = std::make_shared<Log>(**settings, page_);
  }
  return app_;
}

Result<App> AppSource::current_for(const std::string& document_root) {
  Result<App> app = current();
  if (!app) return app;
  const std::lock_guard lock(mutex_);
  if (judged_ != app->settings || judged_root_ != document_root) {
    judgement_ = check_settings_outside_web(*app->settings, document_root);
    judged_ = app->settings;
    judged_root_ = document_root;
  }
  if (!judgement_) return std::unexpected(judgement_.error());
  return app;
}

}  // namespace b24
