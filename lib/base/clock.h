// clock: the time, replaceable in tests.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace b24 {

using Millis = std::int64_t;  // milliseconds; as a point in time: since 1970-01-01 UTC

inline constexpr Millis kSecond = 1'000;
inline constexpr Millis kMinute = 60 * kSecond;
inline constexpr Millis kHour = 60 * kMinute;
inline constexpr Millis kDay = 24 * kHour;

using Clock = std::function<Millis()>;

Millis now_ms();     // the system's clock; the default Clock
Millis steady_ms();  // since the machine was started, sleep included; nobody can set it
// False when a stop was asked for meanwhile.
bool sleep_for(Millis time, const std::stop_token& stop);
// Another after each start of the machine; "-" where nobody tells.
std::string boot_id();

// Of a Unix time in seconds, whoever sent it; 0 when it is none that a clock can show.
inline Millis millis_of(double seconds) {
  return seconds > 0 && seconds < 1e12 ? static_cast<Millis>(seconds * 1'000) : 0;
}

// PHP's date("Y.m.d G:i:s") in the process's time zone (TZ).
std::string php_date(Millis at);
// "2026-11-24T06:01:30.123Z"
std::string iso_time(Millis at);

// What a time without a zone is in: none is no time; UTC; or the process's zone.
enum class Zone { must_be_said, utc, local };
// "2026-11-24T06:01:30.123Z" or less of it, with a zone such as +03:00, or (see Zone) with none:
// "2026-11-24T06:01", "2026-11-24" for its midnight.
std::optional<Millis> read_time(std::string_view text, Zone unsaid);
// The same, or a time before `now`: "90s", "15m", "2h", "3d".
std::optional<Millis> read_since(std::string_view text, Zone unsaid, Millis now = now_ms());
// The midnight of the process's zone at or before `at`.
Millis last_midnight(Millis at);

}  // namespace b24
