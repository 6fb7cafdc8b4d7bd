// import_settings: the defines of CRest's settings.php as lines of settings.conf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace b24 {

struct ImportedSettings {
  std::string lines;                        // to be put into settings.conf, with comments
  std::vector<std::string> not_understood;  // "line 12: C_REST_...: why", for people
};

// Reads define('NAME', value) and const NAME = value: texts, true, false, numbers, __DIR__ (`dir`)
// and "." between them. The PHP is read, never run: what needs running is not understood. As in PHP
// the first of several definitions counts.
ImportedSettings import_settings(std::string_view php, std::string_view dir);

// The command: prints the lines, and on standard error what was not understood; 0, or 1 when there
// was any, or the file cannot be read.
int import_settings_command(const std::string& file);

}  // namespace b24
