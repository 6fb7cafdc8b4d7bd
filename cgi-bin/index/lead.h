// lead: a checked submission as a call to the portal: what the store keeps and delivery sends.
#pragma once

#include <string>
#include <string_view>

#include "settings/form.h"
#include "submission.h"
#include "value/value.h"

namespace b24 {

// Names us in the CRM: the leads' ORIGINATOR_ID.
inline constexpr std::string_view kOriginator = "b24hooks";

// The id of a submission from a form that carried a token: the same token with the same content is
// the same submission, whoever sends it how often.
std::string submission_id(std::string_view token_id, const Submission& submission);

// The payload that lead_sender.h describes; `id` is the lead's ORIGIN_ID.
Value lead_payload(const Form& form, const Submission& submission, std::string_view id);

}  // namespace b24
