// test_event: the marked event that checkserver posts to its own handler to see that events arrive.
//
// It carries the application token like any event, and besides a signature that only somebody who
// knows the token and the settings could make. The handler keeps it out of the inbox and hook.log:
// it notes its number in the store, as a use (test_event_use) that the self-check's own follows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "settings/settings.h"
#include "value/value.h"

namespace b24 {

// Under which the store counts the uses of a test event's number, and for how long.
std::string test_event_use(std::string_view number);
inline constexpr Millis kTestEventWindow = 10 * 60'000;

// What to post; `number` tells this test from all others. REQUIRES: a token is configured.
Value make_test_event(const Settings& settings, std::string_view number, Millis at);

// The number of a test event that was made with these settings within the last minutes; nothing for
// every other event. REQUIRES: the event's token has been verified.
std::optional<std::string> test_event_number(const Value& params, const Settings& settings,
                                             Millis now);

}  // namespace b24
