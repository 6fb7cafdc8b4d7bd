// prepared: what the steps of a section would do, made and not done: for running them (action.h)
// and for showing it (explain.h).
//
// An Error here is the owner's to mend: trying again would not help.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/exec.h"
#include "keep/store.h"
#include "portal/http.h"
#include "settings/notice.h"
#include "settings/settings.h"
#include "value/value.h"

namespace b24 {

// The steps of a section, in their order, and whether it has them.
struct Step {
  std::string_view name;  // in the progress, too
  bool (*is_in)(const ActionSettings& action);
};
std::span<const Step> steps();

// `own`: the section's part of the progress.

// forward: without the signature, which has the time in it. Codes broken_template, forward_body
// (what comes out is no JSON).
Result<HttpRequest> request_of(const ActionSettings& action, const Item& event, const Value& own);
// exec: arguments, input, environment, time limit. Code exec_argument.
Result<ProgramRun> program_of(const ActionSettings& action, const Item& event, const Value& own);
// mail. Code broken_template.
Result<Mail> mail_of(const ActionSettings& action, const Item& event, const Value& own);
// append: a line of CSV that begins with the event's id, and the heading of a new file.
std::string row_of(const ActionSettings& action, const Item& event, const Value& own);
std::string heading_of(const ActionSettings& action);

// The headers of Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature ("v1," +
// base64 of HMAC-SHA256 over "id.timestamp.body").
std::vector<std::string> signature_headers(std::string_view secret, std::string_view id, Millis at,
                                           std::string_view body);

}  // namespace b24
