// event_tests: whose events are taken, and what of them is kept.
#include "handler/event.h"

#include <boost/test/unit_test.hpp>

#include "base/text.h"
#include "decorators.h"
#include "event_fixture.h"
#include "portal/test_event.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace event_tests {

Value with_auth(std::initializer_list<std::pair<const char*, Value>> members) {
  Value auth = Value::array();
  for (const auto& [name, value] : members) auth.set(name, value);
  return Value::map({{"event", "ONX"}, {"auth", auth}});
}

PortalSettings portal(std::vector<std::string> tokens, std::string member_id = "",
                      std::string domain = "") {
  PortalSettings settings;
  settings.application_tokens = std::move(tokens);
  settings.member_id = std::move(member_id);
  settings.domain = std::move(domain);
  return settings;
}

TokenCheck check(const Value& params, std::vector<PortalSettings> portals) {
  Settings settings;
  settings.portals = std::move(portals);
  return verify(params, settings);
}

Request request_from(const std::string& address, const std::string& forwarded = "") {
  Request request;
  request.remote_address = address;
  request.forwarded_for = forwarded;
  return request;
}

NewItem event(const Value& params, Millis at, const Settings& settings) {
  return make_event(record_of(params, at), settings, false, at);
}

std::vector<Network> networks(std::initializer_list<const char*> texts) {
  std::vector<Network> all;
  for (const char* text : texts) all.push_back(Network::parse(text).value());
  return all;
}

}  // namespace event_tests

BOOST_AUTO_TEST_SUITE(event_tests)

BOOST_AUTO_TEST_CASE(one_portals_token_lets_no_event_be_anothers, *shows("T22")) {
  PortalSettings one = portal({"token-of-one"}), two = portal({"token-of-two"});
  two.name = "two";
  two.webhook = "https://two.example/rest/1/s/";
  const auto from = [](const char* token, const char* domain) {
    Value params = event_params();
    params["auth"].set("application_token", token);
    params["auth"].set("domain", domain);
    return params;
  };
  BOOST_TEST((check(from("token-of-one", "one.example"), {one, two}) == TokenCheck::right));
  BOOST_TEST((check(from("token-of-two", "two.example"), {one, two}) == TokenCheck::right));
  BOOST_TEST((check(from("token-of-two", "else.example"), {one, two}) == TokenCheck::right));
  BOOST_TEST((check(from("token-of-one", "TWO.example"), {one, two}) == TokenCheck::wrong));
  one.domain = "two.example";  // its owner says so
  BOOST_TEST((check(from("token-of-one", "two.example"), {one, two}) == TokenCheck::right));
  one.domain.clear();
  two.application_tokens.clear();  // no events of its own: this one may be from there
  BOOST_TEST((check(from("token-of-one", "two.example"), {one, two}) == TokenCheck::right));
}

// The one without a name has its webhook under CRest's name.
BOOST_AUTO_TEST_CASE(two_webhooks_of_one_portal_are_no_others, *shows("T22")) {
  Settings settings;
  settings.crest.web_hook_url = "https://one.example/rest/1/s/";
  settings.portals = {portal({"first"}), portal({"second"})};
  settings.portals[1].name = "two";
  const auto from = [&](const char* token, const char* domain) {
    return verify(with_auth({{"application_token", token}, {"domain", domain}}), settings);
  };
  settings.portals[1].webhook = "https://one.example/rest/2/s/";
  BOOST_TEST((from("first", "one.example") == TokenCheck::right));
  BOOST_TEST((from("second", "one.example") == TokenCheck::right));
  settings.portals[1].webhook = "https://two.example/rest/2/s/";
  BOOST_TEST((from("second", "one.example") == TokenCheck::wrong));
  BOOST_TEST((from("second", "two.example") == TokenCheck::right));
}

BOOST_AUTO_TEST_CASE(only_a_configured_token_is_right, *shows("T22")) {
  const std::vector<PortalSettings> portals{portal({"old-token", "new-token"}), portal({"other"})};
  const struct {
    Value given;
    bool right;
  } cases[] = {{"old-token", true},
               {"new-token", true},  // while it changes both are
               {"other", true},
               {"old-token ", false},
               {"OLD-TOKEN", false},
               {"old-toke", false},
               {"old-token new-token", false},
               {"", false},
               {Value(), false},
               {Value(0), false},
               {Value(true), false},
               {Value::list({"old-token"}), false},
               {Value::map({{"application_token", "old-token"}}), false},
               {std::string("old-token\0", 10), false}};
  for (const auto& [given, right] : cases) {
    BOOST_TEST((check(with_auth({{"application_token", given}}), portals) ==
                (right ? TokenCheck::right : TokenCheck::wrong)),
               given.text());
  }
  for (const Value& params : {Value::array(), Value::map({{"auth", "old-token"}}),
                              Value::map({{"application_token", "old-token"}}),
                              Value::map({{"auth[application_token]", "old-token"}})})
    BOOST_TEST((check(params, portals) == TokenCheck::wrong));
}

BOOST_AUTO_TEST_CASE(without_a_configured_token_nothing_is_right, *shows("T22")) {
  for (const Value& given : {Value(""), Value("x"), Value(), Value::list({""})}) {
    const Value params = with_auth({{"application_token", given}});
    BOOST_TEST((check(params, {}) == TokenCheck::not_configured));
    BOOST_TEST((check(params, {portal({}, "member", "domain")}) == TokenCheck::not_configured));
  }
  Settings settings;
  settings.file = "/etc/b24hooks/settings.conf";
  const Error error = no_token_error(settings);
  BOOST_TEST(error.cause.contains("/etc/b24hooks/settings.conf"));
  BOOST_TEST(error.cause.contains("[portal] application_token"));
  BOOST_TEST(!error.remedy.empty());
}

BOOST_AUTO_TEST_CASE(a_call_without_an_event_may_be_a_robots) {
  const Value document = Value::list({"crm", "CCrmDocumentDeal", "DEAL_7"});
  const std::vector<PortalSettings> portals = {portal({"token-of-one"})};
  BOOST_TEST((check(Value::map({{"document_id", document}}), portals) == TokenCheck::robot));
  BOOST_TEST((check(Value::map({{"robot", "x"}}), portals) == TokenCheck::robot));
  BOOST_TEST((check(Value::map({{"document_id", "7"}}), portals) == TokenCheck::wrong));
  BOOST_TEST((check(Value::map({{"event", "ONX"}, {"robot", "x"}}), portals) == TokenCheck::wrong));
  BOOST_TEST((check(Value::map({{"event", "ONX"}, {"document_id", document}}), portals) ==
              TokenCheck::wrong));
}

BOOST_AUTO_TEST_CASE(the_owner_hears_what_would_let_a_refused_call_in) {
  Settings settings;
  settings.portals = {portal({"old-token", "token-of-one"}, "m1", "one.example")};
  const auto remedy = [&](const Value& params, const char* code = "wrong_token") {
    Request request = request_from("192.0.2.7");
    request.params = params;
    return remedy_for(code, request, settings);
  };
  const auto auth = [](const char* token, const char* member, const char* domain) {
    return with_auth({{"application_token", token}, {"member_id", member}, {"domain", domain}});
  };
  BOOST_TEST(remedy(auth("token-of-one", "m2", "one.example")) == "[portal] member_id = m2");
  BOOST_TEST(remedy(auth("token-of-one", "m1", "two.example")) == "[portal] domain = two.example");
  // A wrong token is never repeated, nor is anything else of such a call believed.
  BOOST_TEST(remedy(auth("guessed-token", "m2", "two.example"))
                 .starts_with("set application_token in [portal] to the code"));
  settings.portals[0].name = "shop";
  BOOST_TEST(remedy(auth("old-token", "m2", "one.example")) == "[portal shop] member_id = m2");

  BOOST_TEST(remedy(Value(), "address_not_allowed") == "[handler] allow = 192.0.2.7");
  settings.handler.allow = networks({"198.51.100.0/24"});
  BOOST_TEST(remedy(Value(), "address_not_allowed") == "add 192.0.2.7 to [handler] allow");

  Request robot;
  BOOST_TEST(remedy_for("robot", robot, settings).starts_with("add [robot NAME]"));
  robot.path_info = "/guess";
  BOOST_TEST(remedy_for("robot", robot, settings).starts_with("set secret in [robot NAME]"));
  robot.path_info = "";
  robot.get = Value::map({{"robot", "guess"}});
  BOOST_TEST(remedy_for("robot", robot, settings).starts_with("set secret in [robot NAME]"));
}

BOOST_AUTO_TEST_CASE(a_section_that_names_its_portal_takes_only_that_ones_events) {
  const std::vector<PortalSettings> portals{portal({"a"}, "member-a", "a.bitrix24.com"),
                                            portal({"b"}, "", "b.bitrix24.com")};
  const struct {
    const char* token;
    const char* member;
    const char* domain;
    bool right;
  } cases[] = {{"a", "member-a", "a.bitrix24.com", true},
               {"a", "MEMBER-A", "A.Bitrix24.com", true},
               {"a", "member-b", "a.bitrix24.com", false},
               {"a", "member-a", "b.bitrix24.com", false},
               {"a", "", "", false},
               {"b", "anything", "b.bitrix24.com", true},
               {"b", "member-a", "a.bitrix24.com", false}};
  for (const auto& [token, member, domain, right] : cases) {
    const Value params =
        with_auth({{"application_token", token}, {"member_id", member}, {"domain", domain}});
    BOOST_TEST((check(params, portals) == (right ? TokenCheck::right : TokenCheck::wrong)),
               token << " " << member << " " << domain);
  }
}

BOOST_AUTO_TEST_CASE(senders_are_let_in_by_the_list_of_networks) {
  Settings settings;
  BOOST_TEST(good(sender_allowed(request_from("203.0.113.9"), settings)));
  BOOST_TEST(good(sender_allowed(request_from("nonsense"), settings)));
  settings.handler.allow = networks({"192.0.2.0/24", "2001:db8::/32"});
  const struct {
    const char* address;
    bool want;
  } cases[] = {{"192.0.2.1", true},   {"192.0.2.255", true},
               {"192.0.3.0", false},  {"::ffff:192.0.2.7", true},
               {"2001:db8::1", true}, {"2001:db9::1", false},
               {"", false},           {"nonsense", false},
               {"unix:", false}};
  for (const auto& [address, want] : cases)
    BOOST_TEST(good(sender_allowed(request_from(address), settings)) == want, address);
}

BOOST_AUTO_TEST_CASE(only_trusted_proxies_say_who_the_sender_is) {
  Settings settings;
  settings.handler.allow = networks({"192.0.2.0/24"});
  BOOST_TEST(!good(sender_allowed(request_from("10.0.0.1", "192.0.2.1"), settings)));
  settings.server.trusted_proxies = networks({"10.0.0.0/8"});
  const struct {
    const char* address;
    const char* forwarded;
    bool want;
  } cases[] = {{"10.0.0.1", "192.0.2.1", true},
               {"10.0.0.1", "203.0.113.1", false},
               {"10.0.0.1", "192.0.2.1, 203.0.113.1", false},  // the first is only claimed
               {"10.0.0.1", "203.0.113.1, 192.0.2.1", true},
               {"10.0.0.1", "203.0.113.1, 192.0.2.1, 10.0.0.2", true},
               {"203.0.113.1", "192.0.2.1", false},
               {"10.0.0.1", "", false}};
  for (const auto& [address, forwarded, want] : cases)
    BOOST_TEST(good(sender_allowed(request_from(address, forwarded), settings)) == want, forwarded);
}

BOOST_AUTO_TEST_CASE(the_vendors_list_lets_its_nodes_in_besides) {
  const TempDir dir;
  Settings settings;
  settings.handler.allow = networks({"192.0.2.0/24"});
  settings.handler.allow_file = dir / "nodes.json";
  write_file(dir / "nodes.json", R"({"nodes":["198.51.100.7","203.0.113.0/25","junk",5]})");
  for (const char* address : {"192.0.2.1", "198.51.100.7", "203.0.113.127"})
    BOOST_TEST(good(sender_allowed(request_from(address), settings)), address);
  for (const char* address : {"198.51.100.8", "203.0.113.128", ""})
    BOOST_TEST(!good(sender_allowed(request_from(address), settings)), address);
  // Somebody's cron replaces it.
  write_file(dir / "nodes.json", R"({"nodes":["198.51.100.8"]})");
  BOOST_TEST(good(sender_allowed(request_from("198.51.100.8"), settings)));
  BOOST_TEST(!good(sender_allowed(request_from("198.51.100.7"), settings)));
}

BOOST_AUTO_TEST_CASE(an_unreadable_list_lets_nobody_in_and_says_so) {
  const TempDir dir;
  Settings settings;
  settings.handler.allow_file = dir / "nodes.json";
  const auto is_refused = [&] {
    const auto allowed = sender_allowed(request_from("198.51.100.7"), settings);
    return code_of(allowed) == "bad_allow_file" &&
           allowed.error().cause.contains((dir / "nodes.json").string()) &&
           !allowed.error().remedy.empty();
  };
  BOOST_TEST(is_refused());
  for (const char* text : {"", "{}", "[]", "<html>", R"({"nodes":[]})", R"({"nodes":"x"})",
                           R"({"nodes":["198.51.100.7")"}) {
    write_file(dir / "nodes.json", text);
    BOOST_TEST(is_refused(), text);
  }
  settings.handler.allow_file = dir.path();
  BOOST_TEST(!sender_allowed(request_from("198.51.100.7"), settings));
}

BOOST_AUTO_TEST_CASE(an_event_is_ordered_by_the_object_that_it_is_about) {
  const Value by_data = Value::map({{"FIELDS_AFTER", Value::map({{"ID", "9"}})}});
  const Value deleted = Value::map({{"FIELDS_BEFORE", Value::map({{"ID", "9"}})}});
  const struct {
    Value params;
    const char* object;
  } cases[] = {{event_params("ONCRMDEALADD", "7"), "ONCRMDEAL:7"},
               {event_params("ONCRMDEALUPDATE", "7"), "ONCRMDEAL:7"},
               {event_params("ONCRMDEALDELETE", "7"), "ONCRMDEAL:7"},
               {event_params("ONCRMLEADUPDATE", "7"), "ONCRMLEAD:7"},
               {event_params("ONCRMDEALUPDATE", "8"), "ONCRMDEAL:8"},
               {event_params("ONSOMETHING", "8"), "ONSOMETHING:8"},
               {event_params("ONCRMDEALUPDATE", ""), ""},
               {Value::map({{"event", "ONTASKUPDATE"}, {"data", by_data}}), "ONTASK:9"},
               {Value::map({{"event", "ONTASKDELETE"}, {"data", deleted}}), "ONTASK:9"},
               {Value::map({{"event", "ONAPPTEST"}, {"data", "x"}}), ""},
               {Value::array(), ""}};
  for (const auto& [params, object] : cases) BOOST_TEST(event(params, 1, {}).object == object);
}

// The vendor's own examples of what each kind of event says of its object.
BOOST_AUTO_TEST_CASE(the_object_of_an_event_is_its_kind_and_its_whole_id) {
  const struct {
    const char* events;
    const char* data;
    const char* object;
  } cases[] = {
      {"ONCRMDYNAMICITEMADD ONCRMDYNAMICITEMUPDATE ONCRMDYNAMICITEMDELETE "
       "ONCRMDYNAMICITEMUPDATE_1220",
       R"({"FIELDS":{"ID":24,"ENTITY_TYPE_ID":1220}})", "ONCRMDYNAMICITEM:1220:24"},
      {"ONCRMDYNAMICITEMUPDATE", R"({"FIELDS":{"ID":24,"ENTITY_TYPE_ID":147}})",
       "ONCRMDYNAMICITEM:147:24"},
      {"ONCRMDEALADD ONCRMDEALMOVETOCATEGORY", R"({"FIELDS":{"ID":6675,"CATEGORY_ID":1}})",
       "ONCRMDEAL:6675"},
      {"ONCRMDEALRECURRINGADD ONCRMDEALRECURRINGEXPOSE ONCRMDEALRECURRINGDELETE",
       R"({"FIELDS":{"ID":9,"RECURRING_DEAL_ID":6791}})", "ONCRMDEALRECURRING:9"},
      {"ONCRMLEADUSERFIELDADD ONCRMLEADUSERFIELDSETENUMVALUES",
       R"({"FIELDS":{"ID":6977,"ENTITY_ID":"CRM_LEAD"}})", "ONCRMLEADUSERFIELD:6977"},
      {"ONCRMADDRESSREGISTER ONCRMADDRESSUNREGISTER",
       R"({"FIELDS":{"TYPE_ID":1,"ENTITY_TYPE_ID":8,"ENTITY_ID":3}})", "ONCRMADDRESS:1:8:3"},
      {"ONORDERENTITYSAVED ONORDERDELETED ONSALEORDERSAVED ONSALEBEFOREORDERDELETE",
       R"({"FIELDS":{"ID":300}})", "ONORDER:300"},
      {"ONPAYMENTENTITYSAVED ONPAYMENTDELETED", R"({"FIELDS":{"ID":300}})", "ONPAYMENT:300"},
      {"ONLIVEFEEDPOSTADD ONLIVEFEEDPOSTDELETE", R"({"FIELDS":{"POST_ID":209}})",
       "ONLIVEFEEDPOST:209"},
      {"ONTASKUPDATE", R"({"FIELDS_BEFORE":{"ID":123},"FIELDS_AFTER":{"ID":123}})", "ONTASK:123"},
      {"ONTASKCOMMENTADD", R"({"FIELDS_AFTER":{"ID":0,"TASK_ID":555,"MESSAGE_ID":1458}})",
       "ONTASKCOMMENT:555"},
      {"ONTASKCOMMENTDELETE", R"({"FIELDS_BEFORE":{"ID":123,"TASK_ID":555}})", "ONTASKCOMMENT:555"},
      {"ONCRMTIMELINECOMMENTADD ONCRMTIMELINECOMMENTUPDATE", R"({"ID":999})",
       "ONCRMTIMELINECOMMENT:999"},
      {"ONCALENDARENTRYADD ONCALENDARENTRYDELETE", R"({"id":1414})", "ONCALENDARENTRY:1414"},
      {"ONBOOKINGRESOURCETYPEADD", R"({"ID":9})", "ONBOOKINGRESOURCETYPE:9"},
      {"CATALOG.PRODUCT.ON.ADD CATALOG.PRODUCT.ON.UPDATE", R"({"FIELDS":{"ID":1,"TYPE":1}})",
       "CATALOG.PRODUCT.ON.:1"},
      {"ONVOXIMPLANTCALLINIT ONVOXIMPLANTCALLSTART ONVOXIMPLANTCALLEND", R"({"CALL_ID":"a.1"})",
       "ONVOXIMPLANTCALL:a.1"},
      {"ONEXTERNALCALLSTART", R"({"CALL_ID":"externalCall.1","CRM_ENTITY_ID":7})",
       "ONEXTERNALCALL:externalCall.1"},
      {"ONEXTERNALCALLBACKSTART", R"({"PHONE_NUMBER":"+49"})", ""},
      {"ONOPENLINEMESSAGEADD ONOPENLINEMESSAGEDELETE",
       R"({"DATA":[{"chat":{"id":1024},"message":{"id":2056}}]})", "ONOPENLINECHAT:1024"},
      {"ONSESSIONSTART ONSESSIONFINISH", R"({"DATA":[{"session":{"id":42},"chat":{"id":1024}}]})",
       "ONOPENLINECHAT:1024"},
      {"ONIMCONNECTORMESSAGEADD ONIMCONNECTORMESSAGEDELETE",
       R"({"CONNECTOR":"c","LINE":107,"MESSAGES":[{"im":{"chat_id":1807,"message_id":5}}]})",
       "ONIMCONNECTORCHAT:1807"},
      {"ONIMBOTV2MESSAGEADD ONIMBOTV2JOINCHAT", R"({"bot":{"id":456},"chat":{"id":5}})",
       "ONIMBOTV2CHAT:456:5"},
      {"ONIMBOTMESSAGEADD ONIMBOTJOINCHAT", R"({"PARAMS":{"DIALOG_ID":"chat1157"}})",
       "ONIMBOTCHAT:chat1157"},
      {"ONSIGNB2EDOCUMENTSTATUSCHANGED", R"({"documentUid":"R-LK"})", "ONSIGNB2EDOCUMENT:R-LK"},
      {"ONSIGNB2EMEMBERSTATUSCHANGED", R"({"memberUid":"2d","documentUid":"R-LK"})",
       "ONSIGNB2EMEMBER:R-LK:2d"},
      {"ONAPPUPDATE ONOFFLINEEVENT", R"({"VERSION":2})", ""},
  };
  for (const auto& [events, data, object] : cases) {
    for (const std::string& name : text::split(events)) {
      const Value params = Value::map({{"event", name}, {"data", good(json::parse(data))}});
      BOOST_TEST(event(params, 1, {}).object == object, name);
    }
  }
}

BOOST_AUTO_TEST_CASE(objects_of_two_portals_are_two) {
  Settings settings;
  settings.portals = {portal({"a"}), portal({"b"})};
  Value params = event_params("ONCRMDEALUPDATE", "7");
  const std::string one = event(params, 1, settings).object;
  BOOST_TEST(event(event_params("ONCRMDEALADD", "7"), 1, settings).object == one);
  Value other = params["auth"];
  other.set("member_id", "another");
  params.set("auth", other);
  BOOST_TEST(event(params, 1, settings).object != one);
}

BOOST_AUTO_TEST_CASE(an_event_is_kept_as_it_came_but_for_its_tokens) {
  Settings settings;
  const Value params = event_params();
  const NewItem masked = event(params, 5, settings);
  BOOST_TEST((masked.kind == Kind::event));
  BOOST_TEST(masked.name == "ONCRMDEALUPDATE");
  BOOST_TEST(masked.received_at == 5);
  BOOST_TEST(masked.payload.path("auth.application_token").text() == "***");
  BOOST_TEST(masked.payload.path("auth.domain").text() == "example.bitrix24.com");
  settings.handler.mask_secrets = false;
  BOOST_TEST((event(params, 5, settings).payload == params));
}

BOOST_AUTO_TEST_CASE(an_event_waits_only_for_actions_that_apply) {
  Settings settings;
  BOOST_TEST((event(event_params(), 1, settings).state == State::done));
  settings.actions.resize(1);
  settings.actions[0].event = "ONCRMLEADADD";
  BOOST_TEST((event(event_params(), 1, settings).state == State::done));
  BOOST_TEST((event(event_params("OnCrmLeadAdd"), 1, settings).state == State::pending));
  settings.actions[0].event = "*";
  BOOST_TEST((event(event_params(), 1, settings).state == State::pending));
}

BOOST_AUTO_TEST_CASE(equal_calls_are_two_events, *shows("T23")) {
  const Request request =
      parse_content("", "application/x-www-form-urlencoded", php::build_query(event_params()), {})
          .value();
  const Record first = make_record(request, 1);
  const Record second = make_record(request, 1);
  BOOST_TEST(first.id != second.id);
  BOOST_TEST(first.key == first.id);
  BOOST_TEST(first.body == second.body);
  BOOST_TEST(make_event(first, {}).id == first.id);
}

BOOST_AUTO_TEST_CASE(what_an_earlier_store_had_is_kept_and_followed_by_nothing) {
  Settings settings;
  settings.actions.resize(1);
  settings.actions[0].event = "*";
  BOOST_TEST((event(event_params(), now_ms(), settings).state == State::pending));
  BOOST_TEST(
      (make_event(record_of(event_params(), now_ms()), settings, true).state == State::done));
}

BOOST_AUTO_TEST_CASE(what_waited_long_for_the_store_may_have_been_worked_on) {
  BOOST_TEST(!make_event(record_of(event_params(), 1'000), {}, false, 3'601'000).unsure);
  BOOST_TEST(make_event(record_of(event_params(), 1'000), {}, false, 3'601'001).unsure);
}

BOOST_AUTO_TEST_CASE(only_a_fresh_test_event_of_these_settings_is_one, *shows("T23")) {
  constexpr Millis kNow = 1'700'000'000'000;
  Settings settings;
  settings.portals = {portal({"token"}, "member", "a.bitrix24.com")};
  const Value made = make_test_event(settings, "number", kNow);
  BOOST_TEST((verify(made, settings) == TokenCheck::right));
  BOOST_TEST(test_event_number(made, settings, kNow).value_or("") == "number");
  BOOST_TEST(test_event_number(made, settings, kNow + 5 * 60'000).value_or("") == "number");
  BOOST_TEST(!test_event_number(made, settings, kNow + 5 * 60'000 + 1));
  BOOST_TEST(!test_event_number(made, settings, kNow - 5 * 60'000 - 1));
  BOOST_TEST(!test_event_number(event_params(), settings, kNow));
  Settings other = settings;
  other.portals[0].application_tokens = {"other"};
  BOOST_TEST(!test_event_number(made, other, kNow));
  for (const char* name : {"event", "data", "ts", "b24hooks_test"}) {
    Value changed = made;
    changed.set(name, "1700000000");
    const bool same = changed == made;
    BOOST_TEST(test_event_number(changed, settings, kNow).has_value() == same, name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
