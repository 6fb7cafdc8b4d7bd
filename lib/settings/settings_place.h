// settings_place: where settings and data lie, and who may see them, for this room alone.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace b24 {

inline constexpr std::string_view kFileVariable = "B24HOOKS_SETTINGS";

Error settings_error(std::string code, std::string cause, std::string remedy);
// The value of an environment variable; empty when there is none.
std::string_view variable(const char* const* environment, std::string_view name);

// An error with this code when `path` lies below the web root (no web root: never).
Status check_outside_web(const std::filesystem::path& path, std::string_view web_root,
                         const char* code, const char* what);
// Only the owner may see the file; or the group that this process runs as, read-only.
Status check_mode(const std::filesystem::path& file, const struct stat& status);
Error no_settings_file(const std::filesystem::path& file);

}  // namespace b24
