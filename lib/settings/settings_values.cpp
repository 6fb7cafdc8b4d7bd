// settings_values: reads the text of one setting into its field.
#include "settings/settings_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace b24::settings_values {
namespace {

struct Unit {
  std::string_view name;
  long long factor;
};

constexpr Unit kTimes[] = {{"", 1000},       {"ms", 1},          {"s", 1000},
                           {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 86400 * 1000}};
constexpr Unit kSizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};

// A whole number with a unit behind it.
template <std::size_t n>
bool read_amount(std::string_view text, const Unit (&units)[n], long long& amount) {
  constexpr long long kMost = 1'000'000'000'000;  // times the largest factor, it still fits
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  for (const Unit& unit : units) {
    if (text.substr(digits) != unit.name) continue;
    if (!read_integer(text.substr(0, digits), 0, kMost / unit.factor, amount)) return false;
    amount *= unit.factor;
    return true;
  }
  return false;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

bool read_integer(std::string_view text, long long least, long long most, long long& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size() && number >= least &&
         number <= most;
}

bool is_one_of(std::string_view text, std::string_view words) {
  if (text == "or") return false;
  const std::vector<std::string> all = text::split(words, ", ");
  return std::ranges::find(all, text) != all.end();
}

bool line(std::string_view text, std::string& field) {
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return false;
  field = text;
  return true;
}

bool flag(std::string_view text, bool& field) {
  for (std::string_view yes : {"yes", "true", "1", "y"})
    if (text::equal_ignoring_case(text, yes)) return field = true;
  for (std::string_view no : {"no", "false", "0", "n"})
    if (text::equal_ignoring_case(text, no)) return field = false, true;
  return false;
}

bool duration(std::string_view text, Millis& field) {
  long long amount = 0;
  if (!read_amount(text, kTimes, amount)) return false;
  field = amount;
  return true;
}

bool size(std::string_view text, std::size_t& field) {
  long long amount = 0;
  if (!read_amount(text, kSizes, amount)) return false;
  field = static_cast<std::size_t>(amount);
  return true;
}

bool positive(std::string_view text, double& field) {
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size()) return false;
  if (!std::isfinite(number) || number <= 0) return false;
  field = number;
  return true;
}

bool encoding(std::string_view text, std::string& field) {
  if (!text.empty() && !text::known_encoding(std::string(text))) return false;
  field = text;
  return true;
}

bool language(std::string_view text, std::string& field) {
  if (text.size() < 2 || text.size() > 8) return false;
  if (!std::ranges::all_of(text, [](char c) { return is_letter(c) || c == '-'; })) return false;
  field = text::lower(text);
  return true;
}

bool time_zone(std::string_view text, std::string& field) {
  const auto allowed = [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("_+-/").contains(c);
  };
  if (text.starts_with('/') || !std::ranges::all_of(text, allowed)) return false;
  // The C library takes a name that it does not know for UTC.
  static const std::filesystem::path kZones = "/usr/share/zoneinfo";
  std::error_code ignored;
  if (!text.empty() && std::filesystem::exists(kZones, ignored) &&
      !std::filesystem::is_regular_file(kZones / text, ignored)) {
    return false;
  }
  field = text;
  return true;
}

bool words(std::string_view text, std::vector<std::string>& field) {
  std::string checked;
  if (!line(text, checked)) return false;
  field = text::split(checked);
  return true;
}

bool networks(std::string_view text, std::vector<Network>& field) {
  std::vector<Network> all;
  for (const std::string& word : text::split(text)) {
    const std::optional<Network> network = Network::parse(word);
    if (!network) return false;
    all.push_back(*network);
  }
  field = std::move(all);
  return true;
}

}  // namespace b24::settings_values
