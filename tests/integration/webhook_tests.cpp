// webhook_tests: calls and batches against a scripted portal.
#include "portal/webhook.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "decorators.h"
#include "tls_server.h"
#include "value/php.h"

using namespace b24;
using test::Received;
using test::Reply;
using test::TlsServer;

namespace webhook_tests {

constexpr const char* kSecret = "canary0123456789";
constexpr Millis kNow = 1'778'747'200'000;

const test::Authority& authority() {
  static const test::Authority shared;
  return shared;
}

// A gate that notes what it is told.
class NotingGate : public CallGate {
 public:
  Millis enter(std::string_view method) override {
    seen.push_back("enter " + std::string(method));
    return wait;
  }
  void ended(std::string_view method, const CallResult& result) override {
    seen.push_back(result ? "answered " + std::string(method)
                          : "failed " + std::string(method) + " " + result.error().error.code);
  }
  Millis closed_for(std::string_view method) override { return method == closed ? 4'000 : 0; }
  void ran(std::span<const b24::Command> commands, std::span<const BatchResult> results) override {
    for (std::size_t i = 0; i < commands.size(); ++i) {
      const CallResult& outcome = results[i].outcome;
      seen.push_back("ran " + commands[i].method + " " +
                     (outcome ? "well" : outcome.error().error.code));
    }
  }
  Millis wait = 0;
  std::string closed;  // a method that is held back
  std::vector<std::string> seen;
};

// A scripted portal and a webhook that calls it.
struct Portal {
  explicit Portal(TlsServer::Handler handler,
                  std::shared_ptr<test::Certificate> certificate = authority().issue("localhost"))
      : server(std::move(certificate), std::move(handler)) {
    settings.crest.web_hook_url = server.url("/rest/1/" + std::string(kSecret) + "/");
    settings.call.ca_file = authority().ca_file();
  }
  Webhook webhook(CallGate* gate = nullptr) {
    return Webhook(settings, gate, "", [] { return kNow; });
  }
  TlsServer server;
  Settings settings;
};

// The answers in their order; the last one again and again.
TlsServer::Handler script(std::vector<Reply> replies) {
  return [replies = std::move(replies)](const Received& request) {
    return replies[std::min(replies.size(), static_cast<std::size_t>(request.number)) - 1];
  };
}

// What a webhook sends to `path`, and as what.
void check_sent(const char* url, const char* method, const char* path, const char* type,
                const char* body) {
  Received seen;
  Portal portal([&](const Received& request) {
    seen = request;
    return test::json(R"({"result":true})");
  });
  portal.settings.crest.web_hook_url = portal.server.url(url);
  BOOST_TEST(portal.webhook().call_where_it_is(method, Value::map({{"id", "7"}})).has_value());
  BOOST_TEST(seen.path == path);
  BOOST_TEST(seen.body == body);
  BOOST_TEST(seen.head.contains(type), seen.head);
}

// Runs a batch as the portal does: the outcome of each command is `answer` of its line; "" is a
// failure.
TlsServer::Handler batch_portal() {
  return [](const Received& request) {
    const Value form = php::parse_query(request.body).value();
    std::string results, errors;
    for (const Value::Member& command : form["cmd"].members()) {
      const std::string line = command.value.text();
      const bool fails = line.find("fail") != std::string::npos;
      std::string& to = fails ? errors : results;
      to += (to.empty() ? "\"" : ",\"") + command.key.text() + "\":";
      to += fails ? R"({"error":"ERROR_CORE","error_description":"refused"})"
                  : "\"" + php::url_encode(line) + "\"";
    }
    const auto map = [](const std::string& members) {
      return members.empty() ? "[]" : "{" + members + "}";
    };
    return test::json(
        R"({"result":{"result":)" + map(results) + R"(,"result_error":)" + map(errors) +
        R"(,"result_total":[],"result_next":[],"result_time":[]},"time":{"operating":0}})");
  };
}

std::vector<b24::Command> commands(int count, int failing = -1) {
  std::vector<b24::Command> result;
  for (int i = 0; i < count; ++i) {
    result.push_back(
        {"c" + std::to_string(i), i == failing ? "fail" : "crm.lead.add",
         Value::map({{"fields", Value::map({{"TITLE", "\u0416 & " + std::to_string(i)}})}})});
  }
  return result;
}

void check_error(const CallResult& answer, std::string_view code, Verdict verdict) {
  BOOST_REQUIRE_MESSAGE(!answer, "expected " << code);
  const CallError& error = answer.error();
  BOOST_TEST(error.error.code == code, error.error.code << ": " << error.error.cause);
  BOOST_TEST((error.verdict == verdict), error.error.cause);
  for (const std::string& text : {error.error.cause, error.error.remedy, error.error.code}) {
    BOOST_TEST(text.find("canary") == std::string::npos, text);
  }
}

}  // namespace webhook_tests

BOOST_AUTO_TEST_SUITE(webhook_tests)

BOOST_AUTO_TEST_CASE(either_form_of_the_url_reaches_the_address_of_each_method) {
  for (const char* url : {"/rest/1/s/", "/rest/api/1/s/", "/rest/api/1/s"})
    check_sent(url, "crm.lead.get", "/rest/1/s/crm.lead.get.json", "x-www-form-urlencoded", "id=7");
  check_sent("/rest/1/s/", "tasks.task.get", "/rest/1/s/tasks.task.get.json",
             "x-www-form-urlencoded", "id=7");
  check_sent("/rest/api/1/s/", "tasks.task.get", "/rest/api/1/s/tasks.task.get", "application/json",
             R"({"id":"7"})");
}

BOOST_AUTO_TEST_CASE(call_is_posted_as_crest_does) {
  Portal portal(
      script({test::json(R"({"result":4711,"time":{"operating":2.5,"operating_reset_at":5}})")}));
  Webhook webhook = portal.webhook();
  const auto answer = webhook.call(
      "crm.lead.add",
      Value::map({{"fields", Value::map({{"TITLE", "a b & <c>"},
                                         {"PHONE", Value::list({Value::map({{"VALUE", "+7"}})})}})},
                  {"params", Value::map({{"REGISTER_SONET_EVENT", "Y"}})}}));
  BOOST_REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().error.cause));
  BOOST_TEST(answer->result.integer() == 4711);
  BOOST_TEST(answer->operating == 2.5);
  const Received seen = portal.server.requests().at(0);
  BOOST_TEST(seen.method == "POST");
  BOOST_TEST(seen.path == "/rest/1/canary0123456789/crm.lead.add.json");
  BOOST_TEST(seen.body ==
             "fields%5BTITLE%5D=a+b+%26+%3Cc%3E&fields%5BPHONE%5D%5B0%5D%5BVALUE%5D=%2B7&params%"
             "5BREGISTER_SONET_EVENT%5D=Y");
  BOOST_TEST(seen.head.find("User-Agent: b24hooks/") != std::string::npos);
  BOOST_TEST(seen.head.find("Content-Type: application/x-www-form-urlencoded\r\n") !=
             std::string::npos);
  BOOST_TEST(webhook.portal() == "localhost:" + std::to_string(portal.server.port()));
}

BOOST_AUTO_TEST_CASE(method_name_cannot_lead_to_another_path) {
  Portal portal(script({test::json(R"({"result":1})")}));
  Webhook webhook = portal.webhook();
  for (const char* method : {"../2/x/crm.lead.add", "a?b", "a#b", "a/b", "a b"}) {
    BOOST_REQUIRE(webhook.call(method, Value::array()));
    const std::string path = portal.server.requests().back().path;
    BOOST_TEST(path.starts_with("/rest/1/canary0123456789/"), path);
    BOOST_TEST(std::ranges::count(path, '/') == 4, path);
    BOOST_TEST(path.ends_with(".json"), path);
  }
}

BOOST_AUTO_TEST_CASE(three_calls_share_one_connection) {
  Portal portal(script({test::json(R"({"result":1})")}));
  Webhook webhook = portal.webhook();
  for (int call = 0; call < 3; ++call) BOOST_REQUIRE(webhook.call("profile", Value::array()));
  BOOST_TEST(portal.server.connections() == 1);
}

BOOST_AUTO_TEST_CASE(unsent_is_retried_and_sent_is_looked_up) {
  {
    Portal portal(script({test::json("{}")}), authority().issue("localhost", -1));
    check_error(portal.webhook().call("m", Value::array()), "tls", Verdict::retry);
    BOOST_TEST(portal.server.requests().empty());
    portal.settings.crest.ignore_ssl = true;
    check_error(portal.webhook().call("m", Value::array()), "no_result", Verdict::look);
  }
  {
    Portal portal(script({test::json("{}")}));
    portal.settings.crest.web_hook_url =
        "https://localhost:" + std::to_string(test::free_port()) + "/rest/1/canary0123456789/";
    const auto answer = portal.webhook().call("m", Value::array());
    check_error(answer, "connect", Verdict::retry);
    BOOST_TEST(answer.error().status == 0);
  }
  for (const Reply::Then then : {Reply::Then::close, Reply::Then::cut, Reply::Then::reset}) {
    Portal portal(
        script({{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"result\":4711}", then}}));
    check_error(portal.webhook().call("m", Value::array()), "reset", Verdict::look);
  }
  Portal portal(script({test::json(R"({"result":1})"), {"", Reply::Then::hold}}));
  Webhook webhook = portal.webhook();
  BOOST_REQUIRE(webhook.call("m", Value::array()));
  webhook.options().total_time = 1'000;
  check_error(webhook.call("m", Value::array()), "timeout", Verdict::look);
  BOOST_TEST(portal.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(redirect_elsewhere_is_blocked_and_the_secret_stays) {
  const TlsServer other(authority().issue("localhost"),
                        [](const Received&) { return test::json(R"({"result":1})"); });
  Portal portal(script({test::answer(
      301, "", "Location: " + other.url("/rest/1/canary0123456789/m.json") + "\r\n")}));
  check_error(portal.webhook().call("m", Value::array()), "redirect_refused", Verdict::blocked);
  BOOST_TEST(other.connections() == 0);
  Portal done(script({test::answer(303, "", "Location: /elsewhere\r\n")}));
  check_error(done.webhook().call("m", Value::array()), "redirect_refused", Verdict::look);
}

BOOST_AUTO_TEST_CASE(foreign_answers_are_told_from_the_portals) {
  const std::string page =
      "<html>maintenance, https://p/rest/1/canary0123456789/ and canary0123456789</html>";
  for (const int status : {200, 500, 502, 503, 504}) {
    Portal portal(script({test::answer(status, page)}));
    const auto answer = portal.webhook().call("m", Value::array());
    check_error(answer, "not_json", Verdict::look);
    BOOST_TEST(answer.error().status == status);
    BOOST_TEST(answer.error().error.cause.find("<html>maintenance") != std::string::npos,
               answer.error().error.cause);
  }
  Portal portal(script({test::answer(404, page)}));
  check_error(portal.webhook().call("m", Value::array()), "not_json", Verdict::blocked);
}

BOOST_AUTO_TEST_CASE(refusals_of_the_portal) {
  const struct {
    int status;
    const char* body;
    const char* code;
    Verdict verdict;
  } cases[] = {
      {400, R"({"error":"","error_description":"Access denied."})", "", Verdict::permanent},
      {503, R"({"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"})",
       "QUERY_LIMIT_EXCEEDED", Verdict::retry},
      {503, R"({"error":"OVERLOAD_LIMIT"})", "OVERLOAD_LIMIT", Verdict::blocked},
      {401, R"({"error":"expired_token","error_description":"canary0123456789 has expired"})",
       "expired_token", Verdict::blocked},
      {500, R"({"error":"INTERNAL_SERVER_ERROR"})", "INTERNAL_SERVER_ERROR", Verdict::look},
      {200, R"({"result":)", "not_json", Verdict::look},
  };
  for (const auto& [status, body, code, verdict] : cases) {
    Portal portal(script({test::answer(status, body)}));
    const auto answer = portal.webhook().call("m", Value::array());
    check_error(answer, code, verdict);
    BOOST_TEST(answer.error().status == status);
  }
}

BOOST_AUTO_TEST_CASE(operating_limit_waits_as_long_as_the_gate_says, *shows("A15")) {
  Portal portal(script({test::answer(429, R"({"error":"OPERATION_TIME_LIMIT"})")}));
  NotingGate gate;
  gate.closed = "a";
  Webhook webhook = portal.webhook(&gate);
  BOOST_TEST(webhook.call("a", Value::array()).error().retry_at == kNow + 4'000);
  BOOST_TEST(webhook.call("b", Value::array()).error().retry_at == kNow + 60'000);
  BOOST_TEST(portal.webhook().call("a", Value::array()).error().retry_at == kNow + 60'000);
}

BOOST_AUTO_TEST_CASE(gate_is_asked_first_and_told_after) {
  Portal portal(script(
      {test::json(R"({"result":1})"), test::answer(503, R"({"error":"QUERY_LIMIT_EXCEEDED"})")}));
  NotingGate gate;
  Webhook webhook = portal.webhook(&gate);
  BOOST_REQUIRE(webhook.call("a", Value::array()));
  check_error(webhook.call("b", Value::array()), "QUERY_LIMIT_EXCEEDED", Verdict::retry);
  gate.wait = 700;
  const auto refused = webhook.call("c", Value::array());
  check_error(refused, "gate", Verdict::retry);
  BOOST_TEST(refused.error().retry_at == kNow + 700);
  const std::vector<std::string> want{"enter a", "answered a", "enter b",
                                      "failed b QUERY_LIMIT_EXCEEDED", "enter c"};
  BOOST_TEST(gate.seen == want, boost::test_tools::per_element());
  BOOST_TEST(portal.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(batch_of_120_commands_is_three_requests_in_order) {
  Portal portal(batch_portal());
  NotingGate gate;
  Webhook webhook = portal.webhook(&gate);
  const std::vector<b24::Command> all = commands(120, 60);
  const auto results = webhook.batch(all);
  BOOST_TEST(portal.server.requests().size() == 3U);
  BOOST_TEST(portal.server.connections() == 1);
  BOOST_TEST(std::ranges::count(gate.seen, "enter batch") == 3);
  BOOST_TEST(std::ranges::count(gate.seen, "answered batch") == 3);
  BOOST_TEST(std::ranges::count(gate.seen, "ran crm.lead.add well") == 119);
  BOOST_TEST(std::ranges::count(gate.seen, "ran fail ERROR_CORE") == 1);
  BOOST_REQUIRE(results.size() == 120U);
  for (std::size_t i = 0; i < results.size(); ++i) {
    BOOST_TEST_REQUIRE(results[i].key == all[i].key);
    if (i == 60) {
      check_error(results[i].outcome, "ERROR_CORE", Verdict::permanent);
    } else {
      BOOST_REQUIRE(results[i].outcome);
      // The portal decodes the form once and the command's line once more.
      const std::string line = php::url_decode(results[i].outcome->result.text());
      BOOST_TEST(line == "crm.lead.add?" + php::build_query(all[i].params));
    }
  }
  const Value form = php::parse_query(portal.server.requests()[0].body).value();
  BOOST_TEST(form["halt"].text() == "0");
  BOOST_TEST(form["cmd"].size() == 50U);
  BOOST_TEST(portal.server.requests()[0].path == "/rest/1/canary0123456789/batch.json");
}

BOOST_AUTO_TEST_CASE(failed_request_of_a_batch_is_the_error_of_its_commands) {
  const auto portal_of = batch_portal();
  Portal portal([&](const Received& request) {
    return request.number == 2 ? Reply{"", Reply::Then::reset} : portal_of(request);
  });
  const auto results = portal.webhook().batch(commands(120));
  BOOST_TEST(portal.server.requests().size() == 3U);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (i / 50 == 1) {
      check_error(results[i].outcome, "reset", Verdict::look);
    } else {
      BOOST_TEST(results[i].outcome.has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(operating_limit_inside_a_batch_is_told_to_the_gate) {
  Portal portal(script({test::json(
      R"({"result":{"result":[],"result_error":{"c0":{"error":"OPERATION_TIME_LIMIT"}}}})")}));
  NotingGate gate;
  const auto results = portal.webhook(&gate).batch(commands(1));
  check_error(results[0].outcome, "OPERATION_TIME_LIMIT", Verdict::retry);
  BOOST_TEST(results[0].outcome.error().retry_at == kNow + 60'000);
  const std::vector<std::string> want{"enter batch", "answered batch",
                                      "ran crm.lead.add OPERATION_TIME_LIMIT"};
  BOOST_TEST(gate.seen == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(commands_of_a_method_that_is_held_back_are_left_out_of_a_batch) {
  Portal portal(batch_portal());
  NotingGate gate;
  gate.closed = "fail";
  const auto results = portal.webhook(&gate).batch(commands(60, 3));
  BOOST_REQUIRE(results.size() == 60U);
  for (std::size_t i = 0; i < results.size(); ++i) {
    BOOST_TEST(results[i].key == "c" + std::to_string(i));
    BOOST_TEST(results[i].outcome.has_value() == (i != 3));
  }
  check_error(results[3].outcome, "gate", Verdict::retry);
  BOOST_TEST(results[3].outcome.error().retry_at == kNow + 4'000);
  BOOST_REQUIRE(portal.server.requests().size() == 2U);
  BOOST_TEST(php::parse_query(portal.server.requests()[0].body).value()["cmd"].size() == 49U);

  // Nothing is sent when all are.
  gate.closed = "crm.lead.add";
  const auto none = portal.webhook(&gate).batch(commands(3));
  for (const BatchResult& result : none) check_error(result.outcome, "gate", Verdict::retry);
  BOOST_TEST(portal.server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(large_commands_share_no_request) {
  Portal portal(batch_portal());
  std::vector<b24::Command> all = commands(5);
  all[1].params.set("file", std::string(700'000, 'x'));
  all[2].params.set("file", std::string(700'000, 'x'));
  all[3].params.set("file", std::string(2'000'000, 'x'));
  const auto results = portal.webhook().batch(all);
  BOOST_REQUIRE(results.size() == 5U);
  for (const BatchResult& result : results) BOOST_TEST(result.outcome.has_value());
  std::vector<std::size_t> sizes;
  for (const Received& request : portal.server.requests())
    sizes.push_back(php::parse_query(request.body).value()["cmd"].size());
  const std::vector<std::size_t> want{2, 1, 1, 1};
  BOOST_TEST(sizes == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
