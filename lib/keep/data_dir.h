// data_dir: the directory of everything that is written, before anything is.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"

namespace b24 {

// Makes the directory (0700) when it is missing, and in a new one the file that names the version
// of everything in it. Refuses (kind settings) one inside `document_root` (when given), one that
// others can enter, and one of another version, in which nothing is touched.
Status prepare_data_dir(const std::filesystem::path& dir, const std::string& document_root);

// What spares CGI processes a look at the store, <data>/KIND.rest: until its time of change nothing
// of the kind is due. It is opened before a look and set after it; whoever makes something due
// meanwhile, or later, has removed it, so that it is not there.
std::filesystem::path rest_file(const std::filesystem::path& dir, std::string_view kind);
bool is_at_rest(const std::filesystem::path& rest);
void set_rest(const FileHandle& rest, Millis time);  // from now on

}  // namespace b24
