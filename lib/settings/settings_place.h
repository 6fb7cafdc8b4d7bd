// settings_place: where settings and data lie, and who may see them, for this room alone.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace b24 {

inline constexpr std::string_view kFileVariable = "B24HOOKS_SETTINGS";

std::unexpected<Error> settings_error(std::string code, std::string cause, std::string remedy);
// The value of an environment variable; empty when there is none.
std::string_view variable(const char* const* environment, std::string_view name);

// An error with this code when `path` lies below the web root (no web root: never).
Status check_outside_web(const std::filesystem::path& path, std::string_view web_root,
                         const char* code, const std::string& what, const std::string& where);
std::unexpected<Error> no_settings_file(const std::filesystem::path& file);

}  // namespace b24
