// site_url: the own site as the internet sees it, from [site] public_url; never from a request.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "portal/http.h"
#include "settings/settings.h"

namespace b24 {

// What is wrong with a public_url: not http(s)://host/, with user, query or fragment; nothing when
// it is good.
std::optional<Error> public_url_fault(std::string_view url);
// Whether it names this machine itself: then http is no danger.
bool is_loopback_url(std::string_view url);

// How the checks ask the own site, or for a certificate.
HttpOptions checking_options(const Settings& settings,
                             std::size_t max_answer = HttpOptions().max_answer);

}  // namespace b24
