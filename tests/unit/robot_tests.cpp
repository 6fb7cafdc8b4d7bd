// robot_tests: whose secret lets a robot in, and which event its call becomes.
#include "handler/robot.h"

#include <boost/test/unit_test.hpp>

#include "event_fixture.h"
#include "handler/event.h"

using namespace b24;
using namespace b24::test;

namespace robot_tests {

constexpr const char* kSecret = "a-secret-of-a-robot";
constexpr const char* kForm = "application/x-www-form-urlencoded";

Settings with_robots() {
  Settings settings;
  settings.robots = {{"none", ""}, {"won deal", kSecret}, {"other", "another-long-secret"}};
  return settings;
}

std::string body_of(const std::string& id, const std::string& module = "crm") {
  return "document_id[]=" + module + "&document_id[]=CCrmDocumentX&document_id[]=" + id +
         "&auth[member_id]=m1";
}

Request call(const std::string& query, const std::string& body = body_of("DEAL_7")) {
  return parse_content(query, kForm, body, {}).value();
}

std::string caller(const Request& request) {
  const Settings settings = with_robots();
  const RobotSettings* robot = calling_robot(request, settings);
  return robot == nullptr ? "" : robot->name;
}

}  // namespace robot_tests

BOOST_AUTO_TEST_SUITE(robot_tests)

BOOST_AUTO_TEST_CASE(only_a_right_secret_where_nothing_else_proves_the_call) {
  const std::string right = std::string("robot=") + kSecret;
  BOOST_TEST(caller(call(right)) == "won deal");
  BOOST_TEST(caller(call("robot=another-long-secret")) == "other");
  for (const std::string& query : {std::string(), std::string("robot="), right + "x",
                                   std::string("robot=won deal"), std::string("robot[]=") + kSecret,
                                   right + "&event=ONX", right + "&auth[application_token]=x"})
    BOOST_TEST(caller(call(query)) == "", query);
  BOOST_TEST(caller(call("", body_of("DEAL_7") + "&" + right)) == "");  // the address alone
  Request by_path = call("");
  by_path.path_info = std::string("/") + kSecret;
  BOOST_TEST(caller(by_path) == "won deal");
  by_path.path_info = "/";
  BOOST_TEST(caller(by_path) == "");
}

BOOST_AUTO_TEST_CASE(its_call_is_an_event_of_its_object_and_keeps_no_secret) {
  Settings settings = with_robots();
  const Request request = call(std::string("x[a]=1&robot=") + kSecret + "&note=a%20b");
  const Record record = make_record(request, 1'000, &settings.robots[1]);
  BOOST_TEST(!encode(record).contains(kSecret));
  settings.robots.clear();  // whatever has been set since
  settings.handler.mask_secrets = false;
  const NewItem item = make_event(record, settings, false, 1'000);
  BOOST_TEST(item.name == "ROBOT:WON_DEAL");
  BOOST_TEST(item.object == "ONCRMDEAL:7");
  BOOST_TEST(item.payload["event"].text() == item.name);
  BOOST_TEST(item.payload.path("data.FIELDS.ID").text() == "7");
  BOOST_TEST(item.payload.path("document.module").text() == "crm");
  BOOST_TEST(item.payload.path("document.entity").text() == "DEAL");
  BOOST_TEST(item.payload.path("document_id.2").text() == "DEAL_7");
  BOOST_TEST(item.payload.path("x.a").text() == "1");
  BOOST_TEST(item.payload["note"].text() == "a b");
  BOOST_TEST(item.payload["robot"].is_null());
}

BOOST_AUTO_TEST_CASE(the_document_says_what_it_is_about) {
  const struct {
    const char* module;
    const char* id;
    const char* object;
    const char* entity;
  } cases[] = {{"crm", "LEAD_42", "ONCRMLEAD:42", "LEAD"},
               {"crm", "SMART_INVOICE_3", "ONCRMSMART_INVOICE:3", "SMART_INVOICE"},
               {"crm", "DYNAMIC_128_5", "ONCRMDYNAMICITEM:128:5", "DYNAMIC_128"},
               {"crm", "DYNAMIC_x_5", "ONCRMDYNAMIC_x:5", "DYNAMIC_x"},
               {"crm", "DEAL_", "ROBOT:crm:CCrmDocumentX:DEAL_", "CCrmDocumentX"},
               {"lists", "17", "ROBOT:lists:CCrmDocumentX:17", "CCrmDocumentX"},
               {"crm", "", "", "CCrmDocumentX"}};
  for (const auto& [module, id, object, entity] : cases) {
    const Value event =
        robot_event(call("", body_of(id, module)).params, Value::map({{"robot", "n"}}));
    BOOST_TEST(robot_object(event) == object, id);
    BOOST_TEST(event.path("document.entity").text() == entity, id);
  }
  const Value odd =
      robot_event(call("", "document_id=x&data=y").params, Value::map({{"robot", "n"}}));
  BOOST_TEST(robot_object(odd) == "");
  BOOST_TEST(odd["data"].is_array());
}

BOOST_AUTO_TEST_CASE(of_several_portals_its_object_is_of_one) {
  Settings settings = with_robots();
  settings.portals.resize(2);
  const Record record = make_record(call(""), 1'000, &settings.robots[1]);
  BOOST_TEST(make_event(record, settings, false, 1'000).object == "ONCRMDEAL:7@m1");
}

BOOST_AUTO_TEST_SUITE_END()
