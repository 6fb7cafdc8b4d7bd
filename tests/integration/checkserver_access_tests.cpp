// checkserver_access_tests: who sees what of the self-check, that no secret is ever in it, and that
// many who ask share one run.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <set>
#include <thread>

#include "base/clock.h"
#include "check_site.h"
#include "checkserver/access.h"
#include "decorators.h"
#include "value/json.h"

namespace checkserver_access_tests {

using namespace b24::test;
using b24::Value;

const std::string kPage = kCheckPage;
const std::string kKeyHeader = std::string("X-B24hooks-Key: ") + kCheckKey;
const std::string kWrongHeader = "X-B24hooks-Key: wrong-key-0123456789";
constexpr const char* kFormats[] = {"html", "json", "text", "crest", "metrics"};

HttpReply get(const Site& site, const std::string& query, std::vector<std::string> headers = {}) {
  return http(site.port(), {"GET", kPage + query, std::move(headers), ""});
}

std::string pair_of(const std::string& set_cookie) {
  return set_cookie.substr(0, set_cookie.find(';'));
}

// What only the details have.
bool shows_details(const std::string& body) {
  return body.contains("<table") || body.contains("\"checks\"") || body.contains("check_state");
}

std::string header_of(const FcgiAnswer& answer, const std::string& name) {
  const std::size_t at = answer.head.find("\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 3;
  return answer.head.substr(begin, answer.head.find('\n', begin) - begin);
}

}  // namespace checkserver_access_tests

BOOST_AUTO_TEST_SUITE(checkserver_access_tests)

BOOST_AUTO_TEST_CASE(each_access_shows_what_it_says) {
  const Site& site = breakable_site();
  struct Case {
    const char* access;
    int page, json, with_key, wrong_key;  // statuses
    bool details;
  };
  for (const Case& c :
       {Case{"public", 200, 200, 200, 200, true}, Case{"summary", 200, 200, 200, 403, false},
        Case{"key", 403, 403, 200, 403, false}, Case{"off", 404, 404, 404, 404, false}}) {
    const ChangedSetting changed(site, "access", std::string(c.access) + "\nkey = " + kCheckKey);
    BOOST_REQUIRE(wait_until([&] { return get(site, "").status == c.page; }));
    BOOST_REQUIRE(wait_until([&] { return shows_details(get(site, "").body) == c.details; }));
    BOOST_TEST_CONTEXT(c.access) {
      for (const std::string& key : {std::string(), std::string("&key=") + kCheckKey}) {
        const HttpReply json = get(site, "?format=json" + key);
        BOOST_TEST(json.status == c.json);
        BOOST_TEST(shows_details(json.body) == c.details);
        BOOST_TEST(shows_details(get(site, "?format=metrics" + key).body) == c.details);
      }
      const HttpReply opened = get(site, "?format=json", {kKeyHeader});
      BOOST_TEST(opened.status == c.with_key);
      BOOST_TEST(shows_details(opened.body) == (c.with_key == 200));
      BOOST_TEST(get(site, "?format=json", {kWrongHeader}).status == c.wrong_key);
      for (const char* format : kFormats) {
        BOOST_TEST(!get(site, "?format=" + std::string(format)).raw.contains(kCheckKey));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(strangers_learn_the_verdict_alone) {
  const Site& site = breakable_site();
  const ChangedSetting changed(site, "access", std::string("summary\nkey = ") + kCheckKey);
  BOOST_REQUIRE(wait_until([&] { return get(site, "").body.contains("type=\"password\""); }));
  // A busy disk is told of, too, and for strangers the verdict is made anew once a minute.
  BOOST_TEST(wait_until([&] { return get(site, "").body.contains("All is well"); }, kDeadline * 6));
  for (const char* format : kFormats) {
    const std::string body = get(site, "?format=" + std::string(format)).body;
    for (const std::string& detail :
         {std::string("<svg"), site.run_dir().string(), std::string("nginx"), std::string("SQLite"),
          std::string("localhost")}) {
      BOOST_TEST(!body.contains(detail), format << " " << detail);
    }
  }
  BOOST_TEST(parsed_json(get(site, "?format=json").body).size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_key_is_posted_once_for_a_cookie) {
  const BareCheck bare(std::string("[checkserver]\naccess = key\nkey = ") + kCheckKey);
  const CheckServer server(bare);
  const std::string body = std::string("key=") + kCheckKey;
  const FcgiAnswer wrong = server.post("key=wrong-key-0123456789");
  BOOST_TEST(wrong.status == 403);
  BOOST_TEST(header_of(wrong, "Set-Cookie").empty());
  const FcgiAnswer right = server.post(body);
  BOOST_TEST(right.status == 303);
  BOOST_TEST(!(right.head + right.body).contains(kCheckKey));
  const std::string cookie = header_of(right, "Set-Cookie");
  BOOST_TEST(cookie.contains("; HttpOnly; SameSite=Strict"));
  BOOST_TEST(cookie.contains("; Max-Age=3600"));
  BOOST_TEST(!cookie.contains("Secure"));
  BOOST_TEST(header_of(server.post(body, {{"HTTPS", "on"}}), "Set-Cookie").contains("; Secure"));

  const auto opens = [&](const std::string& given) {
    return shows_details(server.get("", {{"HTTP_COOKIE", given}}).body);
  };
  BOOST_TEST(opens(pair_of(cookie)));
  BOOST_TEST(opens("other=1; " + pair_of(cookie)));
  BOOST_TEST(!opens(pair_of(cookie) + "x"));
  BOOST_TEST(!opens(""));
  b24::Settings settings;
  settings.checkserver.key = kCheckKey;
  const b24::Millis now = b24::now_ms();
  const b24::Millis hour = b24::access::kCookieLifetime;
  BOOST_TEST(opens(pair_of(b24::access::make_cookie({}, settings, now - hour / 2))));
  BOOST_TEST(!opens(pair_of(b24::access::make_cookie({}, settings, now - 2 * hour))));
  BOOST_TEST(!opens(pair_of(b24::access::make_cookie({}, settings, now + 2 * hour))));
  settings.checkserver.key = "another-key-0123456789";
  BOOST_TEST(!opens(pair_of(b24::access::make_cookie({}, settings, now))));
}

BOOST_AUTO_TEST_CASE(listed_networks_need_no_key_and_cannot_be_pretended) {
  const BareCheck bare(
      "[server]\ntrusted_proxies = 127.0.0.1\n[checkserver]\naccess = key\nkey = " +
      std::string(kCheckKey) + "\nnetworks = 198.51.100.0/24 2001:db8::/32");
  const CheckServer server(bare);
  struct Case {
    const char* address;
    const char* forwarded_for;
    bool open;
  };
  for (const Case& c :
       {Case{"198.51.100.7", "", true}, Case{"2001:db8::1", "", true}, Case{"192.0.2.7", "", false},
        Case{"192.0.2.7", "198.51.100.7", false}, Case{"127.0.0.1", "198.51.100.7", true},
        Case{"127.0.0.1", "198.51.100.7, 192.0.2.7", false}, Case{"127.0.0.1", "", false}}) {
    const FcgiAnswer answer = server.get(
        "format=json", {{"REMOTE_ADDR", c.address}, {"HTTP_X_FORWARDED_FOR", c.forwarded_for}});
    BOOST_TEST(shows_details(answer.body) == c.open, c.address << " " << c.forwarded_for);
  }
}

BOOST_AUTO_TEST_CASE(keys_cannot_be_tried_for_ever) {
  const BareCheck bare(std::string("[checkserver]\naccess = summary\nkey = ") + kCheckKey);
  const CheckServer server(bare);
  const auto by_post = [&](int i) {
    return server.post("key=wrong-key-" + std::to_string(1'000'000 + i)).status;
  };
  const auto by_header = [&](int i) {
    const Params params = {{"REMOTE_ADDR", "192.0.2.99"},
                           {"HTTP_X_B24HOOKS_KEY", "wrong-key-" + std::to_string(1'000'000 + i)}};
    return server.get("format=json", params).status;
  };
  // Tries are counted by the minute, and a minute may end amid them.
  const auto is_stopped = [](const auto& attempt) {
    int refused = 0;
    for (int i = 0; i < 100; ++i) {
      const int status = attempt(i);
      if (status == 429) return refused >= 30;
      if (status != 403) return false;
      ++refused;
    }
    return false;
  };
  // A program with the right key reads one page after the other.
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(server.get("format=json", {{"HTTP_X_B24HOOKS_KEY", kCheckKey}}).status != 429);
  BOOST_TEST(is_stopped(by_post));
  BOOST_TEST(is_stopped(by_header));
  // Then the right key does not tell either; from elsewhere it does.
  const std::string right = std::string("key=") + kCheckKey;
  BOOST_TEST(server.post(right).status == 429);
  BOOST_TEST(server.post(right, {{"REMOTE_ADDR", "192.0.2.100"}}).status == 303);
}

BOOST_AUTO_TEST_CASE(wrong_keys_from_one_address_do_not_lock_out_the_right_one_from_another) {
  const BareCheck bare(std::string("[checkserver]\naccess = summary\nkey = ") + kCheckKey);
  const CheckServer server(bare);
  int stopped = 0;
  for (int i = 0; i < 70; ++i)  // a minute may end amid them
    stopped += server.post("key=wrong", {{"REMOTE_ADDR", "192.0.2.7"}}).status == 429 ? 1 : 0;
  BOOST_TEST(stopped > 0);
  BOOST_TEST(server.post(std::string("key=") + kCheckKey, {{"REMOTE_ADDR", "192.0.2.8"}}).status ==
             303);
  const auto asked =
      server.get("format=json", {{"REMOTE_ADDR", "192.0.2.8"}, {"HTTP_X_B24HOOKS_KEY", kCheckKey}});
  BOOST_TEST(shows_details(asked.body));
}

BOOST_AUTO_TEST_CASE(other_methods_are_refused, *shows("T9")) {
  const BareCheck bare("[checkserver]\naccess = public");
  const CheckServer server(bare);
  for (const char* method : {"DELETE", "OPTIONS"})
    BOOST_TEST(server.get("", {{"REQUEST_METHOD", method}}).status == 405, method);
  BOOST_TEST(server.get("", {{"PATH_INFO", "/more"}}).status == 404);
}

// Each secret that the settings may hold, in every form, for everybody, whatever is broken.
BOOST_AUTO_TEST_CASE(no_secret_is_shown_to_anybody, *shows("T25") * shows("F11") * shows("A25")) {
  const std::string secrets =
      "[portal]\napplication_token = canary-token-0123456789\n"
      "[spam]\ncaptcha = turnstile\ncaptcha_site_key = site\ncaptcha_secret = canary-captcha-0123\n"
      "[on ONCRMDEALUPDATE]\nforward = https://canary-forward.example/?canary=1\n"
      "forward_secret = whsec_canarycanarycanary\n"
      "[site]\npublic_url = https://127.0.0.1:1/rest/1/canary-webhook-0123/\n"
      "[checkserver]\nkey = canary-owner-0123456789\naccess = ";
  const std::string key = "canary-owner-0123456789";
  for (const char* access : {"public", "summary", "key", "off"}) {
    const BareCheck bare(secrets + access, "https://127.0.0.1:1/rest/1/canary-webhook-0123/");
    const CheckServer server(bare);
    std::string all;
    const auto look = [&] {
      for (const char* format : kFormats) {
        all += run_check(bare.settings(), format).out;
        for (const std::string& given : {std::string(), key, std::string("wrong-0123456789")}) {
          const Params params = {{"HTTP_X_B24HOOKS_KEY", given}};
          const FcgiAnswer answer = server.get(std::string("format=") + format, params);
          all += answer.head + answer.body;
        }
      }
      const FcgiAnswer posted = server.post("key=" + key);
      all += posted.head + posted.body;
    };
    look();
    // The newest file is broken where a secret stands: the old settings stay in use.
    const std::string good = read_file(bare.settings());
    for (const char* line : {"[portal]\napplication_token canary-token-0123456789==\n",
                             "[checkserver]\nkey canary-owner-0123456789: x\n"}) {
      write_file(bare.settings(), good + line);
      if (std::string(access) == "public") {
        BOOST_REQUIRE(
            wait_until([&] { return server.get("format=json").body.contains("newest"); }));
      }
      look();
    }
    for (const std::string& text : {all, server.err(), read_file(bare.data() / "checkserver.json"),
                                    read_file(bare.data() / "b24hooks.log")}) {
      const std::size_t at = text.find("canary");
      BOOST_TEST(at == std::string::npos, access << ": " << text.substr(std::min(at, text.size())));
    }
  }
}

BOOST_AUTO_TEST_CASE(without_settings_strangers_learn_what_kind_of_thing_is_wrong) {
  const BareCheck bare("[checkserver]\nkey canary-owner-0123456789: x");
  const CheckServer server(bare);
  for (const char* format : kFormats) {
    const FcgiAnswer answer = server.get(std::string("format=") + format);
    BOOST_TEST(answer.status == 503, format);
    const std::string all = answer.head + answer.body;
    BOOST_TEST(!all.contains(bare.dir.path().string()), all);
    BOOST_TEST(!all.contains("canary"), all);
  }
  const std::string page = server.get("", {{"HTTP_ACCEPT_LANGUAGE", "ru"}}).body;
  BOOST_TEST(page.contains("(unknown_key)"), page);
  BOOST_TEST(page.contains("Владельцу: запустите checkserver.fcgi"));
  // The owner has the error log.
  BOOST_TEST(wait_until([&] { return server.err().contains(bare.settings().string() + ":"); }));
  BOOST_TEST(!server.err().contains("canary"));
}

BOOST_AUTO_TEST_CASE(many_at_once_share_one_run) {
  const Site& site = breakable_site();
  BOOST_REQUIRE(wait_until([&] { return shows_details(get(site, "?format=json").body); }));
  site.reset();
  std::mutex mutex;
  std::set<std::string> runs;
  int answered = 0;
  {
    std::vector<std::jthread> askers;
    for (int i = 0; i < 12; ++i) {
      askers.emplace_back([&] {
        const auto report = b24::json::parse(get(site, "?format=json").body);
        const std::lock_guard lock(mutex);
        if (!report) return;
        ++answered;
        runs.insert((*report)["checked_at"].text());
      });
    }
  }
  BOOST_TEST(answered == 12);
  // One run, but for one that was kept from before; or more, where twelve answers take seconds.
  const std::size_t calls = site.calls("batch").size();
  BOOST_TEST(calls <= runs.size());
  BOOST_TEST(runs.size() <= calls + 1);
  BOOST_TEST(calls < 6U);
}

BOOST_AUTO_TEST_CASE(cgi_processes_share_runs_too) {
  const ScriptedPortal portal;
  const BareCheck bare = portal.check("[checkserver]\naccess = public");
  b24::test::Command command{
      {built("cgi-bin/checkserver.fcgi")},
      {"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=GET", "QUERY_STRING=format=json",
       "REMOTE_ADDR=192.0.2.1", "SERVER_SOFTWARE=Apache/2.4",
       "B24HOOKS_SETTINGS=" + bare.settings().string()}};
  std::set<std::string> runs;
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 6; ++i) all.push_back(std::make_unique<Process>(command));
  for (const auto& process : all) {
    BOOST_REQUIRE(process->wait().has_value());
    const HttpReply reply = parse_reply("HTTP/1.1 200 OK\r\n" + process->out());
    const Value report = parsed_json(reply.body);
    runs.insert(report["checked_at"].text());
    // As root there is a warning.
    const Value row = check_row(report, "process");
    BOOST_TEST(row["detail"].text().starts_with("CGI"));
    BOOST_TEST(row["detail"].text().contains("web server: Apache/2.4"));
  }
  BOOST_TEST(runs.size() == portal.batches());
  BOOST_TEST(runs.size() < 4U);
}

BOOST_AUTO_TEST_SUITE_END()
