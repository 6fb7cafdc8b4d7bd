// hook_log: see hook_log.h.
#include "hook_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/files.h"
#include "value/json.h"
#include "value/php.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

std::string day_of(Millis at) {
  return php_date(at).substr(0, std::string_view("2026.11.24").size());
}

// What the store remembers: the file as it was when the entries that the store knows of had been
// written.
struct Fact {
  unsigned long long inode = 0;
  long long size = 0;
  std::string day;  // of the last entry

  static Fact parse(const std::string& text) {
    Fact fact;
    char day[16] = {};
    std::sscanf(text.c_str(), "%llu %lld %15s", &fact.inode, &fact.size, day);
    fact.day = day;
    return fact;
  }
  std::string print() const {
    return std::to_string(inode) + " " + std::to_string(size) + " " + day;
  }
};

struct stat status_of(const FileHandle& file) {
  struct stat status {};
  ::fstat(file.get(), &status);
  return status;
}

// How many bytes of `text` stand in the file from `offset` on, when the file goes on with them and
// with nothing else.
std::size_t already_there(const FileHandle& file, off_t offset, std::string_view text) {
  const off_t size = status_of(file).st_size;
  if (size <= offset) return 0;
  std::string found(std::min(static_cast<std::size_t>(size - offset), text.size()), '\0');
  const ssize_t got = ::pread(file.get(), found.data(), found.size(), offset);
  return got == static_cast<ssize_t>(found.size()) && text.starts_with(found) ? found.size() : 0;
}

// Where the file went that the fact is about, if it was renamed.
std::optional<FileHandle> moved_file(const fs::path& file, const Fact& fact) {
  std::error_code fault;
  for (const auto& entry : fs::directory_iterator(file.parent_path(), fault)) {
    if (!entry.path().filename().string().starts_with(file.filename().string())) continue;
    FileHandle moved(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (moved.get() >= 0 && status_of(moved).st_ino == fact.inode) return moved;
  }
  return std::nullopt;
}

// Says in the file itself up to when what was accepted stands in it, for a store begun anew: the
// system's own stamp may be some milliseconds before that, or after what is not in it yet.
void set_last_write(const FileHandle& file, std::span<const NewItem> items) {
  const Millis at = std::ranges::max(items, {}, &NewItem::received_at).received_at;
  const timespec times[] = {{0, UTIME_OMIT}, {at / 1000, at % 1000 * 1'000'000}};
  (void)::futimens(file.get(), times);
}

// A log that somebody made a pipe or a directory must not hold anything up.
Result<FileHandle> open_log(const fs::path& file) {
  auto log = open_private(file, O_NONBLOCK);
  if (log && !S_ISREG(status_of(*log).st_mode)) {
    return std::unexpected(
        Error{ErrorKind::storage, "no_file", file.string() + ": is no file", "move it away"});
  }
  return log;
}

}  // namespace

std::string hook_log_entry(Millis at, std::string_view title, const Value& params) {
  constexpr std::string_view kRule = "\n------------------------\n";
  std::string entry(kRule);
  entry.append(php_date(at)).append("\n").append(title).append("\n");
  return entry.append(php::print_r(params)).append(kRule);
}

std::string hook_json_line(std::string_view id, Millis at, std::string_view event,
                           const Value& params) {
  std::string line =
      json::print(Value::map({{"id", id}, {"received_at", iso_time(at)}, {"event", event}}));
  line.back() = ',';  // printed by itself, the data need not be copied into the map
  return line.append("\"data\":").append(json::print(params)).append("}\n");
}

HookLog::HookLog(const Settings& settings, HookFormat format)
    : name_(format == HookFormat::json ? "hook.jsonl" : "hook.log"),
      file_(settings.data.dir / name_),
      settings_(settings.log),
      title_(settings.handler.title),
      format_(format) {}

Millis HookLog::last_write() const {
  return b24::last_write(file_);
}

std::string HookLog::entry_of(const NewItem& item) const {
  return format_ == HookFormat::json
             ? hook_json_line(item.id, item.received_at, item.name, item.payload)
             : hook_log_entry(item.received_at, title_, item.payload);
}

std::string HookLog::begin() const {
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) return Fact().print();
  return Fact{status.st_ino, status.st_size, day_of(last_write())}.print();
}

// As many entries as go into a file of `before` bytes, all of one day; the first one always.
HookLog::Entries HookLog::fitting(std::span<const NewItem> items, std::size_t before) const {
  Entries entries;
  const std::size_t max = settings_.max_size;
  const std::string day = day_of(items.front().received_at);
  for (const NewItem& item : items) {
    const std::string entry = entry_of(item);
    const bool too_large = max > 0 && before + entries.text.size() + entry.size() > max;
    const bool next_day = settings_.daily && day_of(item.received_at) > day;
    if (entries.count > 0 && (too_large || next_day)) break;
    if (entries.count == 0) entries.first = entry.size();
    entries.text += entry;
    ++entries.count;
  }
  return entries;
}

Result<Follower::Written> HookLog::write(std::span<const NewItem> items, const std::string& fact) {
  auto log = open_log(file_);
  if (!log) return std::unexpected(log.error());
  const Fact known = Fact::parse(fact);
  const struct stat now = status_of(*log);
  const bool same = now.st_ino == known.inode && now.st_size >= known.size;
  const off_t from = same ? known.size : 0;
  const std::string day = day_of(items.front().received_at);
  const Entries entries = fitting(items, static_cast<std::size_t>(from));

  const std::size_t max = settings_.max_size;
  const bool full = max > 0 && static_cast<std::size_t>(from) + entries.first > max;
  const bool is_of_another_day = settings_.daily && !known.day.empty() && known.day < day;
  if (from > 0 && (full || is_of_another_day)) {
    if (auto rotated = rotate(file_, settings_.keep_files); !rotated)
      return std::unexpected(rotated.error());
    return write(items, Fact{0, 0, day}.print());
  }
  std::size_t there = already_there(*log, from, entries.text);
  off_t end = from + static_cast<off_t>(there);  // the file may go on: the store is an older one
  if (there == 0 && known.inode != 0 && now.st_ino != known.inode) {
    if (const auto moved = moved_file(file_, known))
      there = already_there(*moved, known.size, entries.text);
  }
  if (there < entries.text.size() || end < from + static_cast<off_t>(there)) {
    const std::string_view rest = std::string_view(entries.text).substr(there);
    if (auto written = write_at(*log, file_, rest, now.st_size); !written)
      return std::unexpected(written.error());
    set_last_write(*log, items.first(entries.count));
    end = now.st_size + static_cast<off_t>(rest.size());
  }
  // Another machine's event may be of the day before.
  const std::string& last = from > 0 ? std::max(known.day, day) : day;
  return Written{entries.count, Fact{now.st_ino, end, last}.print()};
}

}  // namespace b24
