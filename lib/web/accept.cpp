// accept: see accept.h.
#include "web/accept.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "base/text.h"

namespace b24 {
namespace {

// 0 for what is no weight.
double weight_of(std::string_view parameter) {
  double weight = 0;
  const char* end = parameter.data() + parameter.size();
  const bool read = std::from_chars(parameter.data(), end, weight).ec == std::errc();
  return read && weight >= 0 && weight <= 1 ? weight : 0;
}

}  // namespace

std::vector<std::string> parse_wishes(std::string_view header) {
  constexpr std::size_t kMostWishes = 32, kMostBytes = 2048;
  std::vector<std::pair<double, std::string>> weighed;
  for (const std::string& item : text::split(text::lower(header.substr(0, kMostBytes)), ",")) {
    const std::vector<std::string> parts = text::split(item, "; \t");
    if (parts.empty()) continue;
    double weight = 1;
    for (const std::string& part : parts)
      if (part.starts_with("q=")) weight = weight_of(std::string_view(part).substr(2));
    if (weight > 0) weighed.emplace_back(weight, parts[0]);
    if (weighed.size() == kMostWishes) break;
  }
  std::ranges::stable_sort(weighed, std::greater(), &std::pair<double, std::string>::first);
  std::vector<std::string> wishes;
  for (auto& [weight, name] : weighed) wishes.push_back(std::move(name));
  return wishes;
}

bool prefers_json(std::string_view accept) {
  for (const std::string& wish : parse_wishes(accept)) {
    if (wish == "application/json") return true;
    if (wish == "text/html") return false;
  }
  return false;
}

}  // namespace b24
