// site_url: see site_url.h.
#include "site_url.h"

#include <algorithm>

#include "base/address.h"
#include "base/text.h"

namespace b24 {
namespace {

std::string_view host_of(std::string_view url) {
  url = text::origin_of(url);
  if (url.empty()) return url;
  url.remove_prefix(url.find("://") + 3);
  if (url.starts_with('[')) return url.substr(0, url.find(']') + 1);
  return url.substr(0, url.find(':'));
}

Error fault(std::string what) {
  return {ErrorKind::settings, "bad_public_url", "[site] public_url: " + std::move(what),
          "set it to the address of the directory that holds handler.php, e.g. "
          "https://example.com/"};
}

}  // namespace

std::optional<Error> public_url_fault(std::string_view url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return fault("it does not start with https://");
  }
  if (host_of(url).empty()) return fault("it names no host");
  if (url.find_first_of("?#@ \t\"'<>\\") != url.npos) {
    return fault("it holds a character that an address does not have");
  }
  if (!url.ends_with('/')) return fault("it does not end with /");
  return std::nullopt;
}

bool is_loopback_url(std::string_view url) {
  const std::string_view host = host_of(url);
  if (host == "localhost") return true;
  const auto address = Address::parse(host);
  return address &&
         any_contains({*Network::parse("127.0.0.0/8"), *Network::parse("::1")}, *address);
}

HttpOptions checking_options(const Settings& settings, std::size_t max_answer) {
  HttpOptions options;
  const Millis limit = settings.checkserver.time_limit;
  options.connect_time = std::min(settings.call.connect_time, limit / 2);
  options.total_time = limit - limit / 8;
  options.ca_file = settings.call.ca_file;
  options.user_agent = "b24hooks checkserver";
  options.max_answer = max_answer;
  options.certificate_info = true;
  return options;
}

}  // namespace b24
