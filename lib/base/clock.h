// clock: the time, replaceable in tests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace b24 {

using Millis = std::int64_t;  // milliseconds; as a point in time: since 1970-01-01 UTC

inline constexpr Millis kSecond = 1'000;
inline constexpr Millis kMinute = 60 * kSecond;
inline constexpr Millis kHour = 60 * kMinute;
inline constexpr Millis kDay = 24 * kHour;

using Clock = std::function<Millis()>;

Millis now_ms();     // the system's clock; the default Clock
Millis steady_ms();  // since the machine was started, sleep included; nobody can set it
// Another after each start of the machine; "-" where nobody tells.
std::string boot_id();

// PHP's date("Y.m.d G:i:s") in the process's time zone (TZ).
std::string php_date(Millis at);
// "2026-11-24T06:01:30.123Z"
std::string iso_time(Millis at);

}  // namespace b24
