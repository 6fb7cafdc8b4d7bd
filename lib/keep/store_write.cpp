// store_write: the verbs of the store that change an item: accept, claim, done, retry, fail, erase.
#include <algorithm>

#include "keep/store.h"
#include "keep/store_data.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr std::int64_t kErasedPerCall = 500;

std::unexpected<Error> no_such_item(std::int64_t number) {
  return std::unexpected(Error{ErrorKind::input, "no_such_item",
                               "item " + std::to_string(number) + " is not there, or done already",
                               "list the items to find the right number"});
}

Status write_attempt(Database& db, std::int64_t number, Millis at, std::string_view outcome,
                     const Outcome& about) {
  return tell(db,
              "INSERT INTO attempts(item, step, at, took, outcome, code, text) VALUES (?1,"
              " (SELECT coalesce(max(step), 0) + 1 FROM attempts WHERE item = ?1),"
              " ?2, ?3, ?4, ?5, ?6)",
              number, at, about.took, outcome, about.code, about.text);
}

struct Standing {
  State state = State::pending;
  std::string claim_owner;
};

Result<Standing> standing_of(Database& db, std::int64_t number) {
  auto query = ask(db, "SELECT state, claim_owner FROM items WHERE number = ?", number);
  if (!query) return std::unexpected(query.error());
  const auto row = query->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return no_such_item(number);
  return Standing{state_of(query->text(0)), query->text(1)};
}

Status set_progress(Database& db, std::int64_t number, const Value& progress) {
  if (progress.is_null()) return {};
  const std::string kept = json::print(progress);
  return tell(db, "UPDATE items SET progress = ? WHERE number = ?", kept, number);
}

// Adds what is free of the rows of a statement (number, object, claim_owner), up to `limit`.
Status gather(Database& db, Query rows, Kind kind, std::size_t limit, bool in_order,
              ClaimJudge& judge, std::vector<std::int64_t>& numbers) {
  while (numbers.size() < limit) {
    const auto row = rows.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    if (!judge.is_free(rows.text(2))) continue;
    const std::int64_t number = rows.integer(0);
    if (in_order) {
      const auto behind = is_behind(db, kind, number, rows.text(1));
      if (!behind) return std::unexpected(behind.error());
      if (*behind) continue;
    }
    numbers.push_back(number);
  }
  return {};
}

Result<std::vector<std::int64_t>> find_due(Database& db, Kind kind, std::size_t limit,
                                           bool in_order, Millis now, ClaimJudge judge) {
  std::vector<std::int64_t> numbers;
  for (const char* sql : {"SELECT number, object, claim_owner FROM items WHERE kind = ?"
                          " AND state = 'pending' AND due_at <= ? ORDER BY due_at, number",
                          "SELECT number, object, claim_owner FROM items WHERE kind = ?"
                          " AND state = 'pending' AND due_at > ? + 3600000"
                          " ORDER BY due_at, number"}) {
    auto rows = ask(db, sql, name(kind), now);
    if (!rows) return std::unexpected(rows.error());
    if (auto done = gather(db, std::move(*rows), kind, limit, in_order, judge, numbers); !done)
      return std::unexpected(done.error());
  }
  return numbers;
}

// Marks an item as this process's. A claim that is still there was never answered for: that attempt
// counts, and its outcome is not known.
Result<Item> take(Database& db, std::int64_t number, const std::string& owner, Millis now) {
  const auto standing = standing_of(db, number);
  if (!standing) return std::unexpected(standing.error());
  if (!standing->claim_owner.empty()) {
    Outcome lost;
    lost.code = "claim_lost";
    lost.text = "the process that worked on it ended";
    if (auto noted = write_attempt(db, number, now, "lost", lost); !noted)
      return std::unexpected(noted.error());
  }
  auto query = ask(db,
                   "UPDATE items SET unsure = unsure OR claim_owner IS NOT NULL,"
                   " attempts = attempts + (claim_owner IS NOT NULL),"
                   " claim_owner = ?2 WHERE number = ?1 RETURNING " B24_ITEM_COLUMNS,
                   number, owner);
  if (!query) return std::unexpected(query.error());
  if (const auto row = query->step(); !row) return std::unexpected(row.error());
  Item item = item_of(*query);
  if (auto over = query->run(); !over) return std::unexpected(over.error());
  return item;
}

Status insert_item(Database& db, const NewItem& item, Millis now, Millis due) {
  const std::string payload = json::print(item.payload);
  const Millis received = item.received_at > 0 ? item.received_at : now;
  return tell(db,
              "INSERT INTO items(kind, id, name, object, state, received_at, due_at,"
              " finished_at, unsure, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
              " ON CONFLICT(kind, id) DO UPDATE SET repeats = repeats + 1",
              name(item.kind), item.id, item.name, item.object, name(item.state), received, due,
              item.state == State::pending ? 0 : received, std::int64_t{item.unsure}, payload);
}

}  // namespace

bool ClaimJudge::is_free(const std::string& owner) {
  if (owner.empty()) return true;
  const auto known = alive_.find(owner);
  if (known != alive_.end()) return !known->second;
  return !(alive_[owner] = is_alive(dir_, owner));
}

Result<bool> is_behind(Database& db, Kind kind, std::int64_t number, const std::string& object) {
  if (object.empty()) return false;
  const auto first = number_of(db,
                               "SELECT number FROM items INDEXED BY items_object WHERE kind = ?"
                               " AND object = ? AND object <> '' AND state = 'pending'"
                               " ORDER BY number LIMIT 1",
                               name(kind), object);
  if (!first) return std::unexpected(first.error());
  return *first < number;
}

Status Store::accept(const std::vector<NewItem>& items,
                     const std::vector<std::pair<std::string, std::string>>& facts) {
  return data_->write(Database::Sync::normal, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    const Millis due = data_->due_now();
    for (const NewItem& item : items) {
      if (auto inserted = insert_item(db, item, now, due); !inserted) return inserted;
    }
    for (const auto& [key, value] : facts) {
      if (auto set = set_fact(db, key, value); !set) return set;
    }
    return {};
  });
}

Result<std::vector<Item>> Store::claim(Kind kind, std::size_t limit, bool in_order) {
  const auto owner = data_->claimant();
  if (!owner) return std::unexpected(owner.error());
  std::vector<Item> items;
  const auto written = data_->write(Database::Sync::full, [&](Database& db) -> Status {
    items.clear();
    const auto numbers =
        find_due(db, kind, limit, in_order, data_->due_now(), ClaimJudge(data_->dir));
    if (!numbers) return std::unexpected(numbers.error());
    for (const std::int64_t number : *numbers) {
      auto item = take(db, number, *owner, data_->clock());
      if (!item) return std::unexpected(item.error());
      items.push_back(std::move(*item));
    }
    return {};
  });
  if (!written) return std::unexpected(written.error());
  return items;
}

Status Store::done(std::int64_t number, const Outcome& outcome) {
  return data_->write(Database::Sync::full, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    const auto standing = standing_of(db, number);
    if (!standing) return std::unexpected(standing.error());
    if (auto noted = write_attempt(db, number, now, "done", outcome); !noted) return noted;
    // Whoever was late tells the truth all the same; the first result stays.
    if (standing->state == State::done) return {};
    if (auto kept = set_progress(db, number, outcome.progress); !kept) return kept;
    return tell(db,
                "UPDATE items SET state = 'done', finished_at = ?2, attempts = attempts + 1,"
                " unsure = 0, claim_owner = NULL, result = ?3,"
                " error_code = '', error_text = '' WHERE number = ?1",
                number, now, outcome.result);
  });
}

Status Store::retry(std::int64_t number, Millis at, const Outcome& outcome, bool unsure,
                    bool counted) {
  return data_->write(Database::Sync::full, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    const auto standing = standing_of(db, number);
    if (!standing) return std::unexpected(standing.error());
    if (counted) {
      if (auto noted = write_attempt(db, number, now, "retry", outcome); !noted) return noted;
    }
    if (standing->state != State::pending) return {};
    if (auto kept = set_progress(db, number, outcome.progress); !kept) return kept;
    return tell(db,
                "UPDATE items SET due_at = ?2, unsure = ?3, attempts = attempts + ?4,"
                " claim_owner = NULL,"
                " error_code = iif(?4, ?5, error_code), error_text = iif(?4, ?6, error_text)"
                " WHERE number = ?1",
                number, data_->due_now() + std::clamp<Millis>(at - now, 0, kFurthestAhead),
                std::int64_t{unsure}, std::int64_t{counted}, outcome.code, outcome.text);
  });
}

Status Store::fail(std::int64_t number, const Outcome& outcome) {
  return data_->write(Database::Sync::full, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    const auto standing = standing_of(db, number);
    if (!standing) return std::unexpected(standing.error());
    if (auto noted = write_attempt(db, number, now, "failed", outcome); !noted) return noted;
    if (standing->state != State::pending) return {};
    if (auto kept = set_progress(db, number, outcome.progress); !kept) return kept;
    return tell(db,
                "UPDATE items SET state = 'failed', finished_at = ?2, attempts = attempts + 1,"
                " claim_owner = NULL, error_code = ?3, error_text = ?4"
                " WHERE number = ?1",
                number, now, outcome.code, outcome.text);
  });
}

Status Store::retry_now(std::int64_t number) {
  return data_->write(Database::Sync::full, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    const auto standing = standing_of(db, number);
    if (!standing) return std::unexpected(standing.error());
    if (standing->state == State::done) return no_such_item(number);
    if (auto noted = write_attempt(db, number, now, "retried by hand", {}); !noted) return noted;
    return tell(db,
                "UPDATE items SET state = 'pending', due_at = ?2, finished_at = 0"
                " WHERE number = ?1",
                number, data_->due_now());
  });
}

Status Store::replay(std::int64_t number) {
  return data_->write(Database::Sync::full, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    const auto standing = standing_of(db, number);
    if (!standing) return std::unexpected(standing.error());
    if (standing->state == State::pending &&
        !ClaimJudge(data_->dir).is_free(standing->claim_owner)) {
      return std::unexpected(Error{ErrorKind::input, "in_work",
                                   "item " + std::to_string(number) + " is being worked on",
                                   "try again when that has ended"});
    }
    if (auto noted = write_attempt(db, number, now, "replayed by hand", {}); !noted) return noted;
    return tell(db,
                "UPDATE items SET state = 'pending', due_at = ?2, finished_at = 0, progress = NULL,"
                " unsure = 0, claim_owner = NULL WHERE number = ?1",
                number, data_->due_now());
  });
}

Result<std::int64_t> Store::erase_done(Millis before) {
  std::int64_t erased = 0;
  const auto written = data_->write(Database::Sync::full, [&](Database& db) -> Status {
    // An item finishes after it was received, so the walk ends at the first one received later.
    auto done =
        tell(db,
             "DELETE FROM items WHERE number IN (SELECT number FROM items"
             " INDEXED BY items_received WHERE received_at < ?1 AND state IN ('done', 'spam')"
             " AND finished_at < ?1 ORDER BY received_at LIMIT ?2)",
             before, kErasedPerCall);
    if (!done) return done;
    erased = db.changes();
    return tell(db,
                "DELETE FROM tallies WHERE kind IN ('event', 'lead') AND what = 'received'"
                " AND at < ?",
                data_->clock() - 3 * kDay);
  });
  if (!written) return std::unexpected(written.error());
  return erased;
}

}  // namespace b24
