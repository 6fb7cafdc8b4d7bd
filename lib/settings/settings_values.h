// settings_values: how the values of settings are written: text to field and back.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.h"

namespace b24 {

// What a value may be; the type of its field says how it is written (a time, a size, ...).
struct SettingType {
  std::string_view expects;  // after "expects "; the range is added
  long long least = 0;       // of a number, a time or a size; of a text: characters, when not empty
  long long most = 0;        // 0: no bound
  std::string_view words = {};  // of a text: one of these, such as "red, green or blue"
  bool may_be_empty = false;
  bool (*check)(std::string_view text) = nullptr;  // of a text
  bool lower_case = false;                         // a text is kept so
};

// Into the field; false (and the field as it was) when the text is no such value.
bool read_setting(const SettingType&, std::string_view text, bool& field);  // yes, no, 1, 0, Y, N
bool read_setting(const SettingType&, std::string_view text, int& field);
bool read_setting(const SettingType&, std::string_view text, Millis& field);  // 5 (s), 500ms, 7d
bool read_setting(const SettingType&, std::string_view text, std::size_t& field);  // bytes, 128K
bool read_setting(const SettingType&, std::string_view text, double& field);       // over 0
bool read_setting(const SettingType&, std::string_view text, std::string& field);
bool read_setting(const SettingType&, std::string_view text, std::filesystem::path& field);
// Parted by blanks or commas.
bool read_setting(const SettingType&, std::string_view text, std::vector<std::string>& field);
bool read_setting(const SettingType&, std::string_view text, std::vector<Network>& field);

// As it is written in a file; a list, which is empty by default, as nothing.
std::string show_setting(const SettingType&, bool field);
std::string show_setting(const SettingType&, int field);
std::string show_setting(const SettingType&, Millis field);
std::string show_setting(const SettingType&, std::size_t field);
std::string show_setting(const SettingType&, double field);
std::string show_setting(const SettingType&, const std::string& field);
std::string show_setting(const SettingType&, const std::filesystem::path& field);
template <class T>
std::string show_setting(const SettingType&, const std::vector<T>&) {
  return {};
}

// Checks of texts.
bool is_encoding(std::string_view text);   // a name that iconv knows, or none
bool is_language(std::string_view text);   // "auto", or a tag such as "en"
bool is_time_zone(std::string_view text);  // "Europe/Moscow", or none
// "font-src https://a data:, img-src https://*.b": directives that a page can do with, each with
// sources that allow no foreign script by accident ('unsafe-...', *, data: for scripts); or none.
bool is_csp(std::string_view text);

// --- The types there are ---

constexpr SettingType choice(std::string_view words, bool may_be_empty = false) {
  return {words, 0, 0, words, may_be_empty, nullptr, false};
}
constexpr SettingType checked(std::string_view expects, bool (*check)(std::string_view)) {
  return {expects, 0, 0, "", true, check, false};
}

inline constexpr SettingType kText = {"one line of text"};
inline constexpr SettingType kFlag = {"yes or no"};
inline constexpr SettingType kCRestFlag = {"Y or N"};
inline constexpr SettingType kPath = {"a path (a relative one starts at the settings file)"};
inline constexpr SettingType kDuration = {"a time such as 500ms, 10s, 2m, 1h or 7d"};
inline constexpr SettingType kTimeLimit = {"a time", 1'000, 60'000};
inline constexpr SettingType kSize = {"a size in bytes such as 65536, 128K or 1M"};
inline constexpr SettingType kNetworks = {
    "addresses or networks such as 10.0.0.0/8, parted by blanks"};
inline constexpr SettingType kOrigins = {"origins such as https://example.com, parted by blanks"};
inline constexpr SettingType kUrl = {"a URL"};
inline constexpr SettingType kHook = {"the URL of an inbound webhook"};
inline constexpr SettingType kEncoding =
    checked("the name of an encoding, such as windows-1251", is_encoding);
inline constexpr SettingType kLanguage = {
    "a language such as en or ru, or auto", 0, 0, "", true, is_language, true};
inline constexpr SettingType kTimeZone =
    checked("the name of a time zone, such as Europe/Moscow", is_time_zone);
inline constexpr SettingType kCsp =
    checked("directives such as font-src https://fonts.example, parted by commas", is_csp);
inline constexpr SettingType kThreads = {"a whole number", 1, 1024};
inline constexpr SettingType kFiles = {"a whole number", 0, 1000};
inline constexpr SettingType kLimit = {"a whole number (0 for no limit)", 0, 1'000'000'000};
inline constexpr SettingType kDays = {"a whole number of days", 1, 36'500};
inline constexpr SettingType kBucket = {"a whole number", 2, 100'000};
inline constexpr SettingType kDrain = {"a number over 0"};
inline constexpr SettingType kMethod = choice("crm.lead.add or crm.item.add");
inline constexpr SettingType kUnknown = choice("ignore or comments");
inline constexpr SettingType kDuplicates = choice("ignore or link");
inline constexpr SettingType kCaptcha =
    choice("turnstile, hcaptcha, recaptcha or smartcaptcha", true);
inline constexpr SettingType kFieldType =
    choice("text, email, phone, textarea, select, checkbox, consent, hidden or file", true);
inline constexpr SettingType kLength = {"a number of characters, or of bytes such as 2M"};
inline constexpr SettingType kTokens = {"one token, or two parted by a blank"};
inline constexpr SettingType kForwardAs = choice("json or form");
inline constexpr SettingType kAccess = choice("public, summary, key or off");
inline constexpr SettingType kCheckKey = {"at least 16 characters", 16};

}  // namespace b24
