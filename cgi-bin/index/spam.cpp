// spam: see spam.h.
#include "spam.h"

#include "base/address.h"
#include "captcha.h"

namespace b24 {
namespace {

void count(Store* store, std::string_view what) {
  // A counter that could not be kept must not stop a visitor.
  if (store != nullptr) static_cast<void>(store->count(what));
}

void tell(const App& app, std::string_view code, std::string_view cause) {
  app.log->write_bounded(Log::Level::error, "captcha",
                         Value::map({{"code", code}, {"cause", cause}}));
}

bool over(Store* store, const std::string& key, Millis window, int limit) {
  if (store == nullptr || limit == 0) return false;
  const Result<std::int64_t> used = store->use(key, window);
  return used && *used > limit;
}

}  // namespace

SpamVerdict check_spam(const App& app, const Request& request, Store* store) {
  const Settings& settings = *app.settings;
  const std::string address = client_address(request.remote_address, request.forwarded_for,
                                             settings.server.trusted_proxies);
  const std::optional<Address> parsed = Address::parse(address);
  const std::string key = "address." + (parsed ? parsed->limit_key() : address);
  if (over(store, key, kHour, settings.spam.per_address)) {
    count(store, "spam.address");
    return SpamVerdict::too_many;
  }
  if (over(store, "form.day", kDay, settings.spam.per_day)) {
    count(store, "spam.day");
    return SpamVerdict::too_many;
  }
  if (captcha_service(settings) == nullptr) return SpamVerdict::pass;
  switch (verify_captcha(settings, request, address)) {
    case CaptchaVerdict::good:
      return SpamVerdict::pass;
    case CaptchaVerdict::unreachable:
      count(store, "spam.captcha_unreachable");
      tell(app, "captcha_unreachable", "the captcha service could not be asked");
      return SpamVerdict::pass;
    case CaptchaVerdict::misconfigured:
      count(store, "spam.captcha_misconfigured");
      tell(app, "captcha_misconfigured",
           "the captcha service does not take [spam] captcha_secret, so nobody is asked");
      return SpamVerdict::pass;
    case CaptchaVerdict::missing:
      count(store, "spam.captcha");
      return SpamVerdict::captcha_missing;
    case CaptchaVerdict::bad:
      break;
  }
  count(store, "spam.captcha");
  return SpamVerdict::captcha_failed;
}

}  // namespace b24
