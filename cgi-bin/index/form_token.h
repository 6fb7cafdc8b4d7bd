// form_token: the signed token that a form carries: proof that we showed it, when, and under which
// id.
//
// "ID.TIME.MAC", where MAC is HMAC-SHA256 under the form key. No cookie and no server-side state:
// it works behind caches, for several processes, and after a restart. Two visitors whose page came
// from one cache hold the same token, so a submission's id is made of the token's id and of what
// was written.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace b24 {

struct FormToken {
  std::string id;
  Millis shown_at = 0;
};

enum class TokenFault { missing, forged, stale, future };
// "missing", ...: for counters and logs.
std::string_view name(TokenFault fault);

std::string make_token(const std::string& key, Millis now);
// `max_age`: older is stale.
std::expected<FormToken, TokenFault> check_token(const std::string& key, std::string_view token,
                                                 Millis now, Millis max_age);

// "TEXT.MAC" for one `purpose`; and the text of a good one, else empty.
std::string sign(const std::string& key, std::string_view purpose, std::string_view text);
std::string signed_text(const std::string& key, std::string_view purpose, std::string_view signed_);

}  // namespace b24
