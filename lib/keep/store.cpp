// store: the durable inbox and outbox: opening it, and what is written into it.
#include "keep/store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/files.h"
#include "keep/data_dir.h"
#include "keep/store_data.h"
#include "keep/store_schema.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileName = "store.db";
constexpr const char* kDueBase = "due.base";

Result<std::int64_t> version_of(Database& database) {
  return number_of(database, "PRAGMA user_version");
}

Status check_schema(Database& database, const fs::path& file) {
  auto version = version_of(database);
  if (version && (*version == 0 || *version == 5)) {
    const auto made = database.transact([&]() -> Status {
      version = version_of(database);
      if (!version) return std::unexpected(version.error());
      if (*version != 0 && *version != 5) return {};  // another process was first
      const bool is_new = *version == 0;
      version = kSchemaVersion;
      if (auto tables = is_new ? database.execute(kSchema) : Status(); !tables) return tables;
      if (auto tables = database.execute(kSchemaSince5); !tables || !is_new) return tables;
      return tell(database, "INSERT INTO sqlite_sequence(name, seq) VALUES ('items', ?)",
                  now_ms() * 1000);
    });
    if (!made) return made;
  }
  if (!version) return std::unexpected(version.error());
  if (*version == kSchemaVersion) return {};
  return std::unexpected(Error{
      ErrorKind::storage, "store_version",
      file.string() + ": has version " + std::to_string(*version) + ", this program needs " +
          std::to_string(kSchemaVersion),
      "use the release of b24hooks that made this store, or move the file away to begin anew"});
}

Result<Millis> last_due(Database& db) {
  Millis last = 0;
  for (const Kind kind : {Kind::lead, Kind::event}) {
    const auto destinations = destinations_of(db, kind);
    if (!destinations) return std::unexpected(destinations.error());
    for (const std::string& destination : *destinations) {
      const auto due = number_of(db,
                                 "SELECT max(due_at) FROM items INDEXED BY items_due WHERE kind = ?"
                                 " AND state = 'pending' AND destination = ?",
                                 name(kind), destination);
      if (!due) return due;
      last = std::max(last, *due);
    }
  }
  return last;
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
  constexpr std::string_view kNames[] = {"pending", "done", "failed", "spam"};
  return kNames[static_cast<std::size_t>(state)];
}

// --- The connections ---

Store::Data::Data(fs::path directory, std::string root, const Clock& time,
                  const SharedStore& shared_store, bool ends_soon)
    : dir(std::move(directory)),
      document_root(std::move(root)),
      shared(shared_store),
      brief(ends_soon && shared_store.url.empty()),
      clock(time ? time : Clock(now_ms)),
      clock_is_given(static_cast<bool>(time)) {}

// Opened when first needed, and anew when the file is no longer the one that was opened: what is
// written into a deleted file would be lost without a word.
Result<Database*> Store::Data::current(Connection& connection) {
  if (is_shared()) return current_shared(connection);
  const fs::path file = dir / kFileName;
  struct stat status {};
  const bool there = ::stat(file.c_str(), &status) == 0;
  if (connection.database != nullptr) {
    if (there && status.st_ino == connection.inode && status.st_dev == connection.device)
      return connection.database.get();
    abandon(std::move(connection.database));
  }
  if (::access((dir / kMovedFile).c_str(), F_OK) == 0)
    return std::unexpected(
        Error{ErrorKind::storage, "moved",
              (dir / kMovedFile).string() + ": the store has moved to PostgreSQL",
              "set [data] store, as --move-store said"});
  if (auto checked = prepare_data_dir(dir, document_root); !checked)
    return std::unexpected(checked.error());
  auto opened = tried_twice([&] { return open_and_check(file); });
  if (!opened) return std::unexpected(told_of(opened.error(), status.st_ino));
  if (::stat(file.c_str(), &status) != 0)
    return std::unexpected(system_error(ErrorKind::storage, file.string(), errno));
  connection = {std::move(*opened), status.st_dev, status.st_ino};
  wal = connection.database->uses_wal();
  return connection.database.get();
}

Result<std::unique_ptr<Database>> Store::Data::open_and_check(const fs::path& file) {
  auto opened = Database::open(file, Database::Sync::full, brief);
  if (!opened) return opened;
  if (auto checked = check_schema(**opened, file); !checked)
    return std::unexpected(checked.error());
  if (auto set = set_due_base(**opened); !set) return std::unexpected(set.error());
  return opened;
}

// All processes of one life of the machine count from the same moment; at the next one everything
// is due, since it begins behind all that waits.
Status Store::Data::set_due_base(Database& db) {
  const std::string life = boot_id() + " ";
  auto known = fact(db, kDueBase);
  if (known && !known->starts_with(life)) {
    const auto begun = db.transact([&]() -> Status {
      known = fact(db, kDueBase);
      if (!known || known->starts_with(life)) return {};  // another process was first
      const auto last = last_due(db);
      if (!last) return std::unexpected(last.error());
      const Millis begin = std::clamp(*last, now_ms(), std::numeric_limits<Millis>::max() / 2);
      known = life + std::to_string(begin - steady_ms());
      return set_fact(db, kDueBase, *known);
    });
    if (!begun) return begun;
  }
  if (!known) return std::unexpected(known.error());
  due_base = Value(known->substr(life.size())).integer();
  return {};
}

Result<std::string> Store::Data::claimant() {
  const std::lock_guard lock(claimant_mutex_);
  if (!claimant_) {
    auto made = make_claimant(dir);
    if (!made) return std::unexpected(made.error());
    claimant_.emplace(std::move(*made));
  }
  return owner_of_now(claimant_->id);
}

Owners Store::Data::owners() {
  const std::lock_guard lock(claimant_mutex_);
  return {dir, claimant_ ? claimant_->id : "", machine_, is_shared() ? due_now() : 0};
}

// An error as it is; of damage also what was done about it. `inode`: of the file that it was seen
// in.
Error Store::Data::told_of(Error error, ino_t inode) {
  if (is_doubtful(error)) doubtful_ = true;
  if (error.code != "corrupt") return error;
  const auto name = put_aside(dir, inode);
  if (name && name->empty()) return error;  // another has done it
  error.cause += name ? "; put aside as " + *name : "; cannot be put aside: " + name.error().cause;
  error.remedy = name ? how_to_salvage(dir / *name) : name.error().remedy;
  return error;
}

void Store::Data::drop_doubtful() {
  if (!doubtful_.exchange(false)) return;
  const std::scoped_lock both(write_mutex_, read_mutex_);
  writer_ = {};
  reader_ = {};
}

Status Store::Data::write(Database::Sync sync, const std::function<Status(Database&)>& work) {
  drop_doubtful();
  if (is_shared()) return write_shared(sync, work);
  const auto turn = take_turn(write_mutex_);
  if (!turn) return std::unexpected(turn.error());
  const auto database = current(writer_);
  if (!database) return std::unexpected(database.error());
  Database& db = **database;
  Status done = db.set_sync(sync);
  if (done) done = tried_twice([&] { return db.transact([&] { return work(db); }); });
  return done ? done : std::unexpected(told_of(done.error(), writer_.inode));
}

// --- Opening ---

Store::Store(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Store::~Store() = default;

Result<std::shared_ptr<Store>> Store::open(const fs::path& dir, const std::string& document_root,
                                           Clock clock, const SharedStore& shared, bool brief) {
  auto data = std::make_unique<Data>(real_path(dir), document_root, clock, shared, brief);
  if (data->is_shared()) {
    if (auto prepared = data->prepare_shared(); !prepared) return std::unexpected(prepared.error());
    return std::shared_ptr<Store>(new Store(std::move(data)));
  }
  const auto nothing = [](Database&) { return Status(); };
  if (auto opened = data->read(nothing); !opened) return std::unexpected(opened.error());
  return std::shared_ptr<Store>(new Store(std::move(data)));
}

// The log goes first: beside a new database it would be taken for that one's.
Result<std::string> Store::put_aside(const fs::path& dir, std::optional<ino_t> inode) {
  const auto lock = open_locked(dir / "store.lock");
  if (!lock) return std::unexpected(lock.error());
  struct stat status {};
  const bool there = ::stat((dir / kFileName).c_str(), &status) == 0;
  if (!there || (inode && status.st_ino != *inode)) return "";
  const std::string name = name_aside(dir / kFileName);
  std::error_code fault;
  for (const char* suffix : {"-shm", "-wal", ""}) {
    const fs::path from = dir / (std::string(kFileName) + suffix);
    fs::rename(from, dir / (name + suffix), fault);
    if (fault && fault != std::errc::no_such_file_or_directory)
      return std::unexpected(system_error(ErrorKind::storage, from.string(), fault.value()));
  }
  return name;
}

std::string how_to_salvage(const fs::path& file) {
  return "index.fcgi --salvage " + file.string() + " (or handler.fcgi --salvage) takes over " +
         "what can be read of it and is in no journal any more";
}

const fs::path& Store::dir() const {
  return data_->dir;
}

bool Store::is_shared() const {
  return data_->is_shared();
}

bool Store::is_away() const {
  return data_->is_away();
}

bool Store::uses_wal() const {
  return data_->wal || is_shared();
}

Result<std::string> Store::check() {
  if (is_shared()) return "ok";  // its own server looks after that
  auto database = Database::open(data_->dir / kFileName, Database::Sync::full);
  if (!database) return std::unexpected(database.error());
  return text_of(**database, "PRAGMA quick_check(1)");
}

// --- For the settings of now ---

Status StoreSource::change_together(
    const std::string& key, const std::function<std::string(const std::string&, Millis)>& change) {
  const auto store = current();
  return store ? (*store)->change_together(key, change) : std::unexpected(store.error());
}

Result<std::shared_ptr<Store>> StoreSource::current() {
  Result<App> app = app_.current();
  if (!app) return std::unexpected(app.error());
  const std::lock_guard lock(mutex_);
  const std::filesystem::path& dir = app->settings->data.dir;
  const SharedStore own{app->settings->data.store, app->settings->store.replicated};
  const bool is_same = dir_ == dir && shared_ == own;
  if (store_ && is_same) return store_;
  if (error_ && is_same && steady_ms() < tried_at_ + kSecond) return std::unexpected(*error_);
  dir_ = dir;
  shared_ = own;
  tried_at_ = steady_ms();
  Result<std::shared_ptr<Store>> opened =
      Store::open(dir, app_.document_root(), {}, shared_, app_.mode() != Mode::fastcgi);
  store_ = opened.value_or(nullptr);
  error_ = opened ? std::nullopt : std::optional(opened.error());
  return opened;
}

void StoreSource::count(const std::string& counter) {
  const std::lock_guard lock(counted_mutex_);
  ++counted_[counter];
}

void StoreSource::put_counts() {
  std::unique_lock lock(counted_mutex_);
  if (counted_.empty() || steady_ms() < put_at_ + kSecond) return;
  put_at_ = steady_ms();
  auto counted = std::exchange(counted_, {});
  lock.unlock();
  const auto store = current();
  std::erase_if(counted, [&](const auto& each) {
    return store && (*store)->count(each.first, each.second).has_value();
  });
  lock.lock();
  for (const auto& [counter, by] : counted) counted_[counter] += by;
}

StoreSource::~StoreSource() {
  put_at_ = -kSecond;
  put_counts();
}

}  // namespace b24
