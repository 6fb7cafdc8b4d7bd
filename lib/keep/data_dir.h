// data_dir: the directory of everything that is written, before anything is.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace b24 {

// The path with every symbolic link of its existing part resolved.
std::filesystem::path real_path(const std::filesystem::path& path);

// Makes the directory (0700) when it is missing. Refuses (kind settings) one inside `document_root`
// (when given), one that others can enter, and one of b24hooks 0.1.0, in which nothing is touched.
Status prepare_data_dir(const std::filesystem::path& dir, const std::string& document_root);

}  // namespace b24
