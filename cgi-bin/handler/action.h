// action: what an owner lets follow an event: one [on EVENT] section: filter, then call, changed,
// forward, exec, mail, append. Names in its texts: action_text.h.
#pragma once

#include <expected>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "action_text.h"
#include "base/clock.h"
#include "base/error.h"
#include "event_watch.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "portal/http.h"
#include "portal/webhook.h"
#include "prepared.h"
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

class ReadAhead;

// What actions are run with. One thread at a time.
struct ActionTools {
  const Settings& settings;
  Webhook& webhook;
  Http& http;  // for forwarding
  Gate& gate;  // asked before that
  Log& log;
  Store& store;
  ReadAhead& read_ahead;
  std::stop_token stop = {};  // ends a program that runs
};

bool applies(const ActionSettings& action, std::string_view event);
bool any_applies(const std::vector<ActionSettings>& actions, std::string_view event);

// The portal that a section calls, by its name (called_portal): the one that it names, else
// the one that the event is from (by the host that it says; verify has seen that it says no
// other's) as far as that has a webhook, else the one without a name.
std::string portal_for(const ActionSettings& action, const Settings& settings, const Value& event);

// Where the first step goes that follows an event: a portal, or a host; empty: nowhere.
std::string first_destination(const Settings& settings, std::string_view event,
                              const Value& params);

// Runs what the section asks for and `progress` does not have as done; notes in `progress` what was
// done, also when it fails then:
//   {"call": the result, "old": the fields of `changed` before, "forward": true, "exec": true, ...}
std::expected<void, ActionFailure> run_action(const ActionSettings& action, const Item& event,
                                              Value& progress, const ActionTools& tools);

// Whether the event itself passes the section's filter, as far as that can be said without a call.
bool is_wanted(const ActionSettings& action, const Value& event);
// Whether a step was done, by the section's part of the progress.
bool has_begun(const Value& own);
// Why what comes after the call is not done, by the filter and by `changed`; empty: it is done.
std::string why_not(const ActionSettings& action, const Item& event, const Value& progress);

// Under which the store keeps what a section has seen of an object; what is new to keep with the
// end of an event (Outcome::facts).
std::string seen_key(const ActionSettings& action, const Item& event);
std::vector<std::pair<std::string, std::string>> newly_seen(
    const std::vector<ActionSettings>& actions, const Item& event, const Value& progress);

}  // namespace b24
