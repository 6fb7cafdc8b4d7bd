// settings_values: how the values of settings are written: text to field and back.
#include "settings/settings_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "settings/pattern.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

struct Unit {
  std::string_view name;
  long long factor;
};

constexpr Unit kTimes[] = {{"d", 86400 * 1000}, {"h", 3600 * 1000}, {"m", 60 * 1000},
                           {"s", 1000},         {"ms", 1},          {"", 1000}};
constexpr Unit kSizes[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}};

bool in_range(const SettingType& type, long long number) {
  return number >= type.least && (type.most == 0 || number <= type.most);
}

template <class T>
bool read_number(std::string_view text, T& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size();
}

// A whole number with a unit behind it.
template <class T, std::size_t n>
bool read_amount(const SettingType& type, std::string_view text, const Unit (&units)[n], T& field) {
  constexpr long long kMost = 1'000'000'000'000;  // times the largest factor, it still fits
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const Unit* unit = std::ranges::find(units, text.substr(digits), &Unit::name);
  long long amount = 0;
  if (unit == std::end(units) || !read_number(text.substr(0, digits), amount)) return false;
  if (amount > kMost / unit->factor) return false;
  if (!in_range(type, amount * unit->factor)) return false;
  field = static_cast<T>(amount * unit->factor);
  return true;
}

bool is_line(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_one_of(std::string_view text, std::string_view words) {
  const std::vector<std::string> all = text::split(words, ", ");
  return text != "or" && std::ranges::find(all, text) != all.end();
}

constexpr std::string_view kZones = "/usr/share/zoneinfo";

}  // namespace

bool read_setting(const SettingType&, std::string_view text, bool& field) {
  for (std::string_view yes : {"yes", "true", "1", "y"})
    if (text::equal_ignoring_case(text, yes)) return field = true;
  for (std::string_view no : {"no", "false", "0", "n"})
    if (text::equal_ignoring_case(text, no)) return field = false, true;
  return false;
}

bool read_setting(const SettingType& type, std::string_view text, int& field) {
  if (text.empty() && type.may_be_empty) return field = 0, true;
  long long number = 0;
  if (!read_number(text, number) || !in_range(type, number)) return false;
  field = static_cast<int>(number);
  return true;
}

bool read_setting(const SettingType& type, std::string_view text, Millis& field) {
  return read_amount(type, text, kTimes, field);
}

bool read_setting(const SettingType& type, std::string_view text, std::size_t& field) {
  return read_amount(type, text, kSizes, field);
}

bool read_setting(const SettingType& type, std::string_view text, double& field) {
  if (text.empty() && type.may_be_empty) return field = 0, true;
  double number = 0;
  if (!read_number(text, number) || !std::isfinite(number) || number <= 0) return false;
  field = number;
  return true;
}

// What stands in a line to paste until somebody knows better: "<the code of ...>".
bool is_placeholder(const SettingType& type, std::string_view text) {
  return type.secret && text.starts_with('<') && text.ends_with('>');
}

bool read_setting(const SettingType& type, std::string_view text, std::string& field) {
  const bool is_allowed_empty = text.empty() && type.may_be_empty;
  if (!is_line(text) || is_placeholder(type, text)) return false;
  if (!type.words.empty() && !is_allowed_empty && !is_one_of(text, type.words)) return false;
  if (type.check != nullptr && !type.check(text)) return false;
  if (!text.empty() && static_cast<long long>(text.size()) < type.least) return false;
  field = type.lower_case ? text::lower(text) : std::string(text);
  return true;
}

bool read_setting(const SettingType&, std::string_view text, fs::path& field) {
  if (!is_line(text)) return false;
  field = text;
  return true;
}

bool read_setting(const SettingType& type, std::string_view text, std::vector<std::string>& field) {
  std::vector<std::string> words = text::split(text);
  const auto fits = [&](const std::string& word) { return is_one_of(word, type.words); };
  if (!is_line(text) || is_placeholder(type, text)) return false;
  if (!type.words.empty() && !std::ranges::all_of(words, fits)) return false;
  field = std::move(words);
  return true;
}

bool read_setting(const SettingType&, std::string_view text, std::vector<Network>& field) {
  std::vector<Network> all;
  for (const std::string& word : text::split(text)) {
    const std::optional<Network> network = Network::parse(word);
    if (!network) return false;
    all.push_back(*network);
  }
  field = std::move(all);
  return true;
}

bool is_encoding(std::string_view text) {
  return text.empty() || text::known_encoding(std::string(text));
}

bool is_language(std::string_view text) {
  return text.size() >= 2 && text.size() <= 8 &&
         std::ranges::all_of(text, [](char c) { return text::is_letter(c) || c == '-'; });
}

bool is_entity(std::string_view text) {
  return is_one_of(text, "lead, deal, contact, company") ||
         matches("[1-9][0-9]{0,9}", std::string(text));
}

// By hand, up to what DNS allows: to compile a pattern for it was a seventh of what a CGI process
// does.
bool is_host_name(std::string_view text) {
  constexpr std::size_t kLongestHostName = 253;
  const auto is_inner = [](char c) { return std::string_view("._-").contains(c); };
  const auto allowed = [&](char c) {
    return text::is_letter(c) || text::is_digit(c) || is_inner(c);
  };
  return !text.empty() && text.size() <= kLongestHostName && std::ranges::all_of(text, allowed) &&
         !is_inner(text.front()) && !is_inner(text.back());
}

bool is_store_url(std::string_view text) {
  const std::size_t begin = text.find("://");
  if (text.empty()) return true;
  if (begin == text.npos) return false;
  const std::string_view scheme = text.substr(0, begin), rest = text.substr(begin + 3);
  const std::string_view who = rest.substr(0, rest.find_first_of("/?"));
  const bool has_password = who.substr(0, who.find('@') + 1).contains(':') ||
                            rest.contains("?password=") || rest.contains("&password=");
  return (scheme == "postgres" || scheme == "postgresql") && !has_password;
}

bool is_csp(std::string_view text) {
  const std::string own =
      " +('self'|(https|wss)://([*][.])?[a-zA-Z0-9_-]+([.][a-zA-Z0-9_-]+)+(:[0-9]+)?"
      "(/[a-zA-Z0-9._~%/-]*)?";
  const std::string one = " *((script|worker)-src(" + own + "))+|" +
                          "(style|font|img|connect|frame|media)-src(" + own + "|data:|blob:))+)" +
                          " *";
  return text.empty() || matches(one + "(," + one + ")*", std::string(text));
}

bool is_utc_offset(std::string_view text) {
  return !text.empty() && matches("[+-][01][0-9]:[0-5][0-9]", std::string(text));
}

bool is_time_zone(std::string_view text) {
  if (is_utc_offset(text)) return true;
  const auto allowed = [](char c) {
    return text::is_letter(c) || text::is_digit(c) || std::string_view("_+-/").contains(c);
  };
  if (text.starts_with('/') || !std::ranges::all_of(text, allowed)) return false;
  std::error_code ignored;
  return text.empty() || !fs::exists(kZones, ignored) || has_time_zone(text);
}

bool has_time_zone(std::string_view name) {
  std::error_code ignored;
  return fs::is_regular_file(fs::path(kZones) / name, ignored);
}

}  // namespace b24
