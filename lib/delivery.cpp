// delivery: see delivery.h.
#include "delivery.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "gate.h"
#include "lead_sender.h"
#include "secret.h"

namespace b24 {
namespace {

constexpr std::size_t kAtOnce = 50;    // the portal's limit for one batch
constexpr Millis kLease = 3 * 60'000;  // longer than two calls can last
constexpr Millis kFirstDelay = 1'000;
constexpr Millis kLastDelay = 15 * 60'000;
constexpr Millis kLookAgain = 2'000;  // after an answer that left the outcome open
constexpr Millis kIdle = 5'000;       // how often an idle worker looks for others' items
constexpr Millis kSoon = 3'000;       // deliver_due waits for what is due within this
constexpr Millis kPoll = 25;          // how often a waiting visitor's process looks itself
constexpr Millis kUpkeep = 60'000;    // between looks after old items
constexpr Millis kDay = 24 * 3'600'000;

// When the attempt whose outcome is unknown was begun, kept in the item's progress.
constexpr const char* kSentAt = "sent_at";
// Whether an answer came: then the portal is not working on it any more.
constexpr const char* kAnswered = "answered";

std::chrono::milliseconds ms(Millis time) {
  return std::chrono::milliseconds(std::max<Millis>(time, 0));
}

// One pass: some items of one store, one sender, and what becomes of each item.
class Pass {
 public:
  Pass(Store& store, LeadSender& sender, Log& log) : store_(store), sender_(sender), log_(log) {}

  void run(const std::vector<Item>& items) {
    std::vector<const Item*> to_send;
    std::vector<const Item*> to_look_up;
    for (const Item& item : items) (item.unsure ? to_look_up : to_send).push_back(&item);
    if (!to_look_up.empty()) look_up(to_look_up, to_send);
    if (!to_send.empty()) send(to_send);
  }

  const std::vector<std::int64_t>& finished() const { return finished_; }

 private:
  void look_up(const std::vector<const Item*>& items, std::vector<const Item*>& to_send) {
    const Millis begun = now_ms();
    const auto found = sender_.look_up(items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = *items[i];
      if (!found[i]) {
        postpone(item, begun, found[i].error(), true, item.progress);
      } else if (!found[i]->empty()) {
        note(store_.done(item.number, outcome(begun, {}, *found[i])), item, "found", *found[i]);
      } else if (may_be_under_way(item)) {
        wait_and_look_again(item, begun);
      } else {
        to_send.push_back(&item);
      }
    }
  }

  // The portal runs a request for a minute at most; one that broke without an answer may still be
  // running.
  bool may_be_under_way(const Item& item) const {
    if (item.progress[kAnswered].boolean()) return false;
    if (item.progress[kSentAt].is_null()) return true;
    return now_ms() < item.progress[kSentAt].integer() + settle_time();
  }

  void wait_and_look_again(const Item& item, Millis begun) {
    Outcome result = outcome(begun, {"looked_up", "not there yet; may still be on its way"}, "");
    Millis sent_at = item.progress[kSentAt].integer();
    if (sent_at == 0) {
      // A process died with this lead in its hands: nobody knows when it was sent, now is the
      // latest it can have been.
      sent_at = now_ms();
      result.progress = Value::map({{kSentAt, sent_at}});
    }
    const Millis at = std::min(now_ms() + 2 * kLookAgain, sent_at + settle_time());
    note(store_.retry(item.number, at, result, true, false), item, "waiting", result.text);
  }

  void send(const std::vector<const Item*>& items) {
    const Millis begun = now_ms();
    const auto made = sender_.send(items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = *items[i];
      if (made[i]) {
        note(store_.done(item.number, outcome(begun, {}, *made[i])), item, "done", *made[i]);
      } else if (made[i].error().verdict == Verdict::permanent) {
        give_up(item, begun, made[i].error());
      } else {
        const bool unsure = made[i].error().verdict == Verdict::look;
        Value progress = Value::map({{kSentAt, begun}, {kAnswered, made[i].error().status != 0}});
        postpone(item, begun, made[i].error(), unsure, unsure ? std::move(progress) : Value());
      }
    }
  }

  void postpone(const Item& item, Millis begun, const CallError& error, bool unsure,
                Value progress) {
    if (now_ms() > item.received_at + sender_.settings()->delivery.give_up) {
      give_up(item, begun, error);
      return;
    }
    const bool tried = error.error.code != "gate";
    Millis at = now_ms() + (tried ? backoff(item.attempts + 1) : 0);
    if (unsure && item.attempts == 0) at = now_ms() + kLookAgain;
    at = std::max(at, error.retry_at);
    Outcome result = outcome(begun, error.error, "");
    result.progress = std::move(progress);
    const char* what = !tried ? "waiting" : unsure ? "outcome unknown" : "postponed";
    note(store_.retry(item.number, at, result, unsure, tried), item, what, result.text);
  }

  void give_up(const Item& item, Millis begun, const CallError& error) {
    const Outcome result = outcome(begun, error.error, "");
    note(store_.fail(item.number, result), item, "failed", result.text);
  }

  Outcome outcome(Millis begun, const Error& error, std::string result) const {
    Outcome out;
    out.took = now_ms() - begun;
    out.code = error.code;
    out.text = secret::mask(error.cause);
    out.result = std::move(result);
    return out;
  }
  Outcome outcome(Millis begun, std::pair<const char*, const char*> code,
                  std::string result) const {
    return outcome(begun, Error{ErrorKind::portal, code.first, code.second, ""}, std::move(result));
  }

  Millis settle_time() const { return sender_.settings()->delivery.settle; }

  // A claim that could not be closed runs out by itself; the item is then looked up, so nothing is
  // lost or doubled.
  void note(const Status& status, const Item& item, std::string_view what, std::string_view text) {
    if (!status) log_.error("delivery", status.error());
    finished_.push_back(item.number);
    if (what == "waiting") return;
    log_.write(what == "failed" ? Log::Level::error : Log::Level::info, "delivery",
               Value::map({{"lead", item.id}, {"outcome", what}, {"detail", text}}));
  }

  Store& store_;
  LeadSender& sender_;
  Log& log_;
  std::vector<std::int64_t> finished_;
};

}  // namespace

Millis backoff(int attempts) {
  Millis delay = kFirstDelay;
  for (int i = 1; i < attempts && delay < kLastDelay; ++i) delay *= 2;
  delay = std::min(delay, kLastDelay);
  thread_local std::minstd_rand random{std::random_device{}()};
  return delay - std::uniform_int_distribution<Millis>(0, delay / 2)(random);
}

Result<int> Delivery::pass(LeadSender& sender) {
  Result<std::shared_ptr<Store>> store = app_.store();
  if (!store) return std::unexpected(store.error());
  Result<App> app = app_.current();
  if (!app) return std::unexpected(app.error());
  Result<std::vector<Item>> items = (*store)->claim(Kind::lead, kAtOnce, kLease);
  if (!items) return std::unexpected(items.error());
  if (items->empty()) return 0;
  Pass pass(**store, sender, *app->log);
  pass.run(*items);
  for (const std::int64_t number : pass.finished()) finished(number);
  return static_cast<int>(items->size());
}

Result<int> Delivery::deliver_due(Millis time_limit) {
  const Millis deadline = now_ms() + time_limit;
  Result<App> app = app_.current();
  if (!app) return std::unexpected(app.error());
  Result<std::shared_ptr<Gate>> gate = app_.gate();
  if (!gate) return std::unexpected(gate.error());
  LeadSender sender(app->settings, *gate);
  int dealt_with = 0;
  while (now_ms() < deadline) {
    Result<int> count = pass(sender);
    if (!count) return count;
    dealt_with += *count;
    if (*count != 0) continue;
    Result<std::shared_ptr<Store>> store = app_.store();
    if (!store) return std::unexpected(store.error());
    Result<std::optional<Millis>> due = (*store)->next_due(Kind::lead);
    if (!due) return std::unexpected(due.error());
    if (!*due || **due > now_ms() + kSoon) break;
    std::this_thread::sleep_for(ms(std::clamp<Millis>(**due - now_ms(), 1, kSoon)));
  }
  look_after_store();
  return dealt_with;
}

void Delivery::work(std::stop_token stop) {
  Result<App> app = app_.current();
  const int count = app ? app->settings->delivery.threads : 1;
  std::vector<std::jthread> workers;
  for (int i = 0; i < count; ++i) workers.emplace_back([this, stop] { run_worker(stop); });
}

void Delivery::run_worker(std::stop_token stop) {
  std::unique_ptr<LeadSender> sender;
  while (!stop.stop_requested()) {
    int count = 0;
    Result<App> app = app_.current();
    Result<std::shared_ptr<Gate>> gate = app_.gate();
    if (app && gate) {
      if (!sender || sender->settings() != app->settings) {
        sender = std::make_unique<LeadSender>(app->settings, *gate, stop);
      }
      Result<int> passed = pass(*sender);
      count = passed.value_or(0);
      if (!passed)
        app->log->write_bounded(Log::Level::error, "delivery",
                                Value::map({{"error", passed.error().cause}}));
      look_after_store();
    }
    if (count != 0) continue;

    Millis pause = kIdle;
    if (Result<std::shared_ptr<Store>> store = app_.store(); store) {
      const auto due = (*store)->next_due(Kind::lead);
      if (due && *due) pause = std::clamp<Millis>(**due - now_ms(), 10, kIdle);
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, ms(pause), [this] { return woken_ > 0; });
    if (woken_ > 0) --woken_;
  }
}

void Delivery::wake() {
  {
    const std::lock_guard lock(mutex_);
    ++woken_;
  }
  wake_.notify_one();
}

void Delivery::finished(std::int64_t number) {
  const std::lock_guard lock(mutex_);
  if (const auto waited = waited_.find(number); waited != waited_.end()) {
    waited->second = true;
    finished_.notify_all();
  }
}

Result<std::optional<Item>> Delivery::wait(std::int64_t number, Millis limit) {
  Result<std::shared_ptr<Store>> store = app_.store();
  if (!store) return std::unexpected(store.error());
  const Millis deadline = now_ms() + limit;
  const Millis poll = mode_ == Mode::fastcgi ? 10 * kPoll : kPoll;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      waited_[number] = false;
    }
    Result<std::optional<Item>> item = (*store)->find(number);
    const bool over = !item || !*item || (*item)->state != State::pending || now_ms() >= deadline;
    std::unique_lock lock(mutex_);
    if (over) {
      waited_.erase(number);
      return item;
    }
    finished_.wait_for(lock, ms(std::min(poll, deadline - now_ms())),
                       [&] { return waited_[number]; });
  }
}

// Old personal data goes; the sign of life is for checkserver.
void Delivery::look_after_store() {
  {
    const std::lock_guard lock(mutex_);
    if (now_ms() < looked_after_at_ + kUpkeep) return;
    looked_after_at_ = now_ms();
  }
  Result<std::shared_ptr<Store>> store = app_.store();
  Result<App> app = app_.current();
  if (!store || !app) return;
  Status status = (*store)->remember("delivery.last_run", std::to_string(now_ms()));
  const auto erased = (*store)->erase_done(now_ms() - app->settings->store.keep_days * kDay);
  if (!status) app->log->error("delivery", status.error());
  if (!erased) app->log->error("delivery", erased.error());
}

}  // namespace b24
