// test_event: the marked event that checkserver posts to its own handler to see that events arrive.
//
// It carries the application token like any event, and besides a signature that only somebody who
// knows the token and the settings could make. The handler keeps it out of the inbox and hook.log:
// it remembers its number in the store, durably, and answers with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "settings/settings.h"
#include "value/value.h"

namespace b24 {

// Under which the store remembers the number of the newest test event.
inline constexpr std::string_view kTestEventKey = "handler.test_event";

// What to post; `number` tells this test from all others. REQUIRES: a token is configured.
Value make_test_event(const Settings& settings, std::string_view number, Millis at);

// The number of a test event that was made with these settings within the last minutes; nothing for
// every other event. REQUIRES: the event's token has been verified.
std::optional<std::string> test_event_number(const Value& params, const Settings& settings,
                                             Millis now);

}  // namespace b24
