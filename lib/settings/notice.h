// notice: a message to the owner, by the program or the mail address of [notify].
#pragma once

#include <string>

#include "base/error.h"
#include "settings/settings.h"

namespace b24 {

struct Mail {
  std::string subject;
  std::string text;
};

// Whether [notify] says how.
bool wants_notices(const NotifySettings& settings);
// Code "notify_failed" when the program does not end with 0. REQUIRES: wants_notices.
Status send_notice(const NotifySettings& settings, const Mail& mail);
// A mail for sendmail -t; line breaks in the subject and the address are taken out.
std::string mail_text(const std::string& to, const Mail& mail);

}  // namespace b24
