// spam: what keeps programs from filling the form: limits by address and in all, and the captcha.
// (The form's own guards are in form_token.h.)
#pragma once

#include <string>

#include "keep/store.h"
#include "settings/app.h"
#include "web/request.h"

namespace b24 {

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
