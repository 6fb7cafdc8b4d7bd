// fcgi_guard_tests: sound requests pass whole, and nothing else passes.
#include "web/fcgi_guard.h"

#include <fastcgi.h>

#include <boost/test/unit_test.hpp>

#include "fcgi_client.h"

using namespace b24;
using namespace b24::test;
using State = FcgiGuard::State;

namespace boost::test_tools::tt_detail {
template <>
struct print_log_value<State> {
  void operator()(std::ostream& stream, State state) { stream << static_cast<int>(state); }
};
}  // namespace boost::test_tools::tt_detail

namespace {

constexpr std::size_t kBody = 100'000;

State check(std::string_view bytes) {
  return FcgiGuard(kBody).take(bytes);
}

// BEGIN and one PARAMS record with these bytes, ended.
std::string with_pairs(std::string_view pairs) {
  return fcgi_begin() + fcgi_record(FCGI_PARAMS, pairs) + fcgi_record(FCGI_PARAMS, "");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fcgi_guard_tests)

BOOST_AUTO_TEST_CASE(sound_requests_are_whole) {
  for (const std::string& request :
       {fcgi_get("a=b"), fcgi_post("", "x=1"), fcgi_post("", std::string(kBody, 'x')),
        fcgi_head(get_params(""), true) + fcgi_body(""),
        fcgi_head(post_params("", 9)) + fcgi_body("one-byte-", 1),
        fcgi_begin() + fcgi_record(FCGI_PARAMS, "") + fcgi_body(""),
        fcgi_begin() + fcgi_record(FCGI_PARAMS, fcgi_pairs({{"A", ""}}), 1, 255) +
            fcgi_record(FCGI_PARAMS, "", 1, 8) + fcgi_record(FCGI_STDIN, "", 1, 7)})
    BOOST_TEST(check(request) == State::whole);
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_request_is_partial) {
  std::string request = fcgi_post("a=b", "first=1&last=2");
  for (std::size_t size = 0; size < request.size(); ++size)
    BOOST_TEST(check(std::string_view(request).substr(0, size)) == State::partial);
}

BOOST_AUTO_TEST_CASE(bytes_may_come_one_by_one) {
  std::string request = fcgi_post("a=b", "first=1&last=2");
  FcgiGuard guard(kBody);
  for (std::size_t i = 0; i + 1 < request.size(); ++i)
    BOOST_TEST(guard.take(std::string_view(request).substr(i, 1)) == State::partial);
  BOOST_TEST(guard.take(std::string_view(request).substr(request.size() - 1)) == State::whole);
  FcgiGuard at_once(kBody);
  at_once.take(request);
  BOOST_TEST((guard.records() == at_once.records()));
}

BOOST_AUTO_TEST_CASE(records_are_the_same_request_without_padding_and_in_full_records) {
  std::string pairs = fcgi_pairs(post_params("", 70'000));
  std::string body(70'000, 'b');
  std::string request = fcgi_begin();
  for (std::size_t i = 0; i < pairs.size(); i += 7)
    request += fcgi_record(FCGI_PARAMS, std::string_view(pairs).substr(i, 7), 1, 3);
  request += fcgi_record(FCGI_PARAMS, "") + fcgi_body(body, 1000);
  FcgiGuard guard(kBody);
  BOOST_REQUIRE(guard.take(request) == State::whole);
  std::string want = fcgi_begin(true) + fcgi_record(FCGI_PARAMS, pairs) +
                     fcgi_record(FCGI_PARAMS, "") + fcgi_body(body, 0xfff8);
  BOOST_TEST((guard.records() == want));
}

BOOST_AUTO_TEST_CASE(the_answer_goes_to_the_id_of_the_request) {
  std::string request = fcgi_begin(false, 1, 0x1234) + fcgi_record(FCGI_PARAMS, "", 0x1234) +
                        fcgi_record(FCGI_STDIN, "", 0x1234);
  FcgiGuard guard(kBody);
  BOOST_REQUIRE(guard.take(request) == State::whole);
  BOOST_TEST((guard.records() == fcgi_begin(true, 1, 0x1234) +
                                     fcgi_record(FCGI_PARAMS, "", 0x1234) +
                                     fcgi_record(FCGI_STDIN, "", 0x1234)));
}

BOOST_AUTO_TEST_CASE(records_out_of_place_are_broken) {
  std::string head = fcgi_head(get_params(""));
  std::string version2 = fcgi_get("");
  version2[0] = 2;
  struct {
    std::string_view what;
    std::string bytes;
  } const cases[] = {
      {"another protocol", "GET / HTTP/1.1\r\n"},
      {"zeros", std::string(8, '\0')},
      {"version 2", version2},
      {"get values first", fcgi_record(FCGI_GET_VALUES, fcgi_pairs({{"FCGI_MAX_CONNS", ""}}), 0)},
      {"get values repeated",
       fcgi_record(FCGI_GET_VALUES, fcgi_pairs({{"A", ""}, {"A", ""}, {"A", ""}, {"A", ""}}), 0)},
      {"get values in the parameters", fcgi_begin() + fcgi_record(FCGI_GET_VALUES, "", 0)},
      {"get values in the body",
       head + fcgi_record(FCGI_STDIN, "x") + fcgi_record(FCGI_GET_VALUES, "", 0)},
      {"unknown type", fcgi_record(77, "", 0)},
      {"unknown type in the body", head + fcgi_record(77, "")},
      {"abort", head + fcgi_record(FCGI_ABORT_REQUEST, "")},
      {"params first", fcgi_record(FCGI_PARAMS, "")},
      {"stdin first", fcgi_record(FCGI_STDIN, "")},
      {"stdin before the end of params", fcgi_begin() + fcgi_record(FCGI_STDIN, "")},
      {"params after their end", head + fcgi_record(FCGI_PARAMS, "")},
      {"data", head + fcgi_record(FCGI_DATA, "x")},
      {"begin twice", fcgi_begin() + fcgi_begin()},
      {"begin in the body", head + fcgi_record(FCGI_STDIN, "x") + fcgi_begin()},
      {"id 0", fcgi_begin(false, 1, 0)},
      {"params of another id", fcgi_begin() + fcgi_record(FCGI_PARAMS, "", 2)},
      {"stdin of another id", head + fcgi_record(FCGI_STDIN, "x", 65535)},
      {"begin too short", fcgi_record(FCGI_BEGIN_REQUEST, std::string("\0\1\0\0\0\0\0", 7))},
      {"begin too long", fcgi_record(FCGI_BEGIN_REQUEST, std::string("\0\1\0\0\0\0\0\0\0", 9))},
      {"authorizer", fcgi_begin(false, 2)},
      {"filter", fcgi_begin(false, 3)},
      {"role 257", fcgi_begin(false, 257)},
      {"a byte behind the request", fcgi_get("") + "x"},
      {"a second request behind the first", fcgi_get("a") + fcgi_get("b")},
  };
  for (const auto& c : cases) BOOST_TEST(check(c.bytes) == State::broken, c.what);
}

BOOST_AUTO_TEST_CASE(a_wrong_header_is_seen_before_its_content_comes) {
  std::string header = fcgi_record(77, std::string(1000, 'x')).substr(0, 8);
  BOOST_TEST(check(fcgi_begin() + header) == State::broken);
}

BOOST_AUTO_TEST_CASE(lengths_beyond_what_was_sent_are_broken) {
  using namespace std::string_literals;
  for (const std::string& pairs : {"\x01"s,
                                   "\x05\x00"
                                   "abcd"s,
                                   "\x01\x05"
                                   "Aabcd"s,
                                   "\x80"s, "\x80\x00\x00"s, "\x01\x80\x00\x00"s, "\x7f\x7f"s,
                                   "\xff\xff\xff\xff\xff\xff\xff\xff"s,
                                   "\xff\xff\xff\xfe\xff\xff\xff\xfe"s, "\xff\xff\xff\xfe\x00"s,
                                   "\x01\xff\xff\xff\xfe"
                                   "A"s,
                                   "\x80\x00\x00\x05\x00"
                                   "abcd"s,
                                   "\x01\x00"
                                   "A\x01"s})
    BOOST_TEST(check(with_pairs(pairs)) == State::broken);
  BOOST_TEST(check(with_pairs("\x80\x00\x00\x01\x80\x00\x00\x01"
                              "Ab"s)) == State::partial);
}

BOOST_AUTO_TEST_CASE(names_and_values_that_would_forge_others_are_broken) {
  using namespace std::string_literals;
  for (const Params& params :
       {Params{{"REMOTE_ADDR=6.6.6.6;X", "y"}}, Params{{"A\0B"s, "y"}},
        Params{{"A",
                "1\0"
                "2"s}},
        Params{{"", "y"}}, Params{{"=", ""}}, Params{{"A", "b"}, {"B", "\0"s}}})
    BOOST_TEST(check(with_pairs(fcgi_pairs(params))) == State::broken);
}

BOOST_AUTO_TEST_CASE(parameters_are_limited) {
  auto params_of = [](std::size_t size) {
    std::string text = fcgi_begin();
    for (std::size_t done = 0; done < size; done += std::min<std::size_t>(size - done, 65'535))
      text +=
          fcgi_record(FCGI_PARAMS, std::string(std::min<std::size_t>(size - done, 65'535), '\1'));
    return text;
  };
  BOOST_TEST(check(params_of(kMaxFcgiParams)) == State::partial);
  BOOST_TEST(check(params_of(kMaxFcgiParams + 1)) == State::broken);
}

BOOST_AUTO_TEST_CASE(a_body_over_the_limit_is_cut_once_that_is_known) {
  std::string announced = fcgi_head(post_params("", kBody + 1));
  FcgiGuard by_length(kBody);
  BOOST_TEST(by_length.take(announced) == State::whole);
  BOOST_TEST(by_length.is_cut());

  FcgiGuard by_count(kBody);
  BOOST_TEST(by_count.take(fcgi_head(get_params(""))) == State::partial);
  std::size_t sent = 0;
  while (by_count.take(fcgi_record(FCGI_STDIN, std::string(1000, 'x'))) == State::partial)
    sent += 1000;
  BOOST_TEST(sent == kBody);
  BOOST_TEST(by_count.is_cut());
  std::size_t size = by_count.size();
  for (int i = 0; i < 100; ++i) by_count.take(std::string(10'000, 'x'));
  BOOST_TEST(by_count.state() == State::whole);
  BOOST_TEST(by_count.size() == size);
}

BOOST_AUTO_TEST_CASE(a_content_length_that_is_no_number_is_left_to_the_reader) {
  for (const char* length : {"", "-1", "+3", "0x3", "3,3", " 3", "99999999999999999999x"}) {
    Params params = get_params("");
    params.emplace_back("CONTENT_LENGTH", length);
    FcgiGuard guard(kBody);
    BOOST_TEST(guard.take(fcgi_head(params)) == State::partial);
    BOOST_TEST(!guard.is_cut());
  }
  Params params = get_params("");
  params.emplace_back("CONTENT_LENGTH", "99999999999999999999");
  BOOST_TEST(check(fcgi_head(params)) == State::whole);
}

BOOST_AUTO_TEST_CASE(a_broken_request_is_answered_if_it_was_begun) {
  FcgiGuard guard(kBody);
  guard.take(fcgi_begin(false, 1, 7) + fcgi_record(77, "", 7));
  FcgiAnswer answer = parse_fcgi(guard.refusal());
  BOOST_TEST(answer.status == 400);
  BOOST_TEST(answer.complete);
  BOOST_TEST(guard.fault() == "a record out of place");
  FcgiGuard unknown(kBody);
  unknown.take("GET / HTTP/1.1\r\n\r\n");
  BOOST_TEST(unknown.refusal().empty());
}

BOOST_AUTO_TEST_CASE(nothing_mends_a_broken_request) {
  FcgiGuard guard(kBody);
  guard.take(fcgi_record(77, ""));
  BOOST_TEST(guard.take(fcgi_get("")) == State::broken);
}

BOOST_AUTO_TEST_SUITE_END()
