// action_text: the texts of a section of [on], filled in: filters, calls, arguments, templates.
//
// Values of the event are named by dotted paths, {data.FIELDS.ID}; {event}; {result...} is what the
// latest call answered; {joined} how many events the run is for (debounce.h); {old...} what the
// fields in `changed` were before. A name that is not there is empty. Values are put in after the
// text around them has been parsed, so that none can add a parameter, an argument or a column.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "keep/store.h"
#include "portal/webhook.h"
#include "settings/settings.h"
#include "value/value.h"

namespace b24 {

// `more`: further names, as {"joined": 3}; they go before the event's.
std::string fill_in(std::string_view text, const Value& event, const Value& result,
                    const Value& more = {});
bool passes(std::string_view filter, const Value& event, const Value& result,
            const Value& more = {});
// Whether a filter can only be asked when the call has answered.
bool needs_result(std::string_view filter);

// What a run knows besides the event and the answer: "joined" and "old", as far as the section has
// to do with them. `own`: its part of the progress.
Value more_of(const ActionSettings& action, const Value& own);

// The section's call, filled in.
Command call_of(const ActionSettings& action, const Item& event);

// A mustache template, {{result.TITLE}} and {{#data}}...{{/data}}, with the same names; values are
// escaped for where they go. Code broken_template.
enum class TextKind { plain, json, form };
Result<std::string> render_text(std::string_view text, TextKind kind, const Item& event,
                                const Value& own, const Value& more);

// What forward and exec hand over: {"id", "event", "received_at", "data": the parameters, "result",
// and what is in `more`}.
Value handed_over(const Item& event, const Value& result, const Value& more = {});

// The fields of `changed` in an answer, as a tree; what of them is not as it was in `old` (null:
// nothing is known of before, and all is new).
Value fields_of(const ActionSettings& action, const Value& result);
bool has_changed(const ActionSettings& action, const Value& old, const Value& result);

}  // namespace b24
