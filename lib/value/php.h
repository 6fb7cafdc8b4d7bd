// php: the text formats of PHP that the pages must keep (what $_REQUEST, print_r,
// http_build_query and serialize do).
//
// Real PHP is the oracle of these functions: tests/integration/parity_tests.cpp compares them byte
// for byte.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "value/value.h"

namespace b24::php {

struct Limits {
  std::size_t fields = 1000;  // PHP's max_input_vars
  std::size_t depth = 64;     // PHP's max_input_nesting_level: levels of brackets in one name
  std::size_t nodes = 8192;   // values in the tree that comes of it, arrays among them
};

enum class ParseFault { too_many_fields, too_deep, too_many_nodes };

// Puts one variable into `target` under PHP's rules for names: "a[b][]" nests and appends, dots and
// spaces of the first part become "_", a NUL ends the name, an empty name or one that starts with
// "[" is dropped. `name` and `text` are already decoded. `left` is what may still come, and becomes
// less by this one. PHP drops what is over a limit without a word; here it is a fault, so that
// nothing is lost silently; `target` stays as it was, save that too_many_nodes may leave a part.
std::expected<void, ParseFault> add_variable(Value& target, std::string_view name,
                                             std::string_view text, Limits& left);

// Takes the first field, decoded, from the front of what is application/x-www-form-urlencoded, a
// query string or a body; nothing when there is none.
std::optional<std::pair<std::string, std::string>> take_field(std::string_view& encoded);
// Puts each of its fields so.
std::expected<void, ParseFault> add_query(Value& target, std::string_view encoded, Limits& left);
// The same into an array of its own.
std::expected<Value, ParseFault> parse_query(std::string_view encoded, Limits limits = {});

// Lays `over` upon `under` as PHP makes $_REQUEST of GET and POST: arrays are merged key by key,
// anything else is replaced in place.
void merge(Value& under, const Value& over);

// What print_r($value) prints for an array, including the line break after the outer ")"; for a
// scalar its text.
std::string print_r(const Value& value);

// http_build_query: nested names with %5B and %5D, spaces as "+", null and empty arrays left out,
// true "1", false "0".
std::string build_query(const Value& value);

// urlencode: letters, digits, "-", "_" and "." stay, space becomes "+".
std::string url_encode(std::string_view text);
// urldecode: "+" is a space; a bad % sequence stays as it is.
std::string url_decode(std::string_view text);

}  // namespace b24::php
