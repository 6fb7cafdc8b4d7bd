// store_schema: the tables of store.db, and their version (PRAGMA user_version).
//
//   items     what was accepted, one row each; `number` is never used again. State: pending, done,
//             failed, spam. claim_owner is the claimant (claimant.h) that works on it; it stays
//             until the outcome is written down, so a row whose owner has died is one whose outcome
//             nobody knows. What goes to a destination (the portal, a host that is forwarded to)
//             waits while that is closed. due_at is in the store's own time (fact due.base), which
//             nobody can set.
//   attempts  what happened to an item, step by step; the acceptance itself is in items.
//   tallies   how many items there are by state (at = 0), and how many were received by quarter of
//             an hour (every time zone's midnight begins one); kept by the triggers, so that no
//             question about numbers counts rows.
//   counters  counters by name and hour.
//   uses      uses of a key (an address) in its current window.
//   facts     small facts by key.
//   finds     the words that a lead is found by (item_words.h).
//
// Of the indexes, those on open items (pending, failed) hold only these, and so stay small beside
// any number of done ones; the others are what list and erase_done walk along.
#pragma once

namespace b24 {

inline constexpr int kSchemaVersion = 6;

// Version 5; what came since then is put behind it, so that a store of before is brought up to now
// where it is, and salvage finds every table at its place in both.
inline constexpr const char* kSchema = R"sql(
CREATE TABLE items(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  object TEXT NOT NULL,
  state TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  repeats INTEGER NOT NULL DEFAULT 0,
  unsure INTEGER NOT NULL,
  claim_owner TEXT NOT NULL DEFAULT '',
  destination TEXT NOT NULL,
  result TEXT NOT NULL DEFAULT '',
  error_code TEXT NOT NULL DEFAULT '',
  error_text TEXT NOT NULL DEFAULT '',
  progress TEXT NOT NULL DEFAULT '',
  payload TEXT NOT NULL);

CREATE UNIQUE INDEX items_id ON items(kind, id);
CREATE INDEX items_kind ON items(kind);
CREATE INDEX items_name ON items(kind, name);
CREATE INDEX items_received ON items(received_at);
CREATE INDEX items_due ON items(kind, destination, due_at) WHERE state = 'pending';
CREATE INDEX items_object ON items(kind, object) WHERE state = 'pending' AND object <> '';
CREATE INDEX items_open ON items(state, number, kind) WHERE state <> 'done';
CREATE INDEX items_waiting ON items(kind, number) WHERE state = 'pending';

CREATE TABLE attempts(
  item INTEGER NOT NULL,
  step INTEGER NOT NULL,
  at INTEGER NOT NULL,
  took INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY(item, step)) WITHOUT ROWID;

CREATE TABLE tallies(
  kind TEXT NOT NULL,
  what TEXT NOT NULL,
  at INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(kind, what, at)) WITHOUT ROWID;

CREATE TRIGGER items_added AFTER INSERT ON items BEGIN
  INSERT INTO tallies(kind, what, at, n)
    VALUES (NEW.kind, NEW.state, 0, 1),
           (NEW.kind, 'received', NEW.received_at / 900000 * 900000, 1)
    ON CONFLICT(kind, what, at) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER items_moved AFTER UPDATE OF state ON items WHEN OLD.state <> NEW.state BEGIN
  UPDATE tallies SET n = n - 1 WHERE kind = OLD.kind AND what = OLD.state AND at = 0;
  INSERT INTO tallies(kind, what, at, n) VALUES (NEW.kind, NEW.state, 0, 1)
    ON CONFLICT(kind, what, at) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER items_erased AFTER DELETE ON items BEGIN
  UPDATE tallies SET n = n - 1 WHERE kind = OLD.kind AND what = OLD.state AND at = 0;
  DELETE FROM attempts WHERE item = OLD.number;
END;

CREATE TABLE counters(
  hour INTEGER NOT NULL,
  name TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(hour, name)) WITHOUT ROWID;

CREATE TABLE uses(
  key TEXT NOT NULL,
  window INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(key, window)) WITHOUT ROWID;
CREATE INDEX uses_ends ON uses(ends_at);

CREATE TABLE facts(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL) WITHOUT ROWID;

PRAGMA user_version = 5;
)sql";

inline constexpr const char* kSchemaSince5 = R"sql(
CREATE TABLE finds(
  item INTEGER NOT NULL,
  word TEXT NOT NULL,
  PRIMARY KEY(item, word)) WITHOUT ROWID;
CREATE INDEX finds_word ON finds(word, item);

CREATE TRIGGER items_lost AFTER DELETE ON items WHEN OLD.kind = 'lead' BEGIN
  DELETE FROM finds WHERE item = OLD.number;
END;

PRAGMA user_version = 6;
)sql";

}  // namespace b24
