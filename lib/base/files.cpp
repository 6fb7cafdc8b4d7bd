// files: private files and directories: made for their owner only, written whole, locked.
#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

namespace b24 {
namespace {

std::unexpected<Error> failure(const std::filesystem::path& name, const char* doing, int number) {
  return std::unexpected(system_error(ErrorKind::storage, name.string() + ": " + doing, number));
}

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// Mode and owner of a new file or directory, free of the umask.
bool make_ours(int fd, mode_t mode, const std::filesystem::path& parent) {
  if (::fchmod(fd, mode) != 0) return false;
  struct stat above {};
  if (::geteuid() != 0 || ::stat(parent.c_str(), &above) != 0 || above.st_uid == 0) return true;
  return ::fchown(fd, above.st_uid, above.st_gid) == 0;
}

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileHandle> open_private(const std::filesystem::path& file, int flags) {
  for (;;) {
    FileHandle found(::open(file.c_str(), O_RDWR | O_CLOEXEC | flags));
    if (found.get() >= 0) return found;
    if (errno == EINTR) continue;
    if (errno != ENOENT) return failure(file, "open", errno);
    FileHandle made(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL | flags, 0600));
    if (made.get() < 0 && (errno == EEXIST || errno == EINTR)) continue;
    if (made.get() < 0) return failure(file, "create", errno);
    if (!make_ours(made.get(), 0600, directory_of(file))) return failure(file, "chmod", errno);
    return made;
  }
}

Status make_private_directory(const std::filesystem::path& dir) {
  std::error_code ignored;
  if (dir.empty() || std::filesystem::is_directory(dir, ignored)) return {};
  const std::filesystem::path parent = directory_of(dir);
  if (auto made = make_private_directory(parent); !made) return made;
  if (::mkdir(dir.c_str(), 0700) != 0)
    return errno == EEXIST ? Status{} : failure(dir, "mkdir", errno);
  const FileHandle made(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (made.get() < 0 || !make_ours(made.get(), 0700, parent)) return failure(dir, "chmod", errno);
  return sync_directory(parent);
}

Status sync_directory(const std::filesystem::path& dir) {
  const FileHandle open(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A directory that may be entered but not read cannot be synced by us; its entries are still
  // there.
  if (open.get() < 0) return errno == EACCES ? Status{} : failure(dir, "open", errno);
  if (::fsync(open.get()) != 0 && errno != EINVAL) return failure(dir, "fsync", errno);
  return {};
}

Status sync_file(const FileHandle& file, const std::filesystem::path& name) {
  if (::fdatasync(file.get()) != 0) return failure(name, "fdatasync", errno);
  return {};
}

Status write_at(const FileHandle& file, const std::filesystem::path& name, std::string_view bytes,
                off_t offset) {
  off_t at = offset;
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.get(), bytes.data(), bytes.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failure(name, "write", written < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
  return {};
}

std::optional<std::string> read_small(const std::filesystem::path& file) {
  const FileHandle open(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (open.get() < 0) return std::nullopt;
  std::array<char, 4096> buffer;
  const ssize_t got = ::pread(open.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(got));
}

Status lock_file(const FileHandle& file, const std::filesystem::path& name, Millis limit) {
  using namespace std::chrono;
  const auto deadline = steady_clock::now() + milliseconds(limit);
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failure(name, "lock", errno);
    if (steady_clock::now() >= deadline) {
      return std::unexpected(Error{ErrorKind::storage, "busy",
                                   name.string() + ": another process holds the lock",
                                   "look for a process of these pages that hangs, and end it"});
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  return {};
}

}  // namespace b24
