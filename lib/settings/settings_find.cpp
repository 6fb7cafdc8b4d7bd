// settings_find: keys and sections by their names.
#include <algorithm>
#include <numeric>

#include "settings/settings_keys.h"

namespace b24 {
namespace {

// How many characters have to be put in, taken out or changed to make one text of the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string_view> match(std::string_view key, std::string_view name) {
  if (key == name) return "";
  if (!key.ends_with('*')) return std::nullopt;
  key.remove_suffix(1);
  if (!name.starts_with(key) || name.size() == key.size()) return std::nullopt;
  return name.substr(key.size());
}

const SettingKey* find_key(std::string_view section, std::string_view name) {
  for (const SettingKey& key : setting_keys())
    if (key.section == section && match(key.name, name)) return &key;
  return nullptr;
}

const SettingSection* find_section(std::string_view name) {
  for (const SettingSection& section : setting_sections())
    if (section.name == name) return &section;
  return nullptr;
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t least = name.size() / 3 + 2;  // more than that is another word
  for (const std::string_view each : known) {
    if (name.size() > 100) break;
    if (const std::size_t far = distance(name, each); far < least) {
      least = far;
      best = each;
    }
  }
  return best;
}

std::string expected(const SettingKey& key) {
  const SettingType& type = key.type;
  std::string text(type.expects);
  if (type.most == 0) return text;
  const bool is_time = text == "a time";
  const auto shown = [&](long long bound) {
    return is_time ? show_setting(type, Millis{bound}) : std::to_string(bound);
  };
  return text + " from " + shown(type.least) + " to " + shown(type.most);
}

std::string env_form(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
    else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
      c = '_';
  }
  return result;
}

}  // namespace b24
