// rounds_tests: many requests answered in one go, and what peers that stand still cost the others.
#include <poll.h>
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "decorators.h"
#include "echo_server.h"

using namespace b24::test;

namespace rounds_tests {

// One thread, which takes what has queued up while it waited for a file.
struct OneThread {
  TempDir dir;
  std::string kept = (dir / "kept").string();
  std::string go = (dir / "go").string();
  EchoServer echo;
  Peer first;

  explicit OneThread(std::string round = "64")
      : echo({"ROUND=" + round, "MAX_THREADS=1", "KEEP=" + kept}, {"--threads", "1"}),
        first(echo.where) {
    first.send(fcgi_get("wait=" + go));
    BOOST_REQUIRE(wait_until([&] { return std::filesystem::exists(go + ".begun"); }));
  }

  std::vector<Peer> queue(int count, std::string_view query) {
    std::vector<Peer> peers;
    for (int i = 0; i < count; ++i) {
      peers.emplace_back(echo.where);
      peers.back().send(fcgi_get(query));
    }
    return peers;
  }
  void run() const { write_file(go, ""); }
};

int count_of(std::vector<Peer>& peers, int status) {
  int count = 0;
  for (Peer& peer : peers) {
    const FcgiAnswer answer = parse_fcgi(peer.receive().value_or(""));
    count += answer.complete && answer.status == status;
  }
  return count;
}

}  // namespace rounds_tests

BOOST_AUTO_TEST_SUITE(rounds_tests)

BOOST_AUTO_TEST_CASE(a_round_keeps_once_for_all) {
  OneThread server;
  std::vector<Peer> keeping = server.queue(40, "keep");
  std::vector<Peer> others = server.queue(10, "");
  server.run();
  BOOST_TEST(count_of(keeping, 200) == 40);
  BOOST_TEST(count_of(others, 200) == 10);
  BOOST_TEST(read_file(server.kept) == "40\n");
  BOOST_TEST(wait_until([&] { return std::filesystem::exists(server.kept + ".kept"); }));
  BOOST_TEST(server.echo.stop().value_or(-1) == 0);
  BOOST_TEST(read_file(server.kept + ".kept") == "1\n");
}

BOOST_AUTO_TEST_CASE(a_round_has_a_size) {
  OneThread server("16");
  std::vector<Peer> keeping = server.queue(40, "keep");
  server.run();
  BOOST_TEST(count_of(keeping, 200) == 40);
  BOOST_TEST(read_file(server.kept) == "16\n16\n8\n");
}

BOOST_AUTO_TEST_CASE(rounds_of_one_keep_each_for_itself) {
  OneThread server("1");
  std::vector<Peer> keeping = server.queue(3, "keep");
  server.run();
  BOOST_TEST(count_of(keeping, 200) == 3);
  BOOST_TEST(read_file(server.kept) == "1\n1\n1\n");
}

BOOST_AUTO_TEST_CASE(nobody_whose_promise_was_not_kept_is_told_that_it_was, *shows("A2")) {
  for (const char* how : {".fails", ".throws"}) {
    OneThread server;
    write_file(server.kept + how, "");
    std::vector<Peer> keeping = server.queue(20, "keep");
    std::vector<Peer> others = server.queue(5, "");
    server.run();
    BOOST_TEST(count_of(keeping, 503) == 20);
    BOOST_TEST(count_of(others, 200) == 5);
    // Once there is room again everything is as before.
    std::filesystem::remove(server.kept + how);
    BOOST_TEST(server.echo.get("keep").status == 200);
    BOOST_TEST(server.echo.stop().value_or(-1) == 0);
    BOOST_TEST(read_file(server.kept) == "20\n1\n");
    BOOST_TEST(read_file(server.kept + ".kept") == "1\n");
  }
}

BOOST_AUTO_TEST_CASE(a_failed_request_does_not_fail_its_round) {
  OneThread server;
  std::vector<Peer> keeping = server.queue(5, "keep");
  std::vector<Peer> failing = server.queue(5, "throw");
  server.run();
  BOOST_TEST(count_of(keeping, 200) == 5);
  BOOST_TEST(count_of(failing, 500) == 5);
  BOOST_TEST(read_file(server.kept) == "5\n");
}

// A request that is too large to be looked at beforehand is read by one thread; not by the one that
// all others wait for.
BOOST_AUTO_TEST_CASE(a_large_body_that_stands_still_holds_up_nobody_and_is_let_go,
                     *shows("T19") * shows("A12")) {
  EchoServer echo({"ROUND=64", "MAX_THREADS=2", "REQUEST_TIME=1500"});
  const std::string request = fcgi_post("", "x=" + std::string(300'000, 'b'));
  Peer still(echo.where);
  still.send(std::string_view(request).substr(0, 150'000));
  for (int i = 0; i < 50; ++i) BOOST_TEST(echo.get("").status == 200);
  BOOST_TEST(still.is_dropped());
  BOOST_TEST(echo.stop().value_or(-1) == 0);
  BOOST_TEST(echo.requests() == 50);
}

BOOST_AUTO_TEST_CASE(a_large_body_that_drips_is_let_go, *shows("A12")) {
  EchoServer echo({"ROUND=64", "REQUEST_TIME=500"});
  const std::string request = fcgi_post("", "x=" + std::string(300'000, 'b'));
  Peer dripping(echo.where);
  std::size_t sent = 150'000;
  dripping.send(std::string_view(request).substr(0, sent));
  BOOST_TEST(
      wait_until([&] { return !dripping.send(std::string_view(request).substr(sent++, 1)); }));
  BOOST_TEST(echo.get("").status == 200);
}

// After its answer the library waits for who still sends, here without end.
BOOST_AUTO_TEST_CASE(a_refused_body_that_drips_is_let_go, *shows("A12")) {
  EchoServer echo({"MAX_THREADS=1", "MAX_BODY=10", "REQUEST_TIME=500"}, {"--threads", "1"});
  const std::string request = fcgi_post("", "x=" + std::string(300'000, 'b'));
  Peer dripping(echo.where);
  std::size_t sent = 20'000;  // more than is waited for
  dripping.send(std::string_view(request).substr(0, sent));
  BOOST_TEST(wait_until([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return !dripping.send(std::string_view(request).substr(sent++, 1));
  }));
  BOOST_TEST(echo.get("").status == 200);
}

// mod_proxy_fcgi: a Unix socket is writable only while a quarter of its buffer is in use.
BOOST_AUTO_TEST_CASE(a_web_server_that_asks_before_it_writes_is_read) {
  EchoServer echo({"ROUND=64", "REQUEST_TIME=10000"});
  for (const std::size_t piece : {30, 500, 8192}) {
    const std::string body = "x=" + std::string(90'000, 'b');
    const std::string request = fcgi_head(post_params("", body.size())) + fcgi_body(body, piece);
    Peer peer(echo.where);
    for (std::size_t sent = 0; sent < request.size(); sent += piece) {
      pollfd writable{peer.socket(), POLLOUT, 0};
      BOOST_REQUIRE(poll(&writable, 1, 30'000) == 1);
      BOOST_REQUIRE(peer.send(std::string_view(request).substr(sent, piece)));
    }
    const std::string answer = parse_fcgi(peer.receive().value_or("")).body;
    BOOST_TEST(answer.ends_with("body=" + body + "\n"), answer.substr(0, 300));
  }
}

BOOST_AUTO_TEST_CASE(large_bodies_are_read_whole_among_small_ones) {
  OneThread server;
  const std::string body = "x=" + std::string(150'000, 'b');
  std::vector<Peer> small = server.queue(5, "keep");
  Peer large(server.echo.where);
  large.send(fcgi_post("", body));
  std::vector<Peer> more = server.queue(5, "keep");
  server.run();
  BOOST_TEST(parse_fcgi(large.receive().value_or("")).body.ends_with("body=" + body + "\n"));
  BOOST_TEST(count_of(small, 200) == 5);
  BOOST_TEST(count_of(more, 200) == 5);
}

BOOST_AUTO_TEST_SUITE_END()
