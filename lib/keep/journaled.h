// journaled: what this machine's journal alone has: a store that several machines share is not
// known to have it on two nodes.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/clock.h"
#include "keep/store.h"

namespace b24 {

struct Journaled {
  static constexpr std::int64_t kMost = 10'000;
  std::int64_t count = 0;  // kMost: so many, or more
  Millis oldest = 0;       // when the first of them came; 0: there is none
};

// Asks no database: the ingester notes in its lock file up to where two nodes have it.
Journaled journaled(const std::filesystem::path& data_dir);
std::filesystem::path ingest_lock(const std::filesystem::path& journal_dir, Kind kind);

}  // namespace b24
