// journal: what "accepted" means. Each request that a page has said yes to stands here, as it came,
// before the answer goes out; everything else is derived from it, now or again at any later time.
//
// <data>/journal holds segments <kind>-XXXXXXXX.journal (the number in hex, growing), mode 0600,
// and one lock file for each kind. All numbers are little-endian.
//
//   segment  "b24jrnl" and the version (one byte, 1), 8 random bytes (the salt), i64 time of its
//            making (ms since 1970, UTC), then records
//   record   "b24r", u32 length of the content, u32 CRC-32 of salt, length and content, content
//   content  i64 time (ms since 1970, UTC), then as u32 length and bytes each: id, key, query,
//            content type, body, address; nothing else
//   after it u32 length of the content again, so that the last record is found from the end
//
// Nothing is ever cut, and nothing rewritten but what the owner deletes: such a record becomes one
// of its time and length that holds nothing else, under the key "", which readers pass over. A
// record that is not whole (a crash in a write, a flipped bit) is passed over: the next one is
// found by its mark and proven by its CRC, which the salt keeps visitors from forging. A writer
// that finds the end not whole goes on in a new segment; so does the first one after a day, and one
// for which the segment has become too large.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "keep/store.h"

namespace b24 {

// Between two records: a segment, its salt (which tells it from another of the same number) and an
// offset in it. Of a place that nobody has read up to yet: all zero.
struct JournalPosition {
  std::uint32_t segment = 0;
  std::uint64_t salt = 0;
  std::uint64_t offset = 0;
  auto operator<=>(const JournalPosition&) const = default;

  // Whether it lies in the same segment, there or further on.
  bool covers(const JournalPosition& other) const {
    return segment == other.segment && salt == other.salt && offset >= other.offset;
  }

  std::string text() const;  // "segment:salt:offset" in hex
  // Of a text that is one, or goes on with a blank.
  static std::optional<JournalPosition> parse(const std::string& text);
};

struct Record {
  std::string id;   // always fresh: never made from what was sent
  std::string key;  // what makes two records the same thing, e.g. a form sent twice
  Millis at = 0;    // when it was accepted
  std::string query;
  std::string content_type;
  std::string body;
  std::string address;  // the client's
  JournalPosition end;  // where the next one begins; set by read
};

// The content of a record, ready to be appended.
std::string encode(const Record& record);

// Bytes that hold no record.
struct JournalDamage {
  std::string segment;  // its file's name
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::string why;  // "torn end", "not readable: ...", "no record", "... is missing"
};

struct JournalRead {
  std::vector<Record> records;  // in the order of their acceptance
  JournalPosition end;          // where to read on
  bool more = false;            // max_bytes ended it
  std::vector<JournalDamage> damage;
};

struct JournalSegment {
  std::uint32_t number = 0;
  std::filesystem::path file;
  std::uint64_t size = 0;
  Millis last_write = 0;
};

// One for all threads of a process; any number of processes.
class Journal {
 public:
  // Nothing is opened until it is needed: a CGI process pays for each thing that it opens.
  Journal(std::filesystem::path data_dir, std::string document_root, Kind kind);

  // Makes the directory.
  Status prepare() const;
  // All are on the disk when it returns, by one write and one sync. An Error means that none may be
  // taken for accepted (some may be there all the same; the next call begins a new segment).
  Status append(std::span<const std::string> encoded);

  // Whole records from `from` on, about `max_bytes` of them (at least one), as far as they are on
  // the disk: what a power cut could take back is not read. Of a segment that is not there any more
  // it goes on with the next, or with the oldest when the journal was begun anew.
  Result<JournalRead> read(const JournalPosition& from, std::size_t max_bytes) const;

  // Rewrites the records of this key in place, so that nothing is left of them but when they came;
  // durable when it returns.
  Status erase(std::string_view key) const;

  // Oldest first.
  Result<std::vector<JournalSegment>> segments() const;
  // Removes what is all before `position` and was last written to before `before`.
  Status forget(const JournalPosition& position, Millis before);

  const std::filesystem::path& dir() const { return dir_; }

 private:
  struct Segment;
  Result<std::shared_ptr<Segment>> usable(const FileHandle& lock);
  Result<std::shared_ptr<Segment>> begin(std::uint32_t number, const FileHandle& lock);
  Result<std::uint32_t> newest(const FileHandle& lock) const;
  Status sync(Segment& segment, std::uint64_t end);
  std::filesystem::path segment_file(std::uint32_t number) const;
  std::filesystem::path lock_file() const;
  JournalPosition synced_up_to(const JournalPosition& position) const;  // or further

  const std::filesystem::path data_dir_;
  const std::string document_root_;
  const std::filesystem::path dir_;
  const Kind kind_;
  std::mutex syncing_;  // taken first
  mutable std::mutex mutex_;
  std::shared_ptr<Segment> segment_;  // the newest, as far as this process knows
  mutable JournalPosition synced_;    // up to where it has made one durable
};

// Whoever fills the store (ingest.h) holds it.
std::filesystem::path ingest_lock(const std::filesystem::path& journal_dir, Kind kind);

// What this machine's journals alone have: a store that several machines share is not known to have
// it on two nodes.
struct Journaled {
  static constexpr std::int64_t kMost = 10'000;
  std::int64_t count = 0;  // kMost: so many, or more
  Millis oldest = 0;       // when the first of them came; 0: there is none
};
// Asks no database: the ingester notes in its lock file up to where two nodes have it.
Journaled journaled(const std::filesystem::path& data_dir);

}  // namespace b24
