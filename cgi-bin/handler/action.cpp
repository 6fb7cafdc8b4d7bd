// action: see action.h.
#include "action.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <span>
#include <utility>

#include "base/exec.h"
#include "base/secret.h"
#include "base/text.h"
#include "value/json.h"
#include "value/mask.h"
#include "value/php.h"

namespace b24 {
namespace {

using Step = std::expected<void, ActionFailure> (*)(const ActionSettings&, const Item&,
                                                    Value& progress, const ActionTools&);

// The last words of methods that may be called twice: they read, or they set something to a value.
// Any other call whose outcome is unknown (an "add") is left to the owner, since a second one could
// make a second deal.
constexpr std::string_view kReading[] = {"get", "list", "fields", "current", "time", "profile"};
constexpr std::string_view kSetting[] = {"update", "set", "delete"};

constexpr Millis kLongestTurn = 2'000;
constexpr int kMostTurns = 10;

bool ends_with_one(std::string_view method, std::span<const std::string_view> words) {
  return std::ranges::find(words, method.substr(method.rfind('.') + 1)) != words.end();
}
bool is_reading(std::string_view method) {
  return ends_with_one(method, kReading);
}
bool is_repeatable(std::string_view method) {
  return is_reading(method) || ends_with_one(method, kSetting);
}

// False when a stop was asked for.
bool sleep_for(Millis time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, std::chrono::milliseconds(time), [] { return false; });
  return !stop.stop_requested();
}

Value fill_in_values(const Value& value, const Value& event, const Value& result) {
  if (!value.is_array()) return fill_in(value.text(), event, result);
  Value filled = Value::array();
  for (const Value::Member& member : value.members())
    filled.set(member.key, fill_in_values(member.value, event, result));
  return filled;
}

// Calls, and waits for a place in the portal's bucket that is soon free: otherwise each of a
// thousand events would be taken up and put back again and again while the one before it is called.
CallResult call_in_turn(const std::string& method, const Value& params, const std::string& key,
                        const ActionTools& tools) {
  auto answer = tools.webhook.call(method, params, key);
  for (int turn = 0; turn < kMostTurns; ++turn) {
    if (answer || answer.error().error.code != "gate") break;
    const Millis wait = answer.error().retry_at - now_ms();
    if (wait > kLongestTurn || !sleep_for(wait, tools.stop)) break;
    answer = tools.webhook.call(method, params, key);
  }
  return answer;
}

ActionFailure loop_failure(const ActionSettings& action, const Item& event, Millis until) {
  return {.error =
              {ErrorKind::input, "loop",
               "[on " + name_of(action) + "] call: it changes " + event.object +
                   ", hears of that and changes it again; it rests until " + iso_time(until),
               "let its filter leave out what it has done itself; the limit: [handler] loop_limit"},
          .retry_at = until};
}

std::expected<void, ActionFailure> call(const ActionSettings& action, const Item& event,
                                        Value& progress, const ActionTools& tools) {
  const std::size_t question = action.call.find('?');
  const std::string method = action.call.substr(0, question);
  const bool is_safe = is_repeatable(method) || tools.webhook.is_idempotent(method);
  if (event.unsure && !is_safe) {
    return std::unexpected(ActionFailure{
        {ErrorKind::portal, "outcome_unknown",
         "[on " + action.event + "] call: " + method + " may have been done before a crash",
         "look in the portal whether it was done, and repeat the event by hand if not"},
        true});
  }
  Value params = Value::array();
  if (question != std::string::npos) {
    const auto parsed = php::parse_query(action.call.substr(question + 1));
    if (parsed) params = fill_in_values(*parsed, event.payload, Value());
  }
  const bool may_loop = tools.store != nullptr && !is_reading(method) && !event.object.empty();
  if (may_loop) {
    const Millis until = stop_loop(*tools.store, *tools.settings, name_of(action), event);
    if (until != 0) return std::unexpected(loop_failure(action, event, until));
  }
  const Millis begun = now_ms();
  // Of this event and section: the same again is done once.
  const std::string key =
      secret::hex(secret::sha256(event.id + "\n" + name_of(action))).substr(0, 32);
  const auto answer = call_in_turn(method, params, is_reading(method) ? "" : key, tools);
  if (!answer) {
    const CallError& error = answer.error();
    const bool unsafe = error.verdict == Verdict::look && !is_repeatable(method) &&
                        !tools.webhook.is_idempotent(method);
    return std::unexpected(ActionFailure{error.error, error.verdict == Verdict::permanent || unsafe,
                                         error.error.code != "gate", error.retry_at,
                                         tools.webhook.portal()});
  }
  tools.log.write(
      Log::Level::info, "action",
      Value::map({{"event", event.name},
                  {"item", event.number},
                  {"call", method},
                  {"result", json::print(secret::mask_tree(answer->result)).substr(0, 2000)}}));
  if (may_loop) note_change(*tools.store, *tools.settings, name_of(action), event, begun);
  // Null would say that it has not been done.
  progress.set("call", answer->result.is_null() ? Value("") : answer->result);
  return {};
}

// A receiver that is down is tried as one thing, not once for each event.
std::expected<HttpAnswer, ActionFailure> send_in_turn(const HttpRequest& request,
                                                      const ActionTools& tools) {
  const std::string host = Http::origin(request.url);
  if (const Millis wait = tools.gate != nullptr ? tools.gate->ask(host) : 0; wait > 0) {
    return std::unexpected(ActionFailure{
        .error = {ErrorKind::network, "gate", host + " is down and is not tried now", ""},
        .tried = false,
        .retry_at = now_ms() + wait,
        .destination = host});
  }
  auto answer = tools.http.send(request);
  if (tools.gate != nullptr) {
    const std::string code = !answer                 ? answer.error().error.code
                             : answer->status >= 500 ? std::to_string(answer->status)
                                                     : "";
    tools.gate->report(host, code);
  }
  if (!answer)
    return std::unexpected(ActionFailure{.error = answer.error().error, .destination = host});
  return *std::move(answer);
}

std::expected<void, ActionFailure> forward(const ActionSettings& action, const Item& event,
                                           Value& progress, const ActionTools& tools) {
  const Value body = handed_over(event, progress["call"]);
  HttpRequest request;
  request.url = action.forward;
  if (action.forward_as == "form") {
    request.body = php::build_query(body);
  } else {
    request.content_type = "application/json";
    request.body = json::print(body);
  }
  if (!action.forward_secret.empty()) {
    request.headers = signature_headers(action.forward_secret, event.id, now_ms(), request.body);
  }
  const auto answer = send_in_turn(request, tools);
  if (!answer) return std::unexpected(answer.error());
  if (answer->status < 200 || answer->status > 299) {
    const std::string cause =
        "[on " + action.event + "] forward: answered with status " + std::to_string(answer->status);
    // 410: the receiver is gone for good; so says Standard Webhooks.
    return std::unexpected(ActionFailure{{ErrorKind::network, "forward_refused", cause,
                                          "look at the receiver, or mend [on] forward"},
                                         answer->status == 410});
  }
  progress.set("forward", true);
  return {};
}

std::expected<void, ActionFailure> exec(const ActionSettings& action, const Item& event,
                                        Value& progress, const ActionTools& tools) {
  ProgramRun run;
  for (const std::string& argument : text::split(action.exec, " \t")) {
    run.arguments.push_back(
        run.arguments.empty() ? argument : fill_in(argument, event.payload, progress["call"]));
    // What somebody writes into the portal must not become an option of the owner's program.
    if (run.arguments.back().starts_with('-') && !argument.starts_with('-')) {
      return std::unexpected(ActionFailure{
          {ErrorKind::input, "exec_argument",
           "[on " + name_of(action) + "] exec: " + argument + " would begin with a dash",
           "write the dash yourself, as in --title=" + argument + ", or read it from the input"},
          true});
    }
  }
  run.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                     "B24_EVENT=" + text::for_log(event.name),
                     "B24_ID=" + text::for_log(event.payload.path("data.FIELDS.ID").text()),
                     "B24_ITEM=" + std::to_string(event.number)};
  run.input = json::print(handed_over(event, progress["call"])) + "\n";
  run.time_limit = action.exec_time;
  run.stop = tools.stop;
  const Result<ProgramResult> result = run_program(run);
  if (!result) return std::unexpected(ActionFailure{result.error()});
  if (result->stopped) {
    return std::unexpected(ActionFailure{
        .error = {ErrorKind::input, "stopped", run.arguments[0] + " was ended by a restart", ""},
        .tried = false});
  }
  tools.log.write(Log::Level::info, "action",
                  Value::map({{"event", event.name},
                              {"item", event.number},
                              {"exec", run.arguments[0]},
                              {"exit_code", result->exit_code},
                              {"output", result->output.substr(0, 2000)}}));
  if (result->timed_out || result->exit_code != 0) {
    const std::string how = result->timed_out ? "did not end in time"
                                              : "ended with " + std::to_string(result->exit_code);
    return std::unexpected(
        ActionFailure{{ErrorKind::input, "exec_failed",
                       run.arguments[0] + " " + how + ": " + text::for_log(result->output, 200),
                       "run it by hand with the event on its input"}});
  }
  progress.set("exec", true);
  return {};
}

struct StepRow {
  const char* name;
  std::string ActionSettings::*setting;
  Step run;
};
constexpr StepRow kSteps[] = {
    {"call", &ActionSettings::call, call},
    {"forward", &ActionSettings::forward, forward},
    {"exec", &ActionSettings::exec, exec},
};

// A filter that names the call's result can only be asked once there is one.
bool needs_result(std::string_view filter) {
  return filter.starts_with("result");
}

}  // namespace

bool applies(const ActionSettings& action, std::string_view event) {
  return action.event == "*" || text::equal_ignoring_case(action.event, event);
}

bool any_applies(const std::vector<ActionSettings>& actions, std::string_view event) {
  return std::ranges::any_of(actions,
                             [&](const ActionSettings& action) { return applies(action, event); });
}

std::string portal_for(const ActionSettings& action, const Settings& settings, const Value& event) {
  if (!action.portal.empty()) return action.portal;
  const std::string domain = event.path("auth.domain").text();
  for (const PortalSettings& portal : settings.portals)
    if (Webhook::is_at(portal.webhook, domain)) return portal.name;
  return {};
}

std::string first_destination(const Settings& settings, std::string_view event,
                              const Value& params) {
  for (const ActionSettings& action : settings.actions) {
    if (!applies(action, event)) continue;
    if (!needs_result(action.filter) && !passes(action.filter, params, Value())) continue;
    if (!action.call.empty())
      return Webhook::portal_of(called_portal(settings, portal_for(action, settings, params)).url);
    return action.forward.empty() ? "" : Http::origin(action.forward);
  }
  return {};
}

std::expected<void, ActionFailure> run_action(const ActionSettings& action, const Item& event,
                                              Value& progress, const ActionTools& tools) {
  const bool late_filter = needs_result(action.filter);
  if (!late_filter && !passes(action.filter, event.payload, Value())) return {};
  for (const StepRow& step : kSteps) {
    if ((action.*step.setting).empty()) continue;
    const bool after_call = std::string_view(step.name) != "call";
    if (after_call && late_filter && !passes(action.filter, event.payload, progress["call"])) {
      return {};
    }
    if (!progress[step.name].is_null()) continue;
    if (auto done = step.run(action, event, progress, tools); !done) return done;
  }
  return {};
}

std::string fill_in(std::string_view text, const Value& event, const Value& result) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) break;
    filled += text.substr(0, open);
    const std::string_view name = text.substr(open + 1, close - open - 1);
    if (name == "result") {
      filled += result.text();
    } else if (name.starts_with("result.")) {
      filled += result.path(name.substr(7)).text();
    } else {
      filled += event.path(name).text();
    }
    text.remove_prefix(close + 1);
  }
  return filled + std::string(text);
}

bool passes(std::string_view filter, const Value& event, const Value& result) {
  if (filter.empty()) return true;
  const std::size_t equals = filter.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  const bool negated = filter[equals - 1] == '!';
  const std::string_view name = text::trim(filter.substr(0, negated ? equals - 1 : equals));
  const std::string_view wanted = text::trim(filter.substr(equals + 1));
  const std::string given = fill_in("{" + std::string(name) + "}", event, result);
  return (given == wanted) != negated;
}

Value handed_over(const Item& event, const Value& result) {
  return Value::map({{"id", event.id},
                     {"event", event.name},
                     {"received_at", iso_time(event.received_at)},
                     {"data", event.payload},
                     {"result", result}});
}

std::vector<std::string> signature_headers(std::string_view secret, std::string_view id, Millis at,
                                           std::string_view body) {
  constexpr std::string_view kPrefix = "whsec_";
  const std::string key = secret.starts_with(kPrefix)
                              ? secret::decode_base64(secret.substr(kPrefix.size()))
                              : std::string(secret);
  const std::string timestamp = std::to_string(at / 1000);
  const std::string signed_text = std::string(id) + "." + timestamp + "." + std::string(body);
  return {"webhook-id: " + std::string(id), "webhook-timestamp: " + timestamp,
          "webhook-signature: v1," + secret::base64(secret::hmac_sha256(key, signed_text))};
}

}  // namespace b24
