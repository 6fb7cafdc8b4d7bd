// delivery: see delivery.h.
#include "delivery.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "keep/event_flow.h"
#include "lead.h"
#include "lead_sender.h"
#include "notify.h"
#include "portal/gate.h"

namespace b24 {
namespace {

constexpr std::size_t kAtOnce = 50;   // the portal's limit for one batch
constexpr Millis kLookAgain = 2'000;  // after an answer that left the outcome open
constexpr Millis kFresh =
    10'000;  // so long after its acceptance a lead's first sending is the first
constexpr Millis kPollServer = 250;
constexpr Millis kPoll = 1;  // how often a CGI process looks itself, at first

// Of the attempt whose outcome is unknown, kept in the item's progress: when it was begun, whether
// it was answered so that the portal is not working on it any more, and which one it was.
constexpr const char* kSentAt = "sent_at";
constexpr const char* kAnswered = "answered";
constexpr const char* kAttempt = "attempt";

// False: the system allows no more threads.
bool started(std::vector<std::jthread>& threads, const std::function<void()>& work) {
  try {
    threads.emplace_back(work);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

// As the log calls the two ways in which a lead turns out to be in the portal.
constexpr std::string_view kDone = "done";
constexpr std::string_view kFound = "found";

// One pass: some items of one store and one portal, its sender, and what becomes of each item.
class LeadPass {
 public:
  LeadPass(Store& store, LeadSender& sender, Log& log)
      : store_(store), sender_(sender), log_(log) {}

  void run(const std::vector<Item>& items) {
    std::vector<const Item*> to_send;
    std::vector<const Item*> to_look_up;
    for (const Item& item : items)
      (is_certainly_first(item) ? to_send : to_look_up).push_back(&item);
    if (!to_look_up.empty()) look_up(to_look_up, to_send);
    if (!to_send.empty()) send(to_send);
  }

  // Nobody knows how far it got with what is not finished.
  void break_off(const std::vector<Item>& items, const char* why) {
    const Error error{ErrorKind::storage, "exception", why, ""};
    log_.error("delivery", error);
    for (const Item& item : items) {
      if (std::ranges::find(finished_, item.id, &Delivery::Finished::id) != finished_.end())
        continue;
      const Millis now = now_ms();
      note(store_.retry(item.number, now + backoff(item.attempts + 1), outcome(now, error, ""),
                        true),
           item, "outcome unknown", why);
    }
  }

  std::span<const Delivery::Finished> finished() const { return finished_; }

 private:
  // The store may be an older one, put back, or filled anew from the journal.
  static bool is_certainly_first(const Item& item) {
    const Millis age = now_ms() - item.received_at;
    return !item.unsure && age >= 0 && age <= kFresh;
  }

  void look_up(const std::vector<const Item*>& items, std::vector<const Item*>& to_send) {
    const Millis begun = now_ms();
    const auto found = sender_.look_up(items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = *items[i];
      if (!found[i]) {
        postpone(item, begun, found[i].error(), item.unsure, last_attempt(item));
      } else if (!found[i]->empty()) {
        note(store_.done(item.number, outcome(begun, Error{}, *found[i])), item, kFound, *found[i]);
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
    if (!item.unsure) return false;
    const Value last = last_attempt(item);
    if (last[kAnswered].boolean()) return false;
    if (last[kSentAt].is_null()) return true;
    return now_ms() < last[kSentAt].integer() + settle_time();
  }

  // Nothing is known of one with which a process died, whatever it was told of the one before.
  static Value last_attempt(const Item& item) {
    return item.progress[kAttempt].integer() == item.attempts ? item.progress : Value();
  }

  void wait_and_look_again(const Item& item, Millis begun) {
    Outcome result = outcome(
        begun, Error{ErrorKind::portal, "looked_up", "not there yet; may still be on its way", ""},
        "");
    Millis sent_at = last_attempt(item)[kSentAt].integer();
    if (sent_at == 0) {
      // A process died with this lead in its hands: nobody knows when it was sent, now is the
      // latest it can have been.
      sent_at = now_ms();
      result.progress = Value::map({{kSentAt, sent_at}, {kAttempt, item.attempts}});
    }
    const Millis at = std::min(now_ms() + 2 * kLookAgain, sent_at + settle_time());
    note(store_.retry(item.number, at, result, true, false), item, "waiting", result.text);
  }

  void send(const std::vector<const Item*>& items) {
    const Millis begun = now_ms();
    const auto made = sender_.send(items);
    std::vector<Store::Done> done;
    for (std::size_t i = 0; i < items.size(); ++i)
      if (made[i]) done.emplace_back(items[i]->number, outcome(begun, Error{}, *made[i]));
    const Status closed = done.empty() ? Status() : store_.done(done);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = *items[i];
      if (made[i]) {
        const bool is_over = closed || closed.error().kind == ErrorKind::storage;
        const Status own =
            is_over ? closed : store_.done(item.number, outcome(begun, {}, *made[i]));
        note(own, item, kDone, *made[i]);
      } else if (made[i].error().verdict == Verdict::permanent) {
        give_up(item, outcome(begun, made[i].error().error, ""), false);
      } else {
        const bool unsure = made[i].error().verdict == Verdict::look;
        Value progress =
            Value::map({{kSentAt, begun}, {kAnswered, !may_still_run(made[i].error())}});
        postpone(item, begun, made[i].error(), unsure, unsure ? std::move(progress) : Value());
      }
    }
  }

  void postpone(const Item& item, Millis begun, const CallError& error, bool unsure,
                Value progress) {
    const bool is_over = now_ms() > item.received_at + sender_.settings()->delivery.give_up;
    const bool tried = error.error.code != "gate";
    Outcome result = outcome(begun, error.error, "");
    if (!progress.is_null()) {
      progress.set(kAttempt, item.attempts + (is_over || tried ? 1 : 0));
      result.progress = std::move(progress);
    }
    if (is_over) return give_up(item, result, unsure);
    Millis at = now_ms() + (tried ? backoff(item.attempts + 1) : 0);
    if (unsure && item.attempts == 0) at = now_ms() + kLookAgain;
    at = std::max(at, error.retry_at);
    const char* what = !tried ? "waiting" : unsure ? "outcome unknown" : "postponed";
    note(store_.retry(item.number, at, result, unsure, tried), item, what, result.text);
  }

  void give_up(const Item& item, const Outcome& result, bool unsure) {
    note(store_.fail(item.number, result, unsure), item, "failed", result.text);
  }

  Outcome outcome(Millis begun, const Error& error, std::string result) const {
    Outcome out;
    out.destination = sender_.destination();
    out.took = now_ms() - begun;
    out.code = error.code;
    out.text = secret::mask(error.cause);
    out.result = std::move(result);
    return out;
  }
  Millis settle_time() const { return sender_.settings()->delivery.settle; }

  // What could not be written down is later (Store::done), or the item is looked up after this
  // process's end: nothing is lost or doubled.
  void note(const Status& status, const Item& item, std::string_view what, std::string_view text) {
    if (!status) log_.error("delivery", status.error());
    const bool is_saved = status && (what == kDone || what == kFound);
    finished_.emplace_back(item.id, is_saved ? std::string(text) : "");
    if (what == "waiting") return;
    log_.write(what == "failed" ? Log::Level::error : Log::Level::info, "delivery",
               Value::map({{"lead", item.id}, {"outcome", what}, {"detail", text}}));
  }

  Store& store_;
  LeadSender& sender_;
  Log& log_;
  std::vector<Delivery::Finished> finished_;
};

}  // namespace

Delivery::Delivery(AppSource& app, StoreSource& stores, GateSource& gates, FormSource& forms)
    : app_(app),
      stores_(stores),
      gates_(gates),
      forms_(forms),
      held_([&gates](const std::string& destination) -> Millis {
        if (!destination.empty()) return gates.held_back(destination);
        const auto gate = gates.current();  // an older store does not say where its leads go
        return gate ? (*gate)->held_back((*gate)->portal()) : 0;
      }),
      loop_(
          app, stores, Kind::lead, held_,
          [this](std::stop_token stop) { return make_pass(std::move(stop)); },
          [](const App& app_now, Store& store) {
            notify_owner(app_now, store);
            look_after_events(app_now,
                              store);  // the receiver is silent, too, when it is not called
          }) {}

void Delivery::work(std::stop_token stop) {
  Result<App> app = app_.current();
  loop_.work(std::move(stop), app ? app->settings->delivery.threads : 1);
}

WorkLoop::Pass Delivery::make_pass(std::stop_token stop) {
  // The senders, by portal, keep their connections from pass to pass, and go when the settings
  // change.
  return [this, stop,
          senders = std::map<std::string, std::shared_ptr<LeadSender>>()]() mutable -> Result<int> {
    Result<App> app = app_.current();
    if (!app) return std::unexpected(app.error());
    Result<std::shared_ptr<Store>> store = stores_.current();
    if (!store) return std::unexpected(store.error());
    const Result<std::shared_ptr<Gate>> gate = gates_.current();
    if (!gate) return std::unexpected(gate.error());
    Result<std::vector<Item>> items = (*store)->claim(Kind::lead, kAtOnce, held_);
    if (!items) return std::unexpected(items.error());
    std::map<std::string, std::vector<Item>> by_portal;
    for (Item& item : *items) {
      if (is_complete(*app, **store, item))
        by_portal[item.payload["portal"].text()].push_back(item);
    }
    // Side by side: no portal's leads wait for another that is slow.
    std::vector<std::jthread> others;
    for (const auto& [portal, own] : by_portal) {
      std::shared_ptr<LeadSender>& sender = senders[portal];
      if (!sender || sender->settings() != app->settings) {
        sender = std::make_shared<LeadSender>(app->settings, gates_.current(portal).value_or(*gate),
                                              stop, portal);
      }
      const auto deliver = [this, &store, &app, &own, &sender] {
        deliver_all(**store, *sender, *app->log, own);
      };
      const bool is_last = &own == &by_portal.rbegin()->second;
      if (is_last || !started(others, deliver)) deliver();
    }
    return static_cast<int>(items->size());
  };
}

// Made now of what was kept; or put back.
bool Delivery::is_complete(const App& app, Store& store, Item& item) {
  if (item.payload.find("record") == nullptr) return true;
  const Result<std::shared_ptr<const Forms>> forms = forms_.current(app);
  Result<Value> payload =
      forms ? payload_of_record(**forms, item, *app.settings) : std::unexpected(forms.error());
  if (payload) {
    item.payload = *std::move(payload);
    return true;
  }
  const Outcome outcome{.code = payload.error().code, .text = payload.error().cause};
  const Status kept =
      store.retry(item.number, now_ms() + backoff(item.attempts + 1), outcome, item.unsure);
  app.log->error_bounded("delivery", kept ? payload.error() : kept.error());
  const Finished over{item.id, ""};
  finished({&over, 1});
  return false;
}

void Delivery::deliver_all(Store& store, LeadSender& sender, Log& log,
                           const std::vector<Item>& items) {
  LeadPass pass(store, sender, log);
  try {
    pass.run(items);
    finished(pass.finished());
    sender.send_traces();
  } catch (const std::exception& fault) {
    pass.break_off(items, fault.what());
    finished(pass.finished());
  }
}

// Woken when the lock is free, or each would wait for it at once.
void Delivery::finished(std::span<const Finished> leads) {
  std::vector<std::shared_ptr<Waiting>> woken;
  {
    const std::lock_guard lock(mutex_);
    for (const Finished& lead : leads) {
      const auto [first, last] = waiting_.equal_range(lead.id);
      for (auto each = first; each != last; ++each) {
        each->second->over = true;
        each->second->number = lead.number;
        woken.push_back(each->second);
      }
    }
  }
  for (const auto& each : woken) each->wake.notify_one();
}

Result<std::optional<Item>> Delivery::wait(const std::string& id, Millis limit,
                                           const std::function<void()>& begin) {
  Result<std::shared_ptr<Store>> store = stores_.current();
  if (!store) return std::unexpected(store.error());
  const Millis begun_at = steady_ms();
  const Millis deadline = begun_at + limit;
  std::optional<Result<std::shared_ptr<Gate>>> gate;  // of the lead's portal
  const auto self = std::make_shared<Waiting>();
  std::unique_lock lock(mutex_);
  const auto place = waiting_.emplace(id, self);
  for (bool begun = false;; begun = true) {
    self->over = false;
    lock.unlock();
    Result<std::optional<Item>> item = (*store)->find(Kind::lead, id);
    const bool pending = item && *item && (*item)->state == State::pending;
    if (pending && !begun) begin();
    if (pending && !gate) gate = gates_.current((*item)->payload["portal"].text());
    // Nobody waits for what cannot come: the portal is down, or refuses us.
    const bool closed = pending && *gate && (**gate)->is_open(kSecond);
    lock.lock();
    if (!pending || closed || steady_ms() >= deadline) {
      waiting_.erase(place);
      return item;
    }
    // In a server the thread that sends tells; another process's work has to be looked for.
    const Millis now = steady_ms();
    const Millis poll =
        app_.mode() == Mode::fastcgi ? kPollServer : std::max(kPoll, (now - begun_at) / 8);
    self->wake.wait_for(lock, std::chrono::milliseconds(std::min(poll, deadline - now)),
                        [&] { return self->over; });
    if (!self->number.empty()) {
      waiting_.erase(place);
      (*item)->state = State::done;
      (*item)->result = self->number;
      return item;
    }
  }
}

}  // namespace b24
