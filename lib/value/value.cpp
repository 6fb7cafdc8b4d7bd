// value: arrays and conversions of Value.
#include "value/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <type_traits>

#include "base/secret.h"
#include "base/text.h"

namespace b24 {
namespace {

// Up to this many members, a look at each is faster than a look into a tree.
constexpr std::size_t kSearchedInOrder = 8;
constexpr std::size_t kAtFirst = 4;  // members that an array has room for

double leading_real(const std::string& text) {
  // strtod also knows "inf", "nan" and hexadecimal digits, which are words to PHP.
  const std::size_t begin = std::min(text.find_first_not_of(" \t\n\r\v\f"), text.size());
  const std::size_t end = text.find_first_not_of("+-.0123456789eE", begin);
  return std::strtod(text.substr(begin, end - begin).c_str(), nullptr);
}

std::int64_t saturated(double number) {
  if (std::isnan(number)) return 0;
  if (number >= 0x1p63) return INT64_MAX;
  if (number <= -0x1p63) return INT64_MIN;
  return static_cast<std::int64_t>(number);
}

// With PHP's exponents: 1.0E+25.
std::string real_text(double number) {
  if (std::isnan(number)) return "NAN";
  const double size = std::abs(number);
  if (std::isinf(number)) return number < 0 ? "-INF" : "INF";
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e17);
  const bool padded = plain && size >= 0x1p53;  // the digits that tell it apart, then zeros
  std::array<char, 32> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                    plain && !padded ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer.data(), end.ptr);
  if (plain && !padded) return text;
  const int exponent = std::atoi(text.c_str() + text.find('e') + 1);
  text.resize(text.find('e'));
  if (padded) {
    std::erase(text, '.');
    text.resize(static_cast<std::size_t>(exponent) + (number < 0 ? 2 : 1), '0');
    return text;
  }
  return text + (text.contains('.') ? "E" : ".0E") + (exponent < 0 ? "-" : "+") +
         std::to_string(std::abs(exponent));
}

const Value& nothing() {
  static const Value null;
  return null;
}

}  // namespace

Key::Key(std::string_view name) {
  const std::string_view digits = name.starts_with('-') ? name.substr(1) : name;
  const bool canonical =
      !digits.empty() && text::is_digit(digits.front()) && (digits.front() != '0' || name == "0");
  std::int64_t number = 0;
  const char* end = name.data() + name.size();
  if (canonical) {
    const auto [stop, fault] = std::from_chars(name.data(), end, number);
    if (stop == end && fault == std::errc()) {
      data_ = number;
      return;
    }
  }
  data_ = std::string(name);
}

std::string Key::text() const {
  return is_integer() ? std::to_string(integer()) : std::get<std::string>(data_);
}

Value::Value(const Value& other) {
  const auto copy = [this]<class T>(const T& held) {
    if constexpr (std::is_same_v<T, std::shared_ptr<Array>>)
      data_ = std::make_shared<Array>(*held);
    else
      data_ = held;
  };
  std::visit(copy, other.data_);
}

bool Value::operator==(const Value& other) const {
  if (type() != other.type()) return false;
  if (is_array()) return members() == other.members();
  return data_ == other.data_;
}

std::string Value::text() const {
  if (is_string()) return string();
  if (const auto* number = std::get_if<std::int64_t>(&data_)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&data_)) return real_text(*number);
  if (const auto* flag = std::get_if<bool>(&data_)) return *flag ? "1" : "";
  return is_null() ? "" : "Array";
}

bool Value::boolean() const {
  if (is_array()) return size() != 0;
  const std::string shown = text();
  return !shown.empty() && shown != "0";
}

std::int64_t Value::integer() const {
  if (const auto* number = std::get_if<std::int64_t>(&data_)) return *number;
  if (const auto* number = std::get_if<double>(&data_)) return saturated(*number);
  if (!is_string()) return boolean();
  char* end = nullptr;
  const long long whole = std::strtoll(string().c_str(), &end, 10);
  return *end == '.' || *end == 'e' || *end == 'E' ? saturated(leading_real(string())) : whole;
}

double Value::real() const {
  if (const auto* number = std::get_if<double>(&data_)) return *number;
  return is_string() ? leading_real(string()) : static_cast<double>(integer());
}

Value Value::array() {
  Value result;
  result.make_array();
  return result;
}

Value Value::map(std::initializer_list<Member> members) {
  Value result = array();
  for (const Member& member : members) result[member.key] = member.value;
  return result;
}

Value Value::list(std::initializer_list<Value> items) {
  Value result = array();
  for (const Value& item : items) result.append(item);
  return result;
}

Value::Array& Value::make_array() {
  if (!is_array()) data_ = std::make_shared<Array>();
  return *std::get<std::shared_ptr<Array>>(data_);
}

bool Value::is_list() const {
  if (!is_array()) return false;
  std::int64_t expected = 0;
  return std::ranges::all_of(
      members(), [&expected](const Member& member) { return member.key == Key(expected++); });
}

std::size_t Value::size() const {
  return members().size();
}

const std::vector<Value::Member>& Value::members() const& {
  static const std::vector<Member> none;
  const auto* array = std::get_if<std::shared_ptr<Array>>(&data_);
  return array ? (*array)->members : none;
}

const Value* Value::find(const Key& key) const {
  const std::vector<Member>& all = members();
  if (all.size() <= kSearchedInOrder) {
    const auto found = std::ranges::find(all, key, &Member::key);
    return found == all.end() ? nullptr : &found->value;
  }
  const auto& index = std::get<std::shared_ptr<Array>>(data_)->index;
  const auto found = index.find(key);
  return found == index.end() ? nullptr : &all[found->second].value;
}

const Value& Value::operator[](const Key& key) const {
  const Value* found = find(key);
  return found ? *found : nothing();
}

Value& Value::operator[](const Key& key) {
  Array& array = make_array();
  if (const Value* found = find(key)) return const_cast<Value&>(*found);
  if (array.members.empty()) array.members.reserve(kAtFirst);
  array.members.push_back({key, Value()});
  const std::size_t count = array.members.size();
  for (std::size_t i = array.index.size(); count > kSearchedInOrder && i < count; ++i)
    array.index.emplace(array.members[i].key, i);
  if (key.is_integer() && key.integer() >= array.next)
    array.next = key.integer() < INT64_MAX ? key.integer() + 1 : INT64_MAX;
  return array.members.back().value;
}

const Value& Value::path(std::string_view dotted) const {
  const Value* step = this;
  while (true) {
    const std::size_t dot = dotted.find('.');
    step = step->find(dotted.substr(0, dot));
    if (!step) return nothing();
    if (dot == dotted.npos) return *step;
    dotted.remove_prefix(dot + 1);
  }
}

void Value::append(Value item) {
  const std::int64_t next = make_array().next;
  if (next == INT64_MAX && find(next)) return;
  (*this)[next == INT64_MIN ? 0 : next] = std::move(item);
}

Value mask_tree(const Value& value, bool all) {
  if (!value.is_array()) return all && !value.text().empty() ? "***" : value;
  Value result = Value::array();
  for (const Value::Member& member : value.members()) {
    const std::string name = member.key.text();
    // "auth" is the portal's group of fields, most of them no secrets.
    const bool is_secret =
        secret::is_secret_name(name) && !(member.value.is_array() && text::lower(name) == "auth");
    result.set(member.key, mask_tree(member.value, all || is_secret));
  }
  return result;
}

}  // namespace b24
