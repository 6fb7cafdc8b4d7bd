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
  if (row.is_null(column)) return {};
  auto value = json::parse(row.text(column));
  if (!value) readable = false;
  return value ? std::move(*value) : Value();
}

Result<std::optional<Item>> first_item(Result<Query> query) {
  if (!query) return std::unexpected(query.error());
  const auto row = query->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  return item_of(*query);
}

bool is_open(const ListFilter& filter) {
  return filter.state && *filter.state != State::done;
}

// The statement for a list of one kind, or of all kinds when the filter names neither a name nor an
// open state. Each form walks one index in the order of the numbers; the planner is told which.
std::string list_statement(const ListFilter& filter) {
  std::string sql = "SELECT " B24_ITEM_COLUMNS " FROM items ";
  if (filter.kind) {
    sql += is_open(filter)       ? "INDEXED BY items_open "
           : filter.name.empty() ? "INDEXED BY items_kind "
                                 : "INDEXED BY items_name ";
  }
  sql += filter.newest_first ? "WHERE number < ?1 " : "WHERE number > ?1 ";
  if (filter.kind) sql += "AND kind = ?2 ";
  if (filter.state) sql += "AND state = ?3 ";
  if (is_open(filter)) sql += "AND state <> 'done' ";
  if (!filter.name.empty()) sql += "AND name = ?4 ";
  if (filter.since > 0) sql += "AND received_at >= ?5 ";
  // Where the walk may end, or begin. A clock that was set dates the numbers in any order.
  if (filter.since > 0 && (filter.newest_first || filter.after == 0)) {
    sql += "AND number >= (SELECT min(number) FROM items WHERE received_at >= ?5) ";
  }
  sql += filter.newest_first ? "ORDER BY number DESC LIMIT ?6" : "ORDER BY number LIMIT ?6";
  return sql;
}

Result<std::vector<Item>> list_walk(Database& db, const ListFilter& filter) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  const std::string sql = list_statement(filter);
  auto rows = ask(db, sql, filter.newest_first && filter.after == 0 ? kEnd : filter.after,
                  filter.kind ? name(*filter.kind) : "", filter.state ? name(*filter.state) : "",
                  filter.name, filter.since, static_cast<std::int64_t>(filter.limit));
  if (!rows) return std::unexpected(rows.error());
  std::vector<Item> items;
  for (;;) {
    const auto row = rows->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return items;
    items.push_back(item_of(*rows));
  }
}

// Of all kinds: each kind's own walk, merged.
Result<std::vector<Item>> list_merged(Database& db, ListFilter filter) {
  std::vector<Item> items;
  for (const Kind kind : {Kind::lead, Kind::event}) {
    filter.kind = kind;
    auto part = list_walk(db, filter);
    if (!part) return part;
    std::ranges::move(*part, std::back_inserter(items));
  }
  std::ranges::sort(items, [&](const Item& a, const Item& b) {
    return filter.newest_first ? a.number > b.number : a.number < b.number;
  });
  if (items.size() > filter.limit) items.resize(filter.limit);
  return items;
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
  return name == "pending" ? State::pending : name == "done" ? State::done : State::failed;
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
    return first_item(ask(db, "SELECT " B24_ITEM_COLUMNS " FROM items WHERE kind = ? AND id = ?",
                          name(kind), id));
  });
}

Result<std::optional<Item>> Store::find(std::int64_t number) {
  return data_->read([&](Database& db) {
    return first_item(ask(db, "SELECT " B24_ITEM_COLUMNS " FROM items WHERE number = ?", number));
  });
}

Result<std::vector<Item>> Store::list(const ListFilter& filter) {
  return data_->read([&](Database& db) {
    const bool by_kind = !filter.kind && (is_open(filter) || !filter.name.empty());
    return by_kind ? list_merged(db, filter) : list_walk(db, filter);
  });
}

Result<std::vector<Attempt>> Store::history(std::int64_t number) {
  return data_->read([&](Database& db) -> Result<std::vector<Attempt>> {
    auto rows = ask(db,
                    "SELECT received_at, 0, 'accepted', '', '', 0 AS step FROM items"
                    " WHERE number = ?1 UNION ALL"
                    " SELECT at, took, outcome, code, text, step FROM attempts WHERE item = ?1"
                    " ORDER BY step",
                    number);
    if (!rows) return std::unexpected(rows.error());
    std::vector<Attempt> attempts;
    for (;;) {
      const auto row = rows->step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return attempts;
      attempts.push_back(
          {rows->integer(0), rows->integer(1), rows->text(2), rows->text(3), rows->text(4)});
    }
  });
}

Result<KindStats> Store::stats(Kind kind) {
  return data_->read([&](Database& db) -> Result<KindStats> {
    auto rows = ask(db,
                    "SELECT what, sum(n) FROM tallies WHERE kind = ?1 AND what IN"
                    " ('pending', 'done', 'failed') AND at = 0 GROUP BY what UNION ALL"
                    " SELECT 'today', coalesce(sum(n), 0) FROM tallies WHERE kind = ?1"
                    " AND what = 'received' AND at >= ?2 UNION ALL"
                    " SELECT 'oldest', received_at FROM items WHERE number = (SELECT number FROM"
                    " items INDEXED BY items_open WHERE kind = ?1 AND state = 'pending'"
                    " AND state <> 'done' ORDER BY number LIMIT 1)",
                    name(kind), midnight(data_->clock()));
    if (!rows) return std::unexpected(rows.error());
    KindStats stats;
    for (;;) {
      const auto row = rows->step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return stats;
      const std::string what = rows->text(0);
      (what == "pending"  ? stats.pending
       : what == "done"   ? stats.done
       : what == "failed" ? stats.failed
       : what == "today"  ? stats.today
                          : stats.oldest_pending) = rows->integer(1);
    }
  });
}

Result<std::optional<Millis>> Store::next_due(Kind kind, bool in_order) {
  return data_->read([&](Database& db) -> Result<std::optional<Millis>> {
    ClaimJudge judge(data_->dir);
    auto rows = ask(db,
                    "SELECT number, object, claim_owner, due_at FROM items"
                    " WHERE kind = ? AND state = 'pending' ORDER BY due_at, number",
                    name(kind));
    if (!rows) return std::unexpected(rows.error());
    for (;;) {
      const auto row = rows->step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return std::nullopt;
      if (!judge.is_free(rows->text(2))) continue;
      if (in_order) {
        const auto behind = is_behind(db, kind, rows->integer(0), rows->text(1));
        if (!behind) return std::unexpected(behind.error());
        if (*behind) continue;
      }
      const Millis ahead = rows->integer(3) - data_->due_now();
      return ahead > kFurthestAhead ? 0 : std::max<Millis>(ahead, 0);
    }
  });
}

Result<std::int64_t> Store::last_number() {
  return data_->read([](Database& db) {
    return number_of(db, "SELECT seq FROM sqlite_sequence WHERE name = 'items'");
  });
}

Result<std::string> Store::recall(std::string_view key) {
  return data_->read([&](Database& db) -> Result<std::string> {
    auto query = ask(db, "SELECT value FROM facts WHERE key = ?", key);
    if (!query) return std::unexpected(query.error());
    const auto row = query->step();
    if (!row) return std::unexpected(row.error());
    return *row ? query->text(0) : "";
  });
}

Result<std::vector<Store::Count>> Store::counts(Millis since) {
  return data_->read([&](Database& db) -> Result<std::vector<Count>> {
    auto rows = ask(db,
                    "SELECT name, hour, n FROM counters WHERE hour > ? - 3600000"
                    " ORDER BY hour, name",
                    since);
    if (!rows) return std::unexpected(rows.error());
    std::vector<Count> counts;
    for (;;) {
      const auto row = rows->step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return counts;
      counts.push_back({rows->text(0), rows->integer(1), rows->integer(2)});
    }
  });
}

Result<std::vector<Store::Hour>> Store::hours(Kind kind, Millis since) {
  return data_->read([&](Database& db) -> Result<std::vector<Hour>> {
    auto rows = ask(db,
                    "SELECT at / 3600000 * 3600000 AS hour, sum(n),"
                    " coalesce((SELECT avg(finished_at - received_at) FROM items"
                    "  WHERE received_at >= t.at / 3600000 * 3600000"
                    "  AND received_at < t.at / 3600000 * 3600000 + 3600000"
                    "  AND kind = ?1 AND state = 'done' AND finished_at >= received_at), -1)"
                    " FROM tallies t WHERE kind = ?1 AND what = 'received'"
                    " AND at >= ?2 / 3600000 * 3600000 GROUP BY hour ORDER BY hour",
                    name(kind), since);
    if (!rows) return std::unexpected(rows.error());
    std::vector<Hour> hours;
    for (;;) {
      const auto row = rows->step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return hours;
      hours.push_back({rows->integer(0), rows->integer(1), static_cast<Millis>(rows->real(2))});
    }
  });
}

}  // namespace b24
