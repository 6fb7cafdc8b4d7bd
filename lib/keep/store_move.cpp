// store_move: a store's content goes to another engine, with its numbers, all of it or nothing.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <thread>

#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"
#include "keep/store.h"
#include "keep/store_data.h"
#include "keep/store_postgres.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr std::int64_t kRowsAtOnce = 100;
constexpr std::size_t kMovedBytes = 4 << 20;
constexpr std::chrono::milliseconds kPause{100};

struct Column {
  std::string name;
  bool is_text;
};

struct Table {
  std::string_view name;
  std::vector<Column> columns = {};
  std::size_t keys = 0;  // how many of the columns, from the first
};

// The tallies behind the items, whose triggers count them anew.
constexpr std::string_view kTables[] = {"items", "attempts", "tallies", "counters",
                                        "uses",  "facts",    "finds"};

// As SQLite has it, which one of the two stores is.
Result<Table> table_of(Database& sqlite, std::string_view name) {
  Table table{name};
  const auto column = [&](const Statement& row) {
    table.keys += row.integer(2) != 0 ? 1 : 0;
    return Column{row.text(0), row.text(1) == "TEXT"};
  };
  auto columns =
      all(sqlite, column, "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", name);
  if (!columns) return std::unexpected(columns.error());
  table.columns = std::move(*columns);
  return table;
}

using MovedRow = std::vector<Value>;

std::string names_of(const Table& table, std::size_t count) {
  std::string names;
  for (std::size_t i = 0; i < count; ++i)
    names.append(i > 0 ? ", \"" : "\"").append(table.columns[i].name).append("\"");
  return names;
}
std::string names_of(const Table& table) {
  return names_of(table, table.columns.size());
}

std::string marks_for(std::size_t count) {
  std::string marks;
  for (std::size_t i = 0; i < count; ++i) marks += i > 0 ? ", ?" : "?";
  return marks;
}

void bind_all(Statement& query, const MovedRow& row, std::size_t count,
              std::vector<std::string>& texts) {
  texts.clear();
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const int place = static_cast<int>(i) + 1;
    if (row[i].is_string()) {
      query.bind(place, std::string_view(texts.emplace_back(row[i].text())));
    } else {
      query.bind(place, row[i].integer());
    }
  }
}

// Calls `use` for each row, in the order of the keys.
Status read_rows(Database& db, const Table& table, const std::function<Status(MovedRow)>& use) {
  const std::string keys = names_of(table, table.keys);
  const std::string sql = "SELECT " + names_of(table) + " FROM " + std::string(table.name) +
                          " WHERE (" + keys + ") > (" + marks_for(table.keys) + ") ORDER BY " +
                          keys + " LIMIT " + std::to_string(kRowsAtOnce);
  MovedRow last;
  for (std::size_t i = 0; i < table.keys; ++i)
    last.push_back(table.columns[i].is_text ? Value("")
                                            : Value(std::numeric_limits<std::int64_t>::min()));
  for (std::int64_t got = kRowsAtOnce; got == kRowsAtOnce;) {
    got = 0;
    std::vector<MovedRow> rows;
    {
      auto query = db.prepare(sql);
      if (!query) return std::unexpected(query.error());
      std::vector<std::string> texts;
      bind_all(**query, last, table.keys, texts);
      for (;; ++got) {
        const auto row = (*query)->step();
        if (!row) return std::unexpected(row.error());
        if (!*row) break;
        MovedRow read;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
          const int place = static_cast<int>(i);
          read.push_back(table.columns[i].is_text
                             ? Value(text::to_valid_utf8((*query)->text(place)))
                             : Value((*query)->integer(place)));
        }
        rows.push_back(std::move(read));
      }
    }
    if (!rows.empty()) last = rows.back();
    for (MovedRow& row : rows)
      if (auto used = use(std::move(row)); !used) return used;
  }
  return {};
}

// Of rows in any order: how many, and a sum that any other row would change.
struct Sum {
  std::int64_t rows = 0;
  std::uint64_t sum = 0;
  bool operator==(const Sum&) const = default;
  void add(const std::string& row) {
    ++rows;
    std::uint64_t part = 0;
    std::memcpy(&part, secret::sha256(row).data(), sizeof part);
    sum += part;
  }
};

std::string text_of(const MovedRow& row) {
  Value list = Value::array();
  for (const Value& cell : row) list.append(cell);
  return json::print(list);
}

class Target {
 public:
  Target(Database& db, const Table& table) : db_(db), table_(table) {}

  Status put(const MovedRow& row) {
    if (!db_.is_shared()) return put_one(row);
    Value object = Value::array();
    for (std::size_t i = 0; i < row.size(); ++i) {
      object.set(std::string(table_.columns[i].name), row[i]);
      if (row[i].is_string()) bytes_ += row[i].text().size();
    }
    rows_.append(std::move(object));
    const bool full = bytes_ > kMovedBytes || rows_.size() >= kRowsAtOnce;
    return full ? flush() : Status();
  }
  // A row a statement would be as many ways to the server and back.
  Status flush() {
    if (rows_.size() == 0) return {};
    const std::string name(table_.name);
    const std::string sql = "INSERT INTO " + name + "(" + names_of(table_) + ") SELECT " +
                            names_of(table_) + " FROM json_populate_recordset(CAST(NULL AS " +
                            name + "), CAST(? AS json))";
    const Status put = tell(db_, sql, std::string_view(json::print(rows_)));
    rows_ = Value::array();
    bytes_ = 0;
    return put;
  }

 private:
  Status put_one(const MovedRow& row) {
    auto query = db_.prepare("INSERT INTO " + std::string(table_.name) + "(" + names_of(table_) +
                             ") VALUES (" + marks_for(row.size()) + ")");
    if (!query) return std::unexpected(query.error());
    std::vector<std::string> texts;
    bind_all(**query, row, row.size(), texts);
    const auto done = (*query)->step();
    return done ? Status() : std::unexpected(done.error());
  }

  Database& db_;
  const Table& table_;
  Value rows_ = Value::array();
  std::size_t bytes_ = 0;
};

Error failed(const char* code, std::string cause, std::string remedy) {
  return {ErrorKind::storage, code, std::move(cause), std::move(remedy)};
}

// What `translated` makes of each row; of some it makes none.
Status copy_table(Database& from, Database& to, const Table& table,
                  const std::function<bool(MovedRow&)>& translated, Store::Moved& moved) {
  Sum put, there;
  if (auto emptied = tell(to, "DELETE FROM " + std::string(table.name)); !emptied) return emptied;
  Target target(to, table);
  Status copied = read_rows(from, table, [&](MovedRow row) -> Status {
    if (!translated(row)) return {};
    put.add(text_of(row));
    return target.put(row);
  });
  if (copied) copied = target.flush();
  if (copied) {
    copied = read_rows(to, table, [&](const MovedRow& row) -> Status {
      there.add(text_of(row));
      return {};
    });
  }
  if (!copied) return copied;
  moved.emplace_back(table.name, put.rows);
  if (put == there) return {};
  return std::unexpected(failed("differs",
                                std::string(table.name) + ": " + std::to_string(put.rows) +
                                    " rows were copied, and what is there is not the same (" +
                                    std::to_string(there.rows) + " rows)",
                                "nothing was moved; try again"));
}

Status set_last_number(Database& db, std::int64_t last) {
  if (db.is_shared())
    return tell(db, "UPDATE numbers SET last = CASE WHEN last < ?1 THEN ?1 ELSE last END", last);
  if (auto done = tell(db, "DELETE FROM sqlite_sequence WHERE name = 'items'"); !done) return done;
  return tell(db, "INSERT INTO sqlite_sequence(name, seq) VALUES ('items', ?)", last);
}

}  // namespace

// Whether each fact of a row is also one of the other store, and under which name.
bool Store::Data::take_fact(const Data& from, std::string& key) const {
  if (key == "due.base" || key.starts_with("machine ") || key.starts_with("bucket ")) return false;
  const std::string own = from.machine_ + " ";
  if (!from.machine_.empty() && key.starts_with(own)) key.erase(0, own.size());
  key = key_of(key);
  return true;
}

Result<std::size_t> Store::Data::owners_at_work(Database& db) {
  const auto owners = all(
      db, [](const Statement& row) { return row.text(0); },
      "SELECT DISTINCT claim_owner FROM items WHERE state = 'pending' AND claim_owner <> ''");
  if (!owners) return std::unexpected(owners.error());
  const Owners known = this->owners();
  return static_cast<std::size_t>(std::ranges::count_if(
      *owners, [&](const std::string& owner) { return known.is_working(owner); }));
}

// Whoever still has it open is refused from now on, before he writes anything.
Status Store::Data::leave(Database& db) {
  if (is_shared()) return tell(db, "UPDATE versions SET oldest_program = ?", kMovedAway);
  const auto mark = open_private(dir / kMovedFile);
  if (!mark) return std::unexpected(mark.error());
  if (auto synced = sync_file(*mark, dir / kMovedFile); !synced) return synced;
  if (auto synced = sync_directory(dir); !synced) return synced;
  const auto name = put_aside(dir);
  return name ? Status() : std::unexpected(name.error());
}

Result<Store::Moved> Store::move_to(Store& to, Millis patience) {
  Data& source = *data_;
  Data& target = *to.data_;
  const Millis deadline = steady_ms() + patience;
  const auto last = last_number();
  if (!last) return std::unexpected(last.error());
  const auto there = to.list({.limit = 1});
  if (!there) return std::unexpected(there.error());
  if (!there->empty())
    return std::unexpected(failed("not_empty", "the other store has leads or events already",
                                  "name a database that has none"));
  for (;;) {
    Moved moved;
    bool is_at_work = false;
    const auto copy = [&](Database& db) -> Status {
      const auto owners = source.owners_at_work(db);
      if (!owners) return std::unexpected(owners.error());
      is_at_work = *owners > 0;
      if (is_at_work)
        return std::unexpected(failed("in_work", "leads or events are being worked on",
                                      "wait until they are done, or stop the programs"));
      const Millis shift = target.due_now() - source.due_now();
      const Status copied = target.write(Database::Sync::full, [&](Database& other) -> Status {
        moved.clear();
        for (const std::string_view name : kTables) {
          const auto table = table_of(is_shared() ? other : db, name);
          if (!table) return std::unexpected(table.error());
          const auto translated = [&](MovedRow& row) {
            if (name == "items") row[7] = row[7].integer() + shift;
            if (name != "facts") return true;
            std::string key = row[0].text();
            const bool takes = target.take_fact(source, key);
            row[0] = key;
            return takes;
          };
          if (auto done = copy_table(db, other, *table, translated, moved); !done) return done;
        }
        return set_last_number(other, *last);
      });
      return copied ? source.leave(db) : copied;
    };
    const Status done = source.write(Database::Sync::full, copy);
    if (done) return moved;
    if (!is_at_work || steady_ms() > deadline) return std::unexpected(done.error());
    std::this_thread::sleep_for(kPause);
  }
}

Status Store::forget_move(const std::filesystem::path& dir) {
  if (::unlink((dir / kMovedFile).c_str()) == 0 || errno == ENOENT) return {};
  return std::unexpected(system_error(ErrorKind::storage, (dir / kMovedFile).string(), errno));
}

}  // namespace b24
