// files: see files.h.
#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/secret.h"
#include "base/text.h"

namespace b24 {
namespace {

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

std::filesystem::path numbered(const std::filesystem::path& file, int number) {
  return file.string() + "." + std::to_string(number);
}

// Mode and owner of a new file or directory, free of the umask.
bool make_ours(int fd, mode_t mode, const std::filesystem::path& parent) {
  if (::fchmod(fd, mode) != 0) return false;
  struct stat above {};
  if (::geteuid() != 0 || ::stat(parent.c_str(), &above) != 0 || above.st_uid == 0) return true;
  return ::fchown(fd, above.st_uid, above.st_gid) == 0;
}

// Waits for the lock on an open file; code "busy" after `limit`.
Status lock(const FileHandle& file, const std::filesystem::path& name, Millis limit) {
  const Millis deadline = steady_ms() + limit;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return file_failure(name, "lock");
    if (steady_ms() >= deadline) {
      return std::unexpected(Error{ErrorKind::storage, "busy",
                                   name.string() + ": another process holds the lock",
                                   "look for a process of these pages that hangs, and end it"});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

}  // namespace

std::unexpected<Error> file_failure(const std::filesystem::path& name, const char* doing,
                                    int number) {
  return std::unexpected(system_error(ErrorKind::storage, name.string() + ": " + doing, number));
}

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileHandle> open_private(const std::filesystem::path& file, int flags) {
  for (;;) {
    FileHandle found(::open(file.c_str(), O_RDWR | O_CLOEXEC | flags));
    if (found.get() >= 0) return found;
    if (errno == EINTR) continue;
    if (errno != ENOENT) return file_failure(file, "open");
    FileHandle made(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL | flags, 0600));
    if (made.get() < 0 && (errno == EEXIST || errno == EINTR)) continue;
    if (made.get() < 0) return file_failure(file, "create");
    if (!make_ours(made.get(), 0600, directory_of(file))) return file_failure(file, "chmod");
    return made;
  }
}

Status make_private_directory(const std::filesystem::path& dir) {
  std::error_code ignored;
  if (dir.empty() || std::filesystem::is_directory(dir, ignored)) return {};
  const std::filesystem::path parent = directory_of(dir);
  if (auto made = make_private_directory(parent); !made) return made;
  if (::mkdir(dir.c_str(), 0700) != 0)
    return errno == EEXIST ? Status{} : file_failure(dir, "mkdir");
  const FileHandle made(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (made.get() < 0 || !make_ours(made.get(), 0700, parent)) return file_failure(dir, "chmod");
  return sync_directory(parent);
}

Status sync_directory(const std::filesystem::path& dir) {
  const FileHandle open(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A directory that may be entered but not read cannot be synced by us; its entries are still
  // there.
  if (open.get() < 0) return errno == EACCES ? Status{} : file_failure(dir, "open");
  if (::fsync(open.get()) != 0 && errno != EINVAL) return file_failure(dir, "fsync");
  return {};
}

Status sync_file(const FileHandle& file, const std::filesystem::path& name) {
  if (::fdatasync(file.get()) != 0) return file_failure(name, "fdatasync");
  return {};
}

Status write_at(const FileHandle& file, const std::filesystem::path& name, std::string_view bytes,
                off_t offset) {
  off_t at = offset;
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.get(), bytes.data(), bytes.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return file_failure(name, "write", written < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
  return {};
}

std::optional<std::string> read_file(const std::filesystem::path& file, std::size_t most) {
  const FileHandle open(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char piece[16384];
  ssize_t got = open.get() < 0 ? -1 : 1;
  while (got > 0 && text.size() < most && (got = ::read(open.get(), piece, sizeof piece)) > 0)
    text.append(piece, static_cast<std::size_t>(got));
  if (got < 0) return std::nullopt;
  return text.substr(0, most);
}

bool is_still(const FileHandle& file, const std::filesystem::path& name) {
  struct stat ours {};
  struct stat named {};
  return ::fstat(file.get(), &ours) == 0 && ::stat(name.c_str(), &named) == 0 &&
         named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

Result<FileHandle> open_locked(const std::filesystem::path& file, Millis limit) {
  for (;;) {
    auto open = open_private(file);
    if (!open) return open;
    if (auto locked = lock(*open, file, limit); !locked) return std::unexpected(locked.error());
    if (is_still(*open, file)) return open;
  }
}

Result<std::string> key_of_file(const std::filesystem::path& file) {
  constexpr std::size_t kBytes = 16, kShortest = 16, kLongest = 256;
  const auto written = [&] {
    return std::string(text::trim(read_file(file, kLongest + 1).value_or("")));
  };
  const auto is_key = [](std::string_view key) {
    return key.size() >= kShortest && key.size() <= kLongest;
  };
  // Who finds nothing, or half of what another writes, looks again under the lock.
  if (std::string key = written(); is_key(key)) return key;
  const Result<FileHandle> locked = open_locked(file);
  if (!locked) return std::unexpected(locked.error());
  std::string key = written();
  if (is_key(key)) return key;
  if (!key.empty()) {
    return std::unexpected(Error{ErrorKind::storage, "bad_key", file.string() + ": not a key",
                                 "delete the file; a new one is made"});
  }
  key = secret::hex(secret::random_bytes(kBytes));
  Status whole = write_at(*locked, file, key + "\n", 0);
  if (whole) whole = sync_file(*locked, file);
  if (!whole) return std::unexpected(whole.error());
  return key;
}

std::string name_aside(const std::filesystem::path& file) {
  std::string time = iso_time(now_ms()).substr(0, 19);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  std::string stem = file.stem().string() + "-" + time + "Z";
  const std::string extension = file.extension().string();
  std::error_code fault;
  while (std::filesystem::exists(file.parent_path() / (stem + extension), fault)) stem += "x";
  return stem + extension;
}

Status append_entry(const std::filesystem::path& file, std::string_view entry,
                    const Rotation& rotation, std::string_view heading) {
  for (;;) {
    const auto open = open_locked(file);
    if (!open) return std::unexpected(open.error());
    struct stat ours {};
    if (::fstat(open->get(), &ours) != 0) return file_failure(file, "fstat");
    const auto size = static_cast<std::size_t>(ours.st_size);
    if (rotation.max_size > 0 && size > 0 && size + entry.size() > rotation.max_size) {
      if (auto rotated = rotate(file, rotation.keep_files); !rotated) return rotated;
      continue;
    }
    auto written =
        write_at(*open, file, size == 0 ? std::string(heading).append(entry) : entry, ours.st_size);
    if (!written && ::ftruncate(open->get(), ours.st_size) != 0)
      return file_failure(file, "truncate");
    return written;
  }
}

Status rotate(const std::filesystem::path& file, int keep_files) {
  if (keep_files <= 0)
    return ::unlink(file.c_str()) == 0 || errno == ENOENT ? Status{} : file_failure(file, "remove");
  for (int number = keep_files - 1; number >= 0; --number) {
    const std::filesystem::path from = number == 0 ? file : numbered(file, number);
    if (std::rename(from.c_str(), numbered(file, number + 1).c_str()) != 0 && errno != ENOENT)
      return file_failure(from, "rename");
  }
  return {};
}

Millis last_write(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return 0;
  return Millis{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

std::filesystem::path real_path(const std::filesystem::path& path) {
  std::error_code fault;
  const std::filesystem::path absolute = std::filesystem::absolute(path, fault);
  std::filesystem::path real = std::filesystem::weakly_canonical(absolute, fault);
  if (fault) real = absolute;
  real = real.lexically_normal();
  if (!real.has_filename()) real = real.parent_path();  // "dir/"
  return real;
}

bool is_inside(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const std::filesystem::path root = real_path(directory);
  return std::ranges::mismatch(root, real_path(path)).in1 == root.end();
}

}  // namespace b24
