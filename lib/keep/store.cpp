// store: the durable inbox and outbox: opening it, and what is written into it.
#include "keep/store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "base/files.h"
#include "keep/claim_owner.h"
#include "keep/store_data.h"
#include "keep/store_schema.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileName = "store.db";

// The path with every symbolic link of its existing part resolved.
fs::path real_path(const fs::path& path) {
  std::error_code fault;
  const fs::path absolute = fs::absolute(path, fault);
  fs::path real = fs::weakly_canonical(absolute, fault);
  if (fault) real = absolute;
  real = real.lexically_normal();
  if (!real.has_filename()) real = real.parent_path();  // "dir/"
  return real;
}

bool is_inside(const fs::path& path, const fs::path& directory) {
  const auto [rest, unused] =
      std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return rest == directory.end();
}

std::unexpected<Error> settings_fault(const char* code, std::string cause, std::string remedy) {
  return std::unexpected(Error{ErrorKind::settings, code, std::move(cause), std::move(remedy)});
}

Status check_directory(const fs::path& dir, const std::string& document_root) {
  if (!document_root.empty() && is_inside(real_path(dir), real_path(document_root))) {
    return settings_fault("data_dir_in_web_root",
                          "data.dir: " + dir.string() + " is inside the web root " + document_root,
                          "set dir in section [data] to a directory outside the web root");
  }
  if (auto made = make_private_directory(dir); !made) return made;
  struct stat status {};
  if (::stat(dir.c_str(), &status) != 0)
    return std::unexpected(system_error(ErrorKind::storage, dir.string(), errno));
  if ((status.st_mode & 077) != 0) {
    return settings_fault("data_dir_open",
                          "data.dir: " + dir.string() + " can be entered by other users",
                          "chmod 700 " + dir.string());
  }
  return {};
}

Result<std::int64_t> version_of(Database& database) {
  return number_of(database, "PRAGMA user_version");
}

Status make_schema(Database& database) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return std::unexpected(transaction.error());
  const auto version = version_of(database);
  if (!version) return std::unexpected(version.error());
  if (*version != 0) return {};  // another process was first
  if (auto made = database.execute(kSchema); !made) return made;
  return transaction->commit();
}

Status check_schema(Database& database, const fs::path& file) {
  auto version = version_of(database);
  if (version && *version == 0) {
    if (auto made = make_schema(database); !made) return made;
    version = version_of(database);
  }
  if (!version) return std::unexpected(version.error());
  if (*version == kSchemaVersion) return {};
  return std::unexpected(Error{
      ErrorKind::storage, "store_version",
      file.string() + ": has version " + std::to_string(*version) + ", this program needs " +
          std::to_string(kSchemaVersion),
      "use the release of b24hooks that made this store, or move the file away to begin anew"});
}

// A connection whose file was replaced stays open for good: to close it would remove the files of
// the same names, which belong to another database by now.
void abandon(std::unique_ptr<Database> database) {
  static std::mutex mutex;
  static auto* const abandoned = new std::vector<std::unique_ptr<Database>>;
  const std::lock_guard lock(mutex);
  abandoned->push_back(std::move(database));
}

}  // namespace

std::string_view name(Kind kind) {
  return kind == Kind::lead ? "lead" : "event";
}

std::string_view name(State state) {
  switch (state) {
    case State::pending:
      return "pending";
    case State::done:
      return "done";
    case State::failed:
      break;
  }
  return "failed";
}

// --- The connections, and the shared commit ---

Store::Data::Data(fs::path directory, std::string root, Clock time)
    : dir(std::move(directory)),
      document_root(std::move(root)),
      clock(std::move(time)),
      owner(claim_owner()) {}

Status Store::Data::ready() {
  const auto database = current(writer_);
  if (!database) return std::unexpected(database.error());
  return {};
}

// Opened when first needed, and anew when the file is no longer the one that was opened: what is
// written into a deleted file would be lost without a word.
Result<Database*> Store::Data::current(Connection& connection) {
  const fs::path file = dir / kFileName;
  struct stat status {};
  const bool there = ::stat(file.c_str(), &status) == 0;
  if (connection.database != nullptr) {
    if (there && status.st_ino == connection.inode && status.st_dev == connection.device)
      return connection.database.get();
    abandon(std::move(connection.database));
  }
  if (auto checked = check_directory(dir, document_root); !checked)
    return std::unexpected(checked.error());
  auto opened = Database::open(file, Database::Sync::full);
  if (!opened) return std::unexpected(opened.error());
  if (auto checked = check_schema(**opened, file); !checked)
    return std::unexpected(checked.error());
  if (::stat(file.c_str(), &status) != 0)
    return std::unexpected(system_error(ErrorKind::storage, file.string(), errno));
  connection = {std::move(*opened), status.st_dev, status.st_ino};
  wal = connection.database->uses_wal();
  return connection.database.get();
}

Status Store::Data::write(Database::Sync sync, const Work& work) {
  Job mine{&work, sync};
  std::unique_lock lock(queue_mutex_);
  queue_.push_back(&mine);
  committed_.wait(lock, [&] { return mine.over || !leading_; });
  if (mine.over) return std::move(mine.outcome);
  leading_ = true;
  const std::vector<Job*> group = std::exchange(queue_, {});
  lock.unlock();
  const Status committed = commit_or_error(group);
  lock.lock();
  for (Job* job : group) {
    if (!committed) job->outcome = committed;
    if (!job->outcome && is_doubtful(job->outcome.error())) doubtful_ = true;
    job->over = true;
  }
  leading_ = false;
  committed_.notify_all();
  return std::move(mine.outcome);
}

// Out of memory must not leave the group waiting for ever.
Status Store::Data::commit_or_error(const std::vector<Job*>& group) {
  try {
    return commit(group);
  } catch (const std::bad_alloc&) {
    return std::unexpected(Error{ErrorKind::storage, "no_memory", kFileName, ""});
  }
}

void Store::Data::drop_doubtful() {
  if (!doubtful_.exchange(false)) return;
  const std::lock_guard lock(read_mutex_);
  writer_ = {};
  reader_ = {};
}

Status Store::Data::commit(const std::vector<Job*>& group) {
  drop_doubtful();
  const auto database = current(writer_);
  if (!database) return std::unexpected(database.error());
  Database& db = **database;
  const bool durable =
      std::ranges::any_of(group, [](Job* job) { return job->sync == Database::Sync::full; });
  if (auto set = db.set_sync(durable ? Database::Sync::full : Database::Sync::normal); !set)
    return set;
  auto transaction = Transaction::begin(db);
  if (!transaction) return std::unexpected(transaction.error());
  for (Job* job : group) {
    if (group.size() == 1) {
      if (auto worked = (*job->work)(db); !worked) return worked;
      continue;
    }
    if (auto saved = tell(db, "SAVEPOINT job"); !saved) return saved;
    job->outcome = (*job->work)(db);
    // A full disk ends the whole transaction.
    if (!db.in_transaction()) return job->outcome;
    if (!job->outcome) {
      if (auto undone = tell(db, "ROLLBACK TO job"); !undone) return undone;
    }
    if (auto released = tell(db, "RELEASE job"); !released) return released;
  }
  return transaction->commit();
}

// --- Opening ---

Store::Store(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Store::~Store() = default;

Result<std::shared_ptr<Store>> Store::open(const fs::path& dir, const std::string& document_root,
                                           Clock clock) {
  auto data = std::make_unique<Data>(real_path(dir), document_root, std::move(clock));
  if (auto ready = data->ready(); !ready) return std::unexpected(ready.error());
  return std::shared_ptr<Store>(new Store(std::move(data)));
}

const fs::path& Store::dir() const {
  return data_->dir;
}

bool Store::uses_wal() const {
  return data_->wal;
}

Result<std::string> Store::check() {
  auto database = Database::open(data_->dir / kFileName, Database::Sync::full);
  if (!database) return std::unexpected(database.error());
  auto query = (*database)->prepare("PRAGMA quick_check(1)");
  if (!query) return std::unexpected(query.error());
  const auto row = query->step();
  if (!row) return std::unexpected(row.error());
  return query->text(0);
}

}  // namespace b24
