// log: the structured log: one JSON object a line, for calls, refusals and errors; secrets masked.
//
// The file is b24hooks.log in the data directory (or C_REST_LOGS_DIR), rotated by size. What cannot
// be written there goes to stderr, which the web server keeps. Never throws, never fails the
// caller. Safe from all threads and processes.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "settings/settings.h"
#include "value/value.h"

namespace b24 {

class Log {
 public:
  enum class Level { info, warning, error };

  // Where it is written.
  static std::filesystem::path file_of(const Settings& settings);
  // `page`: "index", "handler", "checkserver".
  Log(const Settings& settings, std::string page, Clock clock = now_ms);

  // {"time":...,"level":...,"page":...,"what":...} and then the fields. `what` is a stable name:
  // "call", "refused", "delivery".
  void write(Level level, std::string_view what, const Value& fields);
  void error(std::string_view what, const Error& error);
  // The same, but at most `per_minute` lines of this `what` a minute; how many were left out is in
  // the next one ("left_out").
  void write_bounded(Level level, std::string_view what, const Value& fields, int per_minute = 10) {
    write_bounded(
        level, what, [&] { return fields; }, per_minute);
  }
  // `fields` are made only for a line that is written.
  void write_bounded(Level level, std::string_view what, const std::function<Value()>& fields,
                     int per_minute = 10);
  void error_bounded(std::string_view what, const Error& error);

 private:
  // How many lines of one `what` were written in this minute.
  struct Bound {
    Millis minute = 0;
    int written = 0;
    int left_out = 0;
  };
  std::string page_;
  std::filesystem::path file_;
  bool blocked_;
  bool dump_;
  std::size_t max_size_;
  int keep_files_;
  Clock clock_;
  std::mutex mutex_;
  std::map<std::string, Bound, std::less<>> bounds_;
};

// One line for stderr, for what happens before there is a log: "b24hooks index: cause. remedy",
// escaped and masked.
void complain(std::string_view page, const Error& error);

}  // namespace b24
