// prepared_tests: what the steps of a section would send: bodies by a template, mails, rows; and
// what counts as changed.
#include "handler/prepared.h"

#include <boost/test/unit_test.hpp>

#include "decorators.h"
#include "event_fixture.h"
#include "handler/action.h"
#include "handler/explain.h"
#include "store_fixture.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace prepared_tests {

// An event whose call has answered with a title that means harm.
struct Prepared {
  ActionSettings action;
  Item event;
  Value own;

  explicit Prepared(const std::string& title = "a\"b\\c\n&d=<e>") {
    action.event = "ONX";
    event.id = "evt1";
    event.name = "ONX";
    event.object = "ONX:7";
    event.payload = event_params("ONX", "7");
    event.received_at = 1'700'000'000'123;
    own =
        Value::map({{"call", Value::map({{"TITLE", title},
                                         {"STAGE_ID", "WON"},
                                         {"item", Value::map({{"stageId", "C1"}})},
                                         {"PHONE", Value::list({Value::map({{"VALUE", "1"}}),
                                                                Value::map({{"VALUE", "2"}})})}})},
                    {"old", Value::map({{"STAGE_ID", "NEW"}})}});
  }
  std::string body(const std::string& text, const char* as = "json") {
    action.forward_body = text;
    action.forward_as = as;
    const auto request = request_of(action, event, own);
    return request ? request->body : request.error().code;
  }
};

}  // namespace prepared_tests

BOOST_AUTO_TEST_SUITE(prepared_tests)

BOOST_AUTO_TEST_CASE(values_are_escaped_for_the_body_that_they_go_into) {
  Prepared p;
  p.action.changed = {"STAGE_ID"};
  const std::string json = p.body(
      R"({"chat_id": 5, "text": "{{result.TITLE}}: {{old.STAGE_ID}} > {{result.STAGE_ID}}"})");
  BOOST_TEST(good(json::parse(json))["text"].text() == "a\"b\\c\n&d=<e>: NEW > WON");
  BOOST_TEST(p.body("id={{data.FIELDS.ID}}&text={{result.TITLE}}", "form") ==
             "id=7&text=a%22b%5Cc%0A%26d%3D%3Ce%3E");
  BOOST_TEST(p.body("{\"p\": [{{#result.PHONE}}\"{{VALUE}}\",{{/result.PHONE}} 0]}") ==
             "{\"p\": [\"1\",\"2\", 0]}");
  BOOST_TEST(p.body("{\"none\": \"{{result.NONE}}\"}") == "{\"none\": \"\"}");
}

BOOST_AUTO_TEST_CASE(a_template_that_makes_no_body_is_the_owners_to_mend) {
  Prepared p("1, \"admin\": 1");
  for (const char* text : {"{\"a\": {{result.TITLE}}}", "{\"a\": \"{{{result.TITLE}}}\"}", "plain"})
    BOOST_TEST(p.body(text) == "forward_body", text);
  for (const char* text :
       {"{{result", "{{#result}}x", "{{/result}}", "{{=<% %>=}}", "{{>result.TITLE}}"})
    BOOST_TEST(p.body(text) == "broken_template", text);
  const auto error = request_of(p.action, p.event, p.own).error();
  BOOST_TEST(error.cause.starts_with("[on ONX] forward_body: "), error.cause);
}

BOOST_AUTO_TEST_CASE(a_mail_has_its_text_and_no_header_of_others, *shows("T29")) {
  Prepared p("x\nBcc: y@example.com");
  p.action.mail_subject = "Won: {result.TITLE}";
  p.action.mail_text = "{{result.TITLE}}\\nStage: {{result.STAGE_ID}}";
  const Mail mail = good(mail_of(p.action, p.event, p.own));
  BOOST_TEST(mail.text == "x\nBcc: y@example.com\nStage: WON\n");
  const std::string text = mail_text("boss@example.com", mail);
  BOOST_TEST(
      text.substr(0, text.find("\n\n")).contains("Subject: Won: x\\x0aBcc: y@example.com\n"));
  p.action.mail_text.clear();
  BOOST_TEST(good(mail_of(p.action, p.event, p.own)).text.contains("[STAGE_ID] => WON"));
}

BOOST_AUTO_TEST_CASE(a_row_is_safe_to_open_and_has_the_columns_that_are_named, *shows("T30")) {
  Prepared p("=cmd|x\",\ny");
  p.action.append_row =
      "Deal: {data.FIELDS.ID} | Title: {result.TITLE} | At: {result.item.stageId}";
  BOOST_TEST(heading_of(p.action) == "id,received_at,\"Deal\",\"Title\",\"At\"\n");
  BOOST_TEST(row_of(p.action, p.event, p.own) ==
             "\"evt1\",2023-11-14T22:13:20.123Z,\"7\",\"'=cmd|x\"\",\ny\",\"C1\"\n");
}

BOOST_AUTO_TEST_CASE(a_field_has_changed_when_it_is_not_as_it_was_or_nothing_is_known) {
  const Prepared p;
  ActionSettings action;
  const Value result = p.own["call"];
  const auto old = [](const char* stage) {
    return Value::map({{"STAGE_ID", stage}, {"item", Value::map({{"stageId", "C1"}})}});
  };
  BOOST_TEST(has_changed(action, old("WON"), result));  // nothing is asked
  action.changed = {"STAGE_ID", "item.stageId"};
  BOOST_TEST(!has_changed(action, old("WON"), result));
  BOOST_TEST(has_changed(action, old("NEW"), result));
  BOOST_TEST(has_changed(action, Value::array(), result));
  BOOST_TEST(json::print(fields_of(action, result)) ==
             R"({"STAGE_ID":"WON","item":{"stageId":"C1"}})");
}

BOOST_FIXTURE_TEST_CASE(what_was_seen_is_kept_with_the_end_of_the_event, StoreFixture) {
  const std::int64_t number = accept(Kind::event, "a", "ONX:7");
  const std::string key = std::string(Store::kSeen) + "ONX ONX:7";
  const std::string value = std::to_string(now) + " {}";
  good(store->claim(Kind::event, 1));
  good(store->retry(number, now, {.facts = {{key, value}}}, false));
  reopen();
  BOOST_TEST(good(store->recall(key)) == value);
  good(store->erase_done(now));
  BOOST_TEST(good(store->recall(key)) == value);
  good(store->erase_done(now + 1));
  BOOST_TEST(good(store->recall(key)) == "");
}

BOOST_FIXTURE_TEST_CASE(a_place_is_handed_on_whole_or_not_at_all, StoreFixture) {
  const std::int64_t first = accept(Kind::event, "a", "ONX:7");
  accept(Kind::event, "b", "ONX:8");
  const std::int64_t next = accept(Kind::event, "c", "ONX:7");
  const auto behind = good(store->behind(item(first), "TEST", 10));
  BOOST_REQUIRE(behind.size() == 1u);
  BOOST_TEST(behind[0].number == next);
  BOOST_TEST(good(store->behind(item(first), "OTHER", 10)).empty());
  BOOST_TEST(good(store->hand_on(first, next, "s", "gone", "come")));
  BOOST_TEST(item(first).progress["s"].text() == "gone");
  BOOST_TEST(item(next).progress["s"].text() == "come");
  good(store->done(next, {}));
  BOOST_TEST(!good(store->hand_on(first, next, "t", "gone", "come")));
  BOOST_TEST(item(first).progress["t"].is_null());
}

BOOST_AUTO_TEST_CASE(what_would_happen_is_explained_and_masked) {
  Prepared p("secret title");
  Settings settings;
  for (const char* label : {"plain", "filtered", "same", "asked"}) {
    settings.actions.push_back(p.action);
    settings.actions.back().label = label;
    settings.actions.back().call = "crm.deal.get?id={data.FIELDS.ID}";
  }
  settings.actions[0].forward = "https://hooks.example/bot123456/send?token=canary";
  settings.actions[0].mail = "boss@example.com";
  settings.actions[1].filter = "data.FIELDS.ID=8";
  settings.actions[2].changed = {"STAGE_ID"};
  settings.actions[3].filter = "result.STAGE_ID=WON";
  settings.actions.push_back({});
  settings.actions[4].event = "ONY";
  Value seen = p.own;
  seen.set("old", Value::map({{"STAGE_ID", "WON"}}));
  p.event.progress = Value::map({{"ONX plain", p.own}, {"ONX same", seen}});
  const std::string out = explain(settings, p.event, p.event.received_at);
  for (const char* part :
       {"ONX of ONX:7", "[on ONX plain] runs\n", "call crm.deal.get?id=7\n        (done)",
        "forward to https://hooks.example:443, application/json\n", "mail to boss@example.com: ",
        "[on ONX filtered] does not run: filter data.FIELDS.ID=8: it is \"7\"\n",
        "[on ONX same] does not run: not changed: STAGE_ID (\"WON\")\n",
        "[on ONX asked] runs if the call's answer fits\n",
        "[on ONY] does not run: it is for ONY\n"})
    BOOST_TEST(out.contains(part), part << "\n" << out);
  for (const char* part : {"bot123456", "canary"}) BOOST_TEST(!out.contains(part), part);
}

BOOST_AUTO_TEST_SUITE_END()
