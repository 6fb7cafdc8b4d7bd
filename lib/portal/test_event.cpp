// test_event: see test_event.h.
#include "portal/test_event.h"

#include <algorithm>
#include <cstdlib>

#include "base/secret.h"

namespace b24 {
namespace {

constexpr const char* kName = "B24HOOKSTEST";
constexpr const char* kSignature = "b24hooks_test";
constexpr Millis kLifetime = 5 * 60'000;

// The first that has a token; null: none has.
const PortalSettings* own_portal(const Settings& settings) {
  const auto found = std::ranges::find_if(settings.portals, [](const PortalSettings& portal) {
    return !portal.application_tokens.empty();
  });
  return found == settings.portals.end() ? nullptr : &*found;
}

std::string sign(std::string_view token, std::string_view number, std::string_view ts) {
  return secret::hex(secret::hmac_sha256(
      token, "b24hooks test event\n" + std::string(number) + "\n" + std::string(ts)));
}

}  // namespace

std::string test_event_use(std::string_view number) {
  return "test event " + std::string(number);
}

Value make_test_event(const Settings& settings, std::string_view number, Millis at) {
  const PortalSettings& portal = *own_portal(settings);
  const std::string& token = portal.application_tokens.front();
  const std::string ts = std::to_string(at / 1000);
  Value auth = Value::map({{"application_token", token}});
  if (!portal.domain.empty()) auth.set("domain", portal.domain);
  if (!portal.member_id.empty()) auth.set("member_id", portal.member_id);
  return Value::map({{"event", kName},
                     {"event_handler_id", "0"},
                     {"data", Value::map({{"NUMBER", number}})},
                     {"ts", ts},
                     {"auth", auth},
                     {kSignature, sign(token, number, ts)}});
}

std::optional<std::string> test_event_number(const Value& params, const Settings& settings,
                                             Millis now) {
  if (params["event"].text() != kName || params[kSignature].text().empty()) return std::nullopt;
  const std::string number = params.path("data.NUMBER").text();
  const std::string ts = params["ts"].text();
  if (std::abs(now - millis_of(params["ts"].real())) > kLifetime) return std::nullopt;
  const PortalSettings* portal = own_portal(settings);
  if (portal == nullptr) return std::nullopt;
  const std::string signature = sign(portal->application_tokens.front(), number, ts);
  if (!secret::equal(signature, params[kSignature].text())) return std::nullopt;
  return number;
}

}  // namespace b24
