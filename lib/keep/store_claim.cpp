// store_claim: which items may be worked on, and by whom.
#include <algorithm>
#include <limits>
#include <map>

#include "keep/store.h"
#include "keep/store_data.h"
#include "keep/store_postgres.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr Millis kForever = std::numeric_limits<Millis>::max();

// Asks once for each destination: not again while the store is locked for others.
Store::Held asked_once(const Store::Held& held) {
  return [held, known = std::map<std::string, Millis>()](const std::string& destination) mutable {
    const auto [closed, is_new] = known.try_emplace(destination, 0);
    if (is_new && held) closed->second = held(destination);
    return closed->second;
  };
}

// One that is pending, and that nobody works on.
struct Free {
  Millis due_at = 0;
  std::int64_t number = 0;
  auto operator<=>(const Free&) const = default;
};

// The pending items of a kind, as one look at them finds them.
class Pending {
 public:
  Pending(Database& db, Owners owners, Kind kind)
      : db_(db), owners_(std::move(owners)), kind_(kind) {}

  // Adds those of a destination that are due from `from` to `to`, earliest first, up to `limit`.
  Status add(const std::string& destination, Millis from, Millis to, std::size_t limit,
             std::vector<Free>& found) {
    if (db_.is_shared()) return add_shared(destination, from, to, limit, found);
    auto rows = ask(db_,
                    "SELECT due_at, number, claim_owner, object FROM items INDEXED BY items_due"
                    " WHERE kind = ? AND state = 'pending' AND destination = ?"
                    " AND due_at BETWEEN ? AND ? ORDER BY due_at, number",
                    name(kind_), destination, from, to);
    if (!rows) return std::unexpected(rows.error());
    for (const std::size_t end = found.size() + limit; found.size() < end;) {
      const auto row = (*rows)->step();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      if (!is_free((*rows)->text(2))) continue;
      const auto behind = is_behind((*rows)->integer(1), (*rows)->text(3));
      if (!behind) return std::unexpected(behind.error());
      if (!*behind) found.push_back({(*rows)->integer(0), (*rows)->integer(1)});
    }
    return {};
  }

  // The same of those that are due now, also by another clock.
  Status add_due(const std::string& destination, Millis now, std::size_t limit,
                 std::vector<Free>& found) {
    const std::size_t before = found.size();
    Status added = add(destination, 0, now, limit, found);
    if (!added || found.size() - before == limit) return added;
    return add(destination, now + kFurthestAhead + 1, kForever, limit, found);
  }

 private:
  // Nobody has it, or whoever had it has ended.
  bool is_free(const std::string& owner) {
    if (owner.empty()) return true;
    const auto known = alive_.find(owner);
    if (known != alive_.end()) return !known->second;
    return !(alive_[owner] = owners_.is_working(owner));
  }

  // The rows come whole, so the database is told who has ended, and leaves out what is behind.
  Status add_shared(const std::string& destination, Millis from, Millis to, std::size_t limit,
                    std::vector<Free>& found) {
    if (!ended_) {
      const auto owners = all(
          db_, [](const Statement& row) { return row.text(0); },
          "SELECT DISTINCT claim_owner FROM items WHERE state = 'pending'"
          " AND claim_owner <> ''");
      if (!owners) return std::unexpected(owners.error());
      Value ended = Value::array();
      for (const std::string& owner : *owners)
        if (is_free(owner)) ended.append(owner);
      ended_ = json::print(ended);
    }
    const auto rows = all(
        db_,
        [](const Statement& row) {
          return Free{row.integer(0), row.integer(1)};
        },
        kFreeShared, name(kind_), destination, from, to, *ended_, static_cast<std::int64_t>(limit));
    if (!rows) return std::unexpected(rows.error());
    found.insert(found.end(), rows->begin(), rows->end());
    return {};
  }

  // Whether an older item of the same object is pending.
  Result<bool> is_behind(std::int64_t number, const std::string& object) {
    if (object.empty()) return false;
    const auto first = number_of(db_,
                                 "SELECT number FROM items INDEXED BY items_object WHERE kind = ?"
                                 " AND object = ? AND object <> '' AND state = 'pending'"
                                 " ORDER BY number LIMIT 1",
                                 name(kind_), object);
    if (!first) return std::unexpected(first.error());
    return *first < number;
  }

  Database& db_;
  const Owners owners_;
  const Kind kind_;
  std::map<std::string, bool> alive_;
  std::optional<std::string> ended_;  // a list of owners, in JSON
};

// Marks an item as this process's. A claim that is still there was never answered for: that attempt
// counts, and its outcome is not known.
Result<Item> take(Database& db, std::int64_t number, const std::string& owner, Millis now) {
  const auto before = text_of(db, "SELECT claim_owner FROM items WHERE number = ?", number);
  if (!before) return std::unexpected(before.error());
  if (!before->empty()) {
    const Outcome lost{.code = "claim_lost", .text = "the process that worked on it ended"};
    if (auto noted = write_attempt(db, number, now, "lost", lost); !noted)
      return std::unexpected(noted.error());
  }
  auto item = first(db, item_of,
                    "UPDATE items SET unsure = CASE WHEN claim_owner <> '' THEN 1 ELSE unsure END,"
                    " attempts = attempts + CASE WHEN claim_owner <> '' THEN 1 ELSE 0 END,"
                    " claim_owner = ?2 WHERE number = ?1 RETURNING " B24_ITEM_COLUMNS,
                    number, owner);
  if (!item) return std::unexpected(item.error());
  return std::move(**item);
}

// Of a claim that perhaps did not get everywhere: nothing has been begun.
Status let_it_go(Database& db, const Store::Done& one) {
  return tell(db, "UPDATE items SET claim_owner = '' WHERE number = ?", one.first);
}

}  // namespace

// One look at the index for each, however many items wait for it.
Result<std::vector<std::string>> destinations_of(Database& db, Kind kind) {
  constexpr auto kFirst = [](const Statement& row) { return row.text(0); };
  std::vector<std::string> found;
  auto next = first(db, kFirst,
                    "SELECT destination FROM items INDEXED BY items_due WHERE kind = ?"
                    " AND state = 'pending' ORDER BY destination LIMIT 1",
                    name(kind));
  while (next && *next) {
    found.push_back(std::move(**next));
    next = first(db, kFirst,
                 "SELECT destination FROM items INDEXED BY items_due WHERE kind = ?"
                 " AND state = 'pending' AND destination > ? ORDER BY destination LIMIT 1",
                 name(kind), found.back());
  }
  if (!next) return std::unexpected(next.error());
  return found;
}

Result<std::vector<Item>> Store::claim(Kind kind, std::size_t limit, const Held& held) {
  // Looked for first: as long as there is nothing, nothing is locked or written.
  const Held once = asked_once(held);
  if (const auto settled = data_->settle(); !settled) return std::unexpected(settled.error());
  const auto due = next_due(kind, once);
  if (!due) return std::unexpected(due.error());
  std::vector<Item> items;
  if (!*due || **due > 0) return items;
  const auto owner = data_->claimant();
  if (!owner) return std::unexpected(owner.error());
  const auto written = data_->write(Database::Sync::full, [&](Database& db) -> Status {
    const auto destinations = destinations_of(db, kind);
    if (!destinations) return std::unexpected(destinations.error());
    Pending pending(db, data_->owners(), kind);
    std::vector<Free> found;
    for (const std::string& destination : *destinations) {
      if (once(destination) > 0) continue;
      const auto added = pending.add_due(destination, data_->due_now(), limit, found);
      if (!added) return added;
    }
    std::ranges::sort(found);
    if (found.size() > limit) found.resize(limit);
    items.clear();
    for (const Free& each : found) {
      auto item = take(db, each.number, *owner, data_->clock());
      if (!item) return std::unexpected(item.error());
      items.push_back(std::move(*item));
    }
    return {};
  });
  // A file's transaction that failed is undone.
  if (data_->is_shared() && data_->is_owed(written)) {
    for (const Item& item : items) data_->owe({item.number, {}}, let_it_go);
  }
  if (!written) return std::unexpected(written.error());
  return items;
}

Result<std::optional<Millis>> Store::next_due(Kind kind, const Held& held) {
  return data_->read([&](Database& db) -> Result<std::optional<Millis>> {
    const auto destinations = destinations_of(db, kind);
    if (!destinations) return std::unexpected(destinations.error());
    Pending pending(db, data_->owners(), kind);
    const Millis now = data_->due_now();
    std::optional<Millis> next;
    for (const std::string& destination : *destinations) {
      Millis ahead = held ? held(destination) : 0;
      if (ahead == 0) {
        std::vector<Free> found;
        Status added = pending.add_due(destination, now, 1, found);
        if (added && !found.empty()) return 0;
        if (added) added = pending.add(destination, now + 1, now + kFurthestAhead, 1, found);
        if (!added) return std::unexpected(added.error());
        if (found.empty()) continue;
        ahead = found[0].due_at - now;
      }
      next = std::min(next.value_or(kForever), ahead);
    }
    return next;
  });
}

}  // namespace b24
