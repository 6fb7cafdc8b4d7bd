// rounds_tests: what pattern P relies on in libfcgi, and how a whole request is recognised.
#include "web/rounds.h"

#include <fastcgi.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <utility>

#include "decorators.h"
#include "fcgi_client.h"

using namespace b24;
using namespace b24::test;

namespace rounds_tests {

constexpr std::size_t kRoom = 64 << 10;

bool is_open(int file) {
  return fcntl(file, F_GETFD) >= 0;
}

// Our end of a connection that lies in the field of the request, and the web server's end.
struct Handed {
  FCGX_Request request{};
  int ours = -1;
  int theirs = -1;

  explicit Handed(const std::string& records) {
    prepare_rounds();
    FCGX_InitRequest(&request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    int ends[2];
    BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ours = request.ipcFd = ends[0];
    theirs = ends[1];
    BOOST_REQUIRE(write(theirs, records.data(), records.size()) ==
                  static_cast<ssize_t>(records.size()));
  }
  ~Handed() { close(theirs); }
};

}  // namespace rounds_tests

BOOST_AUTO_TEST_SUITE(rounds_tests)

BOOST_AUTO_TEST_CASE(the_library_reads_the_connection_that_is_put_into_its_request) {
  Handed handed(fcgi_post("a=b", "x=1"));
  handed.request.keepConnection = 1;
  BOOST_REQUIRE(FCGX_Accept_r(&handed.request) == 0);
  BOOST_TEST(handed.request.ipcFd == handed.ours);
  BOOST_TEST(FCGX_GetParam("QUERY_STRING", handed.request.envp) == std::string("a=b"));
  char body[8];
  BOOST_TEST(FCGX_GetStr(body, sizeof body, handed.request.in) == 3);
  BOOST_TEST(FCGX_GetError(handed.request.in) == 0);
  handed.request.detached = 1;
  FCGX_Free(&handed.request, 1);
  BOOST_TEST(handed.request.ipcFd == -1);
  BOOST_TEST(!is_open(handed.ours));
}

BOOST_AUTO_TEST_CASE(without_keep_connection_the_library_begins_with_closing_it) {
  Handed handed(fcgi_get(""));
  handed.request.keepConnection = 0;
  BOOST_TEST(FCGX_Accept_r(&handed.request) < 0);
  BOOST_TEST(!is_open(handed.ours));
}

BOOST_AUTO_TEST_CASE(parameters_that_break_off_are_an_error_of_the_stream_only) {
  const std::string pairs = fcgi_pairs(get_params(""));
  Handed handed(fcgi_begin() + fcgi_record(FCGI_PARAMS, pairs));
  shutdown(handed.theirs, SHUT_WR);
  handed.request.keepConnection = 1;
  BOOST_TEST(FCGX_Accept_r(&handed.request) == 0);
  BOOST_TEST(FCGX_GetError(handed.request.in) != 0);
  handed.request.detached = 1;
  FCGX_Free(&handed.request, 1);
  BOOST_TEST(!is_open(handed.ours));
}

BOOST_AUTO_TEST_CASE(a_request_is_whole_with_the_end_of_its_body_and_not_before) {
  const std::string request = fcgi_post("a=b", std::string(5000, 'x'));
  for (std::size_t size = 0; size < request.size(); ++size)
    BOOST_TEST((arrived(std::string_view(request).substr(0, size), kRoom) == Arrived::part), size);
  BOOST_TEST((arrived(request, kRoom) == Arrived::whole));
  BOOST_TEST((arrived(fcgi_get(""), kRoom) == Arrived::whole));
  BOOST_TEST((arrived(fcgi_begin() + fcgi_record(FCGI_PARAMS, "abc", 1, 255) +
                          fcgi_record(FCGI_PARAMS, "") + fcgi_record(FCGI_STDIN, "", 1, 5),
                      kRoom) == Arrived::whole));
}

BOOST_AUTO_TEST_CASE(more_than_is_looked_at_is_large) {
  const std::string request = fcgi_post("", std::string(2 * kRoom, 'x'));
  BOOST_TEST((arrived(request.substr(0, kRoom), kRoom) == Arrived::large));
  BOOST_TEST((arrived(request.substr(0, kRoom - 1), kRoom) == Arrived::part));
}

BOOST_AUTO_TEST_CASE(many_small_pieces_are_large) {
  std::string request = fcgi_head(post_params("", 1000));
  for (int i = 0; i < 100; ++i) request += fcgi_record(FCGI_STDIN, "x");
  BOOST_TEST((arrived(request, kRoom) == Arrived::large));
}

BOOST_AUTO_TEST_CASE(records_that_no_web_server_sends_are_never_a_request, *shows("T4")) {
  for (const int type : {FCGI_ABORT_REQUEST, FCGI_END_REQUEST, FCGI_STDOUT, FCGI_DATA,
                         FCGI_GET_VALUES, FCGI_UNKNOWN_TYPE, 77}) {
    BOOST_TEST((arrived(fcgi_record(type, ""), kRoom) == Arrived::never), type);
    BOOST_TEST((arrived(fcgi_begin() + fcgi_record(type, "x"), kRoom) == Arrived::never), type);
  }
  BOOST_TEST((arrived("GET / HTTP/1.1\r\n", kRoom) == Arrived::never));
  // A body that no request was begun for, of another request, before its parameters, or two.
  const std::string end = fcgi_record(FCGI_STDIN, ""), others = fcgi_record(FCGI_STDIN, "", 2);
  for (const std::string& bytes : {end, fcgi_head({}) + others, fcgi_begin() + others,
                                   fcgi_begin() + end, fcgi_begin() + fcgi_begin() + end})
    BOOST_TEST((arrived(bytes, kRoom) == Arrived::never));
}

BOOST_AUTO_TEST_SUITE_END()
