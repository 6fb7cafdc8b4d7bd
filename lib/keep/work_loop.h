// work_loop: threads (or one shell command) that get done what is due in the store, and sleep while
// nothing is.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "keep/store.h"
#include "settings/app.h"

namespace b24 {

// 1 s after the first attempt, doubling to 15 min, less up to half of it at random so that
// processes do not march in step.
Millis backoff(int attempts);

// Under which the store remembers when the work on a kind of items was last alive, in milliseconds:
// told about once a minute while something waits or is done, and by each process that begins.
std::string last_run_key(Kind kind);

class WorkLoop {
 public:
  // Does once what is due; how many items were dealt with. Belongs to one thread.
  using Pass = std::function<Result<int>()>;
  using MakePass = std::function<Pass(std::stop_token stop)>;

  // Looks after the store once a minute, besides erasing what is old; from any thread.
  using Upkeep = std::function<void(const App& app, Store& store)>;

  // Both must outlive this. `kind` is what the passes take from the store, but for what is `held`.
  WorkLoop(AppSource& app, StoreSource& stores, Kind kind, Store::Held held, MakePass make_pass,
           Upkeep upkeep = {});

  // Works with `threads` threads until a stop is asked for.
  void work(std::stop_token stop, int threads);
  // Works on what is due now and what becomes due within seconds, at most for `time_limit`: how
  // many items were dealt with. Before that `ingest` is called; a CGI process does neither when
  // nothing can be due.
  Result<int> work_due(Millis time_limit, const std::function<Status()>& ingest);
  // An item was accepted: a sleeping thread looks at once.
  void wake();
  // To be called after each run of the ingester, which took in so many. Those that took in nothing
  // are looks around, every few seconds: for what other processes left or made due.
  void ingested(int taken);

 private:
  void run_thread(std::stop_token stop);
  Result<Millis> until_next_due();
  void look_after_store();
  bool was_looked_after(Store& store);

  AppSource& app_;
  StoreSource& stores_;
  Kind kind_;
  Store::Held held_;
  MakePass make_pass_;
  Upkeep upkeep_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::atomic<int> threads_ = 0;
  int woken_ = 0;                      // wakes that no thread has taken yet, at most one for each
  Millis looked_after_at_ = -60'000;   // steady
  std::atomic<bool> did_work_ = true;  // since the store was told; at the start it is told, too
};

}  // namespace b24
