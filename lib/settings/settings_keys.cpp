// settings_keys: the table of all keys: where each value goes, how it is read, what is expected.
#include "settings/settings_keys.h"

#include <algorithm>

#include "base/text.h"
#include "settings/settings_values.h"

namespace b24 {
namespace {

using namespace settings_values;

template <class T>
T& only(T& part, const SettingPlace&) {
  return part;
}
template <class T>
T& only(std::vector<T>& items, const SettingPlace& place) {
  return items[place.item];
}

// Reads a value into `field` of the struct `part` of the settings, or of the current struct when
// `part` is a vector.
template <auto part, auto field, auto read>
bool to(const SettingPlace& place, std::string_view text) {
  return read(text, only(place.settings.*part, place).*field);
}

// The same for a path; a relative one is made absolute.
template <auto part, auto field>
bool path_to(const SettingPlace& place, std::string_view text) {
  std::string checked;
  if (!line(text, checked)) return false;
  const std::filesystem::path path =
      checked.empty() ? "" : (place.base_dir / checked).lexically_normal();
  only(place.settings.*part, place).*field = path.string();
  return true;
}

// The labels of a field by language: label, label_ru, ...
bool label_to(const SettingPlace& place, std::string_view text) {
  return line(text, place.settings.fields[place.item].labels[std::string(place.tail)]);
}

bool access_to(const SettingPlace& place, std::string_view text) {
  constexpr std::pair<std::string_view, CheckAccess> kWords[] = {{"public", CheckAccess::everyone},
                                                                 {"summary", CheckAccess::summary},
                                                                 {"key", CheckAccess::key},
                                                                 {"off", CheckAccess::off}};
  for (const auto& [word, access] : kWords)
    if (word == text) return place.settings.checkserver.access = access, true;
  return false;
}

// A key that can be guessed would be worse than none.
bool key_to(const SettingPlace& place, std::string_view text) {
  return (text.empty() || text.size() >= 16) && line(text, place.settings.checkserver.key);
}

// [on EVENT] or [on EVENT LABEL].
std::size_t action_item(Settings& settings, std::string_view name) {
  std::vector<ActionSettings>& all = settings.actions;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (env_form(all[i].event + (all[i].label.empty() ? "" : " " + all[i].label)) ==
        env_form(name)) {
      return i;
    }
  const std::size_t blank = std::min(name.find_first_of(" \t"), name.size());
  ActionSettings& action = all.emplace_back();
  action.event = name.substr(0, blank) == "*" ? "*" : env_form(name.substr(0, blank));
  action.label = text::trim(name.substr(blank));
  return all.size() - 1;
}

template <auto items>
std::size_t named_item(Settings& settings, std::string_view name) {
  auto& all = settings.*items;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (env_form(all[i].name) == env_form(name)) return i;
  all.emplace_back().name = name;
  return all.size() - 1;
}

constexpr std::string_view kText = "one line of text";
constexpr std::string_view kFlag = "yes or no";
constexpr std::string_view kPath = "a path (a relative one starts at the settings file)";
constexpr std::string_view kDuration = "a time such as 500ms, 10s, 2m, 1h or 7d";
constexpr std::string_view kSize = "a size in bytes such as 65536, 128K or 1M";
constexpr std::string_view kNetworks = "addresses or networks such as 10.0.0.0/8, parted by blanks";
constexpr std::string_view kThreads = "a whole number from 1 to 1024";

constexpr char kMethods[] = "crm.lead.add or crm.item.add";
constexpr char kUnknown[] = "ignore or comments";
constexpr char kDuplicates[] = "ignore or link";
constexpr char kCaptchas[] = "turnstile, hcaptcha, recaptcha or smartcaptcha";
constexpr char kForms[] = "json or form";
constexpr char kTypes[] = "text, email, phone, textarea, select, checkbox, consent, hidden or file";

constexpr auto kCRest = &Settings::crest;
constexpr auto kData = &Settings::data;
constexpr auto kServer = &Settings::server;
constexpr auto kPage = &Settings::page;
constexpr auto kLog = &Settings::log;
constexpr auto kHandler = &Settings::handler;
constexpr auto kCall = &Settings::call;
constexpr auto kSite = &Settings::site;
constexpr auto kCheck = &Settings::checkserver;
constexpr auto kDelivery = &Settings::delivery;
constexpr auto kActions = &Settings::actions;
constexpr auto kStore = &Settings::store;
constexpr auto kJournal = &Settings::journal;
constexpr auto kSpam = &Settings::spam;
constexpr auto kNotify = &Settings::notify;
constexpr auto kForm = &Settings::form;
constexpr auto kFields = &Settings::fields;
constexpr auto kPortals = &Settings::portals;

constexpr SettingKey kKeys[] = {
    {"", "C_REST_WEB_HOOK_URL", to<kCRest, &CRestSettings::web_hook_url, line>,
     "the URL of an inbound webhook", true},
    {"", "C_REST_CURRENT_ENCODING", to<kCRest, &CRestSettings::current_encoding, encoding>,
     "the name of an encoding, such as windows-1251"},
    {"", "C_REST_IGNORE_SSL", to<kCRest, &CRestSettings::ignore_ssl, flag>, kFlag},
    {"", "C_REST_BLOCK_LOG", to<kCRest, &CRestSettings::block_log, flag>, kFlag},
    {"", "C_REST_LOGS_DIR", path_to<kCRest, &CRestSettings::logs_dir>, kPath},
    {"", "C_REST_LOG_TYPE_DUMP", to<kCRest, &CRestSettings::log_type_dump, flag>, kFlag},

    {"data", "dir", path_to<kData, &DataSettings::dir>, kPath},

    {"server", "threads", to<kServer, &ServerSettings::threads, whole<1, 1024, int>>, kThreads},
    {"server", "max_threads", to<kServer, &ServerSettings::max_threads, whole<1, 1024, int>>,
     kThreads},
    {"server", "max_body", to<kServer, &ServerSettings::max_body, size>, kSize},
    {"server", "request_time", to<kServer, &ServerSettings::request_time, duration>, kDuration},
    {"server", "trusted_proxies", to<kServer, &ServerSettings::trusted_proxies, networks>,
     kNetworks},

    {"page", "templates", path_to<kPage, &PageSettings::templates>, kPath},
    {"page", "language", to<kPage, &PageSettings::language, language>,
     "a language such as en or ru, or auto"},

    {"log", "time_zone", to<kLog, &LogSettings::time_zone, time_zone>,
     "the name of a time zone, such as Europe/Moscow"},
    {"log", "max_size", to<kLog, &LogSettings::max_size, size>, kSize},
    {"log", "daily", to<kLog, &LogSettings::daily, flag>, kFlag},
    {"log", "keep_files", to<kLog, &LogSettings::keep_files, whole<0, 1000, int>>,
     "a whole number from 0 to 1000"},

    {"handler", "title", to<kHandler, &HandlerSettings::title, line>, kText},
    {"handler", "mask_secrets", to<kHandler, &HandlerSettings::mask_secrets, flag>, kFlag},
    {"handler", "allow", to<kHandler, &HandlerSettings::allow, networks>, kNetworks},
    {"handler", "allow_file", path_to<kHandler, &HandlerSettings::allow_file>, kPath},
    {"handler", "repeat_window", to<kHandler, &HandlerSettings::repeat_window, duration>,
     kDuration},
    {"handler", "json_log", to<kHandler, &HandlerSettings::json_log, flag>, kFlag},
    {"handler", "work_threads", to<kHandler, &HandlerSettings::work_threads, whole<1, 1024, int>>,
     kThreads},
    {"handler", "give_up", to<kHandler, &HandlerSettings::give_up, duration>, kDuration},

    {"on", "filter", to<kActions, &ActionSettings::filter, line>, "PATH=value or PATH!=value"},
    {"on", "call", to<kActions, &ActionSettings::call, line>, "METHOD or METHOD?name=value"},
    {"on", "forward", to<kActions, &ActionSettings::forward, line>, "a URL", true},
    {"on", "forward_as", to<kActions, &ActionSettings::forward_as, one_of<kForms>>, kForms},
    {"on", "forward_secret", to<kActions, &ActionSettings::forward_secret, line>,
     "whsec_ and base64", true},
    {"on", "exec", to<kActions, &ActionSettings::exec, line>, "a program and its arguments"},
    {"on", "exec_time", to<kActions, &ActionSettings::exec_time, duration>, kDuration},

    {"form", "fields", to<kForm, &FormSettings::fields, line>, "names parted by commas"},
    {"form", "title", to<kForm, &FormSettings::title, line>, "text with {field} in it"},
    {"form", "values", to<kForm, &FormSettings::values, line>, "NAME=value, parted by commas"},
    {"form", "method", to<kForm, &FormSettings::method, one_of<kMethods>>, kMethods},
    {"form", "unknown", to<kForm, &FormSettings::unknown, one_of<kUnknown>>, kUnknown},
    {"form", "duplicates", to<kForm, &FormSettings::duplicates, one_of<kDuplicates>>, kDuplicates},
    {"form", "wait", to<kForm, &FormSettings::wait, duration>, kDuration},
    {"form", "token_age", to<kForm, &FormSettings::token_age, duration>, kDuration},
    {"form", "min_time", to<kForm, &FormSettings::min_time, duration>, kDuration},
    {"form", "require_token", to<kForm, &FormSettings::require_token, flag>, kFlag},
    {"form", "allowed_origins", to<kForm, &FormSettings::allowed_origins, words>,
     "origins such as https://example.com, parted by blanks"},
    {"form", "success_url", to<kForm, &FormSettings::success_url, line>, "a URL"},
    {"form", "show_portal_errors", to<kForm, &FormSettings::show_portal_errors, flag>, kFlag},
    {"form", "frame_ancestors", to<kForm, &FormSettings::frame_ancestors, line>,
     "origins such as https://example.com, parted by blanks"},

    {"spam", "per_address", to<kSpam, &SpamSettings::per_address, whole<0, 1'000'000, int>>,
     "a whole number; 0 for no limit"},
    {"spam", "per_day", to<kSpam, &SpamSettings::per_day, whole<0, 1'000'000'000, int>>,
     "a whole number; 0 for no limit"},
    {"spam", "captcha", to<kSpam, &SpamSettings::captcha, one_of_or_none<kCaptchas>>, kCaptchas},
    {"spam", "captcha_site_key", to<kSpam, &SpamSettings::captcha_site_key, line>, kText},
    {"spam", "captcha_secret", to<kSpam, &SpamSettings::captcha_secret, line>, kText, true},
    {"spam", "captcha_verify_url", to<kSpam, &SpamSettings::captcha_verify_url, line>, "a URL"},

    {"notify", "command", to<kNotify, &NotifySettings::command, line>,
     "a program and its arguments"},
    {"notify", "mail", to<kNotify, &NotifySettings::mail, line>, "a mail address"},
    {"notify", "sendmail", to<kNotify, &NotifySettings::sendmail, line>, "the path of a program"},
    {"notify", "after", to<kNotify, &NotifySettings::after, duration>, kDuration},

    {"field", "type", to<kFields, &FieldSettings::type, one_of_or_none<kTypes>>, kTypes},
    {"field", "label", label_to, kText},
    {"field", "label_*", label_to, kText},
    {"field", "required", to<kFields, &FieldSettings::required, flag>, kFlag},
    {"field", "max_length", to<kFields, &FieldSettings::max_length, size>,
     "a number of characters, or of bytes such as 2M"},
    {"field", "pattern", to<kFields, &FieldSettings::pattern, line>, "a POSIX regular expression"},
    {"field", "target", to<kFields, &FieldSettings::target, line>, "the name of a CRM field"},
    {"field", "options", to<kFields, &FieldSettings::options, line>,
     "value: label | value: label ..."},
    {"field", "value", to<kFields, &FieldSettings::value, line>, kText},
    {"field", "link", to<kFields, &FieldSettings::link, line>, "a URL"},

    {"portal", "application_token", to<kPortals, &PortalSettings::application_tokens, words>,
     "one token, or two parted by a blank", true},
    {"portal", "member_id", to<kPortals, &PortalSettings::member_id, line>, kText},
    {"portal", "domain", to<kPortals, &PortalSettings::domain, line>, kText},

    {"site", "public_url", to<kSite, &SiteSettings::public_url, line>, "a URL"},

    {"checkserver", "access", access_to, "public, summary, key or off"},
    {"checkserver", "key", key_to, "at least 16 characters", true},
    {"checkserver", "networks", to<kCheck, &CheckserverSettings::networks, networks>, kNetworks},
    {"checkserver", "time_limit",
     to<kCheck, &CheckserverSettings::time_limit, duration_within<1'000, 60'000>>,
     "a time from 1s to 60s"},

    {"delivery", "threads", to<kDelivery, &DeliverySettings::threads, whole<1, 1024, int>>,
     kThreads},
    {"delivery", "give_up", to<kDelivery, &DeliverySettings::give_up, duration>, kDuration},
    {"delivery", "settle", to<kDelivery, &DeliverySettings::settle, duration>, kDuration},

    {"store", "keep_days", to<kStore, &StoreSettings::keep_days, whole<1, 36'500, int>>,
     "a whole number of days from 1 to 36500"},

    {"journal", "keep", to<kJournal, &JournalSettings::keep, duration>, kDuration},

    {"portal_call", "connect_time", to<kCall, &CallSettings::connect_time, duration>, kDuration},
    {"portal_call", "total_time", to<kCall, &CallSettings::total_time, duration>, kDuration},
    {"portal_call", "ca_file", path_to<kCall, &CallSettings::ca_file>, kPath},
    {"portal_call", "bucket_size", to<kCall, &CallSettings::bucket_size, whole<2, 100'000, int>>,
     "a whole number from 2 to 100000"},
    {"portal_call", "bucket_drain", to<kCall, &CallSettings::bucket_drain, positive>,
     "a number over 0"},
};

constexpr RepeatableSection kRepeatable[] = {
    {"field", named_item<kFields>},
    {"on", action_item},
    {"portal", named_item<kPortals>, false},
};

}  // namespace

std::span<const SettingKey> setting_keys() {
  return kKeys;
}
std::span<const RepeatableSection> repeatable_sections() {
  return kRepeatable;
}

std::vector<KeyInfo> all_keys() {
  std::vector<KeyInfo> result;
  for (const SettingKey& key : kKeys) result.push_back({key.section, key.name, key.expects});
  return result;
}

}  // namespace b24
