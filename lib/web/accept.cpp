// accept: headers of the form "ru-RU, en;q=0.5".
#include "web/accept.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "base/text.h"

namespace b24 {
namespace {

struct Wish {
  std::string name;  // lower case
  double weight = 1;
};

std::vector<Wish> parse_wishes(std::string_view header) {
  // A visitor's input: more are not worth the time.
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

struct Preference {
  double weight = 0;
  int exactness = -1;
  std::size_t place = 0;  // from the end

  auto operator<=>(const Preference&) const = default;
};

Preference preference(const std::vector<Wish>& wishes, std::string_view type) {
  const std::array<std::string, 3> patterns = {
      "*/*", std::string(type.substr(0, type.find('/'))) + "/*", std::string(type)};
  Preference best;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const auto pattern = std::ranges::find(patterns, wishes[i].name);
    const int exactness = static_cast<int>(pattern - patterns.begin());
    if (pattern != patterns.end() && exactness > best.exactness)
      best = {wishes[i].weight, exactness, wishes.size() - i};
  }
  return best;
}

}  // namespace

bool prefers_json(std::string_view accept) {
  const std::vector<Wish> wishes = parse_wishes(accept);
  const Preference json = preference(wishes, "application/json");
  return json.weight > 0 && json > preference(wishes, "text/html");
}

std::string choose_language(const std::vector<std::string>& languages, std::string_view setting,
                            std::string_view accept_language) {
  const auto has = [&](std::string_view language) {
    return std::ranges::find(languages, language) != languages.end();
  };
  if (has(setting)) return std::string(setting);
  if (setting != "auto") return "en";
  std::vector<Wish> wishes = parse_wishes(accept_language);
  std::ranges::stable_sort(wishes, std::greater(), &Wish::weight);
  for (const Wish& wish : wishes) {
    if (wish.name == "*" || wish.weight == 0) break;
    if (has(wish.name)) return wish.name;
    std::string primary = wish.name.substr(0, wish.name.find('-'));
    if (has(primary)) return primary;
  }
  return "en";
}

}  // namespace b24
