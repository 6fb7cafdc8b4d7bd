// http_tests: one exchange against a scripted server, through everything that can go wrong with it.
#include "portal/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <ostream>
#include <stop_token>
#include <thread>

#include "decorators.h"
#include "tls_server.h"

using namespace b24;
using test::Received;
using test::Reply;
using test::TlsServer;

namespace http_tests {

const test::Authority& authority() {
  static const test::Authority shared;
  return shared;
}
std::shared_ptr<test::Certificate> for_localhost() {
  return authority().issue("localhost");
}

HttpOptions trusting() {
  HttpOptions options;
  options.ca_file = authority().ca_file();
  options.user_agent = "tests";
  return options;
}

HttpRequest post(const TlsServer& server, std::string body = "a=1") {
  HttpRequest request;
  request.url = server.url("/rest/1/canary-secret/m.json");
  request.body = std::move(body);
  return request;
}

Reply ok(const Received&) {
  return test::json("{}");
}

std::string cause(const std::expected<HttpAnswer, HttpFailure>& answer) {
  return answer ? "" : answer.error().error.cause;
}

void check_failure(const std::expected<HttpAnswer, HttpFailure>& answer, std::string_view code,
                   bool sent) {
  BOOST_REQUIRE_MESSAGE(!answer, "expected " << code);
  BOOST_TEST(answer.error().error.code == code,
             answer.error().error.code << ": " << answer.error().error.cause);
  BOOST_TEST(answer.error().sent == sent, answer.error().error.cause);
  BOOST_TEST(answer.error().error.cause.find("canary-secret") == std::string::npos);
  BOOST_TEST(!answer.error().error.cause.empty());
}

// Answers the first request and does something else with the later ones.
TlsServer::Handler good_then(Reply later) {
  return
      [later](const Received& request) { return request.number == 1 ? test::json("{}") : later; };
}

// A port whose connections are made by the kernel, and which never says a word.
class SilentPort {
 public:
  SilentPort() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    BOOST_REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    BOOST_REQUIRE(::listen(socket_, 8) == 0);
    BOOST_REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  ~SilentPort() { ::close(socket_); }
  int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

}  // namespace http_tests

BOOST_AUTO_TEST_SUITE(http_tests)

BOOST_AUTO_TEST_CASE(request_arrives_as_it_was_given) {
  const TlsServer server(for_localhost(), ok);
  Http http(trusting());
  HttpRequest request = post(server, "a=1&b=%00");
  request.headers = {"X-Extra: yes"};
  const auto answer = http.send(request);
  BOOST_REQUIRE_MESSAGE(answer, cause(answer));
  BOOST_TEST(answer->status == 200);
  BOOST_TEST(answer->body == "{}");
  BOOST_TEST((answer->took >= 0 && answer->took < kMinute));
  BOOST_TEST(answer->content_type == "application/json; charset=utf-8");
  BOOST_TEST(answer->certificate_days_left == -1);
  const Received seen = server.requests().at(0);
  BOOST_TEST(seen.method == "POST");
  BOOST_TEST(seen.path == "/rest/1/canary-secret/m.json");
  BOOST_TEST(seen.body == "a=1&b=%00");
  for (const char* line : {"X-Extra: yes\r\n", "User-Agent: tests\r\n",
                           "Content-Type: application/x-www-form-urlencoded\r\n"}) {
    BOOST_TEST(seen.head.find(line) != std::string::npos, line);
  }
  BOOST_TEST(seen.head.find("Expect") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(other_methods_and_empty_bodies) {
  const TlsServer server(for_localhost(), ok);
  Http http(trusting());
  for (const char* method : {"GET", "POST", "PUT"}) {
    HttpRequest request = post(server, "");
    request.method = method;
    BOOST_REQUIRE(http.send(request));
    BOOST_TEST(server.requests().back().method == method);
    BOOST_TEST(server.requests().back().body.empty());
  }
}

BOOST_AUTO_TEST_CASE(proxy_of_the_environment_is_ignored, *shows("T5")) {
  const TlsServer server(for_localhost(), ok);
  const TlsServer proxy(nullptr, ok);
  const std::string address = "http://127.0.0.1:" + std::to_string(proxy.port());
  constexpr std::array kNames{"http_proxy", "https_proxy", "HTTPS_PROXY",
                              "HTTP_PROXY", "ALL_PROXY",   "all_proxy"};
  for (const char* name : kNames) ::setenv(name, address.c_str(), 1);
  Http http(trusting());
  const bool answered = http.send(post(server)).has_value();
  const TlsServer plain(nullptr, ok);
  const bool plain_answered = Http(trusting()).send(post(plain)).has_value();
  for (const char* name : kNames) ::unsetenv(name);
  BOOST_TEST(answered);
  BOOST_TEST(plain_answered);
  BOOST_TEST(proxy.connections() == 0);
}

BOOST_AUTO_TEST_CASE(bad_certificates_are_refused_before_anything_is_sent) {
  const test::Authority foreign;
  const struct {
    const char* what;
    std::shared_ptr<test::Certificate> certificate;
  } cases[] = {
      {"expired", authority().issue("localhost", -1)},
      {"of an unknown authority", foreign.issue("localhost")},
      {"for another name", authority().issue("other.example")},
  };
  for (const auto& [what, certificate] : cases) {
    BOOST_TEST_CONTEXT(what) {
      const TlsServer server(certificate, ok);
      check_failure(Http(trusting()).send(post(server)), "tls", false);
      BOOST_TEST(server.requests().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(bad_certificates_are_taken_when_verification_is_off) {
  const TlsServer server(authority().issue("other.example", -1), ok);
  HttpOptions options = trusting();
  options.verify = false;
  BOOST_TEST(Http(options).send(post(server)).has_value());
}

BOOST_AUTO_TEST_CASE(unreadable_authority_file_is_named) {
  const TlsServer server(for_localhost(), ok);
  HttpOptions options = trusting();
  options.ca_file = "/nonexistent/ca.pem";
  const auto answer = Http(options).send(post(server));
  check_failure(answer, "tls", false);
  BOOST_TEST(answer.error().error.remedy.find("ca_file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(days_left_of_the_certificate_are_told_when_asked) {
  const TlsServer server(authority().issue("localhost", 60), ok);
  HttpOptions options = trusting();
  options.certificate_info = true;
  Http http(options);
  for (int call = 0; call < 2; ++call) {  // the second is on the kept connection
    const auto answer = http.send(post(server));
    BOOST_REQUIRE(answer);
    BOOST_TEST(answer->certificate_days_left >= 48);
    BOOST_TEST(answer->certificate_days_left <= 50);
  }
  BOOST_TEST(server.connections() == 1);
}

BOOST_AUTO_TEST_CASE(connection_is_kept) {
  const TlsServer server(for_localhost(), ok);
  Http http(trusting());
  for (int call = 0; call < 3; ++call) BOOST_REQUIRE(http.send(post(server)));
  BOOST_TEST(server.requests().size() == 3U);
  BOOST_TEST(server.connections() == 1);
}

BOOST_AUTO_TEST_CASE(kept_connection_closed_while_idle_is_replaced) {
  const TlsServer server(for_localhost(), [](const Received&) {
    Reply reply = test::json("{}");
    reply.then = Reply::Then::close;
    return reply;
  });
  Http http(trusting());
  for (int call = 0; call < 3; ++call) {
    const auto answer = http.send(post(server));
    BOOST_REQUIRE_MESSAGE(answer, cause(answer));
    BOOST_REQUIRE(server.wait_until_closed());
  }
  BOOST_TEST(server.requests().size() == 3U);
  BOOST_TEST(server.connections() == 3);
}

// libcurl by itself sends such a request again: a lead would be made twice.
BOOST_AUTO_TEST_CASE(request_is_never_sent_twice_when_a_kept_connection_dies, *shows("A17")) {
  for (const Reply::Then then : {Reply::Then::close, Reply::Then::cut, Reply::Then::reset}) {
    for (const char* method : {"POST", "GET"}) {
      for (const char* body : {"fields[TITLE]=once", ""}) {
        const TlsServer server(for_localhost(), good_then({.bytes = "", .then = then}));
        Http http(trusting());
        BOOST_REQUIRE(http.send(post(server)));
        HttpRequest request = post(server, body);
        request.method = method;
        check_failure(http.send(request), "reset", true);
        BOOST_TEST(server.requests().size() == 2U);
        // The client goes on with a new connection.
        check_failure(http.send(request), "reset", true);
        BOOST_TEST(server.requests().size() == 3U);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(broken_answers_are_failures_and_may_have_been_acted_on, *shows("F5")) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const struct {
    const char* what;
    Reply reply;
    const char* code;
  } cases[] = {
      {"no answer", {"", Reply::Then::close}, "reset"},
      {"reset at once", {"", Reply::Then::reset}, "reset"},
      {"status line cut", {"HTTP/1.1 2", Reply::Then::close}, "reset"},
      {"headers cut", {"HTTP/1.1 200 OK\r\nContent-Le", Reply::Then::cut}, "reset"},
      {"body cut in good order",
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", Reply::Then::close},
       "reset"},
      {"body reset",
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", Reply::Then::reset},
       "reset"},
      {"chunks cut", {chunked + "2\r\n{}\r\n", Reply::Then::close}, "reset"},
      {"broken chunk", {chunked + "zz\r\n{}\r\n0\r\n\r\n", Reply::Then::close}, "reset"},
      {"headers cut in good order", {"HTTP/1.1 200 OK\r\nContent-Le", Reply::Then::close}, "reset"},
      {"headers without their end", {"HTTP/1.1 200 OK\r\nX: y\r\n", Reply::Then::close}, "reset"},
      {"only an interim answer", {"HTTP/1.1 100 Continue\r\n\r\n", Reply::Then::close}, "reset"},
      {"not HTTP", {"220 mail.example ESMTP\r\n", Reply::Then::close}, "not_http"},
  };
  for (const auto& [what, reply, code] : cases) {
    BOOST_TEST_CONTEXT(what) {
      const TlsServer server(for_localhost(), [&](const Received&) { return reply; });
      check_failure(Http(trusting()).send(post(server)), code, true);
      BOOST_TEST(server.requests().size() == 1U);
    }
  }
}

BOOST_AUTO_TEST_CASE(connection_broken_while_sending) {
  TlsServer server(for_localhost(), [](const Received&) { return Reply{"", Reply::Then::reset}; });
  server.leave_bodies_unread();
  check_failure(Http(trusting()).send(post(server, std::string(8 << 20, 'x'))), "reset", true);
}

BOOST_AUTO_TEST_CASE(chunked_answer_is_put_together) {
  const TlsServer server(for_localhost(), [](const Received&) {
    return Reply{
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n"};
  });
  const auto answer = Http(trusting()).send(post(server));
  BOOST_REQUIRE_MESSAGE(answer, cause(answer));
  BOOST_TEST(answer->body == "{\"a\":1}");
}

BOOST_AUTO_TEST_CASE(answer_over_the_limit_is_refused) {
  const TlsServer server(for_localhost(),
                         [](const Received&) { return test::json(std::string(2000, ' ')); });
  HttpOptions options = trusting();
  options.max_answer = 2000;
  BOOST_TEST(Http(options).send(post(server)).has_value());
  options.max_answer = 1999;
  check_failure(Http(options).send(post(server)), "too_large", true);
}

BOOST_AUTO_TEST_CASE(answer_that_never_comes_is_a_timeout_that_was_sent) {
  const TlsServer server(for_localhost(),
                         good_then({.bytes = "HTTP/1.1 200 OK\r\n", .then = Reply::Then::hold}));
  Http http(trusting());
  BOOST_REQUIRE(http.send(post(server)));
  http.options.total_time = 1'000;
  check_failure(http.send(post(server)), "timeout", true);
}

BOOST_AUTO_TEST_CASE(stop_gives_up_a_request_that_is_under_way_and_later_ones) {
  const TlsServer server(for_localhost(), [](const Received&) {
    return Reply{"HTTP/1.1 200 OK\r\n", Reply::Then::hold};
  });
  HttpOptions options = trusting();
  options.total_time = 3'600'000;
  Http http(options);
  std::stop_source stop;
  http.options.stop = stop.get_token();
  const std::jthread stopper([&] {
    test::wait_until([&] { return server.requests().size() == 1; });
    stop.request_stop();
  });
  check_failure(http.send(post(server)), "stopped", true);
  const auto later = http.send(post(server));
  BOOST_REQUIRE(!later);
  BOOST_TEST(later.error().error.code == "stopped");
}

BOOST_AUTO_TEST_CASE(stop_that_nobody_asks_for_disturbs_nothing) {
  const TlsServer server(for_localhost(), ok);
  Http http(trusting());
  std::stop_source stop;
  http.options.stop = stop.get_token();
  for (int i = 0; i < 3; ++i) BOOST_TEST(http.send(post(server)).has_value());
}

BOOST_AUTO_TEST_CASE(server_that_never_shakes_hands_is_a_timeout_that_was_not_sent) {
  const SilentPort port;
  HttpOptions options = trusting();
  options.connect_time = 100;
  HttpRequest request;
  request.url = "https://localhost:" + std::to_string(port.port()) + "/";
  check_failure(Http(options).send(request), "timeout", false);
}

BOOST_AUTO_TEST_CASE(nobody_there) {
  HttpRequest request;
  request.url = "https://localhost:" + std::to_string(test::free_port()) + "/rest/1/canary-secret/";
  check_failure(Http(trusting()).send(request), "connect", false);
  request.url = "https://" + std::string(64, 'x') + ".invalid/rest/1/canary-secret/";
  check_failure(Http(trusting()).send(request), "dns", false);
  for (const char* bad : {"", "localhost", "ftp://localhost/", "file:///etc/passwd", "https://",
                          "https://a b/", "gopher://localhost:1/"}) {
    request.url = bad;
    BOOST_TEST_CONTEXT(bad) {
      check_failure(Http(trusting()).send(request), "bad_url", false);
    }
  }
}

BOOST_AUTO_TEST_CASE(plain_server_behind_https_is_a_failed_handshake) {
  const TlsServer server(nullptr, ok);
  HttpRequest request;
  request.url = "https://localhost:" + std::to_string(server.port()) + "/";
  // The server waits for the end of headers that never come; its client hears nothing.
  HttpOptions options = trusting();
  options.connect_time = 100;
  check_failure(Http(options).send(request), "timeout", false);
}

BOOST_AUTO_TEST_CASE(redirects_within_the_server_keep_method_and_body) {
  for (const int status : {301, 302, 307, 308}) {
    for (const char* form : {"/moved?x=1", "https://localhost:PORT/moved?x=1",
                             "../../../../moved?x=1", "HTTPS://LOCALHOST:PORT/moved?x=1"}) {
      int port = 0;
      const TlsServer server(for_localhost(), [&](const Received& request) {
        if (request.path == "/moved?x=1") return test::json("{\"moved\":true}");
        std::string location = form;
        if (const std::size_t at = location.find("PORT"); at != std::string::npos)
          location.replace(at, 4, std::to_string(port));
        return test::answer(status, "", "Location: " + location + "\r\n");
      });
      port = server.port();
      HttpOptions options = trusting();
      options.follow_redirects = true;
      const auto answer = Http(options).send(post(server));
      BOOST_TEST_CONTEXT(status << " " << form) {
        BOOST_REQUIRE_MESSAGE(answer, cause(answer));
        BOOST_TEST(answer->body == "{\"moved\":true}");
        BOOST_TEST(server.requests().back().method == "POST");
        BOOST_TEST(server.requests().back().body == "a=1");
        BOOST_TEST(server.connections() == 1);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(redirects_elsewhere_are_refused, *shows("T21") * shows("A24")) {
  const TlsServer other(for_localhost(), ok);
  const TlsServer plain(nullptr, ok);
  const std::string port = std::to_string(other.port());
  const std::string targets[] = {
      other.url("/rest/1/canary-secret/m.json"),
      plain.url("/"),
      "//localhost:" + port + "/",
      "https://127.0.0.1:" + port + "/",
      "https://localhost@evil.invalid/",
      "https://user@localhost:SAME/",
      "http://localhost:SAME/",
      "ftp://localhost/",
      "https://evil.invalid\\@localhost:SAME/",
      "https:evil",
      "javascript:alert(1)",
  };
  for (const std::string& target : targets) {
    std::string location = target;
    const TlsServer server(for_localhost(), [&](const Received&) {
      return test::answer(302, "", "Location: " + location + "\r\n");
    });
    if (const std::size_t at = location.find("SAME"); at != std::string::npos)
      location.replace(at, 4, std::to_string(server.port()));
    HttpOptions options = trusting();
    options.follow_redirects = true;
    BOOST_TEST_CONTEXT(target) {
      check_failure(Http(options).send(post(server)), "redirect_refused", false);
      BOOST_TEST(server.requests().size() == 1U);
    }
  }
  BOOST_TEST(other.connections() == 0);
  BOOST_TEST(plain.connections() == 0);
}

BOOST_AUTO_TEST_CASE(see_other_is_not_followed_with_the_request) {
  const TlsServer server(for_localhost(), [](const Received&) {
    return test::answer(303, "", "Location: /done\r\n");
  });
  HttpOptions options = trusting();
  options.follow_redirects = true;
  check_failure(Http(options).send(post(server)), "redirect_refused", true);
  BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(redirects_are_followed_five_times_at_most_and_only_when_asked) {
  const TlsServer server(for_localhost(), [](const Received&) {
    return test::answer(307, "", "Location: /again\r\n");
  });
  HttpOptions options = trusting();
  const auto unasked = Http(options).send(post(server));
  BOOST_REQUIRE(unasked);
  BOOST_TEST(unasked->status == 307);
  options.follow_redirects = true;
  check_failure(Http(options).send(post(server)), "redirect_refused", false);
  BOOST_TEST(server.requests().size() == 1U + 6U);
}

// In a process of its own, since a libcurl that was loaded stays.
BOOST_AUTO_TEST_CASE(without_libcurl_every_send_fails_with_a_remedy) {
  constexpr const char* kMark = "B24HOOKS_TEST_WITHOUT_LIBCURL";
  if (::getenv(kMark) == nullptr) {
    const test::TempDir dir;
    test::write_file(dir / "libcurl.so.4", "not a library");
    const test::Ran child = test::run(
        {.args = {"/proc/self/exe",
                  "--run_test=http_tests/without_libcurl_every_send_fails_with_a_remedy"},
         .environment = {std::string(kMark) + "=1", "LD_LIBRARY_PATH=" + dir.path().string()},
         .input = "",
         .fds = {},
         .directory = {}});
    BOOST_TEST(child.status == 0, child.out << child.err);
    return;
  }
  Http http({});
  for (int i = 0; i < 2; ++i) {
    const auto answer = http.send({});
    check_failure(answer, "curl_missing", false);
    BOOST_TEST(answer.error().error.remedy.find("apt install libcurl4") != std::string::npos);
  }
  BOOST_TEST(Http::version().error().code == "curl_missing");
}

BOOST_AUTO_TEST_CASE(version_names_both_libraries) {
  BOOST_TEST(Http::version().value().starts_with("libcurl 7."));
  BOOST_TEST(Http::version().value().find("OpenSSL/") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
