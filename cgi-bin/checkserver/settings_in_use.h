// settings_in_use: each setting with its value, where that comes from, and what else it could be.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace b24 {

struct SettingInUse {
  std::string section;      // "form", "field size"; empty: before the first section
  std::string key;          // "title", "label_ru"
  std::string value;        // as it is written; "***" for a secret
  std::string place;        // "FILE:LINE", or kVariablePlace and a name; empty: the default
  std::string passed_over;  // the place in the file that a variable goes before
  std::string_view initial, expects, example, help;  // of the table
  // How to set it where it is set now, for example: the section and the line, or the variable.
  std::vector<std::string> lines;
};

// All there are, as they are read now, in the order of the table; of sections with a name those
// that somebody wrote. Errors: those of load_settings.
Result<std::vector<SettingInUse>> settings_in_use(const std::filesystem::path& file,
                                                  const char* const* environment);

// As a settings file with the places as comments, for a terminal.
std::string text_of(const std::vector<SettingInUse>& settings);

}  // namespace b24
