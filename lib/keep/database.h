// database: a thin, safe handle on SQLite or PostgreSQL: statements, transactions. The one text of
// SQL is what both take (postgres.h has what is done to it); the codes of an engine become Errors
// in its file (database.cpp, postgres.cpp) and nowhere else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace b24 {

// Of the library that is loaded: 3040001 for 3.40.1.
int sqlite_version();

// Whether an error leaves in doubt what the connection believes of its locks: then all connections
// of the process to the file should be closed and opened anew, since after a lock that could not be
// released none of them ever gets one again. Not so after other errors: what could not be synced is
// certainly undone only by the connection that wrote it.
bool is_doubtful(const Error& error);

// What an engine makes of a text of SQL, and the row that it has come to.
class Statement {
 public:
  virtual ~Statement() = default;
  virtual void bind(int index, std::int64_t number) = 0;  // from 1
  // As text; any bytes (PostgreSQL keeps U+FFFD for what is no text).
  virtual void bind(int index, std::string_view bytes) = 0;
  // True: a row is there; false: done.
  virtual Result<bool> step() = 0;
  virtual std::int64_t integer(int column) const = 0;  // from 0
  virtual std::string text(int column) const = 0;      // of NULL: empty
  virtual void reset() = 0;
};

// A prepared statement in use; reset when it goes away. Texts that are bound must live until then.
struct Reset {
  void operator()(Statement* statement) const { statement->reset(); }
};
using Query = std::unique_ptr<Statement, Reset>;

// One connection; one thread at a time.
class Database {
 public:
  enum class Sync {
    full,    // each commit is on the disk when it returns
    normal,  // commits survive a crash of the process, the last ones not a power cut (with a
             // rollback journal the same as full, since less could harm the file). PostgreSQL: as
             // full, since what one machine tells of it others act on
    loose,   // worth no wait: as normal; PostgreSQL does not wait for another node either
  };

  // SQLite. Makes the file (mode 0600) when missing; WAL, or a rollback journal where WAL cannot
  // work; busy time-out 2 s, and a short one from then on until a lock is had. `brief`: of a
  // process that ends soon, which leaves what it wrote in the WAL and keeps that short: to bring it
  // into the file would cost more than all else that it does.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, Sync sync,
                                                bool brief = false);
  // Of a file that may be damaged, only to look into it; it keeps whatever journal mode it has.
  static Result<std::unique_ptr<Database>> open_to_look(const std::filesystem::path& file);
  virtual ~Database() = default;

  // Statements are kept prepared by their text; one Query of a text at a time.
  Result<Query> prepare(std::string_view sql);
  virtual Status execute(const char* sql) = 0;  // one or several statements, no parameters
  // Runs `work` in a transaction, which is immediate: a deferred one loses to other writers
  // whatever the busy time-out. Its error, or an exception, undoes what it did. PostgreSQL: one
  // writer at a time, too (loose ones excepted), so that numbers are in the order of commits; error
  // "unconfirmed": nobody knows whether it is done, or done on one node only.
  Status transact(const std::function<Status()>& work);
  // For this and later transactions; not inside one.
  virtual Status set_sync(Sync sync) = 0;
  virtual std::int64_t changes() const = 0;
  virtual bool uses_wal() const { return false; }
  // Whether other machines work on it, too: it is PostgreSQL.
  virtual bool is_shared() const { return false; }
  // The connection is of no more use.
  virtual bool is_lost() const { return false; }

 protected:
  Database() = default;
  virtual Result<std::unique_ptr<Statement>> make(std::string_view sql) = 0;
  virtual Status begin() = 0;
  virtual Status commit() = 0;
  virtual void roll_back() = 0;  // if something was begun
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> statements_;
};

// A prepared statement with its parameters, which must live as long as it.
template <class... Parameters>
Result<Query> ask(Database& database, std::string_view sql, const Parameters&... parameters) {
  auto query = database.prepare(sql);
  if (!query) return query;
  int index = 0;
  ((*query)->bind(++index, parameters), ...);
  return query;
}

// The same, run; it has no rows to give.
template <class... Parameters>
Status tell(Database& database, std::string_view sql, const Parameters&... parameters) {
  auto query = ask(database, sql, parameters...);
  if (!query) return std::unexpected(query.error());
  const auto row = (*query)->step();
  return row ? Status() : std::unexpected(row.error());
}

// What `make` makes of each row, or of the first one.
template <class Make, class... Parameters>
auto all(Database& database, Make make, std::string_view sql, const Parameters&... parameters)
    -> Result<std::vector<decltype(make(std::declval<Statement&>()))>> {
  std::vector<decltype(make(std::declval<Statement&>()))> made;
  auto query = ask(database, sql, parameters...);
  if (!query) return std::unexpected(query.error());
  for (;;) {
    const auto row = (*query)->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return made;
    made.push_back(make(**query));
  }
}
template <class Make, class... Parameters>
auto first(Database& database, Make make, std::string_view sql, const Parameters&... parameters)
    -> Result<std::optional<decltype(make(std::declval<Statement&>()))>> {
  auto query = ask(database, sql, parameters...);
  if (!query) return std::unexpected(query.error());
  const auto row = (*query)->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  return make(**query);
}

// The first column of the first row, or 0, or nothing.
template <class... Parameters>
Result<std::int64_t> number_of(Database& database, std::string_view sql,
                               const Parameters&... parameters) {
  const auto number = first(
      database, [](const Statement& row) { return row.integer(0); }, sql, parameters...);
  if (!number) return std::unexpected(number.error());
  return number->value_or(0);
}
template <class... Parameters>
Result<std::string> text_of(Database& database, std::string_view sql,
                            const Parameters&... parameters) {
  const auto text = first(
      database, [](const Statement& row) { return row.text(0); }, sql, parameters...);
  if (!text) return std::unexpected(text.error());
  return text->value_or("");
}

}  // namespace b24
