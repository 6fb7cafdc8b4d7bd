// rest3_tests: REST 3.0 beside the classic address: the sandbox's is as the portal's, and each call
// of ours goes to the address that has its method, once.
#include <boost/test/unit_test.hpp>

#include "base/text.h"
#include "event_fixture.h"
#include "form_client.h"
#include "portal/webhook.h"
#include "site.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace rest3_tests {

constexpr const char* kNotFound = "BITRIX_REST_V3_EXCEPTION_METHODNOTFOUNDEXCEPTION";

struct Sandbox {
  Sandbox() {
    site().reset();
    settings.call.ca_file = site().run_dir() / "sandbox-ca.pem";
  }
  static Site& site() { return shared_site(); }
  std::string url(const std::string& path = "/rest/api/1/sandbox/") const {
    return "https://localhost:" + std::to_string(site().sandbox_port()) + path;
  }
  // Of the configured URL.
  Webhook webhook(const std::string& path) {
    settings.crest.web_hook_url = url(path);
    return Webhook(settings, nullptr);
  }
  // "3" or "2" by call: which address was asked for a method.
  std::string asked(const std::string& method) const {
    std::string text;
    const Value calls = site().calls(method);
    for (const auto& call : calls.members()) text += call.value["rest3"].boolean() ? "3" : "2";
    return text;
  }
  std::int64_t tasks() const { return site().call_json("tasks.task.list")["total"].integer(); }

  Settings settings;
};

std::pair<int, Value> post(const std::string& method, const std::string& body,
                           const std::string& key = "",
                           const std::string& webhook = "/rest/api/1/sandbox/") {
  HttpRequest request{"POST", webhook + method, "application/json", {}, body};
  if (!key.empty()) request.headers = {"Idempotency-Key: " + key};
  const auto answer = Sandbox::site().sandbox(request);
  BOOST_REQUIRE(answer);
  return {answer->status, good(json::parse(answer->body))};
}

Value task(const std::string& title) {
  return Value::map(
      {{"fields", Value::map({{"title", title}, {"creatorId", 1}, {"responsibleId", 1}})}});
}

}  // namespace rest3_tests

BOOST_FIXTURE_TEST_SUITE(rest3_tests, Sandbox)

BOOST_AUTO_TEST_CASE(what_is_wrong_is_an_object_with_each_field_by_itself) {
  struct Row {
    const char *webhook, *method, *body;
    int status;
    const char* code;
  };
  const Row rows[] = {
      {"/rest/api/1/wrong/", "tasks.task.get", R"({"id":1})", 401, "NO_AUTH_FOUND"},
      {"/rest/api/2/noscope/", "tasks.task.get", R"({"id":1})", 403,
       "BITRIX_REST_V3_EXCEPTION_INSUFFICIENTSCOPEEXCEPTION"},
      {"/rest/api/1/sandbox/", "crm.lead.add", "{}", 400, kNotFound},
      {"/rest/api/1/sandbox/", "tasks.task.get", R"({"id":77})", 400,
       "BITRIX_REST_V3_EXCEPTION_ENTITYNOTFOUNDEXCEPTION"},
  };
  for (const Row& row : rows) {
    const auto [status, document] = post(row.method, row.body, "", row.webhook);
    BOOST_TEST(status == row.status);
    BOOST_TEST(document["error"]["code"].text() == row.code);
    BOOST_TEST(!document["error"]["message"].text().empty());
  }
  const auto [status, document] = post("tasks.task.add", R"({"fields":{"creatorId":1}})");
  BOOST_TEST(status == 400);
  const Value& validation = document["error"]["validation"];
  BOOST_TEST_REQUIRE(validation.size() == 2U);
  BOOST_TEST(validation[0]["field"].text() == "title");
  BOOST_TEST(validation[1]["field"].text() == "responsibleId");

  HttpRequest form{"POST",
                   "/rest/api/1/sandbox/tasks.task.get",
                   "application/x-www-form-urlencoded",
                   {},
                   "id=1"};
  BOOST_TEST(site().sandbox(form)->body.contains("INVALIDJSONEXCEPTION"));
}

BOOST_AUTO_TEST_CASE(a_key_does_one_thing_once) {
  const std::string body = json::print(task("Call back"));
  const auto [made, first] = post("tasks.task.add", body, "key-1");
  BOOST_TEST(made == 200);
  const auto [again, second] = post("tasks.task.add", body, "key-1");
  BOOST_TEST(again == 200);
  BOOST_TEST(json::print(first["result"]) == json::print(second["result"]));
  BOOST_TEST(tasks() == 1);
  const auto [other, refused] = post("tasks.task.add", json::print(task("Other")), "key-1");
  BOOST_TEST(other == 422);
  BOOST_TEST(refused["error"]["code"].text() ==
             "BITRIX_REST_V3_EXCEPTION_IDEMPOTENCYKEYREUSEDEXCEPTION");
  // A refusal is not remembered.
  post("tasks.task.add", "{}", "key-2");
  BOOST_TEST(post("tasks.task.add", body, "key-2").first == 200);
  BOOST_TEST(tasks() == 2);
}

// What the one address does not have is asked for at the other once, and from then on there.
BOOST_AUTO_TEST_CASE(a_method_is_called_where_it_is) {
  const Value department = Value::map({{"type", "DEPARTMENT"}, {"name", "Sales"}, {"parentId", 1}});
  Webhook classic = webhook("/rest/1/sandbox/");
  BOOST_TEST(!classic.is_idempotent("humanresources.node.add"));
  for (int i = 0; i < 2; ++i)
    BOOST_TEST(classic.call_where_it_is("humanresources.node.add", department, "key-1")
                   .value()
                   .result["id"]
                   .integer() == 2);
  BOOST_TEST(asked("humanresources.node.add") == "233");
  BOOST_TEST(classic.is_idempotent("humanresources.node.add"));

  Webhook newer = webhook("/rest/api/1/sandbox/");
  BOOST_TEST(newer.call_where_it_is("tasks.task.add", task("Call back"), "key-2").has_value());
  BOOST_TEST(asked("tasks.task.add") == "3");
  for (int i = 0; i < 2; ++i)
    BOOST_TEST(newer.call_where_it_is("tasks.task.list", Value::array()).has_value());
  BOOST_TEST(asked("tasks.task.list") == "322");
  BOOST_TEST(!newer.is_idempotent("tasks.task.list"));

  // Neither has it: both were asked, each time, and crm is classic.
  for (Webhook* each : {&classic, &newer}) {
    const auto nowhere = each->call_where_it_is("tasks.task.fly", Value::array());
    BOOST_TEST_REQUIRE(!nowhere.has_value());
    BOOST_TEST((nowhere.error().verdict == Verdict::permanent));
    BOOST_TEST(!each->call_where_it_is("crm.lead.fly", Value::array()).has_value());
  }
  BOOST_TEST(asked("tasks.task.fly") == "2332");
  BOOST_TEST(asked("crm.lead.fly") == "22");
}

BOOST_AUTO_TEST_CASE(the_portals_words_for_each_field_reach_the_owner) {
  Webhook newer = webhook("/rest/api/1/sandbox/");
  const auto refused =
      newer.call_where_it_is("tasks.task.add", Value::map({{"fields", Value::map({})}}));
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().verdict == Verdict::permanent));
  BOOST_TEST(refused.error().error.cause.contains(
      "title: Required field `title` is not specified; creatorId: Required field"));
  const auto scope =
      webhook("/rest/api/2/noscope/").call_where_it_is("tasks.task.get", Value::map({{"id", 1}}));
  BOOST_TEST_REQUIRE(!scope.has_value());
  BOOST_TEST((scope.error().verdict == Verdict::blocked));
  BOOST_TEST(scope.error().error.remedy.contains("add the permission"));
}

// The answer is lost after the portal has done it: the same is sent again with its key.
BOOST_AUTO_TEST_CASE(an_action_without_an_answer_is_repeated_and_done_once) {
  SiteOptions options;
  options.settings = site_settings(
      "\n[on ONCRMDEALUPDATE]\ncall = tasks.task.add?fields[title]=Deal {data.FIELDS.ID}"
      "&fields[creatorId]=1&fields[responsibleId]=1\n"
      "\n[watch task]\ninterval = 1s\n");
  text::replace_all(options.settings, "/rest/1/", "/rest/api/1/");
  const Site site(options);
  site.fault("reset", 1, "tasks.task.add");
  site.call_json("crm.deal.update",
                 Value::map({{"id", 1}, {"fields", Value::map({{"STAGE_ID", "WON"}})}}));
  const auto done = [&] {
    for (const Item& item : all_events(*good(Store::open(site.run_dir() / "data"))))
      if (item.name == "ONCRMDEALUPDATE") return item.state == State::done;
    return false;
  };
  BOOST_TEST(wait_until(done, kDeadline * 3));
  BOOST_TEST(site.calls("tasks.task.add").size() == 2U);
  BOOST_TEST(site.call_json("tasks.task.list")["total"].integer() == 1);
  // Leads and what is watched go by the classic address, whichever was given.
  BOOST_TEST(submit(site, "/index.php", person("Anna"))["status"].text() == "saved");
  BOOST_TEST(site.leads().size() == 1U);
  BOOST_TEST(wait_until([&] { return site.calls("tasks.task.list").size() > 1U; }));
  const Value listed = site.calls("tasks.task.list");
  for (const auto& call : listed.members()) BOOST_TEST(call.value["status"].integer() == 200);
}

BOOST_AUTO_TEST_SUITE_END()
