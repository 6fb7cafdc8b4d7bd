// sandbox_tests: the stand-in portal speaks as the portal does.
#include <boost/test/unit_test.hpp>

#include "site.h"
#include "value/json.h"

using b24::Value;
using b24::test::Site;

namespace sandbox_tests {

// Each case begins with an empty sandbox.
struct Sandbox {
  Sandbox() { site().reset(); }
  static Site& site() { return b24::test::shared_site(); }
};

Value lead(const std::string& title, const std::string& origin = "") {
  return Value::map({{"TITLE", title}, {"ORIGINATOR_ID", "tests"}, {"ORIGIN_ID", origin}});
}

std::int64_t add_lead(const Value& fields) {
  return Sandbox::site()
      .call_json("crm.lead.add", Value::map({{"fields", fields}}))["result"]
      .integer();
}

Value list_leads(const Value& params) {
  return Sandbox::site().call_json("crm.lead.list", params);
}

std::string ids(const Value& rows, const char* id = "ID") {
  std::string text;
  for (const auto& row : rows.members()) text += row.value[id].text() + " ";
  return text;
}

}  // namespace sandbox_tests

BOOST_FIXTURE_TEST_SUITE(sandbox_tests, Sandbox)

BOOST_AUTO_TEST_CASE(refusals_are_those_of_the_portal) {
  struct Row {
    const char *webhook, *method;
    int status;
    const char *error, *description;
  };
  const Row rows[] = {
      {"1/wrong/", "profile", 401, "NO_AUTH_FOUND", "Wrong authorization data"},
      {"3/sandbox/", "profile", 401, "NO_AUTH_FOUND", "Wrong authorization data"},
      {"1/sandbox/", "crm.lead.fly", 404, "ERROR_METHOD_NOT_FOUND", "Method not found!"},
      {"1/sandbox/", "event.bind", 403, "WRONG_AUTH_TYPE",
       "Current authorization type is denied for this method"},
      {"2/noscope/", "crm.lead.add", 403, "insufficient_scope",
       "The request requires higher privileges than provided by the webhook token"},
      {"1/sandbox/", "crm.lead.get", 400, "", "ID is not defined or invalid."},
      {"1/sandbox/", "crm.item.get", 400, "NOT_FOUND", "Smart process not found"},
  };
  for (const Row& row : rows) {
    const auto answer = site().call(row.method, Value::array(), row.webhook);
    BOOST_REQUIRE(answer);
    BOOST_TEST_CONTEXT(row.webhook << row.method) {
      BOOST_TEST(answer->status == row.status);
      BOOST_TEST(answer->content_type == "application/json; charset=utf-8");
      const Value document = *b24::json::parse(answer->body);
      BOOST_TEST(document["error"].is_string());
      BOOST_TEST(document["error"].text() == row.error);
      BOOST_TEST(document["error_description"].text() == row.description);
      BOOST_TEST(document["result"].is_null());
    }
  }
}

BOOST_AUTO_TEST_CASE(plain_http_is_refused) {
  const auto reply =
      b24::test::http(site().sandbox_port(), {"POST",
                                              "/rest/1/sandbox/profile.json",
                                              {"Content-Type: application/x-www-form-urlencoded"},
                                              "a=1"});
  BOOST_TEST(reply.status == 400);
  BOOST_TEST(reply.body == R"({"error":"INVALID_REQUEST","error_description":"Https required"})");
}

BOOST_AUTO_TEST_CASE(every_webhook_can_ask_who_it_is) {
  struct Row {
    const char *webhook, *id;
    bool admin;
  };
  for (const Row& row :
       {Row{"1/sandbox/", "1", false}, Row{"2/noscope/", "2", false}, Row{"3/admin/", "3", true}}) {
    const Value profile = site().call_json("profile", Value::array(), row.webhook)["result"];
    BOOST_TEST((profile["ID"] == Value(row.id)));
    BOOST_TEST((profile["ADMIN"] == Value(row.admin)));
  }
  BOOST_TEST((site().call_json("scope", Value::array(), "2/noscope/")["result"] == Value::array()));
  BOOST_TEST(site().call_json("user.current")["result"]["ID"].text() == "1");
  BOOST_TEST(ids(site().call_json("user.get", Value::map({{"ID", 3}}))["result"]) == "3 ");
  BOOST_TEST(ids(site().call_json("user.get", Value::map({{"ID", 9}}))["result"]) == "");
  const auto get_method = [&](const char* name, const char* webhook) {
    const Value got =
        site().call_json("method.get", Value::map({{"name", name}}), webhook)["result"];
    return std::string(got["isExisting"].boolean() ? "existing " : "") +
           (got["isAvailable"].boolean() ? "available" : "");
  };
  BOOST_TEST(get_method("crm.lead.add", "1/sandbox/") == "existing available");
  BOOST_TEST(get_method("crm.lead.add", "2/noscope/") == "existing ");
  BOOST_TEST(get_method("crm.lead.fly", "1/sandbox/") == "");
  BOOST_TEST(site().call_json("methods")["result"].size() > 20u);
  BOOST_TEST(site().call_json("server.time")["result"].text().ends_with("+00:00"));
  BOOST_TEST((site().call_json("crm.settings.mode.get")["result"] == Value(1)));
}

BOOST_AUTO_TEST_CASE(tasks_are_asked_by_one_spelling_and_answer_in_another) {
  const auto add = [](Value fields) {
    return site().call_json("tasks.task.add", Value::map({{"fields", std::move(fields)}}));
  };
  const auto error = [](const Value& answer) {
    return answer["error"].text() + ": " + answer["error_description"].text();
  };
  BOOST_TEST(error(add(Value::array())).starts_with("100: Could not find value"));
  BOOST_TEST(error(add(Value::map({{"RESPONSIBLE_ID", 1}}))) ==
             "ERROR_CORE: Task title is not specified<br>");
  BOOST_TEST(error(add(Value::map({{"TITLE", "x"}}))).starts_with("ERROR_CORE: Responsible"));
  const Value task = add(
      Value::map({{"TITLE", "x"}, {"RESPONSIBLE_ID", 1}, {"CHANGED_DATE", "1"}}))["result"]["task"];
  BOOST_TEST(task["id"].is_string());
  BOOST_TEST(task["status"].text() == "2");
  BOOST_TEST(task["createdDate"].text() == task["changedDate"].text());
  const auto list = [](Value order) {
    return site().call_json(
        "tasks.task.list",
        Value::map({{"order", std::move(order)},
                    {"filter", Value::map({{">CHANGED_DATE", "2020-01-01"}, {">ID", 0}})},
                    {"select", Value::list({"ID", "CHANGED_DATE"})}}));
  };
  const Value rows = list(Value::map({{"ID", "desc"}}))["result"]["tasks"];
  BOOST_TEST((rows[0] == Value::map({{"id", task["id"].text()},
                                     {"changedDate", task["changedDate"].text()}})));
  BOOST_TEST(error(list(Value::map({{"COLOUR", "asc"}}))) ==
             "0: Invalid sorting key (internal error)");
  BOOST_TEST(error(site().call_json("tasks.task.list", Value::array(), "2/noscope/"))
                 .starts_with("insufficient_scope"));
}

BOOST_AUTO_TEST_CASE(a_lead_is_added_as_the_example_page_does) {
  const Value phone = Value::list({Value::map({{"VALUE", "+1 555"}, {"VALUE_TYPE", "WORK"}})});
  const Value email = Value::list({Value::map({{"VALUE", "a@b.c"}, {"VALUE_TYPE", "WORK"}})});
  const Value answer = site().call_json(
      "crm.lead.add", Value::map({{"fields", Value::map({{"TITLE", "Ann Lee <b>"},
                                                         {"NAME", "Ann"},
                                                         {"LAST_NAME", "Lee"},
                                                         {"STATUS_ID", "NEW"},
                                                         {"OPENED", "Y"},
                                                         {"ASSIGNED_BY_ID", 1},
                                                         {"PHONE", phone},
                                                         {"EMAIL", email},
                                                         {"NO_SUCH_FIELD", "x"}})},
                                  {"params", Value::map({{"REGISTER_SONET_EVENT", "Y"}})}}));
  BOOST_TEST((answer["result"].type() == Value::Type::integer));
  for (const char* key : {"start", "finish", "duration", "processing", "date_start", "date_finish",
                          "operating", "operating_reset_at"})
    BOOST_TEST(answer["time"].find(key) != nullptr, key);

  const Value got =
      site().call_json("crm.lead.get", Value::map({{"id", answer["result"].integer()}}))["result"];
  BOOST_TEST(got["ID"].is_string());
  BOOST_TEST(got["TITLE"].text() == "Ann Lee <b>");
  BOOST_TEST(got["ASSIGNED_BY_ID"].is_string());
  BOOST_TEST(got["ORIGIN_ID"].is_null());
  BOOST_TEST(got["HAS_PHONE"].text() == "Y");
  BOOST_TEST(got["PHONE"][0]["VALUE"].text() == "+1 555");
  BOOST_TEST(got["PHONE"][0]["TYPE_ID"].text() == "PHONE");
  BOOST_TEST(got["PHONE"][0]["ID"].is_string());
  BOOST_TEST(got["EMAIL"][0]["VALUE"].text() == "a@b.c");
  BOOST_TEST(got.find("NO_SUCH_FIELD") == nullptr);
}

BOOST_AUTO_TEST_CASE(get_json_and_form_parameters_are_the_same) {
  b24::HttpRequest get;
  get.method = "GET";
  get.url = "/rest/1/sandbox/crm.lead.add?fields[TITLE]=by+get";
  b24::HttpRequest post;
  post.url = "/rest/1/sandbox/crm.lead.add";
  post.content_type = "application/json";
  post.body = R"({"fields":{"TITLE":"by json","PHONE":[{"VALUE":"5"}]}})";
  BOOST_TEST(site().sandbox(get)->status == 200);
  BOOST_TEST(site().sandbox(post)->status == 200);
  add_lead(lead("by form"));
  const Value rows = list_leads(Value::array())["result"];
  BOOST_REQUIRE(rows.size() == 3u);
  BOOST_TEST(rows[0]["TITLE"].text() == "by get");
  BOOST_TEST(rows[1]["TITLE"].text() == "by json");
  BOOST_TEST(rows[1]["HAS_PHONE"].text() == "Y");
  BOOST_TEST(rows[2]["TITLE"].text() == "by form");
}

BOOST_AUTO_TEST_CASE(refused_leads_are_not_made) {
  struct Row {
    Value params;
    const char *error, *description;
  };
  const Value bad = Value::list({Value::map({{"VALUE", "nobody"}})});
  const Row rows[] = {
      {Value::map({{"fields", "x"}}), "", "Parameter 'fields' must be array."},
      {Value::map({{"fields", lead("x")}, {"params", "y"}}), "",
       "Parameter 'params' must be array."},
      {Value::map({{"fields", Value::map({{"EMAIL", bad}})}}), "ERROR_CORE",
       "The field Work e-mail contains an invalid address"},
  };
  for (const Row& row : rows) {
    const Value answer = site().call_json("crm.lead.add", row.params);
    BOOST_TEST(answer["error"].text() == row.error);
    BOOST_TEST(answer["error_description"].text() == row.description);
  }
  BOOST_TEST(site().leads().size() == 0u);
}

BOOST_AUTO_TEST_CASE(leads_are_found_by_filter_in_order) {
  for (const char* origin : {"a", "b", "c", "b"}) add_lead(lead("L" + std::string(origin), origin));
  struct Row {
    Value filter, order;
    const char* want;
  };
  const Value none = Value::array();
  const Row rows[] = {
      {none, none, "1 2 3 4 "},
      {Value::map({{"ORIGIN_ID", "b"}, {"ORIGINATOR_ID", "tests"}}), none, "2 4 "},
      {Value::map({{"ORIGIN_ID", "b"}, {"ORIGINATOR_ID", "others"}}), none, ""},
      {Value::map({{"=ORIGIN_ID", "a"}}), none, "1 "},
      {Value::map({{"!ORIGIN_ID", "b"}}), none, "1 3 "},
      {Value::map({{"@ORIGIN_ID", Value::list({"a", "c"})}}), none, "1 3 "},
      {Value::map({{">ID", 1}, {"<=ID", 3}}), none, "2 3 "},
      {Value::map({{"%TITLE", "l"}}), Value::map({{"ID", "DESC"}}), "4 3 2 1 "},
      {none, Value::map({{"ORIGIN_ID", "DESC"}, {"ID", "ASC"}}), "3 2 4 1 "},
      {Value::map({{"NO_SUCH_FIELD", "b"}}), none, "1 2 3 4 "},
  };
  for (const Row& row : rows) {
    const Value answer = list_leads(Value::map(
        {{"filter", row.filter}, {"order", row.order}, {"select", Value::list({"ID"})}}));
    BOOST_TEST(ids(answer["result"]) == row.want);
  }
}

BOOST_AUTO_TEST_CASE(lists_come_in_pages_of_fifty) {
  Value commands = Value::array();
  site().control("limits", Value::map({{"size", 1000}}));
  for (int i = 0; i < 60; ++i) add_lead(lead("L" + std::to_string(i)));
  const Value first = list_leads(Value::array());
  BOOST_TEST(first["result"].size() == 50u);
  BOOST_TEST((first["total"] == Value(60)));
  BOOST_TEST((first["next"] == Value(50)));
  const Value second = list_leads(Value::map({{"start", 50}}));
  BOOST_TEST(second["result"].size() == 10u);
  BOOST_TEST(second.find("next") == nullptr);
  BOOST_TEST(second["result"][0]["ID"].text() == "51");
  BOOST_TEST(list_leads(Value::map({{"start", -1}})).find("total") == nullptr);
}

BOOST_AUTO_TEST_CASE(leads_are_changed_and_deleted) {
  const std::int64_t id = add_lead(lead("before"));
  const Value change = Value::map({{"id", id}, {"fields", Value::map({{"TITLE", "after"}})}});
  BOOST_TEST((site().call_json("crm.lead.update", change)["result"] == Value(true)));
  BOOST_TEST(site().call_json("crm.lead.get", change)["result"]["TITLE"].text() == "after");
  BOOST_TEST((site().call_json("crm.lead.delete", change)["result"] == Value(true)));
  BOOST_TEST(site().call_json("crm.lead.get", change)["error_description"].text() == "Not found");
  BOOST_TEST(add_lead(lead("the next")) == id + 1);
}

BOOST_AUTO_TEST_CASE(items_speak_camel_case_and_numbers) {
  const Value fm =
      Value::list({Value::map({{"typeId", "PHONE"}, {"valueType", "WORK"}, {"value", "+1 555"}})});
  const Value fields = Value::map({{"title", "T"},
                                   {"stageId", "IN_PROCESS"},
                                   {"originatorId", "tests"},
                                   {"originId", "o1"},
                                   {"assignedById", 1},
                                   {"utmSource", "google"},
                                   {"nothing", "x"},
                                   {"fm", fm}});
  const Value added =
      site().call_json("crm.item.add", Value::map({{"entityTypeId", 1}, {"fields", fields}}));
  const Value item = added["result"]["item"];
  BOOST_TEST((item["id"].type() == Value::Type::integer));
  BOOST_TEST((item["assignedById"] == Value(1)));
  BOOST_TEST(item["stageId"].text() == "IN_PROCESS");
  BOOST_TEST(item["utmSource"].text() == "google");
  BOOST_TEST(item["fm"][0]["value"].text() == "+1 555");
  BOOST_TEST((item["entityTypeId"] == Value(1)));
  BOOST_TEST(item.find("nothing") == nullptr);
  BOOST_TEST(ids(list_leads(
                 Value::map({{"filter", Value::map({{"ORIGIN_ID", "o1"}})}}))["result"]) == "1 ");
  const auto list = [&](const Value& filter) {
    return site().call_json("crm.item.list", Value::map({{"entityTypeId", 1}, {"filter", filter}}));
  };
  BOOST_TEST(ids(list(Value::map({{"originId", "o1"}}))["result"]["items"], "id") == "1 ");
  BOOST_TEST(list(Value::map({{"originId", "o2"}}))["result"]["items"].size() == 0u);
  const Value refused = list(Value::map({{"ORIGIN_ID", "o1"}}));
  BOOST_TEST(refused["error"].text() == "INVALID_ARG_VALUE");
  BOOST_TEST(refused["error_description"].text() ==
             "Invalid filter: field 'ORIGIN_ID' is not allowed in filter");
}

BOOST_AUTO_TEST_CASE(earlier_leads_and_contacts_are_found_by_phone_and_address) {
  const auto with = [](const char* type, const char* value) {
    return Value::map(
        {{"fields", Value::map({{type, Value::list({Value::map({{"VALUE", value}})})}})}});
  };
  site().call_json("crm.lead.add", with("PHONE", "+1 (555) 10"));
  site().call_json("crm.contact.add", with("EMAIL", "Ann@Example.com"));
  const auto find = [&](const char* type, const char* value) {
    return b24::json::print(
        site().call_json("crm.duplicate.findbycomm",
                         Value::map({{"type", type}, {"values", Value::list({value})}}))["result"]);
  };
  BOOST_TEST(find("PHONE", "155510") == R"({"LEAD":[1]})");
  BOOST_TEST(find("EMAIL", "ann@example.com") == R"({"CONTACT":[1]})");
  BOOST_TEST(find("EMAIL", "bob@example.com") == "[]");
  BOOST_TEST(site().call_json("crm.duplicate.findbycomm")["error"].text() ==
             "Communication type is not defined");
  const Value statuses = site().call_json(
      "crm.status.list", Value::map({{"filter", Value::map({{"ENTITY_ID", "STATUS"}})}}));
  BOOST_TEST((statuses["total"] == Value(5)));
  BOOST_TEST(statuses["result"][0]["STATUS_ID"].text() == "NEW");
  BOOST_TEST(site().call_json("crm.lead.fields")["result"]["PHONE"]["type"].text() ==
             "crm_multifield");
}

BOOST_AUTO_TEST_SUITE_END()
