// check_programs: checks of the programs themselves: versions, libraries, how they run.
#include <openssl/opensslv.h>
#include <unistd.h>

#include <filesystem>

#include "base/version.h"
#include "check_seen.h"
#include "keep/database.h"
#include "portal/http.h"
#include "settings/permission.h"
#include "site_url.h"

namespace b24::check {
namespace {

// The first SQLite that has all that the store's statements use: RETURNING.
constexpr int kOldestSqlite = 3'035'000;

std::string dotted(int sqlite) {
  return std::to_string(sqlite / 1'000'000) + "." + std::to_string(sqlite / 1'000 % 1'000) + "." +
         std::to_string(sqlite % 1'000);
}

Finding judge_version(const Seen&) {
  return info("seen", Value::map({{"version", kVersion}, {"compiler", __VERSION__}}));
}

Finding judge_curl(const Seen& seen) {
  if (seen.programs.curl_error)
    return failed("missing", *seen.programs.curl_error, State::error, {},
                  {"apt-get install libcurl4"});
  return ok("seen", Value::map({{"version", seen.programs.curl}}));
}

Finding judge_sqlite(const Seen& seen) {
  const Value facts =
      Value::map({{"version", dotted(seen.programs.sqlite)}, {"needed", dotted(kOldestSqlite)}});
  return seen.programs.sqlite < kOldestSqlite
             ? error("old", facts, {"apt-get install libsqlite3-0"})
             : ok("seen", facts);
}

Finding judge_libraries(const Seen& seen) {
  return ok("seen", Value::map({{"openssl", seen.programs.openssl}}));
}

Finding judge_process(const Seen& seen) {
  constexpr std::string_view kNames[] = {"CGI", "FastCGI", ""};
  const Place& place = seen.subject->place;
  // A site that only this machine reaches is somebody's trial.
  const bool trial =
      seen.subject->settings && is_loopback_url(seen.subject->settings->site.public_url);
  const bool root = seen.programs.user == "root" && place.mode != Mode::shell && !trial;
  const Value facts =
      Value::map({{"mode", kNames[static_cast<std::size_t>(place.mode)]},
                  {"server", place.web_server.empty() ? std::string("-") : place.web_server},
                  {"pid", std::int64_t{seen.programs.pid}},
                  {"threads", seen.programs.threads},
                  {"user", seen.programs.user}});
  return root ? warning("root", facts) : info(place.mode == Mode::shell ? "shell" : "seen", facts);
}

}  // namespace

std::span<const Check> program_checks() {
  static constexpr Check kChecks[] = {
      {"version", Group::programs, "", judge_version, Needs::nothing},
      {"curl", Group::programs, "curl_error", judge_curl, Needs::nothing},
      {"sqlite", Group::programs, "", judge_sqlite, Needs::nothing},
      {"libraries", Group::programs, "", judge_libraries, Needs::nothing},
      {"process", Group::programs, "", judge_process, Needs::nothing},
  };
  return kChecks;
}

ProgramsSeen look_at_programs() {
  ProgramsSeen seen;
  if (const Result<std::string> curl = Http::version(); curl) {
    seen.curl = *curl;
  } else {
    seen.curl_error = curl.error();
  }
  seen.sqlite = sqlite_version();
  seen.openssl = OPENSSL_VERSION_TEXT;
  seen.user = user_name(geteuid());
  seen.pid = getpid();
  std::error_code error;
  seen.dir = program().parent_path();
  const std::filesystem::directory_iterator tasks("/proc/self/task", error);
  seen.threads = static_cast<int>(std::distance(begin(tasks), end(tasks)));
  return seen;
}

}  // namespace b24::check
