// app: the settings of the running process and the log that follows from them, kept fresh while it
// lives.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "settings/log.h"
#include "settings/settings.h"

namespace b24 {

enum class Mode { cgi, fastcgi, shell };

// Where the process runs: what a page is made from.
struct Launch {
  Mode mode = Mode::shell;
  std::string settings_file;  // found by find_settings
  const char* const* environment = nullptr;
};

// Starts a program of ours on its own, with one option, by the settings of this process. What a
// request has put into the environment does not reach it.
Status start_program(const Launch& launch, const std::filesystem::path& file,
                     const std::string& option);

// One version of the settings and what follows from them. Immutable; a request keeps the one that
// it began with.
struct App {
  std::shared_ptr<const Settings> settings;
  std::shared_ptr<Log> log;
};

// Keeps them fresh: looks at the file at most once a second and reads it again when it changed.
// While the new settings are broken the old ones stay. Safe from all threads.
class AppSource {
 public:
  // Sets the process's time zone to log.time_zone. REQUIRES: no other thread runs yet.
  AppSource(const Launch& launch, std::string page, Clock clock = now_ms);

  const std::string& page() const { return page_; }
  Mode mode() const { return launch_.mode; }
  // DOCUMENT_ROOT of the process's environment; empty when it has none, or data may lie there.
  const std::string& document_root() const { return document_root_; }
  // An Error only while there have never been good settings.
  Result<App> current();
  // The same for a request that came with this DOCUMENT_ROOT: an Error, too, when the settings lie
  // below it (settings_in_web_root).
  Result<App> current_for(const std::string& document_root);
  // Why the newest settings file is not in use; nothing when it is.
  std::optional<Error> settings_fault();

 private:
  void look();

  const Launch launch_;
  const std::string page_;
  std::string document_root_;
  const Clock clock_;
  std::mutex mutex_;
  Millis looked_at_ = 0;
  std::array<long long, 4> stamp_{};  // inode, size and time of change of what was read last
  App app_;
  std::optional<Error> fault_;
  std::shared_ptr<const Settings> judged_;  // by current_for, for this web root
  std::string judged_root_;
  Status judgement_;
};

}  // namespace b24
