// settings_values: what values there are, and how they are written in a file.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"

namespace b24 {

// What a value may be; the type of its field says how it is written (a time, a size, ...).
struct SettingType {
  std::string_view expects;     // after "expects "
  long long least = 0;          // of a number or a time; of a text: characters, when not empty
  long long most = 0;           // 0: no bound
  std::string_view words = {};  // of a text, or of each in a list: "red, green or blue"
  bool may_be_empty = false;    // a text that has words, or a number, which is 0 then
  bool (*check)(std::string_view text) = nullptr;  // of a text
  bool lower_case = false;                         // a text is kept so
  bool secret = false;                             // never shown
};
template <class T>
struct TypeOf : SettingType {
  using Field = T;
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

template <class T>
T initial_value(const TypeOf<T>& type, std::string_view text) {
  T field{};
  if (!read_setting(type, text, field)) throw std::logic_error("bad default " + std::string(text));
  return field;
}

// Checks of texts.
bool is_encoding(std::string_view text);    // a name that iconv knows, or none
bool is_language(std::string_view text);    // "auto", or a tag such as "en"
bool is_entity(std::string_view text);      // "lead", "deal", "contact", "company", "128"
bool is_utc_offset(std::string_view text);  // "+03:00"
bool is_time_zone(std::string_view text);   // "Europe/Moscow", such an offset, or none
// Whether this system has such a zone; the C library takes a name that it does not know for UTC.
bool has_time_zone(std::string_view name);
// "font-src https://a data:, img-src https://*.b": directives that a page can do with, each with
// sources that allow no foreign script by accident ('unsafe-...', *, data: for scripts); or none.
bool is_csp(std::string_view text);
bool is_host_name(std::string_view text);
bool is_store_url(std::string_view text);  // postgres://, without a password; or none

// The types there are.
namespace setting_types {

using NumberType = TypeOf<int>;
using TextType = TypeOf<std::string>;

constexpr TextType choice(std::string_view words, bool may_be_empty = false) {
  return {{.expects = words, .words = words, .may_be_empty = may_be_empty}};
}

inline constexpr TypeOf<bool> kFlag = {{"yes or no"}};
inline constexpr TypeOf<bool> kCRestFlag = {{"Y or N"}};
inline constexpr TypeOf<Millis> kDuration = {{"a time such as 500ms, 10s, 2m, 1h or 7d"}};
inline constexpr TypeOf<Millis> kTimeLimit = {{"a time from 1s to 60s", kSecond, kMinute}};
inline constexpr TypeOf<Millis> kJoining = {{"a time up to 1h", 0, kHour}};
inline constexpr TypeOf<Millis> kInterval = {{"a time from 1s to 7d", kSecond, 7 * kDay}};
inline constexpr TypeOf<std::size_t> kSize = {{"a size in bytes such as 65536, 128K or 1M"}};
inline constexpr TypeOf<std::size_t> kLength = {{"a number of characters, or of bytes such as 2M"}};
inline constexpr TypeOf<double> kDrain = {{"a number over 0"}};
inline constexpr NumberType kThreads = {{"a whole number from 1 to 1024", 1, 1024}};
inline constexpr NumberType kFiles = {{"a whole number from 0 to 1000", 0, 1000}};
inline constexpr NumberType kLimit = {
    {"a whole number (0 for no limit) from 0 to 1000000000", 0, 1'000'000'000}};
inline constexpr NumberType kDays = {{"a whole number of days from 1 to 36500", 1, 36'500}};
inline constexpr NumberType kBucket = {{"a whole number from 2 to 100000", 2, 100'000}};
inline constexpr NumberType kOwnBucket = {{.expects = "nothing, or a whole number from 2 to 100000",
                                           .least = 2,
                                           .most = 100'000,
                                           .may_be_empty = true}};
inline constexpr TypeOf<double> kOwnDrain = {
    {.expects = "nothing, or a number over 0", .may_be_empty = true}};

inline constexpr TextType kText = {{"one line of text"}};
inline constexpr TextType kSecret = {{.expects = "one line of text", .secret = true}};
inline constexpr TextType kUrl = {{"a URL"}};
inline constexpr TextType kSecretUrl = {{.expects = "a URL", .secret = true}};
inline constexpr TextType kHook = {{.expects = "the URL of an inbound webhook", .secret = true}};
inline constexpr TextType kKey = {
    {.expects = "at least 16 characters", .least = 16, .secret = true}};
inline constexpr TextType kEncoding = {
    {.expects = "the name of an encoding, such as windows-1251", .check = is_encoding}};
inline constexpr TextType kLanguage = {
    {.expects = "a language such as en or ru, or auto", .check = is_language, .lower_case = true}};
inline constexpr TextType kTimeZone = {
    {.expects = "the name of a time zone, such as Europe/Moscow, or an offset, such as +03:00",
     .check = is_time_zone}};
inline constexpr TextType kMachines = {{.expects = "own, all, or the host name of a machine",
                                        .check = is_host_name,
                                        .lower_case = true}};
inline constexpr TextType kCsp = {
    {.expects = "directives such as font-src https://fonts.example, parted by commas",
     .check = is_csp}};
inline constexpr TextType kStoreUrl = {
    {.expects = "postgres://USER@HOST/DATABASE without a password (passfile=FILE names a file)",
     .check = is_store_url}};
inline constexpr TextType kMethod = choice("crm.lead.add or crm.item.add");
inline constexpr TextType kUnknown = choice("ignore or comments");
inline constexpr TextType kDuplicates = choice("ignore, link or comment");
inline constexpr TextType kContact = choice("none, link or create");
inline constexpr TextType kEntity = {
    {.expects = "lead, deal, contact, company, or the number (entityTypeId) of a smart process",
     .check = is_entity}};
inline constexpr TextType kCaptcha = choice("turnstile, hcaptcha, recaptcha or smartcaptcha", true);
inline constexpr TextType kFieldType = choice(
    "text, email, phone, textarea, select, checkbox, consent, hidden, file, date or money", true);
inline constexpr TextType kForwardAs = choice("json or form");
inline constexpr TextType kAccess = choice("public, summary, key or off");
inline constexpr TextType kDesk = choice("off, look or act");

inline constexpr TypeOf<std::filesystem::path> kPath = {
    {"a path (a relative one starts at the settings file)"}};
inline constexpr TypeOf<std::vector<Network>> kNetworks = {
    {"addresses or networks such as 10.0.0.0/8, parted by blanks"}};
inline constexpr TypeOf<std::vector<std::string>> kNames = {{"names of fields, parted by commas"}};
inline constexpr TypeOf<std::vector<std::string>> kOrigins = {
    {"origins such as https://example.com, parted by blanks"}};
inline constexpr TypeOf<std::vector<std::string>> kAccept = {
    {.expects = "own, site, json or tilda, parted by commas", .words = "own, site, json or tilda"}};
inline constexpr TypeOf<std::vector<std::string>> kTokens = {
    {.expects = "one token, or two parted by a blank", .secret = true}};

}  // namespace setting_types
}  // namespace b24
