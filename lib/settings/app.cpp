// app: the settings of the running process and the log that follows from them.
#include "settings/app.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <utility>
#include <vector>

#include "base/exec.h"

namespace b24 {
namespace {

// Of an offset, as POSIX writes it: a name, then the offset with the sign the other way round.
std::string posix_zone(const std::string& zone) {
  if (!is_utc_offset(zone)) return zone;
  return "<" + zone.substr(0, 3) + ">" + (zone.starts_with('+') ? '-' : '+') + zone.substr(1);
}

bool is_for_child(std::string_view variable) {
  constexpr std::array<std::string_view, 6> kPrefixes = {
      "B24HOOKS_", "C_REST_", "TZ=", "PATH=", "LANG=", "LC_"};
  return std::ranges::any_of(kPrefixes,
                             [&](std::string_view prefix) { return variable.starts_with(prefix); });
}

}  // namespace

Status start_program(const Launch& launch, const std::filesystem::path& file,
                     const std::string& option) {
  std::vector<std::string> arguments = {file.string(), option};
  if (!launch.settings_file.empty())
    arguments.insert(arguments.end(), {"--settings", launch.settings_file});
  std::vector<std::string> environment;
  for (const char* const* variable = launch.environment; variable && *variable; ++variable)
    if (is_for_child(*variable)) environment.emplace_back(*variable);
  return start_detached(arguments, environment);
}

AppSource::AppSource(const Launch& launch, std::string page, Clock clock)
    : launch_(launch),
      page_(std::move(page)),
      document_root_(variable(launch.environment, "DOCUMENT_ROOT")),
      clock_(std::move(clock)) {
  // Here, since the environment must not change once there are threads. A new time zone counts from
  // the next start.
  const Result<App> app = current();
  if (app && app->settings->data.in_web_root) document_root_.clear();
  if (!app || app->settings->log.time_zone.empty()) return;
  setenv("TZ", posix_zone(app->settings->log.time_zone).c_str(), 1);
  tzset();
}

void AppSource::look() {
  const Millis now = clock_();
  // A clock that was set back counts as a second gone by.
  if (looked_at_ != 0 && now >= looked_at_ && now - looked_at_ < kSecond) return;
  looked_at_ = now;
  struct stat status {};
  const bool is_there = stat(launch_.settings_file.c_str(), &status) == 0;
  if (!is_there && app_.settings && !app_.settings->file.empty()) {
    fault_ = system_error(ErrorKind::settings, launch_.settings_file, errno);
    fault_->code = "no_settings_file";
    fault_->remedy = "put it back; until then what it said stays in use";
    stamp_ = {};
    return;
  }
  const std::array<long long, 4> stamp = {static_cast<long long>(status.st_ino), status.st_size,
                                          status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
  if (stamp == stamp_ && app_.settings) return;
  stamp_ = stamp;
  Result<Settings> fresh = load_settings(launch_.settings_file, launch_.environment);
  fault_ = fresh ? std::nullopt : std::optional(fresh.error());
  if (!fresh) return;
  app_.settings = std::make_shared<const Settings>(*std::move(fresh));
  app_.log = std::make_shared<Log>(*app_.settings, page_);
}

Result<App> AppSource::current() {
  const std::lock_guard lock(mutex_);
  look();
  if (!app_.settings) return std::unexpected(*fault_);
  return app_;
}

std::optional<Error> AppSource::settings_fault() {
  const std::lock_guard lock(mutex_);
  return fault_;
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
