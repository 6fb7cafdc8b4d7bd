// accept: headers of the form "ru-RU, en;q=0.5": what a visitor's browser would rather have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace b24 {

// The names in lower case, the most wanted first, without those that are not wanted (q=0); as far
// as a visitor's input is worth the time.
std::vector<std::string> parse_wishes(std::string_view header);

// Whether an Accept header would rather have application/json than text/html.
bool prefers_json(std::string_view accept);

}  // namespace b24
