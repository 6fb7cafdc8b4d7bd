// action: see action.h.
#include "action.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <span>
#include <utility>

#include "base/exec.h"
#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"
#include "prepared.h"
#include "read_ahead.h"
#include "value/json.h"
#include "value/value.h"

namespace b24 {
namespace {

using Run = std::expected<void, ActionFailure> (*)(const ActionSettings&, const Item&,
                                                   Value& progress, const ActionTools&);

// The last words of methods that may be called twice: they read, or they set something to a value.
// Any other call whose outcome is unknown (an "add") is left to the owner, since a second one could
// make a second deal.
constexpr std::string_view kReading[] = {"get", "list", "fields", "current", "time", "profile"};
constexpr std::string_view kSetting[] = {"update", "set", "delete"};

constexpr std::streamoff kRowsLookedAt = 4 << 20;  // bytes

bool ends_with_one(std::string_view method, std::span<const std::string_view> words) {
  return std::ranges::find(words, method.substr(method.rfind('.') + 1)) != words.end();
}
bool is_reading(std::string_view method) {
  return ends_with_one(method, kReading);
}
bool is_repeatable(std::string_view method) {
  return is_reading(method) || ends_with_one(method, kSetting);
}

CallResult call_portal(const ActionSettings& action, const Item& event, const ActionTools& tools) {
  const auto [name, method, params] = call_of(action, event);
  // Of this event and section: the same again is done once.
  const std::string key =
      is_reading(method)
          ? ""
          : secret::hex(secret::sha256(event.id + "\n" + name_of(action))).substr(0, 32);
  std::optional<CallResult> read;
  // A batch is of the classic address.
  if (is_reading(method) && !tools.webhook.is_idempotent(method))
    read = tools.read_ahead.call(action, event, tools.store, tools.webhook);
  return read ? *std::move(read) : tools.webhook.call_where_it_is(method, params, key);
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
  const std::string method = action.call.substr(0, action.call.find('?'));
  const bool is_safe = is_repeatable(method) || tools.webhook.is_idempotent(method);
  if (event.unsure && !is_safe) {
    return std::unexpected(ActionFailure{
        {ErrorKind::portal, "outcome_unknown",
         "[on " + action.event + "] call: " + method + " may have been done before a crash",
         "look in the portal whether it was done, and repeat the event by hand if not"},
        true});
  }
  const bool may_loop = !is_reading(method) && !event.object.empty();
  if (may_loop) {
    const Millis until = stop_loop(tools.store, tools.settings.handler, name_of(action), event);
    if (until != 0) return std::unexpected(loop_failure(action, event, until));
  }
  const Millis begun = now_ms();
  const auto answer = call_portal(action, event, tools);
  if (!answer) {
    const CallError& error = answer.error();
    const bool unsafe = error.verdict == Verdict::look && !is_repeatable(method) &&
                        !tools.webhook.is_idempotent(method);
    return std::unexpected(ActionFailure{error.error, error.verdict == Verdict::permanent || unsafe,
                                         error.error.code != "gate", error.retry_at,
                                         tools.webhook.portal()});
  }
  tools.log.write(Log::Level::info, "action",
                  Value::map({{"event", event.name},
                              {"item", event.number},
                              {"call", method},
                              {"result", json::print(mask_tree(answer->result)).substr(0, 2000)}}));
  if (may_loop) note_change(tools.store, tools.settings.handler, name_of(action), event, begun);
  // Null would say that it has not been done.
  progress.set("call", answer->result.is_null() ? Value("") : answer->result);
  return {};
}

// A receiver that is down is tried as one thing, not once for each event.
std::expected<HttpAnswer, ActionFailure> send_in_turn(const HttpRequest& request,
                                                      const ActionTools& tools) {
  const std::string host = Http::origin(request.url);
  if (const Millis wait = tools.gate.ask(host); wait > 0) {
    return std::unexpected(ActionFailure{
        .error = {ErrorKind::network, "gate", host + " is down and is not tried now", ""},
        .tried = false,
        .retry_at = now_ms() + wait,
        .destination = host});
  }
  auto answer = tools.http.send(request);
  tools.gate.report(host, !answer                 ? answer.error().error.code
                          : answer->status >= 500 ? std::to_string(answer->status)
                                                  : "");
  if (!answer)
    return std::unexpected(ActionFailure{.error = answer.error().error, .destination = host});
  return *std::move(answer);
}

std::expected<void, ActionFailure> forward(const ActionSettings& action, const Item& event,
                                           Value& progress, const ActionTools& tools) {
  Result<HttpRequest> made = request_of(action, event, progress);
  if (!made) return std::unexpected(ActionFailure{made.error(), true});
  HttpRequest& request = *made;
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
  Result<ProgramRun> made = program_of(action, event, progress);
  if (!made) return std::unexpected(ActionFailure{made.error(), true});
  ProgramRun& run = *made;
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

// By the program of [notify] sendmail, to the section's own addresses.
std::expected<void, ActionFailure> mail(const ActionSettings& action, const Item& event,
                                        Value& progress, const ActionTools& tools) {
  const Result<Mail> made = mail_of(action, event, progress);
  if (!made) return std::unexpected(ActionFailure{made.error(), true});
  NotifySettings way;
  way.mail = action.mail;
  way.sendmail = tools.settings.notify.sendmail;
  if (const Status sent = send_notice(way, *made); !sent)
    return std::unexpected(ActionFailure{sent.error()});
  progress.set("mail", true);
  return {};
}

// Whether the end of the file has the event's row already.
bool has_row(const std::filesystem::path& file, const Item& event) {
  std::ifstream from(file);
  from.seekg(0, std::ios::end);
  from.seekg(std::max<std::streamoff>(0, std::streamoff(from.tellg()) - kRowsLookedAt));
  const std::string end(std::istreambuf_iterator<char>(from), {});
  return ("\n" + end).contains("\n" + text::csv_cell(event.id) + ",");
}

std::expected<void, ActionFailure> append(const ActionSettings& action, const Item& event,
                                          Value& progress, const ActionTools&) {
  // A process that died may have written it and not said so.
  if (!event.unsure || !has_row(action.append, event)) {
    const Status kept =
        append_entry(action.append, row_of(action, event, progress), {0, 0}, heading_of(action));
    if (!kept) return std::unexpected(ActionFailure{kept.error()});
    const auto file = open_private(action.append);
    const Status synced = file ? sync_file(*file, action.append) : std::unexpected(file.error());
    if (!synced) return std::unexpected(ActionFailure{synced.error()});
  }
  progress.set("append", true);
  return {};
}

// In the order of steps().
constexpr Run kRuns[] = {call, forward, exec, mail, append};

// What the fields of `changed` were, as the last event of the object left them.
Status recall_old(const ActionSettings& action, const Item& event, Value& progress,
                  const ActionTools& tools) {
  if (action.changed.empty() || progress["call"].is_null() || !progress["old"].is_null()) return {};
  progress.set("old", Value::array());
  if (event.object.empty()) return {};
  const auto fact = tools.store.recall(seen_key(action, event));
  if (!fact) return std::unexpected(fact.error());
  progress.set(
      "old",
      json::parse(fact->substr(std::min(fact->find(' '), fact->size()))).value_or(Value::array()));
  return {};
}

}  // namespace

bool applies(const ActionSettings& action, std::string_view event) {
  return action.event == "*" || text::equal_ignoring_case(action.event, event);
}

bool is_wanted(const ActionSettings& action, const Value& event) {
  return needs_result(action.filter) || passes(action.filter, event, Value());
}

bool has_begun(const Value& own) {
  return std::ranges::any_of(steps(), [&](const Step& step) { return !own[step.name].is_null(); });
}

bool any_applies(const std::vector<ActionSettings>& actions, std::string_view event) {
  return std::ranges::any_of(actions,
                             [&](const ActionSettings& action) { return applies(action, event); });
}

std::string portal_for(const ActionSettings& action, const Settings& settings, const Value& event) {
  if (!action.portal.empty()) return action.portal;
  const std::string domain = event.path("auth.domain").text();
  for (const CalledPortal& portal : called_portals(settings))
    if (Webhook::is_at(portal.url, domain)) return portal.name;
  return {};
}

std::string first_destination(const Settings& settings, std::string_view event,
                              const Value& params) {
  for (const ActionSettings& action : settings.actions) {
    if (!applies(action, event)) continue;
    if (!is_wanted(action, params)) continue;
    if (!action.call.empty())
      return Webhook::portal_of(called_portal(settings, portal_for(action, settings, params)).url);
    return action.forward.empty() ? "" : Http::origin(action.forward);
  }
  return {};
}

std::expected<void, ActionFailure> run_action(const ActionSettings& action, const Item& event,
                                              Value& progress, const ActionTools& tools) {
  if (!is_wanted(action, event.payload)) return {};
  const std::span<const Step> all = steps();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Step& step = all[i];
    if (!step.is_in(action)) continue;
    if (kRuns[i] != call) {
      if (const Status recalled = recall_old(action, event, progress, tools); !recalled)
        return std::unexpected(ActionFailure{.error = recalled.error(), .tried = false});
      if (!why_not(action, event, progress).empty()) return {};
    }
    if (!progress[step.name].is_null()) continue;
    if (auto done = kRuns[i](action, event, progress, tools); !done) return done;
  }
  return {};
}

std::string why_not(const ActionSettings& action, const Item& event, const Value& progress) {
  const Value more = more_of(action, progress);
  const auto now = [&](std::string_view name) {
    return text::for_log(
        fill_in("{" + std::string(name) + "}", event.payload, progress["call"], more), 100);
  };
  if (!passes(action.filter, event.payload, progress["call"], more)) {
    const std::string name(text::trim(action.filter.substr(0, action.filter.find_first_of("!="))));
    return "filter " + action.filter + ": it is \"" + now(name) + "\"";
  }
  if (!action.changed.empty() && action.call.empty()) return "changed: there is no call";
  if (has_changed(action, progress["old"], progress["call"])) return {};
  std::string same;
  for (const std::string& field : action.changed)
    same += " " + field + " (\"" + now("result." + field) + "\")";
  return "not changed:" + same;
}

std::string seen_key(const ActionSettings& action, const Item& event) {
  return std::string(Store::kSeen) + name_of(action) + " " + event.object;
}

std::vector<std::pair<std::string, std::string>> newly_seen(
    const std::vector<ActionSettings>& actions, const Item& event, const Value& progress) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const ActionSettings& action : actions) {
    const std::string section = name_of(action);
    const Value& own = progress[section];
    if (event.object.empty() || own["old"].is_null() || !event.progress[section]["old"].is_null())
      continue;
    facts.emplace_back(seen_key(action, event), std::to_string(now_ms()) + " " +
                                                    json::print(fields_of(action, own["call"])));
  }
  return facts;
}

}  // namespace b24
