// spam: see spam.h.
#include "spam.h"

#include "base/address.h"
#include "captcha.h"

namespace b24 {
namespace {

// A counter that could not be kept must not stop a visitor.
void count(Store* store, const std::string& what) {
  if (store != nullptr) static_cast<void>(store->count("spam." + what));
}

void tell(const App& app, Store* store, const std::string& code, std::string_view cause) {
  count(store, code);
  app.log->write_bounded(Log::Level::error, "captcha",
                         Value::map({{"code", code}, {"cause", cause}}));
}

bool over(Store* store, const std::string& key, Millis window, int limit) {
  if (store == nullptr || limit == 0) return false;
  const Result<std::int64_t> used = store->use(key, window);
  return used && *used > limit;
}

}  // namespace

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
  if (program || !form.captcha || captcha_service(settings) == nullptr) return SpamVerdict::pass;
  switch (verify_captcha(settings, request, address)) {
    case CaptchaVerdict::good:
      break;
    case CaptchaVerdict::bad:
      return count(store, "captcha"), SpamVerdict::captcha;
    case CaptchaVerdict::unreachable:
      tell(app, store, "captcha_unreachable", "the captcha service could not be asked");
      break;
    case CaptchaVerdict::misconfigured:
      tell(app, store, "captcha_misconfigured",
           "the captcha service does not take [spam] captcha_secret, so nobody is asked");
      break;
  }
  return SpamVerdict::pass;
}

}  // namespace b24
