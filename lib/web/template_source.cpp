// template_source: keeps the templates of a running process fresh.
#include <sys/stat.h>

#include "web/page.h"
#include "web/template_files.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

std::string stamp_of(const fs::path& dir) {
  std::string stamp;
  for (const std::string& name : template_files(dir)) {
    struct stat status {};
    if (stat((dir / name).c_str(), &status) != 0) continue;
    stamp += name + " " + std::to_string(status.st_size) + " " +
             std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) +
             "\n";
  }
  return stamp;
}

}  // namespace

std::set<std::string> template_files(const fs::path& dir) {
  std::set<std::string> names;
  std::error_code fault;
  for (fs::directory_iterator entry(dir, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) continue;
    if (name.ends_with(kTemplate) || name.ends_with(kStyle) || name.ends_with(kScript) ||
        (name.starts_with(kMessages) && name.ends_with(kConf))) {
      names.insert(name);
    }
  }
  return names;
}

Result<std::shared_ptr<const Templates>> TemplateSource::current() {
  const std::lock_guard lock(mutex_);
  if (is_due()) {
    Result<std::shared_ptr<const Templates>> fresh =
        page_.empty() ? Templates::load(dir_) : Templates::open(dir_, page_);
    fault_ = fresh ? (*fresh)->warning() : std::optional(fresh.error());
    if (fresh && (!fault_ || !templates_)) templates_ = std::move(*fresh);
  }
  if (templates_) return templates_;
  return std::unexpected(*fault_);
}

bool TemplateSource::is_due() {
  const bool first = !templates_ && !fault_;
  if (!page_.empty()) return first;
  const Millis now = clock_();
  // A clock that was set back counts as a second gone by.
  if (!first && now >= looked_at_ && now - looked_at_ < 1000) return false;
  looked_at_ = now;
  std::string stamp = stamp_of(dir_);
  if (!first && stamp == stamp_) return false;
  stamp_ = std::move(stamp);
  return true;
}

std::optional<Error> TemplateSource::fault() {
  const std::lock_guard lock(mutex_);
  return fault_;
}

}  // namespace b24
