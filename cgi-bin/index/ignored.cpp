// ignored: see ignored.h.
#include "ignored.h"

namespace b24 {

void tell_ignored(const std::vector<std::string>& names, Store& store, Log& log) {
  constexpr const char* kFact = "form.ignored";
  constexpr std::size_t kMostBytes = 4'000;
  if (names.empty()) return;
  std::string told = "\n" + store.recall(kFact).value_or(""), news;
  for (const std::string& name : names) {
    if (told.contains("\n" + name + "\n") || told.size() > kMostBytes) continue;
    told += name + "\n";
    news += (news.empty() ? "" : ", ") + name;
  }
  if (news.empty() || !store.remember(kFact, told.substr(1))) return;
  log.write(Log::Level::warning, "ignored_fields",
            Value::map({{"fields", news},
                        {"remedy", "name them in form.fields, or set form.unknown = comments"}}));
}

}  // namespace b24
