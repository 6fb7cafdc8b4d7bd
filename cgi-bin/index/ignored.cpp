// ignored: see ignored.h.
#include "ignored.h"

namespace b24 {
namespace {

constexpr const char* kTold = "form.ignored";
constexpr std::size_t kMostBytes = 4'000;

}  // namespace

void IgnoredFields::tell(const std::vector<std::string>& names, Store& store, Log& log) {
  if (names.empty()) return;
  std::unique_lock lock(mutex_);
  // A process of one request has only the store to remember by.
  if (told_.empty()) told_ = "\n" + store.recall(kTold).value_or("");
  std::string news;
  for (const std::string& name : names) {
    if (told_.contains("\n" + name + "\n") || told_.size() > kMostBytes) continue;
    told_ += name + "\n";
    news += (news.empty() ? "" : ", ") + name;
  }
  const std::string all = told_.substr(1);
  lock.unlock();
  if (news.empty()) return;
  static_cast<void>(store.remember(kTold, all));
  log.write(Log::Level::warning, "ignored_fields",
            Value::map({{"fields", news},
                        {"remedy", "name them in form.fields, or set form.unknown = comments"}}));
}

}  // namespace b24
