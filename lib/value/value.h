// value: an ordered tree of scalars and arrays: what PHP calls an array, and what a JSON document
// holds.
//
// An array keeps its members in the order of insertion. Keys are integers or strings, and a string
// that looks like a decimal integer ("0", "12", "-3"; not "007", "+1", "-0") is that integer, as in
// PHP. Look-up is logarithmic at worst, whatever the keys, so that nobody can choose keys that make
// it slow. Not safe for writing from several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace b24 {

// An array's key: an integer, or any other bytes.
class Key {
 public:
  Key(std::int64_t number) : data_(number) {}
  Key(int number) : data_(std::int64_t{number}) {}
  Key(std::string_view name);  // integer-like text becomes an integer
  Key(const char* name) : Key(std::string_view(name)) {}
  Key(const std::string& name) : Key(std::string_view(name)) {}

  bool is_integer() const { return std::holds_alternative<std::int64_t>(data_); }
  std::int64_t integer() const { return std::get<std::int64_t>(data_); }  // REQUIRES: is_integer()
  std::string text() const;  // the integer in decimal, or the bytes

  auto operator<=>(const Key&) const = default;
  bool operator==(const Key&) const = default;

 private:
  std::variant<std::int64_t, std::string> data_;
};

class Value {
 public:
  enum class Type { null, boolean, integer, real, string, array };
  struct Member;

  // A scalar becomes a Value by itself; without an argument: null.
  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool flag) : data_(flag) {}
  Value(int number) : data_(std::int64_t{number}) {}
  Value(std::int64_t number) : data_(number) {}
  Value(double number) : data_(number) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(std::string_view text) : data_(std::string(text)) {}
  Value(const char* text) : data_(std::string(text)) {}

  Value(const Value& other);
  Value(Value&& other) noexcept = default;
  // Copied before it is assigned: `other` may be a member of this value.
  Value& operator=(const Value& other) { return *this = Value(other); }
  Value& operator=(Value&& other) noexcept = default;

  static Value array();                                     // an empty array
  static Value map(std::initializer_list<Member> members);  // {{"TITLE", "x"}, {"OPENED", "Y"}}
  static Value list(std::initializer_list<Value> items);    // keys 0, 1, 2, ...

  Type type() const { return static_cast<Type>(data_.index()); }
  bool is_null() const { return type() == Type::null; }
  bool is_array() const { return type() == Type::array; }
  bool is_string() const { return type() == Type::string; }
  // True for an array with the keys 0 .. n-1 in this order (an empty one too).
  bool is_list() const;

  // Scalars. `text` converts as PHP does: null and false "", true "1", integers in decimal; reals
  // in the shortest form that reads back, "1e+17" from there on; an array gives "Array".
  std::string text() const;
  const std::string& string() const { return std::get<std::string>(data_); }  // REQUIRES: is one
  bool boolean() const;  // PHP's truth: false for null, false, 0, 0.0, "", "0" and an empty array
  std::int64_t integer() const;  // leading decimal digits of a string; an array: 0 or 1
  double real() const;

  // Arrays. Reading members of anything else finds nothing; writing makes it an array first.
  std::size_t size() const;  // members of an array; 0 for everything else
  const std::vector<Member>& members() const&;
  void members() const&& = delete;  // they would be gone at once: `for (... : f().members())`
  const Value* find(const Key& key) const;        // null when there is none; valid until a change
  const Value& operator[](const Key& key) const;  // a null value when there is none
  Value& operator[](const Key& key);              // made (null) when there is none
  // Follows a dotted path, "data.FIELDS.ID"; a null value when any step is missing.
  const Value& path(std::string_view dotted) const;
  // At the next free integer key; when the largest key is taken there is none, and the item is
  // dropped, as in PHP.
  void append(Value item);
  void set(const Key& key, Value value) { (*this)[key] = std::move(value); }

  bool operator==(const Value& other) const;  // same types, same members, same order

 private:
  struct Array;
  Array& make_array();
  // An array belongs to one value alone; its pointer is one that takes a type that is not complete.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::shared_ptr<Array>>
      data_;
};

struct Value::Member {
  Key key;
  Value value;
  bool operator==(const Member&) const = default;
};

struct Value::Array {
  std::vector<Member> members;
  std::map<Key, std::size_t> index;  // filled only from the ninth member on
  // The next free integer key; the lowest of all until an integer key is used (then append starts
  // at 0). PHP counts on from negative keys, too, in what a request brings.
  std::int64_t next = std::numeric_limits<std::int64_t>::min();
};

// The same tree with the scalars under secret names (secret.h) replaced by "***"; with `all` each.
Value mask_tree(const Value& value, bool all = false);

}  // namespace b24
