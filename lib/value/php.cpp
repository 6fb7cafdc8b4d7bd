// php: see php.h.
#include "value/php.h"

#include <charconv>
#include <utility>
#include <vector>

#include "base/text.h"

namespace b24::php {

namespace {

// One step of a name: a[b][] has "a", "b" and an append.
struct Step {
  std::string_view key;
  bool append = false;
};

// What PHP's variables cannot hold becomes "_".
std::string mangled(std::string_view name) {
  std::string result(name);
  for (char& c : result)
    if (c == ' ' || c == '.' || c == '[') c = '_';
  return result;
}

// The brackets of `rest`, which starts with "["; `first` is the part before them, and takes the
// rest of the name when the very first bracket is not closed.
std::expected<std::vector<Step>, ParseFault> bracket_steps(std::string& first,
                                                           std::string_view rest,
                                                           std::size_t max_depth) {
  std::vector<Step> steps;
  while (rest.starts_with('[')) {
    if (steps.size() == max_depth) return std::unexpected(ParseFault::too_deep);
    const std::size_t blank = rest.size() > 1 && text::is_space(rest[1]) ? 1 : 0;
    const std::size_t close = rest.find(']', 1 + blank);
    if (close == rest.npos) {
      if (steps.empty()) first += mangled(rest);
      break;
    }
    const bool append = close == 1 + blank;
    steps.push_back({append ? std::string_view() : rest.substr(1, close - 1), append});
    rest.remove_prefix(close + 1);
  }
  return steps;
}

// PHP takes no part that begins like a protected cookie's name unless the whole name does, so that
// mangling cannot forge one. What stands before the part has been made by then.
bool is_forged(const Step& step, std::string_view name) {
  for (const std::string_view prefix : {"__Host-", "__Secure-"})
    if (step.key.starts_with(prefix) && !name.starts_with(prefix)) return true;
  return false;
}

// The member that a step leads to; null where PHP makes none.
Value* find_or_make(Value& place, const Step& step) {
  if (!step.append) return &place[step.key];
  const std::size_t before = place.size();
  place.append(Value());
  return place.size() > before ? &const_cast<Value&>(place.members().back().value) : nullptr;
}

void print_array(std::string& out, const Value& array, std::size_t indent) {
  out += "Array\n";
  out.append(indent, ' ') += "(\n";
  for (const Value::Member& member : array.members()) {
    out.append(indent + 4, ' ') += '[';
    out.append(member.key.text()) += "] => ";
    if (member.value.is_array())
      print_array(out, member.value, indent + 8);
    else if (member.value.is_string())
      out += member.value.string();
    else
      out += member.value.text();
    out += '\n';
  }
  out.append(indent, ' ') += ")\n";
}

// `prefix` is shared by all levels and left as it was, so that the work is bounded by what is read
// and written, however long the names are.
void add_pairs(std::string& out, const Value& array, std::string& prefix, bool is_top = false) {
  for (const Value::Member& member : array.members()) {
    const std::size_t length = prefix.size();
    const std::string key = url_encode(member.key.text());
    prefix += is_top ? key : "%5B" + key + "%5D";
    if (member.value.is_array()) {
      add_pairs(out, member.value, prefix);
    } else if (!member.value.is_null()) {
      if (!out.empty()) out += '&';
      const bool is_false = member.value.type() == Value::Type::boolean && !member.value.boolean();
      out.append(prefix) += '=';
      out += is_false ? "0" : url_encode(member.value.text());
    }
    prefix.resize(length);
  }
}

bool stays(char c) {
  return text::is_digit(c) || text::is_letter(c) || c == '-' || c == '_' || c == '.';
}

}  // namespace

std::expected<void, ParseFault> add_variable(Value& target, std::string_view name,
                                             std::string_view text, Limits& left) {
  if (left.fields == 0) return std::unexpected(ParseFault::too_many_fields);
  --left.fields;
  name = name.substr(0, name.find('\0'));
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  const std::size_t bracket = std::min(name.find('['), name.size());
  if (bracket == 0) return {};
  std::string first = mangled(name.substr(0, bracket));
  auto steps = bracket_steps(first, name.substr(bracket), left.depth);
  if (!steps) return std::unexpected(steps.error());
  steps->insert(steps->begin(), {first, false});

  Value* place = &target;
  for (const Step& step : *steps) {
    if (!place->is_array()) *place = Value::array();
    if (is_forged(step, name)) return {};
    const std::size_t before = place->size();
    Value* const member = find_or_make(*place, step);
    if (member == nullptr) return {};
    if (place->size() > before) {
      if (left.nodes == 0) return std::unexpected(ParseFault::too_many_nodes);
      --left.nodes;
    }
    place = member;
  }
  *place = text;
  return {};
}

std::optional<std::pair<std::string, std::string>> take_field(std::string_view& encoded) {
  encoded.remove_prefix(std::min(encoded.find_first_not_of('&'), encoded.size()));
  if (encoded.empty()) return std::nullopt;
  const std::string_view field = encoded.substr(0, encoded.find('&'));
  encoded.remove_prefix(field.size());
  const std::size_t equals = std::min(field.find('='), field.size());
  const std::string_view text = field.substr(std::min(equals + 1, field.size()));
  return std::pair{url_decode(field.substr(0, equals)), url_decode(text)};
}

std::expected<void, ParseFault> add_query(Value& target, std::string_view encoded, Limits& left) {
  while (const auto field = take_field(encoded))
    if (const auto added = add_variable(target, field->first, field->second, left); !added)
      return added;
  return {};
}

std::expected<Value, ParseFault> parse_query(std::string_view encoded, Limits limits) {
  Value result = Value::array();
  if (const auto added = add_query(result, encoded, limits); !added)
    return std::unexpected(added.error());
  return result;
}

void merge(Value& under, const Value& over) {
  for (const Value::Member& member : over.members()) {
    Value& place = under[member.key];
    if (place.is_array() && member.value.is_array())
      merge(place, member.value);
    else
      place = member.value;
  }
}

std::string url_decode(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char* const digits = text.data() + i + 1;
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      result += static_cast<char>(byte);
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::string print_r(const Value& value) {
  if (!value.is_array()) return value.text();
  std::string out;
  print_array(out, value, 0);
  return out;
}

std::string build_query(const Value& value) {
  std::string out;
  std::string prefix;
  add_pairs(out, value, prefix, true);
  return out;
}

std::string url_encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (stays(c))
      out += c;
    else if (c == ' ')
      out += '+';
    else
      (out += '%').append({digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

}  // namespace b24::php
