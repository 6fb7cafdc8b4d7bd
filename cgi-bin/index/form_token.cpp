// form_token: see form_token.h.
#include "form_token.h"

#include <array>
#include <charconv>

#include "base/secret.h"

namespace b24 {
namespace {

constexpr Millis kClockSlack = 5 * 60'000;  // between machines that share the form
constexpr std::size_t kLongestToken = 200;
constexpr std::string_view kToken = "token";  // what is signed

std::string mac(const std::string& key, std::string_view purpose, std::string_view text) {
  return secret::base64_url(
      secret::hmac_sha256(key, std::string(purpose) + ":" + std::string(text)));
}

}  // namespace

std::string_view name(TokenFault fault) {
  constexpr std::array<std::string_view, 4> kNames = {"missing", "forged", "stale", "future"};
  return kNames[static_cast<std::size_t>(fault)];
}

std::string make_token(const std::string& key, Millis now) {
  return sign(key, kToken, secret::new_id() + "." + std::to_string(now / 1000));
}

std::expected<FormToken, TokenFault> check_token(const std::string& key, std::string_view token,
                                                 Millis now, Millis max_age) {
  if (token.empty()) return std::unexpected(TokenFault::missing);
  const std::string text = signed_text(key, kToken, token);
  const std::size_t dot = text.find('.');
  if (dot == text.npos) return std::unexpected(TokenFault::forged);
  FormToken parsed{text.substr(0, dot), 0};
  std::from_chars(text.data() + dot + 1, text.data() + text.size(), parsed.shown_at);
  parsed.shown_at *= 1000;
  if (parsed.shown_at > now + kClockSlack) return std::unexpected(TokenFault::future);
  if (now - parsed.shown_at > max_age) return std::unexpected(TokenFault::stale);
  return parsed;
}

std::string sign(const std::string& key, std::string_view purpose, std::string_view text) {
  return std::string(text) + "." + mac(key, purpose, text);
}

std::string signed_text(const std::string& key, std::string_view purpose,
                        std::string_view signed_) {
  const std::size_t dot = signed_.rfind('.');
  if (dot == std::string_view::npos || signed_.size() > kLongestToken) return {};
  const std::string_view text = signed_.substr(0, dot);
  if (!secret::equal(mac(key, purpose, text), signed_.substr(dot + 1))) return {};
  return std::string(text);
}

}  // namespace b24
