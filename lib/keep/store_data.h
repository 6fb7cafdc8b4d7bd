// store_data: the inside of Store, for the store*.cpp files alone: its two connections, and
// what its files share.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keep/claimant.h"
#include "keep/database.h"
#include "keep/store.h"

namespace b24 {

// A disk's fault that passes is damage to SQLite, too; of that nothing is left at the second try.
template <class Work>
auto tried_twice(Work work) -> decltype(work()) {
  auto done = work();
  if (!done && done.error().code == "corrupt") done = work();
  return done;
}

class PostgresDatabase;

// Who works on items, and whether he still does.
struct Owners {
  const std::filesystem::path& dir;
  std::string own;      // this process's claimant; empty: none yet
  std::string machine;  // of a shared store
  Millis now;
  bool is_working(const std::string& owner) const;
  bool is_own(const std::string& owner) const;
};

// A shared store that is away is not tried again and again by everybody who waits for it.
class Breaker {
 public:
  std::optional<Error> held() const;
  void trip(const Error& error);
  void reset();

 private:
  mutable std::mutex mutex_;
  std::optional<Error> error_;
  Millis until_ = 0, pause_ = 0;  // steady
};

struct Store::Data {
  Data(std::filesystem::path dir, std::string document_root, const Clock& clock,
       const SharedStore& shared, bool brief);

  // Runs `work` in a transaction and returns when that is committed, one thread after the other.
  // When `work` fails, what it did is undone and its error is the result; it may be run twice.
  Status write(Database::Sync sync, const std::function<Status(Database&)>& work);
  Status prepare_shared();
  Status revive_by_hand(const std::function<Status(Database&)>& work);  // ends rests, too

  // Runs `look` on a connection of its own, so that readers do not wait for syncs (a brief process
  // has one for all).
  template <class Look>
  auto read(Look look) -> decltype(look(std::declval<Database&>())) {
    drop_doubtful();
    const auto turn = take_turn(brief ? write_mutex_ : read_mutex_);
    if (!turn) return std::unexpected(turn.error());
    Connection& reader = brief ? writer_ : reader_;
    auto database = current(reader);
    if (!database) return std::unexpected(database.error());
    auto seen = tried_twice([&] { return look(**database); });
    if (!seen && (*database)->is_lost()) {  // the server was started anew, or another one is it
      database = current(reader);
      if (!database) return std::unexpected(database.error());
      seen = look(**database);
    }
    if (!seen) return std::unexpected(told_of(seen.error(), reader.inode));
    return seen;
  }

  const std::filesystem::path dir;
  const std::string document_root;
  const SharedStore shared;
  const bool brief;
  bool is_shared() const { return !shared.url.empty(); }
  bool is_away() const { return reach_.held() || confirm_.held(); }
  // What came of items that this process has in hand. Could it not be written down, it is by
  // settle(), as long as they are still this process's.
  using Conclusion = std::function<Status(Database&, const Done& one)>;
  Status conclude(std::span<const Done> items, const Conclusion& conclusion);
  bool is_owed(const Status& written) const {
    return !written && written.error().kind == ErrorKind::storage;
  }
  void owe(const Done& one, Conclusion conclusion);
  Status settle();
  // As a shared store has it, which knows what is this machine's own.
  std::string key_of(std::string_view fact) const;
  const std::string& machine() const { return machine_; }
  // Of move_to.
  bool take_fact(const Data& from, std::string& key) const;
  Result<std::size_t> owners_at_work(Database& db);
  Status leave(Database& db);
  using Facts = std::vector<std::pair<std::string, std::string>>;
  Facts keyed(Facts facts) const;

  const Clock clock;
  // What due times are in: as the clock, but nothing sets it. REQUIRES: a connection was opened.
  // That of a shared store is the database's clock.
  Millis due_now() const { return clock_is_given ? clock() : steady_ms() + due_base; }
  Status set_due_base_shared(Database& database);
  void listen(Kind kind, const std::stop_token& stop, const std::function<void()>& heard);
  // As what this Store takes items now; made by its first claim.
  Result<std::string> claimant();
  Owners owners();
  std::string owner_of_now(const std::string& claimant) const;
  const bool clock_is_given;
  std::atomic<Millis> due_base = 0;
  std::atomic<bool> wal = false;  // as of the last opening

 private:
  using Turn = std::unique_lock<std::timed_mutex>;
  Result<Turn> take_turn(std::timed_mutex& mutex);

  struct Connection {
    std::unique_ptr<Database> database;
    dev_t device = 0;
    ino_t inode = 0;
    unsigned server = 0;  // servers_, when it was opened
    Millis trusted_at = 0;
  };

  Result<Database*> current(Connection& connection);
  Status write_shared(Database::Sync sync, const std::function<Status(Database&)>& work);
  Result<Database*> current_shared(Connection& connection);
  Result<std::unique_ptr<PostgresDatabase>> open_shared();
  Result<std::unique_ptr<Database>> open_and_check(const std::filesystem::path& file);
  Status set_due_base(Database& database);
  Error told_of(Error error, ino_t inode);
  void drop_doubtful();

  std::timed_mutex write_mutex_;
  Connection writer_;
  std::timed_mutex read_mutex_;
  Connection reader_;
  std::atomic<unsigned> servers_ = 0;  // of a shared store: how often one was lost
  std::mutex claimant_mutex_;
  std::optional<Claimant> claimant_;
  std::atomic<bool> doubtful_ = false;  // both connections are to be opened anew
  std::string machine_;                 // of a shared store; set at its opening
  Breaker reach_, confirm_;             // its connections, its synced writes
  using Owed = std::pair<Done, Conclusion>;
  std::mutex owed_mutex_;
  std::vector<Owed> owed_;
};

// Beside a store that has moved to PostgreSQL.
inline constexpr const char* kMovedFile = "store.moved";

// How far ahead of now anything in the store may lie; what lies further was written by another
// clock, and counts as due.
inline constexpr Millis kFurthestAhead = kHour;

// In UTF-8; behind every text that begins as another does.
inline constexpr std::string_view kLastCharacter = "\xf4\x8f\xbf\xbf";

#define B24_ITEM_COLUMNS                                                                         \
  "number, kind, id, name, object, state, received_at, due_at, finished_at, attempts, repeats, " \
  "unsure, result, error_code, error_text, progress, payload"
// The item of a row of B24_ITEM_COLUMNS. One whose payload cannot be read back has a null payload
// and error_code "payload_unreadable".
Item item_of(const Statement& row);
// Of at, took, outcome, code, text.
Attempt attempt_of(const Statement& row);

State state_of(std::string_view name);

// Where the pending items of a kind go; what that costs does not grow with their number.
Result<std::vector<std::string>> destinations_of(Database& db, Kind kind);

Status set_fact(Database& db, std::string_view key, std::string_view value);
Result<std::string> fact(Database& db, std::string_view key);

// Notes what a lead is found by; an item of another kind by nothing.
Status write_words(Database& db, std::string_view kind, std::int64_t number, const Value& payload);

// Adds a line to an item's history.
Status write_attempt(Database& db, std::int64_t number, Millis at, std::string_view outcome,
                     const Outcome& about);

}  // namespace b24
