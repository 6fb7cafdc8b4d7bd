// erase: removes an item with everything that was written of it here: its records in the journal,
// what the logs (b24hooks.log, hook.log, hook.jsonl, rotated ones too) say of it, but for who did
// what at the desk, and the item.
//
// In place, with as many bytes as before, so that neither who appends or reads nor rotation is
// disturbed. What stays: backups, stores that were put aside, logs that were packed or moved away.
#pragma once

#include "base/error.h"
#include "keep/store.h"
#include "settings/settings.h"

namespace b24 {

// Errors: those of Store::erase; a file that cannot be written. The item stays then, and to call
// again goes on; so it does after a crash.
Status erase_item(const Settings& settings, Store& store, const Item& item);

}  // namespace b24
