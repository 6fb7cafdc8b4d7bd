// spill: see spill.h.
#include "keep/spill.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/secret.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr off_t kReserve = 4 << 20;
constexpr off_t kBlock = 512;  // what st_blocks counts
constexpr std::size_t kCheckLength = 16;

Result<FileHandle> open_locked(const std::filesystem::path& file) {
  Result<FileHandle> handle = open_private(file);
  if (!handle) return handle;
  if (const Status locked = lock_file(*handle, file); !locked) {
    return std::unexpected(locked.error());
  }
  return handle;
}

off_t size_of(const FileHandle& file) {
  struct stat about {};
  return fstat(file.get(), &about) == 0 ? about.st_size : 0;
}

Error failure(const std::filesystem::path& file) {
  return system_error(ErrorKind::storage, file.string(), errno);
}

std::string check_of(std::string_view text) {
  return secret::hex(secret::sha256(text)).substr(0, kCheckLength);
}

std::string record_of(const NewItem& item) {
  const std::string text = php::serialize(Value::map({{"id", item.id},
                                                      {"payload", item.payload},
                                                      {"name", item.name},
                                                      {"object", item.object},
                                                      {"received_at", item.received_at},
                                                      {"pending", item.state == State::pending}}));
  return "event " + std::to_string(text.size()) + " " + check_of(text) + "\n" + text + "\n";
}

constexpr std::string_view kStart = "event ";

// Takes the record that `rest` begins with off it; nothing when there is none, or it is not whole.
std::optional<NewItem> next_record(std::string_view& rest) {
  const std::size_t line_end = rest.find('\n');
  if (!rest.starts_with(kStart) || line_end == std::string_view::npos) return std::nullopt;
  std::size_t length = 0;
  const char* const end = rest.data() + line_end;
  const auto [after, fault] = std::from_chars(rest.data() + kStart.size(), end, length);
  if (fault != std::errc() || *after != ' ') return std::nullopt;
  const std::string_view check(after + 1, end);
  if (rest.size() - line_end - 1 <= length || rest[line_end + 1 + length] != '\n') {
    return std::nullopt;
  }
  const std::string_view text = rest.substr(line_end + 1, length);
  if (check != check_of(text)) return std::nullopt;
  const Result<Value> kept = php::unserialize(text);
  if (!kept) return std::nullopt;
  rest.remove_prefix(line_end + 1 + length + 1);

  const Value& fields = *kept;
  NewItem item;
  item.kind = Kind::event;
  item.id = fields["id"].text();
  item.payload = fields["payload"];
  item.name = fields["name"].text();
  item.object = fields["object"].text();
  item.received_at = fields["received_at"].integer();
  item.state = fields["pending"].boolean() ? State::pending : State::done;
  return item;
}

std::optional<std::string> read_all(int fd, off_t size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = pread(fd, text.data() + got, text.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}

}  // namespace

void Spill::reserve() {
  struct stat about {};
  const bool there = stat(file_.c_str(), &about) == 0;
  if (there && about.st_blocks * kBlock >= about.st_size + kReserve) return;
  const Result<FileHandle> file = open_locked(file_);
  if (!file) return;
  // Beyond the end of what is written, and without moving that end.
  static_cast<void>(fallocate(file->get(), FALLOC_FL_KEEP_SIZE, size_of(*file), kReserve));
}

Status Spill::keep(const NewItem& item) {
  const Result<FileHandle> file = open_locked(file_);
  if (!file) return std::unexpected(file.error());
  const off_t end = size_of(*file);
  Status kept = write_at(*file, file_, record_of(item), end);
  if (kept) kept = sync_file(*file, file_);
  if (kept && end == 0) kept = sync_directory(file_.parent_path());  // it may be new
  // A rest that cannot be cut off is passed over by take_in.
  if (!kept) static_cast<void>(!ftruncate(file->get(), end));
  return kept;
}

bool Spill::holds_any() const {
  struct stat about {};
  return stat(file_.c_str(), &about) == 0 && about.st_size > 0;
}

Result<int> Spill::take_in(const std::function<Status(const NewItem&)>& keep) {
  if (!holds_any()) return 0;
  const Result<FileHandle> file = open_locked(file_);
  if (!file) return std::unexpected(file.error());
  const std::optional<std::string> text = read_all(file->get(), size_of(*file));
  if (!text) return std::unexpected(failure(file_));
  int count = 0;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::optional<NewItem> item = next_record(rest);
    if (!item) {  // what a killed process left: the next record may begin in the midst of a line
      rest.remove_prefix(std::min(rest.find(kStart, 1), rest.size()));
      continue;
    }
    if (const Status kept = keep(*item); !kept) return std::unexpected(kept.error());
    ++count;
  }
  // The reserve goes with it; the next reserve() gives it back.
  if (ftruncate(file->get(), 0) != 0) return std::unexpected(failure(file_));
  if (const Status synced = sync_file(*file, file_); !synced) {
    return std::unexpected(synced.error());
  }
  return count;
}

}  // namespace b24
