// several_forms_tests: several portals and forms on one site. The sandbox is both portals: under
// its name, and under its address with another webhook.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "base/secret.h"
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
    return good(store->find(Kind::lead, answer["id"].text())).value_or(Item());
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

BOOST_AUTO_TEST_CASE(each_form_has_its_address_its_words_and_its_guards) {
  set("\n[form callback]\nfields = phone, topic\nheading = Call me back\nheading_ru = Перезвоните\n"
      "button = Call me\nthanks = We call you.\ntitle = Callback {phone}\nmin_time = 1h\n"
      "values = SOURCE_ID=CALL\n[form quick]\nfields = phone\nthanks = We call you.\n"
      "[field topic]\ntype = select\noptions = a: Sales | b: Support\ntarget = COMMENTS\n"
      "[form]\nvalues = SOURCE_ID=WEB, OPENED=Y\n");
  const HttpReply page = site().get("/index.php?form=callback");
  BOOST_TEST(page.status == 200);
  BOOST_TEST(page.body.contains("<h1>Call me back</h1>"));
  BOOST_TEST(page.body.contains("<button type=\"submit\">Call me</button>"));
  BOOST_TEST(page.body.contains("action=\"?form=callback\""));
  BOOST_TEST(page.body.contains("name=\"topic\""));
  BOOST_TEST(!page.body.contains("name=\"first_name\""));
  const HttpReply other = site().get("/index.php");
  BOOST_TEST(other.body.contains("<h1>Contact us</h1>"));
  BOOST_TEST(!other.body.contains("name=\"topic\""));
  BOOST_TEST(http(site().port(), {"GET", "/index.php?form=callback", {"Accept-Language: ru"}, ""})
                 .body.contains("<h1>Перезвоните</h1>"));

  const Value phone = Value::map({{"phone", "+1 202 555 0100"}});
  BOOST_TEST(submit(phone, "?form=callback")["message"].text().contains("very quick"));
  const Value sent = submit(phone, "?form=quick");
  BOOST_TEST(sent["status"].text() == "saved");
  BOOST_TEST(sent["message"].text() == "We call you.");
  BOOST_TEST(lead(sent).name == "quick");
  BOOST_TEST(submit(person())["status"].text() == "saved");
  BOOST_TEST_REQUIRE(site().leads().size() == 2U);
  BOOST_TEST(site().leads()[0]["OPENED"].text() == "Y");

  // One form's token is no other's.
  Value stolen = phone;
  stolen.set("form_token", input_value(other.body, "form_token"));
  const HttpReply refused = site().post("/index.php?form=quick", stolen);
  BOOST_TEST(refused.status == 422);
  BOOST_TEST(site().leads().size() == 2U);

  const HttpReply nobody = site().get("/index.php?form=nobody");
  BOOST_TEST(nobody.status == 404);
  BOOST_TEST(nobody.body.contains("There is no such form here."));
  BOOST_TEST(site().post("/index.php?form=nobody", phone).status == 404);
}

// After a redirect the form that was sent is shown again, with its own thanks.
BOOST_AUTO_TEST_CASE(whoever_has_sent_a_further_form_comes_back_to_it) {
  set("\n[form quick]\nfields = phone\nthanks = We call you.\n");
  Value params = Value::map({{"phone", "+1 202 555 0100"}});
  params.set("form_token", input_value(site().get("/index.php?form=quick").body, "form_token"));
  const HttpReply reply = site().post("/index.php?form=quick", params);
  BOOST_TEST_REQUIRE(reply.status == 303);
  const std::string place = reply.header("location");
  BOOST_TEST(place.starts_with("?form=quick&sent="));
  BOOST_TEST(notice(site().get("/index.php" + place).body) == "We call you.");
  // Signed for this form alone.
  BOOST_TEST(notice(site().get("/index.php?" + place.substr(place.find("sent="))).body) == "");
}

// As the store has it that was filled from the journal when the form was gone already.
BOOST_AUTO_TEST_CASE(a_lead_whose_form_is_gone_waits_for_it) {
  set("");
  NewItem item;
  item.id = "lead-of-a-form-that-is-gone";
  item.name = "quick";
  item.received_at = now_ms();
  item.payload = Value::map(
      {{"form", "quick"},
       {"record", Value::map({{"query", "form=quick"},
                              {"content_type", "application/x-www-form-urlencoded"},
                              {"body", secret::base64("phone=%2B1+202+555+0100")}})}});
  good(good(Store::open(site().run_dir() / "data"))->accept({item}));
  const Value sent = Value::map({{"id", item.id}});
  BOOST_TEST(wait_until([&] { return lead(sent).error_code == "no_form"; }, kDeadline * 3));
  BOOST_TEST(lead(sent).error_text.starts_with("[form quick] is not in the settings"));
  BOOST_TEST(site().leads().size() == 0U);
  set("\n[form quick]\nfields = phone\ntitle = Quick {phone}\n");
  run({{built("cgi-bin/index.fcgi"), "--settings", (site().run_dir() / "settings.conf").string(),
        "--retry", item.id}});
  BOOST_TEST(wait_until([&] { return site().leads().size() == 1U; }, kDeadline * 3));
  BOOST_TEST(site().leads()[0]["TITLE"].text() == "Quick +1 202 555 0100");
  BOOST_TEST(site().leads()[0]["ORIGIN_ID"].text() == item.id);
}

BOOST_AUTO_TEST_SUITE_END()
