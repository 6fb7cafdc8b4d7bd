// check_leaks: asks the own site, as anybody could, for files that nobody may have.
#include <algorithm>
#include <filesystem>

#include "check_seen.h"
#include "http.h"
#include "secret.h"
#include "site_url.h"

namespace b24::check {
namespace {

// Names under which settings, stores, logs and backups have been found on web servers.
constexpr std::string_view kPaths[] = {"settings.conf",
                                       "conf/settings.conf",
                                       "settings.conf~",
                                       "settings.conf.bak",
                                       "settings.conf.old",
                                       "settings.json",
                                       "data/",
                                       "data/store.db",
                                       "data/store.db-wal",
                                       "data/hook.log",
                                       "data/b24hooks.log",
                                       "store.db",
                                       "store.db-wal",
                                       "hook.log",
                                       "hook.log.1",
                                       "logs/",
                                       "b24hooks.log",
                                       ".git/HEAD",
                                       ".git/config",
                                       ".env",
                                       "cgi-bin/index.fcgi",
                                       "templates/messages.en.conf~"};
constexpr std::size_t kEnough = 64 << 10;  // bytes: a bigger answer is a served file

struct Given {
  int status = 0;
  std::string body;
};

// What the site gives to anybody; an error when it cannot be asked.
std::expected<Given, Error> fetch(Http& http, const std::string& url) {
  HttpRequest request;
  request.method = "GET";
  request.url = url;
  request.headers = {"Range: bytes=0-1023"};
  const auto answer = http.send(request);
  if (answer) return Given{answer->status, answer->body};
  if (answer.error().error.code == "too_large") return Given{200, "too large"};
  return std::unexpected(answer.error().error);
}

bool is_given(int status) {
  return status >= 200 && status < 300;
}

// The files that this installation really has, where the web server would give them.
std::vector<std::string> own_paths(const Subject& subject) {
  std::vector<std::string> paths;
  if (subject.place.document_root.empty()) return paths;
  const Settings& settings = *subject.settings;
  for (const std::filesystem::path& file :
       {settings.file, settings.data.dir / "store.db", settings.data.dir / "hook.log"}) {
    std::error_code error;
    const auto relative = std::filesystem::relative(file, subject.place.document_root, error);
    if (!error && !relative.empty() && *relative.begin() != "..") paths.push_back(relative);
  }
  return paths;
}

}  // namespace

LeaksSeen look_for_leaks(const Subject& subject) {
  LeaksSeen seen;
  const Settings& settings = *subject.settings;
  seen.base = settings.site.public_url;
  if (seen.base.empty()) return seen;
  Http http(own_site_options(settings, kEnough));
  // A site that answers 200 to everything gives the same page for a name that cannot exist.
  const auto nothing = fetch(http, seen.base + "b24hooks-" + secret::new_id());
  if (!nothing) {
    seen.error = nothing.error();
    return seen;
  }
  // Then every answer is "elsewhere", and says nothing of what is given there.
  seen.redirects = nothing->status >= 300 && nothing->status < 400;
  if (seen.redirects) return seen;
  std::vector<std::string> paths(std::begin(kPaths), std::end(kPaths));
  for (std::string& path : own_paths(subject)) {
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  const Millis deadline = now_ms() + settings.checkserver.time_limit - 1'000;
  for (const std::string& path : paths) {
    if (now_ms() > deadline) break;
    const auto given = fetch(http, seen.base + path);
    if (!given) {
      seen.error = given.error();
      return seen;
    }
    const bool same_page = is_given(nothing->status) && given->body == nothing->body;
    seen.paths.push_back({path, given->status, is_given(given->status) && !same_page});
  }
  return seen;
}

namespace {

Finding judge_leaks(const Seen& seen) {
  const Subject& subject = *seen.subject;
  if (!subject.settings) return {.state = State::info, .name = "no_settings"};
  if (subject.settings->site.public_url.empty()) {
    return {.state = State::info, .name = "no_public_url"};
  }
  if (!seen.leaks) return {.state = State::warning, .name = "late"};
  if (seen.leaks->error) return failed("unreachable", *seen.leaks->error, State::warning);
  if (seen.leaks->redirects) {
    return {.state = State::warning,
            .name = "redirects",
            .facts = Value::map({{"base", seen.leaks->base}})};
  }
  std::string leaking;
  std::int64_t count = 0;
  for (const Served& served : seen.leaks->paths) {
    if (!served.leaks) continue;
    leaking += (leaking.empty() ? "" : ", ") + seen.leaks->base + served.path;
    ++count;
  }
  return {.state = count == 0 ? State::ok : State::error,
          .name = count == 0 ? "refused" : "served",
          .facts = Value::map({{"asked", static_cast<std::int64_t>(seen.leaks->paths.size())},
                               {"leaking", leaking},
                               {"base", seen.leaks->base}}),
          .metrics = {{"leaking_paths", static_cast<double>(count)}}};
}

constexpr Check kChecks[] = {{"leaks", Group::leaks, "", judge_leaks}};

}  // namespace

std::span<const Check> leak_checks() {
  return kChecks;
}

}  // namespace b24::check
