// database: what both engines share, and SQLite.
#include "keep/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "base/files.h"

namespace b24 {
namespace {

// A visitor waits for it while a backup holds the lock: not once for each thing that is written.
constexpr int kBusyMillis = 2'000;
constexpr int kStillBusyMillis = 250;

struct Meaning {
  int code;
  const char* name;
  const char* remedy;
};

constexpr Meaning kMeanings[] = {
    {SQLITE_FULL, "disk_full", "free space (or raise the quota) where the data directory lies"},
    {SQLITE_BUSY, "busy", "end the program that keeps the database locked"},
    {SQLITE_LOCKED, "busy", "end the program that keeps the database locked"},
    {SQLITE_CORRUPT, "corrupt",
     "move the file away; a store is put aside at once, and index.fcgi --salvage FILE reads it"},
    {SQLITE_NOTADB, "corrupt", "this is not an SQLite database: move the file away"},
    {SQLITE_READONLY, "read_only", "let the user that runs the pages write the data directory"},
    {SQLITE_CANTOPEN, "cannot_open", "let the user that runs the pages write the data directory"},
    {SQLITE_PERM, "cannot_open", "let the user that runs the pages write the data directory"},
    {SQLITE_IOERR, "io_error", "look for disk errors in the system's log"},
    {SQLITE_PROTOCOL, "locking", "put the data directory on a disk whose file locks work"},
    {SQLITE_NOMEM, "no_memory", "give the pages more memory"},
};
constexpr Meaning kOther = {SQLITE_ERROR, "database", ""};

const Meaning& meaning(int code) {
  for (const Meaning& row : kMeanings)
    if (row.code == (code & 0xff)) return row;
  return kOther;
}

// SQLite calls a full or read-only disk an I/O error when it meets it outside of write().
int refined(sqlite3* db, int code) {
  const int primary = code & 0xff;
  if (db == nullptr || (primary != SQLITE_IOERR && primary != SQLITE_CANTOPEN)) return code;
  switch (sqlite3_system_errno(db)) {
    case ENOSPC:
    case EDQUOT:
      return SQLITE_FULL;
    case EROFS:
      return SQLITE_READONLY;
    default:
      return code;
  }
}

std::unexpected<Error> failure(sqlite3* db, int code, std::string_view doing) {
  const char* file = db != nullptr ? sqlite3_db_filename(db, "main") : nullptr;
  const Meaning& row = meaning(refined(db, code));
  std::string cause = file != nullptr ? std::string(file) : "database";
  cause.append(": ").append(doing.substr(0, doing.find_first_of("(\n"))).append(": ");
  cause.append(db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code));
  cause.append(" (").append(std::to_string(code)).append(")");
  return std::unexpected(Error{ErrorKind::storage, row.name, std::move(cause), row.remedy});
}

// Whether processes can map one file of this file's directory together, as the write-ahead log's
// index is. SQLite finds out only when the file has been turned to WAL, and then cannot turn it
// back.
bool can_share_memory(const std::string& file) {
  constexpr std::size_t kSize = 4096;
  const std::string name = file + "-probe";
  const FileHandle probe(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (probe.get() < 0 || ::ftruncate(probe.get(), kSize) != 0) return true;  // SQLite will tell why
  void* const memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, probe.get(), 0);
  ::unlink(name.c_str());
  if (memory == MAP_FAILED) return false;
  ::munmap(memory, kSize);
  return true;
}

// Closing a descriptor of a file drops all locks that this process has on it, SQLite's too. So the
// file is opened here only while it does not exist, and only by one thread.
Status make_when_missing(const std::filesystem::path& file) {
  static std::mutex making;
  const std::lock_guard lock(making);
  if (::access(file.c_str(), F_OK) == 0) return {};
  if (errno != ENOENT)
    return std::unexpected(system_error(ErrorKind::storage, file.string(), errno));
  auto made = open_private(file, O_EXCL);
  if (!made) return std::unexpected(made.error());
  return sync_directory(file.parent_path());
}

class SqliteStatement final : public Statement {
 public:
  SqliteStatement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  SqliteStatement(const SqliteStatement&) = delete;
  ~SqliteStatement() override { sqlite3_finalize(statement_); }

  void bind(int index, std::int64_t number) override {
    note(sqlite3_bind_int64(statement_, index, number));
  }
  void bind(int index, std::string_view bytes) override {
    // An empty view may hold a null pointer, which would mean NULL.
    const char* data = bytes.empty() ? "" : bytes.data();
    note(sqlite3_bind_text64(statement_, index, data, bytes.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  Result<bool> step() override;
  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, column);
  }
  std::string text(int column) const override;
  void reset() override {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    bind_fault_ = SQLITE_OK;
  }

 private:
  void note(int code) {
    if (bind_fault_ == SQLITE_OK) bind_fault_ = code;
  }
  sqlite3* db_;
  sqlite3_stmt* statement_;
  int bind_fault_ = SQLITE_OK;  // of the first bind that failed; step gives it back
};

Result<bool> SqliteStatement::step() {
  if (bind_fault_ != SQLITE_OK) return failure(db_, bind_fault_, "bind");
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  auto error = failure(db_, code, sqlite3_sql(statement_));
  sqlite3_reset(statement_);
  return error;
}

std::string SqliteStatement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr
             ? std::string()
             : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

class Sqlite final : public Database {
 public:
  Sqlite() = default;
  ~Sqlite() override {
    statements_.clear();
    sqlite3_close(db_);
  }
  Status connect(const std::filesystem::path& file, int flags);
  Status configure(Sync sync);
  Status be_brief();

  Status execute(const char* sql) override;
  Status set_sync(Sync sync) override;
  std::int64_t changes() const override { return sqlite3_changes64(db_); }
  bool uses_wal() const override { return wal_; }

 private:
  Result<std::unique_ptr<Statement>> make(std::string_view sql) override;
  Status begin() override;
  Status commit() override;
  void roll_back() override;
  bool is_wal();
  Result<bool> turn_to_wal();
  sqlite3* db_ = nullptr;
  bool wal_ = false;
  bool was_busy_ = false;  // the last transaction could not begin
  std::optional<Sync> sync_;
};

Status Sqlite::connect(const std::filesystem::path& file, int flags) {
  // What it counts of its memory nobody asks for, and each count takes a lock.
  [[maybe_unused]] static const int set = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  const int code = sqlite3_open_v2(file.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) return failure(db_, code, "open");
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, kBusyMillis);
  // What is erased is gone from the disk, too.
  return execute(
      "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; "
      "PRAGMA secure_delete=ON");
}

Status Sqlite::configure(Sync sync) {
  auto wal = turn_to_wal();
  if (!wal) return std::unexpected(wal.error());
  wal_ = *wal;
  // Pages are kept by the kernel, for all processes, and not by each connection once more.
  if (auto done = execute("PRAGMA journal_size_limit=16777216; PRAGMA cache_size=-512"); !done)
    return done;
  return set_sync(sync);
}

Status Sqlite::be_brief() {
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return execute("PRAGMA wal_autocheckpoint=100");  // pages, which the next one reads at its start
}

// Whether the file is in this mode already; an error is met again by whoever needs the answer.
bool Sqlite::is_wal() {
  return text_of(*this, "PRAGMA journal_mode") == "wal";
}

// True: WAL; false: a rollback journal. The busy time-out does not cover a change of the journal,
// which two processes may try at once with a new file.
Result<bool> Sqlite::turn_to_wal() {
  using namespace std::chrono;
  const auto deadline = steady_clock::now() + milliseconds(kBusyMillis);
  while (is_wal() || can_share_memory(sqlite3_db_filename(db_, "main"))) {
    const auto mode = text_of(*this, "PRAGMA journal_mode=WAL");
    if (mode == "wal") return true;
    const std::string fault = mode ? "" : mode.error().code;
    if (fault == "busy" && steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(5));
      continue;
    }
    if (!mode && fault != "io_error" && fault != "cannot_open")
      return std::unexpected(mode.error());
    break;
  }
  if (auto done = execute("PRAGMA journal_mode=DELETE"); !done)
    return std::unexpected(done.error());
  return false;
}

Status Sqlite::set_sync(Sync sync) {
  if (sync == Sync::loose) sync = Sync::normal;
  if (sync == sync_) return {};
  // Without a WAL, EXTRA: a commit is durable only once the removal of its journal is.
  const char* sql = !wal_                ? "PRAGMA synchronous=EXTRA"
                    : sync == Sync::full ? "PRAGMA synchronous=FULL"
                                         : "PRAGMA synchronous=NORMAL";
  if (auto done = execute(sql); !done) return done;
  sync_ = sync;
  return {};
}

Result<std::unique_ptr<Statement>> Sqlite::make(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure(db_, code, sql);
  return std::make_unique<SqliteStatement>(db_, statement);
}

Status Sqlite::execute(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(db_, code, sql);
  return {};
}

void Sqlite::roll_back() {
  // SQLite may have done so by itself, of a full disk.
  if (sqlite3_get_autocommit(db_) == 0) (void)execute("ROLLBACK");
}

Status Sqlite::commit() {
  Status done = execute("COMMIT");
  // What could not be synced may stand in the WAL whole, for the next process to find: so that of a
  // brief one is not left after all.
  if (!done) sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return done;
}

Status Sqlite::begin() {
  sqlite3_busy_timeout(db_, was_busy_ ? kStillBusyMillis : kBusyMillis);
  const Status begun = execute("BEGIN IMMEDIATE");
  was_busy_ = !begun && begun.error().code == "busy";
  return begun;
}

}  // namespace

int sqlite_version() {
  return sqlite3_libversion_number();
}

bool is_doubtful(const Error& error) {
  return error.code == "locking";
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, Sync sync,
                                                 bool brief) {
  if (auto made = make_when_missing(file); !made) return std::unexpected(made.error());
  auto database = std::make_unique<Sqlite>();
  Status ready = database->connect(file, SQLITE_OPEN_READWRITE);
  if (ready) ready = database->configure(sync);
  if (ready && brief) ready = database->be_brief();
  if (!ready) return std::unexpected(ready.error());
  return database;
}

Result<std::unique_ptr<Database>> Database::open_to_look(const std::filesystem::path& file) {
  auto database = std::make_unique<Sqlite>();
  if (auto ready = database->connect(file, SQLITE_OPEN_READONLY); !ready)
    return std::unexpected(ready.error());
  return database;
}

Status Database::transact(const std::function<Status()>& work) {
  try {
    Status done = begin();
    if (done) done = work();
    if (done) done = commit();
    if (!done) roll_back();
    return done;
  } catch (...) {
    roll_back();
    throw;
  }
}

Result<Query> Database::prepare(std::string_view sql) {
  auto kept = statements_.find(sql);
  if (kept == statements_.end()) {
    auto made = make(sql);
    if (!made) return std::unexpected(made.error());
    kept = statements_.emplace(std::string(sql), std::move(*made)).first;
  }
  return Query(kept->second.get());
}

}  // namespace b24
