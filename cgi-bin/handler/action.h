// action: what an owner lets follow an event: one [on EVENT] section: filter, then call, forward,
// exec.
//
// Values of the event are named by dotted paths, {data.FIELDS.ID}; {event}; and {result...} is what
// the latest call answered. A name that is not there is empty. They are put in after the call's
// query has been parsed and the program's arguments have been split, so that no value can add a
// parameter or an argument.
#pragma once

#include <expected>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "event_watch.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "portal/http.h"
#include "portal/webhook.h"
#include "settings/log.h"
#include "settings/settings.h"

namespace b24 {

struct ActionFailure {
  Error error;
  bool permanent = false;  // trying again would not help, or could do it twice
  bool tried = true;       // false: the gate said "wait", or a stop was asked for
  Millis retry_at = 0;     // not before; 0: the caller's own schedule
  std::string destination =
      {};  // what failed to get through: the portal, or a host; empty: nothing
};

// What actions are run with. One thread at a time.
struct ActionTools {
  Webhook& webhook;
  Http& http;  // for forwarding
  Log& log;
  std::stop_token stop = {};  // ends a program that runs
  Gate* gate = nullptr;       // asked before forwarding; null: never held back (tests)
  Store* store = nullptr;     // where loops are counted; null: nowhere
  const HandlerSettings* settings = nullptr;
};

bool applies(const ActionSettings& action, std::string_view event);
bool any_applies(const std::vector<ActionSettings>& actions, std::string_view event);

// The portal that a section calls, by its name (settings/portals.h): the one that it names, else
// the one that the event is from (by the host that it says; verify has seen that it says no
// other's) as far as that has a webhook, else the one without a name.
std::string portal_for(const ActionSettings& action, const Settings& settings, const Value& event);

// Where the first step goes that follows an event: a portal, or a host; empty: nowhere.
std::string first_destination(const Settings& settings, std::string_view event,
                              const Value& params);

// Runs what the section asks for and `progress` does not have as done; notes in `progress` what was
// done, also when it fails then:
//   {"call": the result, "forward": true, "exec": true}
std::expected<void, ActionFailure> run_action(const ActionSettings& action, const Item& event,
                                              Value& progress, const ActionTools& tools);

// The parts, for tests and for the self-check.
std::string fill_in(std::string_view text, const Value& event, const Value& result);
bool passes(std::string_view filter, const Value& event, const Value& result);
// What forward and exec hand over: {"id", "event", "received_at", "data": the parameters,
// "result"}.
Value handed_over(const Item& event, const Value& result);
// The headers of Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature ("v1," +
// base64 of HMAC-SHA256 over "id.timestamp.body").
std::vector<std::string> signature_headers(std::string_view secret, std::string_view id, Millis at,
                                           std::string_view body);

}  // namespace b24
