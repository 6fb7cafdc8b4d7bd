// desk_try_tests: the owner tries the ways, from the desk and from the shell: a test lead goes to
// the portal and is deleted there again, a test event comes in from outside.
#include <boost/test/unit_test.hpp>

#include "base/text.h"
#include "check_site.h"

namespace desk_try_tests {

using namespace b24::test;
using b24::Value;

const std::string kSettings = std::string("[checkserver]\nkey = ") + kCheckKey + "\n";
const Params kWithKey = {{"HTTP_X_B24HOOKS_KEY", kCheckKey}};

FcgiAnswer act(const CheckServer& server, const std::string& body, Params more = kWithKey) {
  more.emplace_back("QUERY_STRING", "desk=act");
  return server.post(body, more);
}

// The site's own self-check, asked with its key.
std::string desk_page(const Site& site, const std::string& query, const std::string& body = "",
                      const std::string& accept = "text/html") {
  b24::HttpRequest request;
  request.method = body.empty() ? "GET" : "POST";
  request.url = "http://localhost:" + std::to_string(site.port()) + "/checkserver.php?" + query;
  request.headers = {"X-B24hooks-Key: " + std::string(b24::text::trim(
                                              read_file(site.run_dir() / "data/checkserver.key"))),
                     "Accept: " + accept};
  request.body = body;
  const auto answer = b24::Http({}).send(request);
  BOOST_REQUIRE(answer);
  return answer->body;
}

// By a program.
Value desk(const Site& site, const std::string& query, const std::string& body = "") {
  return parsed_json(desk_page(site, query, body, "application/json"));
}

Ran shell(const Site& site, const std::string& what) {
  return run({{built("cgi-bin/checkserver.fcgi"), "--settings",
               (site.run_dir() / "settings.conf").string(), "--try", what}});
}

std::size_t test_leads(const Site& site) {
  std::size_t count = 0;
  const Value leads = site.leads();
  for (const Value::Member& lead : leads.members()) {
    const std::string title = lead.value["TITLE"].text();
    if (!title.starts_with("TEST (b24hooks) ")) continue;
    ++count;
    BOOST_TEST(lead.value["SOURCE_DESCRIPTION"].text().starts_with("TEST"));
    BOOST_TEST(lead.value["ORIGIN_ID"].text().starts_with("test-"));
  }
  return count;
}

}  // namespace desk_try_tests

BOOST_AUTO_TEST_SUITE(desk_try_tests)

BOOST_AUTO_TEST_CASE(a_test_lead_goes_the_whole_way_and_is_cleaned_up) {
  Site& site = shared_site();
  site.reset();
  (void)site.get("/checkserver.php?desk=try");  // the key is made
  for (const char* method : {"crm.lead.add", "crm.item.add"}) {
    BOOST_TEST_CONTEXT(method) {
      const ChangedSetting changed(
          site, "public_url",
          "http://localhost:" + std::to_string(site.port()) + "/\n[form]\nmethod = " + method);
      BOOST_TEST(wait_until(
          [&] { return desk(site, "desk=setup&format=json").path("settings").size() > 0; }));
      BOOST_TEST(desk(site, "desk=act", "do=test_lead&kind=lead")["status"].text() == "done");
      BOOST_TEST(test_leads(site) == 1u);
      const Value lead = desk(site, "desk=try&format=json")["lead"];
      BOOST_TEST(lead["state"].text() == "done");
      BOOST_TEST(lead.path("payload.method").text() == method);
      BOOST_TEST(lead["life"].size() >= 2u);
      const std::string page = desk_page(site, "desk=try");
      BOOST_TEST(page.contains("id=\"live\""));
      BOOST_TEST(!page.contains("data-live"));
      BOOST_TEST(desk(site, "desk=act", "do=clean_up&kind=lead")["changed"].integer() == 1);
      BOOST_TEST(test_leads(site) == 0u);
      BOOST_TEST(site.calls(method[4] == 'l' ? "crm.lead.delete" : "crm.item.delete").size() == 1u);
      BOOST_TEST(desk(site, "desk=try&format=json")["lead"].is_null());
      BOOST_TEST(desk(site, "desk=act", "do=clean_up&kind=lead")["code"].text() == "no_such_item");
    }
  }
}

// What the desk does, the shell does by the same functions.
BOOST_AUTO_TEST_CASE(the_shell_tries_the_same) {
  Site& site = shared_site();
  site.reset();
  const Ran lead = shell(site, "lead");
  BOOST_TEST(lead.status == 0, lead.err);
  BOOST_TEST(lead.out.starts_with("test-"));
  BOOST_TEST(lead.out.contains("/crm/lead/details/"));
  BOOST_TEST(test_leads(site) == 1u);
  // A lead that the portal's owner has deleted himself is gone, too.
  const std::string number = site.leads()[0]["ID"].text();
  site.call_json("crm.lead.delete", Value::map({{"id", number}}));
  const Ran gone = shell(site, "clean-up");
  BOOST_TEST(gone.out == "deleted: 1\n", gone.err);
  BOOST_TEST(shell(site, "clean-up").status == 1);
  const Ran event = shell(site, "event");
  BOOST_TEST(event.status == 0, event.out);
  BOOST_TEST(event.out.contains("answered 200"));
  BOOST_TEST(shell(site, "nothing").status == 3);
}

// The portal does not let it be deleted: it stays here, too, and that is said.
BOOST_AUTO_TEST_CASE(what_the_portal_keeps_is_kept_here) {
  Site& site = shared_site();
  site.reset();
  BOOST_TEST(shell(site, "lead").status == 0);
  site.fault("empty-error", 1, "crm.lead.delete");
  const Ran refused = shell(site, "clean-up");
  BOOST_TEST(refused.status == 1);
  BOOST_TEST(!refused.err.empty());
  BOOST_TEST(test_leads(site) == 1u);
  BOOST_TEST(shell(site, "clean-up").status == 0);
  BOOST_TEST(test_leads(site) == 0u);
}

BOOST_AUTO_TEST_CASE(only_the_key_and_act_let_one_try) {
  const BareCheck bare(kSettings + "desk = look\n");
  const CheckServer server(bare);
  for (const char* action :
       {"do=test_lead&kind=lead", "do=test_event&kind=event", "do=clean_up&kind=lead"}) {
    BOOST_TEST(act(server, action).status == 403, action);
    BOOST_TEST(act(server, action, {}).status == 403, action);
  }
  const FcgiAnswer page = server.get("desk=try", kWithKey);
  BOOST_TEST(page.status == 200);
  BOOST_TEST(!page.body.contains("test_lead"));
  BOOST_TEST(server.get("desk=try&format=csv", kWithKey).status == 400);
  BOOST_TEST(server.get("desk=try").status == 403);
}

BOOST_AUTO_TEST_SUITE_END()
