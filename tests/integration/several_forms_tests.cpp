// several_forms_tests: several portals and forms on one site. The sandbox is both portals: under
// its name, and under its address with another webhook.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "check_site.h"
#include "event_fixture.h"
#include "form_client.h"
#include "site.h"
#include "store_fixture.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace {

constexpr const char* kAdmin = "3";  // the user of the second portal's webhook

struct Several {
  Several() { site().reset(); }
  ~Several() { site().set_settings(plain()); }
  static Site& site() {
    static Site own;
    return own;
  }
  static const std::string& plain() {
    static const std::string settings = site().settings();
    return settings;
  }
  static std::string second() {
    return "https://127.0.0.1:" + std::to_string(site().sandbox_port()) + "/rest/3/admin/";
  }
  static std::string second_portal() { return "\n[portal second]\nwebhook = " + second() + "\n"; }
  static void set(const std::string& more) {
    site().set_settings(plain() + more);
    usleep(1'100'000);  // a changed file is taken up within a second
  }
  // The users in whose names a method was called.
  static std::vector<std::string> users(const std::string& method) {
    std::vector<std::string> users;
    for (const auto& call : site().calls(method).members())
      users.push_back(call.value["user"].text());
    return users;
  }
  static bool called(const std::string& method, const std::vector<std::string>& by) {
    return wait_until([&] { return users(method) == by; });
  }
  static Value submit(Value params, const std::string& query = "") {
    const std::string path = "/index.php" + query;
    params.set("form_token", input_value(site().get(path).body, "form_token"));
    return body_json(http(site().port(), {"POST",
                                          path,
                                          {"Content-Type: application/x-www-form-urlencoded",
                                           "Accept: application/json"},
                                          php::build_query(params)}));
  }
  static Item lead(const Value& answer) {
    const auto store = good(Store::open(site().run_dir() / "data"));
    return good(store->find(Kind::lead, answer["id"].text())).value();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(several_forms_tests, Several)

BOOST_AUTO_TEST_CASE(a_form_and_each_action_have_their_portal) {
  set(second_portal() +
      "[form]\nportal = SECOND\n"
      "[on ONFIRST]\nportal = second\ncall = crm.deal.get?id=1\n"
      "[on ONSECOND]\ncall = crm.deal.fields\n");
  BOOST_TEST(submit(person())["status"].text() == "saved");
  BOOST_TEST(called("crm.lead.add", {kAdmin}));

  Value first = event_params("ONFIRST"), second = event_params("ONSECOND");
  for (Value* event : {&first, &second}) {
    (*event)["auth"].set("application_token", site().token());
    BOOST_TEST(site().post("/handler.php", *event).status == 200);
  }
  BOOST_TEST(called("crm.deal.get", {kAdmin}));
  BOOST_TEST(called("crm.deal.fields", {"1"}));  // of a portal that has no webhook here
  second["auth"].set("domain", "127.0.0.1");
  BOOST_TEST(site().post("/handler.php", second).status == 200);
  BOOST_TEST(called("crm.deal.fields", {"1", kAdmin}));
}

BOOST_AUTO_TEST_CASE(a_lead_whose_portal_is_not_there_waits_and_says_why) {
  set("\n[form]\nportal = second\n");
  const Value answer = submit(person());
  BOOST_TEST(answer["status"].text() == "accepted");
  BOOST_TEST(wait_until([&] { return lead(answer).attempts > 0; }));
  BOOST_TEST(lead(answer).error_text == "[portal second] webhook is not set");
  set(second_portal());
  run({{built("cgi-bin/index.fcgi"), "--settings", (site().run_dir() / "settings.conf").string(),
        "--retry", answer["id"].text()}});
  BOOST_TEST(called("crm.lead.add", {kAdmin}));
}

BOOST_AUTO_TEST_CASE(a_portal_that_is_down_holds_up_no_other) {
  set(second_portal() + "[form]\nportal = second\n");
  site().fault("down", 4, "crm.lead.add");
  std::vector<Value> waiting;
  for (const char* name : {"Anna", "Boris"}) waiting.push_back(submit(person(name)));
  set(second_portal());
  site().fault("ok");
  BOOST_TEST(submit(person("Clara"))["status"].text() == "saved");
  for (const Value& answer : waiting)
    BOOST_TEST(wait_until([&] { return lead(answer).state == State::done; }, kDeadline * 3));
  BOOST_TEST(site().leads().size() == 3U);
}

BOOST_AUTO_TEST_CASE(the_self_check_has_rows_for_each_portal) {
  set(second_portal());
  const Value report = checked(site());
  expect_row(report, "portal_answer", "ok");
  expect_row(report, "portal_answer.second", "ok");
  expect_row(report, "portal_user.second", "warning", "administrator");
  expect_row(report, "portal_limits.second", "ok", "of 50");
  BOOST_TEST(check_row(report, "portal_tls.second")["title"].text() ==
             "Portal's certificate (second)");
  const std::string metrics = run_check(site().run_dir() / "settings.conf", "metrics").out;
  BOOST_TEST(metrics.contains("b24hooks_portal_answer_seconds{portal=\"SECOND\"} "));
  BOOST_TEST(metrics.find("# TYPE b24hooks_bucket_size") ==
             metrics.rfind("# TYPE b24hooks_bucket_size"));

  set("\n[portal second]\nwebhook = https://127.0.0.1:1/rest/3/canarysecret/\n");
  const Ran broken = run_check(site().run_dir() / "settings.conf", "text");
  BOOST_TEST(broken.out.contains("(second)"));
  BOOST_TEST(!broken.out.contains("canarysecret"));
}

BOOST_AUTO_TEST_SUITE_END()
