// webhook_errors: what the portal's error codes mean, as tables.
#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "portal/webhook.h"

namespace b24 {
namespace {

constexpr std::string_view kNewSecret =
    "create a new inbound webhook in the portal and put its URL into C_REST_WEB_HOOK_URL";
constexpr std::string_view kScope =
    "edit the inbound webhook in the portal and add the permission that this method needs";
constexpr std::string_view kRights =
    "give the webhook's creator the rights for this, or let an administrator create the webhook";
constexpr std::string_view kSupport = "ask Bitrix24's support";
constexpr std::string_view kSlower =
    "nothing to do once; when it happens often, call less or spread the calls";
constexpr std::string_view kWait =
    "wait; when it lasts, ask Bitrix24's support or the portal's host";
constexpr std::string_view kApplication =
    "use a method that works with webhooks, or an application";
constexpr std::string_view kCorrect = "correct the request as the portal's words say";
constexpr std::string_view kAddress =
    "check C_REST_WEB_HOOK_URL, and what stands between this server and the portal";

// What the portal itself says.
constexpr ErrorMeaning kCodes[] = {
    {"QUERY_LIMIT_EXCEEDED", Verdict::retry,
     "too many requests from this server; this one was not carried out", kSlower},
    {"OPERATION_TIME_LIMIT", Verdict::retry,
     "the method has used up its time for these ten minutes; the call was not carried out",
     kSlower},
    {"OVERLOAD_LIMIT", Verdict::blocked,
     "Bitrix24 has blocked this portal's REST by hand for overload",
     "ask Bitrix24's support to lift the block; until then nothing is sent"},

    {"NO_AUTH_FOUND", Verdict::blocked, "the webhook's user or secret is wrong, or it was deleted",
     kNewSecret},
    {"expired_token", Verdict::blocked, "the webhook or its token has expired", kNewSecret},
    {"invalid_token", Verdict::blocked, "the webhook's secret is not valid", kNewSecret},
    {"invalid_grant", Verdict::blocked, "the authorization is not valid", kNewSecret},
    {"invalid_client", Verdict::blocked, "the portal does not know this client", kNewSecret},

    {"insufficient_scope", Verdict::blocked, "the webhook lacks the permission for this method",
     kScope},
    {"INVALID_CREDENTIALS", Verdict::blocked, "the webhook's creator lacks the rights", kRights},
    {"ACCESS_DENIED", Verdict::blocked,
     "the portal's plan has no REST, or the webhook's creator lacks the rights",
     "check the portal's plan and the rights of the webhook's creator"},
    {"user_access_error", Verdict::blocked, "the webhook's creator has no access to this", kRights},
    {"PAYMENT_REQUIRED", Verdict::blocked,
     "the portal's plan does not include this, or it has run out",
     "renew or extend the portal's plan"},
    {"PORTAL_DELETED", Verdict::blocked, "the portal was deleted, or its public part is closed",
     "check that the portal opens in a browser"},

    {"INVALID_REQUEST", Verdict::permanent, "the portal does not take the request in this form",
     "use https in C_REST_WEB_HOOK_URL"},
    {"ERROR_METHOD_NOT_FOUND", Verdict::permanent,
     "there is no such method, or the webhook lacks the permission for it",
     "check the method's name and the webhook's permissions"},
    {"WRONG_AUTH_TYPE", Verdict::permanent, "the method needs an application, not a webhook",
     kApplication},
    {"ERROR_BATCH_METHOD_NOT_ALLOWED", Verdict::permanent,
     "the method is not allowed inside a batch", "call the method by itself"},
    {"ERROR_BATCH_LENGTH_EXCEEDED", Verdict::permanent, "more than 50 commands in one batch",
     "send at most 50 commands at once"},
    {"ERROR_MANIFEST_IS_NOT_AVAILABLE", Verdict::permanent, "the manifest is not available",
     kCorrect},

    {"INTERNAL_SERVER_ERROR", Verdict::look,
     "the portal failed inside; whether the call was carried out is unknown", kWait},
    {"ERROR_UNEXPECTED_ANSWER", Verdict::look,
     "the portal got an unexpected answer inside; whether the call was carried out is unknown",
     kWait},
};

struct StatusRow {
  int first, last;
  ErrorMeaning meaning;
};

// A code that says two things, which only the status tells apart.
constexpr StatusRow kStatusCodes[] = {
    {401,
     401,
     {"INVALID_CREDENTIALS", Verdict::blocked,
      "the webhook's user or secret is wrong, or it was deleted, blocked or given a new secret, or "
      "it has expired",
      kNewSecret}},
};

// A code that is unknown or empty: the status says whether the portal refused or broke.
constexpr StatusRow kStatuses[] = {
    {200, 200, {"", Verdict::permanent, "the portal refused the request", kCorrect}},
    {401, 401, {"", Verdict::blocked, "the portal does not accept the webhook", kNewSecret}},
    {402,
     402,
     {"", Verdict::blocked, "the portal's plan does not include this",
      "renew or extend the portal's plan"}},
    {403, 403, {"", Verdict::blocked, "the portal does not allow this to the webhook", kRights}},
    {429, 429, {"", Verdict::retry, "too many requests; this one was not carried out", kSlower}},
    {408,
     408,
     {"", Verdict::look,
      "the request took too long to arrive; whether it was carried out is unknown", kWait}},
    {400, 499, {"", Verdict::permanent, "the portal refused the request", kCorrect}},
};
constexpr ErrorMeaning kUnknown = {
    "", Verdict::look, "the portal failed; whether the call was carried out is unknown", kWait};

// An empty code: the words are all there is.
struct TextRow {
  std::string_view begins;  // in lower case
  ErrorMeaning meaning;
};
constexpr TextRow kTexts[] = {
    {"access denied", {"", Verdict::permanent, "the webhook's creator lacks the rights", kRights}},
};

// What is not an answer of the portal's REST, by its form (our codes "not_json" and "no_result"): a
// refusal by a proxy or a wrong address is not for good, and nothing else says what happened.
constexpr StatusRow kForeign[] = {
    {408,
     408,
     {"", Verdict::look,
      "the request took too long to arrive; whether it was carried out is unknown", kWait}},
    {413,
     413,
     {"", Verdict::permanent, "the request is too large for what stands before the portal",
      "send less at once"}},
    {429, 429, {"", Verdict::retry, "too many requests; this one was not carried out", kSlower}},
    {400,
     499,
     {"", Verdict::blocked, "what answers there refuses the request, and is not the portal's REST",
      kAddress}},
};
constexpr ErrorMeaning kNoAnswer = {
    "", Verdict::look,
    "the answer is not one of the portal's REST; whether the call was carried out is unknown",
    kAddress};

const ErrorMeaning* by_status(std::span<const StatusRow> rows, int status) {
  for (const StatusRow& row : rows) {
    if (row.first <= status && status <= row.last) return &row.meaning;
  }
  return nullptr;
}

const ErrorMeaning* by_code(std::string_view code) {
  for (const ErrorMeaning& row : kCodes) {
    if (text::equal_ignoring_case(row.code, code)) return &row;
  }
  return nullptr;
}

}  // namespace

bool may_still_run(const CallError& error) {
  // 504 and the well-known private ones of content networks. A 502 or 503 says that the connection
  // behind the proxy broke or never was: then nothing runs there any more.
  constexpr int kProxyGaveUp[] = {504, 522, 524};
  if (error.status == 0) return true;
  return error.error.code == "not_json" &&
         std::ranges::find(kProxyGaveUp, error.status) != std::end(kProxyGaveUp);
}

const ErrorMeaning& error_meaning(int status, std::string_view code, std::string_view description) {
  if (code == "not_json" || code == "no_result") {
    const ErrorMeaning* foreign = by_status(kForeign, status);
    return foreign != nullptr ? *foreign : kNoAnswer;
  }
  const ErrorMeaning* both = by_status(kStatusCodes, status);
  if (both != nullptr && text::equal_ignoring_case(both->code, code)) return *both;
  if (const ErrorMeaning* known = by_code(code)) return *known;
  if (code.empty() && status < 500) {
    const std::string words = text::lower(text::trim(description));
    for (const TextRow& row : kTexts) {
      if (words.starts_with(row.begins)) return row.meaning;
    }
  }
  const ErrorMeaning* refused = by_status(kStatuses, status);
  return refused != nullptr ? *refused : kUnknown;
}

}  // namespace b24
