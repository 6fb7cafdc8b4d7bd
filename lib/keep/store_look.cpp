// store_look: the questions to the store that change nothing.
#include <algorithm>
#include <limits>

#include "keep/store.h"
#include "keep/store_data.h"
#include "keep/store_postgres.h"
#include "value/json.h"

namespace b24 {
namespace {

Value value_of(const Statement& row, int column, bool& readable) {
  const std::string text = row.text(column);
  if (text.empty()) return {};
  auto value = json::parse(text);
  if (!value) readable = false;
  return value ? std::move(*value) : Value();
}

bool is_open(const ListFilter& filter) {
  return filter.state && *filter.state != State::done;
}

bool is_by_word(const ListFilter& filter) {
  return !filter.words.empty() && !is_open(filter);
}

// What a list walks along: one index in the order of the numbers; the planner is told which.
std::string walk_of(const ListFilter& filter) {
  if (is_by_word(filter)) return "finds INDEXED BY finds_word CROSS JOIN items ";
  if (is_open(filter)) return "items INDEXED BY items_open ";
  if (!filter.kind) return "items ";
  return filter.name.empty() ? "items INDEXED BY items_kind " : "items INDEXED BY items_name ";
}

// The number of the first in the order of time; of the kind if one is among the next thousand,
// since in a store that was filled anew the kinds lie apart.
std::string nearest(const std::string& when, const std::string& order, const ListFilter& filter) {
  std::string first = "(SELECT number FROM items INDEXED BY items_received WHERE " + when +
                      " ORDER BY " + order + " LIMIT 1)";
  if (!filter.kind) return first;
  return "coalesce((SELECT number FROM (SELECT number, kind FROM items INDEXED BY items_received"
         " WHERE " +
         when + " ORDER BY " + order + " LIMIT 1000) AS near WHERE kind = ?2 LIMIT 1), " + first +
         ")";
}

// Between which numbers.
std::string bounds_of(const ListFilter& filter, const std::string& number) {
  std::string after = number + (filter.newest_first ? " < ?1 " : " > ?1 ");
  if (filter.until > 0) {
    std::string sql = after + "AND received_at < ?6 ";
    if (filter.since == 0) return sql;
    return sql + "AND " + number + " >= " + nearest("received_at >= ?5", "received_at", filter) +
           " ";
  }
  // Where the walk may end, or begin. A clock that was set dates the numbers in any order.
  if (filter.since == 0 || (!filter.newest_first && filter.after != 0)) return after;
  return after + "AND " + number +
         " >= (SELECT min(number) FROM items INDEXED BY items_received WHERE received_at >= ?5) ";
}

// The number from which the list goes on. Of two upper bounds a walk would begin at one only.
Result<std::int64_t> beginning_of(Database& db, const ListFilter& filter) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  const std::int64_t after = filter.newest_first && filter.after == 0 ? kEnd : filter.after;
  if (filter.until == 0) return after;
  const std::string sql =
      "SELECT " + nearest("received_at < ?1", "received_at DESC", filter) + " AS number";
  const auto before = filter.kind ? number_of(db, sql, filter.until, name(*filter.kind))
                                  : number_of(db, sql, filter.until);
  if (!before) return before;
  return std::min(after, *before + 1);
}

std::string list_statement(const ListFilter& filter) {
  const std::string number = is_by_word(filter) ? "item" : "number";
  std::string sql =
      "SELECT " B24_ITEM_COLUMNS " FROM " + walk_of(filter) + "WHERE " + bounds_of(filter, number);
  if (is_by_word(filter)) sql += "AND number = item AND word = ?7 ";
  for (std::size_t i = is_by_word(filter) ? 1 : 0; i < filter.words.size(); ++i) {
    sql += "AND EXISTS (SELECT 1 FROM finds AS f WHERE f.item = number AND f.word = ?" +
           std::to_string(7 + i) + ") ";
  }
  if (filter.kind) sql += "AND kind = ?2 ";
  if (filter.state) sql += "AND state = ?3 ";
  if (is_open(filter)) sql += "AND state <> 'done' ";
  if (!filter.name.empty()) sql += "AND name = ?4 ";
  if (filter.since > 0) sql += "AND received_at >= ?5 ";
  return sql + "ORDER BY " + number + (filter.newest_first ? " DESC LIMIT ?10" : " LIMIT ?10");
}

// The rarest first: the list walks along that one.
Result<std::vector<std::string>> by_rarity(Database& db, std::vector<std::string> words) {
  if (words.size() < 2) return words;
  std::vector<std::pair<std::int64_t, std::string>> counted;
  for (std::string& word : words) {
    const auto count = number_of(
        db, "SELECT count(*) FROM (SELECT 1 FROM finds WHERE word = ? LIMIT 2000) AS few", word);
    if (!count) return std::unexpected(count.error());
    counted.emplace_back(*count, std::move(word));
  }
  std::ranges::stable_sort(counted, {}, &std::pair<std::int64_t, std::string>::first);
  words.clear();
  for (auto& [count, word] : counted) words.push_back(std::move(word));
  return words;
}

}  // namespace

State state_of(std::string_view name) {
  for (const State state : {State::pending, State::done, State::spam})
    if (b24::name(state) == name) return state;
  return State::failed;
}

Item item_of(const Statement& row) {
  bool readable = true;
  Item item{.number = row.integer(0),
            .kind = row.text(1) == name(Kind::lead) ? Kind::lead : Kind::event,
            .id = row.text(2),
            .payload = {},
            .name = row.text(3),
            .object = row.text(4),
            .state = state_of(row.text(5)),
            .received_at = row.integer(6),
            .due_at = row.integer(7),
            .finished_at = row.integer(8),
            .attempts = static_cast<int>(row.integer(9)),
            .repeats = static_cast<int>(row.integer(10)),
            .unsure = row.integer(11) != 0,
            .progress = value_of(row, 15, readable),
            .result = row.text(12),
            .error_code = row.text(13),
            .error_text = row.text(14)};
  item.payload = value_of(row, 16, readable);
  if (!readable) item.error_code = "payload_unreadable";
  return item;
}

Attempt attempt_of(const Statement& row) {
  return {row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4)};
}

Result<std::optional<Item>> Store::find(Kind kind, std::string_view id) {
  return data_->read([&](Database& db) {
    return first(db, item_of, "SELECT " B24_ITEM_COLUMNS " FROM items WHERE kind = ? AND id = ?",
                 name(kind), id);
  });
}

Result<std::vector<Item>> Store::find_by_beginning(Kind kind, std::string_view id) {
  return data_->read([&](Database& db) {
    return all(db, item_of,
               "SELECT " B24_ITEM_COLUMNS
               " FROM items WHERE kind = ?1 AND id >= ?2"
               " AND id < ?2 || ?3 ORDER BY id LIMIT 2",
               name(kind), id, kLastCharacter);
  });
}

Result<std::optional<Item>> Store::find(std::int64_t number) {
  return data_->read([&](Database& db) {
    return first(db, item_of, "SELECT " B24_ITEM_COLUMNS " FROM items WHERE number = ?", number);
  });
}

Result<std::vector<Item>> Store::behind(const Item& item, std::string_view item_name,
                                        std::size_t limit) {
  return data_->read([&](Database& db) {
    return all(db, item_of,
               "SELECT " B24_ITEM_COLUMNS
               " FROM items INDEXED BY items_object WHERE kind = ?1 AND object = ?2"
               " AND object <> '' AND state = 'pending' AND number > ?3"
               " AND (?4 = '' OR name = ?4) ORDER BY number LIMIT ?5",
               name(item.kind), item.object, item.number, item_name,
               static_cast<std::int64_t>(limit));
  });
}

Millis Store::due_at(const Item& item) const {
  return item.due_at - data_->due_now() + data_->clock();
}

Result<std::vector<Item>> Store::list(const ListFilter& filter) {
  return data_->read([&](Database& db) -> Result<std::vector<Item>> {
    const auto beginning = beginning_of(db, filter);
    if (!beginning) return std::unexpected(beginning.error());
    const auto words = by_rarity(db, filter.words);
    if (!words) return std::unexpected(words.error());
    const auto word = [&](std::size_t i) {
      return i < words->size() ? std::string_view((*words)[i]) : std::string_view();
    };
    return all(db, item_of, list_statement(filter), *beginning,
               filter.kind ? name(*filter.kind) : "", filter.state ? name(*filter.state) : "",
               filter.name, filter.since, filter.until, word(0), word(1), word(2),
               static_cast<std::int64_t>(filter.limit));
  });
}

Result<std::vector<Attempt>> Store::history(std::int64_t number) {
  return data_->read([&](Database& db) {
    return all(db, attempt_of,
               "SELECT received_at, 0, 'accepted', '', '', 0 AS step FROM items"
               " WHERE number = ?1 UNION ALL"
               " SELECT at, took, outcome, code, text, step FROM attempts WHERE item = ?1"
               " ORDER BY step",
               number);
  });
}

Result<KindStats> Store::stats(Kind kind) {
  return data_->read([&](Database& db) -> Result<KindStats> {
    const auto stats = first(
        db,
        [](const Statement& row) {
          return KindStats{row.integer(0), row.integer(1), row.integer(2),     row.integer(3),
                           row.integer(4), row.integer(5), row.integer(6) != 0};
        },
        "SELECT sum(n) FILTER (WHERE what = 'pending'), sum(n) FILTER (WHERE what = 'done'),"
        " sum(n) FILTER (WHERE what = 'failed'), sum(n) FILTER (WHERE what = 'received'),"
        " (SELECT received_at FROM items INDEXED BY items_waiting WHERE kind = ?1"
        "  AND state = 'pending' ORDER BY number LIMIT 1),"
        " sum(n) FILTER (WHERE what = 'spam'),"
        " count(*) FILTER (WHERE what NOT IN ('spam', 'received')) FROM"
        " (SELECT what, n FROM tallies WHERE kind = ?1"
        "  AND what IN ('pending', 'done', 'failed', 'spam') AND at = 0 UNION ALL"
        "  SELECT what, n FROM tallies WHERE kind = ?1 AND what = 'received' AND at >= ?2)"
        " AS numbers",
        name(kind), last_midnight(data_->clock()));
    if (!stats) return std::unexpected(stats.error());
    return **stats;
  });
}

Result<std::map<std::string, Millis>> Store::newest_events(std::string_view begins, Millis since) {
  const auto pair = [](const Statement& row) { return std::pair(row.text(0), row.integer(1)); };
  return data_->read([&](Database& db) -> Result<std::map<std::string, Millis>> {
    const auto rows =
        all(db, pair,
            db.is_shared()
                ? kNewestEventsShared
                : "SELECT object, max(coalesce(nullif(1000 *"
                  "  CASE WHEN json_valid(payload) THEN json_extract(payload, '$.ts') END, 0),"
                  "  received_at)) FROM items INDEXED BY items_received"
                  " WHERE received_at >= ?1 AND kind = 'event' AND object <> ''"
                  " AND name >= ?2 AND name < ?2 || ?3 GROUP BY object",
            since, begins, kLastCharacter);
    if (!rows) return std::unexpected(rows.error());
    return std::map<std::string, Millis>(rows->begin(), rows->end());
  });
}

Result<std::int64_t> Store::last_number() {
  return data_->read([](Database& db) {
    return number_of(db, db.is_shared() ? kLastNumberShared
                                        : "SELECT seq FROM sqlite_sequence WHERE name = 'items'");
  });
}

Result<std::vector<Store::Hour>> Store::hours(Kind kind, Millis since) {
  return data_->read([&](Database& db) {
    return all(
        db,
        [](const Statement& row) {
          return Hour{row.integer(0), row.integer(1), row.integer(2)};
        },
        "SELECT at / 3600000 * 3600000 AS hour, sum(n), max(coalesce(took, -1))"
        " FROM tallies LEFT JOIN"
        "  (SELECT received_at / 3600000 * 3600000 AS taken_in,"
        "   CAST(sum(finished_at - received_at) AS BIGINT) / count(*) AS took FROM"
        "   (SELECT * FROM items INDEXED BY items_kind WHERE kind = ?1"
        "    ORDER BY number DESC LIMIT 1000) AS newest"
        "   WHERE state = 'done' AND finished_at >= received_at GROUP BY taken_in) AS taken"
        " ON taken_in = at / 3600000 * 3600000"
        " WHERE kind = ?1 AND what = 'received' AND at >= ?2 / 3600000 * 3600000"
        " GROUP BY hour ORDER BY hour",
        name(kind), since);
  });
}

Result<std::vector<std::pair<Millis, std::int64_t>>> Store::received(Kind kind, Millis since) {
  return data_->read([&](Database& db) {
    return all(
        db,
        [](const Statement& row) {
          return std::pair{row.integer(0), row.integer(1)};
        },
        "SELECT at, n FROM tallies WHERE kind = ? AND what = 'received' AND at >= ? ORDER BY at",
        name(kind), since);
  });
}

}  // namespace b24
