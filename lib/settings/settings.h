// settings: everything an owner can set, typed: the structs that settings.def describes.
//
// One ini file (settings.conf) and the environment over it: B24HOOKS_<SECTION>_<KEY>, and CRest's
// own names as they are.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "settings/settings_values.h"

namespace b24 {

using Labels = std::map<std::string, std::string, std::less<>>;

#define SECTION(Struct, part) struct Struct {
#define SETTING(name, type, initial, example, help) \
  decltype(setting_types::type)::Field name = initial_value(setting_types::type, initial);
#define NAMED(key, name, ...) SETTING(name, __VA_ARGS__)
#define KEY(...)
#define FIELD(type, name) type name;
// clang-format off
#define END(Struct) bool operator==(const Struct&) const = default; };
// clang-format on
#include "settings/settings.def"

struct Settings {
  std::filesystem::path file;  // where this was read; empty when only the environment gave settings
  CRestSettings crest;
  DataSettings data;
  ServerSettings server;
  PageSettings page;
  LogSettings log;
  HandlerSettings handler;
  CallSettings call;
  SiteSettings site;
  CheckserverSettings checkserver;
  FormSettings form;
  std::vector<FormSettings> forms;    // those with a name, with what they take from `form`
  std::vector<FieldSettings> fields;  // in the order of the file
  DeliverySettings delivery;
  SpamSettings spam;
  NotifySettings notify;
  std::vector<RobotSettings> robots;
  std::vector<WatchSettings> watches;
  std::vector<ActionSettings> actions;
  JournalSettings journal;
  StoreSettings store;
  std::vector<PortalSettings> portals;
  // Of each section of which several machines should have the same: some digits of its content, not
  // enough to tell a secret by. Empty where there is one machine.
  std::map<std::string, std::string> marks;
  bool operator==(const Settings&) const = default;
};

// Reads a file and the environment over it (`environment`: "NAME=value" pointers, as `environ`).
// Paths come out absolute. No file is needed when the environment sets something, names no file by
// B24HOOKS_SETTINGS, and gives data.dir an absolute path. Errors (kind settings) name file, line,
// key, remedy and the places that are looked at; codes: no_settings_file, settings_open_to_others
// (anyone but the owner can read or write it; the process's own group may read),
// settings_in_web_root and data_in_web_root (below DOCUMENT_ROOT, when that is given and
// data.in_web_root does not allow it), broken_line
// (no entry, or longer than the parser takes), unknown_section, unknown_key, bad_value,
// duplicate_key, no_data_dir.
Result<Settings> load_settings(const std::filesystem::path& file, const char* const* environment);

// A portal that is called. The one without a name is C_REST_WEB_HOOK_URL's; others are the
// [portal NAME] that have a webhook.
struct CalledPortal {
  std::string name;
  std::string url;      // a password; empty when it is not set, or there is no such portal
  std::string setting;  // the key that sets it: "C_REST_WEB_HOOK_URL", "[portal shop] webhook"
  int bucket_size = 0;
  double bucket_drain = 0;
};
// Names are compared as those of sections are (settings_keys.h: env_form).
CalledPortal called_portal(const Settings& settings, std::string_view name);
// The one without a name first, whether its URL is set or not.
std::vector<CalledPortal> called_portals(const Settings& settings);

std::string name_of(const ActionSettings& action);  // of its section: "ONCRMDEALUPDATE fetch"

// Where a file is looked for when none is named: conf/settings.conf and settings.conf beside the
// installation (the directory above the program's, then the program's own), then
// /etc/b24hooks/settings.conf.
std::vector<std::filesystem::path> settings_places();
std::string list_of_places();  // the same, for people

inline constexpr std::string_view kFileVariable = "B24HOOKS_SETTINGS";
// The value of an environment variable; empty when there is none.
std::string_view variable(const char* const* environment, std::string_view name);

// Where the file is: `given` (from --settings), else B24HOOKS_SETTINGS, else the first of the
// places that is there, else the last of them.
std::filesystem::path find_settings(const std::string& given, const char* const* environment);

// A line for people: which file that is, whether it is there, and where it was looked for.
std::string settings_whereabouts(const std::string& given, const char* const* environment);

// settings_in_web_root when the file lies below this web root (empty: unknown, and no fault) and
// data.in_web_root does not allow it.
Status check_settings_outside_web(const Settings& settings, std::string_view web_root);

// conf/settings.conf.example, and what --help settings prints: both made from the table of keys.
std::string settings_example();
std::string settings_help();

// The running program's file.
const std::filesystem::path& program();
// The directories of templates; a file goes before those of the same name in later ones: the
// owner's (page.templates; else "templates" beside the settings file, when that is there), then
// those beside the installation.
std::vector<std::filesystem::path> template_places(const Settings& settings);

}  // namespace b24
