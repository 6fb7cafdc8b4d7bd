// settings_help: what is printed from the table of settings: the example file and the help.
#include <algorithm>

#include "base/text.h"
#include "settings/settings_keys.h"

namespace b24 {
namespace {

constexpr std::size_t kWidth = 120;

constexpr std::string_view kHead =
    R"(# Settings of b24hooks. Copy this file to /etc/b24hooks/settings.conf, or conf/settings.conf beside the installation when that is
# outside the web root, and let only the pages' user read it: chmod 640, and chown root:b24hooks for the services of the package and
# of setup, root:www-data where the web server itself starts the programs.
#
# A line that starts with "#key" shows the default: remove the "#" and change the value. Lines hold at most 198 bytes; a longer value
# goes on in indented lines. " ;" starts a comment, so a value cannot hold a blank with a semicolon behind it.
# Times: 500ms, 10s, 2m, 1h, 7d. Sizes: 65536, 128K, 1M. Lists: parted by blanks or commas. Relative paths start at this file.
#
# The environment goes before this file: B24HOOKS_<SECTION>_<KEY>, e.g. B24HOOKS_SERVER_MAX_BODY=2M, for sections with a name
# B24HOOKS_PORTAL_MAIN_APPLICATION_TOKEN, and the C_REST_ names as they are. Without any file, the environment must at least set
# something and B24HOOKS_DATA_DIR. A changed file is read again within a second; while it has an error, the old settings stay.
)";

std::string comment(std::string_view text) {
  return "# " + text::wrapped(text, kWidth, "# ", 2) + "\n";
}

// Of a section that occurs only when somebody writes it: all of it is a comment.
std::string described(const SettingSection& section) {
  std::string out = comment(section.help) + "#\n# [" + std::string(section.name) + " " +
                    std::string(section.needs_name) + "]\n";
  constexpr std::size_t kColumn = 20;
  for (const SettingKey& key : section.keys) {
    if (key.name.ends_with('*')) continue;
    std::string line = "#   " + std::string(key.name);
    line.resize(kColumn, ' ');
    out +=
        line + text::wrapped(key.help, kWidth, "#" + std::string(kColumn - 1, ' '), kColumn) + "\n";
  }
  if (!section.sample.empty()) {
    out += "#\n# For example:\n#\n";
    for (const std::string& line : text::split(section.sample, "\n")) out += "# " + line + "\n";
  }
  return out;
}

}  // namespace

std::string settings_example() {
  std::string out(kHead);
  for (const SettingSection& section : setting_sections()) {
    out += '\n';
    if (!section.heading.empty()) out += "# --- " + std::string(section.heading) + " ---\n\n";
    if (!section.needs_name.empty()) {
      out += described(section);
      continue;
    }
    if (!section.name.empty()) out += "[" + std::string(section.name) + "]\n";
    for (const SettingKey& key : section.keys) {
      if (key.name.ends_with('*')) continue;
      if (&key != &section.keys.front()) out += '\n';
      const std::string value(key.initial);
      out += comment(key.help) + "#" + std::string(key.name) + " =" +
             (value.empty() ? "" : " " + value) + "\n";
    }
  }
  return out;
}

std::string settings_help() {
  std::string out = "\"--help settings.conf\" prints a file to begin with.\n";
  for (const SettingSection& section : setting_sections()) {
    const std::string name = section.needs_name.empty() ? std::string(section.name)
                                                        : std::string(section.name) + " NAME";
    out += section.name.empty() ? "\nBefore the first section:\n" : "\n[" + name + "]\n";
    for (const SettingKey& key : section.keys) {
      const std::string value(key.initial.empty() ? "nothing" : key.initial);
      out += "  " + std::string(key.name) + ": " + std::string(key.type.expects) + "; by default " +
             value + "; for example " + std::string(key.example) + "\n      " +
             text::wrapped(key.help, kWidth, "      ", 6) + "\n";
    }
  }
  return out;
}

}  // namespace b24
