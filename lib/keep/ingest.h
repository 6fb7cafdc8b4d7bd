// ingest: fills the store from the journal, and what follows it (the logs) in the same pass.
//
// One at a time, of all processes: whoever holds journal/<kind>.ingest.lock. Each batch goes into
// the store in one transaction that also moves the position, so that a crash repeats nothing and
// skips nothing. A store that cannot be used for a while costs nothing: the records wait. A store
// that was lost, or put back from a backup, is filled again from the segments that are kept.
//
// The store remembers, in the same transaction:
//   journal.<kind>  up to where its items are taken in; and, of a store begun beside logs, the time
//                   up to which what was accepted had been taken in by the store before
//   follow.<name>   up to where a follower has written, and what it wants to know next time; of one
//                   that is told of all machines' items "#" and the last one's number
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "keep/follower.h"
#include "keep/journal.h"
#include "keep/store.h"
#include "settings/app.h"

namespace b24 {

class Ingester {
 public:
  // The item of a record. `seen`: an earlier store had it. An Error means not now: nothing behind
  // it is taken in until it can be.
  using Derive = std::function<Result<NewItem>(const App& app, const Record& record, bool seen)>;
  // Those of the settings of now; asked for once a run.
  using Followers = std::function<std::vector<std::unique_ptr<Follower>>(const App& app)>;

  // `app` and `stores` must outlive this.
  Ingester(AppSource& app, StoreSource& stores, Kind kind, Derive derive, Followers followers = {});

  // The journal of the settings' data directory.
  std::shared_ptr<Journal> journal(const App& app);
  // Takes in everything that is on the disk by now; how many (0, too, when another thread's pass
  // has done so meanwhile). Waits for the pass of another thread or process at most for `patience`
  // (then code "busy").
  Result<int> run(Millis patience);
  // Of a shared store: whether all that was appended before is known to have got there, and so be
  // on two nodes. Waits for that for 3 s at most, and not at all while the store is away; what is
  // not known is counted ("journaled") and comes later by itself. Of another store: nothing to
  // know. An Error (code "not_confirmed") only when the settings want one (store.journal_accepts).
  Status confirm(const App& app);
  // FastCGI, in a thread of its own until a stop is asked for: runs at the start, when woken, once
  // a second while something is left to do, and now and then for what other processes left; of a
  // shared store at once when they have accepted something.
  // `ran`: called after each run that did not fail, with how many items came, of others one.
  void work(std::stop_token stop, const std::function<void(int taken)>& ran);
  void wake();

 private:
  struct Batch;
  class Pass;
  Result<int> fill(unsigned own, Millis deadline);
  void end(unsigned own);
  void listen(std::jthread& listening, std::weak_ptr<Store>& to);
  bool is_confirmed();

  AppSource& app_;
  StoreSource& stores_;
  const Kind kind_;
  const Derive derive_;
  const Followers followers_;
  std::mutex mutex_;
  std::shared_ptr<Journal> journal_;
  std::filesystem::path dir_;
  std::timed_mutex running_;
  std::atomic<unsigned> begun_ = 0;  // runs; changed under running_ alone
  std::atomic<unsigned> good_ = 0;   // the last of them that did not fail
  std::atomic<unsigned> ended_ = 0;  // the last of them that is over
  std::atomic<bool> behind_ = true;  // a run failed, or a follower could not be written to
  Millis tidied_at_ = 0;             // steady
  JournalPosition confirmed_;        // of a shared store, noted for journaled()
  std::mutex waking_;
  std::condition_variable_any wake_;
  std::atomic<bool> woken_ = false;
  std::atomic<bool> heard_ = false;  // somebody accepted something into the shared store
  std::atomic<bool> works_ = false;  // there is a thread for it
  std::atomic<int> waiting_ = 0;     // in confirm
  std::condition_variable_any ran_;  // with waking_
};

}  // namespace b24
