// event_work: see event_work.h.
#include "event_work.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "action.h"
#include "base/secret.h"
#include "base/version.h"
#include "debounce.h"
#include "portal/http.h"
#include "read_ahead.h"

namespace b24 {
namespace {

constexpr Millis kForwardTime = 30'000;
// Without it each of a thousand events would be taken up and put back again and again while the one
// before it is called.
constexpr int kCallTurns = 10;

// What one thread needs to run actions; kept from pass to pass, gone when the settings change.
struct Tools {
  // The line to the portal of this name.
  Webhook& webhook(const std::string& portal) {
    std::optional<Line>& line = lines[portal];
    if (!line) {
      auto own = gates.current(portal);
      line.emplace(own ? *own : gate, *app.settings, portal);
      line->webhook.options().stop = http.options.stop;
      line->webhook.wait_for_place(kCallTurns);
    }
    return line->webhook;
  }

  struct Line {
    Line(std::shared_ptr<Gate> its_gate, const Settings& settings, const std::string& portal)
        : gate(std::move(its_gate)), webhook(settings, gate.get(), portal) {}
    std::shared_ptr<Gate> gate;
    Webhook webhook;
  };
  App app;
  std::shared_ptr<Store> store;
  ReadAhead& read_ahead;
  GateSource& gates;
  std::shared_ptr<Gate> gate;  // for what is forwarded
  Http http;
  std::map<std::string, std::optional<Line>> lines = {};
};

HttpOptions forward_options(const Settings& settings, const std::stop_token& stop) {
  HttpOptions options;
  options.total_time = kForwardTime;
  options.ca_file = settings.call.ca_file;
  options.user_agent = "b24hooks/" + std::string(kVersion);
  options.stop = stop;
  return options;
}

// One section, when it is its turn.
std::expected<void, ActionFailure> run_section(const ActionSettings& action, const Item& event,
                                               Value& own, Tools& tools) {
  const Result<Turn> turn = is_wanted(action, event.payload)
                                ? take_turn(action, event, own, *tools.store, now_ms())
                                : Turn{.runs = false};
  if (!turn) return std::unexpected(ActionFailure{.error = turn.error(), .tried = false});
  if (turn->wait_until != 0) {
    return std::unexpected(ActionFailure{.error = {ErrorKind::input, "debounce", "", ""},
                                         .tried = false,
                                         .retry_at = turn->wait_until});
  }
  if (!turn->runs) return {};
  const Settings& settings = *tools.app.settings;
  Webhook& webhook = tools.webhook(portal_for(action, settings, event.payload));
  return run_action(action, event, own,
                    {settings, webhook, tools.http, *tools.gate, *tools.app.log, *tools.store,
                     tools.read_ahead, tools.http.options.stop});
}

bool is_waiting(const ActionFailure& failure) {
  return failure.error.code == "loop" || failure.error.code == "debounce";
}

// Runs the actions of one event in the order of the file; stops at the first that fails. A section
// that rests or waits holds up no other.
std::expected<void, ActionFailure> run_actions(const Item& event, Value& progress, Tools& tools) {
  std::expected<void, ActionFailure> outcome;
  for (const ActionSettings& action : tools.app.settings->actions) {
    if (!applies(action, event.name)) continue;
    const std::string key = name_of(action);
    Value own = progress[key];
    auto done = run_section(action, event, own, tools);
    progress.set(key, own);
    if (!done && !is_waiting(done.error())) return done;
    if (!done && (outcome || done.error().retry_at < outcome.error().retry_at))
      outcome = std::move(done);
  }
  return outcome;
}

// An exception is one failed attempt whose outcome nobody knows, never the end of the process.
std::expected<void, ActionFailure> run_safely(const Item& event, Value& progress, Tools& tools) {
  try {
    return run_actions(event, progress, tools);
  } catch (const std::exception& fault) {
    return std::unexpected(
        ActionFailure{{ErrorKind::storage, "exception", fault.what(), ""}, true});
  }
}

Status close(Store& store, const Item& event, const Settings& settings, Millis begun,
             const std::expected<void, ActionFailure>& done, Value progress) {
  Outcome outcome;
  outcome.took = now_ms() - begun;
  outcome.facts = newly_seen(settings.actions, event, progress);
  outcome.progress = std::move(progress);
  if (done) return store.done(event.number, outcome);
  const ActionFailure& failure = done.error();
  outcome.code = failure.error.code;
  outcome.text = secret::mask(failure.error.cause);
  outcome.destination = failure.destination;
  const bool too_old = begun > event.received_at + settings.handler.give_up;
  if (failure.permanent || (too_old && failure.tried))
    return store.fail(event.number, outcome, event.unsure);
  const Millis own = failure.tried ? now_ms() + backoff(event.attempts + 1) : 0;
  return store.retry(event.number, std::max(own, failure.retry_at), outcome, event.unsure,
                     failure.tried);
}

struct EventPass {
  AppSource& apps;
  StoreSource& stores;
  GateSource& gates;
  const Store::Held held;
  const std::shared_ptr<ReadAhead> read_ahead;
  const std::stop_token stop;
  std::shared_ptr<Tools> tools = {};

  Result<int> operator()() {
    Result<App> app = apps.current();
    if (!app) return std::unexpected(app.error());
    Result<std::shared_ptr<Store>> store = stores.current();
    if (!store) return std::unexpected(store.error());
    Result<std::shared_ptr<Gate>> gate = gates.current();
    if (!gate) return std::unexpected(gate.error());
    // One at a time: what is claimed and not begun yet would be in doubt when the process dies.
    const Result<std::vector<Item>> events = (*store)->claim(Kind::event, 1, held);
    if (!events) return std::unexpected(events.error());
    if (events->empty()) return 0;
    const Item& event = events->front();
    // Made only now: it loads libcurl, which a receiver without actions never needs.
    if (!tools || tools->app.settings != app->settings || tools->store != *store) {
      tools = std::make_shared<Tools>(*app, *store, *read_ahead, gates, *gate,
                                      Http(forward_options(*app->settings, stop)));
    }
    Value progress = event.progress.is_array() ? event.progress : Value::array();
    const Millis begun = now_ms();
    const auto done = run_safely(event, progress, *tools);
    const Status closed = close(**store, event, *app->settings, begun, done, progress);
    if (!closed) app->log->error("action", closed.error());
    if (!done && done.error().tried) app->log->error("action", done.error().error);
    return 1;
  }
};

}  // namespace

WorkLoop event_work(AppSource& app, StoreSource& stores, GateSource& gates) {
  const Store::Held held = [&gates](const std::string& destination) {
    return gates.held_back(destination);
  };
  const auto make_pass = [&app, &stores, &gates, held,
                          read_ahead = std::make_shared<ReadAhead>()](std::stop_token stop) {
    return EventPass{app, stores, gates, held, read_ahead, std::move(stop)};
  };
  return WorkLoop(app, stores, Kind::event, held, make_pass, look_after_events);
}

}  // namespace b24
