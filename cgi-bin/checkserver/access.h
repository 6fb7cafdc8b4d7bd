// access: who sees what of checkserver: networks, the owner's key, and the cookie that stands for
// it.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "settings/settings.h"
#include "web/request.h"

namespace b24::access {

enum class Sight {
  everything,
  verdict,
  key_form,  // only where to enter the key
  nothing,   // the page is not there
};

// What this visitor sees. A key counts from the header X-B24hooks-Key or by the cookie, never from
// the URL, which ends up in logs.
Sight sight_of(const Request& request, const Settings& settings, Millis now);

// [checkserver] key; while none is set, what stands in DATA/checkserver.key, which is made then.
// Empty only when that cannot be.
std::string key_of(const Settings& settings);

// In constant time; false when there is no key.
bool is_key(std::string_view given, const Settings& settings);

// Whether this visitor has the key, by the header or the cookie; whatever else opens the checks
// does not count.
bool has_key(const Request& request, const Settings& settings, Millis now);

// What the form of an action carries ("delete 7"): it is this visitor's, and for nothing else.
// REQUIRES: has_key. A program that gives the key itself with its request needs none.
std::string action_token(const Request& request, const Settings& settings, std::string_view action);
bool may_act(const Request& request, const Settings& settings, std::string_view action,
             std::string_view token);

// Set-Cookie's value for somebody who entered the key: a time signed with it, HttpOnly, for this
// site only, gone after an hour. A changed key ends them all.
std::string make_cookie(const Request& request, const Settings& settings, Millis now);
inline constexpr Millis kCookieLifetime = 3'600'000;
// The same for one who leaves.
std::string end_of_cookie(const Request& request, const Settings& settings);

}  // namespace b24::access
