// webhook_tests: webhook URLs, and what is read from answers, whatever bytes they are made of.
#include "portal/webhook.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <string_view>

#include "decorators.h"

using namespace b24;

namespace webhook_tests {

constexpr std::string_view kTime =
    R"("time":{"start":1778747192.91,"finish":1778747193.53,"duration":0.61,"processing":0.03,)"
    R"("date_start":"2026-05-14T10:26:32+02:00","date_finish":"2026-05-14T10:26:33+02:00",)"
    R"("operating_reset_at":1778747792,"operating":3.5})";

std::string with_time(std::string_view members) {
  return "{" + std::string(members) + "," + std::string(kTime) + "}";
}

const CallError& error_of(const CallResult& outcome) {
  BOOST_REQUIRE(!outcome.has_value());
  return outcome.error();
}

std::vector<b24::Command> commands(std::initializer_list<const char*> keys) {
  std::vector<b24::Command> result;
  for (const char* key : keys) result.push_back({key, "crm.lead.add", Value::array()});
  return result;
}

// A batch answer: the second command failed, the third has no result of its own.
const std::string& batch_answer() {
  static const std::string text = with_time(
      R"("result":{"result":{"a":4711,"c":[{"ID":"1"}]},"result_error":{"b":{"error":"","error_description":"Access denied."}},)"
      R"("result_total":{"c":51},"result_next":{"c":50},"result_time":{"a":{"operating":1.5,"operating_reset_at":1778747800},"c":[]}})");
  return text;
}

}  // namespace webhook_tests

BOOST_AUTO_TEST_SUITE(webhook_tests)

BOOST_AUTO_TEST_CASE(urls_of_webhooks) {
  for (const char* good :
       {"https://p.bitrix24.com/rest/1/abcdef0123456789/", "https://p.bitrix24.com/rest/1/abc",
        "https://localhost:8443/rest/1/sandbox/", "https://[::1]:8443/rest/12/s_e-C/",
        "https://p.bitrix24.com/rest/api/1/abc/", "https://p.bitrix24.com/rest/api/1/abc"}) {
    BOOST_TEST(!Webhook::url_fault(good), good);
  }
  const struct {
    const char* url;
    const char* cause;
  } bad[] = {
      {"", "is not set"},
      {"http://p.bitrix24.com/rest/1/canary/", "https://"},
      {"HTTP://p.bitrix24.com/rest/1/canary/", "https://"},
      {"p.bitrix24.com/rest/1/canary/", "https://"},
      {"https:///rest/1/canary/", "host"},
      {"https://user:canary@p.bitrix24.com/rest/1/canary/", "host"},
      {"https://p.bitrix24.com\n/rest/1/canary/", "host"},
      {"https://p.bitrix24.com", "/rest/"},
      {"https://p.bitrix24.com/canary/1/x/", "/rest/"},
      {"https://p.bitrix24.com/rest/canary/1/", "number"},
      {"https://p.bitrix24.com/rest//canary/", "number"},
      {"https://p.bitrix24.com/rest/1/", "secret"},
      {"https://p.bitrix24.com/rest/api/", "number"},
      {"https://p.bitrix24.com/rest/api/1/", "secret"},
      {"https://p.bitrix24.com/rest/api/api/1/canary/", "number"},
      {"https://p.bitrix24.com/rest/api/1/canary/crm.lead.add", "goes on"},
      {"https://p.bitrix24.com/rest/1/canary?x/", "secret"},
      {"https://p.bitrix24.com/rest/1/canary#/", "secret"},
      {"https://p.bitrix24.com/rest/1/can ary/", "secret"},
      {"https://p.bitrix24.com/rest/1/canary/crm.lead.add", "goes on"},
      {"https://p.bitrix24.com/rest/1/canary//", "goes on"},
  };
  for (const auto& [url, cause] : bad) {
    BOOST_TEST_CONTEXT(url) {
      const auto fault = Webhook::url_fault(url);
      BOOST_REQUIRE(fault.has_value());
      BOOST_TEST((fault->kind == ErrorKind::settings));
      BOOST_TEST(fault->cause.find(cause) != std::string::npos, fault->cause);
      BOOST_TEST(fault->cause.find("canary") == std::string::npos);
      BOOST_TEST(!fault->remedy.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_webhook_without_a_usable_url_is_blocked) {
  Settings settings;
  Webhook webhook(settings, nullptr);
  const auto answer = webhook.call("profile", Value::array());
  BOOST_TEST((error_of(answer).verdict == Verdict::blocked));
  BOOST_TEST(error_of(answer).error.code == "webhook_url");
  BOOST_TEST(webhook.portal().empty());
  settings.crest.web_hook_url = "https://Portal.Example:8443/rest/1/s";
  BOOST_TEST(Webhook(settings, nullptr).portal() == "portal.example:8443");
}

BOOST_AUTO_TEST_CASE(a_portal_with_a_name_has_its_own_url_and_limits) {
  Settings settings;
  settings.crest.web_hook_url = "https://one.example/rest/1/s/";
  settings.portals.resize(3);
  settings.portals[1] = {.name = "Shop", .webhook = "https://two.example:8443/rest/1/s/"};
  settings.portals[1].bucket_size = 250;
  settings.portals[2].name = "tokens alone";
  BOOST_TEST(Webhook(settings, nullptr).portal() == "one.example");
  BOOST_TEST(Webhook(settings, nullptr, "shop").portal() == "two.example:8443");
  const auto all = called_portals(settings);
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(all[0].bucket_size == 50);
  BOOST_TEST(all[1].bucket_size == 250);
  BOOST_TEST(all[1].bucket_drain == 2);
  for (const char* none : {"nobody", "tokens alone"}) {
    Webhook webhook(settings, nullptr, none);
    const auto answer = webhook.call("profile", Value::array());
    BOOST_TEST(error_of(answer).error.cause ==
               "[portal " + std::string(none) + "] webhook is not set");
  }
  BOOST_TEST(Webhook::is_at(settings.portals[1].webhook, "TWO.example"));
  BOOST_TEST(Webhook::is_at(settings.portals[1].webhook, "two.example:8443"));
  for (const char* other : {"", "two", "two.example:1", "one.example"})
    BOOST_TEST(!Webhook::is_at(settings.portals[1].webhook, other), other);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_which_field_is_told) {
  const auto answer = read_answer(
      400, R"({"error":{"code":"BITRIX_REST_V3_EXCEPTION_VALIDATION_REQUESTVALIDATIONEXCEPTION",)"
           R"("message":"Error during request object validation","validation":[)"
           R"({"message":"Required field is not specified","field":"name"},)"
           R"({"message":"too long","field":"title"}]}})");
  BOOST_TEST((error_of(answer).verdict == Verdict::permanent));
  BOOST_TEST(error_of(answer).error.cause.contains("; name: Required field is not specified"));
  BOOST_TEST(error_of(answer).error.cause.contains("; title: too long"));
  for (const char* odd : {R"({"error":{"code":"X","validation":7}})",
                          R"({"error":{"code":"X","validation":[1,[],{"field":{}}]}})"})
    BOOST_TEST(error_of(read_answer(400, odd)).error.code == "X");
}

BOOST_AUTO_TEST_CASE(good_answers_are_read) {
  const auto number = read_answer(200, with_time(R"("result":4711)"));
  BOOST_REQUIRE(number);
  BOOST_TEST(number->result.integer() == 4711);
  BOOST_TEST(number->operating == 3.5);
  BOOST_TEST(number->operating_reset_at == 1778747792);

  const auto list = read_answer(200, with_time(R"("result":[{"ID":"1"}],"total":"51","next":50)"));
  BOOST_REQUIRE(list);
  BOOST_TEST(list->result.size() == 1U);

  for (const char* result : {"[]", "{}", "null", "false", "true", "\"\"", "0"}) {
    BOOST_TEST(read_answer(200, R"({"result":)" + std::string(result) + "}").has_value(), result);
  }
  BOOST_TEST(read_answer(200, R"({"result":1,"time":[]})").has_value());
  BOOST_TEST(read_answer(200, " {\"result\":1}\r\n").has_value());
}

// Found by fuzzing.
BOOST_AUTO_TEST_CASE(times_that_no_clock_shows_are_none) {
  for (const char* time : {"1e300", "-1e300", "9223372036854775807", "-5", "\"soon\"", "[]"}) {
    const auto answer = read_answer(200, R"({"result":1,"time":{"finish":)" + std::string(time) +
                                             R"(,"operating_reset_at":)" + time + "}}");
    BOOST_TEST_REQUIRE(answer.has_value());
    BOOST_TEST(answer->at == 0, time);
    BOOST_TEST(answer->operating_reset_at == 0, time);
  }
}

BOOST_AUTO_TEST_CASE(errors_keep_the_portals_code_and_words) {
  const auto empty = read_answer(400, R"({"error":"","error_description":"Access denied."})");
  BOOST_TEST(error_of(empty).error.code.empty());
  BOOST_TEST((error_of(empty).verdict == Verdict::permanent));
  BOOST_TEST(error_of(empty).error.cause.find("Access denied.") != std::string::npos);
  BOOST_TEST(error_of(empty).status == 400);

  const auto limit = read_answer(
      503, R"({"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"})");
  BOOST_TEST(error_of(limit).error.code == "QUERY_LIMIT_EXCEEDED");
  BOOST_TEST((error_of(limit).verdict == Verdict::retry));
  BOOST_TEST((error_of(limit).error.kind == ErrorKind::portal));

  const auto number =
      read_answer(400, R"({"error":100,"error_description":"Could not find value"})");
  BOOST_TEST(error_of(number).error.code == "100");

  const auto version3 =
      read_answer(400, R"({"error":{"code":"insufficient_scope","message":"no scope"}})");
  BOOST_TEST((error_of(version3).verdict == Verdict::blocked));
  BOOST_TEST(error_of(version3).error.cause.find("no scope") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_of_the_portal_is_never_a_success) {
  const struct {
    int status;
    const char* body;
    const char* code;
    Verdict verdict;
  } cases[] = {
      {200, "", "not_json", Verdict::look},
      {200, "<html><body>Maintenance</body></html>", "not_json", Verdict::look},
      {502, "<html>502 Bad Gateway</html>", "not_json", Verdict::look},
      {503, "<html>Service Temporarily Unavailable</html>", "not_json", Verdict::look},
      {404, "<html>404 Not Found</html>", "not_json", Verdict::blocked},
      {200, "4711", "not_json", Verdict::look},
      {200, "\"result\"", "not_json", Verdict::look},
      {200, "null", "not_json", Verdict::look},
      {200, R"({"result":1} trailing)", "not_json", Verdict::look},
      {200, R"({"result":1}{"result":1})", "not_json", Verdict::look},
      {200, "Warning: x\n{\"result\":1}", "not_json", Verdict::look},
      {200, "{}", "no_result", Verdict::look},
      {200, "[]", "no_result", Verdict::look},
      {200, R"([{"result":1}])", "no_result", Verdict::look},
      {200, R"({"Result":1})", "no_result", Verdict::look},
      {200, R"({"error":null})", "no_result", Verdict::look},
      {500, R"({"result":1})", "no_result", Verdict::look},
      {0, R"({"result":1})", "no_result", Verdict::look},
      {201, R"({"result":1})", "no_result", Verdict::look},
      {206, R"({"result":1})", "no_result", Verdict::look},
      {302, R"({"result":1})", "no_result", Verdict::look},
      {200, R"({"result":1,"error":"X"})", "X", Verdict::permanent},
      {200, R"({"result":1,"error":""})", "", Verdict::permanent},
      {500, R"({"result":1,"error":""})", "", Verdict::look},
  };
  for (const auto& [status, body, code, verdict] : cases) {
    BOOST_TEST_CONTEXT(status << " " << body) {
      const auto answer = read_answer(status, body);
      BOOST_TEST(error_of(answer).error.code == code);
      BOOST_TEST((error_of(answer).verdict == verdict));
      BOOST_TEST(error_of(answer).status == status);
      BOOST_TEST(!error_of(answer).error.cause.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(words_of_an_answer_are_short_on_one_line_and_masked) {
  const std::string page =
      "<html>\r\nPOST https://p.bitrix24.com/rest/1/canary0123456789/crm.lead.add.json "
      "failed\x1b[0m " +
      std::string(100'000, 'x');
  const std::string cause = error_of(read_answer(502, page)).error.cause;
  BOOST_TEST(cause.find("canary") == std::string::npos, cause);
  BOOST_TEST(cause.find("<html>") != std::string::npos);
  BOOST_TEST(cause.find_first_of("\r\n\x1b") == std::string::npos);
  BOOST_TEST(cause.size() < 500U);
  // Wherever the cut falls.
  for (std::size_t before = 0; before < 260; ++before) {
    const auto answer = read_answer(
        502, std::string(before, '-') + "https://p.bitrix24.com/rest/1/canary0123456789/x");
    BOOST_TEST(error_of(answer).error.cause.find("can") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(cut_answers_are_never_a_success, *shows("F5")) {
  for (const std::string& whole : {with_time(R"("result":4711)"),
                                   with_time(R"("result":[{"ID":"1","TITLE":"\u0416"}],"total":1)"),
                                   batch_answer(), std::string(R"({"result":true})")}) {
    BOOST_REQUIRE(read_answer(200, whole).has_value());
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const auto answer = read_answer(200, std::string_view(whole).substr(0, length));
      BOOST_TEST_REQUIRE(!answer.has_value(), whole.substr(0, length));
      BOOST_TEST((answer.error().verdict == Verdict::look));
      for (const BatchResult& result : read_batch(answer, commands({"a", "b"})))
        BOOST_TEST(!result.outcome.has_value());
    }
  }
}

// A mutation may still be JSON, and may even change a number; but no error turns into a success.
BOOST_AUTO_TEST_CASE(mutated_answers_do_no_harm, *shows("F5")) {
  const std::string refused = R"({"error":"ACCESS_DENIED","error_description":"no"})";
  std::mt19937 random(20'261'124);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  constexpr std::string_view kBytes = "{}[]\",:\\0123456789.eE+-ntfu \x00\xff\xd0";
  const auto names = commands({"a", "b", "c"});
  for (int round = 0; round < 10'000; ++round) {
    for (const std::string& seed : {batch_answer(), refused}) {
      std::string text = seed;
      for (std::size_t change = 0; change <= below(4); ++change) {
        const std::size_t at = below(text.size());
        switch (below(3)) {
          case 0:
            text[at] = kBytes[below(kBytes.size())];
            break;
          case 1:
            text.erase(at, 1 + below(5));
            break;
          default:
            text.insert(at, 1 + below(3), kBytes[below(kBytes.size())]);
        }
        if (text.empty()) text = "{";
      }
      const auto answer = read_answer(200, text);
      const auto results = read_batch(answer, names);
      BOOST_TEST_REQUIRE(results.size() == 3U);
      if (seed == refused) BOOST_TEST(!answer.has_value(), text);
      // "b" was refused: a success needs a result under its name.
      if (results[1].outcome) BOOST_TEST(answer->result["result"].find("b") != nullptr, text);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_command_has_its_own_outcome) {
  const auto results = read_batch(read_answer(200, batch_answer()), commands({"c", "b", "a", "d"}));
  BOOST_REQUIRE(results.size() == 4U);
  BOOST_TEST(results[0].key == "c");
  BOOST_REQUIRE(results[0].outcome);
  BOOST_TEST((error_of(results[1].outcome).verdict == Verdict::permanent));
  BOOST_TEST(error_of(results[1].outcome).error.cause.find("Access denied.") != std::string::npos);
  BOOST_REQUIRE(results[2].outcome);
  BOOST_TEST(results[2].outcome->result.integer() == 4711);
  BOOST_TEST(results[2].outcome->operating == 1.5);
  BOOST_TEST(results[2].outcome->operating_reset_at == 1778747800);
  BOOST_TEST(error_of(results[3].outcome).error.code == "no_result");
  BOOST_TEST((error_of(results[3].outcome).verdict == Verdict::look));
}

BOOST_AUTO_TEST_CASE(empty_maps_come_as_lists) {
  const auto read = [](const char* parts) {
    return read_batch(read_answer(200, R"({"result":)" + std::string(parts) + "}"),
                      commands({"0", "1"}));
  };
  const auto lists = read(
      R"({"result":[7,8],"result_error":[],"result_total":[],"result_next":[],"result_time":[]})");
  BOOST_REQUIRE(lists[0].outcome.has_value());
  BOOST_TEST(lists[1].outcome->result.integer() == 8);
  const auto errors =
      read(R"({"result":[],"result_error":[{"error":"X"},{"error":"Y"}],"result_total":[]})");
  BOOST_TEST(error_of(errors[0].outcome).error.code == "X");
  BOOST_TEST(error_of(errors[1].outcome).error.code == "Y");
  for (const char* strange : {"[]", "{}", "true", "null", "5", R"({"result":5,"result_error":"x"})",
                              R"({"result":null})", R"({"result_error":{"0":"text","1":null}})"}) {
    for (const BatchResult& result : read(strange)) {
      BOOST_TEST_CONTEXT(strange) {
        BOOST_TEST((error_of(result.outcome).verdict == Verdict::look));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(failure_of_the_request_is_that_of_each_command) {
  const auto whole = read_answer(503, R"({"error":"QUERY_LIMIT_EXCEEDED"})");
  const auto results = read_batch(whole, commands({"a", "b"}));
  BOOST_REQUIRE(results.size() == 2U);
  for (const BatchResult& result : results)
    BOOST_TEST(error_of(result.outcome).error.code == "QUERY_LIMIT_EXCEEDED");
  BOOST_TEST(read_batch(whole, {}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
