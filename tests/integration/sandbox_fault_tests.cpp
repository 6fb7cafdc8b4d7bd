// sandbox_fault_tests: what the sandbox does wrong on purpose, its limits, batches and events.
#include <boost/test/unit_test.hpp>

#include "site.h"
#include "value/json.h"
#include "value/php.h"

using b24::Value;
using b24::test::Site;
using b24::test::wait_until;

namespace sandbox_fault_tests {

struct Sandbox {
  Sandbox() { site().reset(); }
  static Site& site() { return b24::test::shared_site(); }
};

const Value kLead = Value::map({{"fields", Value::map({{"TITLE", "T"}})}});

// A call with little patience.
std::expected<b24::HttpAnswer, b24::HttpFailure> impatient(const std::string& method,
                                                           b24::Millis patience) {
  b24::HttpOptions options;
  options.ca_file = Sandbox::site().run_dir() / "sandbox-ca.pem";
  options.total_time = patience;
  b24::HttpRequest request;
  request.url = Sandbox::site().webhook_url() + method + ".json";
  request.body = b24::php::build_query(kLead);
  return b24::Http(options).send(request);
}

Value batch(const Value& commands, int halt = 0) {
  return Sandbox::site().call_json("batch", Value::map({{"cmd", commands}, {"halt", halt}}));
}

}  // namespace sandbox_fault_tests

BOOST_FIXTURE_TEST_SUITE(sandbox_fault_tests, Sandbox)

BOOST_AUTO_TEST_CASE(wrong_answers_are_those_of_the_portal_and_do_nothing) {
  struct Row {
    const char* mode;
    int status;
    const char* error;
  };
  const Row rows[] = {
      {"limit", 503, "QUERY_LIMIT_EXCEEDED"},     {"overload", 503, "OVERLOAD_LIMIT"},
      {"operating", 429, "OPERATION_TIME_LIMIT"}, {"empty-error", 400, ""},
      {"expired", 401, "expired_token"},          {"server-error", 500, "INTERNAL_SERVER_ERROR"},
  };
  for (const Row& row : rows) {
    site().fault(row.mode, 1);
    const auto answer = site().call("crm.lead.add", kLead);
    BOOST_REQUIRE(answer);
    BOOST_TEST_CONTEXT(row.mode) {
      BOOST_TEST(answer->status == row.status);
      const Value document = *b24::json::parse(answer->body);
      BOOST_TEST(document["error"].is_string());
      BOOST_TEST(document["error"].text() == row.error);
    }
  }
  BOOST_TEST(site().leads().size() == 0u);
  BOOST_TEST(site().call("crm.lead.add", kLead)->status == 200);
  const Value calls = site().calls("crm.lead.add");
  BOOST_REQUIRE(calls.size() == 7u);
  BOOST_TEST(calls[0]["fault"].text() == "limit");
  BOOST_TEST((calls[0]["status"] == Value(503)));
  BOOST_TEST(calls[6]["fault"].text() == "");
}

BOOST_AUTO_TEST_CASE(html_comes_with_a_good_status) {
  site().fault("html", 1);
  const auto answer = site().call("profile", Value::array());
  BOOST_TEST(answer->status == 200);
  BOOST_TEST(answer->content_type.starts_with("text/html"));
  BOOST_TEST(answer->body.starts_with("<!DOCTYPE html>"));
}

BOOST_AUTO_TEST_CASE(a_portal_that_is_down_is_a_bad_gateway_or_a_closed_connection) {
  site().fault("down", 1);
  const auto gateway = site().call("crm.lead.add", kLead);
  BOOST_TEST(gateway->status == 502);
  BOOST_TEST(gateway->content_type == "text/html");
  site().fault("closed", 1);
  const auto closed = site().call("crm.lead.add", kLead);
  BOOST_TEST(!closed);
  BOOST_TEST(closed.error().sent);
  BOOST_TEST(site().leads().size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_slow_portal_answers_in_the_end) {
  site().control("fault", Value::map({{"mode", "slow"}, {"seconds", 1}, {"count", 2}}));
  const auto answer = site().call("crm.lead.add", kLead);
  BOOST_REQUIRE(answer);
  BOOST_TEST(answer->status == 200);
  BOOST_TEST(answer->took >= 900);
  BOOST_TEST((b24::json::parse(answer->body).value()["result"] == Value(1)));
  const auto given_up = impatient("crm.lead.add", 200);
  BOOST_TEST(!given_up);
  BOOST_TEST(site().leads().size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_off_leaves_a_lead) {
  site().fault("reset", 1);
  const auto answer = site().call("crm.lead.add", kLead);
  BOOST_REQUIRE(!answer);
  BOOST_TEST(answer.error().sent);
  BOOST_TEST(site().leads().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_lead_is_made_and_the_answer_never_comes) {
  site().fault("created-then-timeout", 1);
  BOOST_TEST(site().call("profile", Value::array())->status == 200);  // not one that makes anything
  const auto answer = impatient("crm.lead.add", 300);
  BOOST_REQUIRE(!answer);
  BOOST_TEST(answer.error().sent);
  BOOST_TEST(answer.error().error.code == "timeout");
  BOOST_TEST(site().leads().size() == 1u);
  BOOST_TEST(site().call("crm.lead.add", kLead)->status == 200);
}

BOOST_AUTO_TEST_CASE(a_fault_can_be_for_one_method_alone_even_inside_a_batch) {
  site().fault("limit", 0, "crm.lead.add");
  BOOST_TEST(site().call("profile", Value::array())->status == 200);
  BOOST_TEST(site().call("crm.lead.add", kLead)->status == 503);
  const auto in_batch =
      site().call("batch", Value::map({{"cmd", Value::list({"profile", "crm.lead.add"})}}));
  BOOST_TEST(in_batch->status == 503);
  site().fault("ok");
  BOOST_TEST(site().call("crm.lead.add", kLead)->status == 200);
  BOOST_CHECK_THROW(site().fault("nonsense"), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(the_bucket_refuses_what_is_over_it_for_each_source) {
  site().control("limits", Value::map({{"size", 3}, {"drain", 0}}));
  int good = 0;
  for (int i = 0; i < 6; ++i)
    if (site().call("profile", Value::array())->status == 200) ++good;
  BOOST_TEST(good == 4);  // the counter may pass 3; what comes after that may not
  const auto refused = site().call("profile", Value::array());
  BOOST_TEST(refused->status == 503);
  BOOST_TEST(refused->body ==
             R"({"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"})");
  const auto other = b24::test::run(
      {{"curl", "--silent", "--noproxy", "*", "--interface", "127.0.0.2", "--insecure",
        "https://127.0.0.1:" + std::to_string(site().sandbox_port()) + "/rest/1/sandbox/profile"}});
  BOOST_TEST(other.out.starts_with(R"({"result":)"), other.out << other.err);
  site().control("limits", Value::map({{"drain", 100}}));
  BOOST_TEST(wait_until([] { return Sandbox::site().call("profile", {})->status == 200; }));
}

BOOST_AUTO_TEST_CASE(a_method_that_took_too_long_waits_and_the_others_do_not) {
  site().control("limits", Value::map({{"operating_cost", 300}, {"operating_window", 20}}));
  const Value first = site().call_json("profile");
  BOOST_TEST((first["time"]["operating"].real() >= 300));
  BOOST_TEST(site().call("profile", Value::array())->status == 200);  // 600 after it, 300 before
  const auto blocked = site().call("profile", Value::array());
  BOOST_TEST(blocked->status == 429);
  BOOST_TEST((b24::json::parse(blocked->body).value()["error"].text() == "OPERATION_TIME_LIMIT"));
  BOOST_TEST(site().call("server.time", Value::array())->status == 200);
}

BOOST_AUTO_TEST_CASE(batch_commands_use_earlier_results) {
  const Value answer = batch(Value::map(
      {{"made", "crm.lead.add?fields%5BTITLE%5D=A+%26+B&fields%5BORIGIN_ID%5D=o1"},
       {"got", "crm.lead.get?id=$result[made]"},
       {"found", "crm.lead.list?filter%5BORIGIN_ID%5D=$result[got][ORIGIN_ID]"},
       {"renamed", "crm.lead.update?id=$result[found][0][ID]&fields[TITLE]=no+$result[made]"}}));
  const Value& result = answer["result"]["result"];
  BOOST_TEST((result["made"] == Value(1)));
  BOOST_TEST(result["got"]["TITLE"].text() == "A & B");
  BOOST_TEST(result["found"].size() == 1u);
  BOOST_TEST((answer["result"]["result_total"]["found"] == Value(1)));
  BOOST_TEST((answer["result"]["result_error"] == Value::array()));
  BOOST_TEST(answer["result"]["result_time"]["made"].find("operating") != nullptr);
  BOOST_TEST(site().leads()[0]["TITLE"].text() == "no 1");
}

BOOST_AUTO_TEST_CASE(a_batch_goes_on_after_a_failure_unless_told_to_halt) {
  const Value commands = Value::map(
      {{"a", "crm.lead.get?id=99"}, {"b", "no.such.method"}, {"c", "batch"}, {"d", "profile"}});
  const Value all = batch(commands)["result"];
  BOOST_TEST(all["result_error"]["a"]["error"].text() == "");
  BOOST_TEST(all["result_error"]["a"]["error_description"].text() == "Not found");
  BOOST_TEST(all["result_error"]["b"]["error"].text() == "ERROR_METHOD_NOT_FOUND");
  BOOST_TEST(all["result_error"]["c"]["error"].text() == "ERROR_BATCH_METHOD_NOT_ALLOWED");
  BOOST_TEST(all["result"]["d"]["ID"].text() == "1");
  const Value halted = batch(commands, 1)["result"];
  BOOST_TEST(halted["result_error"].size() == 1u);
  BOOST_TEST((halted["result"] == Value::array()));
}

BOOST_AUTO_TEST_CASE(what_is_over_fifty_commands_is_refused) {
  Value commands = Value::array();
  for (int i = 0; i < 52; ++i) commands.set("c" + std::to_string(i), "server.time");
  const auto answer = site().call("batch", Value::map({{"cmd", commands}}));
  BOOST_TEST(answer->status == 200);
  const Value result = b24::json::parse(answer->body).value()["result"];
  BOOST_TEST(result["result"].size() == 50u);
  BOOST_TEST(result["result_error"].size() == 2u);
  BOOST_TEST(result["result_error"]["c51"]["error"].text() == "ERROR_BATCH_LENGTH_EXCEEDED");
}

BOOST_AUTO_TEST_CASE(an_event_is_the_portals_own_form_and_is_sent_once) {
  // A handler that refuses: the sandbox's own control answers 405 or 400, which ends the matter.
  site().control("handler", Value::map({{"url", "http://127.0.0.1:1/"}}));
  site().call_json("crm.lead.add", kLead);
  BOOST_REQUIRE(wait_until([] { return !Sandbox::site().events()[0]["error"].text().empty(); }));
  const Value events = site().events();
  BOOST_REQUIRE(events.size() == 1u);
  BOOST_TEST(events[0]["event"].text() == "ONCRMLEADADD");
  BOOST_TEST((events[0]["data"] == Value::map({{"FIELDS", Value::map({{"ID", "1"}})}})));
  BOOST_TEST((events[0]["status"] == Value(0)));
}

BOOST_AUTO_TEST_CASE(the_page_shows_what_happened_and_changes_a_deal) {
  site().call_json("crm.lead.add", Value::map({{"fields", Value::map({{"TITLE", "<i>&"}})}}));
  b24::HttpRequest page;
  page.method = "GET";
  page.url = "/";
  const std::string before = site().sandbox(page)->body;
  BOOST_TEST(before.contains("&lt;i&gt;&amp;"));
  BOOST_TEST(!before.contains("<i>&"));
  BOOST_TEST(before.contains("Website for a bakery"));
  b24::HttpRequest button;
  button.url = "/sandbox/change";
  button.body = "back=1&id=1";
  BOOST_TEST(site().sandbox(button)->status == 303);
  BOOST_TEST(site().sandbox(page)->body.contains("ONCRMDEALUPDATE"));
  BOOST_TEST(
      site().call_json("crm.deal.get", Value::map({{"id", 1}}))["result"]["STAGE_ID"].text() ==
      "PREPARATION");
}

BOOST_AUTO_TEST_SUITE_END()
