// settings_in_use: see settings_in_use.h.
#include "settings_in_use.h"

#include <algorithm>

#include "base/secret.h"
#include "base/text.h"
#include "settings/settings_keys.h"

namespace b24 {
namespace {

std::string shown(const SettingKey& key, const std::string& value) {
  if (!key.type.secret) return secret::mask(value);
  return value.empty() ? "" : "***";
}

// The names of a section in the order in which they were read: one without a name where it occurs
// once, or may do without.
std::vector<std::string> names_of(const SettingSection& section,
                                  const std::vector<SettingRead>& read) {
  std::vector<std::string> names;
  if (section.inherits) names.emplace_back();
  for (const SettingRead& one : read) {
    const auto is_same = [&](const auto& name) { return env_form(name) == env_form(one.item); };
    if (one.section == &section && std::ranges::none_of(names, is_same)) names.push_back(one.item);
  }
  if (names.empty() && section.needs_name.empty()) names.emplace_back();
  return names;
}

// `set`: the values that were read for it, the last of which counts; none: the default.
// `is_inherited`: by the section without a name, for this one.
SettingInUse row_of(const std::string& section, const SettingKey& key,
                    const std::vector<const SettingRead*>& set, bool is_inherited = false) {
  SettingInUse row{.section = section,
                   .key = std::string(key.stem()),
                   .value = std::string(key.initial),
                   .place = {},
                   .passed_over = {},
                   .initial = key.initial,
                   .expects = key.type.expects,
                   .example = key.example,
                   .help = key.help,
                   .lines = {}};
  if (!set.empty()) {
    row.key += set.back()->tail;
    row.value = shown(key, set.back()->value);
    row.place = set.back()->place;
  }
  if (set.size() > 1) row.passed_over = set.front()->place;
  if (row.place.starts_with(kVariablePlace) && !is_inherited) {
    row.lines = {row.place.substr(kVariablePlace.size()) + "=" + std::string(key.example)};
    return row;
  }
  if (!section.empty()) row.lines.push_back("[" + section + "]");
  row.lines.push_back(row.key + " = " + std::string(key.example));
  return row;
}

void add_section(const SettingSection& section, const std::string& item,
                 const std::vector<SettingRead>& read, std::vector<SettingInUse>& rows) {
  const std::string name = std::string(section.name) + (item.empty() ? "" : " ") + item;
  for (const SettingKey& key : section.keys) {
    const auto read_for = [&](const std::string& of) {
      std::vector<const SettingRead*> set;
      for (const SettingRead& one : read) {
        if (one.key == &key && env_form(one.item) == env_form(of)) set.push_back(&one);
      }
      return set;
    };
    std::vector<const SettingRead*> set = read_for(item);
    if (!key.name.ends_with('*')) {
      const bool is_inherited = set.empty() && section.inherits;
      rows.push_back(row_of(name, key, is_inherited ? read_for("") : set, is_inherited));
      continue;
    }
    for (const SettingRead* one : set) rows.push_back(row_of(name, key, {one}));
  }
}

}  // namespace

Result<std::vector<SettingInUse>> settings_in_use(const std::filesystem::path& file,
                                                  const char* const* environment) {
  std::vector<SettingRead> read;
  const Result<Settings> loaded = load_settings(file, environment, read);
  if (!loaded) return std::unexpected(loaded.error());
  std::vector<SettingInUse> rows;
  for (const SettingSection& section : setting_sections()) {
    for (const std::string& item : names_of(section, read)) add_section(section, item, read, rows);
  }
  return rows;
}

std::string text_of(const std::vector<SettingInUse>& settings) {
  std::string out, section;
  for (const SettingInUse& one : settings) {
    if (one.section != section) out += "\n[" + (section = one.section) + "]\n";
    std::string line = one.key + " =" + (one.value.empty() ? "" : " ") + text::for_log(one.value);
    line.resize(std::max<std::size_t>(line.size(), 46), ' ');
    out += line + "  # " + (one.place.empty() ? "default" : one.place) + "\n";
  }
  return out;
}

}  // namespace b24
