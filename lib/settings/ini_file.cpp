// ini_file: an ini file as a list of its entries with their lines, by inih.
#include "settings/ini_file.h"

#include <ini.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/text.h"

namespace b24 {
namespace {

// inih's own limit, which it passes over in silence.
constexpr std::size_t kLongestSection = 48;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Hands the text to inih line by line, since inih would take the tail of an over-long line for a
// line of its own, and notes what inih does not tell: where it is, and whether the line is
// indented.
struct Source {
  std::string_view text;
  const std::string& file;
  int line = 0;
  bool indented = false;
  std::vector<IniEntry> entries;
  std::optional<Error> error;

  void fail(std::string what, std::string remedy) {
    if (error) return;
    error = Error{ErrorKind::settings, "broken_line",
                  file + ":" + std::to_string(line) + ": " + std::move(what), std::move(remedy)};
  }
};

void check_line(Source& source, std::string_view line, std::size_t room) {
  if (line.find('\0') != std::string_view::npos)
    source.fail("the line holds a zero byte", "save the file as plain text (UTF-8)");
  if (line.size() > room) {
    source.fail("the line is longer than " + std::to_string(room) + " bytes",
                "continue the value on an indented line");
  }
  if (line.starts_with('[') && std::min(line.find(']'), line.size()) > kLongestSection + 1) {
    source.fail("the section's name is longer than " + std::to_string(kLongestSection) + " bytes",
                "shorten the name");
  }
}

char* read_line(char* buffer, int size, void* stream) {
  Source& source = *static_cast<Source*>(stream);
  if (source.text.empty() || source.error) return nullptr;
  const std::size_t end = std::min(source.text.find('\n'), source.text.size());
  std::string_view line = source.text.substr(0, end);
  source.text.remove_prefix(std::min(end + 1, source.text.size()));
  ++source.line;
  if (line.ends_with('\r')) line.remove_suffix(1);
  source.indented = !line.empty() && is_blank(line.front());
  const std::string_view content = text::trim(line);
  if (content.starts_with('#') || content.starts_with(';')) line = {};  // may be of any length
  check_line(source, line, static_cast<std::size_t>(size) - 1);
  if (source.error) return nullptr;
  line.copy(buffer, line.size());
  buffer[line.size()] = '\0';
  return buffer;
}

int take_entry(void* user, const char* section, const char* name, const char* value) {
  Source& source = *static_cast<Source*>(user);
  std::vector<IniEntry>& entries = source.entries;
  // inih resets its memory of the last name at each section, as the comparison does here.
  if (source.indented && !entries.empty() && entries.back().section == section &&
      entries.back().name == name) {
    std::string& text = entries.back().value;
    if (!text.empty()) text += ' ';
    text += value;
    entries.back().indented.emplace_back(value);
  } else {
    entries.push_back({section, name, value, source.line, {}});
  }
  return 1;
}

}  // namespace

Result<std::vector<IniEntry>> parse_ini(std::string_view text, const std::string& file) {
  Source source{text, file, 0, false, {}, {}};
  const int broken = ini_parse_stream(read_line, &source, take_entry, &source);
  // A line that inih could not read comes before the one at which the reader stopped.
  if (broken > 0) {
    source.error.reset();
    source.line = broken;
    source.fail("this is neither \"name = value\" nor \"[section]\"",
                "mend the line, or start it with # to make it a comment");
  }
  if (source.error) return std::unexpected(*source.error);
  return std::move(source.entries);
}

Result<std::string> read_settings_text(const std::string& file) {
  auto text = read_file(file, std::string::npos);
  if (!text) return std::unexpected(system_error(ErrorKind::settings, file, errno));
  return *std::move(text);
}

}  // namespace b24
