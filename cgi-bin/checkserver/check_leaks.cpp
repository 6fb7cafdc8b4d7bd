// check_leaks: asks the own site, as anybody could, for files that nobody may have.
#include <algorithm>
#include <filesystem>

#include "base/secret.h"
#include "base/text.h"
#include "check_seen.h"
#include "portal/http.h"
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

// Where the web server would give the files that this installation really has.
std::vector<std::string> own_urls(const Subject& subject) {
  std::vector<std::string> urls;
  if (subject.place.document_root.empty()) return urls;
  const Settings& settings = *subject.settings;
  const std::string origin = std::string(text::origin_of(settings.site.public_url)) + "/";
  for (const std::filesystem::path& file :
       {settings.file, settings.data.dir / "store.db", settings.data.dir / "hook.log"}) {
    std::error_code error;
    const auto relative = std::filesystem::relative(file, subject.place.document_root, error);
    if (!error && !relative.empty() && *relative.begin() != "..")
      urls.push_back(origin + relative.string());
  }
  return urls;
}

std::vector<std::string> urls_to_ask(const Subject& subject) {
  std::vector<std::string> urls;
  for (const std::string_view path : kPaths) {
    urls.push_back(subject.settings->site.public_url + std::string(path));
  }
  for (std::string& url : own_urls(subject))
    if (std::ranges::find(urls, url) == urls.end()) urls.push_back(std::move(url));
  return urls;
}

}  // namespace

LeaksSeen look_for_leaks(const Subject& subject) {
  LeaksSeen seen;
  const Settings& settings = *subject.settings;
  seen.base = settings.site.public_url;
  if (seen.base.empty()) return seen;
  Http http(checking_options(settings, kEnough));
  // A site that answers 200 to everything gives the same page for a name that cannot exist.
  const auto nothing = fetch(http, seen.base + "b24hooks-" + secret::new_id());
  if (!nothing) {
    seen.error = nothing.error();
    return seen;
  }
  // Then every answer is "elsewhere", and says nothing of what is given there.
  seen.redirects = nothing->status >= 300 && nothing->status < 400;
  if (seen.redirects) return seen;
  const Millis deadline = now_ms() + settings.checkserver.time_limit / 2;
  for (const std::string& url : urls_to_ask(subject)) {
    seen.cut_short = now_ms() > deadline;
    if (seen.cut_short) break;
    const auto given = fetch(http, url);
    if (!given) {
      seen.error = given.error();
      return seen;
    }
    const bool same_page = is_given(nothing->status) && given->body == nothing->body;
    seen.served.push_back({url, given->status, is_given(given->status) && !same_page});
  }
  return seen;
}

namespace {

Finding judge_leaks(const Seen& seen) {
  const Subject& subject = *seen.subject;
  if (subject.settings->site.public_url.empty()) {
    if (subject.settings->data.in_web_root) return error("unasked");
    return info("no_public_url");
  }
  if (!seen.leaks) return warning("late");
  const LeaksSeen& leaks = *seen.leaks;
  Lines leaking;
  for (const Served& served : leaks.served)
    if (served.leaks) leaking.push_back(served.url);
  // A leak is one, whatever happened to the questions after it.
  if (leaking.empty() && leaks.error) return failed("unreachable", *leaks.error, State::warning);
  const Value facts = Value::map({{"asked", static_cast<std::int64_t>(leaks.served.size())},
                                  {"leaking", text::join(leaking, ", ")},
                                  {"base", leaks.base}});
  return measured(!leaking.empty()  ? error("served", facts)
                  : leaks.redirects ? warning("redirects", facts)
                  : leaks.cut_short ? warning("cut_short", facts)
                                    : ok("refused", facts),
                  {{"leaking_paths", static_cast<double>(leaking.size())}});
}

}  // namespace

std::span<const Check> leak_checks() {
  static constexpr Check kChecks[] = {{"leaks", Group::leaks, "", judge_leaks}};
  return kChecks;
}

}  // namespace b24::check
