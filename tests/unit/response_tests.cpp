// response_tests: the header writer.
#include "web/response.h"

#include <boost/test/unit_test.hpp>

#include "decorators.h"

using namespace b24;

BOOST_AUTO_TEST_SUITE(response_tests)

BOOST_AUTO_TEST_CASE(status_headers_length_and_body_are_written_in_this_order) {
  Response response{.status = 303, .headers = {}, .body = "moved"};
  response.set("Location", "/index.php?sent=1").set("Vary", "Accept");
  BOOST_TEST(to_cgi(response) ==
             "Status: 303 See Other\r\nLocation: /index.php?sent=1\r\nVary: Accept\r\n"
             "Content-Length: 5\r\n\r\nmoved");
}

BOOST_AUTO_TEST_CASE(head_keeps_the_length_and_drops_the_body) {
  std::string text = to_cgi(text_response(200, "four"), true);
  BOOST_TEST(text.find("Content-Length: 4\r\n") != text.npos);
  BOOST_TEST(text.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(statuses_without_a_body_have_none) {
  for (int status : {204, 304}) {
    std::string text = to_cgi(Response{.status = status, .headers = {}, .body = "x"});
    BOOST_TEST(text.find("Content-Length") == text.npos);
    BOOST_TEST(text.ends_with("\r\n\r\n"));
  }
}

BOOST_AUTO_TEST_CASE(setting_a_header_again_replaces_it) {
  Response response = text_response(200, "");
  response.set("Cache-Control", "max-age=60");
  std::string text = to_cgi(response);
  BOOST_TEST(text.find("Cache-Control: max-age=60\r\n") != text.npos);
  BOOST_TEST(text.find("no-store") == text.npos);
}

BOOST_AUTO_TEST_CASE(no_byte_of_a_value_starts_another_line, *shows("T16")) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string value = std::string("a") + static_cast<char>(byte) + "b";
    bool dropped = byte < 0x20 || byte == 0x7f;
    Response by_set{.status = 200, .headers = {}, .body = ""};
    by_set.set("Location", value);
    Response by_hand{.status = 200, .headers = {{"Location", value}}, .body = ""};
    std::string want = "Location: " + (dropped ? "ab" : value) + "\r\n";
    BOOST_TEST_CONTEXT("byte " << byte) {
      BOOST_TEST((to_cgi(by_set).find(want) != std::string::npos));
      BOOST_TEST((to_cgi(by_hand).find(want) != std::string::npos));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_injected_header_stays_in_its_line, *shows("T16")) {
  Response response{.status = 303, .headers = {}, .body = ""};
  response.set("Location", "/x\r\nSet-Cookie: a=b\r\n\r\n<script>");
  std::string text = to_cgi(response);
  BOOST_TEST(text.find("\nSet-Cookie") == text.npos);
  BOOST_TEST(text.find("\r\n\r\n") == text.size() - 4);
}

BOOST_AUTO_TEST_CASE(plain_answers_are_neither_sniffed_nor_stored) {
  std::string text = to_cgi(text_response(404, "no\n"));
  BOOST_TEST(text.starts_with("Status: 404 Not Found\r\n"));
  BOOST_TEST(text.find("X-Content-Type-Options: nosniff\r\n") != text.npos);
  BOOST_TEST(text.find("Cache-Control: no-store\r\n") != text.npos);
}

BOOST_AUTO_TEST_CASE(an_unlisted_status_is_still_a_status_line) {
  BOOST_TEST(to_cgi(Response{.status = 299, .headers = {}, .body = ""})
                 .starts_with("Status: 299 Unknown\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()
