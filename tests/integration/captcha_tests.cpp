// captcha_tests: each captcha service as the form asks it: what is asked, and what follows from
// every kind of answer.
#include "index/spam.h"

#include <boost/test/unit_test.hpp>
#include <mutex>
#include <string>
#include <utility>

#include "form_client.h"
#include "site.h"
#include "store_fixture.h"
#include "tls_server.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;

namespace captcha_tests {

constexpr const char* kSecret = "canary0123456789";

// A service that gives the answer it was told to.
struct CaptchaFixture {
  CaptchaFixture() { shared_site().reset(); }

  CgiForm form(const CaptchaService& service, const std::string& verify_url) const {
    return CgiForm(shared_site(), {"B24HOOKS_SPAM_CAPTCHA=" + std::string(service.name),
                                   "B24HOOKS_SPAM_CAPTCHA_SITE_KEY=site-key",
                                   "B24HOOKS_SPAM_CAPTCHA_SECRET=" + std::string(kSecret),
                                   "B24HOOKS_SPAM_CAPTCHA_VERIFY_URL=" + verify_url});
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server.port()) + "/ask"; }
  // The number of such things since the data directory was made.
  static std::int64_t counted(const CgiForm& form, std::string_view counter) {
    std::int64_t sum = 0;
    for (const Store::Count& count : good(good(Store::open(form.data_dir()))->counts(0)))
      if (count.name == counter) sum += count.count;
    return sum;
  }
  static void check_secret(const CgiForm& form, const HttpReply& page) {
    BOOST_TEST(!page.raw.contains(kSecret));
    for (const auto& file : std::filesystem::directory_iterator(form.data_dir()))
      BOOST_TEST(!read_file(file.path()).contains(kSecret), file.path());
  }

  void answer_with(Reply reply) {
    const std::lock_guard lock(mutex);
    says = std::move(reply);
  }

  std::mutex mutex;
  Reply says;
  TlsServer server{nullptr, [this](const Received&) {
                     const std::lock_guard lock(mutex);
                     return says;
                   }};
};

Reply good_answer(const CaptchaService& service) {
  return test::json(service.good_value == "1" ? R"({"success":true,"hostname":"localhost"})"
                                              : R"({"status":"ok","message":""})");
}

Value answered(const CaptchaService& service, const std::string& visitor,
               const std::string& token) {
  Value params = person(visitor);
  params.set(service.answer_field, "widget's answer");
  params.set("form_token", token);
  return params;
}

}  // namespace captcha_tests

BOOST_FIXTURE_TEST_SUITE(captcha_tests, CaptchaFixture)

BOOST_AUTO_TEST_CASE(every_service_is_asked_in_its_own_way) {
  for (const CaptchaService& service : captcha_services()) {
    BOOST_TEST_CONTEXT(service.name) {
      const CgiForm at = form(service, url());
      const HttpReply page = at.get();
      BOOST_TEST(page.body.contains("class=\"field " + std::string(service.widget_class) + "\""));
      BOOST_TEST(page.body.contains("data-sitekey=\"site-key\""));
      BOOST_TEST(page.body.contains("src=\"" + std::string(service.script)));
      const std::string token = input_value(page.body, "form_token");

      const std::size_t asked = server.requests().size();
      answer_with(good_answer(service));
      const Value params = answered(service, std::string(service.name), token);
      const HttpReply taken = at.post(params);
      BOOST_TEST(taken.status == 303);
      BOOST_REQUIRE_EQUAL(server.requests().size(), asked + 1);
      const Value question = php::parse_query(server.requests().back().body).value();
      BOOST_TEST(question.size() == 3U);
      BOOST_TEST(question["secret"].text() == kSecret);
      BOOST_TEST(question[service.answer_parameter].text() == "widget's answer");
      BOOST_TEST(question[service.address_parameter].text() == "127.0.0.1");
      // The second click is not asked for another answer: the first one is used up.
      BOOST_TEST(at.post(params).status == 303);
      BOOST_TEST(server.requests().size() == asked + 1);
      check_secret(at, taken);
    }
  }
  BOOST_TEST(shared_site().leads().size() == captcha_services().size());
}

BOOST_AUTO_TEST_CASE(who_did_not_answer_or_not_well_is_asked_again) {
  for (const CaptchaService& service : captcha_services()) {
    BOOST_TEST_CONTEXT(service.name) {
      const CgiForm at = form(service, url());
      const std::string token = input_value(at.get().body, "form_token");
      const std::size_t asked = server.requests().size();
      Value without = answered(service, "Anna", token);
      without.set(service.answer_field, "");
      BOOST_TEST(at.post(without).status == 422);
      BOOST_TEST(server.requests().size() == asked);
      int refused = 1;
      for (const char* answer :
           {R"({"success":false,"error-codes":["timeout-or-duplicate"]})",
            R"({"status":"failed","message":"Token invalid or expired."})", R"({"success":"ok"})",
            R"({"status":1})", "{}", "[]", "null", R"({"success":[true],"status":{"ok":1}})"}) {
        answer_with(test::json(answer));
        const HttpReply page = at.post(answered(service, "Anna", token));
        BOOST_TEST(page.status == 422, answer);
        BOOST_TEST(page.body.contains("value=\"Anna\""));
        ++refused;
      }
      BOOST_TEST(counted(at, "spam.captcha") == refused);
    }
  }
  BOOST_TEST(shared_site().leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(no_visitor_suffers_from_a_service_that_fails) {
  const CaptchaService& service = captcha_services().front();
  const std::string nobody = "http://127.0.0.1:" + std::to_string(free_port()) + "/";
  const struct {
    std::string url;
    Reply says;
  } cases[] = {
      {url(), test::answer(503, R"({"success":false})")},
      {url(), test::answer(200, "<html>maintenance</html>")},
      {url(), {"", Reply::Then::reset}},
      {url(),
       {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"success\":true", Reply::Then::close}},
      {nobody, {}},
      {"https://127.0.0.1:" + std::to_string(server.port()) + "/", {}},
  };
  std::size_t leads = 0;
  for (const auto& c : cases) {
    answer_with(c.says);
    const CgiForm at = form(service, c.url);
    const std::string token = input_value(at.get().body, "form_token");
    const HttpReply page = at.post(answered(service, std::to_string(leads), token));
    BOOST_TEST(page.status == 303);
    BOOST_TEST(counted(at, "spam.captcha_unreachable") == 1);
    BOOST_TEST(read_file(at.data_dir() / "b24hooks.log").contains("captcha_unreachable"));
    check_secret(at, page);
    ++leads;
  }
  BOOST_TEST(shared_site().leads().size() == leads);
}

BOOST_AUTO_TEST_CASE(no_visitor_suffers_from_a_secret_that_the_owner_got_wrong) {
  const struct {
    const char* service;
    Reply says;
  } cases[] = {
      {"turnstile", test::json(R"({"success":false,"error-codes":["invalid-input-secret"]})")},
      {"hcaptcha", test::json(R"({"success":false,"error-codes":["sitekey-secret-mismatch"]})")},
      {"recaptcha", test::json(R"({"success":false,"error-codes":["missing-input-secret"]})")},
      {"smartcaptcha",
       test::answer(403,
                    R"({"status":"failed","message":"Authentication failed. Invalid secret."})")},
  };
  for (const auto& c : cases) {
    for (const CaptchaService& service : captcha_services()) {
      if (service.name != c.service) continue;
      answer_with(c.says);
      const CgiForm at = form(service, url());
      const std::string token = input_value(at.get().body, "form_token");
      const HttpReply page = at.post(answered(service, c.service, token));
      BOOST_TEST(page.status == 303, c.service);
      BOOST_TEST(counted(at, "spam.captcha_misconfigured") == 1);
      BOOST_TEST(read_file(at.data_dir() / "b24hooks.log").contains("captcha_secret"));
      check_secret(at, page);
    }
  }
  BOOST_TEST(shared_site().leads().size() == std::size(cases));
}

BOOST_AUTO_TEST_SUITE_END()
