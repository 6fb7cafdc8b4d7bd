// address: IP addresses and networks, and who the visitor really is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace b24 {

// An IPv4 address is held as its IPv4-mapped IPv6 form, so that both spellings compare equal.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  // "192.0.2.1", "2001:db8::1", "[2001:db8::1]"
  static std::optional<Address> parse(std::string_view text);
  bool is_ipv4() const;
  std::string text() const;
  // The text under which limits are counted: the address for IPv4, its /64 for IPv6.
  std::string limit_key() const;
  bool operator==(const Address&) const = default;
};

struct Network {
  Address base;
  int bits = 128;  // of the 128; an IPv4 /24 is 120
  // "10.0.0.0/8", "2001:db8::/32", or one address
  static std::optional<Network> parse(std::string_view text);
  bool contains(const Address& address) const;
  bool operator==(const Network&) const = default;
};

bool any_contains(const std::vector<Network>& networks, const Address& address);

// The visitor's address: REMOTE_ADDR, or, when that is one of `trusted` proxies, the last address
// of X-Forwarded-For that is not.
std::string client_address(std::string_view remote_address, std::string_view forwarded_for,
                           const std::vector<Network>& trusted);

}  // namespace b24
