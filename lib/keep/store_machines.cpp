// store_machines: what the machines that work on one store tell each other, and what its server
// says of itself.
#include <unistd.h>

#include "base/text.h"
#include "keep/store.h"
#include "keep/store_data.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr std::string_view kMachine = "machine ";

}  // namespace

Status Store::change_together(
    std::string_view key, const std::function<std::string(const std::string&, Millis)>& change) {
  return data_->write(Database::Sync::loose, [&](Database& db) -> Status {
    // Nobody else's transaction waits for these.
    if (auto alone = tell(db, "SELECT pg_advisory_xact_lock(25)"); !alone) return alone;
    const auto known = fact(db, key);
    if (!known) return std::unexpected(known.error());
    return set_fact(db, key, change(*known, data_->due_now()));
  });
}

Status Store::tell_machines(Value words) {
  return change_together(std::string(kMachine) + data_->machine(),
                         [&](const std::string&, Millis now) {
                           words.set("at", now);
                           return json::print(words);
                         });
}

Result<std::vector<Store::Machine>> Store::machines() {
  return data_->read([&](Database& db) {
    return all(
        db,
        [&](const Statement& row) {
          const std::string id = row.text(0).substr(kMachine.size());
          const Value words = json::parse(row.text(1)).value_or(Value());
          return Machine{id, id == data_->machine(), data_->due_now() - words["at"].integer(),
                         words};
        },
        "SELECT key, value FROM facts WHERE key > 'machine ' AND key < 'machine!' ORDER BY key");
  });
}

std::string host_name() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return host;
}

bool Store::is_called(std::string_view machine) const {
  return machine == data_->machine() || text::equal_ignoring_case(machine, host_name());
}

// A commit waits for another node only when it has something to write.
Result<std::vector<Item>> Store::confirmed(Kind kind, std::int64_t after, std::size_t limit) {
  std::vector<Item> items;
  const auto newest = data_->read([&](Database& db) {
    return number_of(db, "SELECT max(number) FROM items WHERE kind = ?", name(kind));
  });
  if (!newest) return std::unexpected(newest.error());
  if (*newest <= after) return items;
  const Status sure = data_->write(Database::Sync::full, [&](Database& db) -> Status {
    auto some = all(db, item_of,
                    "SELECT " B24_ITEM_COLUMNS
                    " FROM items WHERE kind = ? AND number > ? ORDER BY number LIMIT ?",
                    name(kind), after, static_cast<std::int64_t>(limit));
    if (!some) return std::unexpected(some.error());
    items = *std::move(some);
    return tell(db, "UPDATE numbers SET last = last");
  });
  if (!sure) return std::unexpected(sure.error());
  return items;
}

Result<Store::Server> Store::look_at_server() {
  return data_->read([](Database& db) -> Result<Server> {
    const Millis asked = now_ms();
    const auto server = first(
        db,
        [&](const Statement& row) {
          return Server{.host = row.text(0),
                        .timeline = row.text(1),
                        .synchronous_commit = row.text(2),
                        .standby_names = row.text(3),
                        .is_safe = row.integer(4) != 0,
                        .connections = row.integer(5),
                        .connections_allowed = row.integer(6),
                        .clock_ahead = row.integer(7) - (asked + now_ms()) / 2,
                        .waiting = row.integer(8)};
        },
        "SELECT current_setting('cluster_name') || ' ' || coalesce(host(inet_server_addr()), ''),"
        " substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),"
        " current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),"
        " CASE WHEN current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'"
        " THEN 1 ELSE 0 END, (SELECT count(*) FROM pg_stat_activity WHERE backend_type ="
        " 'client backend'), CAST(current_setting('max_connections') AS BIGINT),"
        " CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT),"
        " (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep')");
    if (!server) return std::unexpected(server.error());
    Server seen = server->value_or(Server{});
    auto standbys = all(
        db,
        [](const Statement& row) {
          return Server::Standby{row.text(0), row.text(1), row.text(2), row.integer(3)};
        },
        "SELECT application_name, coalesce(state, ''), coalesce(sync_state, ''),"
        " coalesce(CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) AS BIGINT), -1)"
        " FROM pg_stat_replication ORDER BY application_name");
    if (!standbys) return std::unexpected(standbys.error());
    seen.standbys = *std::move(standbys);
    return seen;
  });
}

}  // namespace b24
