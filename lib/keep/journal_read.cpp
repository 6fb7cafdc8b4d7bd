// journal_read: reading a journal, past whatever is damaged in it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "keep/journal.h"
#include "keep/journal_format.h"

namespace b24 {
namespace {

using namespace journal_format;

constexpr std::size_t kWindow = 256 << 10;
constexpr std::size_t kSector = 4096;  // what a disk that cannot read one byte fails to read

// A segment's bytes, read a window at a time.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file)
      : file_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (file_.get() < 0 || ::fstat(file_.get(), &status) != 0) {
      fault_ = errno;
      return;
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
    std::string head;
    if (!read_at(file_.get(), 0, kSegmentHead, head)) fault_ = errno;
    head_ = parse_head(head);
  }

  // Nothing: it is none, or cannot be read.
  const std::optional<SegmentHead>& head() const { return head_; }
  int fault() const { return fault_; }
  // What is read is acted upon: it must not be taken back by a power cut.
  bool sync() { return ::fdatasync(file_.get()) == 0; }
  std::uint64_t size() const { return size_; }

  // Up to `count` bytes; valid until the next call. Fewer at the end, or when they cannot be read.
  std::string_view at(std::uint64_t offset, std::size_t count) {
    if (offset < start_ || offset + count > start_ + buffer_.size()) fill(offset, count);
    if (offset < start_ || offset > start_ + buffer_.size()) return {};
    return std::string_view(buffer_).substr(offset - start_, count);
  }

 private:
  void fill(std::uint64_t offset, std::size_t count) {
    const std::uint64_t left = offset < size_ ? size_ - offset : 0;
    start_ = offset;
    const std::size_t size = std::min<std::uint64_t>(left, std::max(count, kWindow));
    if (!read_at(file_.get(), offset, size, buffer_)) fault_ = errno;
  }

  FileHandle file_;
  int fault_ = 0;
  std::optional<SegmentHead> head_;
  std::uint64_t size_ = 0;
  std::uint64_t start_ = 0;
  std::string buffer_;
};

struct Found {
  std::uint64_t offset = 0;
  std::size_t length = 0;
  Record record;
};

std::optional<Found> whole_at(Reader& reader, std::uint64_t offset, std::uint64_t salt) {
  const auto length = length_of(reader.at(offset, kRecordHead));
  if (!length || offset + *length > reader.size()) return std::nullopt;
  const auto content = journal_format::open(reader.at(offset, *length), salt);
  if (!content) return std::nullopt;
  auto record = decode(*content);
  if (!record) return std::nullopt;
  return Found{offset, *length, std::move(*record)};
}

// The next whole record after `offset`, by its mark.
std::optional<Found> next_after(Reader& reader, std::uint64_t offset, std::uint64_t salt) {
  for (std::uint64_t at = offset + 1; at + kRecordHead + kRecordFoot <= reader.size();) {
    const std::string_view window = reader.at(at, kWindow);
    const std::size_t mark = window.find(kMark);
    if (mark == window.npos) {
      const std::uint64_t end = at + window.size();
      const bool is_readable = window.size() == kWindow || end == reader.size();
      at = is_readable ? end - kMark.size() + 1 : (end / kSector + 1) * kSector;
      continue;
    }
    at += mark;
    if (auto found = whole_at(reader, at, salt)) return found;
    ++at;
  }
  return std::nullopt;
}

// One call of read: what it has gathered so far.
struct Walk {
  JournalRead out;
  std::size_t bytes = 0;
  std::size_t max_bytes = 0;

  bool is_full() const { return !out.records.empty() && bytes >= max_bytes; }
  void damaged(const JournalSegment& segment, std::uint64_t offset, std::uint64_t size,
               std::string why) {
    out.damage.push_back({segment.file.filename().string(), offset, size, std::move(why)});
  }
};

// A segment that cannot be read costs what is in it; what only happens to this process does not.
bool is_lost(int fault) {
  return fault == 0 || fault == EIO || fault == EACCES || fault == ENOENT;
}

// Reads on in a segment from walk.out.end; true when it has been read to its end and a later one
// goes on. `synced`: up to where this process knows of one.
Result<bool> read_segment(const JournalSegment& segment, JournalPosition& synced, bool is_last,
                          Walk& walk) {
  Reader reader(segment.file);
  const auto& head = reader.head();
  const bool is_synced = head && synced.covers({segment.number, head->salt, reader.size()});
  if (!is_lost(reader.fault()) || (reader.fault() == 0 && !is_synced && !reader.sync())) {
    return std::unexpected(system_error(ErrorKind::storage, segment.file.string(), errno));
  }
  if (head && !is_synced) synced = {segment.number, head->salt, reader.size()};
  JournalPosition& end = walk.out.end;
  if (!head) {
    if (is_last) return false;
    walk.damaged(segment, 0, segment.size,
                 reader.fault() != 0 ? std::string("not readable: ") + std::strerror(reader.fault())
                                     : "no segment of this version");
    return true;
  }
  if (end.segment != segment.number || end.salt != head->salt) {
    end = {segment.number, head->salt, kSegmentHead};
  }
  while (!walk.is_full() && end.offset < reader.size()) {
    auto found = whole_at(reader, end.offset, head->salt);
    if (!found) {
      found = next_after(reader, end.offset, head->salt);
      if (!is_lost(reader.fault()))
        return std::unexpected(
            system_error(ErrorKind::storage, segment.file.string(), reader.fault()));
      // Of the last segment this may be a record that is being written.
      if (!found && is_last) return false;
      const std::uint64_t resumed = found ? found->offset : reader.size();
      walk.damaged(segment, end.offset, resumed - end.offset, found ? "no record" : "torn end");
      end.offset = resumed;
      if (!found) break;
    }
    end.offset = found->offset + found->length;
    walk.bytes += found->length;
    found->record.end = end;
    if (!found->record.key.empty()) walk.out.records.push_back(std::move(found->record));
  }
  return !is_last && end.offset >= reader.size();
}

// REQUIRES: the lock of those who append: they look at the end of the file.
Status blank(const JournalSegment& segment, std::uint64_t salt, const Found& found) {
  const FileHandle file(::open(segment.file.c_str(), O_RDWR | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
    return file_failure(segment.file, "open");
  Record empty;
  empty.at = found.record.at;
  const std::size_t least = kRecordHead + encode(empty).size() + kRecordFoot;
  empty.body.assign(found.length - least, '\0');
  const auto offset = static_cast<off_t>(found.offset);
  auto written = write_at(file, segment.file, seal(encode(empty), salt), offset);
  if (written) written = sync_file(file, segment.file);
  // It is not kept any longer for that.
  const timespec times[] = {status.st_atim, status.st_mtim};
  if (written) ::futimens(file.get(), times);
  return written;
}

}  // namespace

Status Journal::erase(std::string_view key) const {
  const auto all = segments();
  if (!all) return std::unexpected(all.error());
  for (const JournalSegment& segment : *all) {
    Reader reader(segment.file);
    const auto& head = reader.head();
    if (!head) continue;
    for (std::uint64_t offset = kSegmentHead; offset < reader.size();) {
      auto found = whole_at(reader, offset, head->salt);
      if (!found) found = next_after(reader, offset, head->salt);
      if (!found) break;
      offset = found->offset + found->length;
      if (found->record.key != key) continue;
      const auto locked = open_locked(lock_file());
      if (!locked) return std::unexpected(locked.error());
      if (auto done = blank(segment, head->salt, *found); !done) return done;
    }
  }
  return {};
}

Result<JournalRead> Journal::read(const JournalPosition& from, std::size_t max_bytes) const {
  const auto all = segments();
  if (!all) return std::unexpected(all.error());
  Walk walk{{{}, from, false, {}}, 0, max_bytes};
  if (all->empty()) return walk.out;
  JournalPosition synced = synced_up_to({});
  auto segment = std::ranges::lower_bound(*all, from.segment, {}, &JournalSegment::number);
  if (segment == all->end()) {
    const FileHandle names(::open(lock_file().c_str(), O_RDONLY | O_CLOEXEC));
    const auto last = newest(names);
    if (!last || *last >= from.segment) return walk.out;
    segment = all->begin();  // the journal was begun anew
  }
  // Those between two that are there are told; of what is before the first nobody knows whether it
  // was read, or rightly removed.
  for (std::uint32_t before = segment->number; segment != all->end(); ++segment) {
    if (segment->number > before + 1) walk.damaged(*segment, 0, 0, "the one before it is missing");
    before = segment->number;
    const auto goes_on = read_segment(*segment, synced, std::next(segment) == all->end(), walk);
    if (!goes_on) return std::unexpected(goes_on.error());
    if (!*goes_on) break;
  }
  walk.out.more = walk.is_full();
  synced_up_to(synced);
  return walk.out;
}

JournalPosition Journal::synced_up_to(const JournalPosition& position) const {
  const std::lock_guard guard(mutex_);
  return synced_ = std::max(synced_, position);
}

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
