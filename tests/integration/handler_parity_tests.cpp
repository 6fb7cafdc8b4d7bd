// handler_parity_tests: the receiver writes the hook.log that the example page writes in real PHP.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <regex>

#include "base/text.h"
#include "decorators.h"
#include "fcgi_client.h"
#include "php_cgi.h"

using namespace b24::test;

namespace handler_parity_tests {

constexpr std::string_view kToken = "0123456789abcdef0123456789abcdef";

// The example: writes every request beside itself.
constexpr const char* kExample =
    "<?php\n"
    "$entry = \"\\n------------------------\\n\" . date('Y.m.d G:i:s') . \"\\nincoming\\n\";\n"
    "$entry .= print_r($_REQUEST, true) . \"\\n------------------------\\n\";\n"
    "file_put_contents(__DIR__ . '/hook.log', $entry, FILE_APPEND);\n";

class Handler {
 public:
  explicit Handler(const std::string& settings = "") : process_(command(settings)) {
    if (!wait_until([this] { return std::filesystem::exists(dir_ / "handler.sock"); })) {
      throw std::runtime_error("handler: no socket: " + process_.err());
    }
  }

  int post(const PhpRequest& request) const {
    return ask("unix:" + (dir_ / "handler.sock").string(),
               fcgi_head(post_params(request.query, request.body.size(), request.content_type)) +
                   fcgi_body(request.body))
        .status;
  }
  std::filesystem::path log() const { return dir_ / "data/hook.log"; }

 private:
  b24::test::Command command(const std::string& settings) const {
    std::filesystem::create_directory(dir_ / "data");
    std::filesystem::permissions(dir_ / "data", std::filesystem::perms::owner_all);
    write_file(dir_ / "settings.conf",
               "C_REST_WEB_HOOK_URL = https://127.0.0.1:1/rest/1/secretsecret99/\n"
               "[portal]\napplication_token = " +
                   std::string(kToken) + "\n[log]\ntime_zone = UTC\nmax_size = 0\n" + settings);
    return {.args = {built("cgi-bin/handler.fcgi"), "--settings", (dir_ / "settings.conf").string(),
                     "--listen", "unix:" + (dir_ / "handler.sock").string()}};
  }

  TempDir dir_;
  Process process_;
};

// What a log has got since it was looked at last.
class Tail {
 public:
  explicit Tail(std::filesystem::path file) : file_(std::move(file)) {}
  std::string more() {
    std::ifstream file(file_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(seen_));
    std::string result{std::istreambuf_iterator<char>(file), {}};
    seen_ += result.size();
    return result;
  }

 private:
  std::filesystem::path file_;
  std::size_t seen_ = 0;
};

// The entry without the seconds between the two writers.
std::string timeless(const std::string& entry) {
  static const std::regex kTime(
      "^(\n-{24}\n)[0-9]{4}\\.[0-9]{2}\\.[0-9]{2} (?:[1-9]?[0-9]):[0-9]{2}:[0-9]{2}\n");
  // A leading zero of the hour is not matched: date's G has none.
  static const std::regex kLeadingZero("^\n-{24}\n[0-9.]{10} 0[0-9]:");
  std::smatch found;
  if (std::regex_search(entry, kLeadingZero) || !std::regex_search(entry, found, kTime)) {
    return "no time: " + entry;
  }
  return found.str(1) + "TIME\n" + found.suffix().str();
}

// The boundary that a Content-Type names; empty when it is not multipart.
std::string boundary_of(const std::string& content_type) {
  static const std::regex kBoundary("multipart/.*boundary=\"?([^\",;]+)", std::regex::icase);
  std::smatch found;
  return std::regex_search(content_type, found, kBoundary) ? found.str(1) : "";
}

// The request with the token as its last field.
PhpRequest with_token(PhpRequest request) {
  const std::string boundary = boundary_of(request.content_type);
  if (boundary.empty()) {
    if (request.content_type.empty()) request.content_type = "application/x-www-form-urlencoded";
    request.body += "&auth[application_token]=" + std::string(kToken);
    return request;
  }
  const std::string line_end = request.body.contains("\r\n--" + boundary) ? "\r\n" : "\n";
  const std::string part = "--" + boundary + line_end +
                           "Content-Disposition: form-data; name=\"auth[application_token]\"" +
                           line_end + line_end + std::string(kToken) + line_end;
  request.body.insert(request.body.rfind("--" + boundary + "--"), part);
  return request;
}

class Comparison {
 public:
  Comparison() : php_log_(php_cgi_.file("hook.log")), our_log_(handler_.log()) {
    php_cgi_.page("handler.php", kExample);
  }

  // Our log is written a moment after the answers, so many are compared at once.
  void compare(const std::vector<PhpRequest>& requests) {
    std::vector<std::string> wanted;
    for (const PhpRequest& request : requests) {
      const int status = handler_.post(request);
      static_cast<void>(php_cgi_.ask("handler.php", request));
      const std::string php = php_log_.more();
      // A broken part can swallow the token: then PHP's page does not see it either.
      const bool verified = php.contains("[application_token] => " + std::string(kToken) + "\n");
      BOOST_TEST(status == (verified ? 200 : 403), shown(request));
      if (!verified) continue;
      wanted.push_back(timeless(php));
      requests_.push_back(request);
      ++verified_;
    }
    std::string got;
    std::size_t at = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const std::size_t size = wanted[i].size();
      std::string ours;
      wait_until([&] {
        got += our_log_.more();
        ours = first_entry(std::string_view(got).substr(at), size);
        return !ours.empty();
      });
      BOOST_REQUIRE_MESSAGE(timeless(ours) == wanted[i],
                            shown(requests_[i]) << "\nPHP\n"
                                                << b24::text::for_log(wanted[i], 3000) << "\nours\n"
                                                << b24::text::for_log(ours, 3000));
      at += ours.size();
    }
    BOOST_TEST(at == got.size());
    requests_.clear();
  }
  int verified() const { return verified_; }

 private:
  // Of `size` bytes once its time is "TIME"; empty while it is not whole.
  static std::string first_entry(std::string_view text, std::size_t size) {
    constexpr std::size_t kBefore = 26;  // the rule above the time
    const std::size_t line_end = text.find('\n', kBefore);
    if (line_end == text.npos) return {};
    const std::size_t whole = size - 4 + (line_end - kBefore);
    return text.size() < whole ? std::string() : std::string(text.substr(0, whole));
  }
  static std::string shown(const PhpRequest& request) {
    return "query " + b24::text::for_log(request.query, 3000) + "\n  type " + request.content_type +
           "\n  body " + b24::text::for_log(request.body, 3000);
  }

  PhpCgi php_cgi_;
  Handler handler_{"[handler]\nmask_secrets = no\n"};
  Tail php_log_;
  Tail our_log_;
  std::vector<PhpRequest> requests_;  // those that were verified
  int verified_ = 0;
};

}  // namespace handler_parity_tests

BOOST_AUTO_TEST_SUITE(handler_parity_tests)

BOOST_AUTO_TEST_CASE(hook_log_is_the_one_that_php_writes, *shows("F7")) {
  constexpr int kRequests = 10'000;
  constexpr int kAtOnce = 100;
  Comparison comparison;
  PhpBodies bodies(20261124);
  for (int i = 0; i < kRequests; i += kAtOnce) {
    std::vector<PhpRequest> requests;
    for (int n = 0; n < kAtOnce; ++n) requests.push_back(with_token(bodies.next()));
    comparison.compare(requests);
  }
  BOOST_TEST(comparison.verified() > kRequests * 9 / 10);
}

BOOST_AUTO_TEST_CASE(secrets_are_the_only_difference_unless_they_are_asked_for) {
  const Handler handler;
  Tail log(handler.log());
  PhpBodies bodies(1);
  PhpRequest event = with_token(bodies.event());
  BOOST_TEST(handler.post(event) == 200);
  std::string entry;
  BOOST_TEST(wait_until([&] { return (entry += log.more()).contains("[domain] => "); }));
  BOOST_TEST(!entry.contains(kToken));
  BOOST_TEST(entry.contains("[application_token] => "), entry);
  BOOST_TEST(entry.contains("[domain] => portal.example\n"), entry);
}

BOOST_AUTO_TEST_SUITE_END()
