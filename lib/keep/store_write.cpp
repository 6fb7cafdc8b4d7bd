// store_write: the verbs of the store that change an item: accept, done, retry, fail, erase.
#include <unistd.h>

#include <algorithm>

#include "keep/data_dir.h"
#include "keep/item_words.h"
#include "keep/store.h"
#include "keep/store_data.h"
#include "keep/store_postgres.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr std::int64_t kChangedAtOnce = 500;
constexpr std::size_t kReplayedAtOnce = 50;  // with all that was sent in them
constexpr Millis kTallied = 32 * kDay;

std::unexpected<Error> no_such_item(std::int64_t number) {
  return std::unexpected(Error{ErrorKind::input, "no_such_item",
                               "item " + std::to_string(number) + " is not there, or done already",
                               "list the items to find the right number"});
}

Result<State> state_of_item(Database& db, std::int64_t number) {
  const auto state = text_of(db, "SELECT state FROM items WHERE number = ?", number);
  if (!state) return std::unexpected(state.error());
  if (state->empty()) return no_such_item(number);
  return state_of(*state);
}

// The end of an attempt in the item's history; in which state that found the item.
Result<State> end_attempt(Database& db, std::int64_t number, Millis now, std::string_view word,
                          const Outcome& outcome) {
  const auto state = state_of_item(db, number);
  if (!state) return state;
  if (auto noted = write_attempt(db, number, now, word, outcome); !noted)
    return std::unexpected(noted.error());
  return state;
}

// Changes an item that is not worked on any more. The parameters of `changes` begin with ?3.
template <class... Parameters>
Status let_go(Database& db, std::int64_t number, const Outcome& outcome, std::string_view changes,
              const Parameters&... parameters) {
  const std::string kept = outcome.progress.is_null() ? "" : json::print(outcome.progress);
  for (const auto& [key, value] : outcome.facts) {
    if (auto set = set_fact(db, key, value); !set) return set;
  }
  return tell(db,
              "UPDATE items SET claim_owner = '', progress = CASE WHEN ?2 = '' THEN progress ELSE "
              "?2 END, " +
                  std::string(changes) + " WHERE number = ?1",
              number, kept, parameters...);
}

Status insert_item(Database& db, const NewItem& item, Millis now, Millis due) {
  const Millis received = item.received_at > 0 ? item.received_at : now;
  const auto number =
      number_of(db,
                "INSERT INTO items(kind, id, name, object, destination, state, received_at, due_at,"
                " finished_at, unsure, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT(kind, id) DO UPDATE SET repeats = items.repeats + 1 RETURNING number",
                name(item.kind), item.id, item.name, item.object, item.destination,
                name(item.state), received, due, item.state == State::pending ? 0 : received,
                item.unsure, json::print(item.payload));
  if (!number) return std::unexpected(number.error());
  return write_words(db, name(item.kind), *number, item.payload);
}

// Items (those of a condition that begins with ?3) are due at once, by hand; how many.
template <class... Parameters>
Result<std::int64_t> revive(Database& db, std::string_view word, Millis now, Millis due,
                            const std::string& changes, const std::string& which,
                            const Parameters&... parameters) {
  const auto noted = tell(db,
                          "INSERT INTO attempts(item, step, at, took, outcome, code, text)"
                          " SELECT number, (SELECT coalesce(max(step), 0) + 1 FROM attempts"
                          " WHERE item = number), ?1, 0, ?2, '', '' FROM items WHERE " +
                              which,
                          now, word, parameters...);
  if (!noted) return std::unexpected(noted.error());
  const auto revived = tell(db,
                            "UPDATE items SET state = 'pending', due_at = ?1, finished_at = 0" +
                                changes + " WHERE " + which,
                            due, word, parameters...);
  if (!revived) return std::unexpected(revived.error());
  return db.changes();
}

// Not while somebody has it in hand.
Status expect_idle(Database& db, const Owners& owners, std::int64_t number) {
  const auto owner =
      text_of(db, "SELECT claim_owner FROM items WHERE number = ? AND state = 'pending'", number);
  if (!owner) return std::unexpected(owner.error());
  if (owner->empty() || !owners.is_working(*owner)) return {};
  return std::unexpected(Error{ErrorKind::input, "in_work",
                               "item " + std::to_string(number) + " is being worked on",
                               "try again when that has ended"});
}

// Worked on once more from the beginning.
Status begin_again(Database& db, const Owners& owners, std::int64_t number, Millis now,
                   Millis due) {
  if (const auto idle = expect_idle(db, owners, number); !idle) return idle;
  const auto revived = revive(db, "replayed by hand", now, due,
                              ", progress = '', unsure = 0, claim_owner = '', destination = ''",
                              "number = ?3", number);
  if (!revived) return std::unexpected(revived.error());
  return *revived == 0 ? no_such_item(number) : Status();
}

}  // namespace

Status write_words(Database& db, std::string_view kind, std::int64_t number, const Value& payload) {
  if (kind != name(Kind::lead)) return {};
  for (const std::string& word : found_by(payload)) {
    const auto noted = tell(
        db, "INSERT INTO finds(item, word) VALUES (?, ?) ON CONFLICT DO NOTHING", number, word);
    if (!noted) return noted;
  }
  return {};
}

Status write_attempt(Database& db, std::int64_t number, Millis at, std::string_view outcome,
                     const Outcome& about) {
  return tell(db,
              "INSERT INTO attempts(item, step, at, took, outcome, code, text) VALUES (?1,"
              " (SELECT coalesce(max(step), 0) + 1 FROM attempts WHERE item = ?1),"
              " ?2, ?3, ?4, ?5, ?6)",
              number, at, about.took, outcome, about.code, about.text);
}

Status Store::accept(const std::vector<NewItem>& items,
                     const std::vector<std::pair<std::string, std::string>>& facts) {
  return data_->write(Database::Sync::normal, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    const Millis due = data_->due_now();
    if (db.is_shared()) return accept_shared(db, items, now, due, data_->keyed(facts));
    for (const NewItem& item : items) {
      if (auto inserted = insert_item(db, item, now, due); !inserted) return inserted;
    }
    for (const auto& [key, value] : facts) {
      if (auto set = set_fact(db, key, value); !set) return set;
    }
    return {};
  });
}

Status Store::done(std::span<const Done> items) {
  return data_->conclude(items, [data = data_.get()](Database& db, const Done& one) -> Status {
    const auto& [number, outcome] = one;
    const Millis now = data->clock();
    const auto state = end_attempt(db, number, now, "done", outcome);
    if (!state) return std::unexpected(state.error());
    // Whoever was late tells the truth all the same; the first result stays.
    if (*state == State::done) return {};
    return let_go(db, number, outcome,
                  "state = 'done', finished_at = ?3, attempts = attempts + 1, unsure = 0,"
                  " result = ?4, error_code = '', error_text = ''",
                  now, outcome.result);
  });
}

Status Store::retry(std::int64_t number, Millis at, const Outcome& outcome, bool unsure,
                    bool counted) {
  const auto put_back = [data = data_.get(), at, unsure, counted](Database& db,
                                                                  const Done& one) -> Status {
    const auto& [item, about] = one;
    const Millis now = data->clock();
    const auto state =
        counted ? end_attempt(db, item, now, "retry", about) : state_of_item(db, item);
    if (!state) return std::unexpected(state.error());
    if (*state != State::pending) return {};
    return let_go(db, item, about,
                  "due_at = ?3, unsure = ?4, attempts = attempts + ?5, destination = ?6,"
                  " error_code = CASE WHEN ?5 <> 0 THEN ?7 ELSE error_code END,"
                  " error_text = CASE WHEN ?5 <> 0 THEN ?8 ELSE error_text END",
                  data->due_now() + std::clamp<Millis>(at - now, 0, kFurthestAhead), unsure,
                  counted, about.destination, about.code, about.text);
  };
  const Done one{number, outcome};
  return data_->conclude({&one, 1}, put_back);
}

Status Store::fail(std::int64_t number, const Outcome& outcome, bool unsure) {
  const auto give_up = [data = data_.get(), unsure](Database& db, const Done& one) -> Status {
    const auto& [item, about] = one;
    const Millis now = data->clock();
    const auto state = end_attempt(db, item, now, "failed", about);
    if (!state) return std::unexpected(state.error());
    if (*state != State::pending) return {};
    return let_go(db, item, about,
                  "state = 'failed', finished_at = ?3, attempts = attempts + 1, unsure = ?4,"
                  " error_code = ?5, error_text = ?6",
                  now, unsure, about.code, about.text);
  };
  const Done one{number, outcome};
  return data_->conclude({&one, 1}, give_up);
}

Result<bool> Store::hand_on(std::int64_t from, std::int64_t to, std::string_view key,
                            const Value& note, const Value& place) {
  bool is_pending = false;
  const auto written = data_->write(Database::Sync::normal, [&](Database& db) -> Status {
    const auto state = text_of(db, "SELECT state FROM items WHERE number = ?", to);
    if (!state) return std::unexpected(state.error());
    is_pending = *state == name(State::pending);
    for (const auto& [number, part] : {std::pair(from, &note), std::pair(to, &place)}) {
      if (!is_pending) return {};
      const auto text = text_of(db, "SELECT progress FROM items WHERE number = ?", number);
      if (!text) return std::unexpected(text.error());
      Value progress = json::parse(*text).value_or(Value::array());
      progress.set(key, *part);
      const auto set = tell(db, "UPDATE items SET progress = ?2 WHERE number = ?1", number,
                            json::print(progress));
      if (!set) return set;
    }
    return {};
  });
  if (!written) return std::unexpected(written.error());
  return is_pending;
}

Status Store::Data::revive_by_hand(const std::function<Status(Database&)>& work) {
  Status done = write(Database::Sync::full, work);
  for (const Kind kind : {Kind::lead, Kind::event}) ::unlink(rest_file(dir, name(kind)).c_str());
  return done;
}

Status Store::retry_now(std::int64_t number) {
  return data_->revive_by_hand([&](Database& db) -> Status {
    const auto revived = revive(db, "retried by hand", data_->clock(), data_->due_now(), "",
                                "number = ?3 AND state <> 'done'", number);
    if (!revived) return std::unexpected(revived.error());
    return *revived == 0 ? no_such_item(number) : Status();
  });
}

// A bounded number at a time: others get to write in between.
Result<std::int64_t> Store::retry_all(Kind kind, std::string_view item_name, Millis since) {
  std::int64_t revived = 0;
  for (const State state : {State::pending, State::failed}) {
    for (std::int64_t from = 0, to = 1, some = 0; to != 0; from = to, revived += some) {
      const auto written = data_->revive_by_hand([&](Database& db) -> Status {
        const auto last = number_of(db,
                                    "SELECT max(number) FROM (SELECT number FROM items"
                                    " INDEXED BY items_open WHERE state = ? AND state <> 'done'"
                                    " AND number > ? ORDER BY number LIMIT ?) AS few",
                                    name(state), from, kChangedAtOnce);
        if (!last) return std::unexpected(last.error());
        to = *last;
        const auto changed = revive(db, "retried by hand", data_->clock(), data_->due_now(), "",
                                    "number IN (SELECT number FROM items INDEXED BY items_open"
                                    " WHERE state = ?3 AND state <> 'done' AND number > ?4"
                                    " AND number <= ?5 AND kind = ?6 AND (?7 = '' OR name = ?7)"
                                    " AND received_at >= ?8)",
                                    name(state), from, to, name(kind), item_name, since);
        if (!changed) return std::unexpected(changed.error());
        some = *changed;
        return {};
      });
      if (!written) return std::unexpected(written.error());
    }
  }
  return revived;
}

Status Store::replay(std::int64_t number) {
  return data_->revive_by_hand([&](Database& db) {
    return begin_again(db, data_->owners(), number, data_->clock(), data_->due_now());
  });
}

Result<std::int64_t> Store::replay_all(Kind kind, std::string_view item_name, Millis since) {
  const auto last = last_number();
  if (!last) return last;
  ListFilter filter{.kind = kind,
                    .name = std::string(item_name),
                    .since = since,
                    .limit = kReplayedAtOnce,
                    .newest_first = false};
  std::int64_t again = 0;
  for (bool more = true; more;) {
    const auto items = list(filter);
    if (!items) return std::unexpected(items.error());
    std::int64_t some = 0;
    const auto written = data_->revive_by_hand([&](Database& db) -> Status {
      some = 0;
      for (const Item& item : *items) {
        if (item.number > *last) break;
        const auto begun =
            begin_again(db, data_->owners(), item.number, data_->clock(), data_->due_now());
        if (!begun && begun.error().kind != ErrorKind::input) return begun;
        some += begun ? 1 : 0;
      }
      return {};
    });
    if (!written) return std::unexpected(written.error());
    again += some;
    more = items->size() == filter.limit && items->back().number <= *last;
    if (more) filter.after = items->back().number;
  }
  return again;
}

Status Store::set_aside(std::int64_t number) {
  return data_->write(Database::Sync::full, [&](Database& db) -> Status {
    if (const auto idle = expect_idle(db, data_->owners(), number); !idle) return idle;
    const auto set = tell(db,
                          "UPDATE items SET state = 'spam', claim_owner = '', finished_at = ?2"
                          " WHERE number = ?1 AND state IN ('pending', 'failed')",
                          number, data_->clock());
    if (!set) return set;
    if (db.changes() == 0) return no_such_item(number);
    return write_attempt(db, number, data_->clock(), "spam by hand", {});
  });
}

Status Store::erase(std::int64_t number, const std::function<Status()>& first) {
  const auto written = data_->write(Database::Sync::full, [&](Database& db) -> Status {
    if (const auto idle = expect_idle(db, data_->owners(), number); !idle) return idle;
    const auto erased = tell(db, "DELETE FROM items WHERE number = ?", number);
    if (erased && db.changes() == 0) return no_such_item(number);
    return erased && first ? first() : erased;
  });
  // The log beside the store has the item, too, until it is begun anew.
  if (written && !data_->is_shared()) {
    (void)data_->read([](Database& db) { return db.execute("PRAGMA wal_checkpoint(TRUNCATE)"); });
  }
  return written;
}

Result<std::int64_t> Store::erase_done(Millis before) {
  std::int64_t erased = 0;
  const auto written = data_->write(Database::Sync::normal, [&](Database& db) -> Status {
    // An item finishes after it was received, so the walk ends at the first one received later.
    auto done =
        tell(db,
             "DELETE FROM items WHERE number IN (SELECT number FROM items"
             " INDEXED BY items_received WHERE received_at < ?1 AND state IN ('done', 'spam')"
             " AND finished_at < ?1 ORDER BY received_at LIMIT ?2)",
             before, kChangedAtOnce);
    if (!done) return done;
    erased = db.changes();
    done = tell(db, "DELETE FROM facts WHERE key >= ?1 AND key < ?1 || ?2 AND value < ?3", kSeen,
                kLastCharacter, std::to_string(before));
    if (!done) return done;
    return tell(db,
                "DELETE FROM tallies WHERE kind IN ('event', 'lead') AND what = 'received'"
                " AND at < ?",
                data_->clock() - kTallied);
  });
  if (!written) return std::unexpected(written.error());
  return erased;
}

}  // namespace b24
