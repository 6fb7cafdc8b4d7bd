// store_count: the small numbers and facts beside the items: counters, uses of a limit, facts.
#include "keep/store.h"
#include "keep/store_data.h"

namespace b24 {

// Neither counters nor uses are worth a sync: a power cut may forget the last ones.

Status Store::count(std::string_view counter, std::int64_t by) {
  return data_->write(Database::Sync::loose, [&](Database& db) -> Status {
    constexpr Millis kKept = 60 * kDay;
    const Millis hour = data_->clock() / kHour * kHour;
    const auto total =
        number_of(db,
                  "INSERT INTO counters(hour, name, n) VALUES (?, ?, ?)"
                  " ON CONFLICT(hour, name) DO UPDATE SET n = counters.n + excluded.n"
                  " RETURNING n",
                  hour, counter, by);
    if (!total) return std::unexpected(total.error());
    if (*total != by) return {};
    return tell(db, "DELETE FROM counters WHERE hour < ?", hour - kKept);
  });
}

Result<std::int64_t> Store::use(std::string_view key, Millis window, int times) {
  std::int64_t used = 0;
  const auto written = data_->write(Database::Sync::loose, [&](Database& db) -> Status {
    const Millis now = data_->clock();
    // A window begins with the first use after the last one ended; one that ends too far ahead was
    // begun before the clock was set back.
    const auto n = number_of(
        db,
        "INSERT INTO uses(key, \"window\", ends_at, n) VALUES (?1, ?2, ?3 + ?2, ?4)"
        " ON CONFLICT(key, \"window\") DO UPDATE SET"
        " n = CASE WHEN uses.ends_at > ?3 AND uses.ends_at <= ?3 + ?2 THEN uses.n + ?4 ELSE ?4 END,"
        " ends_at = CASE WHEN uses.ends_at > ?3 AND uses.ends_at <= ?3 + ?2 THEN uses.ends_at"
        "  ELSE ?3 + ?2 END RETURNING n",
        key, window, now, times);
    if (!n) return std::unexpected(n.error());
    used = *n;
    if (used != 1) return {};
    return tell(db,
                "DELETE FROM uses WHERE (key, \"window\") IN"
                " (SELECT key, \"window\" FROM uses WHERE ends_at <= ? LIMIT 3)",
                now);
  });
  if (!written) return std::unexpected(written.error());
  return used;
}

Status set_fact(Database& db, std::string_view key, std::string_view value) {
  return tell(db,
              "INSERT INTO facts(key, value) VALUES (?, ?)"
              " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
              key, value);
}

Status Store::remember(std::string_view key, std::string_view value) {
  return data_->write(Database::Sync::full,
                      [&](Database& db) { return set_fact(db, data_->key_of(key), value); });
}

Result<std::string> fact(Database& db, std::string_view key) {
  return text_of(db, "SELECT value FROM facts WHERE key = ?", key);
}

Result<std::string> Store::recall(std::string_view key) {
  return data_->read([&](Database& db) { return fact(db, data_->key_of(key)); });
}

Result<std::vector<Store::Count>> Store::counts(Millis since) {
  return data_->read([&](Database& db) {
    return all(
        db,
        [](const Statement& row) {
          return Count{row.text(0), row.integer(1), row.integer(2)};
        },
        "SELECT name, hour, n FROM counters WHERE hour > ? - 3600000 ORDER BY hour, name", since);
  });
}

}  // namespace b24
