// accept: headers of the form "ru-RU, en;q=0.5": what a visitor's browser would rather have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace b24 {

struct Wish {
  std::string name;  // lower case
  double weight = 1;
};

// In the header's order, as far as a visitor's input is worth the time.
std::vector<Wish> parse_wishes(std::string_view header);

// Whether an Accept header prefers application/json to text/html: by weight, then by how exactly
// each is named, then by which comes first.
bool prefers_json(std::string_view accept);

}  // namespace b24
