// spam: see spam.h.
#include "spam.h"

#include <algorithm>
#include <array>

#include "base/address.h"
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

constexpr std::string_view kBadAnswer = "captcha", kUnreachable = "captcha_unreachable",
                           kMisconfigured = "captcha_misconfigured";

bool blames_secret(const Value& trouble) {
  if (!trouble.is_array()) return text::lower(trouble.text()).contains("secret");
  return std::ranges::any_of(
      trouble.members(), [](const Value::Member& member) { return blames_secret(member.value); });
}

// Why an answer does not do; empty: it does. A visitor is to suffer from a bad one only.
std::string_view captcha_fault(const CaptchaService& service, const Settings& settings,
                               const Request& request, const std::string& address) {
  const std::string answer = request.post[service.answer_field].text();
  if (answer.empty()) return kBadAnswer;

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
  if (!said || said->status >= 500) return kUnreachable;
  const Result<Value> verdict = json::parse(said->body);
  if (!verdict) return kUnreachable;
  if ((*verdict)[service.good_member].text() == service.good_value) return {};
  return blames_secret((*verdict)[service.trouble_member]) ? kMisconfigured : kBadAnswer;
}

// A counter that could not be kept must not stop a visitor.
void count(Store* store, std::string_view what) {
  if (store != nullptr) static_cast<void>(store->count("spam." + std::string(what)));
}

bool over(Store* store, const std::string& key, Millis window, int limit) {
  if (store == nullptr || limit == 0) return false;
  const Result<std::int64_t> used = store->use(key, window);
  return used && *used > limit;
}

}  // namespace

std::span<const CaptchaService> captcha_services() {
  return kServices;
}

const CaptchaService* captcha_service(const Settings& settings) {
  const auto* found = std::ranges::find(kServices, settings.spam.captcha, &CaptchaService::name);
  return found == kServices.end() ? nullptr : found;
}

SpamVerdict check_spam(const App& app, const FormSettings& form, const Request& request,
                       Store* store, bool program) {
  const Settings& settings = *app.settings;
  const std::string address = request.client(settings.server.trusted_proxies);
  const std::optional<Address> parsed = Address::parse(address);
  const std::string key = "address." + (parsed ? parsed->limit_key() : address);
  if (!program && over(store, key, kHour, settings.spam.per_address))
    return count(store, "address"), SpamVerdict::too_many;
  if (over(store, "form.day", kDay, settings.spam.per_day))
    return count(store, "day"), SpamVerdict::too_many;
  const CaptchaService* captcha = form.captcha ? captcha_service(settings) : nullptr;
  if (program || captcha == nullptr) return SpamVerdict::pass;
  const std::string_view fault = captcha_fault(*captcha, settings, request, address);
  if (fault.empty()) return SpamVerdict::pass;
  count(store, fault);
  if (fault == kBadAnswer) return SpamVerdict::captcha;
  const char* cause =
      fault == kUnreachable
          ? "the captcha service could not be asked"
          : "the captcha service does not take [spam] captcha_secret, so nobody is asked";
  app.log->write_bounded(Log::Level::error, "captcha",
                         Value::map({{"code", fault}, {"cause", cause}}));
  return SpamVerdict::pass;
}

}  // namespace b24
