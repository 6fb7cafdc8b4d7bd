// data_dir: the directory of everything that is written, before anything is.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace b24 {

// Makes the directory (0700) when it is missing, and in a new one the file that names the version
// of everything in it. Refuses (kind settings) one inside `document_root` (when given), one that
// others can enter, and one of another version, in which nothing is touched.
Status prepare_data_dir(const std::filesystem::path& dir, const std::string& document_root);

}  // namespace b24
