// settings_keys: the one table of what can be set. From it come the reading (settings.cpp), what
// --help and errors say, and conf/settings.conf.example (settings_help.cpp).
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "settings/settings.h"
#include "settings/settings_values.h"

namespace b24 {

// Where a value goes.
struct SettingPlace {
  Settings& settings;
  std::size_t item;                       // of the vector that a repeatable section fills
  const std::filesystem::path& base_dir;  // what relative paths are relative to
  std::string_view tail;                  // what "*" stands for in the key's name
};

// The way to one field. The default is what it holds in a Settings that nobody has touched.
struct SettingField {
  bool (*set)(const SettingPlace& place, const SettingType& type, std::string_view text);
  std::string (*show_default)(const SettingType& type);
};

struct SettingKey {
  std::string_view section;  // "" for CRest's names
  std::string_view name;     // "*" at the end stands for anything
  SettingField field;
  SettingType type;
  std::string_view example;  // a value that can stand alone in a file
  std::string_view help;
  bool secret = false;  // the value is never shown
};

struct SettingSection {
  std::string_view name;
  std::string_view help;     // of a section that occurs many times
  std::string_view heading;  // of the group that begins with it
  // Of a section that may occur many times, [section NAME], each name one struct of a vector: the
  // index of the struct with that name (compared as environment variables are: env_form), made when
  // there is none. Null: it occurs once.
  std::size_t (*item)(Settings& settings, std::string_view name) = nullptr;
  std::string_view needs_name = {};  // one for example; empty: [section] alone is good, too
  std::string_view sample = {};      // lines to show in the example
};

std::span<const SettingKey> setting_keys();          // in the order of the example
std::span<const SettingSection> setting_sections();  // all, in the same order

// The key that a name in a section is; null when there is none.
const SettingKey* find_key(std::string_view section, std::string_view name);
const SettingSection* find_section(std::string_view name);
// The known name most like `name`; empty when none is like it.
std::string_view nearest(std::string_view name, std::span<const std::string_view> known);
// What "*" at the end of a key's name stands for in `name`; nothing when it is another key.
std::optional<std::string_view> match(std::string_view key, std::string_view name);

// "a whole number from 1 to 1024".
std::string expected(const SettingKey& key);

// As a part of an environment variable's name: letters in upper case, digits, "_" for all else.
std::string env_form(std::string_view name);

}  // namespace b24
