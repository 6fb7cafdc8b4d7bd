// read_ahead: see read_ahead.h.
#include "read_ahead.h"

#include <ranges>
#include <set>
#include <vector>

#include "action.h"

namespace b24 {
namespace {

constexpr std::size_t kTogether = 50;  // commands of a batch
constexpr Millis kFresh = 10'000;
constexpr int kBatchRead = 200;  // status of an answer whose commands may have failed

// Not of another portal, as far as they say where they are from.
bool are_of_one_portal(const Item& one, const Item& other) {
  return one.payload.path("auth.domain").text() == other.payload.path("auth.domain").text();
}

// The event, and others behind it that are due and wait for the same call.
std::vector<Item> companions(const ActionSettings& action, const Item& event, Store& store) {
  std::vector<Item> chosen = {event};
  std::set<std::string> objects = {event.object};
  const auto waiting = store.list({.kind = Kind::event,
                                   .state = State::pending,
                                   .name = event.name,
                                   .after = event.number,
                                   .limit = kTogether - 1,
                                   .newest_first = false});
  if (!waiting) return chosen;
  for (const Item& each : *waiting | std::views::reverse) {
    if (store.due_at(each) > now_ms() || !is_wanted(action, each.payload)) continue;
    if (has_begun(each.progress[name_of(action)])) continue;
    if (!are_of_one_portal(each, event)) continue;
    // Of those that will be joined only the newest calls.
    if (action.debounce > 0 && !objects.insert(each.object).second) continue;
    chosen.push_back(each);
  }
  return chosen;
}

}  // namespace

std::optional<CallResult> ReadAhead::call(const ActionSettings& action, const Item& event,
                                          Store& store, Webhook& webhook) {
  const std::string section = name_of(action);
  const std::lock_guard lock(mutex_);
  const Millis now = steady_ms();
  std::erase_if(read_, [&](const auto& each) { return each.second.at < now - kFresh; });
  if (const auto known = read_.extract({event.number, section})) return known.mapped().outcome;
  const std::vector<Item> items = companions(action, event, store);
  if (items.size() == 1) return std::nullopt;
  std::vector<Command> commands;
  for (const Item& item : items) {
    commands.push_back(call_of(action, item));
    commands.back().key = "event" + std::to_string(item.number);
  }
  std::vector<BatchResult> results = webhook.batch(commands);
  // What is refused is called by itself: then it is with a status, which says more.
  const auto is_refused = [](const CallResult& outcome) {
    return !outcome && outcome.error().status == kBatchRead;
  };
  for (std::size_t i = 1; i < items.size(); ++i) {
    CallResult& outcome = results[i].outcome;
    if (is_refused(outcome))
      read_[{items[i].number, section}] = {now, std::nullopt};
    else if (outcome)
      read_[{items[i].number, section}] = {now, std::move(outcome)};
  }
  CallResult& own = results[0].outcome;
  if (is_refused(own)) return std::nullopt;
  return std::move(own);
}

}  // namespace b24
