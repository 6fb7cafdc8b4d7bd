// desk_refused_tests: what the receiver turned away stands at the desk, with what would accept it.
#include <boost/test/unit_test.hpp>

#include "check_site.h"

namespace desk_refused_tests {

using namespace b24::test;
using b24::Value;

const Params kWithKey = {{"HTTP_X_B24HOOKS_KEY", kCheckKey}};
const std::string kToken = "right-token-0123456789";

std::string settings_of(const std::string& portal, const std::string& handler) {
  return "[portal main]\napplication_token = " + kToken + "\n" + portal + "\n[handler]\n" +
         handler + "\n[checkserver]\nkey = " + kCheckKey + "\n";
}

// What the receiver answers to this, as a process of one request.
std::string send(const BareCheck& bare, const std::string& body, const std::string& address) {
  const Ran ran = run({{built("cgi-bin/handler.fcgi")},
                       {"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=POST",
                        "REMOTE_ADDR=" + address, "CONTENT_TYPE=application/x-www-form-urlencoded",
                        "CONTENT_LENGTH=" + std::to_string(body.size()),
                        "B24HOOKS_SETTINGS=" + bare.settings().string()},
                       body});
  return ran.out.substr(0, ran.out.find('\n'));
}

std::string event(const std::string& token, const std::string& domain) {
  return "event=%3Ccanary%3E&auth[application_token]=" + token + "&auth[domain]=" + domain;
}

}  // namespace desk_refused_tests

BOOST_AUTO_TEST_SUITE(desk_refused_tests)

BOOST_AUTO_TEST_CASE(each_refusal_has_its_reason_and_what_would_accept_it) {
  const BareCheck bare(settings_of("domain = a.example", "allow = 192.0.2.7"));
  const CheckServer server(bare);
  BOOST_TEST(server.get("desk=refused", kWithKey).body.contains("will stand here"));

  for (const auto& [body, address] :
       {std::pair(event("guessed-canary-0123", "a.example"), std::string("192.0.2.7")),
        std::pair(event(kToken, "b.example"), std::string("192.0.2.7")),
        std::pair(std::string("document_id[]=crm"), std::string("192.0.2.7")),
        std::pair(event(kToken, "a.example"), std::string("198.51.100.9"))}) {
    BOOST_TEST(send(bare, body, address).contains("403"), body);
  }
  BOOST_TEST(server.get("desk=refused").status == 403);
  BOOST_TEST(server.get("desk=refused&format=csv", kWithKey).status == 400);
  const std::string all = server.get("desk=refused&format=json", kWithKey).body;
  BOOST_TEST(!all.contains("guessed-canary"));
  BOOST_TEST(!all.contains(kToken));
  const Value refused = parsed_json(all)["refused"];
  BOOST_REQUIRE(refused.size() == 4u);
  BOOST_TEST(refused[0]["code"].text() == "address_not_allowed");
  BOOST_TEST(refused[0]["remedy"].text() == "add 198.51.100.9 to [handler] allow");
  BOOST_TEST(refused[1]["code"].text() == "robot");
  BOOST_TEST(refused[1]["remedy"].text().contains("?auth[application_token]="));
  BOOST_TEST(refused[2]["code"].text() == "wrong_token");
  BOOST_TEST(refused[2]["remedy"].text() == "[portal main] domain = b.example");
  BOOST_TEST(refused[3]["code"].text() == "wrong_token");
  BOOST_TEST(refused[3]["remedy"].text().contains("[portal]"));

  // For the shell, too.
  const Ran shell = run(
      {{built("cgi-bin/checkserver.fcgi"), "--settings", bare.settings().string(), "--refused"}});
  BOOST_TEST(shell.status == 0);
  BOOST_TEST((parsed_json(shell.out) == refused), shell.out);

  const std::string page = server.get("desk=refused", kWithKey).body;
  BOOST_TEST(page.contains("[portal main] domain = b.example"));
  BOOST_TEST(page.contains("To accept it: in [handler], add the address to allow."));
  BOOST_TEST(page.contains("&lt;canary&gt;"));
  BOOST_TEST(!page.contains("<canary"));
  BOOST_TEST(server.get("desk=today", kWithKey).body.contains("?desk=refused"));

  // What it says does it.
  const BareCheck mended(settings_of("domain = b.example", "allow = 192.0.2.7 198.51.100.9"));
  BOOST_TEST(send(mended, event(kToken, "b.example"), "198.51.100.9").contains("200"));
}

BOOST_AUTO_TEST_CASE(other_methods_are_refused_with_those_that_there_are) {
  const BareCheck bare(settings_of("", ""));
  for (const std::string query : {"", "desk=refused"}) {
    const Ran ran =
        run({{built("cgi-bin/checkserver.fcgi")},
             {"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=DELETE", "REMOTE_ADDR=127.0.0.1",
              "QUERY_STRING=" + query, std::string("HTTP_X_B24HOOKS_KEY=") + kCheckKey,
              "B24HOOKS_SETTINGS=" + bare.settings().string()}});
    BOOST_TEST(ran.out.starts_with("Status: 405 "), ran.out);
  }
}

BOOST_AUTO_TEST_CASE(without_a_log_the_page_says_so) {
  const BareCheck bare("C_REST_BLOCK_LOG = Y\n" + settings_of("", ""));
  const CheckServer server(bare);
  BOOST_TEST(server.get("desk=refused", kWithKey).body.contains("C_REST_BLOCK_LOG = N"));
}

BOOST_AUTO_TEST_SUITE_END()
