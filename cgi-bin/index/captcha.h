// captcha: the services that can tell people from programs: one table of what their widgets need
// and how an answer is verified.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "settings/settings.h"
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

enum class CaptchaVerdict {
  good,
  bad,            // the service says no, or nothing was posted
  unreachable,    // the service could not be asked; a visitor is not to suffer from that
  misconfigured,  // nor from this: the service does not take our secret
};

// REQUIRES: captcha_service(settings) != nullptr. Asks the service, at most for five seconds.
CaptchaVerdict verify_captcha(const Settings& settings, const Request& request,
                              const std::string& address);

}  // namespace b24
