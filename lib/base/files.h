// files: private files and directories: made for their owner only, written whole, locked.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error.h"

namespace b24 {

// An open file, closed when it goes away.
class FileHandle {
 public:
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  ~FileHandle();
  int get() const { return fd_; }

 private:
  int fd_;
};

// Opens for reading and writing (and `flags`); makes the file with mode 0600, whatever the umask,
// when it is missing. What root makes belongs to the owner of the directory, so that a command in
// root's shell does not lock the web server out. Errors are of kind storage, as all here.
Result<FileHandle> open_private(const std::filesystem::path& file, int flags = 0);

// Makes what is missing of a path, mode 0700, durably.
Status make_private_directory(const std::filesystem::path& dir);

// Makes the entries of a directory durable.
Status sync_directory(const std::filesystem::path& dir);
Status sync_file(const FileHandle& file, const std::filesystem::path& name);

// Writes all of `bytes` at `offset`. After an error a part of them may be there.
Status write_at(const FileHandle& file, const std::filesystem::path& name, std::string_view bytes,
                off_t offset);

// The first 4 KiB of a file; nothing, with errno set, when it cannot be read.
std::optional<std::string> read_small(const std::filesystem::path& file);

// Takes the lock on an open file (released when it is closed); code "busy" after `limit`.
Status lock_file(const FileHandle& file, const std::filesystem::path& name, Millis limit = 10'000);

}  // namespace b24
