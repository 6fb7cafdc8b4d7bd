// work_loop: see work_loop.h.
#include "keep/work_loop.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "keep/claimant.h"
#include "keep/data_dir.h"

namespace b24 {
namespace {

constexpr Millis kFirstDelay = 1'000;
constexpr Millis kLastDelay = 15 * 60'000;
constexpr Millis kLongestSleep = kHour;  // that a thread sleeps: it is woken
constexpr Millis kTryAgain = 10'000;     // after a failure
constexpr Millis kSoon = 3'000;          // work_due waits for what is due within this
constexpr Millis kShortest = 10;         // between two looks at an item that somebody else holds
constexpr Millis kUpkeep = 60'000;       // between looks after old items
constexpr Millis kErasing = 10'000;      // at most, of each look
constexpr Millis kNever = std::numeric_limits<Millis>::max();

std::chrono::milliseconds pause(Millis time, Millis longest) {
  return std::chrono::milliseconds(std::clamp(time, kShortest, longest));
}

// An exception is one failed pass, never the end of the process. What it had claimed stays claimed
// by this process, and is looked at again when it has ended.
Result<int> run_safely(const WorkLoop::Pass& pass) {
  try {
    return pass();
  } catch (const std::exception& fault) {
    return std::unexpected(Error{ErrorKind::storage, "exception", fault.what(), ""});
  }
}

// What the others compare with theirs.
void tell_machines(const App& app, Store& store) {
  Value marks = Value::array();
  for (const auto& [section, mark] : app.settings->marks) marks.set(section, mark);
  const Status told =
      store.tell_machines(Value::map({{"name", host_name()}, {"marks", std::move(marks)}}));
  if (!told) app.log->error_bounded("work", told.error());
}

}  // namespace

Millis backoff(int attempts) {
  Millis delay = kFirstDelay;
  for (int i = 1; i < attempts && delay < kLastDelay; ++i) delay *= 2;
  delay = std::min(delay, kLastDelay);
  thread_local std::minstd_rand random{std::random_device{}()};
  return delay - std::uniform_int_distribution<Millis>(0, delay / 2)(random);
}

std::string last_run_key(Kind kind) {
  return "work." + std::string(name(kind)) + ".last_run";
}

WorkLoop::WorkLoop(AppSource& app, StoreSource& stores, Kind kind, Store::Held held,
                   MakePass make_pass, Upkeep upkeep)
    : app_(app),
      stores_(stores),
      kind_(kind),
      held_(std::move(held)),
      make_pass_(std::move(make_pass)),
      upkeep_(std::move(upkeep)) {}

void WorkLoop::work(std::stop_token stop, int threads) {
  threads_ = threads;
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i) {
    try {
      workers.emplace_back([this, stop] { run_thread(stop); });
    } catch (const std::system_error&) {
      if (workers.empty()) throw;
      break;  // fewer than wished for are better than none
    }
  }
}

void WorkLoop::run_thread(std::stop_token stop) {
  const Pass pass = make_pass_(stop);
  while (!stop.stop_requested()) {
    const Result<int> count = run_safely(pass);
    if (!count) {
      if (Result<App> app = app_.current(); app) app->log->error_bounded("work", count.error());
    }
    if (count.value_or(0) > 0) did_work_ = true;
    look_after_store();
    stores_.put_counts();
    if (count && *count != 0) continue;
    const Millis due = count ? until_next_due().value_or(kTryAgain) : kTryAgain;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, pause(due, kLongestSleep), [this] { return woken_ > 0; });
    if (woken_ > 0) --woken_;
  }
}

Result<int> WorkLoop::work_due(Millis time_limit, const std::function<Status()>& ingest) {
  const Result<App> app = app_.current();
  if (!app) return std::unexpected(app.error());
  const std::filesystem::path rest = rest_file(app->settings->data.dir, name(kind_));
  if (app_.mode() == Mode::cgi && is_at_rest(rest)) return 0;
  const auto resting = open_private(rest);
  if (Status ingested = ingest(); !ingested) return std::unexpected(ingested.error());
  const Millis deadline = steady_ms() + time_limit;
  const Pass pass = make_pass_({});
  int dealt_with = 0;
  bool found_nothing = false;
  while (steady_ms() < deadline) {
    const Result<Millis> due = until_next_due();
    if (!due) return std::unexpected(due.error());
    if (*due > kSoon) {
      if (resting) set_rest(*resting, *due);
      break;
    }
    if (found_nothing || *due > 0) std::this_thread::sleep_for(pause(*due, kSoon));
    const Result<int> count = run_safely(pass);
    if (!count) return count;
    dealt_with += *count;
    found_nothing = *count == 0;
  }
  look_after_store();
  return dealt_with;
}

Result<Millis> WorkLoop::until_next_due() {
  Result<std::shared_ptr<Store>> store = stores_.current();
  if (!store) return std::unexpected(store.error());
  const Result<std::optional<Millis>> due = (*store)->next_due(kind_, held_);
  if (!due) return std::unexpected(due.error());
  return due->value_or(kNever);
}

// By another process.
bool WorkLoop::was_looked_after(Store& store) {
  const Millis age = now_ms() - Value(store.recall(last_run_key(kind_)).value_or("")).integer();
  return age >= 0 && age < kUpkeep;
}

void WorkLoop::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = std::min(woken_ + 1, threads_.load());
  }
  wake_.notify_one();
}

void WorkLoop::ingested(int taken) {
  bool is_news = taken > 0;
  if (const auto store = stores_.current(); store) (void)(*store)->keep_claims();
  if (!is_news) {
    stores_.put_counts();
    const std::lock_guard lock(mutex_);
    is_news = steady_ms() >= looked_after_at_ + kUpkeep;
  }
  if (is_news || until_next_due().value_or(0) == 0) wake();
}

// Old personal data goes; the sign of life is for checkserver, which asks for it when something
// waits: a program at rest leaves the disk alone.
void WorkLoop::look_after_store() {
  {
    const std::lock_guard lock(mutex_);
    if (steady_ms() < looked_after_at_ + kUpkeep) return;
    looked_after_at_ = steady_ms();
  }
  Result<App> app = app_.current();
  Result<std::shared_ptr<Store>> store = stores_.current();
  if (!app || !store) return;
  if (app_.mode() == Mode::cgi && was_looked_after(**store)) return;
  const Result<KindStats> stats = (*store)->stats(kind_);
  if (did_work_.exchange(false) || !stats || stats->pending > 0) {
    const Status told = (*store)->remember(last_run_key(kind_), std::to_string(now_ms()));
    if (!told) app->log->error("work", told.error());
  }
  const Millis before = now_ms() - app->settings->store.keep_days * kDay;
  const Millis deadline = steady_ms() + kErasing;
  for (Result<std::int64_t> erased = 1; erased.value_or(0) > 0 && steady_ms() < deadline;) {
    erased = (*store)->erase_done(before);
    if (!erased) app->log->error("work", erased.error());
  }
  sweep_claims((*store)->dir());
  if ((*store)->is_shared()) tell_machines(*app, **store);
  if (upkeep_) upkeep_(*app, **store);
}

}  // namespace b24
