// web_server_tests: the same answers behind Apache, nginx, lighttpd and Caddy, by the examples.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <future>
#include <vector>

#include "decorators.h"
#include "echo_server.h"
#include "form_client.h"
#include "web_server.h"

using namespace b24::test;

namespace web_server_tests {

const std::string kForm = "Content-Type: application/x-www-form-urlencoded";
constexpr WebServerKind kAllByFastCgi[] = {WebServerKind::apache_fcgid, WebServerKind::apache_proxy,
                                           WebServerKind::lighttpd, WebServerKind::nginx};

std::string event(int number, const std::string& token) {
  return "event=ONCRMDEALUPDATE&event_handler_id=1&data[FIELDS][ID]=" + std::to_string(number) +
         "&ts=1700000000&auth[application_token]=" + token;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t result = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++result;
  return result;
}

void the_pages_answer_at_their_addresses(const WebServer& server) {
  for (const char* path : {"/", "/index", "/index.php", "/index.php?utm_source=x", "/?-s", "/?s"}) {
    const HttpReply reply = server.get(path);
    BOOST_TEST(reply.status == 200, path << " " << reply.raw << server.errors());
    BOOST_TEST(reply.body.contains("name=\"form_token\""), path);
    BOOST_TEST(reply.header("content-security-policy").contains("default-src 'none'"));
    BOOST_TEST(reply.header("content-type") == "text/html; charset=utf-8");
  }
  const HttpReply callback = server.get("/callback?utm_source=x");
  BOOST_TEST(callback.body.contains("<h1>Call me back</h1>"), callback.raw << server.errors());
  BOOST_TEST(callback.body.contains("form=callback"));
  const HttpReply sent = server.post("/callback", "phone=%2B1+202+555+0100&form_token=" +
                                                      input_value(callback.body, "form_token"));
  BOOST_TEST(sent.status == 202, sent.raw << server.errors());
  BOOST_TEST(sent.body.contains("has been received"), sent.body);
  BOOST_TEST(server.get("/callback/more").status == 404);
  BOOST_TEST(server.get("/handler.php").status == 200);
  BOOST_TEST(server.get("/checkserver").status != 404);
  BOOST_TEST(server.get("/checkserver.php?format=json").body.contains("\"verdict\":"));
  for (const char* path : {"/handler.php/more", "/settings.conf", "/data/store.db", "/indexx",
                           "/cgi-bin/index.fcgi"}) {
    BOOST_TEST(server.get(path).status >= 400, path);
  }
}

void events_are_taken_once_and_strangers_are_not(const WebServer& server) {
  constexpr int kEvents = 20;
  for (int i = 0; i < kEvents; ++i) {
    const HttpReply reply = server.post("/handler.php", event(i, WebServer::token()));
    BOOST_TEST(reply.status == 200, reply.raw << server.errors());
    BOOST_TEST(reply.body == "");
  }
  BOOST_TEST(server.post("/handler.php", event(99, "wrong")).status == 403);
  BOOST_TEST(server.post("/handler.php", "").status == 403);
  wait_until([&] { return count(server.hook_log(), "[event] => ONCRMDEALUPDATE\n") == kEvents; });
  const std::string log = server.hook_log();
  BOOST_TEST(count(log, "[event] => ONCRMDEALUPDATE\n") == kEvents);
  for (int i = 0; i < kEvents; ++i) {
    BOOST_TEST(count(log, "[ID] => " + std::to_string(i) + "\n") == 1);
  }
}

void large_bodies_are_read_whole_or_refused_by_the_page(const WebServer& server) {
  const std::string fair(900'000, 'x'), large(1'500'000, 'x');
  const HttpReply whole =
      server.post("/handler.php", event(1, WebServer::token()) + "&data[TEXT]=" + fair);
  BOOST_TEST(whole.status == 200, whole.raw << server.errors());
  BOOST_TEST(server.hooked(fair));
  const HttpReply refused =
      server.post("/handler.php", event(1000, WebServer::token()) + "&data[TEXT]=" + large);
  BOOST_TEST(refused.status == 413, refused.raw.substr(0, 500) << server.errors());
  BOOST_TEST(refused.header("x-content-type-options") != "");
  BOOST_TEST(!server.hook_log().contains("[ID] => 1000\n"));
}

// Caddy says that its length is -1, and that is no length.
void a_chunked_body_is_read_to_its_end(const WebServer& server, WebServerKind kind) {
  const std::string body = event(3000, WebServer::token());
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 10) {
    const std::string some = body.substr(at, 10);
    chunks += (some.size() == 10 ? "a" : std::to_string(some.size())) + "\r\n" + some + "\r\n";
  }
  const HttpReply reply = parse_reply(send_raw(
      server.port(),
      "POST /handler.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n" +
          chunks + "0\r\n\r\n"));
  const bool taken = kind != WebServerKind::caddy;
  BOOST_TEST(reply.status == (taken ? 200 : 400), reply.raw << server.errors());
  if (taken) BOOST_TEST(server.hooked("[ID] => 3000\n"));
}

void behind_a_proxy_the_address_is_the_visitors(const WebServer& server) {
  const auto tells_all = [&](std::vector<std::string> headers) {
    const HttpReply reply =
        http(server.port(), {"GET", "/checkserver.php?format=json", std::move(headers), ""});
    BOOST_TEST(reply.body.contains("\"verdict\":"), reply.raw << server.errors());
    return reply.body.contains("\"checks\":");
  };
  BOOST_TEST(!tells_all({}));
  BOOST_TEST(tells_all({"X-Forwarded-For: 203.0.113.9"}));
  BOOST_TEST(!tells_all({"X-Forwarded-For: 203.0.113.9, 198.51.100.7"}));
}

void http2_reaches_them_as_well(const WebServer& server) {
  const std::string page = server.by_http2("/index.php");
  BOOST_TEST(page.starts_with("200 2\n"), page.substr(0, 100) << server.errors());
  BOOST_TEST(page.contains("name=\"form_token\""));
  const std::string fair(900'000, 'y');
  const std::string posted =
      server.by_http2("/handler.php", event(2, WebServer::token()) + "&data[TEXT]=" + fair);
  BOOST_TEST(posted == "200 2\n", posted.substr(0, 100) << server.errors());
  BOOST_TEST(server.hooked(fair));
}

// Posts events, each with a number of its own, until so many were answered with 200 or
// no more are; their numbers.
std::vector<int> post_until(const WebServer& server, int number, int answered) {
  std::vector<int> numbers;
  const auto post = [&] {
    const HttpReply reply = server.post("/handler.php", event(++number, WebServer::token()));
    if (reply.status == 200) numbers.push_back(number);
    return std::ssize(numbers) >= answered;
  };
  wait_until(post, 3 * kDeadline);
  return numbers;
}

void what_was_answered_outlives_kills_and_reloads(WebServer& server) {
  std::vector<int> answered;
  for (int turn = 1; turn <= 2; ++turn) {
    auto others = std::async(std::launch::async, post_until, std::cref(server), turn * 100'000, 40);
    std::vector<int> own = post_until(server, turn * 100'000 + 50'000, 10);
    server.kill_handler();
    answered.insert(answered.end(), own.begin(), own.end());
    server.reload();
    for (auto more : {post_until(server, turn * 100'000 + 70'000, 20), others.get()})
      answered.insert(answered.end(), more.begin(), more.end());
    BOOST_TEST(std::ssize(answered) >= turn * 70, answered.size() << server.errors());
  }
  const auto times = [](const std::string& log, int number) {
    return count(log, "[ID] => " + std::to_string(number) + "\n");
  };
  BOOST_TEST(wait_until([&] {
    const std::string log = server.hook_log();
    return std::ranges::all_of(answered, [&](int each) { return times(log, each) > 0; });
  }));
  const std::string log = server.hook_log();
  for (const int number : answered) BOOST_TEST(times(log, number) == 1, number);
}

void all_is_as_it_should_be(WebServerKind kind) {
  WebServer server(kind);
  the_pages_answer_at_their_addresses(server);
  events_are_taken_once_and_strangers_are_not(server);
  large_bodies_are_read_whole_or_refused_by_the_page(server);
  a_chunked_body_is_read_to_its_end(server, kind);
  behind_a_proxy_the_address_is_the_visitors(server);
  http2_reaches_them_as_well(server);
  what_was_answered_outlives_kills_and_reloads(server);
}

}  // namespace web_server_tests

BOOST_AUTO_TEST_SUITE(web_server_tests)

BOOST_AUTO_TEST_CASE(apache_runs_them_as_cgi, *shows("T9") * shows("T12")) {
  all_is_as_it_should_be(WebServerKind::apache_cgi);
}

BOOST_AUTO_TEST_CASE(apache_runs_them_by_mod_fcgid, *shows("T9") * shows("T12")) {
  all_is_as_it_should_be(WebServerKind::apache_fcgid);
}

BOOST_AUTO_TEST_CASE(apache_reaches_them_by_mod_proxy_fcgi, *shows("T9") * shows("T12")) {
  all_is_as_it_should_be(WebServerKind::apache_proxy);
}

BOOST_AUTO_TEST_CASE(nginx_reaches_them, *shows("T9") * shows("T12")) {
  all_is_as_it_should_be(WebServerKind::nginx);
}

BOOST_AUTO_TEST_CASE(caddy_reaches_them) {
  all_is_as_it_should_be(WebServerKind::caddy);
}

BOOST_AUTO_TEST_CASE(without_the_receiver_its_backup_takes_every_event, *shows("A8")) {
  WebServer server(WebServerKind::nginx);
  server.end("handler");
  constexpr int kEvents = 200;
  for (int i = 0; i < kEvents; ++i) {
    const HttpReply reply = server.post("/handler.php", event(i, WebServer::token()));
    BOOST_TEST(reply.status == 200, reply.raw << server.errors());
  }
  const auto written = [&] { return count(server.hook_log(), "[event] =>"); };
  BOOST_TEST(wait_until([&] { return written() >= kEvents; }));
  BOOST_TEST(written() == kEvents);
}

BOOST_AUTO_TEST_CASE(a_thousand_slow_senders_hold_up_nobody,
                     *shows("T19") * shows("F8") * shows("A11")) {
  allow_many_descriptors();
  for (const WebServerKind kind : kAllByFastCgi) {
    BOOST_TEST_CONTEXT(static_cast<int>(kind)) {
      const WebServer server(kind);
      const auto slow = slow_posts(server.port(), "/handler.php", 1000);
      BOOST_TEST(std::ranges::all_of(slow, [](const auto& one) { return one.get() >= 0; }));
      for (int i = 0; i < 20; ++i) {
        const HttpReply reply = server.post("/handler.php", event(i, WebServer::token()));
        BOOST_TEST(reply.status == 200, reply.raw << server.errors());
      }
      BOOST_TEST(!server.hook_log().contains("ONSLOW"));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_burst_of_two_thousand_events_is_taken_whole, *shows("A6")) {
  constexpr int kEvents = 2000;
  allow_many_descriptors();
  std::vector<HttpCall> calls;
  for (int i = 0; i < kEvents; ++i)
    calls.push_back({"POST", "/handler.php", {kForm}, event(i, WebServer::token())});
  for (const WebServerKind kind : kAllByFastCgi) {
    BOOST_TEST_CONTEXT(static_cast<int>(kind)) {
      const WebServer server(kind);
      const auto replies = burst(server.port(), calls);
      BOOST_TEST(std::ranges::count(replies, 200, &HttpReply::status) == kEvents, server.errors());
      BOOST_TEST(wait_until(
          [&] { return count(server.hook_log(), "[event] => ONCRMDEALUPDATE\n") == kEvents; },
          3 * kDeadline));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_directory_of_a_site_that_has_a_home_page_is_enough) {
  for (const WebServerKind kind :
       {WebServerKind::apache_cgi, WebServerKind::apache_fcgid, WebServerKind::apache_proxy,
        WebServerKind::lighttpd, WebServerKind::nginx, WebServerKind::caddy}) {
    const WebServer server(kind, "/crm");
    BOOST_TEST_CONTEXT(static_cast<int>(kind)) {
      BOOST_TEST(server.get("/").body == "the home page", server.errors());
      for (const char* path : {"/crm/", "/crm/index", "/crm/index.php?utm_source=x"})
        BOOST_TEST(server.get(path).body.contains("name=\"form_token\""), path << server.errors());
      BOOST_TEST(server.post("/crm/handler.php", event(1, WebServer::token())).status == 200);
      BOOST_TEST(server.get("/crm/checkserver.php?format=json").body.contains("\"verdict\":"));
      for (const char* path :
           {"/index.php", "/handler.php", "/checkserver.php", "/crm/settings.conf"})
        BOOST_TEST(server.get(path).status >= 400, path);
    }
  }
}

BOOST_AUTO_TEST_CASE(lighttpd_runs_them_by_fastcgi) {
  all_is_as_it_should_be(WebServerKind::lighttpd);
}

BOOST_AUTO_TEST_SUITE_END()
