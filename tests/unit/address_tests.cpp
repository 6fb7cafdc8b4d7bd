// address_tests: addresses, networks, and who the visitor is behind proxies.
#include "base/address.h"

#include <boost/test/unit_test.hpp>

using namespace b24;

namespace address_tests {

std::vector<Network> networks(std::initializer_list<std::string_view> texts) {
  std::vector<Network> result;
  for (std::string_view text : texts) result.push_back(Network::parse(text).value());
  return result;
}

}  // namespace address_tests

BOOST_AUTO_TEST_SUITE(address_tests)

BOOST_AUTO_TEST_CASE(good_addresses_have_one_text) {
  struct {
    std::string_view given, want;
  } const cases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"2001:DB8::0:1", "2001:db8::1"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"::", "::"},
      {"::1", "::1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"[::ffff:c000:201]", "192.0.2.1"},
  };
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.given) {
      auto address = Address::parse(c.given);
      BOOST_REQUIRE(address);
      BOOST_TEST(address->text() == c.want);
    }
  }
}

BOOST_AUTO_TEST_CASE(bad_addresses_are_none) {
  using namespace std::string_view_literals;
  for (std::string_view text :
       {""sv,          "1.2.3"sv,      "1.2.3.4.5"sv, "256.1.1.1"sv,  "01.2.3.4 "sv,
        " 1.2.3.4"sv,  "1.2.3.4\0x"sv, "0x7f.1"sv,    "2130706433"sv, "localhost"sv,
        "[1.2.3.4]"sv, "[::1"sv,       "::1]"sv,      "[]"sv,         "fe80::1%eth0"sv,
        ":::"sv,       "1::2::3"sv,    "12345::"sv,   "unix:"sv,      "1.2.3.4:80"sv})
    BOOST_TEST(!Address::parse(text).has_value(), "\"" << text << "\" is no address");
}

BOOST_AUTO_TEST_CASE(both_spellings_of_ipv4_are_equal) {
  BOOST_TEST((Address::parse("::ffff:10.1.2.3") == Address::parse("10.1.2.3")));
  BOOST_TEST(Address::parse("::ffff:10.1.2.3")->is_ipv4());
  BOOST_TEST(!Address::parse("::10.1.2.3")->is_ipv4());
}

BOOST_AUTO_TEST_CASE(limits_count_by_ipv4_address_and_ipv6_64) {
  BOOST_TEST(Address::parse("192.0.2.77")->limit_key() == "192.0.2.77");
  BOOST_TEST(Address::parse("2001:db8:1:2:3:4:5:6")->limit_key() == "2001:db8:1:2::/64");
  BOOST_TEST(Address::parse("2001:db8:1:2::1")->limit_key() ==
             Address::parse("2001:db8:1:2:ffff::")->limit_key());
  BOOST_TEST(Address::parse("2001:db8:1:2::1")->limit_key() !=
             Address::parse("2001:db8:1:3::1")->limit_key());
}

BOOST_AUTO_TEST_CASE(networks_contain_what_shares_their_bits) {
  struct {
    std::string_view network, address;
    bool inside;
  } const cases[] = {
      {"10.0.0.0/8", "10.255.1.2", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "::ffff:10.1.1.1", true},
      {"10.9.8.7/8", "10.1.1.1", true},  // bits behind the mask do not matter
      {"192.0.2.128/25", "192.0.2.128", true},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"0.0.0.0/0", "8.8.8.8", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/32", "2001:db9::", false},
      {"::/0", "8.8.8.8", true},
      {"::ffff:10.0.0.0/104", "10.2.3.4", true},
  };
  for (const auto& c : cases)
    BOOST_TEST(Network::parse(c.network)->contains(*Address::parse(c.address)) == c.inside,
               c.network << " and " << c.address);
}

BOOST_AUTO_TEST_CASE(bad_networks_are_none) {
  for (std::string_view text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                                "10.0.0.0/ 8", "10.0.0.0/8/8", "2001:db8::/129", "10.0.0/8", "x/8"})
    BOOST_TEST(!Network::parse(text).has_value(), "\"" << text << "\" is no network");
}

BOOST_AUTO_TEST_CASE(the_visitor_is_the_last_address_that_no_trusted_proxy_has) {
  auto trusted = networks({"10.0.0.0/8", "2001:db8::/32"});
  struct {
    std::string_view remote, forwarded, want;
  } const cases[] = {
      // not from a proxy: the header is the visitor's own invention
      {"198.51.100.1", "203.0.113.9", "198.51.100.1"},
      {"198.51.100.1", "", "198.51.100.1"},
      {"10.0.0.1", "203.0.113.9", "203.0.113.9"},
      {"10.0.0.1", "", "10.0.0.1"},
      {"10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"},
      {"10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
      {"10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"},
      {"10.0.0.1", "203.0.113.9:4711", "203.0.113.9"},
      {"2001:db8::5", "[2a00::1]:4711", "2a00::1"},
      {"10.0.0.1", "2a00::1", "2a00::1"},
      {"::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"},
      // what cannot be read ends the trust
      {"10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"},
      {"10.0.0.1", "203.0.113.9, <script>, 10.0.0.2", "10.0.0.2"},
      {"10.0.0.1", ",,,", "10.0.0.1"},
      {"unix:", "203.0.113.9", "unix:"},
      {"", "203.0.113.9", ""},
  };
  for (const auto& c : cases)
    BOOST_TEST(client_address(c.remote, c.forwarded, trusted) == c.want,
               c.remote << " with " << c.forwarded);
}

BOOST_AUTO_TEST_SUITE_END()
