// store_look: the questions to the store that change nothing.
#include <algorithm>
#include <ctime>
#include <limits>

#include "keep/store.h"
#include "keep/store_data.h"
#include "value/json.h"

namespace b24 {
namespace {

Value value_of(const Query& row, int column, bool& readable) {
  const std::string text = row.text(column);
  if (text.empty()) return {};
  auto value = json::parse(text);
  if (!value) readable = false;
  return value ? std::move(*value) : Value();
}

bool is_open(const ListFilter& filter) {
  return filter.state && *filter.state != State::done;
}

// Each form walks one index in the order of the numbers; the planner is told which.
std::string list_statement(const ListFilter& filter) {
  std::string sql = "SELECT " B24_ITEM_COLUMNS " FROM items ";
  if (is_open(filter)) {
    sql += "INDEXED BY items_open ";
  } else if (filter.kind) {
    sql += filter.name.empty() ? "INDEXED BY items_kind " : "INDEXED BY items_name ";
  }
  sql += filter.newest_first ? "WHERE number < ?1 " : "WHERE number > ?1 ";
  if (filter.kind) sql += "AND kind = ?2 ";
  if (filter.state) sql += "AND state = ?3 ";
  if (is_open(filter)) sql += "AND state <> 'done' ";
  if (!filter.name.empty()) sql += "AND name = ?4 ";
  if (filter.since > 0) sql += "AND received_at >= ?5 ";
  // Where the walk may end, or begin. A clock that was set dates the numbers in any order.
  if (filter.since > 0 && (filter.newest_first || filter.after == 0)) {
    sql +=
        "AND number >= (SELECT min(number) FROM items INDEXED BY items_received"
        " WHERE received_at >= ?5) ";
  }
  sql += filter.newest_first ? "ORDER BY number DESC LIMIT ?6" : "ORDER BY number LIMIT ?6";
  return sql;
}

Millis midnight(Millis now) {
  const std::time_t seconds = now / 1000;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
  parts.tm_isdst = -1;
  return Millis{std::mktime(&parts)} * 1000;
}

}  // namespace

State state_of(std::string_view name) {
  for (const State state : {State::pending, State::done, State::spam})
    if (b24::name(state) == name) return state;
  return State::failed;
}

Item item_of(const Query& row) {
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

Result<std::optional<Item>> Store::find(Kind kind, std::string_view id) {
  return data_->read([&](Database& db) {
    return first(db, item_of, "SELECT " B24_ITEM_COLUMNS " FROM items WHERE kind = ? AND id = ?",
                 name(kind), id);
  });
}

Result<std::optional<Item>> Store::find_by_beginning(Kind kind, std::string_view id) {
  return data_->read([&](Database& db) {
    return first(db, item_of,
                 "SELECT " B24_ITEM_COLUMNS
                 " FROM items WHERE kind = ?1 AND id >= ?2"
                 " AND id < ?2 || char(0x10ffff) ORDER BY id LIMIT 1",
                 name(kind), id);
  });
}

Result<std::optional<Item>> Store::find(std::int64_t number) {
  return data_->read([&](Database& db) {
    return first(db, item_of, "SELECT " B24_ITEM_COLUMNS " FROM items WHERE number = ?", number);
  });
}

Millis Store::due_at(const Item& item) const {
  return item.due_at - data_->due_now() + data_->clock();
}

Result<std::vector<Item>> Store::list(const ListFilter& filter) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  return data_->read([&](Database& db) {
    return all(db, item_of, list_statement(filter),
               filter.newest_first && filter.after == 0 ? kEnd : filter.after,
               filter.kind ? name(*filter.kind) : "", filter.state ? name(*filter.state) : "",
               filter.name, filter.since, static_cast<std::int64_t>(filter.limit));
  });
}

Result<std::vector<Attempt>> Store::history(std::int64_t number) {
  const auto attempt = [](const Query& row) {
    return Attempt{row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4)};
  };
  return data_->read([&](Database& db) {
    return all(db, attempt,
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
        [](const Query& row) {
          return KindStats{row.integer(0), row.integer(1), row.integer(2), row.integer(3),
                           row.integer(4), row.integer(5) != 0};
        },
        "SELECT total(n) FILTER (WHERE what = 'pending'), total(n) FILTER (WHERE what = 'done'),"
        " total(n) FILTER (WHERE what = 'failed'),"
        " total(n) FILTER (WHERE what = 'received' AND at >= ?2),"
        " (SELECT received_at FROM items INDEXED BY items_waiting WHERE kind = ?1"
        "  AND state = 'pending' ORDER BY number LIMIT 1),"
        " count(*) FILTER (WHERE at = 0 AND what <> 'spam')"
        " FROM tallies WHERE kind = ?1",
        name(kind), midnight(data_->clock()));
    if (!stats) return std::unexpected(stats.error());
    return **stats;
  });
}

Result<std::int64_t> Store::last_number() {
  return data_->read([](Database& db) {
    return number_of(db, "SELECT seq FROM sqlite_sequence WHERE name = 'items'");
  });
}

Result<std::vector<Store::Hour>> Store::hours(Kind kind, Millis since) {
  return data_->read([&](Database& db) {
    return all(
        db,
        [](const Query& row) {
          return Hour{row.integer(0), row.integer(1), row.integer(2)};
        },
        "SELECT at / 3600000 * 3600000 AS hour, sum(n), coalesce(took, -1)"
        " FROM tallies LEFT JOIN"
        "  (SELECT received_at / 3600000 * 3600000 AS taken_in,"
        "   CAST(avg(finished_at - received_at) AS INTEGER) AS took FROM"
        "   (SELECT * FROM items INDEXED BY items_kind WHERE kind = ?1"
        "    ORDER BY number DESC LIMIT 1000)"
        "   WHERE state = 'done' AND finished_at >= received_at GROUP BY taken_in)"
        " ON taken_in = at / 3600000 * 3600000"
        " WHERE kind = ?1 AND what = 'received' AND at >= ?2 / 3600000 * 3600000"
        " GROUP BY hour ORDER BY hour",
        name(kind), since);
  });
}

}  // namespace b24
