// json: JSON text to a Value and back, by cJSON.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "base/error.h"
#include "value/value.h"

namespace b24::json {

// The whole text must be one JSON document; white space around it is allowed. A later duplicate
// name replaces the earlier one. Integers that a double holds exactly become integers; \u0000
// becomes U+FFFD, since cJSON's strings end at a NUL. Errors of kind input: "too_deep" (over
// `max_depth` levels of arrays and objects), "too_many_nodes" (over `max_nodes` values, arrays and
// objects among them), "bad_json" (malformed).
Result<Value> parse(std::string_view text, std::size_t max_depth = 200,
                    std::size_t max_nodes = std::numeric_limits<std::size_t>::max());

enum class Layout { compact, indented };

// Arrays that are lists become [...], an empty array "[]" (as PHP's json_encode), other arrays
// {...}. Bytes that are not valid UTF-8 and NUL come out as U+FFFD, so the result is always valid
// JSON and always one line when compact.
std::string print(const Value& value, Layout layout = Layout::compact);

}  // namespace b24::json
