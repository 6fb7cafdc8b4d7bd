// value: arrays and conversions of Value.
#include "value/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace b24 {

namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
// Up to this many members, a look at each is faster than a look into a tree.
constexpr std::size_t kSearchedInOrder = 8;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What stands before a number and means nothing.
std::string_view without_lead(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\r\v\f"), text.size()));
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  return text;
}

double leading_real(std::string_view text) {
  text = without_lead(text);
  // from_chars also knows "inf" and "nan", which are words to PHP.
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || !(is_digit(digits.front()) || digits.front() == '.')) return 0;
  double number = 0;
  const auto end =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::general);
  if (end.ec != std::errc::result_out_of_range) return number;
  // Out of range is too large, or too small to tell from zero: the exponent's sign says which.
  const std::string_view seen(text.data(), static_cast<std::size_t>(end.ptr - text.data()));
  if (seen.find("e-") != seen.npos || seen.find("E-") != seen.npos || seen.find('.') == 0) return 0;
  return text.starts_with('-') ? -HUGE_VAL : HUGE_VAL;
}

std::int64_t saturated(double number) {
  if (std::isnan(number)) return 0;
  if (number >= 9223372036854775808.0) return kHighest;
  if (number <= -9223372036854775808.0) return kLowest;
  return static_cast<std::int64_t>(number);
}

std::int64_t leading_integer(std::string_view text) {
  text = without_lead(text);
  std::int64_t result = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, result);
  const bool goes_on = stop != end && (*stop == '.' || *stop == 'e' || *stop == 'E');
  if (fault == std::errc() && !goes_on) return result;
  return saturated(leading_real(text));
}

// The digits and the place of the decimal point come from to_chars; where an exponent is used, and
// how it looks, is PHP's.
std::string real_text(double number) {
  if (std::isnan(number)) return "NAN";
  if (std::isinf(number)) return number < 0 ? "-INF" : "INF";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                 std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  std::string result;
  if (text.starts_with('-')) {
    result = "-";
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  std::string digits(text.substr(0, e));
  std::erase(digits, '.');
  int exponent = 0;
  const char* sign = text.data() + e + 1;
  std::from_chars(sign + 1, text.data() + text.size(), exponent);
  if (*sign == '-') exponent = -exponent;

  if (exponent < -4 || exponent > 16) {
    result += digits.substr(0, 1) + "." + (digits.size() > 1 ? digits.substr(1) : "0") + "E" +
              (exponent < 0 ? "-" : "+") + std::to_string(std::abs(exponent));
  } else if (exponent < 0) {
    result += "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  } else {
    const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() < whole) digits.resize(whole, '0');
    result += digits.substr(0, whole);
    if (digits.size() > whole) result += "." + digits.substr(whole);
  }
  return result;
}

const Value& nothing() {
  static const Value null;
  return null;
}

}  // namespace

// --- Key
// ------------------------------------------------------------------------------------------

Key::Key(std::string_view name) {
  const std::string_view digits = name.starts_with('-') ? name.substr(1) : name;
  const bool canonical =
      !digits.empty() && is_digit(digits.front()) && (digits.front() != '0' || name == "0");
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

// --- Copying
// --------------------------------------------------------------------------------------

Value::Value(const Value& other) {
  *this = other;
}
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

Value& Value::operator=(const Value& other) {
  if (this == &other) return *this;
  if (const auto* array = std::get_if<std::unique_ptr<Array>>(&other.data_)) {
    // Built before it is assigned: `other` may be a member of this value.
    auto copy = std::make_unique<Array>(**array);
    data_ = std::move(copy);
  } else if (const auto* text = std::get_if<std::string>(&other.data_)) {
    std::string copy = *text;
    data_ = std::move(copy);
  } else {
    switch (other.type()) {
      case Type::boolean:
        data_ = std::get<bool>(other.data_);
        break;
      case Type::integer:
        data_ = std::get<std::int64_t>(other.data_);
        break;
      case Type::real:
        data_ = std::get<double>(other.data_);
        break;
      default:
        data_ = std::monostate();
        break;
    }
  }
  return *this;
}

bool Value::operator==(const Value& other) const {
  if (type() != other.type()) return false;
  if (is_array()) return members() == other.members();
  return data_ == other.data_;
}

// --- Scalars
// --------------------------------------------------------------------------------------

std::string Value::text() const {
  switch (type()) {
    case Type::null:
      return "";
    case Type::boolean:
      return std::get<bool>(data_) ? "1" : "";
    case Type::integer:
      return std::to_string(std::get<std::int64_t>(data_));
    case Type::real:
      return real_text(std::get<double>(data_));
    case Type::string:
      return string();
    case Type::array:
      break;
  }
  return "Array";
}

const std::string& Value::string() const {
  return std::get<std::string>(data_);
}

bool Value::boolean() const {
  switch (type()) {
    case Type::null:
      return false;
    case Type::boolean:
      return std::get<bool>(data_);
    case Type::integer:
      return std::get<std::int64_t>(data_) != 0;
    case Type::real:
      return std::get<double>(data_) != 0;
    case Type::string:
      return !string().empty() && string() != "0";
    case Type::array:
      break;
  }
  return size() != 0;
}

std::int64_t Value::integer() const {
  switch (type()) {
    case Type::integer:
      return std::get<std::int64_t>(data_);
    case Type::real:
      return saturated(std::get<double>(data_));
    case Type::string:
      return leading_integer(string());
    default:
      return boolean() ? 1 : 0;
  }
}

double Value::real() const {
  switch (type()) {
    case Type::real:
      return std::get<double>(data_);
    case Type::string:
      return leading_real(string());
    default:
      return static_cast<double>(integer());
  }
}

// --- Arrays
// ---------------------------------------------------------------------------------------

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
  if (!is_array()) data_ = std::make_unique<Array>();
  return *std::get<std::unique_ptr<Array>>(data_);
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

const std::vector<Value::Member>& Value::members() const {
  static const std::vector<Member> none;
  const auto* array = std::get_if<std::unique_ptr<Array>>(&data_);
  return array ? (*array)->members : none;
}

const Value* Value::find(const Key& key) const {
  const std::vector<Member>& all = members();
  if (all.size() <= kSearchedInOrder) {
    const auto found = std::ranges::find(all, key, &Member::key);
    return found == all.end() ? nullptr : &found->value;
  }
  const auto& index = std::get<std::unique_ptr<Array>>(data_)->index;
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
  array.members.push_back({key, Value()});
  const std::size_t count = array.members.size();
  if (count == kSearchedInOrder + 1)
    for (std::size_t i = 0; i < count; ++i) array.index.emplace(array.members[i].key, i);
  else if (count > kSearchedInOrder)
    array.index.emplace(key, count - 1);
  if (key.is_integer() && key.integer() >= array.next)
    array.next = key.integer() < kHighest ? key.integer() + 1 : kHighest;
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
  if (next == kHighest && find(next)) return;
  (*this)[next == kLowest ? 0 : next] = std::move(item);
}

void Value::erase(const Key& key) {
  if (!find(key)) return;
  Array& array = make_array();
  std::erase_if(array.members, [&key](const Member& member) { return member.key == key; });
  array.index.clear();
  if (array.members.size() > kSearchedInOrder)
    for (std::size_t i = 0; i < array.members.size(); ++i)
      array.index.emplace(array.members[i].key, i);
}

}  // namespace b24
