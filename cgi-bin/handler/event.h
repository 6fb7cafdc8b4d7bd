// event: an outbound webhook's call as the store keeps it, and whether it is really from the
// portal.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "hook_log.h"
#include "keep/store.h"
#include "settings/settings.h"
#include "value/value.h"
#include "web/request.h"

namespace b24 {

enum class TokenCheck { right, wrong, not_configured };

// auth[application_token] is the only proof that the portal is calling. Compared in constant time
// with every token of every [portal]; where that section names a member_id or a domain,
// auth[member_id] and auth[domain] must be the same.
TokenCheck verify(const Value& params, const Settings& settings);
// What the owner has to set when verify says not_configured.
Error no_token_error(const Settings& settings);

// Whether the sender's address (trusted proxies respected) is in handler.allow or the list in
// handler.allow_file; true when neither is set. An unreadable list is an Error: nobody is let in.
Result<bool> sender_allowed(const Request& request, const Settings& settings);

// The item for the store: the parameters (secrets masked unless handler.mask_secrets = no), named
// by the event, ordered by the object that it is about; pending when an action follows it, else
// done. Byte-equal repeats of a call with ts and event_handler_id have the same id; everything else
// has a fresh one.
NewItem make_event(const Value& params, Millis received_at, const Settings& settings);

// Keeps the event: an equal one within handler.repeat_window is the same one (counted as its
// repeat); after that it is another.
Result<Accepted> keep_event(Store& store, NewItem item, const Settings& settings);

HookLogOptions hook_log_options(const Settings& settings, HookFormat format);

}  // namespace b24
