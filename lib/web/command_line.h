// command_line: the options of a binary, by its table.
#pragma once

#include <expected>
#include <span>
#include <string>

#include "web/server.h"

namespace b24 {

struct CommandLine {
  std::string listen;    // --listen
  int threads = 0;       // --threads; 0: not given
  std::string settings;  // --settings
  bool help = false;
  std::string help_topic;  // "settings", "settings.conf"; empty: the program
  bool version = false;
  Arguments arguments;  // the page's own options, in order
};

// `args` without the program's name, read by getopt_long. "--name value" and "--name=value" are the
// same, and a name may be cut as long as it is the only one that begins so. The fault in one line,
// with what would be right, when an option is unknown, lacks its argument or has one that it does
// not take. Not safe from several threads.
std::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> args,
                                                           std::span<const Option> options);

// What --help prints.
std::string help_text(const Program& program);

}  // namespace b24
