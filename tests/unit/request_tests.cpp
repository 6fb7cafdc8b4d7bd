// request_tests: what is read from a request, and everything that is refused.
#include "web/request.h"

#include <boost/test/unit_test.hpp>
#include <cstring>

#include "decorators.h"
#include "raw_request.h"
#include "value/php.h"

using b24::Request;
using b24::RequestLimits;
using b24::Value;
using b24::test::outcome;
using b24::test::raw_get;
using b24::test::raw_post;
using b24::test::RawRequest;
using b24::test::read_raw;

namespace request_tests {

constexpr const char* kForm = "application/x-www-form-urlencoded";
constexpr const char* kMultipart = "multipart/form-data; boundary=b";
constexpr const char* kJson = "application/json";

std::string part(const std::string& disposition, const std::string& content) {
  return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content + "\r\n";
}

}  // namespace request_tests

BOOST_AUTO_TEST_SUITE(request_tests)

BOOST_AUTO_TEST_CASE(post_goes_over_get) {
  const auto request = read_raw(raw_post(kForm, "b=2&a[y]=3&c[]=4", "a[x]=1&b[]=9&c[]=8"));
  BOOST_REQUIRE(request);
  BOOST_TEST((request->get == *b24::php::parse_query("a[x]=1&b[]=9&c[]=8")));
  BOOST_TEST((request->post == *b24::php::parse_query("b=2&a[y]=3&c[]=4")));
  BOOST_TEST((request->params == *b24::php::parse_query("a[x]=1&b=2&a[y]=3&c[]=4")));
  BOOST_TEST(request->body == "b=2&a[y]=3&c[]=4");
}

BOOST_AUTO_TEST_CASE(variables_are_taken_over) {
  RawRequest raw = raw_get("x=1");
  const std::pair<const char*, const char*> given[] = {{"PATH_INFO", "/more"},
                                                       {"DOCUMENT_ROOT", "/srv"},
                                                       {"HTTPS", "on"},
                                                       {"HTTP_ACCEPT", "text/html"},
                                                       {"HTTP_ORIGIN", "https://o"},
                                                       {"HTTP_SEC_FETCH_SITE", "same-origin"},
                                                       {"HTTP_COOKIE", "c=1"},
                                                       {"HTTP_X_FORWARDED_FOR", "1.2.3.4"},
                                                       {"SERVER_SOFTWARE", "nginx"},
                                                       {"HTTP_X_B24HOOKS_KEY", "key"},
                                                       {"SERVER_NAME", "other"},
                                                       {"HTTP_ACCEPT_LANGUAGE", "ru"}};
  for (const auto& [name, value] : given) raw.set(name, value);
  const auto request = read_raw(raw);
  BOOST_REQUIRE(request);
  BOOST_TEST(request->method == "GET");
  BOOST_TEST(!request->is_post());
  BOOST_TEST(request->script_name == "/handler.php");
  BOOST_TEST(request->path_info == "/more");
  BOOST_TEST(request->query_string == "x=1");
  BOOST_TEST(request->remote_address == "192.0.2.1");
  BOOST_TEST(request->forwarded_for == "1.2.3.4");
  BOOST_TEST(request->https);
  BOOST_TEST(request->host == "example.com");
  BOOST_TEST(request->accept == "text/html");
  BOOST_TEST(request->accept_language == "ru");
  BOOST_TEST(request->origin == "https://o");
  BOOST_TEST(request->sec_fetch_site == "same-origin");
  BOOST_TEST(request->cookie == "c=1");
  BOOST_TEST(request->document_root == "/srv");
  BOOST_TEST(request->server_software == "nginx");
  BOOST_TEST(request->key_header == "key");
}

BOOST_AUTO_TEST_CASE(the_scheme_and_host_are_the_visitors) {
  const struct {
    const char* host;
    const char* https;
    const char* scheme;
    const char* port;
    bool secure;
    const char* want;
  } rows[] = {
      {"example.com", "on", "", "443", true, "example.com"},
      {"example.com:8080", "", "", "8080", false, "example.com:8080"},
      {"example.com", "off", "https", "80", true, "example.com"},
      {"", "", "", "80", false, "server"},
      {"", "on", "", "8443", true, "server:8443"},
      {"[::1]:80", "", "", "80", false, "[::1]:80"},
  };
  for (const auto& row : rows) {
    RawRequest raw = raw_get("");
    raw.set("HTTP_HOST", row.host);
    raw.set("HTTPS", row.https);
    raw.set("REQUEST_SCHEME", row.scheme);
    raw.set("SERVER_NAME", "server");
    raw.set("SERVER_PORT", row.port);
    const auto request = read_raw(raw);
    BOOST_REQUIRE(request);
    BOOST_TEST(request->https == row.secure);
    BOOST_TEST(request->host == row.want);
  }
}

BOOST_AUTO_TEST_CASE(methods_other_than_four_are_refused) {
  for (const char* method : {"GET", "HEAD", "POST", "OPTIONS"}) {
    RawRequest raw = raw_post(kForm, "", "a=1");
    raw.set("REQUEST_METHOD", method);
    const auto request = read_raw(raw);
    BOOST_REQUIRE(request);
    BOOST_TEST(request->params["a"].text() == "1");
  }
  for (const char* method : {"", "get", "PUT", "DELETE", "TRACE", "CONNECT", "POST ", "GETX"}) {
    RawRequest raw = raw_post(kForm, "a=1");
    raw.set("REQUEST_METHOD", method);
    BOOST_TEST(outcome(raw) == "405 wrong_method", method);
  }
}

BOOST_AUTO_TEST_CASE(the_body_of_a_get_is_read_and_dropped) {
  RawRequest raw = raw_post(kForm, "b=2", "a=1");
  raw.set("REQUEST_METHOD", "GET");
  BOOST_TEST(read_raw(raw)->params.size() == 1u);
  BOOST_TEST(read_raw(raw)->body == "");
  raw.set("CONTENT_LENGTH", "4");
  BOOST_TEST(outcome(raw) == "400 body_incomplete");
  raw.set("CONTENT_LENGTH", "99999999");
  BOOST_TEST(outcome(raw) == "413 body_too_large");
}

BOOST_AUTO_TEST_CASE(content_length_is_digits_and_exact, *shows("T10")) {
  const struct {
    const char* length;
    const char* want;
  } rows[] = {
      {"3", "read"},
      {"003", "read"},
      {"+3", "400 bad_length"},
      {"-1", "400 bad_length"},
      {"0x3", "400 bad_length"},
      {"3,3", "400 bad_length"},
      {" 3", "400 bad_length"},
      {"3 ", "400 bad_length"},
      {"3.0", "400 bad_length"},
      {"", "411 length_required"},
      {"0", "400 bad_length"},
      {"2", "400 bad_length"},
      {"4", "400 body_incomplete"},
      {"1048577", "413 body_too_large"},
      {"18446744073709551619", "413 body_too_large"},
      {"99999999999999999999999999", "413 body_too_large"},
  };
  for (const auto& row : rows) {
    RawRequest raw = raw_post(kForm, "a=1");
    raw.set("CONTENT_LENGTH", row.length);
    BOOST_TEST(outcome(raw) == row.want, "CONTENT_LENGTH " << row.length << ": " << outcome(raw));
  }
  RequestLimits limits;
  limits.body = 3;
  BOOST_TEST(outcome(raw_post(kForm, "a=1"), limits) == "read");
  limits.body = 2;
  BOOST_TEST(outcome(raw_post(kForm, "a=1"), limits) == "413 body_too_large");
}

BOOST_AUTO_TEST_CASE(nothing_is_read_when_the_length_is_over_the_limit) {
  bool asked = false;
  const char* variables[] = {"REQUEST_METHOD=POST", "CONTENT_LENGTH=101", nullptr};
  const auto read = [&asked](char*, std::size_t) {
    asked = true;
    return 0L;
  };
  RequestLimits limits;
  limits.body = 100;
  const auto request = b24::read_request(b24::Environment(variables), read, limits);
  BOOST_REQUIRE(!request);
  BOOST_TEST(request.error().status == 413);
  BOOST_TEST(!asked);
}

// Each cut of a real event, by a short body and by a stream that breaks.
BOOST_AUTO_TEST_CASE(a_body_cut_anywhere_is_refused, *shows("T11") * shows("A20")) {
  const std::string body =
      "event=ONCRMDEALUPDATE&event_handler_id=7&data%5BFIELDS%5D%5BID%5D=125&ts=1730000000"
      "&auth%5Bdomain%5D=p.example&auth%5Bapplication_token%5D=secret";
  BOOST_TEST(outcome(raw_post(kForm, body)) == "read");
  for (std::size_t length = 0; length < body.size(); ++length) {
    RawRequest raw = raw_post(kForm, body);
    raw.body.resize(length);
    BOOST_TEST(outcome(raw) == "400 body_incomplete");
    raw.set("CONTENT_LENGTH", std::to_string(length));
    raw.breaks = true;
    BOOST_TEST(outcome(raw) == "400 body_incomplete");
  }
}

BOOST_AUTO_TEST_CASE(a_chunked_body_is_read_to_its_end_under_the_limit, *shows("T12")) {
  RawRequest raw = raw_post(kForm, "a=1&b=2");
  raw.remove("CONTENT_LENGTH");
  raw.set("HTTP_TRANSFER_ENCODING", "Chunked");
  BOOST_TEST(read_raw(raw)->params["b"].text() == "2");
  raw.piece = 1;
  BOOST_TEST(read_raw(raw)->params["b"].text() == "2");
  RequestLimits limits;
  limits.body = 7;
  BOOST_TEST(outcome(raw, limits) == "read");
  limits.body = 6;
  BOOST_TEST(outcome(raw, limits) == "413 body_too_large");
  raw.breaks = true;
  BOOST_TEST(outcome(raw) == "400 body_incomplete");
  raw.set("HTTP_TRANSFER_ENCODING", "gzip, chunked");
  BOOST_TEST(outcome(raw) == "411 length_required");
}

BOOST_AUTO_TEST_CASE(chunked_with_a_length_must_keep_to_the_length, *shows("T10")) {
  RawRequest raw = raw_post(kForm, "a=1");
  raw.set("HTTP_TRANSFER_ENCODING", "chunked");
  BOOST_TEST(outcome(raw) == "read");
  raw.set("CONTENT_LENGTH", "0");
  BOOST_TEST(outcome(raw) == "400 bad_length");
}

BOOST_AUTO_TEST_CASE(content_types_are_three) {
  const struct {
    const char* type;
    const char* body;
    const char* want;
  } rows[] = {
      {kForm, "a=1", "read"},
      {"Application/X-WWW-Form-URLencoded; charset=UTF-8", "a=1", "read"},
      {"application/json;charset=utf-8", "{}", "read"},
      {"", "", "read"},
      {"", "a=1", "415 unsupported_type"},
      {"text/plain", "a=1", "415 unsupported_type"},
      {"text/plain", "", "415 unsupported_type"},
      {"application/xml", "<a/>", "415 unsupported_type"},
      {"application/x-www-form-urlencodedx", "a=1", "415 unsupported_type"},
      {"multipart/mixed; boundary=b", "--b--", "415 unsupported_type"},
  };
  for (const auto& row : rows)
    BOOST_TEST(outcome(raw_post(row.type, row.body)) == row.want, row.type << ": " << row.want);
}

BOOST_AUTO_TEST_CASE(poisoned_variables_are_refused, *shows("T2")) {
  const struct {
    const char* name;
    std::string value;
    const char* want;
  } rows[] = {
      {"HTTP_X_FINE", "a\tb\xC3\xA9", "read"},
      {"REMOTE_ADDR", "6.6.6.6", "400 bad_request"},
      {"HTTP_HOST", "example.com", "400 bad_request"},
      {"HTTP_X_BAD", "a\r\nSet-Cookie: b", "400 bad_request"},
      {"HTTP_X_BAD", "a\x7f", "400 bad_request"},
      {"", "nameless", "400 bad_request"},
      {"HTTP_X_LARGE", std::string(70'000, 'a'), "400 bad_request"},
  };
  for (const auto& row : rows) {
    RawRequest raw = raw_get("a=1");
    raw.variables.emplace_back(row.name, row.value);
    BOOST_TEST(outcome(raw) == row.want, row.name);
  }
  RawRequest raw = raw_get("a=1");
  while (raw.variables.size() < 200)
    raw.variables.emplace_back("HTTP_X_" + std::to_string(raw.variables.size()), "");
  BOOST_TEST(outcome(raw) == "read");
  raw.variables.emplace_back("HTTP_ONE_MORE", "");
  BOOST_TEST(outcome(raw) == "400 bad_request");
  raw = raw_get("");
  raw.variables.emplace_back(std::string(257, 'A'), "");
  BOOST_TEST(outcome(raw) == "400 bad_request");
}

// As nginx before 1.23 passes it.
BOOST_AUTO_TEST_CASE(a_header_of_several_lines_is_one_list) {
  const char* const variables[] = {"HTTP_X_FORWARDED_FOR=192.0.2.1",
                                   "HTTP_ACCEPT=a",
                                   "HTTP_X_FORWARDED_FOR=192.0.2.2",
                                   "HTTP_X=",
                                   "HTTP_ACCEPT=b",
                                   "HTTP_X_FORWARDED_FOR=192.0.2.3",
                                   "HTTP_COOKIE=a=1",
                                   "HTTP_COOKIE=b=2",
                                   nullptr};
  const Environment environment(variables);
  BOOST_TEST(environment.fault() == "");
  BOOST_TEST(environment.get("HTTP_X_FORWARDED_FOR") == "192.0.2.1, 192.0.2.2, 192.0.2.3");
  BOOST_TEST(environment.get("HTTP_ACCEPT") == "a, b");
  BOOST_TEST(environment.get("HTTP_COOKIE") == "a=1; b=2");
  BOOST_TEST(environment.get("HTTP_X") == "");
}

BOOST_AUTO_TEST_CASE(a_host_is_a_host) {
  for (const char* host : {"", "example.com", "EXAMPLE.com:8080", "127.0.0.1", "[::1]:8443", "a_b"})
    BOOST_TEST(outcome([&] {
                 RawRequest raw = raw_get("");
                 raw.set("HTTP_HOST", host);
                 return raw;
               }()) == "read",
               host);
  for (const char* host :
       {"a b", "evil/x", "a@b", "a\"b", "a'b", "<a>", "a,b", "\xC3\xA9.com", "a%2fb"})
    BOOST_TEST(outcome([&] {
                 RawRequest raw = raw_get("");
                 raw.set("HTTP_HOST", host);
                 return raw;
               }()) == "400 bad_request",
               host);
}

// httpoxy: a request's Proxy header must change nothing.
BOOST_AUTO_TEST_CASE(a_proxy_header_plays_no_role, *shows("T5")) {
  RawRequest raw = raw_get("a=1");
  const auto without = read_raw(raw);
  raw.set("HTTP_PROXY", "http://evil.example:8080");
  const auto with = read_raw(raw);
  BOOST_REQUIRE(with);
  BOOST_TEST((with->params == without->params));
  BOOST_TEST(with->host == without->host);
  BOOST_TEST(with->forwarded_for == "");
}

BOOST_AUTO_TEST_CASE(fields_of_query_and_body_are_counted_together, *shows("T14")) {
  RequestLimits limits;
  limits.names = {4, 2};
  const std::string json = R"({"a":[1,2],"b":3})";
  const std::string two_parts = part("name=a", "1") + part("name=b", "2") + "--b--\r\n";
  const struct {
    const char* query;
    const char* type;
    std::string body;
    const char* want;
  } rows[] = {
      {"a=1&&b=2&", kForm, "c=1&&&d=2", "read"},
      {"a=1&b=2", kForm, "c=1&d=2&e=3", "413 too_many_fields"},
      {"a&a&a&a&a", kForm, "", "413 too_many_fields"},
      {"a&a&a&a", kForm, "b", "413 too_many_fields"},
      {"", kJson, json, "read"},
      {"a=1", kJson, json, "413 too_many_fields"},
      {"a=1&b=2", kMultipart, two_parts, "read"},
      {"a=1&b=2&c=3", kMultipart, two_parts, "413 too_many_fields"},
      {"a[b][c]=1", kForm, "a[b][c]=1", "read"},
      {"a[b][c][d]=1", kForm, "", "400 too_deep"},
      {"", kForm, "a[b][c][]=1", "400 too_deep"},
      {"", kJson, R"({"a":{"b":{"c":1}}})", "read"},
      {"", kJson, R"({"a":{"b":{"c":[]}}})", "400 too_deep"},
      {"", kMultipart, part("name=\"a[b][c][d]\"", "") + "--b--", "400 too_deep"},
  };
  for (const auto& row : rows) {
    const std::string got = outcome(raw_post(row.type, row.body, row.query), limits);
    BOOST_TEST(got == row.want, row.query << " " << row.body << ": " << got);
  }
}

BOOST_AUTO_TEST_CASE(nodes_of_query_and_body_are_counted_together) {
  RequestLimits limits;
  limits.names = {100, 64, 6};
  const std::string parts = part("name=a[b]", "1") + part("name=a[c]", "2") + "--b--\r\n";
  const struct {
    const char* query;
    const char* type;
    std::string body;
    const char* want;
  } rows[] = {
      {"a[b]=1&a[c]=2", kForm, "a[b]=1&a[c]=2", "read"},
      {"a[b]=1&a[c]=2", kForm, "a[b]=1&a[c]=2&d=", "413 too_many_nodes"},
      {"a[b][c][d][e][f][g]=1", kForm, "", "413 too_many_nodes"},
      {"a[b]=1&c=2", kMultipart, parts, "read"},
      {"a[b]=1&c=2&d=3", kMultipart, parts, "413 too_many_nodes"},
      {"a[b]=1", kJson, R"({"a":[1,2]})", "read"},
      {"a[b]=1", kJson, R"({"a":[1,2,3]})", "413 too_many_nodes"},
  };
  for (const auto& row : rows) {
    const std::string got = outcome(raw_post(row.type, row.body, row.query), limits);
    BOOST_TEST(got == row.want, row.query << " " << row.body << ": " << got);
  }
}

BOOST_AUTO_TEST_CASE(json_members_are_fields) {
  const auto request = read_raw(
      raw_post(kJson, R"({"event":"E","data":{"FIELDS":{"ID":12,"ok":true}}})", "data[x]=1&q=2"));
  BOOST_REQUIRE(request);
  BOOST_TEST(request->post.path("data.FIELDS.ID").integer() == 12);
  BOOST_TEST(request->params.path("data.x").text() == "1");
  BOOST_TEST(request->params.path("data.FIELDS.ok").text() == "1");
  BOOST_TEST(request->params["q"].text() == "2");
  for (const char* body : {"", "{", "5", "\"a\"", "null", "{}x", "{\"a\":1,}", "a=1"})
    BOOST_TEST(outcome(raw_post(kJson, body)) == "400 bad_json", body);
}

BOOST_AUTO_TEST_CASE(files_are_kept_apart) {
  const std::string body =
      part("name=\"a.b[c]\"", "1\r\n2") +
      "--b\r\nContent-Type: text/plain; charset=x\r\ncontent-disposition: form-data; "
      "name=\"file[]\"; filename=\"C:\\dir\\x.txt\"\r\n\r\nline\r\n\r\n" +
      part("name=none; filename=\"\"", "") + part("filename=x", "anonymous") + "--b--\r\n";
  const auto request = read_raw(raw_post(kMultipart, body, "f=1"));
  BOOST_REQUIRE(request);
  BOOST_TEST((request->post == Value::map({{"a_b", Value::map({{"c", "1\r\n2"}})}})));
  BOOST_TEST(request->params["f"].text() == "1");
  BOOST_TEST(request->body == body);
  BOOST_REQUIRE(request->uploads.size() == 2u);
  const b24::Upload& upload = request->uploads[0];
  BOOST_TEST(upload.field == "file[]");
  BOOST_TEST(upload.filename == "C:\\dir\\x.txt");
  BOOST_TEST(upload.content == "line\r\n");
  BOOST_TEST(request->uploads[1].field == "");
}

BOOST_AUTO_TEST_CASE(a_header_of_a_part_may_go_on_in_the_next_line_and_needs_no_blank) {
  const std::string body =
      "--b\r\n from nowhere\r\nContent-Disposition:form-data;\r\n name=f; filename=x\r\n"
      "Content-Disposition: form-data; name=g\r\n e\r\n\r\n1\r\n--b--\r\n";
  const auto request = read_raw(raw_post(kMultipart, body));
  BOOST_REQUIRE(request);
  BOOST_REQUIRE(request->uploads.size() == 1u);
  BOOST_TEST(request->uploads[0].field == "f");
}

// As PHP reads them: a backslash is itself, but before another one or the quote in use.
BOOST_AUTO_TEST_CASE(quoted_names_of_files_may_hold_quotes_and_stops) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(filename="a\";b.txt")", R"(a";b.txt)"},
      {R"(filename="a\\b")", R"(a\b)"},
      {R"(filename="a\'b")", R"(a\'b)"},
      {R"(filename='a"b')", R"(a"b)"},
      {R"(filename='a\';b')", "a';b"},
      {R"(filename="a;b=c")", "a;b=c"},
      {R"(filename=a\\b)", R"(a\b)"},
      {"filename=a b", "a"},
      {R"(filename="a\b\\\"c")", R"(a\b\"c)"},
      {R"("a;filename=b"=1; filename=c)", "c"},
  };
  for (const auto& [sent, name] : cases) {
    const std::string before = part("name=f; " + std::string(sent), "1") + "--b--\r\n";
    const std::string behind = part(std::string(sent) + "; name=f", "1") + "--b--\r\n";
    for (const std::string& body : {before, behind}) {
      const auto request = read_raw(raw_post(kMultipart, body));
      BOOST_TEST_CONTEXT(body) {
        BOOST_REQUIRE(request);
        BOOST_REQUIRE(request->uploads.size() == 1u);
        BOOST_TEST(request->uploads[0].field == "f");
        BOOST_TEST(request->uploads[0].filename == name);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_boundary_may_be_seventy_characters_long) {
  const auto with_boundary = [](std::size_t length) {
    const std::string boundary(length, 'b');
    return outcome(raw_post("multipart/form-data; boundary=" + boundary,
                            "--" + boundary +
                                "\r\nContent-Disposition: form-data; name=a\r\n\r\n1"
                                "\r\n--" +
                                boundary + "--\r\n"));
  };
  BOOST_TEST(with_boundary(70) == "read");
  BOOST_TEST(with_boundary(71) != "read");
}

// As PHP, which reads nothing there.
BOOST_AUTO_TEST_CASE(the_part_after_a_file_that_was_not_chosen_may_follow_at_once) {
  const std::string body = "--b\r\nContent-Disposition: form-data; name=f; filename=\"\"\r\n\r\n" +
                           part("name=a", "1") + "--b--\r\n";
  const auto request = read_raw(raw_post("multipart/form-data; boundary=b", body));
  BOOST_REQUIRE(request);
  BOOST_TEST(request->post["a"].text() == "1");
  BOOST_TEST(request->uploads.empty());
}

BOOST_AUTO_TEST_CASE(what_was_kept_as_it_came_is_read_the_same_again) {
  const std::string parts = part("name=a", "1") + part("name=a", "2") +
                            part("name=f; filename=x.txt", "file") + "--b--\r\n";
  const std::pair<const char*, std::string> bodies[] = {
      {kMultipart, parts},
      {"Application/JSON; charset=utf-8", R"({"a":{"b":[1,2]}})"},
      {kForm, "a[]=1&a[]=%FF&b=2"},
      {"", ""}};
  for (const auto& [type, body] : bodies) {
    const auto first = read_raw(raw_post(type, body, "q=1&b=0"));
    BOOST_REQUIRE(first);
    BOOST_TEST(first->body == body);
    BOOST_TEST(first->content_type_header == type);
    const auto again =
        b24::parse_content(first->query_string, first->content_type_header, first->body, {});
    BOOST_REQUIRE(again);
    BOOST_TEST((again->get == first->get && again->post == first->post));
    BOOST_TEST((again->params == first->params));
    BOOST_TEST(again->content_type == first->content_type);
    BOOST_REQUIRE(again->uploads.size() == first->uploads.size());
    for (std::size_t i = 0; i < again->uploads.size(); ++i)
      BOOST_TEST(again->uploads[i].content == first->uploads[i].content);
  }
  BOOST_TEST(b24::parse_content("", kJson, "[", {}).error().code == "bad_json");
}

BOOST_AUTO_TEST_CASE(fields_are_listed_as_they_were_sent) {
  const std::string parts = part("name=\"a[]\"", "1") + part("name=f; filename=x", "file") +
                            part("name=\"a[]\"", "2") + "--b--\r\n";
  const std::pair<const char*, std::string> rows[] = {
      {kForm, "a=1&&a=2&b%5Bc%5D=+%3D=&d&=e"},
      {kMultipart, parts},
      {kJson, R"({"a":{"b":[1,{"c":true}]},"d":[],"e":null,"0":"x"})"},
      {"", ""}};
  const char* want[] = {"a:1 a:2 b[c]: == d: :e ", "a[]:1 a[]:2 ", "a[b][]:1 a[b][][c]:1 e: 0:x ",
                        ""};
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    const auto request = read_raw(raw_post(rows[i].first, rows[i].second));
    BOOST_REQUIRE(request);
    std::string listed;
    for (const auto& [name, text] : sent_fields(*request)) listed += name + ":" + text + " ";
    BOOST_TEST(listed == want[i]);
  }
}

BOOST_AUTO_TEST_CASE(a_post_may_declare_its_charset) {
  const auto declared = [](const std::string& type, const std::string& body) {
    return declared_charset(*read_raw(raw_post(type, body)));
  };
  const std::string form = kForm;
  BOOST_TEST(declared(form, "a=1") == "");
  BOOST_TEST(declared(form + "; charset=Windows-1251", "a=1") == "windows-1251");
  BOOST_TEST(declared(form + ";charset=\"koi8-r\"; x=y", "_charset_=utf-8") == "koi8-r");
  BOOST_TEST(declared(form, "_charset_=UTF-8") == "utf-8");
}

BOOST_AUTO_TEST_CASE(broken_multipart_is_refused, *shows("T13")) {
  const std::string good = part("name=a", "1") + "--b--\r\n";
  const std::string many = [] {
    std::string text;
    for (int i = 0; i < 65; ++i) text += part("name=a", "");
    return text + "--b--";
  }();
  const std::string headers = "Content-Disposition: form-data; name=a\r\nX: ";
  // With the empty line behind them as long as they may be.
  const std::string longest_headers = headers + std::string(8192 - headers.size() - 4, 'x');
  const struct {
    const char* type;
    std::string body;
    const char* want;
  } rows[] = {
      {kMultipart, good, "read"},
      {"multipart/form-data; boundary=\"b\"", good, "read"},
      {"multipart/form-data; Boundary=b, x", good, "read"},
      {kMultipart, "--b--", "read"},
      {kMultipart, "", "400 bad_multipart"},
      {kMultipart, part("name=a", "1"), "400 bad_multipart"},
      {kMultipart, part("name=a", "1") + "--b", "400 bad_multipart"},
      {kMultipart, part("name=a", "1") + "--b-", "400 bad_multipart"},
      {kMultipart, part("nome=a", "1") + "--b--", "400 bad_multipart"},
      {"multipart/form-data", good, "400 bad_multipart"},
      {"multipart/form-data; boundary=", good, "400 bad_multipart"},
      {"multipart/form-data; boundary=\"b", good, "400 bad_multipart"},
      {"multipart/form-data; boundary=c", good, "400 bad_multipart"},
      {kMultipart, many, "413 too_many_fields"},
      {kMultipart, "--b\r\n" + longest_headers + "\r\n\r\n\r\n--b--", "read"},
      {kMultipart, "--b\r\n" + longest_headers + "x\r\n\r\n\r\n--b--", "400 bad_multipart"},
  };
  for (const auto& row : rows) {
    const std::string got = outcome(raw_post(row.type, row.body));
    BOOST_TEST(got == row.want, row.type << " " << row.body.substr(0, 80) << ": " << got);
  }
  const std::string longest(70, 'x');
  const std::string body = "--" + longest + "--";
  BOOST_TEST(outcome(raw_post("multipart/form-data; boundary=" + longest, body)) == "read");
  BOOST_TEST(outcome(raw_post("multipart/form-data; boundary=" + longest + "x",
                              "--" + longest + "x--")) == "400 bad_multipart");
}

// Bodies that made other readers quadratic: each is done in well under a second when it is linear.
BOOST_AUTO_TEST_CASE(hostile_bodies_of_a_megabyte_finish,
                     *shows("T13") * shows("T14") * shows("T15") * shows("A21")) {
  RequestLimits limits;
  limits.body = 1 << 23;
  const auto repeated = [](const std::string& text, std::size_t bytes) {
    std::string all;
    while (all.size() < bytes) all += text;
    return all;
  };
  constexpr std::size_t kMega = 1 << 20;
  const struct {
    const char* type;
    std::string body;
    const char* want;
  } rows[] = {
      {kForm, "a" + repeated("[x]", kMega), "400 too_deep"},
      {kForm, repeated("&", kMega), "read"},
      {kForm, repeated("a&", kMega), "413 too_many_fields"},
      {kForm, repeated("[", kMega) + "=1", "read"},
      {kForm, "a" + repeated("[", kMega) + "=1", "read"},
      {kForm, repeated("%", kMega), "read"},
      {kJson, repeated("[", kMega), "400 too_deep"},
      {kJson, "\"" + repeated("\\u0000", kMega) + "\"", "400 bad_json"},
      {kJson, "[" + repeated("1,", kMega) + "1]", "413 too_many_nodes"},
      {kJson, repeated("[],", kMega), "413 too_many_nodes"},
      {kForm, repeated("a" + repeated("[]", 120) + "&", kMega), "413 too_many_nodes"},
      {kMultipart, repeated("--b\r\n\r\n\r\n", kMega), "413 too_many_fields"},
      {kMultipart, "--b\r\nA: b\r\n" + repeated(" c\r\n", 4 * kMega), "400 bad_multipart"},
      {kMultipart, repeated("\n--", kMega), "400 bad_multipart"},
      {kMultipart, part("name=a", repeated("\r\n--", kMega)) + "--b--", "read"},
      {kMultipart, part("name=" + repeated("\"\\", 8000), "") + "--b--", "read"},
      {kMultipart, part(repeated(";", 8000) + "name=a", "") + "--b--", "read"},
  };
  for (const auto& row : rows) {
    const std::string got = outcome(raw_post(row.type, row.body), limits);
    BOOST_TEST(got == row.want, row.body.substr(0, 30) << ": " << got);
  }
}

// 10^5 fields of one request, under limits that allow them.
BOOST_AUTO_TEST_CASE(a_hundred_thousand_fields_are_read, *shows("T14")) {
  RequestLimits limits;
  limits.body = 1 << 24;
  limits.names.fields = limits.names.nodes = 1'000'000;
  std::string body;
  for (int i = 0; i < 100'000; ++i) body += "a[k" + std::to_string(i) + "]=1&b[]=2&";
  const auto request = read_raw(raw_post(kForm, body), limits);
  BOOST_REQUIRE(request);
  BOOST_TEST(request->params["a"].size() == 100'000u);
  BOOST_TEST(request->params["b"].size() == 100'000u);
}

BOOST_AUTO_TEST_CASE(json_is_preferred_by_quality_exactness_and_place) {
  const struct {
    const char* accept;
    bool want;
  } rows[] = {
      {"application/json", true},
      {"Application/JSON", true},
      {"application/json, text/plain, */*", true},
      {"application/json, text/javascript, */*; q=0.01", true},
      {"text/html;q=0.5, application/json", true},
      {"text/html ; q=0.5 , application/json ; q=0.9", true},
      {"application/json, text/html", true},
      {"application/*, text/html;q=0.2", true},
      {"*/*, text/html;q=0", true},
      {"application/json;charset=utf-8", true},
      {"", false},
      {"*/*", false},
      {"text/html", false},
      {"text/html, application/json", false},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
      {"application/json;q=0", false},
      {"application/json;q=0.4, text/html;q=0.5", false},
      {"application/json;q=2", false},
      {"application/json;q=x", false},
      {"application/jsonx", false},
      {"image/png", false},
      {",;,=,q=1", false},
  };
  for (const auto& row : rows) {
    Request request;
    request.accept = row.accept;
    BOOST_TEST(request.accepts_json() == row.want, row.accept);
  }
}

BOOST_AUTO_TEST_SUITE_END()
