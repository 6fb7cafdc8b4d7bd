// command_line: the options of a binary, by its table.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

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

// `args` without the program's name. "--name value" and "--name=value" are the same. The fault in
// words when an option is unknown, lacks its argument or has one that it does not take.
std::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> args,
                                                           std::span<const Option> options);

// What --help prints.
std::string help_text(const Program& program);

}  // namespace b24
