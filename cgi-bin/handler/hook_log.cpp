// hook_log: hook.log as the example page writes it, from the store, each event exactly once.
#include "hook_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <new>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "value/json.h"
#include "value/php.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kItemsPerRead = 50;
constexpr std::size_t kBytesPerWrite = 1 << 20;
constexpr std::int64_t kEntriesPerSync = 1000;

// Where the file stands: what hook.log.pos holds.
struct Position {
  std::int64_t number = 0;         // the last item that is written
  std::int64_t offset = 0;         // the length that is ours
  std::int64_t inode = 0;          // of the file that this is about
  std::int64_t synced_number = 0;  // the same, of what a power cut leaves
  std::int64_t synced_offset = 0;
  Millis received_at = 0;  // of the last item
  std::string boot;
  std::string store;
};

// Always of the same length, so that it can be written in place, even when the disk is full.
std::string text_of(const Position& position) {
  std::string line;
  for (const std::int64_t number :
       {position.number, position.offset, position.inode, position.synced_number,
        position.synced_offset, position.received_at}) {
    const std::string digits = std::to_string(number);
    line.append(20 - digits.size(), '0').append(digits).append(" ");
  }
  return line + position.boot + " " + position.store + "\n";
}

std::optional<Position> position_of(const std::string& line) {
  const auto fields = text::split(line);
  if (fields.size() != 8 || !line.ends_with('\n')) return std::nullopt;
  Position position;
  std::int64_t* const numbers[] = {&position.number,        &position.offset,
                                   &position.inode,         &position.synced_number,
                                   &position.synced_offset, &position.received_at};
  for (std::size_t i = 0; i < std::size(numbers); ++i) {
    const std::string& field = fields[i];
    const auto [end, fault] =
        std::from_chars(field.data(), field.data() + field.size(), *numbers[i]);
    if (fault != std::errc() || end != field.data() + field.size()) return std::nullopt;
  }
  position.boot = fields[6];
  position.store = fields[7];
  return position;
}

std::string day_of(Millis at) {
  return php_date(at).substr(0, std::string_view("2026.11.24").size());
}

// One pass over what the store has and the file has not. REQUIRES: the caller holds the lock.
class Pass {
 public:
  Pass(const fs::path& file, const HookLogOptions& options, Store& store)
      : file_(file), pos_file_(file.string() + ".pos"), options_(options), store_(store) {}

  Status run();

 private:
  Status open();
  Status settle(const Store::Tip& tip);
  Status settle_length(std::int64_t size);
  Status go_back();
  Status finish_moved_file();
  Status add(const Item& item);
  Status flush();
  Status sync();
  bool is_full_before(const Item& item, std::size_t entry) const;
  Status begin_new_file();
  Status save();
  Status cut(std::int64_t offset);
  std::unexpected<Error> failure(const char* doing) const {
    return std::unexpected(system_error(ErrorKind::storage, file_.string() + ": " + doing, errno));
  }

  const fs::path& file_;
  const fs::path pos_file_;
  const HookLogOptions& options_;
  Store& store_;
  FileHandle log_{-1};
  FileHandle pos_{-1};
  Position at_;
  std::string batch_;              // entries that are not in the file yet
  std::int64_t batch_number_ = 0;  // of the last of them
  Millis batch_received_at_ = 0;
  std::int64_t entries_ = 0;  // in the file since the last sync
};

Status Pass::open() {
  auto log = open_private(file_);
  if (!log) return std::unexpected(log.error());
  auto pos = open_private(pos_file_);
  if (!pos) return std::unexpected(pos.error());
  log_ = std::move(*log);
  pos_ = std::move(*pos);
  return {};
}

// Brings the position, the file and the store together, whatever happened since the last pass.
Status Pass::settle(const Store::Tip& tip) {
  struct stat status {};
  if (::fstat(log_.get(), &status) != 0) return failure("fstat");
  const auto inode = static_cast<std::int64_t>(status.st_ino);
  const auto known = position_of(read_small(pos_file_).value_or(""));
  if (!known) {  // the first pass: whatever is in the file stays
    at_ = {0, status.st_size, inode, 0, status.st_size, 0, boot_id(), tip.store};
    if (auto synced = sync(); !synced) return synced;
    return sync_directory(file_.parent_path());
  }
  at_ = *known;
  if (at_.inode != inode) {
    if (auto finished = finish_moved_file(); !finished) return finished;
    at_.inode = inode;
    at_.offset = at_.synced_offset = status.st_size;
    at_.synced_number = at_.number;
  } else if (auto settled = settle_length(status.st_size); !settled) {
    return settled;
  }
  const bool other_store = at_.store != tip.store;
  const bool older_store = !other_store && at_.number > tip.number;  // put back from a backup
  if (!other_store && !older_store && at_.boot == boot_id()) return {};
  if (other_store) at_.number = 0;
  if (older_store) {
    if (auto gone_back = go_back(); !gone_back) return gone_back;
  }
  at_.store = tip.store;
  at_.boot = boot_id();
  return sync();
}

// The store's numbers begin again below ours: what was received after our last item is new.
Status Pass::go_back() {
  ListFilter filter;
  filter.kind = Kind::event;
  const auto items = store_.list(filter);
  if (!items) return std::unexpected(items.error());
  at_.number = 0;
  for (const Item& item : *items) {
    const bool is_new = item.received_at > at_.received_at;
    at_.number = is_new ? item.number - 1 : item.number;
    if (!is_new) break;
  }
  return {};
}

Status Pass::settle_length(std::int64_t size) {
  const bool power_cut = at_.boot != boot_id();
  if (size < (power_cut ? at_.synced_offset : at_.offset)) {  // somebody emptied it
    at_.offset = at_.synced_offset = size;
    at_.synced_number = at_.number;
    return {};
  }
  if (power_cut) {
    at_.offset = at_.synced_offset;
    at_.number = at_.synced_number;
  }
  return size > at_.offset ? cut(at_.offset) : Status{};
}

// The file that the position is about was renamed: what a killed process left at its end goes, as
// it will be written into the new file.
Status Pass::finish_moved_file() {
  std::error_code fault;
  for (const auto& entry : fs::directory_iterator(file_.parent_path(), fault)) {
    struct stat status {};
    if (!entry.path().filename().string().starts_with(file_.filename().string())) continue;
    if (::stat(entry.path().c_str(), &status) != 0 ||
        static_cast<std::int64_t>(status.st_ino) != at_.inode)
      continue;
    auto moved = open_private(entry.path());
    if (!moved) return std::unexpected(moved.error());
    if (status.st_size > at_.offset && ::ftruncate(moved->get(), at_.offset) != 0)
      return failure("truncate");
    return sync_file(*moved, entry.path());
  }
  return {};
}

Status Pass::cut(std::int64_t offset) {
  return ::ftruncate(log_.get(), offset) == 0 ? Status{} : failure("truncate");
}

Status Pass::save() {
  return write_at(pos_, pos_file_, text_of(at_), 0);
}

Status Pass::sync() {
  if (auto synced = sync_file(log_, file_); !synced) return synced;
  at_.synced_number = at_.number;
  at_.synced_offset = at_.offset;
  entries_ = 0;
  if (auto saved = save(); !saved) return saved;
  return sync_file(pos_, pos_file_);
}

// Entries first, position second; when either fails, the file is as before.
Status Pass::flush() {
  if (batch_.empty()) return {};
  const Position before = at_;
  auto written = write_at(log_, file_, batch_, at_.offset);
  if (written) {
    at_.number = batch_number_;
    at_.received_at = batch_received_at_;
    at_.offset += static_cast<std::int64_t>(batch_.size());
    written = save();
  }
  if (!written) {
    at_ = before;
    if (auto undone = cut(before.offset); !undone) return undone;
    return written;
  }
  batch_.clear();
  return entries_ >= kEntriesPerSync ? sync() : Status{};
}

Status Pass::begin_new_file() {
  if (auto synced = sync(); !synced) return synced;
  if (auto rotated = rotate(file_, options_.rotation.keep_files); !rotated) return rotated;
  auto log = open_private(file_);
  if (!log) return std::unexpected(log.error());
  log_ = std::move(*log);
  struct stat status {};
  if (::fstat(log_.get(), &status) != 0) return failure("fstat");
  at_.inode = static_cast<std::int64_t>(status.st_ino);
  at_.offset = status.st_size;
  if (auto synced = sync(); !synced) return synced;
  return sync_directory(file_.parent_path());
}

bool Pass::is_full_before(const Item& item, std::size_t entry) const {
  const std::size_t max_size = options_.rotation.max_size;
  const std::size_t length = static_cast<std::size_t>(at_.offset) + batch_.size();
  if (length == 0) return false;
  if (max_size > 0 && length + entry > max_size) return true;
  const Millis last = batch_.empty() ? at_.received_at : batch_received_at_;
  return options_.daily && last != 0 && day_of(item.received_at) > day_of(last);
}

Status Pass::add(const Item& item) {
  const std::string entry = options_.format == HookFormat::json
                                ? hook_json_line(item)
                                : hook_log_entry(item.received_at, options_.title, item.payload);
  if (is_full_before(item, entry.size())) {
    if (auto flushed = flush(); !flushed) return flushed;
    if (auto begun = begin_new_file(); !begun) return begun;
  }
  batch_ += entry;
  batch_number_ = item.number;
  batch_received_at_ = item.received_at;
  ++entries_;
  return batch_.size() >= kBytesPerWrite ? flush() : Status{};
}

Status Pass::run() {
  const auto tip = store_.tip();
  if (!tip) return std::unexpected(tip.error());
  if (auto opened = open(); !opened) return opened;
  if (auto settled = settle(*tip); !settled) return settled;
  for (;;) {
    ListFilter filter;
    filter.kind = Kind::event;
    filter.after = at_.number;
    filter.limit = kItemsPerRead;
    filter.newest_first = false;
    const auto items = store_.list(filter);
    if (!items) return std::unexpected(items.error());
    for (const Item& item : *items) {
      if (auto added = add(item); !added) return added;
    }
    if (auto flushed = flush(); !flushed) return flushed;
    if (items->size() < kItemsPerRead) return {};
  }
}

Status pass_once(const fs::path& file, const HookLogOptions& options, Store& store) {
  const fs::path lock_name = file.string() + ".lock";
  const auto lock = open_private(lock_name);
  if (!lock) return std::unexpected(lock.error());
  if (auto locked = lock_file(*lock, lock_name); !locked) return locked;
  try {
    return Pass(file, options, store).run();
  } catch (const std::bad_alloc&) {  // would leave the others waiting for ever
    return std::unexpected(Error{ErrorKind::storage, "no_memory", file.string(), ""});
  }
}

}  // namespace

std::string hook_log_entry(Millis at, std::string_view title, const Value& params) {
  constexpr std::string_view kRule = "\n------------------------\n";
  std::string entry(kRule);
  entry.append(php_date(at)).append("\n").append(title).append("\n");
  return entry.append(php::print_r(params)).append(kRule);
}

std::string hook_json_line(const Item& event) {
  return json::print(Value::map({{"number", event.number},
                                 {"id", event.id},
                                 {"received_at", iso_time(event.received_at)},
                                 {"event", event.name},
                                 {"data", event.payload}})) +
         "\n";
}

HookLog::HookLog(fs::path dir, HookLogOptions options)
    : file_(std::move(dir) / (options.format == HookFormat::json ? "hook.jsonl" : "hook.log")),
      options_(std::move(options)) {}

Status HookLog::catch_up(Store& store) {
  std::unique_lock lock(mutex_);
  // A pass under way may have looked into the store before the caller's event was there.
  const std::uint64_t needed = begun_ + 1;
  finished_.wait(lock, [&] { return done_ >= needed || !running_; });
  if (done_ >= needed) return last_;
  running_ = true;
  ++begun_;
  lock.unlock();
  Status outcome = pass_once(file_, options_, store);
  lock.lock();
  running_ = false;
  done_ = begun_;
  last_ = std::move(outcome);
  finished_.notify_all();
  return last_;
}

}  // namespace b24
