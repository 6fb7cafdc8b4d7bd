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
constexpr std::string_view kSlower =
    "nothing to do once; when it happens often, call less or spread the calls";
constexpr std::string_view kWait =
    "wait; when it lasts, ask Bitrix24's support or the portal's host";
constexpr std::string_view kApplication =
    "use a method that works with webhooks, or an application";
constexpr std::string_view kCorrect = "correct the request as the portal's words say";
constexpr std::string_view kTooSlow =
    "the request took too long to arrive; whether it was carried out is unknown";
constexpr std::string_view kAddress =
    "check C_REST_WEB_HOOK_URL, and what stands between this server and the portal";

// What the portal itself says; of two rows with one code the first that has the status.
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
    {"INVALID_CREDENTIALS", Verdict::blocked,
     "the webhook's user or secret is wrong, or it was deleted, blocked or given a new secret, or "
     "it has expired",
     kNewSecret, 401, 401},
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
    {"BITRIX_REST_V3_EXCEPTION_METHODNOTFOUNDEXCEPTION", Verdict::permanent,
     "there is no such method", "check the method's name"},
    {"BITRIX_REST_V3_EXCEPTION_INSUFFICIENTSCOPEEXCEPTION", Verdict::blocked,
     "the webhook lacks the permission for this method", kScope},
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

// A code that is unknown or empty: the status says whether the portal refused or broke.
constexpr ErrorMeaning kStatuses[] = {
    {"", Verdict::permanent, "the portal refused the request", kCorrect, 200, 200},
    {"", Verdict::blocked, "the portal does not accept the webhook", kNewSecret, 401, 401},
    {"", Verdict::blocked, "the portal's plan does not include this",
     "renew or extend the portal's plan", 402, 402},
    {"", Verdict::blocked, "the portal does not allow this to the webhook", kRights, 403, 403},
    {"", Verdict::retry, "too many requests; this one was not carried out", kSlower, 429, 429},
    {"", Verdict::look, kTooSlow, kWait, 408, 408},
    {"", Verdict::permanent, "the portal refused the request", kCorrect, 400, 499},
    {"", Verdict::look, "the portal failed; whether the call was carried out is unknown", kWait},
};

// The portal's words when its code is empty.
constexpr std::string_view kAccessDenied = "access denied";
constexpr ErrorMeaning kNoRights = {"", Verdict::permanent,
                                    "the webhook's creator lacks the rights", kRights};

// What is not an answer of the portal's REST, by its form (our codes "not_json" and "no_result"): a
// refusal by a proxy or a wrong address is not for good, and nothing else says what happened.
constexpr ErrorMeaning kForeign[] = {
    {"", Verdict::look, kTooSlow, kWait, 408, 408},
    {"", Verdict::permanent, "the request is too large for what stands before the portal",
     "send less at once", 413, 413},
    {"", Verdict::retry, "too many requests; this one was not carried out", kSlower, 429, 429},
    {"", Verdict::blocked, "what answers there refuses the request, and is not the portal's REST",
     kAddress, 400, 499},
    {"", Verdict::look,
     "the answer is not one of the portal's REST; whether the call was carried out is unknown",
     kAddress},
};

const ErrorMeaning* find(std::span<const ErrorMeaning> rows, int status, std::string_view code) {
  const auto row = std::ranges::find_if(rows, [&](const ErrorMeaning& each) {
    return each.first <= status && status <= each.last &&
           text::equal_ignoring_case(each.code, code);
  });
  return row == rows.end() ? nullptr : &*row;
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
  if (code == "not_json" || code == "no_result") return *find(kForeign, status, "");
  if (const ErrorMeaning* known = find(kCodes, status, code)) return *known;
  if (code.empty() && status < 500 &&
      text::lower(text::trim(description)).starts_with(kAccessDenied))
    return kNoRights;
  return *find(kStatuses, status, "");
}

}  // namespace b24
