// captcha: see captcha.h.
#include "captcha.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "portal/http.h"
#include "value/json.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr Millis kVerifyTime = 5'000;

constexpr std::array<CaptchaService, 4> kServices{{
    {"turnstile", "cf-turnstile", "https://challenges.cloudflare.com/turnstile/v0/api.js",
     "https://challenges.cloudflare.com", "cf-turnstile-response",
     "https://challenges.cloudflare.com/turnstile/v0/siteverify", "response", "remoteip", "success",
     "1", "error-codes"},
    {"hcaptcha", "h-captcha", "https://js.hcaptcha.com/1/api.js",
     "https://hcaptcha.com https://*.hcaptcha.com", "h-captcha-response",
     "https://api.hcaptcha.com/siteverify", "response", "remoteip", "success", "1", "error-codes"},
    {"recaptcha", "g-recaptcha", "https://www.google.com/recaptcha/api.js",
     "https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/", "g-recaptcha-response",
     "https://www.google.com/recaptcha/api/siteverify", "response", "remoteip", "success", "1",
     "error-codes"},
    {"smartcaptcha", "smart-captcha", "https://smartcaptcha.yandexcloud.net/captcha.js",
     "https://smartcaptcha.yandexcloud.net", "smart-token",
     "https://smartcaptcha.yandexcloud.net/validate", "token", "ip", "status", "ok", "message"},
}};

bool blames_secret(const Value& trouble) {
  if (!trouble.is_array()) return text::lower(trouble.text()).contains("secret");
  return std::ranges::any_of(
      trouble.members(), [](const Value::Member& member) { return blames_secret(member.value); });
}

}  // namespace

std::span<const CaptchaService> captcha_services() {
  return kServices;
}

const CaptchaService* captcha_service(const Settings& settings) {
  const auto* found = std::ranges::find(kServices, settings.spam.captcha, &CaptchaService::name);
  return found == kServices.end() ? nullptr : found;
}

CaptchaVerdict verify_captcha(const Settings& settings, const Request& request,
                              const std::string& address) {
  const CaptchaService& service = *captcha_service(settings);
  const std::string answer = request.post[service.answer_field].text();
  if (answer.empty()) return CaptchaVerdict::bad;

  HttpOptions options;
  options.connect_time = options.total_time = kVerifyTime;
  options.ca_file = settings.call.ca_file;
  HttpRequest question;
  question.url = settings.spam.captcha_verify_url.empty() ? std::string(service.verify_url)
                                                          : settings.spam.captcha_verify_url;
  question.body = php::build_query(Value::map({{"secret", settings.spam.captcha_secret},
                                               {service.answer_parameter, answer},
                                               {service.address_parameter, address}}));
  const auto said = Http(options).send(question);
  if (!said || said->status >= 500) return CaptchaVerdict::unreachable;
  const Result<Value> verdict = json::parse(said->body);
  if (!verdict) return CaptchaVerdict::unreachable;
  if ((*verdict)[service.good_member].text() == service.good_value) return CaptchaVerdict::good;
  return blames_secret((*verdict)[service.trouble_member]) ? CaptchaVerdict::misconfigured
                                                           : CaptchaVerdict::bad;
}

}  // namespace b24
