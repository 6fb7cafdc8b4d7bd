// ingest: see ingest.h.
#include "keep/ingest.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/files.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBytesAtOnce = 1 << 20;
constexpr Millis kPatience = 30'000;
constexpr std::chrono::milliseconds kGap{50};
constexpr std::chrono::milliseconds kWhileBehind{1'000};
// The one thing that a program at rest wakes for.
constexpr std::chrono::milliseconds kLookAround{12'000};
constexpr Millis kConfirm = 3'000;  // a visitor, or the portal, waits
constexpr Millis kTidy = 60'000;    // between looks after old segments
constexpr int kScarce = 20;  // less than 1/20 of the disk free: segments go as soon as they may

std::string position_key(Kind kind) {
  return "journal." + std::string(name(kind));
}
bool room_is_scarce(const fs::path& dir) {
  struct statvfs disk {};
  return ::statvfs(dir.c_str(), &disk) == 0 && disk.f_bavail < disk.f_blocks / kScarce;
}

using Facts = std::vector<std::pair<std::string, std::string>>;

Facts::value_type fact_of_follower(const Follower& follower, const JournalPosition& at,
                                   const std::string& its_own) {
  return {follow_key(follower.name()), at.text() + " " + its_own};
}

}  // namespace

// What was read, and the items of its first records.
struct Ingester::Batch {
  JournalPosition begin;
  JournalRead read;  // up to read.end
  std::vector<NewItem> items;
};

// One run, under the lock.
class Ingester::Pass {
 public:
  Pass(Ingester& ingester, const App& app, Store& store, Journal& journal)
      : ingester_(ingester), app_(app), store_(store), journal_(journal) {
    if (!ingester_.followers_) return;
    for (auto& each : ingester_.followers_(app))
      if (store.is_shared() && each->machines() != "own")
        of_all_.emplace_back(std::move(each));
      else
        followers_.push_back(std::move(each));
  }

  Result<int> run() {
    if (auto begun = begin(); !begun) return std::unexpected(begun.error());
    int taken = 0;
    for (;;) {
      auto batch = read(position_, {});
      if (!batch) return std::unexpected(batch.error());
      if (batch->read.end == position_) break;
      if (auto kept = keep(*batch); !kept) return std::unexpected(kept.error());
      taken += static_cast<int>(batch->items.size());
      if (!batch->read.more) break;
    }
    for (const auto& follower : followers_) catch_up(*follower);
    return taken;
  }

  // What all machines have accepted goes to those who are told of it.
  Status follow() {
    Status followed;
    for (FollowAll& one : of_all_)
      if (auto told = one.follow(store_, ingester_.kind_); !told) followed = told;
    return followed;
  }
  bool is_behind() const { return behind_; }
  const JournalPosition& position() const { return position_; }
  // What stands in a shared store may stand on one node only, until something else is written.
  Status confirm() { return store_.accept({}, {fact_of(position_)}); }
  // Removes the segments that nobody needs any more and that are old enough to go.
  Status tidy() {
    const Millis keep = room_is_scarce(journal_.dir()) ? 0 : app_.settings->journal.keep;
    const Millis before = now_ms() - keep;
    const auto all = journal_.segments();
    if (!all) return std::unexpected(all.error());
    // Nothing is written while nothing can go: an idle program leaves the disk alone.
    if (std::ranges::none_of(*all, [&](const auto& one) { return one.last_write < before; }))
      return {};
    JournalPosition needed = position_;
    for (const auto& follower : followers_) {
      const auto at = standing(*follower);
      if (!at) return std::unexpected(at.error());
      needed = std::min(needed, at->first);
    }
    // Synced first: only what a power cut cannot take out of the store again.
    const auto [key, value] = fact_of(position_);
    const auto kept = store_.remember(key, value);
    return kept ? journal_.forget(needed, before) : kept;
  }

 private:
  using Standing = std::pair<JournalPosition, std::string>;  // of a follower: its place, its fact

  Status begin() {
    for (FollowAll& one : of_all_)
      if (auto begun = one.begin(store_); !begun) return begun;
    const auto known = store_.recall(position_key(ingester_.kind_));
    if (!known) return std::unexpected(known.error());
    if (const auto position = JournalPosition::parse(*known)) {
      position_ = *position;
      seen_until_ = Value(known->substr(known->find(' ') + 1)).integer();
      return {};
    }
    for (const auto& follower : followers_)
      seen_until_ = std::max(seen_until_, follower->last_write());
    for (const FollowAll& one : of_all_) seen_until_ = std::max(seen_until_, one.last_write());
    return store_.accept({}, {fact_of(position_)});
  }

  Facts::value_type fact_of(const JournalPosition& taken_in) const {
    return {position_key(ingester_.kind_), taken_in.text() + " " + std::to_string(seen_until_)};
  }

  // Where a follower stands; a new one begins with what comes now.
  Result<Standing> standing(const Follower& follower) {
    const auto known = store_.recall(follow_key(follower.name()));
    if (!known) return std::unexpected(known.error());
    const auto position = JournalPosition::parse(*known);
    if (position) return Standing{*position, known->substr(known->find(' ') + 1)};
    const Standing now{position_, follower.begin()};
    const auto kept = store_.accept({}, {fact_of_follower(follower, now.first, now.second)});
    if (!kept) return std::unexpected(kept.error());
    return now;
  }

  // What stands behind `from`, up to `limit` when that is given.
  Result<Batch> read(const JournalPosition& from, std::optional<JournalPosition> limit) {
    auto read = journal_.read(from, kBytesAtOnce);
    if (!read) return std::unexpected(read.error());
    if (!limit) tell(read->damage);
    Batch batch{from, std::move(*read), {}};
    JournalPosition end = from;
    for (const Record& record : batch.read.records) {
      if (limit && *limit < record.end) break;
      auto item = ingester_.derive_(app_, record, record.at <= seen_until_);
      if (!item) {
        if (batch.items.empty()) return std::unexpected(item.error());
        batch.read.end = end;
        return batch;
      }
      end = record.end;
      batch.items.push_back(std::move(*item));
    }
    if (limit && *limit < batch.read.end) batch.read.end = *limit;
    return batch;
  }

  Status keep(const Batch& batch) {
    // All is asked before anything is written: from a store that turns out to be damaged in
    // between, one log would have what the other never gets.
    std::vector<Standing> standings;
    for (const auto& follower : followers_) {
      auto at = standing(*follower);
      if (!at) return std::unexpected(at.error());
      standings.push_back(std::move(*at));
    }
    Facts facts = {fact_of(batch.read.end)};
    for (std::size_t i = 0; i < followers_.size(); ++i) {
      const auto& [at, fact] = standings[i];
      if (at == batch.begin) write(*followers_[i], batch, fact, facts);
    }
    if (auto kept = store_.accept(batch.items, facts); !kept) return kept;
    position_ = batch.read.end;
    return {};
  }

  // Adds the follower's new fact, if it could be written to.
  bool write(Follower& follower, const Batch& batch, const std::string& fact, Facts& facts) {
    // What was accepted before the store was begun has been written then.
    const auto unseen = std::ranges::find_if(
        batch.items, [&](const NewItem& item) { return item.received_at > seen_until_; });
    const auto skipped = static_cast<std::size_t>(unseen - batch.items.begin());
    Follower::Written written{0, fact};
    if (unseen != batch.items.end()) {
      auto tried = follower.write(std::span(batch.items).subspan(skipped), fact);
      if (!tried) {
        behind_ = true;
        app_.log->error_bounded("hook_log", tried.error());
        return false;
      }
      written = std::move(*tried);
    }
    const std::size_t count = skipped + written.count;
    const JournalPosition& at =
        count == batch.items.size() ? batch.read.end : batch.read.records[count - 1].end;
    facts.push_back(fact_of_follower(follower, at, written.fact));
    return true;
  }

  // Brings a follower that could not be written to, or not all at once, up to the store.
  void catch_up(Follower& follower) {
    for (;;) {
      const auto at = standing(follower);
      if (!at || position_ <= at->first) return;
      const auto batch = read(at->first, position_);
      if (!batch || batch->read.end == at->first) return;
      Facts facts;
      if (!write(follower, *batch, at->second, facts)) return;
      if (!store_.accept({}, facts)) {
        behind_ = true;
        return;
      }
    }
  }

  void tell(const std::vector<JournalDamage>& damage) {
    for (const JournalDamage& each : damage) {
      app_.log->write_bounded(Log::Level::error, "journal_damage",
                              Value::map({{"segment", each.segment},
                                          {"offset", static_cast<std::int64_t>(each.offset)},
                                          {"size", static_cast<std::int64_t>(each.size)},
                                          {"why", each.why}}));
    }
  }

  Ingester& ingester_;
  const App& app_;
  Store& store_;
  Journal& journal_;
  std::vector<std::unique_ptr<Follower>> followers_;
  std::vector<FollowAll> of_all_;
  JournalPosition position_;
  Millis seen_until_ = 0;
  bool behind_ = false;
};

Ingester::Ingester(AppSource& app, StoreSource& stores, Kind kind, Derive derive,
                   Followers followers)
    : app_(app),
      stores_(stores),
      kind_(kind),
      derive_(std::move(derive)),
      followers_(std::move(followers)) {}

std::shared_ptr<Journal> Ingester::journal(const App& app) {
  const std::lock_guard lock(mutex_);
  const fs::path& dir = app.settings->data.dir;
  if (!journal_ || dir_ != dir) {
    dir_ = dir;
    journal_ = std::make_shared<Journal>(dir, app_.document_root(), kind_);
  }
  return journal_;
}

void Ingester::wake() {
  if (woken_.exchange(true)) return;
  const std::lock_guard lock(waking_);
  wake_.notify_one();
}

void Ingester::work(std::stop_token stop, const std::function<void(int taken)>& ran) {
  works_ = true;
  std::jthread listening;
  std::weak_ptr<Store> listened_to;
  std::unique_lock lock(waking_);
  while (!stop.stop_requested()) {
    woken_ = false;
    lock.unlock();
    listen(listening, listened_to);
    const Result<int> count = run(kPatience);
    if (const Result<App> app = app_.current(); app && !count)
      app->log->error_bounded("ingest", count.error());
    if (count) ran(*count + (heard_.exchange(false) ? 1 : 0));
    lock.lock();
    // What comes within the gap shares a pass.
    if (count.value_or(0) > 0) wake_.wait_for(lock, stop, kGap, [this] { return waiting_ > 0; });
    wake_.wait_for(lock, stop, behind_ ? kWhileBehind : kLookAround,
                   [this] { return woken_.load(); });
  }
  works_ = false;
}

// The thread exists only beside a store that is shared, and as long as that is the one.
void Ingester::listen(std::jthread& listening, std::weak_ptr<Store>& to) {
  const auto store = stores_.current();
  if (!store || to.lock() == *store) return;
  to = *store;
  listening = {};
  if (!(*store)->is_shared()) return;
  try {
    listening = std::jthread([this, store = *store](const std::stop_token& stop) {
      store->listen(kind_, stop, [this] {
        heard_ = true;
        wake();
      });
    });
  } catch (const std::system_error&) {
    to.reset();  // no thread is to be had: at the next look
  }
}

// Of the runs that begin from now on, the first that is over tells.
bool Ingester::is_confirmed() {
  const auto store = stores_.current();
  if (!store || (*store)->is_away()) return false;
  ++waiting_;
  const unsigned before = begun_;
  if (works_) {
    std::unique_lock lock(waking_);
    woken_ = true;
    wake_.notify_one();  // also where it is known already that something came: the gap ends here
    ran_.wait_for(lock, std::chrono::milliseconds(kConfirm), [&] { return ended_ > before; });
  } else {
    (void)run(kConfirm);
  }
  --waiting_;
  return good_ > before;
}

Status Ingester::confirm(const App& app) {
  if (app.settings->data.store.empty() || is_confirmed()) return {};
  stores_.count("journaled");
  if (app.settings->store.journal_accepts) return {};
  return std::unexpected(
      Error{ErrorKind::storage, "not_confirmed",
            "kept on this machine's disk, but the database has not confirmed it in time",
            "see checkserver; store.journal_accepts = yes takes the disk's word for it"});
}

Result<int> Ingester::run(Millis patience) {
  const Millis deadline = steady_ms() + patience;
  const unsigned begun_before = begun_;
  const std::unique_lock alone(running_, std::chrono::milliseconds(patience));
  if (!alone) {
    return std::unexpected(
        Error{ErrorKind::storage, "busy", "another thread is filling the store", ""});
  }
  if (good_ > begun_before) return 0;
  const unsigned own = ++begun_;
  const Result<int> taken = fill(own, deadline);
  end(own);
  return taken;
}

void Ingester::end(unsigned own) {
  ended_ = own;
  if (waiting_ == 0) return;
  const std::lock_guard lock(waking_);
  ran_.notify_all();
}

Result<int> Ingester::fill(unsigned own, Millis deadline) {
  const Result<App> app = app_.current();
  if (!app) return std::unexpected(app.error());
  const std::shared_ptr<Journal> journal = this->journal(*app);
  std::error_code fault;
  behind_ = true;
  if (!app->settings->data.store.empty()) {
    if (auto ready = journal->prepare(); !ready) return std::unexpected(ready.error());
  } else if (!fs::is_directory(journal->dir(), fault)) {
    behind_ = false;
    return 0;  // nothing was ever accepted
  }
  const fs::path lock_file = ingest_lock(journal->dir(), kind_);
  const auto lock = open_locked(lock_file, deadline - steady_ms());
  if (!lock) return std::unexpected(lock.error());
  const Result<std::shared_ptr<Store>> store = stores_.current();
  if (!store) return std::unexpected(store.error());
  Pass pass(*this, *app, **store, *journal);
  const Result<int> taken = pass.run();
  if (!taken) return taken;
  const bool moved = (*store)->is_shared() && pass.position() != confirmed_;
  if (*taken == 0 && (waiting_ > 0 || moved)) {
    if (const Status sure = pass.confirm(); !sure) return std::unexpected(sure.error());
  }
  if (moved && write_at(*lock, lock_file, pass.position().text() + " ", 0))
    confirmed_ = pass.position();
  good_ = own;
  end(own);  // whoever waits need not wait for what follows
  const Status followed = pass.follow();
  if (!followed) app->log->error_bounded("hook_log", followed.error());
  behind_ = pass.is_behind() || !followed;
  if (const Millis now = steady_ms(); now >= tidied_at_ + kTidy) {
    tidied_at_ = now;
    if (const Status tidied = pass.tidy(); !tidied) app->log->error("journal", tidied.error());
  }
  return taken;
}

}  // namespace b24
