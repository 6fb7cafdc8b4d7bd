// follower: see follower.h.
#include "keep/follower.h"

#include <cstdlib>
#include <vector>

namespace b24 {

constexpr std::size_t kItemsAtOnce = 100;

std::string follow_key(std::string_view follower) {
  return "follow." + std::string(follower);
}

Result<std::string> follower_fact(Store& store, std::string_view name) {
  auto fact = store.recall(follow_key(name));
  if (fact) fact->erase(0, fact->find(' ') + 1);  // its place
  return fact;
}

Status FollowAll::begin(Store& store) {
  const std::string key = follow_key(follower_->name());
  const std::string_view machine = follower_->machines();
  const auto known = store.recall(key);
  if (!known) return std::unexpected(known.error());
  if (machine != "all" && !store.is_called(machine))
    return known->empty() ? Status() : store.remember(key, "");
  fact_ = known->empty() ? follower_->begin() : known->substr(known->find(' ') + 1);
  if (known->starts_with('#')) {
    at_ = std::atoll(known->c_str() + 1);
    return {};
  }
  const auto last = store.last_number();
  if (!last) return std::unexpected(last.error());
  at_ = *last;
  return keep(store);
}

Status FollowAll::keep(Store& store) const {
  return store.accept({},
                      {{follow_key(follower_->name()), "#" + std::to_string(at_) + " " + fact_}});
}

Status FollowAll::follow(Store& store, Kind kind) {
  while (at_ >= 0) {
    const auto items = store.confirmed(kind, at_, kItemsAtOnce);
    if (!items) return std::unexpected(items.error());
    if (items->empty()) break;
    std::vector<NewItem> told;
    for (const Item& one : *items)
      told.push_back({one.kind, one.id, one.payload, one.name, one.object, one.received_at,
                      one.state, one.unsure, ""});
    auto written = follower_->write(told, fact_);
    if (!written) return std::unexpected(written.error());
    at_ = (*items)[written->count - 1].number;
    fact_ = std::move(written->fact);
    if (auto kept = keep(store); !kept) return kept;
  }
  return {};
}

}  // namespace b24
