// desk_tests: the owner's desk: only the key opens it, only its own forms act, each action does
// what it says, and nothing that a visitor or a portal wrote becomes markup.
#include <boost/test/unit_test.hpp>
#include <regex>

#include "base/clock.h"
#include "check_site.h"
#include "checkserver/access.h"
#include "checkserver/desk.h"
#include "decorators.h"
#include "keep/event_flow.h"
#include "store_fixture.h"

namespace fs = std::filesystem;

namespace desk_tests {

using namespace b24::test;
using b24::Kind;
using b24::State;
using b24::Value;

const std::string kSettings =
    std::string("[checkserver]\naccess = public\nkey = ") + kCheckKey + "\n";
const Params kWithKey = {{"HTTP_X_B24HOOKS_KEY", kCheckKey}};

b24::NewItem lead(const std::string& id, const std::string& word, State state = State::pending) {
  b24::NewItem item;
  item.id = id;
  item.name = "form";
  item.state = state;
  item.received_at = b24::now_ms();
  const Value phone = Value::map({{"VALUE", "+7 900 " + word}, {"VALUE_TYPE", "WORK"}});
  item.payload = Value::map(
      {{"method", "crm.lead.add"},
       {"params", Value::map({{"fields", Value::map({{"TITLE", "title " + word},
                                                     {"NAME", "name " + word},
                                                     {"LAST_NAME", "last " + word},
                                                     {"COMPANY_TITLE", "company " + word},
                                                     {"COMMENTS", "comment " + word},
                                                     {"UF_" + word, "own " + word},
                                                     {"PHONE", Value::list({phone})}})}})}});
  return item;
}

b24::NewItem event(const std::string& id, const std::string& word, State state = State::done) {
  b24::NewItem item;
  item.kind = Kind::event;
  item.id = id;
  item.name = "ON" + word;
  item.object = "O:" + word;
  item.state = state;
  item.received_at = b24::now_ms();
  item.payload =
      Value::map({{"event", "ON" + word},
                  {"data", Value::map({{word, word}})},
                  {"auth", Value::map({{"application_token", "canary-token-0123456789"}})}});
  return item;
}

// A checkserver without the other programs beside it: nobody begins the work that the desk asks
// for.
std::string lonely_program(const BareCheck& bare) {
  const fs::path program = bare.dir / "checkserver.fcgi";
  fs::copy_file(built("cgi-bin/checkserver.fcgi"), program);
  fs::create_directory_symlink(fs::absolute("templates"), bare.dir / "templates");
  return program;
}

// Settings, a store, a running checkserver.
struct Desk {
  explicit Desk(const std::string& settings = kSettings)
      : bare(settings), server(bare, lonely_program(bare)) {}
  std::int64_t add(const b24::NewItem& item) { return b24::test::accept(*store, item); }
  std::int64_t add_failed(const std::string& id, const std::string& word) {
    const auto number = add(lead(id, word));
    good(store->fail(number, {.code = "code" + word, .text = "text " + word}));
    return number;
  }
  FcgiAnswer get(const std::string& query, const Params& more = kWithKey) const {
    return server.get(query, more);
  }
  Value json(const std::string& query) const {
    return parsed_json(get(query + "&format=json").body);
  }
  FcgiAnswer act(const std::string& body, Params more) const {
    more.emplace_back("QUERY_STRING", "desk=act");
    return server.post(body, more);
  }
  FcgiAnswer act(const std::string& action, Kind kind, std::int64_t number) const {
    return act(
        "do=" + action + "&kind=" + std::string(name(kind)) + "&number=" + std::to_string(number),
        kWithKey);
  }
  State state_of(std::int64_t number) const { return good(store->find(number)).value().state; }
  std::string log() const { return read_file(bare.data() / "b24hooks.log"); }

  BareCheck bare;
  CheckServer server;
  std::shared_ptr<b24::Store> store = bare.store();
};

std::string header_of(const FcgiAnswer& answer, const std::string& name) {
  std::smatch match;
  const std::regex line("\n" + name + ": ([^\r\n]*)");
  return std::regex_search(answer.head, match, line) ? match[1].str() : "";
}

std::string cookie_of(const FcgiAnswer& answer) {
  const std::string cookie = header_of(answer, "Set-Cookie");
  return cookie.substr(0, cookie.find(';'));
}

// The fields of the form of an action in a page, ready to post.
std::string form_of(const std::string& page, const std::string& action) {
  const std::regex form("<input type=\"hidden\" name=\"do\" value=\"" + action +
                        "\">\\s*<input type=\"hidden\" name=\"kind\" value=\"(\\w+)\">\\s*<input "
                        "type=\"hidden\" name=\"number\" value=\"(\\d+)\">\\s*<input "
                        "type=\"hidden\" name=\"token\" value=\"([-_\\w]+)\">");
  std::smatch match;
  if (!std::regex_search(page, match, form)) return "";
  return "do=" + action + "&kind=" + match[1].str() + "&number=" + match[2].str() +
         "&token=" + match[3].str();
}

}  // namespace desk_tests

BOOST_AUTO_TEST_SUITE(desk_tests)

BOOST_AUTO_TEST_CASE(the_key_alone_opens_it) {
  Desk desk("[checkserver]\naccess = public\nnetworks = 192.0.2.0/24\nkey = " +
            std::string(kCheckKey));
  const std::string number = std::to_string(desk.add(lead("canary-lead", "canary")));
  for (const std::string& query :
       {std::string("desk=today"), std::string("desk=leads"), std::string("desk=events"),
        "desk=lead&number=" + number, std::string("desk=leads&q=canary"),
        std::string("desk=nothing"), std::string("desk=act"), std::string("desk[]=leads")}) {
    const FcgiAnswer page = desk.get(query, {});
    BOOST_TEST(page.status == 403, query);
    BOOST_TEST(page.body.contains("type=\"password\""), query);
    BOOST_TEST(!page.body.contains("canary"), query);
    for (const char* format : {"json", "csv", "x"}) {
      const FcgiAnswer answer = desk.get(query + "&format=" + format, {});
      BOOST_TEST(answer.status == 403, query);
      BOOST_TEST(!answer.body.contains("canary"), query);
    }
  }
  BOOST_TEST(desk.get("desk=leads").body.contains("canary"));
  BOOST_TEST(desk.get("desk=lead&number=" + number).status == 200);
  BOOST_TEST(desk.get("desk=leads", {{"HTTP_X_B24HOOKS_KEY", "wrong-key-0123456789"}}).status ==
             403);
  // Only who can come in is shown the way.
  BOOST_TEST(!desk.get("", {}).body.contains("?desk="));
  BOOST_TEST(desk.get("").body.contains("?desk=today"));
}

BOOST_AUTO_TEST_CASE(a_person_comes_in_by_the_form_and_leaves_by_a_button) {
  Desk desk;
  const Params here = {{"QUERY_STRING", "desk=leads"}};
  BOOST_TEST(desk.server.post("key=wrong-key-0123456789", here).status == 403);
  const FcgiAnswer entered = desk.server.post(std::string("key=") + kCheckKey, here);
  BOOST_TEST(entered.status == 303);
  BOOST_TEST(header_of(entered, "Location") == "?desk=leads");
  const std::string cookie = cookie_of(entered);
  const Params inside = {{"HTTP_COOKIE", cookie}};
  const FcgiAnswer page = desk.get("desk=leads", inside);
  BOOST_TEST(page.status == 200);
  for (const std::string& forged : {cookie + "x", cookie.substr(0, cookie.size() - 1),
                                    std::string("b24hooks_check=9999999999999."), std::string()}) {
    BOOST_TEST(desk.get("desk=leads", {{"HTTP_COOKIE", forged}}).status == 403, forged);
  }
  b24::Settings settings;
  settings.checkserver.key = kCheckKey;
  const auto cookie_at = [&](b24::Millis at) {
    const std::string made = b24::access::make_cookie({}, settings, at);
    return Params{{"HTTP_COOKIE", made.substr(0, made.find(';'))}};
  };
  BOOST_TEST(desk.get("desk=leads", cookie_at(b24::now_ms())).status == 200);
  BOOST_TEST(desk.get("desk=leads", cookie_at(b24::now_ms() - 2 * b24::kHour)).status == 403);
  settings.checkserver.key = "another-key-0123456789";
  BOOST_TEST(desk.get("desk=leads", cookie_at(b24::now_ms())).status == 403);

  const FcgiAnswer left = desk.act(form_of(page.body, "leave"), inside);
  BOOST_TEST(left.status == 303);
  BOOST_TEST(header_of(left, "Set-Cookie").starts_with("b24hooks_check=; Path=/; Max-Age=0;"));
  BOOST_TEST(desk.log().contains("\"wrong_key\""));
  BOOST_TEST(desk.log().contains("\"leave\""));
}

BOOST_AUTO_TEST_CASE(only_a_form_of_this_visitor_for_this_action_acts, *shows("T28")) {
  Desk desk;
  const auto one = desk.add_failed("lead-1", "one"), two = desk.add_failed("lead-2", "two");
  const auto come_in = [&] {
    return Params{{"HTTP_COOKIE", cookie_of(desk.server.post(std::string("key=") + kCheckKey))}};
  };
  const Params me = come_in();
  wait_until([&] { return come_in() != me; });
  const Params other = come_in();
  const std::string page = desk.get("desk=lead&number=" + std::to_string(one), me).body;
  const std::string form = form_of(page, "send");
  BOOST_REQUIRE(!form.empty());
  const std::string token = form.substr(form.find("&token="));
  const std::string number = "&number=" + std::to_string(one);
  for (const std::string& forged :
       {"do=send&kind=lead" + number,
        "do=send&kind=lead" + number + "&token=", "do=send&kind=lead" + number + "&token=AAAA",
        "do=delete&kind=lead" + number + token, "do=send_all&kind=lead&number=0" + token,
        "do=send&kind=lead&number=" + std::to_string(two) + token,
        "do=send&kind=event" + number + token}) {
    BOOST_TEST(desk.act(forged, me).status == 403, forged);
  }
  BOOST_TEST(desk.act(form, other).status == 403);  // somebody else's form
  BOOST_TEST(desk.act(form, {}).status == 403);     // nobody's
  BOOST_TEST(desk.get("desk=act&" + form, me).status == 405);
  BOOST_TEST(desk.server.post(form, me).status == 403);  // not the desk's address
  BOOST_TEST((desk.state_of(one) == State::failed));
  BOOST_TEST((desk.state_of(two) == State::failed));
  const FcgiAnswer done = desk.act(form, me);
  BOOST_TEST(done.status == 303);
  BOOST_TEST(header_of(done, "Location") ==
             "?desk=lead&number=" + std::to_string(one) + "&done=send");
  BOOST_TEST((desk.state_of(one) == State::pending));
}

BOOST_AUTO_TEST_CASE(each_action_does_what_it_says_and_is_logged) {
  Desk desk;
  const auto one = desk.add_failed("lead-1", "one"), two = desk.add_failed("lead-2", "two");
  const auto answer = [](const FcgiAnswer& told) { return parsed_json(told.body); };
  BOOST_TEST(answer(desk.act("spam", Kind::lead, one))["status"].text() == "done");
  BOOST_TEST((desk.state_of(one) == State::spam));
  BOOST_TEST(desk.act("spam", Kind::lead, one).status == 409);
  BOOST_TEST(answer(desk.act("send_all", Kind::lead, 0))["changed"].integer() == 1);
  BOOST_TEST((desk.state_of(two) == State::pending));
  BOOST_TEST((desk.state_of(one) == State::spam));
  BOOST_TEST(desk.act("not_spam", Kind::lead, one).status == 200);
  BOOST_TEST((desk.state_of(one) == State::pending));
  BOOST_TEST(desk.act("delete", Kind::lead, one).status == 200);
  BOOST_TEST(!good(desk.store->find(one)));
  BOOST_TEST(desk.act("delete", Kind::lead, one).status == 404);

  const auto seen = desk.add(event("event-1", "SEEN"));
  BOOST_TEST(desk.act("rest", Kind::event, seen).status == 409);
  const std::string shown = desk.get("desk=event&number=" + std::to_string(seen)).body;
  BOOST_TEST(!form_of(shown, "again").empty());
  BOOST_TEST(desk.act("again", Kind::event, seen).status == 200);
  BOOST_TEST((desk.state_of(seen) == State::pending));
  BOOST_TEST(desk.act("rest", Kind::event, seen).status == 200);
  BOOST_TEST(desk.act("delete", Kind::event, seen).status == 200);
  // All since a time; what is in work is left.
  desk.add(event("event-2", "TWO"));
  b24::NewItem old = event("event-3", "TWO");
  old.received_at -= b24::kDay;
  const auto older = desk.add(old);
  desk.add(event("event-4", "FOUR"));
  const auto again = [&](const std::string& more) {
    return answer(desk.act("do=again_all&kind=event" + more, kWithKey));
  };
  BOOST_TEST(again("&since=1h&event=ONTWO")["changed"].integer() == 1);
  BOOST_TEST(again("&since=1h")["changed"].integer() == 2);
  BOOST_TEST((desk.state_of(older) == State::done));
  BOOST_TEST(good(desk.store->claim(Kind::event, 1)).size() == 1u);
  BOOST_TEST(again("&since=2020-01-01")["changed"].integer() == 2);
  for (const char* bad : {"", "&since=", "&since=yesterday", "&since[]=1h", "&since=-1h"}) {
    BOOST_TEST(again(bad)["code"].text() == "bad_since", bad);
  }
  for (const char* line : {"\"action\":\"spam\",\"kind\":\"lead\",\"item\":\"lead-1\",\"outcome\":"
                           "\"done\",\"address\":"
                           "\"192.0.2.7\"",
                           "\"action\":\"delete\",\"kind\":\"event\",\"item\":\"event-1\"",
                           "\"outcome\":\"no_such_item\""}) {
    BOOST_TEST(desk.log().contains(line), desk.log());
  }
  // What is in somebody's hands stays there.
  const auto busy = desk.add(lead("lead-3", "three"));
  BOOST_TEST(good(desk.store->claim(Kind::lead, 10)).size() == 2u);
  for (const char* action : {"spam", "delete"}) {
    const Value told = answer(desk.act(action, Kind::lead, busy));
    BOOST_TEST(told["code"].text() == "in_work", action);
  }
}

BOOST_AUTO_TEST_CASE(today_has_the_week_and_the_portals_limit) {
  const std::string webhook = "webhook = https://other.example/rest/1/abcdefghijkl/\n";
  Desk desk(kSettings + std::string("\n[portal shop]\nbucket_size = 7\n") + webhook +
            "\n[portal same]\nbucket_size = 7\n" + webhook);
  desk.add(lead("lead-1", "one"));
  b24::NewItem older = lead("lead-2", "two");
  older.received_at -= 3 * b24::kDay;
  desk.add(older);
  older = lead("lead-3", "three");
  older.received_at -= 8 * b24::kDay;
  desk.add(older);
  const std::string page = desk.get("desk=today").body;
  BOOST_TEST(page.contains("<strong>1</strong> came today"));
  BOOST_TEST(page.contains("<strong>2</strong> came in 7 days"));
  BOOST_TEST(page.contains("in two days: 1<"));
  BOOST_TEST(page.contains("in 30 days: 3<"));
  BOOST_TEST(page.contains("<strong>0</strong> in the portal"));
  for (const char* state : {"done", "spam"}) {
    BOOST_TEST(page.contains(std::string("?desk=leads&amp;state=") + state));
    BOOST_TEST(!page.contains(std::string("?desk=events&amp;state=") + state));
  }
  // One that failed is an alarm, none is not.
  BOOST_TEST(page.contains("class=\"\"><strong>0</strong> failed"));
  desk.add_failed("lead-4", "four");
  BOOST_TEST(desk.get("desk=today").body.contains("class=\"error\"><strong>1</strong> not sent"));
  BOOST_TEST(page.contains("0 of 50 used"));
  BOOST_TEST(page.contains("limit, now (shop)"));
  BOOST_TEST(page.contains("0 of 7 used"));
  BOOST_TEST(!page.contains("(same)"));  // of the same host
  BOOST_TEST(
      page.contains("<p class=\"notice error\"><a href=\"?\"><strong>Something does not work"));
  BOOST_TEST(page.contains("class=\"track\""));
}

// In the words of the self-check's row.
BOOST_AUTO_TEST_CASE(today_says_when_what_waits_is_due) {
  Desk desk;
  const auto due = [&] {
    const std::string page = desk.get("desk=today").body;
    std::string told;
    for (const char* text : {"Nothing waits.", "The next one is due now.", "is due at "})
      for (std::size_t at = 0; (at = page.find(text, at)) != page.npos; ++at) told += text[0];
    return told;
  };
  BOOST_TEST(due() == "NN");  // of leads, and of events
  const auto number = desk.add(lead("lead-1", "one"));
  BOOST_TEST(due() == "NT");
  const b24::Millis later = b24::now_ms() + 30 * b24::kMinute;
  BOOST_REQUIRE(good(desk.store->claim(Kind::lead, 1)).size() == 1u);
  good(desk.store->retry(number, later, {.code = "away", .text = "away"}, false));
  BOOST_TEST(due() == "Ni");
  const std::string page = desk.get("desk=today").body;
  const std::string at = page.substr(page.find("is due at ") + 10, 19);
  BOOST_TEST(at > b24::desk::time_text(b24::now_ms() + 28 * b24::kMinute));
  BOOST_TEST(at <= b24::desk::time_text(later + b24::kMinute));
}

BOOST_AUTO_TEST_CASE(today_says_how_many_events_were_missed) {
  BOOST_TEST(!Desk().get("desk=today").body.contains("Missed events"));
  const Desk desk(kSettings + "\n[watch deal]\ninterval = 1h\n");
  BOOST_TEST(desk.get("desk=today").body.contains("All of 0 watched changes"));
  b24::Rhythm rhythm;
  rhythm.came("ONCRMDEALADD", 0);
  rhythm.came("ONCRMDEALADD", 90 * b24::kMinute);
  good(desk.store->remember("follow.rhythm", "0 " + rhythm.print()));
  good(desk.store->count("watch.missed.deal", 3));
  const std::string muted = desk.get("desk=today").body;
  BOOST_TEST(muted.contains("class=\"typed notice warning\""));
  BOOST_TEST(muted.contains("muted us: the newest 3 watched changes (deal) sent no event"));
  BOOST_TEST(muted.contains("3 did not (100 %), 0 came"));
  BOOST_TEST(muted.contains("ONCRMDEALADD: 1 h 30 min"));
  BOOST_TEST(muted.contains("then save it"));
  good(desk.store->count("watch.came.deal", 1));
  const std::string some =
      desk.get("desk=today", {kWithKey[0], {"HTTP_ACCEPT_LANGUAGE", "ru"}}).body;
  BOOST_TEST(some.contains("Пропущенные события"));
  BOOST_TEST(some.contains("О 3 из наблюдаемых изменений за сутки (75 %)"));
  BOOST_TEST(!some.contains("больше не вызывает"));
}

BOOST_AUTO_TEST_CASE(nonsense_is_refused) {
  Desk desk;
  const auto number = desk.add(lead("lead-1", "one"));
  const std::string lead_number = "number=" + std::to_string(number);
  const std::pair<std::string, int> questions[] = {
      {"desk=", 404},
      {"desk=nothing", 404},
      {"desk=lead", 404},
      {"desk=lead&number=x", 404},
      {"desk=lead&number=-1", 404},
      {"desk=lead&number=99999999999999999999", 404},
      {"desk=event&" + lead_number, 404},
      {"desk=leads&format=xml", 400},
      {"desk=events&format=csv", 400},
      {"desk=leads&state=x&format=json", 400},
      {"desk=leads&from=2026-02-31&format=csv", 400},
      {"desk=leads&to=yesterday&format=json", 400},
      {"desk=leads&after=-1&format=json", 400},
      {"desk=leads&after=1x&format=json", 400},
      {"desk=leads&from=2026-02-31", 200},  // said in the page
      {"desk=leads&q[]=a&state[]=b", 200},
      {"desk=leads&q=%ff%00%27%22", 200},
      {"desk=lead&" + lead_number + "&done=../x&failed=%3Cb%3E", 200}};
  for (const auto& [query, status] : questions) {
    BOOST_TEST(desk.get(query).status == status, query);
  }
  BOOST_TEST(desk.get("desk=leads&from=2026-02-31").body.contains("role=\"alert\""));
  for (const char* body : {"", "do=explode&kind=lead", "do=send&kind=event", "do=again&kind=lead",
                           "do=send&kind=leads", "do[]=send&kind[]=lead"}) {
    BOOST_TEST(desk.act(body, kWithKey).status == 400, body);
  }
  BOOST_TEST(desk.act("send", Kind::event, number).status == 400);
  BOOST_TEST(
      desk.get("desk=leads", {{"HTTP_X_B24HOOKS_KEY", kCheckKey}, {"REQUEST_METHOD", "DELETE"}})
          .status == 405);
}

BOOST_AUTO_TEST_CASE(the_settings_close_it_or_let_one_only_look) {
  Desk looking(kSettings + "desk = look");
  const auto number = looking.add_failed("lead-1", "one");
  const FcgiAnswer page = looking.get("desk=lead&number=" + std::to_string(number));
  BOOST_TEST(page.status == 200);
  BOOST_TEST(form_of(page.body, "send").empty());
  BOOST_TEST(form_of(page.body, "delete").empty());
  BOOST_TEST(!form_of(page.body, "leave").empty());
  BOOST_TEST(looking.act("send", Kind::lead, number).status == 403);
  BOOST_TEST((looking.state_of(number) == State::failed));
  const Desk closed(kSettings + "desk = off");
  BOOST_TEST(closed.get("desk=leads").status == 404);
  BOOST_TEST(!closed.get("").body.contains("?desk="));
}

BOOST_AUTO_TEST_CASE(nothing_that_others_wrote_becomes_markup_or_gives_a_secret_away,
                     *shows("T27") * shows("F11")) {
  Desk desk;
  const std::string evil = "<canary onload=1>\"'`{{title}}&amp;";
  const auto bad_lead = desk.add_failed("<canary>\"'", evil);
  const auto bad_event = desk.add(event("<canary>'\"e", evil, State::pending));
  good(desk.store->fail(bad_event, {.code = evil, .text = evil, .progress = Value::list({evil})}));
  const auto sent = desk.add(lead("sent", evil));
  good(desk.store->done(sent, {.result = evil}));
  std::string all;
  for (const std::string& query :
       {std::string("desk=today"), std::string("desk=leads"), std::string("desk=events"),
        "desk=lead&number=" + std::to_string(bad_lead), "desk=lead&number=" + std::to_string(sent),
        "desk=event&number=" + std::to_string(bad_event),
        std::string("desk=leads&q=%3Ccanary%3E%22%27&from=%22%3E%3Ccanary"),
        std::string("desk=events&q=%22%3E%3Ccanary&state=%22%3E%3Ccanary")}) {
    const FcgiAnswer page = desk.get(query);
    BOOST_TEST(page.status == 200, query);
    BOOST_TEST(!page.body.contains("<canary"), query);
    BOOST_TEST(!page.body.contains("\"'`"), query);
    all += page.body;
  }
  BOOST_TEST(all.contains("&lt;canary onload=1&gt;"));
  BOOST_TEST(all.contains("{{title}}"));
  all += desk.get("desk=event&format=json&number=" + std::to_string(bad_event)).body;
  all += desk.get("desk=events&format=json").body;
  BOOST_TEST(!all.contains("canary-token"));
  const FcgiAnswer json = desk.get("desk=leads&format=json");
  BOOST_TEST(header_of(json, "Content-Type") == "application/json; charset=utf-8");
  BOOST_TEST(header_of(json, "X-Content-Type-Options") == "nosniff");
}

BOOST_AUTO_TEST_CASE(programs_get_lists_page_by_page_and_a_whole_life) {
  Desk desk;
  for (int i = 0; i < 60; ++i) desk.add(lead("lead-" + std::to_string(i), "w" + std::to_string(i)));
  const Value first = desk.json("desk=leads");
  BOOST_TEST(first["items"].size() == 50u);
  BOOST_TEST(first["items"][0]["id"].text() == "lead-59");
  const Value second = desk.json("desk=leads&after=" + first["after"].text());
  BOOST_TEST(second["items"].size() == 10u);
  BOOST_TEST(second["after"].integer() == 0);
  BOOST_TEST(desk.json("desk=leads&q=w7")["items"].size() == 1u);
  BOOST_TEST(desk.json("desk=leads&q=comment%20w7")["items"].size() == 1u);
  BOOST_TEST(desk.json("desk=leads&state=failed")["items"].size() == 0u);
  const auto failed = desk.add_failed("lead-x", "xx");
  BOOST_TEST(desk.json("desk=leads&state=failed")["items"].size() == 1u);
  const Value whole = desk.json("desk=lead&number=" + std::to_string(failed));
  BOOST_TEST(whole["error_code"].text() == "codexx");
  BOOST_TEST(whole.path("payload.params.fields.NAME").text() == "name xx");
  BOOST_TEST(whole["life"].size() == 2u);
  BOOST_TEST(whole["life"][1]["outcome"].text() == "failed");
}

BOOST_AUTO_TEST_CASE(the_csv_has_no_formulas_and_follows_the_filter, *shows("T30")) {
  Desk desk;
  b24::NewItem item = lead("lead-1", "one");
  item.payload["params"]["fields"].set("NAME", "=cmd|' /C calc'!A0");
  item.payload["params"]["fields"].set("LAST_NAME", "");
  item.payload["params"]["fields"].set("COMMENTS", "a \"quote\"\nand a line");
  desk.add(item);
  desk.add_failed("lead-2", "two");
  const FcgiAnswer csv = desk.get("desk=leads&format=csv");
  BOOST_TEST(header_of(csv, "Content-Type") == "text/csv; charset=utf-8");
  BOOST_TEST(header_of(csv, "Content-Disposition").starts_with("attachment"));
  BOOST_TEST(csv.body.contains("\"'=cmd|' /C calc'!A0\""));
  BOOST_TEST(csv.body.contains("\"a \"\"quote\"\"\nand a line\""));
  BOOST_TEST(std::ranges::count(csv.body, '\n') == 1 + 2 + 1);  // one is within a cell
  BOOST_TEST(csv.body.contains("\"lead-2\""));
  BOOST_TEST(!desk.get("desk=leads&format=csv&state=failed").body.contains("\"lead-1\""));
}

// On shared hosting nothing runs that would send the lead.
BOOST_AUTO_TEST_CASE(as_cgi_the_work_is_begun_at_once) {
  const BareCheck bare(kSettings);
  const auto store = bare.store();
  const auto number = b24::test::accept(*store, lead("lead-1", "one"));
  good(store->fail(number, {}));
  const std::string body = "do=send&kind=lead&number=" + std::to_string(number);
  const Ran ran = run({{built("cgi-bin/checkserver.fcgi")},
                       {"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=POST", "QUERY_STRING=desk=act",
                        "REMOTE_ADDR=192.0.2.1", "CONTENT_TYPE=application/x-www-form-urlencoded",
                        "CONTENT_LENGTH=" + std::to_string(body.size()),
                        std::string("HTTP_X_B24HOOKS_KEY=") + kCheckKey,
                        "B24HOOKS_SETTINGS=" + bare.settings().string()},
                       body});
  BOOST_TEST(ran.out.contains("\"done\""), ran.out + ran.err);
  // The portal cannot be reached, so it is tried and put off.
  BOOST_TEST(wait_until([&] { return good(store->find(number)).value().attempts == 2; }));
}

BOOST_AUTO_TEST_CASE(what_the_desk_can_do_the_shell_can) {
  const BareCheck bare;
  const auto store = bare.store();
  const auto number = b24::test::accept(*store, lead("lead-one", "one"));
  const auto shell = [&](const std::string& program, std::vector<std::string> options) {
    options.insert(options.begin(),
                   {built("cgi-bin/" + program + ".fcgi"), "--settings", bare.settings().string()});
    return run({options});
  };
  const Ran found = shell("index", {"--search", "ONE"});
  BOOST_TEST(found.status == 0);
  BOOST_TEST(found.out.contains("lead-one"));
  BOOST_TEST(shell("index", {"--search", "nobody"}).status == 1);
  BOOST_TEST(shell("index", {"--spam", "lead-one"}).status == 0);
  BOOST_TEST((good(store->find(number)).value().state == State::spam));
  BOOST_TEST(shell("index", {"--spam", "lead-one"}).status == 1);
  BOOST_TEST(shell("index", {"--delete", "lead-one"}).status == 0);
  BOOST_TEST(!good(store->find(number)));
  BOOST_TEST(shell("index", {"--delete", "lead-one"}).status == 1);
  const auto seen = b24::test::accept(*store, event("event-one", "E"));
  BOOST_TEST(shell("handler", {"--search", "O:E"}).out.contains("event-one"));
  BOOST_TEST(shell("handler", {"--delete", "event-one"}).status == 0);
  BOOST_TEST(!good(store->find(seen)));
}

BOOST_AUTO_TEST_SUITE_END()
