// access: see access.h.
#include "access.h"

#include <algorithm>

#include "base/address.h"
#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"

namespace b24::access {
namespace {

constexpr std::string_view kCookie = "b24hooks_check";

std::string sign(std::string_view key, std::string_view until) {
  return secret::base64_url(
      secret::hmac_sha256(key, "b24hooks checkserver cookie\n" + std::string(until)));
}

// The value of our cookie; empty when there is none.
std::string cookie_of(const Request& request) {
  for (const std::string& part : text::split(request.cookie, ";")) {
    const std::size_t equals = part.find('=');
    if (part.substr(0, equals) == kCookie && equals != part.npos) return part.substr(equals + 1);
  }
  return {};
}

bool has_valid_cookie(const Request& request, const Settings& settings, Millis now) {
  const std::string value = cookie_of(request);
  const std::size_t dot = value.find('.');
  if (dot == value.npos) return false;
  const std::string key = key_of(settings);
  if (key.empty()) return false;
  const std::string until = value.substr(0, dot);
  if (!secret::equal(sign(key, until), value.substr(dot + 1))) return false;
  const Millis end = Value(until).integer();
  return now < end && end <= now + kCookieLifetime;
}

bool is_in_network(const Request& request, const Settings& settings) {
  const auto address = Address::parse(request.client(settings.server.trusted_proxies));
  return address && any_contains(settings.checkserver.networks, *address);
}

std::string set_cookie(const Request& request, const Settings& settings, const std::string& value,
                       Millis lifetime) {
  std::string cookie = std::string(kCookie) + "=" + value +
                       "; Path=/; Max-Age=" + std::to_string(lifetime / 1000) +
                       "; HttpOnly; SameSite=Strict";
  if (request.https || settings.site.public_url.starts_with("https://")) cookie += "; Secure";
  return cookie;
}

}  // namespace

Sight sight_of(const Request& request, const Settings& settings, Millis now) {
  const std::string& access = settings.checkserver.access;
  if (access == "off") return Sight::nothing;
  if (access == "public" || is_in_network(request, settings) || has_key(request, settings, now)) {
    return Sight::everything;
  }
  return access == "summary" ? Sight::verdict : Sight::key_form;
}

std::string key_of(const Settings& settings) {
  if (!settings.checkserver.key.empty()) return settings.checkserver.key;
  return key_of_file(settings.data.dir / "checkserver.key").value_or("");
}

bool is_key(std::string_view given, const Settings& settings) {
  if (given.empty()) return false;
  const std::string key = key_of(settings);
  return !key.empty() && secret::equal(key, given);
}

bool has_key(const Request& request, const Settings& settings, Millis now) {
  return is_key(request.key_header, settings) || has_valid_cookie(request, settings, now);
}

std::string action_token(const Request& request, const Settings& settings,
                         std::string_view action) {
  return secret::base64_url(secret::hmac_sha256(
      key_of(settings),
      "b24hooks checkserver action\n" + cookie_of(request) + "\n" + std::string(action)));
}

bool may_act(const Request& request, const Settings& settings, std::string_view action,
             std::string_view token) {
  return is_key(request.key_header, settings) ||
         secret::equal(action_token(request, settings, action), token);
}

std::string make_cookie(const Request& request, const Settings& settings, Millis now) {
  const std::string until = std::to_string(now + kCookieLifetime);
  return set_cookie(request, settings, until + "." + sign(key_of(settings), until),
                    kCookieLifetime);
}

std::string end_of_cookie(const Request& request, const Settings& settings) {
  return set_cookie(request, settings, "", 0);
}

}  // namespace b24::access
