// index_tests: the lead form through nginx: form -> store -> sandbox portal.
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/text.h"
#include "decorators.h"
#include "fcgi_client.h"
#include "form_client.h"
#include "site.h"
#include "store_fixture.h"
#include "value/json.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;
using namespace std::chrono_literals;

namespace index_tests {

const std::string kJson = "Accept: application/json";
const std::string kForm = "Content-Type: application/x-www-form-urlencoded";

// Each case begins with an empty sandbox; the store keeps what earlier cases sent.
struct FormSite {
  FormSite() { site().reset(); }
  static Site& site() {
    static Site one;
    return one;
  }

  static std::string token() { return input_value(site().get("/").body, "form_token"); }
  static HttpReply post(const Value& params, std::vector<std::string> headers = {},
                        const std::string& path = "/") {
    headers.push_back(kForm);
    return http(site().port(), {"POST", path, std::move(headers), php::build_query(params)});
  }
  static HttpReply submit(Value params, std::vector<std::string> headers = {}) {
    params.set("form_token", token());
    return post(params, std::move(headers));
  }
  static bool leads_become(std::size_t count) {
    return wait_until([&] { return site().leads().size() == count; });
  }
};

}  // namespace index_tests

BOOST_FIXTURE_TEST_SUITE(index_tests, FormSite)

BOOST_AUTO_TEST_CASE(the_form_is_the_examples) {
  for (const char* path : {"/", "/index.php", "/index"}) {
    const HttpReply page = site().get(path);
    BOOST_TEST_CONTEXT(path) {
      BOOST_TEST(page.status == 200);
      for (const char* name : {"first_name", "last_name", "phone", "email"}) {
        BOOST_TEST(page.body.contains("<label for=\"f-" + std::string(name) + "\""));
        BOOST_TEST(page.body.contains("<input id=\"f-" + std::string(name) + "\" name=\"" + name));
      }
      BOOST_TEST(input_value(page.body, "saved") == "yes");
      BOOST_TEST(!input_value(page.body, "form_token").empty());
      BOOST_TEST(page.body.contains("<button type=\"submit\">Send</button>"));
      BOOST_TEST(page.body.contains("autocomplete=\"given-name\""));
      BOOST_TEST(notice(page.body) == "");
      BOOST_TEST(page.header("content-type") == "text/html; charset=utf-8");
      BOOST_TEST(page.header("content-security-policy").contains("default-src 'none'"));
      BOOST_TEST(!page.header("content-security-policy").contains("unsafe-inline"));
    }
  }
  BOOST_TEST(site().leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_submission_becomes_the_examples_call) {
  const HttpReply sent = submit(person());
  BOOST_TEST(sent.status == 303);
  BOOST_TEST(notice(sent.body) == "Data has been saved");
  BOOST_TEST(sent.body.contains("value=\"O&apos;Neil\""));

  const Value calls = site().calls("crm.lead.add");
  BOOST_REQUIRE_EQUAL(calls.size(), 1U);
  std::string query = php::url_decode(php::build_query(calls[0]["params"]));
  const std::size_t id = query.find("&fields[ORIGIN_ID]=");
  BOOST_REQUIRE(id != std::string::npos);
  query.erase(id, 19 + 26);
  BOOST_TEST(query ==
             "fields[TITLE]=Anna O'Neil&fields[NAME]=Anna&fields[LAST_NAME]=O'Neil"
             "&fields[STATUS_ID]=NEW&fields[OPENED]=Y&fields[ASSIGNED_BY_ID]=1"
             "&fields[PHONE][0][VALUE]=+1 202 555 0100&fields[PHONE][0][VALUE_TYPE]=WORK"
             "&fields[EMAIL][0][VALUE]=anna@example.com&fields[EMAIL][0][VALUE_TYPE]=WORK"
             "&fields[ORIGINATOR_ID]=b24hooks&params[REGISTER_SONET_EVENT]=Y");

  const std::string location = sent.header("location");
  BOOST_REQUIRE(location.starts_with("?sent="));
  const HttpReply after = site().get("/index.php" + location);
  BOOST_TEST(after.status == 200);
  BOOST_TEST(notice(after.body) == "Data has been saved");
  BOOST_TEST(!after.body.contains("Neil"));
  BOOST_TEST(notice(site().get("/index.php" + location + "x").body) == "");
}

BOOST_AUTO_TEST_CASE(reading_never_makes_a_lead) {
  const std::string query = php::build_query(person()) + "&form_token=" + token();
  const HttpReply page = site().get("/?" + query);
  BOOST_TEST(page.status == 200);
  BOOST_TEST(page.body.contains("value=\"Anna\""));
  http(site().port(), {"HEAD", "/?" + query, {}, ""});
  BOOST_TEST(site().leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_form_of_the_sites_own_is_told_that_nothing_was_sent_and_the_owner_why) {
  const HttpReply page = post(Value::map({{"first_name", "Anna"}}));
  BOOST_TEST(page.status == 422);
  BOOST_TEST(notice(page.body) ==
             "This has not been sent yet. Please check it and send it from this page.");
  BOOST_TEST(page.body.contains("value=\"Anna\""));
  BOOST_TEST(site().leads().size() == 0U);
  const std::string log = read_file(site().run_dir() / "data/b24hooks.log");
  BOOST_TEST(log.contains("[form] accept = own, site takes"), log);
  post(person(), {"Origin: https://shop.example"});
  BOOST_TEST(read_file(site().run_dir() / "data/b24hooks.log").contains("form.allowed_origins"));
}

BOOST_AUTO_TEST_CASE(nothing_that_was_sent_comes_back_unescaped, *shows("T27")) {
  const std::string attack = "\"><svg onload=alert(1)>'`{{t.form_send}}{{{script}}}&lt;";
  Value hostile = Value::map({{"saved", "yes"},
                              {"utm_source", attack},
                              {"TRACE", attack},
                              {"form_token", attack},
                              {"email", attack},
                              {"unknown\"><svg", attack}});
  for (const char* name : {"first_name", "last_name", "phone"}) hostile.set(name, attack);
  std::vector<HttpReply> replies = {post(hostile), site().get("/?" + php::build_query(hostile)),
                                    submit(hostile),
                                    site().get("/?sent=" + php::url_encode(attack))};
  Value good = hostile;
  good.set("email", "anna@example.com");
  replies.push_back(submit(good));
  BOOST_TEST(replies[0].status == 422);
  BOOST_TEST(replies.back().status == 303);
  for (const HttpReply& reply : replies) {
    BOOST_TEST(!reply.body.contains("<svg"));
    BOOST_TEST(!reply.body.contains("alert(1)>"));
  }
  // In the portal it is what the visitor wrote.
  const Value leads = site().leads();
  BOOST_REQUIRE_EQUAL(leads.size(), 1U);
  BOOST_TEST(leads[0]["NAME"].text() == attack);
}

BOOST_AUTO_TEST_CASE(bad_input_has_a_clear_answer_and_leaves_nothing) {
  // (The portal's event about an earlier lead may still arrive meanwhile.)
  const auto stored = [] {
    const auto store = test::good(Store::open(site().run_dir() / "data"));
    ListFilter leads;
    leads.kind = Kind::lead;
    return test::good(store->list(leads)).size();
  };
  const std::size_t stored_before = stored();
  const std::string good = "saved=yes&form_token=" + token() + "&phone=1";
  std::string many = good;
  for (int i = 0; i < 5000; ++i) many += "&a" + std::to_string(i) + "=1";
  std::string deep = good + "&a";
  for (int i = 0; i < 100; ++i) deep += "[a]";
  const struct {
    const char* what;
    std::string body;
    int status;
  } cases[] = {
      {"invalid UTF-8", good + "&first_name=%FF", 422},
      {"cut UTF-8", good + "&first_name=%D0", 422},
      {"NUL", good + "&first_name=a%00b", 422},
      {"CR/LF", good + "&first_name=a%0D%0AX-Header:+1", 422},
      {"escape", good + "&last_name=%1B[2J", 422},
      {"too long", good + "&first_name=" + std::string(256, 'x'), 422},
      {"a list", good + "&first_name[]=a&first_name[]=b", 422},
      {"a map", good + "&first_name[a][b]=c", 422},
      {"two values", good + "&first_name=a&first_name=b", 422},
      {"no e-mail", good + "&email=anna", 422},
      {"a header in the e-mail", good + "&email=a@b.cc%0ABcc:x@y.zz", 422},
      {"no phone", "saved=yes&form_token=" + token() + "&phone=call+me", 422},
      {"nothing", "saved=yes&form_token=" + token(), 422},
      {"no token", "saved=yes&phone=1", 422},
      {"a forged token", "saved=yes&phone=1&form_token=" + token() + "x", 422},
      {"a token as a list", "saved=yes&phone=1&form_token[]=" + token(), 422},
      {"5000 fields", many, 413},
      {"deep names", deep, 400},
      {"8 MB", good + "&first_name=" + std::string(8'000'000, 'x'), 413},
  };
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.what) {
      const HttpReply reply = http(site().port(), {"POST", "/", {kForm}, c.body});
      BOOST_TEST(reply.status == c.status);
      BOOST_TEST(!reply.body.contains("\x1b"));
      if (c.status == 422) BOOST_TEST(!notice(reply.body).empty());
    }
  }
  BOOST_TEST(site().leads().size() == 0U);
  BOOST_TEST(stored() == stored_before);
}

BOOST_AUTO_TEST_CASE(wrong_requests_are_refused) {
  const std::string body = php::build_query(person());
  const struct {
    HttpCall call;
    int status;
  } cases[] = {
      {{"PUT", "/", {kForm}, ""}, 405},
      {{"DELETE", "/", {}, ""}, 405},
      {{"POST", "/", {"Content-Type: text/plain"}, body}, 415},
      {{"POST", "/", {"Content-Type: application/json"}, "{\"first_name\":"}, 400},
      {{"POST", "/", {"Content-Type: multipart/form-data"}, body}, 400},
  };
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.call.method << " " << c.status) {
      BOOST_TEST(http(site().port(), c.call).status == c.status);
    }
  }
  BOOST_TEST(site().leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(an_invalid_form_keeps_what_was_written_and_can_be_mended) {
  Value params = person();
  params.set("email", "anna@");
  const HttpReply bad = submit(params);
  BOOST_TEST(bad.status == 422);
  BOOST_TEST(notice(bad.body) == "Please correct the marked fields.");
  BOOST_TEST(field_error(bad.body, "email").contains("not an e-mail"));
  BOOST_TEST(field_error(bad.body, "phone") == "");
  BOOST_TEST(bad.body.contains("aria-invalid=\"true\" aria-describedby=\"e-email\" autofocus"));
  BOOST_TEST(bad.body.contains("value=\"Anna\""));
  BOOST_TEST(bad.body.contains("value=\"anna@\""));

  params.set("email", "anna@example.com");
  params.set("form_token", input_value(bad.body, "form_token"));
  BOOST_TEST(post(params).status == 303);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_form_without_its_token_gets_one_to_send_again) {
  const HttpReply refused = post(person());
  BOOST_TEST(refused.status == 422);
  BOOST_TEST(refused.body.contains("value=\"Anna\""));
  BOOST_TEST(site().leads().size() == 0U);
  Value again = person();
  again.set("form_token", input_value(refused.body, "form_token"));
  BOOST_TEST(post(again).status == 303);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(clicks_and_reloads_make_one_lead) {
  Value params = person();
  params.set("form_token", token());
  std::vector<HttpReply> replies(8);
  {
    std::vector<std::jthread> threads;
    for (HttpReply& reply : replies) threads.emplace_back([&] { reply = post(params); });
  }
  std::set<std::string> locations;
  for (const HttpReply& reply : replies) {
    BOOST_TEST(reply.status == 303);
    locations.insert(reply.header("location"));
  }
  BOOST_TEST(post(params).status == 303);
  BOOST_TEST(locations.size() == 1U);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(two_visitors_of_one_cached_page_are_two_leads) {
  Value first = person("Anna");
  first.set("form_token", token());
  Value second = first;
  second.set("first_name", "Boris");
  BOOST_TEST(post(first).status == 303);
  BOOST_TEST(post(second).status == 303);
  BOOST_TEST(site().leads().size() == 2U);
}

BOOST_AUTO_TEST_CASE(json_tells_scripts_everything) {
  const HttpReply saved = submit(person(), {kJson});
  BOOST_TEST(saved.status == 200);
  BOOST_TEST(saved.header("content-type") == "application/json; charset=utf-8");
  const Value answer = body_json(saved);
  BOOST_TEST(answer["status"].text() == "saved");
  BOOST_TEST(answer["id"].text().size() == 26U);
  BOOST_TEST(answer["message"].text() == "Data has been saved");
  const Value leads = site().leads();
  BOOST_REQUIRE_EQUAL(leads.size(), 1U);
  BOOST_TEST(answer["lead_id"].text() == leads[0]["ID"].text());
  BOOST_TEST(leads[0]["ORIGIN_ID"].text() == answer["id"].text());

  Value next = person("Boris");
  next.set("form_token", answer["token"].text());
  BOOST_TEST(body_json(post(next, {kJson}))["status"].text() == "saved");

  Value bad = person();
  bad.set("email", "x");
  bad.set("phone", "y");
  const HttpReply invalid = submit(bad, {kJson});
  BOOST_TEST(invalid.status == 422);
  const Value errors = body_json(invalid);
  BOOST_TEST(errors["status"].text() == "invalid");
  BOOST_TEST(errors["errors"].size() == 2U);
  BOOST_TEST(!errors["errors"]["email"].text().empty());
  BOOST_TEST(body_json(http(site().port(), {"GET", "/", {kJson}, ""}))["token"].text().size() >
             40U);
}

BOOST_AUTO_TEST_CASE(a_json_body_is_a_submission_too) {
  Value params = person();
  params.set("form_token", token());
  params.set("phone", 2025550100);
  const HttpReply saved = http(
      site().port(), {"POST", "/", {kJson, "Content-Type: application/json"}, json::print(params)});
  BOOST_TEST(saved.status == 200);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(marks_of_advertising_travel_through_the_form) {
  const HttpReply page = site().get("/?utm_source=ads&utm_campaign=a%22b&utm_medium=");
  BOOST_TEST(input_value(page.body, "utm_source") == "ads");
  BOOST_TEST(input_value(page.body, "utm_campaign") == "a&quot;b");
  Value params = person();
  params.set("form_token", input_value(page.body, "form_token"));
  params.set("utm_source", "ads");
  params.set("utm_campaign", "a\"b");
  params.set("TRACE", "{\"url\":\"x\"}");
  BOOST_TEST(post(params).status == 303);
  const Value call = site().calls("crm.lead.add")[0]["params"]["fields"];
  BOOST_TEST(call["UTM_SOURCE"].text() == "ads");
  BOOST_TEST(call["UTM_CAMPAIGN"].text() == "a\"b");
  BOOST_TEST(call.find("UTM_MEDIUM") == nullptr);
  BOOST_TEST(call.find("TRACE") == nullptr);
  BOOST_TEST_REQUIRE(wait_until([&] { return site().traces().size() == 1U; }));
  const Value trace = site().traces()[0];
  BOOST_TEST(trace["TRACE"].text() == "{\"url\":\"x\"}");
  BOOST_TEST(trace.path("ENTITIES.0.TYPE").text() == "LEAD");
  BOOST_TEST(trace.path("ENTITIES.0.ID").text() == site().leads()[0]["ID"].text());
}

// What the portal refuses there costs the lead nothing.
BOOST_AUTO_TEST_CASE(click_ids_come_into_the_comments_and_a_broken_trace_is_let_go) {
  const HttpReply page = site().get("/?yclid=123&gclid=%3Cb%3E");
  BOOST_TEST(input_value(page.body, "yclid") == "123");
  BOOST_TEST(input_value(page.body, "gclid") == "&lt;b&gt;");
  Value params = person();
  params.set("form_token", input_value(page.body, "form_token"));
  params.set("yclid", "123");
  params.set("TRACE", "no JSON");
  BOOST_TEST(post(params).status == 303);
  BOOST_TEST(site().leads()[0]["COMMENTS"].text() == "yclid: 123");
  BOOST_TEST(site().traces().size() == 0U);
}

BOOST_AUTO_TEST_CASE(programs_that_fill_everything_only_think_they_succeeded) {
  Value params = person();
  params.set("b24_extra", "http://spam.example");
  const HttpReply page = submit(params);
  BOOST_TEST(page.status == 303);
  BOOST_TEST(notice(page.body) == "Data has been saved");
  BOOST_TEST(body_json(submit(params, {kJson}))["status"].text() == "saved");
  BOOST_TEST(site().calls("crm.lead.add").size() == 0U);
}

// Behind nginx and without it: 400 KB/s for longer than the program lets anybody stand still.
BOOST_AUTO_TEST_CASE(a_refused_form_of_nearly_a_megabyte_comes_back_whole_to_a_slow_reader) {
  const std::vector<std::string> fields = {"first_name", "last_name", "company", "position"};
  const Site site({{"B24HOOKS_SERVER_REQUEST_TIME=2s"}, ""});
  std::string longer = site.settings() + "\n[form]\nfields = " + text::join(fields, ", ") + "\n";
  for (const std::string& field : fields) longer += "[field " + field + "]\nmax_length = 100000\n";
  site.set_settings(longer);
  BOOST_REQUIRE(wait_until([&] { return site.get("/").body.contains("name=\"position\""); }));
  std::string form = "form_token=" + input_value(site.get("/").body, "form_token") + "&saved=yes";
  for (const std::string& field : fields) form += "&" + field + "=" + std::string(250'000, '<');
  Peer behind_nginx("127.0.0.1:" + std::to_string(site.port()));
  Peer straight("unix:" + (site.run_dir() / "index.sock").string());
  behind_nginx.send("POST / HTTP/1.0\r\nHost: localhost\r\n" + kForm +
                    "\r\nContent-Length: " + std::to_string(form.size()) + "\r\n\r\n" + form);
  straight.send(fcgi_post("", form));
  const Peer* const readers[] = {&behind_nginx, &straight};
  std::string got[2];
  std::string block(28'000, '\0');
  const Millis end = steady_ms() + 3'000;
  while (steady_ms() < end) {
    std::this_thread::sleep_for(70ms);
    for (std::size_t i = 0; i < 2; ++i) {
      const ssize_t size = recv(readers[i]->socket(), block.data(), block.size(), 0);
      BOOST_REQUIRE(size > 0);
      got[i].append(block, 0, static_cast<std::size_t>(size));
    }
  }
  const HttpReply page = parse_reply(got[0] + behind_nginx.receive().value_or(""));
  const FcgiAnswer answer = parse_fcgi(got[1] + straight.receive().value_or(""));
  BOOST_TEST(page.status == 422);
  BOOST_TEST(answer.status == 422);
  BOOST_TEST(answer.complete);
  for (const std::string& body : {page.body, answer.body}) {
    BOOST_TEST(field_error(body, "position").contains("longer than 100000"));
    BOOST_TEST(body.size() > 3'200'000U);  // each "<" of 800,000 as "&lt;"
    BOOST_TEST(body.ends_with("</html>\n"));
  }
}

BOOST_AUTO_TEST_CASE(other_sites_cannot_make_a_visitor_post, *shows("T28")) {
  const std::string host = "localhost:" + std::to_string(site().port());
  const struct {
    std::vector<std::string> headers;
    int status;
  } cases[] = {
      {{"Origin: https://evil.example"}, 403},
      {{"Origin: http://localhost.evil.example"}, 403},
      {{"Origin: null", "Sec-Fetch-Site: cross-site"}, 403},
      {{"Sec-Fetch-Site: cross-site"}, 403},
      {{"Sec-Fetch-Site: same-site", "Origin: https://www.localhost"}, 403},
      {{"Origin: http://" + host, "Sec-Fetch-Site: same-origin"}, 303},
      {{"Origin: null", "Sec-Fetch-Site: same-origin"}, 303},
      {{"Sec-Fetch-Site: none"}, 303},
      {{"Origin: http://" + host}, 303},
      {{}, 303},
  };
  std::size_t leads = 0;
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT((c.headers.empty() ? "none" : c.headers[0])) {
      Value params = person("Visitor " + std::to_string(&c - cases));
      params.set("form_token", token());
      std::vector<std::string> headers = c.headers;
      headers.push_back(kForm);
      HttpReply reply = http(site().port(), {"POST", "/", headers, php::build_query(params)});
      BOOST_TEST(reply.status == c.status);
      if (c.status == 303) ++leads;
    }
  }
  BOOST_TEST(site().leads().size() == leads);
}

BOOST_AUTO_TEST_CASE(the_page_speaks_the_visitors_language) {
  const HttpReply page =
      http(site().port(), {"GET", "/", {"Accept-Language: ru-RU,ru;q=0.9,en;q=0.5"}, ""});
  BOOST_TEST(page.body.contains("<html lang=\"ru\">"));
  BOOST_TEST(page.body.contains("Отправить"));
  BOOST_TEST(page.header("content-language") == "ru");
}

BOOST_AUTO_TEST_CASE(a_portal_that_is_down_makes_nobody_wait_long_and_nothing_gets_lost) {
  site().fault("down");
  const HttpReply page = submit(person());
  BOOST_TEST(page.status == 202);
  BOOST_TEST(notice(page.body).contains("Reference: "));
  BOOST_TEST(page.body.contains("value=\"Anna\""));
  const HttpReply script = submit(person("Boris"), {kJson});
  BOOST_TEST(script.status == 202);
  const Value told = body_json(script);
  BOOST_TEST(told["status"].text() == "accepted");
  BOOST_TEST(told["message"].text().ends_with("Reference: " + told["id"].text().substr(0, 8)));
  BOOST_TEST(site().leads().size() == 0U);
  site().fault("ok");
  BOOST_TEST(leads_become(2));
}

BOOST_AUTO_TEST_CASE(a_refusal_for_good_is_told_kindly) {
  site().fault("empty-error", 0, "crm.lead.add");
  const HttpReply page = submit(person());
  BOOST_TEST(page.status == 200);
  BOOST_TEST(notice(page.body).contains("Reference: "));
  BOOST_TEST(!page.body.contains("Access denied"));
  BOOST_TEST(body_json(submit(person("Boris"), {kJson}))["status"].text() == "rejected");
}

BOOST_AUTO_TEST_SUITE_END()
