// database: a thin, safe handle on SQLite: open, statements, transactions; SQLite's codes become
// Errors here and nowhere else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace b24 {

// Of the library that is loaded: 3040001 for 3.40.1.
int sqlite_version();

// Whether an error leaves in doubt what the connection believes of its locks: then all connections
// of the process to the file should be closed and opened anew, since after a lock that could not be
// released none of them ever gets one again. Not so after other errors: what could not be synced is
// certainly undone only by the connection that wrote it.
bool is_doubtful(const Error& error);

// A prepared statement in use; reset when it goes away. Texts that are bound must live until then.
class Query {
 public:
  Query(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  Query(Query&& other) noexcept;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  void bind(int index, std::int64_t number);     // from 1
  void bind(int index, std::string_view bytes);  // as text; any bytes

  // True: a row is there; false: done.
  Result<bool> step();

  std::int64_t integer(int column) const;  // from 0
  std::string text(int column) const;      // of NULL: empty

 private:
  void note(int code);
  sqlite3* db_;
  sqlite3_stmt* statement_;
  int bind_fault_ = 0;  // of the first bind that failed; step gives it back
};

// One connection; one thread at a time.
class Database {
 public:
  enum class Sync {
    full,    // each commit is on the disk when it returns
    normal,  // commits survive a crash of the process, the last ones not a power cut (with a
             // rollback journal the same as full, since less could harm the file)
  };

  // Makes the file (mode 0600) when missing; WAL, or a rollback journal where WAL cannot work; busy
  // time-out 2 s, and a short one from then on until a lock is had.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, Sync sync);
  // Of a file that may be damaged, only to look into it; it keeps whatever journal mode it has.
  static Result<std::unique_ptr<Database>> open_to_look(const std::filesystem::path& file);
  ~Database();

  // Statements are kept prepared by their text; one Query of a text at a time.
  Result<Query> prepare(std::string_view sql);
  Status execute(const char* sql);  // one or several statements, no parameters
  // Runs `work` in a transaction, which is immediate: a deferred one loses to other writers
  // whatever the busy time-out. Its error, or an exception, undoes what it did.
  Status transact(const std::function<Status()>& work);
  // For this and later transactions; not inside one.
  Status set_sync(Sync sync);
  std::int64_t changes() const;
  bool uses_wal() const { return wal_; }

 private:
  Database() = default;
  Status connect(const std::filesystem::path& file, int flags);
  Status configure(Sync sync);
  void roll_back();
  bool is_wal();
  Result<bool> turn_to_wal();
  sqlite3* db_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
  bool wal_ = false;
  bool was_busy_ = false;  // the last transaction could not begin
  std::optional<Sync> sync_;
};

}  // namespace b24
