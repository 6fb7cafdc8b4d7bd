// form_guard_tests: who may post to the form without its token.
#include "index/form_guard.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace b24;

namespace form_guard_tests {

const std::string kKey = "0123456789abcdef";

Request request_of(const std::string& query, const std::string& type, const std::string& body) {
  Request request = parse_content(query, type, body, {}).value();
  request.host = "my.example:8443";
  return request;
}

FormSettings settings_of(std::vector<std::string> accept) {
  FormSettings settings;
  settings.accept = std::move(accept);
  settings.allowed_origins = {"https://shop.example", "*"};
  settings.post_key = kKey;
  return settings;
}

}  // namespace form_guard_tests

BOOST_AUTO_TEST_SUITE(form_guard_tests)

BOOST_AUTO_TEST_CASE(a_sender_is_known_by_what_the_browser_says_or_by_the_key) {
  const struct {
    const char *query, *site, *origin, *referer;
    Sender want;
  } rows[] = {
      {"", "", "", "", Sender::unknown},
      {"", "none", "null", "", Sender::unknown},
      {"", "same-origin", "null", "", Sender::own_page},
      {"", "", "https://MY.example:8443", "", Sender::own_page},
      {"", "", "", "https://my.example:8443/contact?x=https://evil.example/", Sender::own_page},
      {"", "", "null", "https://my.example:8443/", Sender::own_page},
      {"", "same-site", "https://my.example:8443", "", Sender::foreign_page},
      {"", "cross-site", "", "", Sender::foreign_page},
      {"", "", "https://evil.example", "https://my.example:8443/", Sender::foreign_page},
      {"", "", "", "https://evil.example/?https://my.example:8443/", Sender::foreign_page},
      {"", "", "my.example:8443", "", Sender::foreign_page},
      {"", "", "https://my.example:8443.evil.example", "", Sender::foreign_page},
      {"", "cross-site", "https://shop.example", "", Sender::allowed_page},
      {"", "cross-site", "https://evil.example", "", Sender::foreign_page},
      {"key=0123456789abcdef", "", "", "", Sender::key_holder},
      {"key=0123456789abcdeF", "", "", "", Sender::unknown},
      {"key[]=0123456789abcdef", "", "", "", Sender::unknown},
      {"key=", "cross-site", "", "", Sender::foreign_page},
  };
  for (const auto& row : rows) {
    Request request = request_of(row.query, "", "");
    request.sec_fetch_site = row.site;
    request.origin = row.origin;
    request.referer = row.referer;
    BOOST_TEST((sender_of(request, settings_of({})) == row.want),
               row.query << " " << row.site << " " << row.origin << " " << row.referer);
  }
  FormSettings none;
  BOOST_TEST((sender_of(request_of("key=", "", ""), none) == Sender::unknown));
  Request nowhere = request_of("", "", "");
  nowhere.host = "";
  nowhere.origin = "https://";
  BOOST_TEST((sender_of(nowhere, none) == Sender::foreign_page));
}

BOOST_AUTO_TEST_CASE(each_way_has_a_switch_of_its_own) {
  const std::string form = "application/x-www-form-urlencoded", json = "application/json";
  const struct {
    std::vector<std::string> accept;
    std::string type, body;
    Sender sender;
    const char* want;
  } rows[] = {
      {{"own"}, form, "phone=1", Sender::own_page, "token_missing"},
      {{"own"}, form, "phone=1", Sender::key_holder, "token_missing"},
      {{"json", "tilda"}, form, "phone=1", Sender::own_page, "token_missing"},
      {{"site"}, form, "phone=1", Sender::own_page, ""},
      {{"site"}, form, "phone=1", Sender::key_holder, ""},
      {{"site"}, form, "phone=1", Sender::unknown, "key"},
      {{"own"}, form, "phone=1", Sender::allowed_page, ""},
      {{"own"}, json, R"({"phone":1})", Sender::allowed_page, "json"},
      {{"site", "tilda"}, json, R"({"phone":1})", Sender::own_page, "json"},
      {{"json"}, json, R"({"phone":1})", Sender::own_page, ""},
      {{"json"}, json, R"({"phone":1})", Sender::allowed_page, ""},
      {{"json"}, json, R"({"phone":1})", Sender::key_holder, ""},
      {{"json"}, json, R"({"phone":1})", Sender::unknown, "key"},
      {{"json"}, json, R"({"test":"test"})", Sender::unknown, "key"},
      {{"site", "json"}, form, "phone=1&tranid=1:2", Sender::key_holder, "tilda"},
      {{"tilda"}, form, "phone=1&tranid=1:2", Sender::key_holder, ""},
      {{"tilda"}, form, "phone=1&tranid=1:2", Sender::own_page, "key"},
      {{"tilda"}, form, "test=test", Sender::key_holder, ""},
      {{"tilda"}, form, "test=test", Sender::unknown, "key"},
      {{"site"}, form, "test=test", Sender::key_holder, "tilda"},
  };
  for (const auto& row : rows) {
    const std::string got = std::string(
        refusal_of(request_of("", row.type, row.body), settings_of(row.accept), row.sender));
    BOOST_TEST(got == row.want, row.body << " " << row.accept.back());
  }
  // Whoever accepts JSON has scripts; they may ask for JSON with a form, too.
  Request asks = request_of("", form, "phone=1");
  asks.accept = "application/json";
  BOOST_TEST(refusal_of(asks, settings_of({"json"}), Sender::own_page) == "");
  BOOST_TEST(refusal_of(asks, settings_of({"own"}), Sender::own_page) == "token_missing");
}

BOOST_AUTO_TEST_SUITE_END()
