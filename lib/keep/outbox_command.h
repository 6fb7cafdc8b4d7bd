// outbox_command: what an owner asks of the store in the shell: --list, --search, --show, --retry,
// --spam, --delete, --salvage.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keep/store.h"

namespace b24 {

// Carries out the first of the options on stdout; the process's exit code: 0, 1 (not found, or the
// store cannot be used), EX_USAGE (not understood); nothing when it is none of these. --list and
// --retry all keep to the name and time of `only`. --retry makes what failed or waits due now, and
// calls `reopen` first: the owner has mended something, so the portal is asked at once. --salvage
// is of both kinds, in whichever program a site has; 1 also when something could not be read.
std::optional<int> outbox_command(StoreSource& stores, Kind kind,
                                  const std::vector<std::pair<std::string, std::string>>& arguments,
                                  const std::function<void()>& reopen, const ListFilter& only = {});

// The item of a whole id, or how one begins (the reference that a visitor was given); told on
// stderr when there is none.
std::optional<Item> look_for(Store& store, Kind kind, const std::string& id);

}  // namespace b24
