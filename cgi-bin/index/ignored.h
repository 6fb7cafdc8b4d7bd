// ignored: tells the owner, in the log, which fields are posted that the form does not take.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "keep/store.h"
#include "settings/log.h"

namespace b24 {

// Safe from all threads.
class IgnoredFields {
 public:
  // Each name once, as long as the store remembers it; no more than some hundred in all.
  void tell(const std::vector<std::string>& names, Store& store, Log& log);

 private:
  std::mutex mutex_;
  std::string told_;  // names, each between line breaks
};

}  // namespace b24
