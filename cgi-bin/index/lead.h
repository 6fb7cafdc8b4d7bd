// lead: a checked submission as a call to the portal: what the store keeps and delivery sends.
#pragma once

#include <string>
#include <string_view>

#include "keep/journal.h"
#include "keep/store.h"
#include "settings/form.h"
#include "submission.h"
#include "value/value.h"

namespace b24 {

// Names us in the CRM: the leads' ORIGINATOR_ID.
inline constexpr std::string_view kOriginator = "b24hooks";

// The id of equal content: 26 hexadecimal digits.
std::string content_id(std::string_view content);
// The id of a submission from a form that carried a token: the same token with the same content is
// the same submission, whoever sends it how often.
std::string submission_id(std::string_view token_id, const Submission& submission);

// The id of what Tilda's webhook sent, which tells its submissions apart; of anything else empty.
std::string tilda_id(const Request& request);

// A request that is a submission as the journal keeps it; `key` is the lead's id.
Record make_record(const Request& request, std::string_view key, std::string_view address);

// The item of a record: a lead, whatever its form and the limits have become since; spam when the
// trap was filled. When its form is not among these its payload is {"form": NAME, "record": {...}},
// of which payload_of_record makes the real one once it is: until then it waits (code "no_form").
NewItem make_lead(const Forms& forms, const Record& record, const Settings& settings);
Result<Value> payload_of_record(const Forms& forms, const Item& item, const Settings& settings);

// The payload that lead_sender.h describes; `id` is the lead's ORIGIN_ID.
Value lead_payload(const Form& form, const Submission& submission, std::string_view id);

}  // namespace b24
