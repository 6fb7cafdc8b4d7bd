// webhook_errors_tests: what each of the portal's errors means.
#include <boost/test/unit_test.hpp>
#include <ostream>

#include "decorators.h"
#include "portal/webhook.h"

using namespace b24;

namespace b24 {
static std::ostream& operator<<(std::ostream& out, Verdict verdict) {
  constexpr const char* kNames[] = {"retry", "look", "permanent", "blocked"};
  return out << kNames[static_cast<int>(verdict)];
}
}  // namespace b24

BOOST_AUTO_TEST_SUITE(webhook_errors_tests)

BOOST_AUTO_TEST_CASE(verdict_of_each_error) {
  using enum Verdict;
  const struct {
    int status;
    const char* code;
    const char* description;
    Verdict want;
  } cases[] = {
      {503, "QUERY_LIMIT_EXCEEDED", "Too many requests", retry},
      {503, "query_limit_exceeded", "", retry},
      {200, "QUERY_LIMIT_EXCEEDED", "", retry},  // inside a batch
      {429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", retry},
      {200, "OPERATION_TIME_LIMIT", "", retry},
      {503, "OVERLOAD_LIMIT", "REST API is blocked due to overload.", blocked},
      {401, "NO_AUTH_FOUND", "Wrong authorization data", blocked},
      {401, "expired_token", "The access token provided has expired.", blocked},
      {401, "EXPIRED_TOKEN", "", blocked},
      {401, "invalid_token", "", blocked},
      {400, "invalid_grant", "", blocked},
      {400, "invalid_client", "", blocked},
      {403, "insufficient_scope", "", blocked},
      {401, "INVALID_CREDENTIALS", "", blocked},
      {403, "INVALID_CREDENTIALS", "", blocked},
      {403, "ACCESS_DENIED", "REST is available only on commercial plans", blocked},
      {403, "user_access_error", "", blocked},
      {402, "PAYMENT_REQUIRED", "", blocked},
      {500, "PORTAL_DELETED", "Portal was deleted", blocked},
      {400, "INVALID_REQUEST", "Https required.", permanent},
      {400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded", permanent},
      {405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "", permanent},
      {404, "ERROR_METHOD_NOT_FOUND", "Method not found!", permanent},
      {400, "ERROR_METHOD_NOT_FOUND", "Method not found!", permanent},
      {403, "WRONG_AUTH_TYPE", "Current authorization type is denied for this method", permanent},
      {404, "ERROR_MANIFEST_IS_NOT_AVAILABLE", "", permanent},
      {500, "INTERNAL_SERVER_ERROR", "Internal server error", look},
      {200, "INTERNAL_SERVER_ERROR", "Internal server error", look},
      {500, "ERROR_UNEXPECTED_ANSWER", "Server returned an unexpected response", look},
      // Codes that only a method has, or none at all.
      {400, "", "Access denied.", permanent},
      {200, "", " access denied", permanent},
      {400, "", "Required fields: TITLE", permanent},
      {400, "100", "Could not find value for parameter {fields}", permanent},
      {200, "ERROR_CORE", "TITLE is too long", permanent},
      {401, "SOMETHING_NEW", "", blocked},
      {403, "SOMETHING_NEW", "", blocked},
      {429, "SOMETHING_NEW", "", retry},
      {408, "", "", look},
      {500, "", "Access denied.", look},
      {500, "SOMETHING_NEW", "", look},
      {502, "", "", look},
      {503, "", "", look},
      {503, "SOMETHING_NEW", "", look},
      {504, "", "", look},
      {599, "", "", look},
      {0, "", "", look},
      {302, "", "", look},
      {204, "", "", look},
      {201, "SOMETHING_NEW", "", look},
      {-1, "", "", look},
      // Not an answer of the portal's REST.
      {200, "not_json", "<html>", look},
      {500, "not_json", "<html>", look},
      {502, "not_json", "<html>", look},
      {503, "not_json", "<html>", look},
      {302, "not_json", "<html>", look},
      {408, "not_json", "<html>", look},
      {404, "not_json", "<html>", blocked},
      {403, "not_json", "access denied", blocked},
      {413, "not_json", "<html>", permanent},
      {429, "not_json", "<html>", retry},
      {200, "no_result", "", look},
      {500, "no_result", "", look},
      {404, "no_result", "", blocked},
  };
  for (const auto& [status, code, description, want] : cases) {
    BOOST_TEST_CONTEXT(status << " " << code << " " << description) {
      const ErrorMeaning& meaning = error_meaning(status, code, description);
      BOOST_TEST(meaning.verdict == want);
      BOOST_TEST(!meaning.cause.empty());
      BOOST_TEST(!meaning.remedy.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_remedy_says_what_its_status_says) {
  const ErrorMeaning& wrong = error_meaning(401, "invalid_credentials", "");
  BOOST_TEST(wrong.cause.find("deleted") != wrong.cause.npos, wrong.cause);
  BOOST_TEST(wrong.remedy.find("C_REST_WEB_HOOK_URL") != wrong.remedy.npos, wrong.remedy);
  for (const int status : {403, 200}) {  // 200: inside a batch
    const ErrorMeaning& barred = error_meaning(status, "INVALID_CREDENTIALS", "");
    BOOST_TEST(barred.cause.find("rights") != barred.cause.npos, barred.cause);
    BOOST_TEST(barred.remedy.find("rights") != barred.remedy.npos, barred.remedy);
  }
}

BOOST_AUTO_TEST_CASE(only_what_is_certainly_not_executed_is_retried, *shows("A17")) {
  for (int status = -1; status < 700; ++status) {
    for (const char* code : {"", "X", "not_json", "no_result", "INTERNAL_SERVER_ERROR"}) {
      const Verdict verdict = error_meaning(status, code, "").verdict;
      BOOST_TEST_CONTEXT(status << " " << code) {
        if (verdict == Verdict::retry) BOOST_TEST(status == 429);
        if (status >= 500) BOOST_TEST(verdict == Verdict::look);
        if (status >= 400 && status < 500 && code != std::string("INTERNAL_SERVER_ERROR"))
          BOOST_TEST((verdict == Verdict::look) == (status == 408));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_code_is_not_taken_for_a_part_of_another) {
  for (const char* code :
       {"QUERY_LIMIT", "QUERY_LIMIT_EXCEEDED_", " QUERY_LIMIT_EXCEEDED", "expired"}) {
    BOOST_TEST(error_meaning(400, code, "").verdict == Verdict::permanent, code);
  }
}

// A proxy's 504 was once taken for the portal's answer, so that a lead could be sent a second time
// while the first one was still being made.
BOOST_AUTO_TEST_CASE(portal_may_be_at_work_behind_a_proxy_that_gave_up) {
  const struct {
    int status;
    const char* code;
    bool want;
  } cases[] = {
      {0, "timeout", true},
      {0, "reset", true},
      {504, "not_json", true},
      {524, "not_json", true},
      {522, "not_json", true},
      {502, "not_json", false},
      {503, "not_json", false},
      {500, "not_json", false},
      {200, "not_json", false},
      {504, "INTERNAL_SERVER_ERROR", false},
      {500, "INTERNAL_SERVER_ERROR", false},
      {503, "QUERY_LIMIT_EXCEEDED", false},
  };
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.status << " " << c.code) {
      CallError error;
      error.status = c.status;
      error.error.code = c.code;
      BOOST_TEST(may_still_run(error) == c.want);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
