// address: IP addresses and networks, and who the visitor really is.
#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace b24 {
namespace {

constexpr int kMappedBits = 96;  // the length of ::ffff:0:0/96, below which IPv4 lives

Address mapped(const std::uint8_t* ipv4) {
  Address address;
  address.bytes[10] = address.bytes[11] = 0xff;
  std::copy_n(ipv4, 4, address.bytes.begin() + 12);
  return address;
}

Address masked(Address address, int bits) {
  for (int i = 0; i < 16; ++i) {
    int kept = std::clamp(bits - 8 * i, 0, 8);
    auto& byte = address.bytes[static_cast<std::size_t>(i)];
    byte = static_cast<std::uint8_t>(byte & (0xff00 >> kept));
  }
  return address;
}

// An entry of X-Forwarded-For; some proxies add the port.
std::optional<Address> parse_hop(std::string_view text) {
  if (auto address = Address::parse(text)) return address;
  std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return std::nullopt;
  bool bracketed = text[colon - 1] == ']';
  bool only_colon = text.find(':') == colon;
  if (!bracketed && !only_colon) return std::nullopt;
  return Address::parse(text.substr(0, colon));
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
    if (text.find(':') == text.npos) return std::nullopt;
  }
  std::string zero_ended(text);
  if (zero_ended.size() != std::char_traits<char>::length(zero_ended.c_str())) return std::nullopt;
  std::uint8_t ipv4[4];
  if (inet_pton(AF_INET, zero_ended.c_str(), ipv4) == 1) return mapped(ipv4);
  Address address;
  if (inet_pton(AF_INET6, zero_ended.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

bool Address::is_ipv4() const {
  return *this == mapped(&bytes[12]);
}

std::string Address::text() const {
  char text[INET6_ADDRSTRLEN];
  if (is_ipv4())
    inet_ntop(AF_INET, &bytes[12], text, sizeof text);
  else
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::string Address::limit_key() const {
  return is_ipv4() ? text() : masked(*this, 64).text() + "/64";
}

std::optional<Network> Network::parse(std::string_view text) {
  std::size_t slash = text.find('/');
  std::string_view address_text = text.substr(0, slash);
  auto address = Address::parse(address_text);
  if (!address) return std::nullopt;
  if (slash == text.npos) return Network{*address, 128};
  std::string_view digits = text.substr(slash + 1);
  // "::ffff:10.0.0.0/104" is IPv4 too, but counts its bits as IPv6 does.
  int below = address_text.find(':') == text.npos ? kMappedBits : 0;
  int bits = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 ||
      bits + below > 128)
    return std::nullopt;
  return Network{masked(*address, bits + below), bits + below};
}

bool Network::contains(const Address& address) const {
  return masked(address, bits) == base;
}

bool any_contains(const std::vector<Network>& networks, const Address& address) {
  return std::ranges::any_of(networks,
                             [&](const Network& network) { return network.contains(address); });
}

std::string client_address(std::string_view remote_address, std::string_view forwarded_for,
                           const std::vector<Network>& trusted) {
  auto client = Address::parse(remote_address);
  if (!client) return std::string(remote_address);
  std::vector<std::string> hops = text::split(forwarded_for, ",");
  // Each hop was written by the one after it: go back as long as that one is trusted.
  while (any_contains(trusted, *client) && !hops.empty()) {
    auto hop = parse_hop(hops.back());
    if (!hop) break;
    client = hop;
    hops.pop_back();
  }
  return client->text();
}

}  // namespace b24
