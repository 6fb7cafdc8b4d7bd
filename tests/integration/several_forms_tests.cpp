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

namespace several_forms_tests {

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
  // A form of its own tells when the changed file is taken up.
  static void set(const std::string& more, const std::string& base = plain()) {
    static int changes = 0;
    const std::string form = "taken" + std::to_string(++changes);
    site().set_settings(base + more + "\n[form " + form + "]\nfields = phone\n");
    BOOST_REQUIRE(wait_until([&] { return site().get("/index.php?form=" + form).status == 200; }));
  }
  // By the receiver, too, which has nothing to do with forms.
  static void set_for_events(const std::string& more) {
    set(more + "\n[robot taken]\nsecret = settings-are-taken-up\n");
    BOOST_REQUIRE(wait_until([&] {
      return site().post("/handler.php?robot=settings-are-taken-up", Value::array()).status == 200;
    }));
  }
  static bool called(const std::string& method, const std::vector<std::string>& by) {
    return wait_until([&] { return site().callers(method) == by; });
  }
  static Value submit(const Value& params, const std::string& query = "") {
    return test::submit(site(), "/index.php" + query, params);
  }
  static Item lead(const Value& answer) {
    const auto store = good(Store::open(site().run_dir() / "data"));
    return good(store->find(Kind::lead, answer["id"].text())).value_or(Item());
  }
};

}  // namespace several_forms_tests

BOOST_FIXTURE_TEST_SUITE(several_forms_tests, Several)

BOOST_AUTO_TEST_CASE(a_form_and_each_action_have_their_portal) {
  set_for_events(second_portal() +
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
  item.payload =
      Value::map({{"form", "quick"},
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

BOOST_AUTO_TEST_CASE(an_order_becomes_a_deal_with_its_contact) {
  set("\n[form order]\nentity = deal\ncontact = create\nfields = first_name, phone, email, "
      "comments\n"
      "values = STAGE_ID=PREPARATION, OPENED=Y, SOURCE_ID=WEB\ntitle = Order of {first_name}\n");
  Value order = person();
  order.set("comments", "Two, please");
  const Value first = submit(order, "?form=order");
  BOOST_TEST(first["status"].text() == "saved");
  order.set("comments", "Three more");
  BOOST_TEST(submit(order, "?form=order")["status"].text() == "saved");
  BOOST_TEST_REQUIRE(site().items(2).size() == 4U);  // two were there
  BOOST_TEST_REQUIRE(site().items(3).size() == 1U);
  const Value deal = site().items(2)[2], contact = site().items(3)[0];
  BOOST_TEST(deal["TITLE"].text() == "Order of Anna");
  BOOST_TEST(deal["STAGE_ID"].text() == "PREPARATION");
  BOOST_TEST(deal["CONTACT_ID"].text() == contact["ID"].text());
  BOOST_TEST(site().items(2)[3]["CONTACT_ID"].text() == contact["ID"].text());
  BOOST_TEST(deal["COMMENTS"].text().contains("phone: +1 202 555 0100"));
  BOOST_TEST(deal["COMMENTS"].text().contains("Two, please"));
  BOOST_TEST(deal["ORIGIN_ID"].text() == first["id"].text());
  BOOST_TEST(contact["NAME"].text() == "Anna");
  BOOST_TEST(contact["PHONE"][0].text() == "+1 202 555 0100");
  BOOST_TEST(contact["SOURCE_ID"].text() == "WEB");
  BOOST_TEST(lead(first).payload["entity"].text() == "deal");
}

BOOST_AUTO_TEST_CASE(whoever_is_known_gets_a_comment_and_nothing_new) {
  set("\n[form]\nduplicates = comment\n[form deal]\nentity = deal\ncontact = create\n"
      "duplicates = ignore\n");
  BOOST_TEST(submit(person())["lead_id"].text() == "1");
  const Value again = submit(person("Anne"));
  BOOST_TEST(again["status"].text() == "saved");
  BOOST_TEST(again["lead_id"].text() == "lead:1");
  BOOST_TEST(site().leads().size() == 1U);
  BOOST_TEST_REQUIRE(site().comments().size() == 1U);
  const std::string text = site().comments()[0]["COMMENT"].text();
  BOOST_TEST(text.starts_with("Anne O'Neil\n"));
  BOOST_TEST(text.contains(again["id"].text()));
  // With a contact, at his open deal.
  BOOST_TEST(submit(person("Nina"), "?form=deal")["status"].text() == "saved");
  BOOST_TEST(submit(person("Anya"))["lead_id"].text() == "deal:3");
  BOOST_TEST(site().comments().size() == 2U);
  site().call_json("crm.deal.update",
                   Value::map({{"id", 3}, {"fields", Value::map({{"CLOSED", "Y"}})}}));
  BOOST_TEST(submit(person("Anita"))["lead_id"].text() == "contact:1");
  // Who is not known becomes a lead.
  Value stranger = person("Zoe");
  stranger.set("phone", "+1 999");
  stranger.set("email", "zoe@example.com");
  BOOST_TEST(submit(stranger)["lead_id"].text() == "2");
}

// A call whose answer never came: what it made is found, and nothing is made twice.
BOOST_AUTO_TEST_CASE(contacts_items_and_comments_are_made_once_whatever_breaks_off) {
  const std::string quick = "[delivery]\nsettle = 1s\n[portal_call]\ntotal_time = 2s\n";
  std::string plainer = plain();
  plainer.replace(plainer.find("[portal_call]\n"), 14, quick);
  set("\n[form]\nduplicates = comment\n[form order]\nentity = deal\ncontact = create\n"
      "duplicates = ignore\n[form process]\nentity = 128\ncontact = create\n"
      "duplicates = ignore\nvalues = OPENED=Y\n",
      plainer);
  const auto sent_in_the_end = [](const std::string& form, const char* name, const char* method,
                                  const char* fault = "created-then-timeout") {
    site().fault(fault, 1, method);
    const Value answer = submit(person(name), form);
    BOOST_TEST(wait_until([&] { return lead(answer).state == State::done; }, kDeadline * 3), form);
    return lead(answer).result;
  };
  sent_in_the_end("?form=order", "Anna", "crm.item.add");  // of the contact
  BOOST_TEST(site().items(3).size() == 1U);
  BOOST_TEST(site().items(2).size() == 3U);
  sent_in_the_end("?form=order", "Boris", "crm.item.add");  // of the deal
  BOOST_TEST(site().items(3).size() == 1U);
  BOOST_TEST(site().items(2).size() == 4U);
  sent_in_the_end("?form=process", "Clara", "crm.item.add");
  BOOST_TEST_REQUIRE(site().items(128).size() == 1U);
  BOOST_TEST(site().items(128)[0]["CONTACT_ID"].text() == "1");
  BOOST_TEST(sent_in_the_end("", "Dora", "crm.timeline.comment.add").starts_with("deal:"));
  BOOST_TEST(site().comments().size() == 1U);
  const char* nothing_made = "reset";
  BOOST_TEST(
      sent_in_the_end("", "Ella", "crm.timeline.comment.add", nothing_made).starts_with("deal:"));
  BOOST_TEST(site().comments().size() == 2U);
  BOOST_TEST(site().leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_company_has_what_it_has_a_place_for) {
  set("\n[form firm]\nentity = company\ncontact = create\nfields = company, first_name, phone, "
      "email\n");
  Value firm = person();
  firm.set("company", "ACME");
  BOOST_TEST(submit(firm, "?form=firm")["status"].text() == "saved");
  BOOST_TEST_REQUIRE(site().items(4).size() == 1U);
  const Value company = site().items(4)[0];
  BOOST_TEST(company["TITLE"].text() == "ACME");
  BOOST_TEST(company["PHONE"][0].text() == "+1 202 555 0100");
  BOOST_TEST(company["COMMENTS"].text().contains("first_name: Anna"));
  BOOST_TEST(site().items(3)[0]["NAME"].text() == "Anna");
}

BOOST_AUTO_TEST_CASE(the_self_check_knows_the_fields_of_each_entity) {
  set("\n[form order]\nentity = deal\nvalues = STAGE_ID=GONE, UF_CRM_NOT=1\n");
  const Value report = checked(site());
  expect_row(report, "portal_fields", "error", "UF_CRM_NOT");
  expect_row(report, "portal_fields", "error", "[form order]");
  expect_row(report, "portal_stage", "error", "no stage GONE");
  expect_row(report, "form", "ok", "?form=order");
  set("\n[form order]\nentity = deal\ncontact = create\nvalues = STAGE_ID=WON\n");
  expect_row(checked(site()), "portal_fields", "ok");
  expect_row(checked(site()), "portal_methods", "ok", "crm.item.add");
}

BOOST_AUTO_TEST_SUITE_END()
