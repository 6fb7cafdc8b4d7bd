// store_shared: the connections of a store that several machines work on, and what a process owes
// a store while it is away.
#include <algorithm>

#include "base/secret.h"
#include "keep/data_dir.h"
#include "keep/postgres.h"
#include "keep/store_data.h"
#include "keep/store_postgres.h"

namespace b24 {
namespace {

constexpr Millis kTurn = 3'000;  // a visitor, or the portal, waits
constexpr Millis kFirstPause = 250, kLongestPause = 5'000;
constexpr Millis kTrust = 10'000;  // that a server is the primary; then it is asked who follows it
constexpr Millis kLease = 2 * kMinute;  // longer than any call
constexpr Millis kRenew = 30 * kSecond;
constexpr std::string_view kOwnFacts[] = {"journal.", "follow.", "work."};

// Eight digits, made once.
Result<std::string> machine_of(const std::filesystem::path& dir) {
  constexpr std::size_t kDigits = 8;
  const std::filesystem::path file = dir / "machine";
  if (auto known = read_file(file, kDigits); known && known->size() == kDigits) return *known;
  const auto made = open_locked(file);
  if (!made) return std::unexpected(made.error());
  if (auto known = read_file(file, kDigits); known && known->size() == kDigits) return *known;
  const std::string machine = secret::hex(secret::random_bytes(kDigits / 2));
  if (auto written = write_at(*made, file, machine, 0); !written)
    return std::unexpected(written.error());
  if (auto synced = sync_file(*made, file); !synced) return std::unexpected(synced.error());
  return machine;
}

// What says that the database as a whole does not do what is asked of it.
bool is_fault_of_all(const Error& error) {
  constexpr std::string_view kCodes[] = {
      "away", "unconfirmed", "no_standby", "old_primary", "not_replicated", "busy", "pooler"};
  return std::ranges::find(kCodes, error.code) != std::end(kCodes);
}

std::string_view part_of(std::string_view owner, std::size_t which) {
  for (; which > 0; --which) owner.remove_prefix(std::min(owner.find('/'), owner.size() - 1) + 1);
  return owner.substr(0, owner.find('/'));
}

Result<std::string> owner_in(Database& db, std::int64_t number) {
  return text_of(db, "SELECT claim_owner FROM items WHERE number = ? AND state = 'pending'",
                 number);
}

}  // namespace

Error only_a_file(std::string_view what) {
  return {ErrorKind::input, "shared_store",
          std::string(what) + " is for a store in a file; [data] store names a database",
          "back that up and restore it by its own tools (pg_dump)"};
}

bool Owners::is_working(const std::string& owner) const {
  if (owner.empty()) return false;
  if (machine.empty()) return owner == own || is_alive(dir, owner);
  const std::string claimant(part_of(owner, 1));
  if (part_of(owner, 0) == machine) return claimant == own || is_alive(dir, claimant);
  return Value(part_of(owner, 2)).integer() > now;
}

bool Owners::is_own(const std::string& owner) const {
  return machine.empty() ? owner == own : owner.starts_with(machine + "/" + own + "/");
}

// --- Breaker ---

std::optional<Error> Breaker::held() const {
  const std::lock_guard lock(mutex_);
  return error_ && steady_ms() < until_ ? error_ : std::nullopt;
}

void Breaker::trip(const Error& error) {
  const std::lock_guard lock(mutex_);
  error_ = error;
  pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
  until_ = steady_ms() + pause_;
}

void Breaker::reset() {
  const std::lock_guard lock(mutex_);
  error_.reset();
  pause_ = 0;
}

// --- Connections ---

// Nothing is connected to yet: the journal takes what comes while the database is away.
Status Store::Data::prepare_shared() {
  if (auto checked = prepare_data_dir(dir, document_root); !checked) return checked;
  if (auto role = role_of(shared.url); !role) return std::unexpected(role.error());
  auto machine = machine_of(dir);
  if (!machine) return std::unexpected(machine.error());
  machine_ = std::move(*machine);
  return {};
}

// One thread after the other; who waits for a shared store does not wait for long.
Result<Store::Data::Turn> Store::Data::take_turn(std::timed_mutex& mutex) {
  if (!is_shared()) return Turn(mutex);
  Turn turn(mutex, std::chrono::milliseconds(kTurn));
  if (turn) return turn;
  return std::unexpected(reach_.held().value_or(
      Error{ErrorKind::storage, "busy", "PostgreSQL: another thread still waits for it", ""}));
}

Result<Database*> Store::Data::current_shared(Connection& connection) {
  Database* const known = connection.database.get();
  // A former primary that lives would be read without end by who writes nothing.
  if (known != nullptr && shared.replicated && steady_ms() - connection.trusted_at > kTrust) {
    connection.trusted_at = steady_ms();
    if (known->set_sync(Database::Sync::full)) (void)known->transact([] { return Status(); });
  }
  if (known != nullptr && known->is_lost()) ++servers_;  // the others may be to the same server
  if (known != nullptr && connection.server == servers_) return known;
  connection.database.reset();
  if (auto away = reach_.held()) return std::unexpected(*away);
  connection.server = servers_;  // if another is lost meanwhile, this is opened anew, too
  auto opened = open_shared();
  if (!opened) {
    reach_.trip(opened.error());
    return std::unexpected(opened.error());
  }
  reach_.reset();
  connection.trusted_at = steady_ms();
  connection.database = std::move(*opened);
  return connection.database.get();
}

Result<std::unique_ptr<PostgresDatabase>> Store::Data::open_shared() {
  auto connected = PostgresDatabase::connect({shared.url, dir, shared.replicated});
  if (!connected) return std::unexpected(connected.error());
  if (auto checked = check_shared_schema(**connected); !checked)
    return std::unexpected(checked.error());
  if (auto set = set_due_base_shared(**connected); !set) return std::unexpected(set.error());
  return connected;
}

Status Store::Data::set_due_base_shared(Database& database) {
  const auto now = clock_of(database);
  if (!now) return std::unexpected(now.error());
  due_base = *now - steady_ms();
  return {};
}

// On a connection of its own, which never holds the others up.
void Store::Data::listen(Kind kind, const std::stop_token& stop,
                         const std::function<void()>& heard) {
  for (unsigned server = servers_; !stop.stop_requested(); server = servers_) {
    const auto opened = reach_.held() ? nullptr : open_shared().value_or(nullptr);
    if (opened && opened->execute(("LISTEN " + channel_of(kind)).c_str())) {
      for (Result<bool> came = true; came && server == servers_; came = opened->hear(stop, kTrust))
        if (*came) heard();
    }
    if (server == servers_) sleep_for(kLongestPause, stop);
  }
}

// What failed for certain, of a connection that had been lost before, is tried once more.
Status Store::Data::write_shared(Database::Sync sync,
                                 const std::function<Status(Database&)>& work) {
  const bool loose = sync == Database::Sync::loose;
  if (auto held = loose ? std::nullopt : confirm_.held()) return std::unexpected(*held);
  const auto turn = take_turn(write_mutex_);
  if (!turn) return std::unexpected(turn.error());
  Status done;
  for (int tries = 2; tries > 0; --tries) {
    const auto database = current(writer_);
    if (!database) return std::unexpected(database.error());
    Database& db = **database;
    done = db.set_sync(sync);
    if (done) done = db.transact([&] { return work(db); });
    if (done || done.error().code != "away") break;
  }
  if (loose) return done;
  if (!done && is_fault_of_all(done.error())) confirm_.trip(done.error());
  if (done) confirm_.reset();
  return done;
}

std::string Store::Data::key_of(std::string_view fact) const {
  const bool own = is_shared() && std::ranges::any_of(kOwnFacts, [&](std::string_view begin) {
                     return fact.starts_with(begin);
                   });
  return own ? machine_ + " " + std::string(fact) : std::string(fact);
}

Store::Data::Facts Store::Data::keyed(Facts facts) const {
  for (auto& [key, value] : facts) key = key_of(key);
  return facts;
}

// --- Claims ---

std::string Store::Data::owner_of_now(const std::string& claimant) const {
  if (!is_shared()) return claimant;
  return machine_ + "/" + claimant + "/" + std::to_string(due_now() + kLease);
}

// What is not this process's any more was taken for lost by another, which looks it up.
Status Store::Data::conclude(std::span<const Done> items, const Conclusion& conclusion) {
  const Owners who = owners();
  const Status written = write(Database::Sync::full, [&](Database& db) -> Status {
    for (const Done& one : items) {
      const auto owner = owner_in(db, one.first);
      if (!owner) return std::unexpected(owner.error());
      if (!owner->empty() && !who.is_own(*owner)) continue;
      if (auto concluded = conclusion(db, one); !concluded) return concluded;
    }
    return {};
  });
  if (is_owed(written)) {
    for (const Done& one : items) owe(one, conclusion);
  }
  return written;
}

void Store::Data::owe(const Done& one, Conclusion conclusion) {
  const std::lock_guard lock(owed_mutex_);
  owed_.emplace_back(one, std::move(conclusion));
}

Status Store::Data::settle() {
  std::unique_lock lock(owed_mutex_);
  if (owed_.empty()) return {};
  const auto owed = std::exchange(owed_, {});
  lock.unlock();
  const Owners who = owners();
  const Status done = write(Database::Sync::full, [&](Database& db) -> Status {
    for (const auto& [one, conclusion] : owed) {
      const auto owner = owner_in(db, one.first);
      if (!owner) return std::unexpected(owner.error());
      if (!who.is_own(*owner)) continue;  // it had got there
      if (auto concluded = conclusion(db, one); !concluded) return concluded;
    }
    return {};
  });
  lock.lock();
  if (!done) owed_.insert(owed_.begin(), owed.begin(), owed.end());
  return done;
}

void Store::listen(Kind kind, const std::stop_token& stop, const std::function<void()>& heard) {
  if (data_->is_shared()) data_->listen(kind, stop, heard);
}

Status Store::keep_claims() {
  if (!data_->is_shared()) return {};
  const Owners who = data_->owners();
  if (who.own.empty()) return {};
  if (auto settled = data_->settle(); !settled) return settled;
  const std::string begin = who.machine + "/" + who.own + "/";
  const std::string end = who.machine + "/" + who.own + "0";  // behind "/"
  const auto some = data_->read([&](Database& db) -> Result<std::string> {
    if (auto set = data_->set_due_base_shared(db); !set) return std::unexpected(set.error());
    return text_of(db,
                   "SELECT min(claim_owner) FROM items WHERE state = 'pending'"
                   " AND claim_owner <> '' AND claim_owner > ? AND claim_owner < ?",
                   begin, end);
  });
  if (!some) return std::unexpected(some.error());
  if (some->empty() || Value(part_of(*some, 2)).integer() > who.now + kLease - kRenew) return {};
  return data_->write(Database::Sync::full, [&](Database& db) {
    return tell(db,
                "UPDATE items SET claim_owner = ? WHERE state = 'pending' AND claim_owner <> ''"
                " AND claim_owner > ? AND claim_owner < ?",
                data_->owner_of_now(who.own), begin, end);
  });
}

}  // namespace b24
