// form_token_tests: what a token proves, and the key behind it.
#include "index/form_token.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <vector>

#include "decorators.h"

using namespace b24;

BOOST_AUTO_TEST_SUITE(form_token_tests)

namespace {

const std::string kKey(32, 'k');
constexpr Millis kNow = 1'800'000'000'000;
constexpr Millis kAge = 24 * 3'600'000;

TokenFault fault(std::string_view token, Millis now = kNow, const std::string& key = kKey) {
  const auto checked = check_token(key, token, now, kAge);
  BOOST_REQUIRE(!checked);
  return checked.error();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_token_tells_when_it_was_shown) {
  const auto token = check_token(kKey, make_token(kKey, kNow), kNow + kAge, kAge);
  BOOST_REQUIRE(token);
  BOOST_TEST(token->shown_at == kNow);
  BOOST_TEST(token->id.size() == 26U);
}

BOOST_AUTO_TEST_CASE(each_token_has_its_own_id) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.insert(check_token(kKey, make_token(kKey, kNow), kNow, kAge)->id);
  }
  BOOST_TEST(ids.size() == 1000U);
}

BOOST_AUTO_TEST_CASE(a_changed_byte_anywhere_is_forged, *shows("T28")) {
  const std::string token = make_token(kKey, kNow);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    BOOST_TEST_CONTEXT(i) {
      BOOST_TEST((fault(changed) == TokenFault::forged));
    }
    BOOST_TEST_CONTEXT(i) {
      if (i != 0) BOOST_TEST((fault(token.substr(0, i)) == TokenFault::forged));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_token_is_forged) {
  for (const char* bad : {".", "..", "a.b.c", "a.1800000000.", "...", "\xff\xff"}) {
    BOOST_TEST((fault(bad) == TokenFault::forged), bad);
  }
  BOOST_TEST((fault(std::string(100'000, '.')) == TokenFault::forged));
  BOOST_TEST((fault("") == TokenFault::missing));
}

BOOST_AUTO_TEST_CASE(age_key_and_purpose_count) {
  const std::string token = make_token(kKey, kNow);
  BOOST_TEST((fault(token, kNow + kAge + 1000) == TokenFault::stale));
  BOOST_TEST((fault(token, kNow - 3'600'000) == TokenFault::future));
  // Of five minutes it may be ahead, as machines are of one another.
  BOOST_TEST(check_token(kKey, token, kNow - 5 * 60'000, kAge).has_value());
  BOOST_TEST((fault(token, kNow - 5 * 60'000 - 1) == TokenFault::future));
  BOOST_TEST((fault(token, kNow, std::string(32, 'z')) == TokenFault::forged));
  const std::string signed_for_sent = sign(kKey, "sent", "abc");
  BOOST_TEST(signed_text(kKey, "sent", signed_for_sent) == "abc");
  BOOST_TEST(signed_text(kKey, "other", signed_for_sent) == "");
  BOOST_TEST(signed_text(kKey, "sent", "abc.") == "");
  BOOST_TEST(signed_text(kKey, "sent", "abc") == "");
  BOOST_TEST(signed_text(kKey, "sent", "") == "");
}

BOOST_AUTO_TEST_SUITE_END()
