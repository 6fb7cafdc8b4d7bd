// spam: what keeps programs from filling the form: limits by address and in all, and the captcha:
// one table of what the services' widgets need and how an answer is verified. (The form's own
// guards are in form_token.h.)
#pragma once

#include <span>
#include <string_view>

#include "keep/store.h"
#include "settings/app.h"
#include "web/request.h"

namespace b24 {

struct CaptchaService {
  std::string_view name;          // as in [spam] captcha
  std::string_view widget_class;  // of the element that the service's script fills
  std::string_view script;        // URL
  std::string_view sources;       // for the Content-Security-Policy
  std::string_view answer_field;  // what the form posts
  std::string_view verify_url;
  std::string_view answer_parameter;  // how verify_url calls the answer, the visitor's address, and
                                      // what it says when all is well
  std::string_view address_parameter;
  std::string_view good_member;
  std::string_view good_value;
  std::string_view trouble_member;  // where it says what is wrong, e.g. with the secret
};

std::span<const CaptchaService> captcha_services();
// The configured one; null when there is none.
const CaptchaService* captcha_service(const Settings& settings);

enum class SpamVerdict { pass, too_many, captcha };

// Whether a submission may go on, counting it. What is stopped is counted in the store as
// "spam.address", "spam.day", "spam.captcha"; a captcha service that cannot be reached as
// "spam.captcha_unreachable", one that does not take our secret as "spam.captcha_misconfigured";
// both are logged, and the submission passes. Without a store there are no limits: a lead is worth
// more. A `program`, which proved itself by the key and sends for many visitors, has no limit by
// address and no captcha.
SpamVerdict check_spam(const App& app, const FormSettings& form, const Request& request,
                       Store* store, bool program);

}  // namespace b24
