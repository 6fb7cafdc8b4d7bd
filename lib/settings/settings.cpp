// settings: finds, checks and reads the settings, and keeps them fresh.
#include "settings/settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"
#include "settings/ini_file.h"
#include "settings/permission.h"
#include "settings/settings_keys.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "B24HOOKS_";

std::unexpected<Error> settings_error(std::string code, std::string cause, std::string remedy) {
  return std::unexpected(
      Error{ErrorKind::settings, std::move(code), std::move(cause), std::move(remedy)});
}

// --- One value ---

// What is being read, and what was read so far.
struct Reading {
  Settings settings;
  std::vector<SettingRead>& read;
  fs::path base_dir;
};

bool take(Reading& reading, const SettingRead& one) {
  const std::size_t item = one.section->item ? one.section->item(reading.settings, one.item) : 0;
  return one.key->set({reading.settings, item, reading.base_dir, one.tail}, one.key->type,
                      one.value);
}

// `name`: "section.key".
Status apply(Reading& reading, const SettingRead& one, const std::string& name) {
  reading.read.push_back(one);
  if (take(reading, one)) return {};
  const SettingKey& key = *one.key;
  const std::string shown = key.type.secret ? "" : ", not \"" + text::for_log(one.value, 80) + "\"";
  return settings_error(
      "bad_value", one.place + ": " + name + " expects " + std::string(key.type.expects) + shown,
      "for example " + std::string(key.name) + " = " + std::string(key.example));
}

// --- The file ---

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

// "did you mean title? there are: fields, title, ..."
std::string remedy_for(const std::string& name, const std::vector<std::string>& known) {
  const auto far = [&](const std::string& each) { return distance(name, each); };
  const auto like = name.size() > 100 ? known.end() : std::ranges::min_element(known, {}, far);
  // More than that is another word.
  const bool is_like = like != known.end() && far(*like) < name.size() / 3 + 2;
  return (is_like ? "did you mean " + *like + "? there are: " : "there are: ") +
         text::join(known, ", ");
}

std::unexpected<Error> unknown_section(const std::string& name, const std::string& place) {
  std::vector<std::string> known;
  for (const SettingSection& section : setting_sections())
    if (!section.name.empty()) known.push_back("[" + std::string(section.name) + "]");
  const std::string word = name.substr(0, name.find_first_of(" \t"));
  return settings_error("unknown_section",
                        place + ": there is no section [" + text::for_log(name) + "]",
                        remedy_for("[" + word + "]", known));
}

// Where "=" was forgotten, what comes after the first word is the value, and perhaps a secret.
std::unexpected<Error> unknown_key(const IniEntry& entry, const SettingSection& section,
                                   const std::string& place) {
  const std::string word = entry.name.substr(0, entry.name.find_first_of(" \t"));
  const std::string name = text::for_log(word);
  if (word != entry.name && section.find(word)) {
    return settings_error("unknown_key", place + ": no = after " + name,
                          "write " + name + " = ...");
  }
  std::vector<std::string> known;
  for (const SettingKey& key : section.keys) known.emplace_back(key.name);
  const std::string where = section.name.empty() ? "before the first section"
                                                 : "in section [" + std::string(section.name) + "]";
  return settings_error("unknown_key", place + ": there is no key \"" + name + "\" " + where,
                        remedy_for(name, known));
}

// What an entry of the file sets.
Result<SettingRead> target_of(const IniEntry& entry, const std::string& place) {
  const std::size_t blank = std::min(entry.section.find_first_of(" \t"), entry.section.size());
  const std::string name = entry.section.substr(0, blank);
  const std::string item(text::trim(entry.section.substr(blank)));
  const SettingSection* section = find_section(name);
  if (!section || (!item.empty() && !section->item)) return unknown_section(entry.section, place);
  if (!section->needs_name.empty() && item.empty()) {
    return settings_error("unknown_section", place + ": section [" + name + "] has no name",
                          "write [" + name + " " + std::string(section->needs_name) + "]");
  }
  const SettingKey* key = section->find(entry.name);
  if (!key) return unknown_key(entry, *section, place);
  return SettingRead{section, key, item, entry.name.substr(key->stem().size()), entry.value, place};
}

// An indented line continues the one before, which is seldom meant when it looks like a key.
Status check_swallowed_key(const IniEntry& entry, const SettingSection& section,
                           const std::string& place) {
  for (const std::string& line : entry.indented) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name(text::trim(std::string_view(line).substr(0, equals)));
    if (!section.find(name)) continue;
    return settings_error("broken_line",
                          place + ": the indented line with \"" + text::for_log(name) +
                              "\" below is read as a part of " + text::for_log(entry.name),
                          "remove the blanks before " + text::for_log(name));
  }
  return {};
}

Status apply_file(Reading& reading, std::string_view text) {
  const std::string file = reading.settings.file.string();
  Result<std::vector<IniEntry>> entries = parse_ini(text, file);
  if (!entries) return std::unexpected(entries.error());
  std::set<std::string> seen;
  for (const IniEntry& entry : *entries) {
    const std::string place = file + ":" + std::to_string(entry.line);
    const Result<SettingRead> target = target_of(entry, place);
    if (!target) return std::unexpected(target.error());
    const std::string name =
        text::for_log(entry.section.empty() ? entry.name : entry.section + "." + entry.name);
    if (!seen.insert(env_form(entry.section) + "." + entry.name).second) {
      return settings_error("duplicate_key", place + ": " + name + " is set a second time",
                            "keep one of the two lines");
    }
    if (Status swallowed = check_swallowed_key(entry, *target->section, place); !swallowed)
      return swallowed;
    if (Status applied = apply(reading, *target, name); !applied) return applied;
  }
  return {};
}

// --- The environment ---

// What a variable sets: B24HOOKS_<SECTION>_<KEY>, or B24HOOKS_<SECTION>_<NAME>_<KEY> for one of
// many, or the name of a key before the first section.
SettingRead target_of_variable(std::string_view name) {
  const SettingSection& crest = *find_section("");
  if (const SettingKey* key = crest.find(name)) return {.section = &crest, .key = key};
  if (!name.starts_with(kPrefix)) return {};
  SettingRead found;
  std::size_t longest = 0;
  for (const SettingSection& section : setting_sections()) {
    const std::string start = std::string(kPrefix) + env_form(section.name) + "_";
    if (section.name.empty() || !name.starts_with(start)) continue;
    const std::string_view rest = name.substr(start.size());
    for (const SettingKey& key : section.keys) {
      const bool is_open = key.name.ends_with('*');
      const std::string own = env_form(key.stem());
      if (rest == own && !is_open && section.needs_name.empty())
        return {.section = &section, .key = &key};
      const std::string middle = "_" + own;
      const std::size_t at = rest.rfind(middle);
      if (!section.item || at == rest.npos || at == 0) continue;
      const std::string_view tail = rest.substr(at + middle.size());
      // "..._MAIN_APPLICATION_TOKEN" ends with a key "token", too, if there is one: the longest is
      // meant.
      if (tail.empty() == is_open || middle.size() <= longest) continue;
      longest = middle.size();
      found = {&section, &key, text::lower(rest.substr(0, at)), text::lower(tail)};
    }
  }
  return found;
}

// Counts what was set.
Result<int> apply_environment(Reading& reading, const char* const* environment) {
  int count = 0;
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    const std::string_view name = entry.substr(0, entry.find('='));
    if (name.size() == entry.size() || name == kFileVariable) continue;
    SettingRead target = target_of_variable(name);
    if (!target.key && !name.starts_with(kPrefix)) continue;
    const std::string shown = text::for_log(name);
    if (!target.key) {
      return settings_error(
          "unknown_key", "environment variable " + shown + ": there is no such setting",
          "unset it, or name it B24HOOKS_<SECTION>_<KEY> after a key of settings.conf.example");
    }
    target.value = entry.substr(name.size() + 1);
    target.place = std::string(kVariablePlace) + shown;
    Status applied = apply(reading, target, std::string(target.key->name));
    if (!applied) return std::unexpected(applied.error());
    ++count;
  }
  return count;
}

// --- What follows from the rest ---

// [form NAME] begins as [form] is at last, wherever either stands, and has its own values once
// more.
void inherit(Reading& reading) {
  Settings& settings = reading.settings;
  for (FormSettings& form : settings.forms) {
    const std::string name = form.name;
    form = settings.form;
    form.name = name;
  }
  for (const SettingRead& one : reading.read)
    if (one.section->inherits && !one.item.empty()) take(reading, one);
}

Status check_outside_web(const fs::path& path, std::string_view web_root, const char* code,
                         const std::string& what, const std::string& where) {
  if (web_root.empty() || !is_inside(path, web_root)) return {};
  return settings_error(code,
                        path.string() + ": " + what + " lies below the web root " +
                            text::for_log(web_root) + ", where anyone may fetch it",
                        "move it " + where);
}

std::unexpected<Error> no_settings_file(const fs::path& file) {
  const std::string best = settings_places().back().string();
  return settings_error("no_settings_file", file.string() + ": there is no such settings file",
                        "copy conf/settings.conf.example to " + best +
                            ", set C_REST_WEB_HOOK_URL in it, then " +
                            in_one_line(lines_to_read(best)) +
                            "; or name another file, outside the web root, by --settings or "
                            "B24HOOKS_SETTINGS");
}

Status complete(Settings& settings, std::string_view web_root) {
  if (settings.data.dir.empty() || (settings.file.empty() && settings.data.dir.is_relative())) {
    return settings_error("no_data_dir", "data.dir: no directory is named",
                          "set dir in section [data], or B24HOOKS_DATA_DIR to an absolute path");
  }
  settings.data.dir = (settings.file.parent_path() / settings.data.dir).lexically_normal();
  for (const WatchSettings& watch : settings.watches) {
    constexpr std::string_view kKinds[] = {"lead", "deal", "contact", "company", "task"};
    const auto kind = std::string_view(watch.name).substr(0, watch.name.find_first_of(" \t"));
    if (std::ranges::find(kKinds, kind) != std::end(kKinds) || text::is_number(kind)) continue;
    return settings_error("bad_value", "[watch " + text::for_log(watch.name) + "]: no such kind",
                          "name lead, deal, contact, company, task or a smart process's number");
  }
  for (const ActionSettings& action : settings.actions) {
    if (action.append.empty()) continue;
    Status outside =
        check_outside_web(action.append, web_root, "append_in_web_root",
                          "the file of [on " + name_of(action) + "] append", "out of the web root");
    if (!outside) return outside;
  }
  if (settings.data.in_web_root) return {};
  return check_outside_web(settings.data.dir, web_root, "data_in_web_root", "the data directory",
                           "out of the web root");
}

// The text of the file, once nobody else can see it; nothing when there is none.
Result<std::optional<std::string>> private_text(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return std::nullopt;
  if (const std::string account = account_alone(status); !account.empty()) {
    return settings_error(
        "settings_open_to_others",
        file.string() + ": it is closed to all but its owner and " + account,
        "run this as the user that the pages run as: sudo -u " + account + " ...");
  }
  const std::string lines = in_one_line(lines_to_read(file));
  if (is_open_to_others(status)) {
    return settings_error(
        "settings_open_to_others",
        file.string() + ": other users of this machine can read or write it, and it holds secrets",
        lines);
  }
  Result<std::string> text = read_settings_text(file.string());
  if (text) return *std::move(text);
  if (!lines.empty()) text.error().remedy = lines;
  return std::unexpected(text.error());
}

Result<Settings> load(const fs::path& path, const char* const* environment,
                      std::vector<SettingRead>& read) {
  const std::string_view web_root = variable(environment, "DOCUMENT_ROOT");
  const auto text = private_text(path);
  if (!text) return std::unexpected(text.error());
  Reading reading{{}, read, path.parent_path()};
  Settings& settings = reading.settings;
  if (*text) {
    settings.file = path;
    if (Status applied = apply_file(reading, **text); !applied)
      return std::unexpected(applied.error());
  } else {
    std::error_code fault;
    reading.base_dir = fs::current_path(fault);
  }
  const Result<int> count = apply_environment(reading, environment);
  if (!count) return std::unexpected(count.error());
  inherit(reading);
  const bool is_named = !variable(environment, kFileVariable).empty();
  if (!*text && (is_named || *count == 0)) return no_settings_file(path);
  if (Status outside = check_settings_outside_web(settings, web_root); !outside)
    return std::unexpected(outside.error());
  if (Status completed = complete(settings, web_root); !completed)
    return std::unexpected(completed.error());
  return settings;
}

}  // namespace

Status check_settings_outside_web(const Settings& settings, std::string_view web_root) {
  if (settings.file.empty() || settings.data.in_web_root) return {};
  return check_outside_web(settings.file, web_root, "settings_in_web_root", "the settings file",
                           "to " + settings_places().back().string());
}

namespace {

// What lies elsewhere on each machine is left out.
std::map<std::string, std::string> marks_of(const std::vector<SettingRead>& read) {
  const std::set<std::string_view> own_sections = {"data",  "server",      "log",
                                                   "store", "checkserver", "journal"};
  const std::set<std::string_view> own_keys = {"C_REST_LOGS_DIR", "ca_file", "source_address",
                                               "templates", "sendmail"};
  std::map<std::string, std::map<std::string, std::string>> values;
  for (const SettingRead& one : read) {
    if (own_sections.contains(one.section->name) || own_keys.contains(one.key->name)) continue;
    const std::string section = std::string(one.section->name) + " " + one.item;
    values[std::string(text::trim(section))][std::string(one.key->stem()) + one.tail] = one.value;
  }
  std::map<std::string, std::string> marks;
  for (const auto& [section, keys] : values) {
    std::string all;
    for (const auto& [key, value] : keys) all.append(key).append("=").append(value).append("\n");
    marks[section] = secret::hex(secret::sha256(all)).substr(0, 6);
  }
  return marks;
}

}  // namespace

Result<Settings> load_settings(const fs::path& file, const char* const* environment) {
  std::vector<SettingRead> read;
  return load_settings(file, environment, read);
}

Result<Settings> load_settings(const fs::path& file, const char* const* environment,
                               std::vector<SettingRead>& read) {
  std::error_code fault;
  const fs::path path = fs::absolute(file, fault).lexically_normal();
  Result<Settings> loaded = load(path, environment, read);
  if (!loaded) {
    loaded.error().cause += " (the file: " + path.string() +
                            "; without --settings and B24HOOKS_SETTINGS it is looked for at " +
                            list_of_places() + ")";
  } else if (!loaded->data.store.empty()) {
    loaded->marks = marks_of(read);
  }
  return loaded;
}

}  // namespace b24
