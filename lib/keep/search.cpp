// search: see search.h.
#include "keep/search.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "keep/item_words.h"

namespace b24 {
namespace {

constexpr std::size_t kShortestId = 6;

bool may_be_id(std::string_view typed) {
  return typed.size() >= kShortestId &&
         std::ranges::all_of(typed, [](char c) { return text::is_digit(c) || text::is_letter(c); });
}

bool has_text(const Value& value, const std::string& folded) {
  if (!value.is_array()) return text::fold(value.text()).contains(folded);
  return std::ranges::any_of(
      value.members(), [&](const Value::Member& member) { return has_text(member.value, folded); });
}

bool has_text(const Item& item, const std::string& folded) {
  for (const std::string& text : {item.id, item.name, item.object, item.result, item.error_text}) {
    if (text::fold(text).contains(folded)) return true;
  }
  return has_text(item.payload, folded);
}

Result<SearchPage> page_of(Store& store, ListFilter filter) {
  const std::size_t wanted = filter.limit++;
  auto items = store.list(filter);
  if (!items) return std::unexpected(items.error());
  SearchPage found{std::move(*items)};
  if (found.items.size() > wanted) {
    found.items.resize(wanted);
    found.after = found.items.back().number;
  }
  return found;
}

Result<SearchPage> look_through(Store& store, ListFilter filter, std::string_view typed) {
  constexpr std::size_t kAtOnce = 200;
  const std::string folded = text::fold(typed);
  const std::size_t wanted = filter.limit;
  filter.limit = kAtOnce;
  SearchPage found;
  found.in_texts = true;
  for (std::size_t looked = 0;;) {
    auto items = store.list(filter);
    if (!items) return std::unexpected(items.error());
    for (Item& item : *items) {
      filter.after = item.number;
      const Millis at = item.received_at;
      if (has_text(item, folded)) found.items.push_back(std::move(item));
      const bool is_tired = ++looked == kLookedThrough;
      if (!is_tired && found.items.size() < wanted) continue;
      found.after = filter.after;
      if (is_tired) found.looked_back_to = at;
      return found;
    }
    if (items->size() < kAtOnce) return found;
  }
}

// Whether an index knows of what was typed; then the filter says so.
bool narrow(ListFilter& filter, std::string_view typed) {
  if (filter.kind == Kind::lead) {
    filter.words = words_looked_for(typed);
    return !filter.words.empty();
  }
  filter.name = text::upper(typed);
  return filter.name.starts_with("ON") && filter.name.find_first_of(" :") == typed.npos;
}

}  // namespace

Result<SearchPage> search(Store& store, ListFilter filter, std::string_view typed, bool in_texts) {
  typed = text::trim(typed);
  if (typed.empty()) return page_of(store, filter);
  if (in_texts) return look_through(store, filter, typed);
  if (may_be_id(typed)) {
    auto items = store.find_by_beginning(*filter.kind, typed);
    if (!items) return std::unexpected(items.error());
    if (!items->empty()) return SearchPage{{std::move(items->front())}};
  }
  if (ListFilter narrowed = filter; narrow(narrowed, typed)) {
    auto found = page_of(store, narrowed);
    if (!found || !found->items.empty() || filter.after != 0) return found;
  }
  return look_through(store, filter, typed);
}

}  // namespace b24
