// check_run: see check_run.h.
#include "check_run.h"

#include <unistd.h>

#include "base/files.h"

namespace b24::check {
namespace {

constexpr Millis kTimeLimit = 9'000;  // while there are no settings

bool is_young(const Report& report, Millis max_age) {
  const Millis age = now_ms() - report.at;
  return age >= 0 && age < max_age;
}

}  // namespace

Report Runner::fresh(const Place& place) {
  const Millis begun = now_ms();
  const auto subject =
      std::make_shared<const Subject>(subject_of(app_, templates_, stores_, gates_, place));
  const Millis limit = subject->settings ? subject->settings->checkserver.time_limit : kTimeLimit;
  Report report = judge(look(subject, limit));
  report.at = now_ms();
  report.took = report.at - begun;
  return report;
}

Report Runner::report(const Place& place, Millis max_age) {
  const std::lock_guard lock(mutex_);
  if (last_ && is_young(*last_, max_age)) return *last_;
  last_ = shared_or_new(place, max_age);
  if (!last_) last_ = fresh(place);
  return *last_;
}

// Nothing when the processes cannot share.
std::optional<Report> Runner::shared_or_new(const Place& place, Millis max_age) {
  const Result<App> app = app_.current();
  if (!app) return std::nullopt;
  const std::filesystem::path name = app->settings->data.dir / "checkserver.json";
  // Whoever waits here waits for the run of another process, and then has its result.
  const Result<FileHandle> file = open_locked(name, app->settings->checkserver.time_limit + 2'000);
  if (!file) return std::nullopt;
  const Result<Report> known = from_text(read_file(name, std::string::npos).value_or(""));
  if (known && is_young(*known, max_age)) {
    return *known;
  }
  Report report = fresh(place);
  const std::string text = to_text(report);
  // A file that is torn or stale is no JSON or old, and then simply made anew.
  if (ftruncate(file->get(), 0) == 0) static_cast<void>(write_at(*file, name, text, 0));
  return report;
}

}  // namespace b24::check
