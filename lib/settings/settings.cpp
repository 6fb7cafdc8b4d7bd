// settings: finds, checks and reads the settings, and keeps them fresh.
#include "settings/settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/text.h"
#include "settings/ini_file.h"
#include "settings/permission.h"
#include "settings/settings_keys.h"
#include "settings/settings_place.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "B24HOOKS_";
// --- One value ---

struct Target {
  const SettingKey* key = nullptr;
  std::string item;  // the NAME of [section NAME]
  std::string tail;  // what "*" stands for in the key's name
};

struct Origin {
  std::string place;  // "FILE:LINE" or the name of a variable
  std::string name;   // "section.key"
};

// Null when it may occur but once.
const SettingSection* repeatable(std::string_view section) {
  const SettingSection* found = find_section(section);
  return found != nullptr && found->item != nullptr ? found : nullptr;
}

Status apply(Settings& settings, const fs::path& base_dir, const Target& target,
             std::string_view value, const Origin& origin) {
  const SettingKey& key = *target.key;
  const SettingSection* section = repeatable(key.section);
  const std::size_t item = section ? section->item(settings, target.item) : 0;
  if (key.field.set({settings, item, base_dir, target.tail}, key.type, value)) return {};
  const std::string shown = key.secret ? "" : ", not \"" + text::for_log(value, 80) + "\"";
  return std::unexpected(settings_error(
      "bad_value", origin.place + ": " + origin.name + " expects " + expected(key) + shown,
      "for example " + std::string(key.name) + " = " + std::string(key.example)));
}

// --- The file ---

// "did you mean title?", and all that there is.
std::string key_remedy(std::string_view section, const std::string& name,
                       const std::string& where) {
  std::vector<std::string_view> known;
  std::string names;
  for (const SettingKey& key : setting_keys()) {
    if (key.section != section) continue;
    known.push_back(key.name);
    names.append(names.empty() ? "" : ", ").append(key.name);
  }
  const std::string_view like = nearest(name, known);
  return (like.empty() ? "" : "did you mean " + std::string(like) + "? ") + "the keys " + where +
         " are: " + names;
}

std::string section_remedy(const std::string& name) {
  std::vector<std::string_view> known;
  for (const SettingSection& section : setting_sections())
    if (!section.name.empty()) known.push_back(section.name);
  const std::string_view like = nearest(name, known);
  return (like.empty() ? "" : "did you mean [" + std::string(like) + "]? ") +
         std::string("--help settings shows the sections there are");
}

// Where "=" was forgotten, what comes after the first word is the value, and perhaps a secret.
Error unknown_key(const IniEntry& entry, const std::string& section, const std::string& place) {
  const std::size_t end = std::min(entry.name.find_first_of(" \t"), entry.name.size());
  const std::string name = text::for_log(entry.name.substr(0, end));
  if (end < entry.name.size() && find_key(section, name))
    return settings_error("unknown_key", place + ": no = after " + name,
                          "write " + name + " = ...");
  const std::string where =
      section.empty() ? "before the first section" : "in section [" + section + "]";
  return settings_error("unknown_key", place + ": there is no key \"" + name + "\" " + where,
                        key_remedy(section, name, where));
}

// What an entry of the file sets.
Result<Target> target_of(const IniEntry& entry, const std::string& place) {
  const std::size_t blank = entry.section.find_first_of(" \t");
  const std::string section = entry.section.substr(0, blank);
  const std::string item =
      blank == std::string::npos ? "" : std::string(text::trim(entry.section.substr(blank)));
  if (find_section(section) == nullptr || (!item.empty() && !repeatable(section))) {
    return std::unexpected(settings_error(
        "unknown_section", place + ": there is no section [" + text::for_log(entry.section) + "]",
        section_remedy(section)));
  }
  const SettingSection* many = repeatable(section);
  if (many && !many->needs_name.empty() && item.empty()) {
    return std::unexpected(
        settings_error("unknown_section", place + ": section [" + section + "] has no name",
                       "write [" + section + " " + std::string(many->needs_name) + "]"));
  }
  const SettingKey* key = find_key(section, entry.name);
  if (!key) return std::unexpected(unknown_key(entry, section, place));
  return Target{key, item, std::string(*match(key->name, entry.name))};
}

// An indented line continues the one before, which is seldom meant when it looks like a key.
Status check_swallowed_key(const IniEntry& entry, const SettingKey& key, const std::string& place) {
  for (const std::string& line : entry.indented) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name(text::trim(std::string_view(line).substr(0, equals)));
    if (!find_key(key.section, name)) continue;
    return std::unexpected(
        settings_error("broken_line",
                       place + ": the indented line with \"" + text::for_log(name) +
                           "\" below is read as a part of " + text::for_log(entry.name),
                       "remove the blanks before " + text::for_log(name)));
  }
  return {};
}

Status apply_file(Settings& settings, std::string_view text) {
  const std::string file = settings.file.string();
  Result<std::vector<IniEntry>> entries = parse_ini(text, file);
  if (!entries) return std::unexpected(entries.error());
  std::set<std::string> seen;
  for (const IniEntry& entry : *entries) {
    const std::string place = file + ":" + std::to_string(entry.line);
    const Result<Target> target = target_of(entry, place);
    if (!target) return std::unexpected(target.error());
    const std::string name =
        text::for_log(entry.section.empty() ? entry.name : entry.section + "." + entry.name);
    if (!seen.insert(env_form(entry.section) + "." + entry.name).second) {
      return std::unexpected(settings_error("duplicate_key",
                                            place + ": " + name + " is set a second time",
                                            "keep one of the two lines"));
    }
    if (Status swallowed = check_swallowed_key(entry, *target->key, place); !swallowed)
      return swallowed;
    Status applied =
        apply(settings, settings.file.parent_path(), *target, entry.value, {place, name});
    if (!applied) return applied;
  }
  return {};
}

// --- The environment ---

// What a variable sets: B24HOOKS_<SECTION>_<KEY>, or B24HOOKS_<SECTION>_<NAME>_<KEY> for one of
// many, or the name of a key before the first section.
Target target_of_variable(std::string_view name) {
  if (const SettingKey* key = find_key("", name)) return {key, "", ""};
  if (!name.starts_with(kPrefix)) return {};
  const std::string_view rest = name.substr(kPrefix.size());
  Target found;
  std::size_t longest = 0;
  for (const SettingKey& key : setting_keys()) {
    const std::string section = env_form(key.section) + "_";
    if (key.section.empty() || !rest.starts_with(section)) continue;
    const std::string_view tail = rest.substr(section.size());
    const bool many = key.name.ends_with('*');
    const std::string own = env_form(key.name.substr(0, key.name.size() - (many ? 1 : 0)));
    const SettingSection* named = repeatable(key.section);
    if (!many && tail == own && !(named && !named->needs_name.empty())) return {&key, "", ""};
    if (!named) continue;
    const std::string middle = "_" + own;
    const std::size_t at = tail.rfind(middle);
    if (at == std::string_view::npos || at == 0) continue;
    const std::string_view behind = tail.substr(at + middle.size());
    // "..._MAIN_APPLICATION_TOKEN" ends with a key "token", too, if there is one: the longest is
    // meant.
    if (behind.empty() == many || middle.size() <= longest) continue;
    longest = middle.size();
    found = {&key, text::lower(tail.substr(0, at)), text::lower(behind)};
  }
  return found;
}

// Counts what was set.
Result<int> apply_environment(Settings& settings, const char* const* environment,
                              const fs::path& base_dir) {
  int count = 0;
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    const std::string_view name = entry.substr(0, entry.find('='));
    if (name.size() == entry.size() || name == kFileVariable) continue;
    const Target target = target_of_variable(name);
    if (!target.key && !name.starts_with(kPrefix)) continue;
    const std::string shown = text::for_log(name);
    if (!target.key) {
      return std::unexpected(settings_error(
          "unknown_key", "environment variable " + shown + ": there is no such setting",
          "unset it, or name it B24HOOKS_<SECTION>_<KEY> after a key of settings.conf.example"));
    }
    Status applied = apply(settings, base_dir, target, entry.substr(name.size() + 1),
                           {"environment variable " + shown, std::string(target.key->name)});
    if (!applied) return std::unexpected(applied.error());
    ++count;
  }
  return count;
}

// --- What follows from the rest ---

Status complete(Settings& settings, std::string_view web_root) {
  if (settings.data.dir.empty() || (settings.file.empty() && settings.data.dir.is_relative())) {
    return std::unexpected(
        settings_error("no_data_dir", "data.dir: no directory is named",
                       "set dir in section [data], or B24HOOKS_DATA_DIR to an absolute path"));
  }
  settings.data.dir = (settings.file.parent_path() / settings.data.dir).lexically_normal();
  if (settings.page.templates.empty()) settings.page.templates = find_templates();
  return check_outside_web(settings.data.dir, web_root, "data_in_web_root", "the data directory");
}

Error unreadable(const fs::path& file, Error error) {
  const std::string lines = in_one_line(lines_to_read(file));
  if (!lines.empty()) error.remedy = lines;
  return error;
}

std::string stamp_of(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return "none";
  std::string stamp;
  for (long long part :
       {static_cast<long long>(status.st_ino), static_cast<long long>(status.st_size),
        static_cast<long long>(status.st_mtim.tv_sec),
        static_cast<long long>(status.st_mtim.tv_nsec),
        static_cast<long long>(status.st_ctim.tv_sec),
        static_cast<long long>(status.st_ctim.tv_nsec)}) {
    stamp += std::to_string(part) + " ";
  }
  return stamp;
}

Result<Settings> load(const fs::path& path, const char* const* environment) {
  Settings settings;
  const std::string_view web_root = variable(environment, "DOCUMENT_ROOT");
  std::error_code fault;
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) {
    settings.file = path;
    if (Status outside = check_settings_outside_web(settings, web_root); !outside)
      return std::unexpected(outside.error());
    if (Status closed = check_mode(path, status); !closed) return std::unexpected(closed.error());
    const Result<std::string> text = read_settings_text(path.string());
    if (!text) return std::unexpected(unreadable(path, text.error()));
    if (Status applied = apply_file(settings, *text); !applied)
      return std::unexpected(applied.error());
  } else if (errno != ENOENT && errno != ENOTDIR) {
    return std::unexpected(
        unreadable(path, system_error(ErrorKind::settings, path.string(), errno)));
  } else if (!variable(environment, kFileVariable).empty()) {
    return std::unexpected(no_settings_file(path));  // a file that was asked for by name
  }
  const Result<int> count = apply_environment(
      settings, environment, settings.file.empty() ? fs::current_path(fault) : path.parent_path());
  if (!count) return std::unexpected(count.error());
  if (settings.file.empty() && *count == 0) return std::unexpected(no_settings_file(path));
  if (Status completed = complete(settings, web_root); !completed)
    return std::unexpected(completed.error());
  return settings;
}

}  // namespace

Result<Settings> load_settings(const fs::path& file, const char* const* environment) {
  std::error_code fault;
  const fs::path path = fs::absolute(file, fault).lexically_normal();
  Result<Settings> loaded = load(path, environment);
  if (!loaded) {
    loaded.error().cause += " (the file: " + path.string() +
                            "; without --settings and B24HOOKS_SETTINGS it is looked for at " +
                            list_of_places() + ")";
  }
  return loaded;
}

Result<std::shared_ptr<const Settings>> SettingsSource::current() {
  const std::lock_guard lock(mutex_);
  const Millis now = clock_();
  // A clock that was set back counts as a second gone by.
  if (looked_at_ != 0 && now >= looked_at_ && now - looked_at_ < 1000) {
    if (settings_) return settings_;
    return std::unexpected(*fault_);
  }
  looked_at_ = now;
  if (std::string stamp = stamp_of(file_); stamp != stamp_ || !settings_) {
    stamp_ = std::move(stamp);
    Result<Settings> fresh = load_settings(file_, environment_);
    fault_ = fresh ? std::nullopt : std::optional(fresh.error());
    if (fresh) settings_ = std::make_shared<const Settings>(std::move(*fresh));
  }
  if (settings_) return settings_;
  return std::unexpected(*fault_);
}

std::optional<Error> SettingsSource::fault() {
  const std::lock_guard lock(mutex_);
  return fault_;
}

}  // namespace b24
