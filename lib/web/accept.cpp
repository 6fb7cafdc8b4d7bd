// accept: see accept.h.
#include "web/accept.h"

#include <charconv>
#include <tuple>

#include "base/text.h"

namespace b24 {
namespace {

using Preference = std::tuple<double, int, std::size_t>;  // weight, exactness, place from the end

Preference preference(const std::vector<Wish>& wishes, const std::string& type) {
  const std::string any_of_kind = type.substr(0, type.find('/')) + "/*";
  Preference best;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const std::string& name = wishes[i].name;
    const int exactness = name == type ? 3 : name == any_of_kind ? 2 : name == "*/*" ? 1 : 0;
    if (exactness > std::get<1>(best)) best = {wishes[i].weight, exactness, wishes.size() - i};
  }
  return best;
}

}  // namespace

std::vector<Wish> parse_wishes(std::string_view header) {
  constexpr std::size_t kMostWishes = 32, kMostBytes = 2048;
  std::vector<Wish> wishes;
  for (const std::string& item : text::split(text::lower(header.substr(0, kMostBytes)), ",")) {
    const std::vector<std::string> parts = text::split(item, "; \t");
    if (parts.empty()) continue;
    Wish wish{parts[0], 1};
    for (const std::string& part : parts) {
      if (!part.starts_with("q=")) continue;
      const char* end = part.data() + part.size();
      const bool read = std::from_chars(part.data() + 2, end, wish.weight).ec == std::errc();
      if (!read || wish.weight < 0 || wish.weight > 1) wish.weight = 0;
    }
    wishes.push_back(std::move(wish));
    if (wishes.size() == kMostWishes) break;
  }
  return wishes;
}

bool prefers_json(std::string_view accept) {
  const std::vector<Wish> wishes = parse_wishes(accept);
  const Preference json = preference(wishes, "application/json");
  return std::get<0>(json) > 0 && json > preference(wishes, "text/html");
}

}  // namespace b24
