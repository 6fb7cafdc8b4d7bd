// store_claim: which items may be worked on, and by whom.
#include <algorithm>
#include <limits>
#include <map>

#include "keep/store.h"
#include "keep/store_data.h"

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

// The pending items of a kind, as one look at them finds them.
class Pending {
 public:
  Pending(Database& db, const std::filesystem::path& dir, Kind kind, bool in_order,
          const Store::Held& held)
      : db_(db), dir_(dir), kind_(kind), in_order_(in_order), held_(held) {}

  // Those that are due from `from` to `to` and that nobody works on, earliest first, until `visit`
  // (of the number, the time and how long the item's destination is closed) says false.
  template <class Visit>
  Status walk(Millis from, Millis to, Visit visit) {
    auto rows = ask(db_,
                    "SELECT number, due_at, claim_owner, destination, object FROM items"
                    " WHERE kind = ? AND state = 'pending' AND due_at BETWEEN ? AND ?"
                    " ORDER BY due_at, number",
                    name(kind_), from, to);
    if (!rows) return std::unexpected(rows.error());
    for (;;) {
      const auto row = rows->step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return {};
      if (!is_free(rows->text(2))) continue;
      const auto behind = is_behind(rows->integer(0), rows->text(4));
      if (!behind) return std::unexpected(behind.error());
      if (*behind) continue;
      if (!visit(rows->integer(0), rows->integer(1), held_(rows->text(3)))) return {};
    }
  }

 private:
  // Nobody has it, or whoever had it has ended.
  bool is_free(const std::string& owner) {
    if (owner.empty()) return true;
    const auto known = alive_.find(owner);
    if (known != alive_.end()) return !known->second;
    return !(alive_[owner] = is_alive(dir_, owner));
  }

  // Whether an older item of the same object is pending.
  Result<bool> is_behind(std::int64_t number, const std::string& object) {
    if (!in_order_ || object.empty()) return false;
    const auto first = number_of(db_,
                                 "SELECT number FROM items INDEXED BY items_object WHERE kind = ?"
                                 " AND object = ? AND object <> '' AND state = 'pending'"
                                 " ORDER BY number LIMIT 1",
                                 name(kind_), object);
    if (!first) return std::unexpected(first.error());
    return *first < number;
  }

  Database& db_;
  const std::filesystem::path& dir_;
  const Kind kind_;
  const bool in_order_;
  const Store::Held& held_;
  std::map<std::string, bool> alive_;
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
                    "UPDATE items SET unsure = unsure OR claim_owner <> '',"
                    " attempts = attempts + (claim_owner <> ''),"
                    " claim_owner = ?2 WHERE number = ?1 RETURNING " B24_ITEM_COLUMNS,
                    number, owner);
  if (!item) return std::unexpected(item.error());
  return std::move(**item);
}

}  // namespace

Result<std::vector<Item>> Store::claim(Kind kind, std::size_t limit, bool in_order,
                                       const Held& held) {
  const Held once = asked_once(held);
  // Looked for first: as long as there is nothing, nothing is locked or written.
  const auto due = next_due(kind, in_order, once);
  if (!due) return std::unexpected(due.error());
  std::vector<Item> items;
  if (!*due || **due > 0) return items;
  const auto owner = data_->claimant();
  if (!owner) return std::unexpected(owner.error());
  const auto written = data_->write(Database::Sync::full, [&](Database& db) -> Status {
    std::vector<std::int64_t> numbers;
    const auto add = [&](std::int64_t number, Millis, Millis closed) {
      if (closed == 0) numbers.push_back(number);
      return numbers.size() < limit;
    };
    Pending pending(db, data_->dir, kind, in_order, once);
    const Millis now = data_->due_now();
    Status walked = pending.walk(0, now, add);
    if (walked && numbers.size() < limit)
      walked = pending.walk(now + kFurthestAhead + 1, kForever, add);
    if (!walked) return walked;
    for (const std::int64_t number : numbers) {
      auto item = take(db, number, *owner, data_->clock());
      if (!item) return std::unexpected(item.error());
      items.push_back(std::move(*item));
    }
    return {};
  });
  if (!written) return std::unexpected(written.error());
  return items;
}

Result<std::optional<Millis>> Store::next_due(Kind kind, bool in_order, const Held& held) {
  const Held once = asked_once(held);
  return data_->read([&](Database& db) -> Result<std::optional<Millis>> {
    std::optional<Millis> next;
    const Millis now = data_->due_now();
    const auto walked = Pending(db, data_->dir, kind, in_order, once)
                            .walk(0, kForever, [&](std::int64_t, Millis due_at, Millis closed) {
                              Millis ahead = std::max<Millis>(due_at - now, 0);
                              if (ahead > kFurthestAhead) ahead = 0;
                              next = std::min(next.value_or(kForever), std::max(ahead, closed));
                              return ahead < *next;
                            });
    if (!walked) return std::unexpected(walked.error());
    return next;
  });
}

}  // namespace b24
