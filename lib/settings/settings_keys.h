// settings_keys: the one table of what can be set, made of settings.def. From it come the reading
// (settings.cpp), what --help and errors say, and conf/settings.conf.example (settings_help.cpp).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.h"

namespace b24 {

// Where a value goes.
struct SettingPlace {
  Settings& settings;
  std::size_t item;                       // of the vector that a repeatable section fills
  const std::filesystem::path& base_dir;  // what relative paths are relative to
  std::string_view tail;                  // what "*" stands for in the key's name
};

struct SettingKey {
  std::string_view name;  // "*" at the end stands for anything
  bool (*set)(const SettingPlace& place, const SettingType& type, std::string_view text);
  SettingType type;
  std::string_view initial;
  std::string_view example;
  std::string_view help;

  // What comes before "*" at the end of the name; the whole name when there is none.
  std::string_view stem() const { return name.substr(0, name.find('*')); }
  // Whether `text` is this key; what "*" stands for is then what comes after the stem.
  bool matches(std::string_view text) const {
    return name.ends_with('*') ? text.starts_with(stem()) && text != stem() : text == name;
  }
};

struct SettingSection {
  std::string_view name;  // "" for CRest's names
  std::span<const SettingKey> keys;
  std::string_view heading = {};  // of the group that begins with it
  // Of a section that may occur many times, [section NAME], each name one struct of a vector: the
  // index of the struct with that name (compared as environment variables are: env_form), made when
  // there is none. Null: it occurs once.
  std::size_t (*item)(Settings& settings, std::string_view name) = nullptr;
  std::string_view needs_name = {};  // one for example; empty: [section] alone is good, too
  std::string_view help = {};        // of a section that needs a name
  std::string_view sample = {};      // lines to show in the example
  bool inherits = false;  // one with a name takes from the one without what it does not set

  const SettingKey* find(std::string_view key) const;  // null when there is none
};

std::span<const SettingSection> setting_sections();         // in the order of the example
const SettingSection* find_section(std::string_view name);  // null when there is none

inline constexpr std::string_view kVariablePlace = "environment variable ";

// A value that was read.
struct SettingRead {
  const SettingSection* section = nullptr;
  const SettingKey* key = nullptr;
  std::string item = {};   // the NAME of [section NAME]
  std::string tail = {};   // what "*" stands for in the key's name
  std::string value = {};  // as it is written
  std::string place = {};  // "FILE:LINE", or kVariablePlace and a name
};
// load_settings (settings.h), which tells of each value in the order in which it was applied.
Result<Settings> load_settings(const std::filesystem::path& file, const char* const* environment,
                               std::vector<SettingRead>& read);

// An event's name: in upper case; "ROBOT:WON" for a robot's, whose colon a variable's name lacks.
std::string event_form(std::string_view name);

// As a part of an environment variable's name: letters in upper case, digits, "_" for all else.
std::string env_form(std::string_view name);

}  // namespace b24
