// store_postgres: the tables of a store that several machines work on, and what of the store's SQL
// PostgreSQL takes in a text of its own. The tables are those of store_schema.h; in the schema
// b24hooks, made by --migrate. Texts compare by their bytes, as in SQLite.
//
//   numbers   the last number given: in the transaction that gives it, so that whoever sees a
//             number sees all before it, as no sequence would
//   versions  one row: of the tables, and the oldest program that may write them
//
// claim_owner is "machine/claimant/until": who of another machine has it, keeps it until then by
// the database's clock, which due_at is in, too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "keep/database.h"
#include "keep/store.h"

namespace b24 {

inline constexpr int kPostgresVersion = 1;
// The oldest program that may write a store that has moved to SQLite: none.
inline constexpr std::int64_t kMovedAway = 1'000'000;

// All that `--migrate` does to an empty database, as SQL. `app_url` names the role that the
// programs work as; none: the owner.
Result<std::string> migration_for(const std::string& app_url);
// Does it, or what of it is not done yet, as the role of `url`, who owns the tables then. What was
// done, in words.
Result<std::string> migrate_shared(const std::string& url, const std::string& app_url);

// Where whoever LISTENs hears of each batch that was accepted, once it is committed.
std::string channel_of(Kind kind);

// What `accept` does, in a few statements for any number of items.
Status accept_shared(Database& db, const std::vector<NewItem>& items, Millis now, Millis due,
                     const std::vector<std::pair<std::string, std::string>>& facts);

// Whether the tables are there, and fit.
Status check_shared_schema(Database& db);
Status check_shared_version(std::int64_t version, std::int64_t oldest_program);

Result<Millis> clock_of(Database& db);

// Of newest_events, last_number and the look for what may be claimed.
extern const std::string_view kNewestEventsShared;
extern const std::string_view kLastNumberShared;
extern const std::string_view kFreeShared;

}  // namespace b24
