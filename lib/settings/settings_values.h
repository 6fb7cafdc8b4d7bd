// settings_values: reads the text of one setting into its field; false when it is no such value.
#pragma once

#include <concepts>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/clock.h"

namespace b24::settings_values {

bool read_integer(std::string_view text, long long least, long long most, long long& number);

// A whole number in a range.
template <long long least, long long most, std::integral Number>
bool whole(std::string_view text, Number& field) {
  long long number = 0;
  if (!read_integer(text, least, most, number)) return false;
  field = static_cast<Number>(number);
  return true;
}

bool is_one_of(std::string_view text, std::string_view words);

// One of the words of a text such as "red, green or blue".
template <const char* words>
bool one_of(std::string_view text, std::string& field) {
  if (!is_one_of(text, words)) return false;
  field = text;
  return true;
}

template <const char* words>
bool one_of_or_none(std::string_view text, std::string& field) {
  if (text.empty()) return field.clear(), true;
  return one_of<words>(text, field);
}

bool line(std::string_view text, std::string& field);  // any text, or none
bool flag(std::string_view text, bool& field);         // yes, no, true, false, 1, 0, Y, N
bool duration(std::string_view text, Millis& field);   // 5 (seconds), 500ms, 5s, 2m, 1h, 7d
template <Millis least, Millis most>
bool duration_within(std::string_view text, Millis& field) {
  Millis given = 0;
  if (!duration(text, given) || given < least || given > most) return false;
  field = given;
  return true;
}
bool size(std::string_view text, std::size_t& field);       // bytes, 128K, 1M, 2G
bool positive(std::string_view text, double& field);        // a number over 0
bool encoding(std::string_view text, std::string& field);   // a name that iconv knows, or none
bool language(std::string_view text, std::string& field);   // "auto", or a tag such as "en"
bool time_zone(std::string_view text, std::string& field);  // "Europe/Moscow", or none
bool words(std::string_view text, std::vector<std::string>& field);  // by blanks or commas
bool networks(std::string_view text, std::vector<Network>& field);   // the same, each a network

}  // namespace b24::settings_values
