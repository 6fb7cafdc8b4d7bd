// settings_keys: the one table of what can be set, for settings.cpp alone.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

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
  std::string_view section;
  std::string_view name;  // "*" at the end stands for anything
  // Reads the text into its field; false when it is no such value. A later call replaces the value.
  bool (*set)(const SettingPlace& place, std::string_view text);
  std::string_view expects;  // after "expects "
  bool secret = false;       // the value is never shown
};

// A section that may occur many times, [section NAME]; each name is one struct of a vector.
struct RepeatableSection {
  std::string_view name;
  // The index of the struct with that name (compared as environment variables are: env_form), made
  // when there is none.
  std::size_t (*item)(Settings& settings, std::string_view name);
  bool needs_name = true;
};

std::span<const SettingKey> setting_keys();
std::span<const RepeatableSection> repeatable_sections();

// As a part of an environment variable's name: letters in upper case, digits, "_" for all else.
std::string env_form(std::string_view name);

}  // namespace b24
