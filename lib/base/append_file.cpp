// append_file: a file that many processes append to, one whole entry at a time, rotated by size.
#include "base/append_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/files.h"

namespace b24 {
namespace {

std::filesystem::path numbered(const std::filesystem::path& file, int number) {
  return file.string() + "." + std::to_string(number);
}

std::unexpected<Error> failure(const std::filesystem::path& file, const char* doing) {
  return std::unexpected(system_error(ErrorKind::storage, file.string() + ": " + doing, errno));
}

}  // namespace

Status append_entry(const std::filesystem::path& file, std::string_view entry,
                    const Rotation& rotation) {
  for (;;) {
    auto open = open_private(file);
    if (!open) return std::unexpected(open.error());
    if (auto locked = lock_file(*open, file); !locked) return locked;
    struct stat ours {};
    struct stat named {};
    if (::fstat(open->get(), &ours) != 0) return failure(file, "fstat");
    // Renamed while we waited for the lock: the next entry belongs into the new file.
    if (::stat(file.c_str(), &named) != 0 || named.st_ino != ours.st_ino ||
        named.st_dev != ours.st_dev)
      continue;
    const auto size = static_cast<std::size_t>(ours.st_size);
    if (rotation.max_size > 0 && size > 0 && size + entry.size() > rotation.max_size) {
      if (auto rotated = rotate(file, rotation.keep_files); !rotated) return rotated;
      continue;
    }
    auto written = write_at(*open, file, entry, ours.st_size);
    if (!written && ::ftruncate(open->get(), ours.st_size) != 0) return failure(file, "truncate");
    return written;
  }
}

Status rotate(const std::filesystem::path& file, int keep_files) {
  if (keep_files <= 0)
    return ::unlink(file.c_str()) == 0 || errno == ENOENT ? Status{} : failure(file, "remove");
  for (int number = keep_files - 1; number >= 0; --number) {
    const std::filesystem::path from = number == 0 ? file : numbered(file, number);
    if (std::rename(from.c_str(), numbered(file, number + 1).c_str()) != 0 && errno != ENOENT)
      return failure(from, "rename");
  }
  return {};
}

}  // namespace b24
