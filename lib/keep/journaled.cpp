// journaled: see journaled.h.
#include "keep/journaled.h"

#include <algorithm>
#include <string>

#include "base/files.h"
#include "keep/journal.h"

namespace b24 {

std::filesystem::path ingest_lock(const std::filesystem::path& journal_dir, Kind kind) {
  return journal_dir / (std::string(name(kind)) + ".ingest.lock");
}

Journaled journaled(const std::filesystem::path& data_dir) {
  Journaled found;
  for (const Kind kind : {Kind::lead, Kind::event}) {
    const Journal journal(data_dir, "", kind);
    const std::string noted = read_file(ingest_lock(journal.dir(), kind), 100).value_or("");
    JournalPosition at = JournalPosition::parse(noted).value_or(JournalPosition());
    while (found.count < Journaled::kMost) {
      const auto read = journal.read(at, 1 << 20);
      if (!read || read->end == at) break;
      at = read->end;
      found.count += static_cast<std::int64_t>(read->records.size());
      for (const Record& each : read->records)
        found.oldest = found.oldest == 0 ? each.at : std::min(found.oldest, each.at);
    }
  }
  found.count = std::min(found.count, Journaled::kMost);
  return found;
}

}  // namespace b24
