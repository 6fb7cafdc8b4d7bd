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

}  // namespace

Status append_entry(const std::filesystem::path& file, std::string_view entry,
                    const Rotation& rotation) {
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
    auto written = write_at(*open, file, entry, ours.st_size);
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

}  // namespace b24
