// store_data: the inside of Store, for the store_*.cpp files alone: the connections, one commit for
// all who write at once, and short forms for statements.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keep/claimant.h"
#include "keep/database.h"
#include "keep/store.h"

namespace b24 {

struct Store::Data {
  using Work = std::function<Status(Database&)>;

  Data(std::filesystem::path dir, std::string document_root, const Clock& clock);

  // Opens the connection for writing, if that has not been done.
  Status ready();

  // Runs `work` in a transaction and returns when that is committed. Whoever comes while another
  // thread commits waits, and then shares one transaction and its sync with all who came meanwhile.
  // When `work` fails, what it did is undone and its error is the result; when the commit fails,
  // each member has that error. `work` runs in any thread of the group, while its caller waits.
  Status write(Database::Sync sync, const Work& work);

  // Runs `work` on a connection of its own, so that readers do not wait for syncs.
  template <class Look>
  auto read(Look look) -> decltype(look(std::declval<Database&>())) {
    if (doubtful_) (void)write(Database::Sync::normal, [](Database&) { return Status(); });
    const std::lock_guard lock(read_mutex_);
    auto database = current(reader_);
    if (!database) return std::unexpected(database.error());
    auto seen = look(**database);
    if (!seen && is_doubtful(seen.error())) doubtful_ = true;
    if (!seen) return std::unexpected(told_of(seen.error(), reader_.inode));
    return seen;
  }

  const std::filesystem::path dir;
  const std::string document_root;
  const Clock clock;
  // What due times are in: as the clock, but nothing sets it. REQUIRES: ready.
  Millis due_now() const { return clock_is_given ? clock() : steady_ms() + due_base; }
  // Of this Store; made by its first claim.
  Result<std::string> claimant();
  const bool clock_is_given;
  std::atomic<Millis> due_base = 0;
  std::atomic<bool> wal = false;  // as of the last opening

 private:
  struct Job {
    const Work* work;
    Database::Sync sync;
    Status outcome{};
    bool over = false;
  };
  struct Connection {
    std::unique_ptr<Database> database;
    dev_t device = 0;
    ino_t inode = 0;
  };

  Result<Database*> current(Connection& connection);
  Result<std::unique_ptr<Database>> open_and_check(const std::filesystem::path& file);
  Status set_due_base(Database& database);
  Error told_of(Error error, ino_t inode) const;
  void drop_doubtful();
  Status commit_or_error(const std::vector<Job*>& group);
  Status commit(const std::vector<Job*>& group);

  std::mutex queue_mutex_;
  std::condition_variable committed_;
  std::vector<Job*> queue_;
  bool leading_ = false;  // a thread commits; it alone uses writer_
  Connection writer_;
  std::mutex read_mutex_;
  Connection reader_;
  std::mutex claimant_mutex_;
  std::optional<Claimant> claimant_;
  std::atomic<bool> doubtful_ = false;  // both connections are to be opened anew
};

// How far ahead of now anything in the store may lie; what lies further was written by another
// clock, and counts as due.
inline constexpr Millis kFurthestAhead = 3'600'000;

struct Blob {
  std::string_view bytes;
};

inline void bind_one(Query& query, int index, std::int64_t number) {
  query.bind(index, number);
}
inline void bind_one(Query& query, int index, std::string_view text) {
  query.bind(index, text);
}
inline void bind_one(Query& query, int index, Blob blob) {
  query.bind_blob(index, blob.bytes);
}

// A prepared statement with its parameters, which must live as long as it.
template <class... Parameters>
Result<Query> ask(Database& database, std::string_view sql, const Parameters&... parameters) {
  auto query = database.prepare(sql);
  if (!query) return query;
  int index = 0;
  (bind_one(*query, ++index, parameters), ...);
  return query;
}

// The same, run; it has no rows to give.
template <class... Parameters>
Status tell(Database& database, std::string_view sql, const Parameters&... parameters) {
  auto query = ask(database, sql, parameters...);
  if (!query) return std::unexpected(query.error());
  return query->run();
}

// The first column of the first row, or 0.
template <class... Parameters>
Result<std::int64_t> number_of(Database& database, std::string_view sql,
                               const Parameters&... parameters) {
  auto query = ask(database, sql, parameters...);
  if (!query) return std::unexpected(query.error());
  const auto row = query->step();
  if (!row) return std::unexpected(row.error());
  return *row ? query->integer(0) : 0;
}

#define B24_ITEM_COLUMNS                                                                         \
  "number, kind, id, name, object, state, received_at, due_at, finished_at, attempts, repeats, " \
  "unsure, result, error_code, error_text, progress, payload"
// The item of a row of B24_ITEM_COLUMNS. One whose payload cannot be read back has a null payload
// and error_code "payload_unreadable".
Item item_of(const Query& row);

State state_of(std::string_view name);

Status set_fact(Database& db, std::string_view key, std::string_view value);

// Whether an older item of the same object is pending.
Result<bool> is_behind(Database& db, Kind kind, std::int64_t number, const std::string& object);

// Whether a row with this claim may be taken: nobody has it, or whoever had it has ended.
class ClaimJudge {
 public:
  explicit ClaimJudge(const std::filesystem::path& dir) : dir_(dir) {}
  bool is_free(const std::string& owner);

 private:
  const std::filesystem::path& dir_;
  std::map<std::string, bool> alive_;
};

}  // namespace b24
