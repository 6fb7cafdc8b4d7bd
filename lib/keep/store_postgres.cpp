// store_postgres: see store_postgres.h.
#include "keep/store_postgres.h"

#include <map>

#include "base/text.h"
#include "keep/item_words.h"
#include "keep/postgres.h"
#include "keep/store_data.h"
#include "keep/store_schema.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr Millis kMigrationTime = 5 * kMinute;
constexpr std::size_t kLongestKey = 600;  // an index takes 2,704 bytes at most

constexpr std::string_view kBeforeTables = R"sql(
CREATE SCHEMA b24hooks;
SET LOCAL search_path = b24hooks, pg_catalog;

CREATE TABLE versions(version bigint NOT NULL, oldest_program bigint NOT NULL);
CREATE TABLE numbers(last bigint NOT NULL);
)sql";

constexpr std::string_view kBehindTables = R"sql(
CREATE UNIQUE INDEX items_id ON items(kind, id);
CREATE INDEX items_kind ON items(kind, number);
CREATE INDEX items_name ON items(kind, name, number);
CREATE INDEX items_received ON items(received_at, number);
CREATE INDEX items_due ON items(kind, destination, due_at, number) WHERE state = 'pending';
CREATE INDEX items_object ON items(kind, object, number) WHERE state = 'pending' AND object <> '';
CREATE INDEX items_open ON items(state, number) WHERE state <> 'done';
CREATE INDEX items_waiting ON items(kind, number) WHERE state = 'pending';
CREATE INDEX items_claimed ON items(claim_owner) WHERE state = 'pending' AND claim_owner <> '';
CREATE INDEX uses_ends ON uses(ends_at);
CREATE INDEX finds_word ON finds(word, item);

CREATE FUNCTION items_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO tallies AS t(kind, what, at, n)
    SELECT kind, state, 0, count(*) FROM added GROUP BY kind, state UNION ALL
    SELECT kind, 'received', received_at / 900000 * 900000, count(*) FROM added GROUP BY 1, 3
    ON CONFLICT(kind, what, at) DO UPDATE SET n = t.n + excluded.n;
  RETURN NULL;
END $$;
CREATE TRIGGER items_added AFTER INSERT ON items REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION items_added();

CREATE FUNCTION items_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE tallies SET n = n - 1 WHERE kind = OLD.kind AND what = OLD.state AND at = 0;
  INSERT INTO tallies AS t(kind, what, at, n) VALUES (NEW.kind, NEW.state, 0, 1)
    ON CONFLICT(kind, what, at) DO UPDATE SET n = t.n + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER items_moved AFTER UPDATE OF state ON items FOR EACH ROW
  WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION items_moved();

CREATE FUNCTION items_erased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE tallies AS t SET n = t.n - g.n
    FROM (SELECT kind, state, count(*) AS n FROM erased GROUP BY kind, state) AS g
    WHERE t.kind = g.kind AND t.what = g.state AND t.at = 0;
  DELETE FROM attempts WHERE item IN (SELECT number FROM erased);
  DELETE FROM finds WHERE item IN (SELECT number FROM erased WHERE kind = 'lead');
  RETURN NULL;
END $$;
CREATE TRIGGER items_erased AFTER DELETE ON items REFERENCING OLD TABLE AS erased
  FOR EACH STATEMENT EXECUTE FUNCTION items_erased();

INSERT INTO versions(version, oldest_program) VALUES (1, 1);
INSERT INTO numbers(last) VALUES (CAST(extract(epoch FROM now()) * 1000000 AS bigint));
)sql";

constexpr std::string_view kPostgresGrants = R"sql(
GRANT USAGE ON SCHEMA b24hooks TO $APP;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA b24hooks TO $APP;
)sql";

// The tables of store_schema.h as PostgreSQL takes them.
std::string tables_of(std::string_view schema) {
  std::string sql;
  for (std::size_t at = 0; (at = schema.find("CREATE TABLE", at)) != schema.npos;) {
    const std::size_t end = schema.find(';', at) + 1;
    sql.append("\n").append(schema.substr(at, end - at)).append("\n");
    at = end;
  }
  text::replace_all(sql, " AUTOINCREMENT", "");
  text::replace_all(sql, " WITHOUT ROWID", "");
  text::replace_all(sql, "INTEGER", "bigint");
  text::replace_all(sql, "TEXT", "text COLLATE \"C\"");
  text::replace_all(sql, "window", "\"window\"");
  return sql;
}

std::string all_tables() {
  return std::string(kBeforeTables) + tables_of(kSchema) + tables_of(kSchemaSince5) +
         std::string(kBehindTables);
}

std::string filled(std::string_view grants, std::string role) {
  text::replace_all(role, "\"", "\"\"");
  std::string sql(grants);
  text::replace_all(sql, "$APP", '"' + role + '"');
  return sql;
}

// As it can be stored; as a key.
std::string storable(std::string_view text) {
  if (!text.contains('\0') && text::is_valid_utf8(text)) return std::string(text);
  return text::to_valid_utf8(text);
}
std::string storable_key(std::string_view text) {
  return std::string(text::first_utf8(storable(text), kLongestKey));
}

Value row_of(const NewItem& item, std::int64_t place, std::int64_t repeats, Millis now) {
  const Millis received = item.received_at > 0 ? item.received_at : now;
  return Value::map({{"place", place},
                     {"kind", name(item.kind)},
                     {"id", storable_key(item.id)},
                     {"name", storable_key(item.name)},
                     {"object", storable_key(item.object)},
                     {"destination", storable_key(item.destination)},
                     {"state", name(item.state)},
                     {"received_at", received},
                     {"finished_at", item.state == State::pending ? 0 : received},
                     {"repeats", repeats},
                     {"unsure", std::int64_t{item.unsure}},
                     {"payload", storable(json::print(item.payload))}});
}

// In one statement no item may come twice.
Status insert_items(Database& db, const std::vector<NewItem>& items, Millis now, Millis due) {
  std::map<std::pair<Kind, std::string_view>, std::int64_t> times;
  for (const NewItem& item : items) ++times[{item.kind, item.id}];
  const auto last =
      number_of(db, "UPDATE numbers SET last = last + ? RETURNING last, pg_notify(?, '')",
                static_cast<std::int64_t>(times.size()), channel_of(items.front().kind));
  if (!last) return std::unexpected(last.error());
  Value rows = Value::array(), words = Value::array();
  std::int64_t place = 0;
  for (const NewItem& item : items) {
    std::int64_t& left = times[{item.kind, item.id}];
    if (left == 0) continue;
    rows.append(row_of(item, place++, left - 1, now));
    left = 0;
    if (item.kind != Kind::lead) continue;
    for (const std::string& word : found_by(item.payload))
      words.append(Value::map({{"id", storable_key(item.id)}, {"word", storable(word)}}));
  }
  const std::int64_t before = *last - place;
  const Status put = tell(
      db,
      "INSERT INTO items(number, kind, id, name, object, destination, state, received_at, due_at,"
      " finished_at, repeats, unsure, payload) SELECT ?1 + 1 + place, kind, id, name, object,"
      " destination, state, received_at, ?2, finished_at, repeats, unsure, payload"
      " FROM json_to_recordset(CAST(?3 AS json)) AS new(place bigint, kind text, id text,"
      " name text, object text, destination text, state text, received_at bigint,"
      " finished_at bigint, repeats bigint, unsure bigint, payload text)"
      " ON CONFLICT(kind, id) DO UPDATE SET repeats = items.repeats + 1 + excluded.repeats",
      before, due, json::print(rows));
  if (!put || words.size() == 0) return put;
  return tell(db,
              "INSERT INTO finds(item, word) SELECT number, word FROM"
              " json_to_recordset(CAST(? AS json)) AS new(id text, word text) JOIN items"
              " ON items.kind = 'lead' AND items.id = new.id COLLATE \"C\" ON CONFLICT DO NOTHING",
              json::print(words));
}

}  // namespace

std::string channel_of(Kind kind) {
  return "b24hooks_" + std::string(name(kind));
}

const std::string_view kNewestEventsShared =
    "SELECT object, max(coalesce(nullif(1000 * CASE WHEN payload !~* '\\\\u(0000|d[89a-f])'"
    "  AND CAST(payload AS json) ->> 'ts' ~ '^[0-9]{1,12}$'"
    "  THEN CAST(CAST(payload AS json) ->> 'ts' AS BIGINT) END, 0), received_at)) FROM items"
    " WHERE received_at >= ?1 AND kind = 'event' AND object <> ''"
    " AND name >= ?2 AND name < ?2 || ?3 GROUP BY object";

const std::string_view kLastNumberShared = "SELECT last FROM numbers";

const std::string_view kFreeShared =
    "SELECT due_at, number FROM items AS i WHERE kind = ?1 AND state = 'pending'"
    " AND destination = ?2 AND due_at BETWEEN ?3 AND ?4 AND (claim_owner = ''"
    "  OR claim_owner IN (SELECT json_array_elements_text(CAST(?5 AS json))))"
    " AND (object = '' OR NOT EXISTS (SELECT 1 FROM items AS o WHERE o.kind = i.kind"
    "  AND o.object = i.object AND o.object <> '' AND o.state = 'pending' AND o.number < i.number))"
    " ORDER BY due_at, number LIMIT ?6";

Result<std::string> migration_for(const std::string& app_url) {
  const auto app = role_of(app_url);
  if (!app) return app;
  return "BEGIN;\n" + all_tables() + (app->empty() ? "" : filled(kPostgresGrants, *app)) +
         "COMMIT;";
}

// Whoever owns the database need not be who the pages run as: nothing is written beside it.
Result<std::string> migrate_shared(const std::string& url, const std::string& app_url) {
  auto app = role_of(app_url);
  if (!app) return app;
  auto connected = PostgresDatabase::connect({url, {}, false});
  if (!connected) return std::unexpected(connected.error());
  PostgresDatabase& db = **connected;
  if (*app == db.user()) app->clear();
  db.set_answer_time(kMigrationTime);
  if (auto set = db.set_sync(Database::Sync::loose); !set) return std::unexpected(set.error());
  std::string said;
  const Status done = db.transact([&]() -> Status {
    if (auto alone = tell(db, "SELECT pg_advisory_xact_lock(24)"); !alone) return alone;
    const auto there = text_of(db,
                               "SELECT coalesce(CAST(to_regclass('b24hooks.versions') AS text),"
                               " '')");
    if (!there) return std::unexpected(there.error());
    const bool is_new = there->empty();
    const std::string grants = app->empty() ? "" : filled(kPostgresGrants, *app);
    said = is_new ? "the tables are made" : "the tables are there already";
    if (!app->empty()) said += "; the role " + *app + " may use them";
    return db.execute((is_new ? all_tables() + grants : grants + ";").c_str());
  });
  if (!done) return std::unexpected(done.error());
  return said;
}

Status accept_shared(Database& db, const std::vector<NewItem>& items, Millis now, Millis due,
                     const std::vector<std::pair<std::string, std::string>>& facts) {
  if (!items.empty()) {
    if (auto put = insert_items(db, items, now, due); !put) return put;
  }
  Value rows = Value::array();
  for (const auto& [key, value] : facts) rows.set(storable_key(key), storable(value));
  if (facts.empty()) return {};
  return tell(db,
              "INSERT INTO facts(key, value) SELECT key, value FROM"
              " json_each_text(CAST(? AS json)) AS new(key, value)"
              " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
              json::print(rows));
}

Status check_shared_schema(Database& db) {
  const auto versions = first(
      db, [](const Statement& row) { return std::pair(row.integer(0), row.integer(1)); },
      "SELECT version, oldest_program FROM versions");
  if (!versions) return std::unexpected(versions.error());
  const auto [version, oldest] = versions->value_or(std::pair(0, 0));
  return check_shared_version(version, oldest);
}

Status check_shared_version(std::int64_t version, std::int64_t oldest) {
  if (oldest == kMovedAway)
    return std::unexpected(Error{ErrorKind::storage, "moved",
                                 "PostgreSQL: the store has moved away",
                                 "take store out of [data], as --move-store said"});
  if (version >= kPostgresVersion && oldest <= kPostgresVersion) return {};
  return std::unexpected(
      Error{ErrorKind::storage, "store_version",
            "PostgreSQL: the tables are of version " + std::to_string(version) +
                ", for programs from version " + std::to_string(oldest) +
                " on; this one is of version " + std::to_string(kPostgresVersion),
            version < kPostgresVersion ? "run handler.fcgi --migrate as the owner of the database"
                                       : "update b24hooks on this machine"});
}

Result<Millis> clock_of(Database& db) {
  return number_of(db, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)");
}

}  // namespace b24
