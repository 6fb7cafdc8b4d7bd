// ini_file: an ini file as a list of its entries with their lines; the form of settings and message
// catalogues.
//
// A value goes on in the following indented lines (joined with a blank). " ;" starts a comment, as
// does ";" or "#" at the start of a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace b24 {

struct IniEntry {
  std::string section;  // "" before the first
  std::string name;
  std::string value;
  int line = 0;                       // where it begins, from 1
  std::vector<std::string> indented;  // the further lines that are a part of the value
};

// The entries in their order, repeated ones too. `file` is its name for errors (kind settings, code
// broken_line): a line that is no entry, or is longer than the parser takes.
Result<std::vector<IniEntry>> parse_ini(std::string_view text, const std::string& file);

// The text of a whole file. Errors are those of the system, of the kind `settings`.
Result<std::string> read_settings_text(const std::string& file);

}  // namespace b24
