// access_tests: who sees checkserver's details, and that a cookie cannot be made without the key.
#include "checkserver/access.h"

#include <boost/test/unit_test.hpp>

namespace access_tests {

using namespace b24;
using access::Sight;

constexpr Millis kNow = 1'764'000'000'000;
constexpr const char* kKey = "a-key-of-sixteen";

Settings settings_with(const char* access, const char* key = kKey) {
  Settings settings;
  settings.checkserver.access = access;
  settings.checkserver.key = key;
  settings.checkserver.networks = {*Network::parse("10.0.0.0/8")};
  settings.server.trusted_proxies = {*Network::parse("127.0.0.1")};
  return settings;
}

Request from(const char* address, const char* forwarded_for = "") {
  Request request;
  request.remote_address = address;
  request.forwarded_for = forwarded_for;
  return request;
}

std::string pair_of(const std::string& set_cookie) {
  return set_cookie.substr(0, set_cookie.find(';'));
}

}  // namespace access_tests

BOOST_AUTO_TEST_SUITE(access_tests)

BOOST_AUTO_TEST_CASE(a_stranger_sees_what_the_setting_says) {
  const std::pair<const char*, Sight> wanted[] = {{"public", Sight::everything},
                                                  {"summary", Sight::verdict},
                                                  {"key", Sight::key_form},
                                                  {"off", Sight::nothing}};
  for (const auto& [access, sight] : wanted) {
    BOOST_TEST((access::sight_of(from("192.0.2.1"), settings_with(access), kNow) == sight));
  }
}

BOOST_AUTO_TEST_CASE(loopback_is_a_stranger_unless_it_is_listed) {
  BOOST_TEST(
      (access::sight_of(from("127.0.0.1"), settings_with("summary"), kNow) == Sight::verdict));
}

BOOST_AUTO_TEST_CASE(a_listed_network_sees_everything_but_cannot_be_pretended) {
  const Settings settings = settings_with("key");
  BOOST_TEST((access::sight_of(from("10.1.2.3"), settings, kNow) == Sight::everything));
  // Through a trusted proxy its word counts; from anybody else it does not.
  BOOST_TEST(
      (access::sight_of(from("127.0.0.1", "10.1.2.3"), settings, kNow) == Sight::everything));
  BOOST_TEST((access::sight_of(from("192.0.2.1", "10.1.2.3"), settings, kNow) == Sight::key_form));
  BOOST_TEST((access::sight_of(from("127.0.0.1", "10.1.2.3, 192.0.2.1"), settings, kNow) ==
              Sight::key_form));
  BOOST_TEST((access::sight_of(from("rubbish"), settings, kNow) == Sight::key_form));
}

BOOST_AUTO_TEST_CASE(the_key_opens_and_nothing_like_it_does) {
  const Settings settings = settings_with("summary");
  const auto with_header = [&](const std::string& key, const Settings& given) {
    Request request = from("192.0.2.1");
    request.key_header = key;
    return access::sight_of(request, given, kNow);
  };
  BOOST_TEST((with_header(kKey, settings) == Sight::everything));
  for (const char* wrong : {"", "a-key-of-sixtee", "a-key-of-sixteen ", "A-KEY-OF-SIXTEEN", "*"}) {
    BOOST_TEST((with_header(wrong, settings) == Sight::verdict), wrong);
  }
  BOOST_TEST((with_header("", settings_with("summary", "")) == Sight::verdict));
  BOOST_TEST((with_header(kKey, settings_with("off")) == Sight::nothing));
  BOOST_TEST(!access::is_key("", settings_with("key", "")));
}

BOOST_AUTO_TEST_CASE(the_key_in_the_address_does_not_count) {
  Request request = from("192.0.2.1");
  request.get.set("key", kKey);
  request.params.set("key", kKey);
  BOOST_TEST((access::sight_of(request, settings_with("summary"), kNow) == Sight::verdict));
}

BOOST_AUTO_TEST_CASE(a_cookie_lasts_an_hour_and_cannot_be_made_without_the_key) {
  const Settings settings = settings_with("summary");
  const std::string cookie = pair_of(access::make_cookie(from("192.0.2.1"), settings, kNow));
  const auto with_cookie = [&](const std::string& text, Millis now, const Settings& given) {
    Request request = from("192.0.2.1");
    request.cookie = text;
    return access::sight_of(request, given, now) == Sight::everything;
  };
  BOOST_TEST(with_cookie(cookie, kNow + 1'000, settings));
  BOOST_TEST(with_cookie("a=b; " + cookie + "; c=d", kNow + 1'000, settings));
  BOOST_TEST(!with_cookie(cookie, kNow + access::kCookieLifetime, settings));
  BOOST_TEST(!with_cookie(cookie, kNow + 1'000, settings_with("summary", "")));
  BOOST_TEST(!with_cookie(cookie, kNow + 1'000, settings_with("summary", "another-key-of-16")));
  // A later end, a shorter signature, another name.
  std::string later = cookie;
  later[later.find('=') + 1] = '9';
  BOOST_TEST(!with_cookie(later, kNow, settings));
  BOOST_TEST(!with_cookie(cookie.substr(0, cookie.size() - 1), kNow, settings));
  BOOST_TEST(!with_cookie("x" + cookie, kNow, settings));
  for (const char* bad : {"b24hooks_check=", "b24hooks_check=.", "b24hooks_check", "=", ";;;"}) {
    BOOST_TEST(!with_cookie(bad, kNow, settings), bad);
  }
}

BOOST_AUTO_TEST_CASE(a_cookie_is_for_this_site_and_no_script) {
  Request request = from("192.0.2.1");
  const Settings settings = settings_with("summary");
  std::string cookie = access::make_cookie(request, settings, kNow);
  BOOST_TEST(cookie.contains("; HttpOnly; SameSite=Strict"));
  BOOST_TEST(cookie.contains("; Max-Age=3600"));
  BOOST_TEST(!cookie.contains("Secure"));
  BOOST_TEST(!cookie.contains(kKey));
  request.https = true;
  BOOST_TEST(access::make_cookie(request, settings, kNow).ends_with("; Secure"));
}

BOOST_AUTO_TEST_SUITE_END()
