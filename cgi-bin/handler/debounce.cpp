// debounce: see debounce.h.
#include "debounce.h"

#include <algorithm>

#include "action.h"

namespace b24 {
namespace {

constexpr std::size_t kLookedAt = 100;  // events of the object; if none of these: it runs now

// The next one that the section would follow; 0: none.
Result<std::int64_t> successor(const ActionSettings& action, const Item& event, Store& store) {
  const auto waiting = store.behind(event, action.event == "*" ? "" : event.name, kLookedAt);
  if (!waiting) return std::unexpected(waiting.error());
  const auto found = std::ranges::find_if(
      *waiting, [&](const Item& each) { return is_wanted(action, each.payload); });
  return found == waiting->end() ? 0 : found->number;
}

}  // namespace

std::int64_t joined_of(const Value& own) {
  return std::max<std::int64_t>(1, own["joined"].integer());
}

Result<Turn> take_turn(const ActionSettings& action, const Item& event, Value& own, Store& store,
                       Millis now) {
  if (!own["joined_by"].is_null()) return Turn{.runs = false};
  if (action.debounce == 0 || event.object.empty() || has_begun(own)) return Turn{};
  const Millis since = own["since"].is_null() ? event.received_at : own["since"].integer();
  // What lies ahead of now was noted by another clock.
  if (now < since + action.debounce && since <= now)
    return Turn{.runs = false, .wait_until = since + action.debounce};
  const Result<std::int64_t> next = successor(action, event, store);
  if (!next) return std::unexpected(next.error());
  if (*next == 0) return Turn{};
  const Value note = Value::map({{"joined_by", *next}});
  const Value place = Value::map({{"since", since}, {"joined", joined_of(own) + 1}});
  const Result<bool> handed = store.hand_on(event.number, *next, name_of(action), note, place);
  if (!handed) return std::unexpected(handed.error());
  if (!*handed) return Turn{};
  own = note;
  return Turn{.runs = false};
}

}  // namespace b24
