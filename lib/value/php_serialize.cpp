// php_serialize: PHP's serialize() and a strict reader of it.
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "value/php.h"

namespace b24::php {

namespace {

constexpr std::size_t kMaxDepth = 1000;

void write_string(std::string& out, std::string_view text) {
  ((out += "s:") += std::to_string(text.size())) += ":\"";
  out.append(text) += "\";";
}

void write(std::string& out, const Value& value) {
  switch (value.type()) {
    case Value::Type::null:
      out += "N;";
      break;
    case Value::Type::boolean:
      out += value.boolean() ? "b:1;" : "b:0;";
      break;
    case Value::Type::integer:
      ((out += "i:") += value.text()) += ';';
      break;
    case Value::Type::real:
      ((out += "d:") += value.text()) += ';';
      break;
    case Value::Type::string:
      write_string(out, value.string());
      break;
    case Value::Type::array:
      ((out += "a:") += std::to_string(value.size())) += ":{";
      for (const Value::Member& member : value.members()) {
        if (member.key.is_integer())
          ((out += "i:") += member.key.text()) += ';';
        else
          write_string(out, member.key.text());
        write(out, member.value);
      }
      out += '}';
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<Value> value(std::size_t depth = 0) {
    if (skip("N;")) return Value();
    if (skip("b:1;")) return Value(true);
    if (skip("b:0;")) return Value(false);
    if (skip("i:")) return scalar(number<std::int64_t>());
    if (skip("d:")) return scalar(real());
    if (skip("s:")) return scalar(string());
    if (skip("a:") && depth < kMaxDepth) return array(depth);
    return {};
  }
  bool at_end() const { return rest_.empty(); }

 private:
  bool skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  template <class T>
  std::optional<Value> scalar(std::optional<T> read) {
    if (!read || !skip(";")) return {};
    return Value(std::move(*read));
  }

  template <class T>
  std::optional<T> number() {
    T result{};
    const auto end = std::from_chars(rest_.data(), rest_.data() + rest_.size(), result);
    if (end.ec != std::errc()) return {};
    rest_.remove_prefix(static_cast<std::size_t>(end.ptr - rest_.data()));
    return result;
  }

  std::optional<double> real() {
    if (skip("NAN")) return std::numeric_limits<double>::quiet_NaN();
    if (skip("INF")) return HUGE_VAL;
    if (skip("-INF")) return -HUGE_VAL;
    return number<double>();
  }

  std::optional<std::string> string() {
    const auto length = number<std::size_t>();
    if (!length || !skip(":\"") || *length > rest_.size()) return {};
    std::string result(rest_.substr(0, *length));
    rest_.remove_prefix(*length);
    if (!skip("\"")) return {};
    return result;
  }

  std::optional<Key> key() {
    if (skip("i:")) {
      const auto read = number<std::int64_t>();
      if (read && skip(";")) return Key(*read);
    } else if (skip("s:")) {
      const auto read = string();
      if (read && skip(";")) return Key(*read);
    }
    return {};
  }

  std::optional<Value> array(std::size_t depth) {
    const auto count = number<std::size_t>();
    if (!count || !skip(":{")) return {};
    Value result = Value::array();
    for (std::size_t i = 0; i < *count; ++i) {
      const auto name = key();
      auto member = name ? value(depth + 1) : std::nullopt;
      if (!member) return {};
      result.set(*name, std::move(*member));
    }
    if (!skip("}")) return {};
    return result;
  }

  std::string_view rest_;
};

}  // namespace

std::string serialize(const Value& value) {
  std::string out;
  write(out, value);
  return out;
}

Result<Value> unserialize(std::string_view text) {
  Reader reader(text);
  auto value = reader.value();
  if (value && reader.at_end()) return std::move(*value);
  return std::unexpected(Error{ErrorKind::input, "bad_serialized",
                               "unserialize: not a complete value of scalars and arrays", ""});
}

}  // namespace b24::php
