// hostile_tests: what nobody sends in good faith, through nginx, through Apache and to the programs
// themselves: no program ends, none answers as to an event or a lead, and nothing is kept.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "decorators.h"
#include "fcgi_client.h"
#include "web_server.h"

using namespace b24::test;

namespace hostile_tests {

struct Input {
  std::string method = "POST";
  std::string page = "handler";
  std::string more = {};  // behind the page's name
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
};

const std::string kForm = "application/x-www-form-urlencoded";
const std::string kStrangers = "event=ONX&auth[application_token]=guess&email=nobody";
const std::string kForged = "event=ONX&auth[application_token]=" + WebServer::token();

Input with_header(const std::string& name, const std::string& value, const std::string& body) {
  return {.headers = {{"Content-Type", kForm}, {name, value}}, .body = body};
}

void add_methods_and_paths(std::vector<Input>& all) {
  using namespace std::string_literals;
  for (const char* page : {"handler", "index", "checkserver"}) {
    for (const char* method : {"PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "post", "G\tT"})
      all.push_back({.method = method, .page = page, .body = kForged});
    for (const std::string& more :
         {"/more"s, "//"s, "/%00"s, "/%0a"s, "%0a"s, "/%2e%2e/settings.conf"s, "/\xC8\xBA.php"s,
          ";x"s, "/.php"s, "%20"s, "/?-s"s, "/index.php"s, "/%0d%0aSet-Cookie:%20a=b"s}) {
      for (const char* method : {"GET", "POST"})
        all.push_back({.method = method,
                       .page = page,
                       .more = more,
                       .headers = {{"Content-Type", kForm}},
                       .body = kForged});
    }
  }
}

void add_lengths(std::vector<Input>& all) {
  for (const char* length : {"+57", "-1", "0x39", "57,57", "57 57", "57.0", "1e2", "\xEF\xBC\x95",
                             "18446744073709551673", "99999999999999999999999999", "a", "0"})
    all.push_back(with_header("Content-Length", length, kForged));
  const std::string hidden =
      "0\r\n\r\nPOST /handler.php HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + kForm +
      "\r\nContent-Length: " + std::to_string(kForged.size()) + "\r\n\r\n" + kForged +
      "&auth[application_token]=guess";  // as one body it is a stranger's
  for (const char* coding : {"chunked", "Chunked", "gzip, chunked", "xchunked", "chunked\x0b",
                             "identity", "chunked;q=1", ",chunked", "\"chunked\""})
    all.push_back(with_header("Transfer-Encoding", coding, hidden));
}

void add_headers(std::vector<Input>& all) {
  using namespace std::string_literals;
  const std::string values[] = {"a\0b"s,
                                "\x1b[2J",
                                "a\rb",
                                "a\r\nSet-Cookie: a=b",
                                "\xff\xfe\xc2",
                                "\xe2\x80\xa8",
                                "\xc2\x85",
                                std::string(20'000, 'x'),
                                "() { :;}; touch /tmp/b24hooks-never",
                                "' OR 1=1 --",
                                "../../../../etc/passwd",
                                "{{{script}}}{{t.hello}}",
                                "%0d%0aSet-Cookie: a=b",
                                "\"><svg onload=alert(1)>",
                                "true",
                                ";;,,==\"\"\\",
                                "http://127.0.0.1:1/",
                                "=HYPERLINK(\"x\")"};
  for (const char* name :
       {"Cookie", "Origin", "Referer", "X-Forwarded-For", "Accept-Language", "Accept", "User-Agent",
        "Proxy", "Redirect-Status", "Sec-Fetch-Site", "X-B24hooks-Key", "Authorization",
        "X-Original-URL", "X-Accel-Redirect", "Range", "Content-Type"}) {
    for (const std::string& value : values) all.push_back(with_header(name, value, kStrangers));
  }
}

void add_tokens(std::vector<Input>& all) {
  const std::string token = WebServer::token();
  const std::string forged[] = {"application_token=" + token,
                                "auth=" + token,
                                "auth[]=" + token,
                                "auth[application_token][]=" + token,
                                "auth[application_token][x]=" + token,
                                "auth[application_token]=" + token + "%00",
                                "auth[application_token]=" + token + "+",
                                "auth[application_token]=+" + token,
                                "auth[application_token]=%00" + token,
                                "auth[application_token]=" + token.substr(1),
                                "auth[application_token]=" + token + token,
                                "auth[APPLICATION_TOKEN]=" + token,
                                "AUTH[application_token]=" + token,
                                "auth[application_token%00]=" + token,
                                "auth%00[application_token]=" + token,
                                "auth[application_token]=" + token + "&auth[application_token]=x",
                                "auth[application_token]=" + token + "&auth=x",
                                "auth[application_token]=*",
                                "auth[application_token]=",
                                "auth[application_token]",
                                "data[auth][application_token]=" + token,
                                "auth.application_token=" + token,
                                "auth[access_token]=" + token,
                                "auth[application_token]=%" + token};
  for (const std::string& auth : forged)
    all.push_back({.headers = {{"Content-Type", kForm}}, .body = "event=ONX&" + auth});
  for (const char* type : {"text/plain", "text/xml", "multipart/form-data", "application/jsonp",
                           "multipart/form-data; boundary=", "application/octet-stream", "*/*"})
    all.push_back({.headers = {{"Content-Type", type}}, .body = kForged});
}

// What the fuzzers begin with, whole and cut, as each kind of body.
void add_seeds(std::vector<Input>& all) {
  for (const char* seeds : {"query", "names", "multipart", "json", "request", "token", "event",
                            "webhook_answer", "template"}) {
    const std::string directory = std::string("tests/fuzz/seeds/") + seeds;
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
      const std::string seed = read_file(file.path());
      for (const std::size_t cut : {0, 1, 3}) {
        const std::string body = seed.substr(0, seed.size() - seed.size() * cut / 4);
        for (const std::string& type : {kForm, std::string("multipart/form-data; boundary=b"),
                                        std::string("application/json")})
          all.push_back({.headers = {{"Content-Type", type}}, .body = body});
        all.push_back({.method = "POST",
                       .page = "index",
                       .headers = {{"Content-Type", kForm}},
                       .body = "email=nobody&TRACE=" + body});
      }
    }
  }
}

std::vector<Input> inputs() {
  std::vector<Input> all;
  add_methods_and_paths(all);
  add_lengths(all);
  add_headers(all);
  add_tokens(all);
  add_seeds(all);
  return all;
}

bool has(const Input& input, std::string_view name) {
  return std::ranges::any_of(input.headers, [&](const auto& one) { return one.first == name; });
}

std::string as_http(const Input& input) {
  std::string text = input.method + " /" + input.page + ".php" + input.more +
                     " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const auto& [name, value] : input.headers) text += name + ": " + value + "\r\n";
  if (!has(input, "Content-Length"))
    text += "Content-Length: " + std::to_string(input.body.size()) + "\r\n";
  return text + "\r\n" + input.body;
}

std::string as_fcgi(const Input& input) {
  Params params = {{"GATEWAY_INTERFACE", "CGI/1.1"},
                   {"REQUEST_METHOD", input.method},
                   {"SCRIPT_NAME", "/" + input.page + ".php"},
                   {"PATH_INFO", input.more},
                   {"HTTP_HOST", "localhost"},
                   {"REMOTE_ADDR", "192.0.2.1"}};
  if (!has(input, "Content-Length"))
    params.emplace_back("CONTENT_LENGTH", std::to_string(input.body.size()));
  for (const auto& [name, value] : input.headers) {
    std::string variable = name.starts_with("Content-") ? name : "HTTP_" + name;
    for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    params.emplace_back(variable, value);
  }
  return fcgi_head(params) + fcgi_body(input.body);
}

// Whether nobody would take it for a success or for a program that has ended.
bool is_refusal(const Input& input, int status) {
  if (status == 500 || status == 502 || status == 504) return false;
  return status >= 400 || status == 0 || (input.method == "GET" && status != 202);
}

void check(WebServer& server, int& sent) {
  for (const Input& input : inputs()) {
    const std::string http = as_http(input);
    const int status = parse_reply(send_raw(server.port(), http)).status;
    BOOST_TEST(is_refusal(input, status), status << " to " << http.substr(0, 400));
    const int direct = ask(server.socket(input.page), as_fcgi(input)).status;
    BOOST_TEST(is_refusal(input, direct), direct << " directly to " << http.substr(0, 400));
    sent += 2;
  }
  BOOST_TEST(server.still_runs());
  const std::string event = kForged + "&data[FIELDS][ID]=at_last";
  BOOST_TEST(server.post("/handler.php", event).status == 200, server.errors());
  BOOST_TEST(server.hooked("at_last"));
  const std::string log = server.hook_log();  // in the order in which they came
  BOOST_TEST(log.find("[event]") == log.rfind("[event]"), log);
  BOOST_TEST(server.shell("index", "--list").contains("0 pending, 0 failed, 0 done"));
}

}  // namespace hostile_tests

BOOST_AUTO_TEST_SUITE(hostile_tests)

BOOST_AUTO_TEST_CASE(whatever_is_sent_is_refused_and_nothing_is_kept,
                     *shows("T1") * shows("T9") * shows("T10") * shows("A19")) {
  BOOST_TEST(inputs().size() >= 500U);
  int sent = 0;
  for (const WebServerKind kind : {WebServerKind::nginx, WebServerKind::apache_proxy}) {
    WebServer server(kind);
    check(server, sent);
  }
  BOOST_TEST_MESSAGE(sent << " sent");
}

BOOST_AUTO_TEST_SUITE_END()
