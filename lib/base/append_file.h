// append_file: a file that many processes append to, one whole entry at a time, rotated by size.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace b24 {

struct Rotation {
  std::size_t max_size = 10 << 20;  // bytes; 0 = never
  int keep_files = 5;               // file.1 (newest) ... file.N
};

// Appends `entry` whole under a lock on the file (mode 0600, made when missing); a short write is
// cut off again, so that no torn entry remains. Rotates first when the entry would pass `max_size`.
// A file that was renamed by somebody else is simply made anew.
Status append_entry(const std::filesystem::path& file, std::string_view entry,
                    const Rotation& rotation);

// file.1 -> file.2 ..., file -> file.1. REQUIRES: the caller holds whatever lock protects the file.
Status rotate(const std::filesystem::path& file, int keep_files);

}  // namespace b24
