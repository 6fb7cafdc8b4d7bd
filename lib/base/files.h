// files: private files and directories: made for their owner only, written whole, locked, rotated.
#pragma once

#include <sys/types.h>

#include <cerrno>
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
  ~FileHandle();
  int get() const { return fd_; }

 private:
  int fd_;
};

// What an operation on a file failed of: "name: doing: why".
std::unexpected<Error> file_failure(const std::filesystem::path& name, const char* doing,
                                    int number = errno);

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

// A file, its first `most` bytes; nothing, with errno set, when it cannot be read.
std::optional<std::string> read_file(const std::filesystem::path& file, std::size_t most);

// Whether the file of that name is this one.
bool is_still(const FileHandle& file, const std::filesystem::path& name);

// Opens (as open_private) and takes the lock, which is released when the file is closed; what it
// gives is the file of that name then, also when somebody renamed or removed another meanwhile.
// Code "busy" after `limit`.
Result<FileHandle> open_locked(const std::filesystem::path& file, Millis limit = 10'000);

// The key of a file, the same for all processes: made of 32 random hexadecimal digits when the file
// is missing or empty. The owner may write another: 16 to 256 characters. Code "bad_key" else.
Result<std::string> key_of_file(const std::filesystem::path& file);

// A name beside a damaged file that nothing has yet: "store-20261128T022800Z.db" for store.db.
std::string name_aside(const std::filesystem::path& file);

struct Rotation {
  std::size_t max_size = 10 << 20;  // bytes; 0 = never
  int keep_files = 5;               // file.1 (newest) ... file.N
};

// Appends `entry` whole under a lock on the file (mode 0600, made when missing), behind `heading`
// when the file is empty; a short write is cut off again, so that no torn entry remains. Rotates
// first when the entry would pass `max_size`. A file that was renamed by somebody else is simply
// made anew.
Status append_entry(const std::filesystem::path& file, std::string_view entry,
                    const Rotation& rotation, std::string_view heading = {});

// file.1 -> file.2 ..., file -> file.1. REQUIRES: the caller holds whatever lock protects the file.
Status rotate(const std::filesystem::path& file, int keep_files);

// When it was last written to; 0: there is no such file.
Millis last_write(const std::filesystem::path& file);

// The path with every symbolic link of its existing part resolved.
std::filesystem::path real_path(const std::filesystem::path& path);
// Whether a path lies in a directory, or is it, whatever links lead there.
bool is_inside(const std::filesystem::path& path, const std::filesystem::path& directory);

}  // namespace b24
