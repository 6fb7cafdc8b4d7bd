// action_tests: what is put into calls, what passes a filter, what is handed over and how signed.
#include "handler/action.h"

#include <boost/test/unit_test.hpp>

#include "decorators.h"
#include "event_fixture.h"
#include "handler/read_ahead.h"
#include "standard_webhooks.h"
#include "tls_server.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace action_tests {

Item event_item(const Value& payload) {
  Item item;
  item.number = 12;
  item.id = "msg_1";
  item.kind = Kind::event;
  item.name = payload["event"].text();
  item.payload = payload;
  item.received_at = 1'700'000'000'123;
  return item;
}

Value deal() {
  return Value::map({{"ID", "7"},
                     {"TITLE", "A & B"},
                     {"STAGE_ID", "WON"},
                     {"CONTACT_IDS", Value::list({"5", "6"})}});
}

// Says "wait" some times, each time for so long.
struct CountingGate : CallGate {
  int waits = 0;
  Millis wait = 0;
  int asked = 0;
  Millis enter(std::string_view) override { return asked++ < waits ? wait : 0; }
  void ended(std::string_view, const CallResult&) override {}
  void ran(std::span<const b24::Command>, std::span<const BatchResult>) override {}
  Millis closed_for(std::string_view) override { return 0; }
};

// Actions that need neither a portal nor a receiver.
struct ActionFixture {
  Settings settings;
  TempDir dir;
  ActionSettings action;
  Value progress = Value::array();
  std::shared_ptr<Gate> forward_gate = good(Gate::open(dir.path(), "p.example", {}));
  std::shared_ptr<Store> store = good(Store::open(dir.path()));
  ReadAhead read_ahead;

  ActionFixture() {
    settings.data.dir = dir.path();
    action.event = "ONCRMDEALUPDATE";
  }
  std::expected<void, ActionFailure> run(const Item& event, CallGate* gate = nullptr) {
    Webhook webhook(settings, gate);
    webhook.wait_for_place(10);
    Http http({});
    Log log(settings, "handler");
    return run_action(action, event, progress,
                      {settings, webhook, http, *forward_gate, log, *store, read_ahead});
  }
  // A program that keeps its input, its environment and its arguments.
  void keep_what_comes(const std::string& arguments = "") {
    write_file(dir / "program",
               "#!/bin/sh\ncd \"$(dirname \"$0\")\"\ncat > input\nenv > environment\n"
               "for a; do printf '<%s>' \"$a\"; done > arguments\n");
    std::filesystem::permissions(dir / "program", std::filesystem::perms::owner_all);
    action.exec = (dir / "program").string() + arguments;
  }
};

}  // namespace action_tests

BOOST_AUTO_TEST_SUITE(action_tests)

BOOST_AUTO_TEST_CASE(a_section_applies_to_its_event_or_to_all) {
  const struct {
    const char* section;
    const char* event;
    bool want;
  } cases[] = {{"ONCRMDEALUPDATE", "ONCRMDEALUPDATE", true},
               {"ONCRMDEALUPDATE", "OnCrmDealUpdate", true},
               {"ONCRMDEALUPDATE", "ONCRMDEALADD", false},
               {"ONCRMDEALUPDATE", "ONCRMDEALUPDATEX", false},
               {"ONCRMDEALUPDATE", "", false},
               {"*", "ANYTHING", true},
               {"*", "", true},
               {"ONCRM*", "ONCRMDEALADD", false}};
  for (const auto& [section, event, want] : cases) {
    ActionSettings action;
    action.event = section;
    BOOST_TEST(applies(action, event) == want, section << " " << event);
    BOOST_TEST(any_applies({ActionSettings{}, action}, event) == (want || *event == '\0'));
  }
}

BOOST_AUTO_TEST_CASE(names_in_braces_are_filled_in) {
  const Value event = event_params("ONX", "7");
  const struct {
    const char* text;
    const char* want;
  } cases[] = {{"{data.FIELDS.ID}", "7"},
               {"id={data.FIELDS.ID}&x={event}", "id=7&x=ONX"},
               {"{result.TITLE}", "A & B"},
               {"{result.CONTACT_IDS.1}", "6"},
               {"{result}", "Array"},
               {"{result.NONE.AT.ALL}", ""},
               {"{data.FIELDS.NAME}", ""},
               {"{data.FIELDS}", "Array"},
               {"{}", ""},
               {"{nothing", "{nothing"},
               {"nothing}", "nothing}"},
               {"}{", "}{"},
               {"{{event}}", "}"},
               {"", ""}};
  for (const auto& [text, want] : cases) BOOST_TEST(fill_in(text, event, deal()) == want, text);
  BOOST_TEST(fill_in("{result}", event, Value(42)) == "42");
  // What comes from outside is not looked through again.
  BOOST_TEST(fill_in("{event}", event_params("{data.FIELDS.ID}"), Value()) == "{data.FIELDS.ID}");
}

BOOST_AUTO_TEST_CASE(filters_pass_what_matches) {
  const Value event = event_params("ONX", "7");
  const struct {
    const char* filter;
    bool want;
  } cases[] = {{"", true},
               {"data.FIELDS.ID=7", true},
               {" data.FIELDS.ID = 7 ", true},
               {"data.FIELDS.ID=8", false},
               {"data.FIELDS.ID=07", false},
               {"data.FIELDS.ID!=8", true},
               {"data.FIELDS.ID != 7", false},
               {"data.FIELDS.NONE=", true},
               {"data.FIELDS.NONE!=", false},
               {"event=ONX", true},
               {"event=onx", false},
               {"result.STAGE_ID=WON", true},
               {"result.STAGE_ID!=WON", false},
               {"result.TITLE=A & B", true},
               // Not understood: does not pass, rather than always.
               {"data.FIELDS.ID", false},
               {"=7", false},
               {"=", false}};
  for (const auto& [filter, want] : cases)
    BOOST_TEST(passes(filter, event, deal()) == want, filter);
}

BOOST_AUTO_TEST_CASE(what_is_handed_over_is_the_event_and_the_result) {
  const Value body = handed_over(event_item(event_params()), deal());
  BOOST_TEST(body["id"].text() == "msg_1");
  BOOST_TEST(body["event"].text() == "ONCRMDEALUPDATE");
  BOOST_TEST(body["received_at"].text() == "2023-11-14T22:13:20.123Z");
  BOOST_TEST((body["data"] == event_params()));
  BOOST_TEST((body["result"] == deal()));
  BOOST_TEST(handed_over(event_item(event_params()), Value())["result"].is_null());
}

BOOST_AUTO_TEST_CASE(signatures_are_those_of_standard_webhooks) {
  // The example of the specification's reference libraries.
  const auto known =
      signature_headers("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                        1'614'265'330'000, R"({"test": 2432232314})");
  BOOST_REQUIRE(known.size() == 3u);
  BOOST_TEST(known[0] == "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek");
  BOOST_TEST(known[1] == "webhook-timestamp: 1614265330");
  BOOST_TEST(known[2] == "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

BOOST_AUTO_TEST_CASE(signatures_are_right_for_any_key_and_body) {
  const struct {
    std::string secret;
    std::string key;
  } keys[] = {{"whsec_c2VjcmV0", "secret"}, {"plain text", "plain text"}, {"", ""}};
  for (const auto& [secret, key] : keys) {
    for (const std::string& body : {std::string(), std::string("{}"), std::string("a\0\xff", 3)}) {
      const auto headers = signature_headers(secret, "id", 1'700'000'000'999, body);
      BOOST_TEST(headers[2] ==
                 "webhook-signature: " + webhook_signature(key, "id.1700000000." + body));
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_program_gets_the_event, ActionFixture) {
  keep_what_comes(" {data.FIELDS.ID} plain {event} {nothing}");
  Value params = event_params("ONCRMDEALUPDATE", "7 $(x); \"y\"");
  BOOST_TEST(run(event_item(params)).has_value());
  const Value input = good(json::parse(read_file(dir / "input")));
  BOOST_TEST((input["data"] == params));
  BOOST_TEST(input["id"].text() == "msg_1");
  BOOST_TEST(read_file(dir / "arguments") == "<7 $(x); \"y\"><plain><ONCRMDEALUPDATE><>");
  const std::string environment = read_file(dir / "environment");
  for (const char* line :
       {"B24_EVENT=ONCRMDEALUPDATE\n", "B24_ID=7 $(x); \"y\"\n", "B24_ITEM=12\n", "LANG=C.UTF-8\n"})
    BOOST_TEST(environment.contains(line), line);
  BOOST_TEST((progress["exec"] == Value(true)));
}

BOOST_FIXTURE_TEST_CASE(an_event_that_does_not_pass_the_filter_is_left, ActionFixture) {
  keep_what_comes();
  action.filter = "data.FIELDS.ID=8";
  BOOST_TEST(run(event_item(event_params())).has_value());
  BOOST_TEST(!std::filesystem::exists(dir / "input"));
  action.filter = "data.FIELDS.ID=7";
  BOOST_TEST(run(event_item(event_params())).has_value());
  BOOST_TEST(std::filesystem::exists(dir / "input"));
}

BOOST_FIXTURE_TEST_CASE(what_is_done_is_not_done_again, ActionFixture) {
  keep_what_comes();
  progress = Value::map({{"exec", true}});
  BOOST_TEST(run(event_item(event_params())).has_value());
  BOOST_TEST(!std::filesystem::exists(dir / "input"));
}

BOOST_FIXTURE_TEST_CASE(nothing_has_changed_where_nothing_is_fetched, ActionFixture) {
  keep_what_comes();
  action.changed = {"STAGE_ID"};
  BOOST_TEST(run(event_item(event_params())).has_value());
  BOOST_TEST(!std::filesystem::exists(dir / "input"));
}

// The row may be there already when the one who wrote it has died.
BOOST_FIXTURE_TEST_CASE(a_row_is_written_once_for_each_event, ActionFixture) {
  action.append = dir / "rows.csv";
  action.append_row = "Id: {data.FIELDS.ID}";
  Item event = event_item(event_params());
  for (const bool unsure : {false, true}) {
    event.unsure = unsure;
    progress = Value::array();
    BOOST_TEST(run(event).has_value());
  }
  event.id = "msg_2";
  progress = Value::array();
  BOOST_TEST(run(event).has_value());
  const std::string at = "2023-11-14T22:13:20.123Z";
  BOOST_TEST(read_file(action.append) ==
             "id,received_at,\"Id\"\n\"msg_1\"," + at + ",\"7\"\n\"msg_2\"," + at + ",\"7\"\n");
  action.append = dir / "no/such/directory.csv";
  progress = Value::array();
  BOOST_TEST(!run(event));
}

BOOST_FIXTURE_TEST_CASE(a_program_that_fails_is_a_failure_with_its_words, ActionFixture,
                        *as_released()) {
  const struct {
    const char* exec;
    const char* code;
    const char* cause;
  } cases[] = {{"/bin/false", "exec_failed", "/bin/false ended with 1"},
               {"/bin/ls /nowhere/{data.FIELDS.ID}", "exec_failed", "/nowhere/7"},
               {"/nowhere/program", "system_2", "/nowhere/program"},
               {"relative", "not_absolute", "absolute path"}};
  for (const auto& [exec, code, cause] : cases) {
    action.exec = exec;
    const auto done = run(event_item(event_params()));
    BOOST_REQUIRE(!done);
    BOOST_TEST(done.error().error.code == code);
    BOOST_TEST(done.error().error.cause.contains(cause), done.error().error.cause);
    BOOST_TEST(!done.error().permanent);
    BOOST_TEST(done.error().tried);
    BOOST_TEST(progress["exec"].is_null());
  }
}

BOOST_FIXTURE_TEST_CASE(what_an_event_says_never_becomes_an_option_of_the_program, ActionFixture,
                        *shows("T6")) {
  const struct {
    const char* arguments;
    const char* id;
    const char* given;  // null: the program is not run
  } cases[] = {{" {data.FIELDS.ID}", "-rf", nullptr},
               {" --help {data.FIELDS.ID}", "--delete", nullptr},
               {" {nothing}{data.FIELDS.ID}", "-x", nullptr},
               {" {data.FIELDS.ID}", "7-x", "<7-x>"},
               {" id:{data.FIELDS.ID}", "-5", "<id:-5>"},
               {" --id={data.FIELDS.ID}", "-5", "<--id=-5>"},
               {" -{data.FIELDS.ID}", "-5", "<--5>"},
               {" {data.FIELDS.ID}", "", "<>"}};
  for (const auto& [arguments, id, given] : cases) {
    std::filesystem::remove(dir / "arguments");
    keep_what_comes(arguments);
    progress = Value::array();
    const auto done = run(event_item(event_params("ONX", id)));
    BOOST_TEST(done.has_value() == (given != nullptr), arguments << " " << id);
    BOOST_TEST(read_file(dir / "arguments") == (given == nullptr ? "" : given));
    if (done) continue;
    BOOST_TEST(done.error().error.code == "exec_argument");
    BOOST_TEST(done.error().error.remedy.contains("dash"));
    BOOST_TEST(done.error().permanent);
  }
}

BOOST_FIXTURE_TEST_CASE(a_program_that_takes_too_long_is_a_failure, ActionFixture) {
  action.exec = "/bin/sleep 1000";
  action.exec_time = 200;
  const auto done = run(event_item(event_params()));
  BOOST_REQUIRE(!done);
  BOOST_TEST(done.error().error.cause.contains("did not end in time"));
}

BOOST_FIXTURE_TEST_CASE(a_call_goes_to_the_portal_that_is_named_or_that_the_event_is_from,
                        ActionFixture) {
  settings.crest.web_hook_url = "https://one.example/rest/1/s/";
  settings.portals.resize(2);
  settings.portals[1] = {.name = "two", .webhook = "https://two.example/rest/1/s/"};
  action.call = "crm.deal.get";
  settings.actions = {action};
  Value event = event_params();
  const auto goes_to = [&] { return first_destination(settings, "ONCRMDEALUPDATE", event); };
  BOOST_TEST(goes_to() == "one.example");
  event["auth"].set("domain", "two.example");
  BOOST_TEST(goes_to() == "two.example");
  settings.actions[0].portal = "three";
  BOOST_TEST(portal_for(settings.actions[0], settings, event) == "three");
  BOOST_TEST(goes_to() == "");
}

BOOST_FIXTURE_TEST_CASE(a_place_that_is_soon_free_is_waited_for, ActionFixture) {
  settings.crest.web_hook_url = "https://localhost:" + std::to_string(free_port()) + "/rest/1/x/";
  action.call = "crm.deal.get?id={data.FIELDS.ID}";
  const struct {
    int waits;
    Millis wait;
    int asked;
    const char* code;
  } cases[] = {{0, 0, 1, "connect"},
               {3, 20, 4, "connect"},  // nobody listens there
               {1, 60'000, 1, "gate"},
               {1'000, 1, 11, "gate"}};
  for (const auto& [waits, wait, asked, code] : cases) {
    CountingGate gate;
    gate.waits = waits;
    gate.wait = wait;
    const auto done = run(event_item(event_params()), &gate);
    BOOST_REQUIRE(!done);
    BOOST_TEST(done.error().error.code == code);
    BOOST_TEST(done.error().tried == (code != std::string_view("gate")));
    BOOST_TEST(gate.asked == asked);
  }
}

// A call that adds something must not be made twice.
BOOST_FIXTURE_TEST_CASE(a_call_in_doubt_is_left_to_the_owner_unless_it_may_be_repeated,
                        ActionFixture) {
  Item event = event_item(event_params());
  event.unsure = true;
  action.call = "crm.timeline.comment.add?fields[ENTITY_ID]={data.FIELDS.ID}";
  const auto done = run(event);
  BOOST_REQUIRE(!done);
  BOOST_TEST(done.error().error.code == "outcome_unknown");
  BOOST_TEST(done.error().permanent);
  action.call = "crm.deal.get?id={data.FIELDS.ID}";
  const auto repeated = run(event);
  BOOST_REQUIRE(!repeated);  // there is no portal
  BOOST_TEST(repeated.error().error.code != "outcome_unknown");
  // Nor is it called again when it is known to be done.
  action.call = "crm.timeline.comment.add";
  progress = Value::map({{"call", 5}});
  BOOST_TEST(run(event).has_value());
}

// Three tell that it is down; all others wait without touching it.
BOOST_FIXTURE_TEST_CASE(a_dead_receiver_is_not_tried_by_every_event, ActionFixture) {
  const Item event = event_item(event_params("ONCRMDEALUPDATE", "7"));
  const TlsServer broken(nullptr, [](const Received&) { return answer(500, ""); });
  const std::pair<int, std::string> receivers[] = {{1, "connect"},
                                                   {broken.port(), "forward_refused"}};
  for (const auto& [port, code] : receivers) {
    const std::string receiver = "http://127.0.0.1:" + std::to_string(port);
    action.forward = receiver + "/";
    int tried = 0;
    for (int i = 0; i < 10; ++i) {
      const auto done = run(event);
      BOOST_TEST_REQUIRE(!done);
      BOOST_TEST(!done.error().permanent);
      if (done.error().tried) {
        BOOST_TEST(done.error().error.code == code);
        ++tried;
      } else {
        BOOST_TEST(done.error().error.code == "gate");
        BOOST_TEST(done.error().retry_at > now_ms());
      }
    }
    BOOST_TEST(tried == 3, code);
    BOOST_TEST(forward_gate->held_back(receiver) > 0);
    BOOST_TEST(progress["forward"].is_null());
  }
}

BOOST_AUTO_TEST_CASE(what_was_seen_of_an_object_is_new_once) {
  ActionSettings action;
  action.event = "ONCRMDEALUPDATE";
  action.changed = {"STAGE_ID"};
  Item event = event_item(Value::map({{"event", "ONCRMDEALUPDATE"}}));
  event.object = "ONCRMDEAL:7";
  const Value looked =
      Value::map({{name_of(action),
                   Value::map({{"old", Value::map({{"STAGE_ID", "NEW"}})}, {"call", deal()}})}});
  const auto seen = newly_seen({action}, event, looked);
  BOOST_TEST_REQUIRE(seen.size() == 1U);
  BOOST_TEST(seen[0].first == seen_key(action, event));
  BOOST_TEST(seen[0].second.ends_with("{\"STAGE_ID\":\"WON\"}"), seen[0].second);
  // The call has not been made; or it was, at an earlier attempt.
  BOOST_TEST(newly_seen({action}, event, Value::map({{name_of(action), Value()}})).empty());
  event.progress = looked;
  BOOST_TEST(newly_seen({action}, event, looked).empty());
  event.progress = Value();
  event.object.clear();
  BOOST_TEST(newly_seen({action}, event, looked).empty());
}

BOOST_AUTO_TEST_SUITE_END()
