// store_count: the small numbers and facts beside the items: counters, uses of a limit, facts.
#include "keep/store.h"
#include "keep/store_data.h"

namespace b24 {
namespace {

constexpr Millis kKept = 60 * kDay;

// The first column of the only row of a statement that also changes something.
template <class... Parameters>
Result<std::int64_t> told_number(Database& db, std::string_view sql,
                                 const Parameters&... parameters) {
  auto query = ask(db, sql, parameters...);
  if (!query) return std::unexpected(query.error());
  if (const auto row = query->step(); !row) return std::unexpected(row.error());
  const std::int64_t number = query->integer(0);
  if (auto over = query->run(); !over) return std::unexpected(over.error());
  return number;
}

}  // namespace

// Neither counters nor uses are worth a sync: a power cut may forget the last ones.

Status Store::count(std::string_view counter, std::int64_t by) {
  return data_->write(Database::Sync::normal, [&](Database& db) -> Status {
    const Millis hour = data_->clock() / kHour * kHour;
    const auto total = told_number(db,
                                   "INSERT INTO counters(hour, name, n) VALUES (?, ?, ?)"
                                   " ON CONFLICT(hour, name) DO UPDATE SET n = n + excluded.n"
                                   " RETURNING n",
                                   hour, counter, by);
    if (!total) return std::unexpected(total.error());
    if (*total != by) return {};
    return tell(db, "DELETE FROM counters WHERE hour < ?", hour - kKept);
  });
}

Result<std::int64_t> Store::use(std::string_view key, Millis window) {
  std::int64_t used = 0;
  const auto written = data_->write(Database::Sync::normal, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    // A window begins with the first use after the last one ended; one that ends too far ahead was
    // begun before the clock was set back.
    const auto n = told_number(
        db,
        "INSERT INTO uses(key, window, ends_at, n) VALUES (?1, ?2, ?3 + ?2, 1)"
        " ON CONFLICT(key, window) DO UPDATE SET"
        " n = iif(ends_at > ?3 AND ends_at <= ?3 + ?2, n + 1, 1),"
        " ends_at = iif(ends_at > ?3 AND ends_at <= ?3 + ?2, ends_at, ?3 + ?2) RETURNING n",
        key, window, now);
    if (!n) return std::unexpected(n.error());
    used = *n;
    if (used != 1) return {};
    return tell(db,
                "DELETE FROM uses WHERE (key, window) IN"
                " (SELECT key, window FROM uses WHERE ends_at <= ? LIMIT 3)",
                now);
  });
  if (!written) return std::unexpected(written.error());
  return used;
}

Status set_fact(Database& db, std::string_view key, std::string_view value) {
  return tell(db,
              "INSERT INTO facts(key, value) VALUES (?, ?)"
              " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
              key, Blob{value});
}

Status Store::remember(std::string_view key, std::string_view value) {
  return data_->write(Database::Sync::full, [&](Database& db) { return set_fact(db, key, value); });
}

}  // namespace b24
