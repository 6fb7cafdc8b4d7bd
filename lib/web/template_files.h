// template_files: which files of a directory make up the pages.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace b24 {

inline constexpr std::string_view kTemplate = ".mustache", kStyle = ".css", kScript = ".js";
inline constexpr std::string_view kMessages = "messages.", kConf = ".conf";

// Their names; none when the directory cannot be read.
std::set<std::string> template_files(const std::filesystem::path& dir);

}  // namespace b24
