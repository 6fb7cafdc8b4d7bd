// ignored: tells the owner, in the log, which fields are posted that the form does not take.
#pragma once

#include <string>
#include <vector>

#include "keep/store.h"
#include "settings/log.h"

namespace b24 {

// Each name once, as long as the store remembers it; no more than some hundred in all.
void tell_ignored(const std::vector<std::string>& names, Store& store, Log& log);

}  // namespace b24
