// event: an outbound webhook's call as the store keeps it, and whether it is really from the
// portal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "hook_log.h"
#include "keep/journal.h"
#include "keep/store.h"
#include "settings/app.h"
#include "settings/settings.h"
#include "value/value.h"
#include "web/request.h"

namespace b24 {

// robot: wrong, and called by the "Outgoing webhook" of a robot or business process (robot.h).
enum class TokenCheck { right, wrong, robot, not_configured };

// auth[application_token] is the only proof that the portal is calling. Compared in constant time
// with every token of every [portal]; where that section names a member_id or a domain,
// auth[member_id] and auth[domain] must be the same; where it names no domain, auth[domain] must
// not be the host of another's webhook.
TokenCheck verify(const Value& params, const Settings& settings);
// What the owner has to set when verify says not_configured.
Error no_token_error(const Settings& settings);

// Whether the sender's address (trusted proxies respected) is in handler.allow or the list in
// handler.allow_file; true when neither is set. An unreadable list is an Error: nobody is let in.
Result<bool> sender_allowed(const Request& request, const Settings& settings);

// What the owner may set to accept what was refused with this code (wrong_token,
// address_not_allowed, robot). A wrong token is never repeated in it.
std::string remedy_for(std::string_view code, const Request& request, const Settings& settings);

// The request as the journal keeps it, under an id of its own: the portal never sends an event
// twice, and two that are equal are two.
// `robot`: the one that calls, or null.
Record make_record(const Request& request, Millis received_at,
                   const RobotSettings* robot = nullptr);

// The item of a record for the store: the parameters (secrets masked unless handler.mask_secrets =
// no), named by the event, ordered by the object that it is about; pending when an action follows
// it, else done. `seen`: an earlier store had it, so nothing follows it again. One that had to wait
// for the store for over an hour is unsure: the store may be an older one.
NewItem make_event(const Record& record, const Settings& settings, bool seen = false,
                   Millis now = now_ms());
// The same as the ingester asks for it.
Result<NewItem> event_of(const App& app, const Record& record, bool seen);

// hook.log, hook.jsonl unless handler.json_log = no, and what learns the events' rhythm.
std::vector<std::unique_ptr<Follower>> event_followers(const App& app);

}  // namespace b24
