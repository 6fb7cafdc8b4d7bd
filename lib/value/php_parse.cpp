// php_parse: how PHP makes variables of a request: names, percent encoding, $_REQUEST.
#include <charconv>
#include <utility>
#include <vector>

#include "value/php.h"

namespace b24::php {

namespace {

// One step of a name: a[b][] has "a", "b" and an append.
struct Step {
  std::string_view key;
  bool append = false;
};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

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
    const std::size_t blank = rest.size() > 1 && is_space(rest[1]) ? 1 : 0;
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

std::expected<void, ParseFault> add_query(Value& target, std::string_view encoded, Limits& left) {
  for (std::size_t begin = 0, end = 0; begin < encoded.size(); begin = end + 1) {
    end = std::min(encoded.find('&', begin), encoded.size());
    const std::string_view field = encoded.substr(begin, end - begin);
    if (field.empty()) continue;
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string_view text = field.substr(std::min(equals + 1, field.size()));
    const auto added =
        add_variable(target, url_decode(field.substr(0, equals)), url_decode(text), left);
    if (!added) return added;
  }
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

}  // namespace b24::php
