// journal: appending: one write and one sync for all records of a round.
#include "keep/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>

#include "base/secret.h"
#include "keep/data_dir.h"
#include "keep/journal_format.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;
using namespace journal_format;

constexpr std::uint64_t kFull = 16 << 20;  // bytes, after which a new segment is begun

// A segment's number as its file and the lock file have it.
std::optional<std::uint32_t> segment_number(const std::string& hex) {
  std::uint32_t number = 0;
  const auto [end, fault] = std::from_chars(hex.data(), hex.data() + hex.size(), number, 16);
  if (fault != std::errc() || end != hex.data() + hex.size()) return std::nullopt;
  return number;
}

std::string hex_of(std::uint32_t number) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08" PRIx32, number);
  return digits;
}

}  // namespace

struct Journal::Segment {
  std::uint32_t number = 0;
  fs::path name;
  FileHandle file{-1};
  SegmentHead head;
  std::uint64_t whole = 0;  // up to here this process knows it to be whole
  bool doubtful = false;    // after an error: nobody knows what it ends with
  Status synced;            // the last sync
};

namespace {

// Whether what others have written behind `whole` ends with a whole record.
bool ends_whole(int file, std::uint64_t size, std::uint64_t salt) {
  if (size == kSegmentHead) return true;
  if (size < kSegmentHead + kRecordHead + kRecordFoot) return false;
  std::string bytes;
  read_at(file, size - kRecordFoot, kRecordFoot, bytes);
  if (bytes.size() != kRecordFoot) return false;
  const std::uint64_t length = kRecordHead + get(bytes, 0, 4) + kRecordFoot;
  if (length > size - kSegmentHead) return false;
  read_at(file, size - length, length, bytes);
  return journal_format::open(bytes, salt).has_value();
}

}  // namespace

std::string JournalPosition::text() const {
  char text[64];
  std::snprintf(text, sizeof text, "%08" PRIx32 ":%08" PRIx64 ":%08" PRIx64, segment, salt, offset);
  return text;
}

std::optional<JournalPosition> JournalPosition::parse(const std::string& text) {
  JournalPosition position;
  int end = 0;
  const int read = std::sscanf(text.c_str(), "%8" SCNx32 ":%16" SCNx64 ":%16" SCNx64 "%n",
                               &position.segment, &position.salt, &position.offset, &end);
  const char behind = text.c_str()[end];
  if (read != 3 || (behind != '\0' && behind != ' ')) return std::nullopt;
  return position;
}

Journal::Journal(fs::path data_dir, std::string document_root, Kind kind)
    : data_dir_(std::move(data_dir)),
      document_root_(std::move(document_root)),
      dir_(data_dir_ / "journal"),
      kind_(kind) {}

fs::path Journal::segment_file(std::uint32_t number) const {
  return dir_ / (std::string(name(kind_)) + "-" + hex_of(number) + ".journal");
}

fs::path Journal::lock_file() const {
  return dir_ / (std::string(name(kind_)) + ".lock");
}

// The lock file names the newest segment, so that nobody has to read the directory for each round
// and no number is used twice; without it the directory tells.
Result<std::uint32_t> Journal::newest(const FileHandle& lock) const {
  char text[9] = {};
  const ssize_t got = ::pread(lock.get(), text, 8, 0);
  if (const auto number = segment_number(text); got == 8 && number) return *number;
  const auto all = segments();
  if (!all) return std::unexpected(all.error());
  return all->empty() ? 0 : all->back().number;
}

Result<std::vector<JournalSegment>> Journal::segments() const {
  std::vector<JournalSegment> all;
  std::error_code fault;
  const std::string prefix = std::string(name(kind_)) + "-";
  for (const auto& entry : fs::directory_iterator(dir_, fault)) {
    const std::string file = entry.path().filename().string();
    if (!file.starts_with(prefix) || entry.path().extension() != ".journal") continue;
    const auto number = segment_number(entry.path().stem().string().substr(prefix.size()));
    std::error_code gone;
    const std::uint64_t size = fs::file_size(entry.path(), gone);
    if (!number || gone) continue;
    all.push_back({*number, entry.path(), size, last_write(entry.path())});
  }
  if (fault && fault != std::errc::no_such_file_or_directory) {
    return std::unexpected(system_error(ErrorKind::storage, dir_.string(), fault.value()));
  }
  std::ranges::sort(all, {}, &JournalSegment::number);
  return all;
}

// A new segment, whole and durable but for its records. REQUIRES: the lock.
Result<std::shared_ptr<Journal::Segment>> Journal::begin(std::uint32_t number,
                                                         const FileHandle& lock) {
  auto made = std::make_shared<Segment>();
  made->number = number;
  made->name = segment_file(number);
  auto file = open_private(made->name);
  if (!file) return std::unexpected(file.error());
  made->file = std::move(*file);
  // Nothing is ever overwritten, should the lock file not know of it.
  if (struct stat status{}; ::fstat(made->file.get(), &status) != 0 || status.st_size > 0)
    return begin(number + 1, lock);
  made->head = {get(secret::random_bytes(8), 0, 8), now_ms()};
  made->whole = kSegmentHead;
  auto written = write_at(made->file, made->name, print(made->head), 0);
  if (written) written = write_at(lock, lock_file(), hex_of(number), 0);
  // A power cut that took this back would have the one before it appended to, behind its readers.
  if (written) written = sync_file(lock, lock_file());
  if (written) written = sync_directory(dir_);
  if (!written) {
    ::unlink(made->name.c_str());  // nothing is in it, and a full disk should not fill with these
    return std::unexpected(written.error());
  }
  return made;
}

// The segment to append to. REQUIRES: the lock.
Result<std::shared_ptr<Journal::Segment>> Journal::usable(const FileHandle& lock) {
  const auto last = newest(lock);
  if (!last) return std::unexpected(last.error());
  if (*last == 0) return begin(1, lock);
  auto segment = segment_;
  // Of this number there is another when the whole directory was exchanged.
  const bool is_exchanged = segment && !is_still(segment->file, segment->name);
  if (is_exchanged) synced_ = {};
  if (!segment || segment->number != *last || is_exchanged) {
    segment = std::make_shared<Segment>();
    segment->number = *last;
    segment->name = segment_file(*last);
    segment->file = FileHandle(::open(segment->name.c_str(), O_RDWR | O_CLOEXEC));
    std::string head;
    read_at(segment->file.get(), 0, kSegmentHead, head);
    const auto parsed = parse_head(head);
    if (!parsed) return begin(*last + 1, lock);
    segment->head = *parsed;
  }
  struct stat status {};
  const bool there = ::fstat(segment->file.get(), &status) == 0;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const bool old = now_ms() - segment->head.made_at >= kDay;
  const bool whole =
      there && !segment->doubtful && segment->synced &&
      (size == segment->whole || ends_whole(segment->file.get(), size, segment->head.salt));
  if (!whole || size >= kFull || (old && size > kSegmentHead)) return begin(*last + 1, lock);
  segment->whole = size;
  return segment;
}

Status Journal::prepare() const {
  const Status ready = prepare_data_dir(data_dir_, document_root_);
  return ready ? make_private_directory(dir_) : ready;
}

// Makes the segment durable up to `end`, unless the sync of another thread has meanwhile.
Status Journal::sync(Segment& segment, std::uint64_t end) {
  const std::lock_guard alone(syncing_);
  JournalPosition written{segment.number, segment.head.salt, end};
  {
    const std::lock_guard guard(mutex_);
    // The kernel may have dropped what it could not write, and say nothing the next time.
    if (!segment.synced) return segment.synced;
    if (synced_.covers(written)) return {};
    written.offset = segment.whole;
  }
  auto synced = sync_file(segment.file, segment.name);
  const std::lock_guard guard(mutex_);
  if (synced) synced_ = std::max(synced_, written);
  return segment.synced = std::move(synced);
}

Status Journal::append(std::span<const std::string> encoded) {
  for (const std::string& content : encoded) {
    if (content.size() > journal_format::kLongest)
      return std::unexpected(Error{ErrorKind::storage, "record_too_large",
                                   "the journal takes requests of 64 MiB at most",
                                   "set [server] max_body to 60M"});
  }
  std::shared_ptr<Segment> segment;
  std::uint64_t end = 0;
  {
    const std::lock_guard guard(mutex_);
    if (auto ready = prepare(); !ready) return ready;
    const auto locked = open_locked(lock_file());
    if (!locked) return std::unexpected(locked.error());
    auto found = usable(*locked);
    if (!found) return std::unexpected(found.error());
    segment = segment_ = *found;
    std::string bytes;
    for (const std::string& content : encoded) bytes += seal(content, segment->head.salt);
    auto written =
        write_at(segment->file, segment->name, bytes, static_cast<off_t>(segment->whole));
    segment->doubtful = !written;
    if (!written) return written;
    segment->whole += bytes.size();
    end = segment->whole;
  }
  auto synced = sync(*segment, end);
  ::unlink(rest_file(data_dir_, name(kind_)).c_str());
  return synced;
}

Status Journal::forget(const JournalPosition& position, Millis before) {
  std::error_code fault;
  if (!fs::is_directory(dir_, fault)) return {};
  const auto locked = open_locked(lock_file());
  if (!locked) return std::unexpected(locked.error());
  const auto all = segments();
  if (!all) return std::unexpected(all.error());
  for (const JournalSegment& segment : *all) {
    const bool read = segment.number < position.segment ||
                      (segment.number == position.segment && segment.size <= position.offset);
    if (!read || segment.last_write >= before) continue;
    if (::unlink(segment.file.c_str()) != 0 && errno != ENOENT) {
      return file_failure(segment.file, "remove");
    }
  }
  return {};
}

}  // namespace b24
