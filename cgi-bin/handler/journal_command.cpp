// journal_command: see journal_command.h.
#include "journal_command.h"

#include <sysexits.h>

#include <functional>
#include <iostream>

#include "base/text.h"
#include "settings/log.h"

namespace b24 {
namespace {

constexpr std::size_t kBytesARead = 1 << 20;

void print_damage(const JournalDamage& damage) {
  std::cout << damage.segment << " at " << damage.offset << ": " << damage.size
            << " bytes are lost: " << damage.why << "\n";
}

// The whole journal, a read at a time.
Status for_each_read(const Journal& journal, const std::function<void(const JournalRead&)>& visit) {
  JournalPosition at;
  for (;;) {
    const Result<JournalRead> read = journal.read(at, kBytesARead);
    if (!read) return std::unexpected(read.error());
    visit(*read);
    if (read->end == at) return {};
    at = read->end;
  }
}

void print_record(const Record& record) {
  std::cout << record.end.text() << "  " << iso_time(record.at) << "  " << record.id << "  "
            << text::for_log(record.key, 64) << "  " << record.body.size() << " bytes\n";
}

int verify(const Journal& journal) {
  const Result<std::vector<JournalSegment>> segments = journal.segments();
  if (!segments) return complain("handler", segments.error()), 1;
  for (const JournalSegment& segment : *segments) {
    std::cout << segment.file.filename().string() << "  " << iso_time(segment.last_write) << "  "
              << segment.size << " bytes\n";
  }
  std::size_t records = 0;
  std::size_t damages = 0;
  JournalPosition end;
  const Status done = for_each_read(journal, [&](const JournalRead& read) {
    records += read.records.size();
    damages += read.damage.size();
    for (const JournalDamage& damage : read.damage) print_damage(damage);
    end = read.end;
  });
  if (!done) return complain("handler", done.error()), 1;
  if (!segments->empty() && segments->back().number == end.segment &&
      end.offset < segments->back().size) {
    ++damages;
    std::cout << segments->back().file.filename().string() << " at " << end.offset
              << ": the end is not whole (or is being written)\n";
  }
  std::cout << records << " records, " << damages << " damages\n";
  return damages == 0 ? 0 : 1;
}

}  // namespace

int journal_command(const Journal& journal, const std::string& what) {
  if (what == "verify") return verify(journal);
  if (what != "list") {
    std::cerr << "--journal takes list or verify\n";
    return EX_USAGE;
  }
  const Status done = for_each_read(journal, [](const JournalRead& read) {
    for (const Record& record : read.records) print_record(record);
    for (const JournalDamage& damage : read.damage) print_damage(damage);
  });
  if (!done) return complain("handler", done.error()), 1;
  return 0;
}

}  // namespace b24
