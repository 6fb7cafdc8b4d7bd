// server_peers_tests: what hostile, broken and slow peers send to a FastCGI process, and that
// nobody else notices.
#include <fastcgi.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "decorators.h"
#include "echo_server.h"

using namespace b24::test;
using namespace std::chrono_literals;

namespace server_peers_tests {

const std::vector<std::string> kOneWorker = {"--threads", "1"};

std::string get_values() {
  Params params(4, {"FCGI_MAX_CONNS", ""});
  return fcgi_record(FCGI_GET_VALUES, fcgi_pairs(params), 0);
}

// BEGIN and these bytes as all of PARAMS, and an empty body.
std::string with_pairs(const std::string& pairs) {
  return fcgi_begin() + fcgi_record(FCGI_PARAMS, pairs) + fcgi_record(FCGI_PARAMS, "") +
         fcgi_body("");
}

// Sends it, and wants 400, 413 or nothing at all; then the server must still be there.
int status_of(EchoServer& echo, const std::string& bytes) {
  int status = ask(echo.where, bytes).status;
  BOOST_TEST(echo.get("").status == 200);
  return status;
}

}  // namespace server_peers_tests

BOOST_AUTO_TEST_SUITE(server_peers_tests)

BOOST_AUTO_TEST_CASE(get_values_record_does_not_end_the_worker, *shows("T4")) {
  EchoServer echo({"MAX_THREADS=1"}, kOneWorker);
  std::string head = fcgi_head(post_params("", 20'000));
  BOOST_TEST(status_of(echo, get_values()) == 0);
  BOOST_TEST(status_of(echo, get_values() + fcgi_get("")) == 0);
  BOOST_TEST(status_of(echo, fcgi_begin() + get_values()) == 0);
  BOOST_TEST(status_of(echo, head + get_values()) == 0);
  BOOST_TEST(status_of(echo, head + fcgi_record(FCGI_STDIN, std::string(10'000, 'x')) +
                                 get_values()) == 0);
  BOOST_TEST(echo.stop().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(forged_request_in_an_unread_body_is_never_run, *shows("T1")) {
  EchoServer echo({"MAX_BODY=1000", "MAX_THREADS=1"}, kOneWorker);
  std::string forged = fcgi_get("wait=" + (echo.dir / "forged").string());
  int wrong = 0;
  // Whatever a reader takes in one go, one of these paddings ends right before the forged request.
  for (std::size_t pad = 7000; pad < 8300; ++pad) {
    std::string body = std::string(pad, 'x') + forged;
    FcgiAnswer answer = ask(
        echo.where, fcgi_head(post_params("", body.size()), true) + fcgi_body(body, body.size()));
    if (answer.status != 413 || !answer.complete) ++wrong;
  }
  BOOST_TEST(wrong == 0);
  BOOST_TEST(!std::filesystem::exists(echo.dir / "forged.begun"));
  BOOST_TEST(echo.stop().value_or(-1) == 0);
  BOOST_TEST(echo.requests() == 0);
}

BOOST_AUTO_TEST_CASE(second_request_on_a_connection_is_never_run, *shows("T1")) {
  EchoServer echo;
  std::string kept = fcgi_head(get_params("first"), true) + fcgi_body("");
  for (const std::string& behind : {std::string(), fcgi_get("second")}) {
    FcgiAnswer answer = ask(echo.where, kept + behind);
    BOOST_TEST(answer.complete);
    BOOST_TEST(answer.body.find("query=first\n") != answer.body.npos);
  }
  BOOST_TEST(echo.stop().value_or(-1) == 0);
  BOOST_TEST(echo.requests() == 2);
}

BOOST_AUTO_TEST_CASE(parameters_longer_than_what_was_sent_are_never_run, *shows("T2")) {
  using namespace std::string_literals;
  EchoServer echo;
  for (const std::string& lengths :
       {"\xff\xff\xff\xff\xff\xff\xff\xff"s, "\x01\x80\x0f\xff\xfe"s, "\x7f\x7f"s})
    BOOST_TEST(status_of(echo, with_pairs(lengths + "A")) == 0);
  BOOST_TEST(echo.stop().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(parameters_without_end_are_refused, *shows("T2")) {
  EchoServer echo;
  Params large = get_params("");
  large.emplace_back("HTTP_X", std::string(300'000, 'x'));
  BOOST_TEST(status_of(echo, fcgi_head(large) + fcgi_body("")) == 400);
  Params many = get_params("");
  for (int i = 0; i < 5000; ++i) many.emplace_back("HTTP_X" + std::to_string(i), "");
  BOOST_TEST(status_of(echo, fcgi_head(many) + fcgi_body("")) == 400);
}

BOOST_AUTO_TEST_CASE(forged_names_are_refused, *shows("T2")) {
  using namespace std::string_literals;
  EchoServer echo;
  for (const Params::value_type& forged : {Params::value_type{"REMOTE_ADDR", "6.6.6.6"},
                                           {"REMOTE_ADDR=6.6.6.6;X", "y"},
                                           {"A\0B"s, "y"},
                                           {"", "x"}}) {
    Params params = get_params("");
    params.push_back(forged);
    BOOST_TEST(status_of(echo, fcgi_head(params) + fcgi_body("")) == 400);
  }
}

BOOST_AUTO_TEST_CASE(endless_unknown_records_end_at_the_first, *shows("T4")) {
  EchoServer echo({"MAX_THREADS=1"}, kOneWorker);
  Peer peer(echo.where);
  std::string records;
  for (int i = 0; i < 10'000; ++i) records += fcgi_record(77, "", 0);
  bool taken = true;
  for (int i = 0; i < 100 && taken; ++i) taken = peer.send(records);
  BOOST_TEST(!taken);
  BOOST_TEST(echo.get("").status == 200);
}

BOOST_AUTO_TEST_CASE(requests_cut_at_any_byte_are_never_run, *shows("T11") * shows("A20")) {
  EchoServer echo;
  std::string request = fcgi_post("a=b", "first=1&last=2");
  for (std::size_t size = 0; size < request.size(); ++size) {
    Peer peer(echo.where);
    peer.send(std::string_view(request).substr(0, size));
    peer.finish_sending();
    BOOST_TEST(peer.is_dropped(), "cut at " << size);
  }
  BOOST_TEST(echo.stop().value_or(-1) == 0);
  BOOST_TEST(echo.requests() == 0);
}

BOOST_AUTO_TEST_CASE(body_cut_short_is_refused, *shows("T11")) {
  EchoServer echo;
  std::string head = fcgi_head(post_params("", 20));
  BOOST_TEST(status_of(echo, head + fcgi_body("x=1")) == 400);
  BOOST_TEST(status_of(echo, head + fcgi_body("")) == 400);
  BOOST_TEST(status_of(echo, head + fcgi_body("x=" + std::string(30, 'x'))) == 400);
  BOOST_TEST(status_of(echo, head + fcgi_record(FCGI_STDIN, "x=1") +
                                 fcgi_record(FCGI_ABORT_REQUEST, "")) == 0);
}

BOOST_AUTO_TEST_CASE(body_over_the_limit_is_refused_while_the_peer_still_sends) {
  EchoServer echo({"MAX_BODY=10000", "MAX_THREADS=1"}, kOneWorker);
  std::string body(5'000'000, 'x');
  Peer peer(echo.where);
  peer.send(fcgi_head(post_params("", body.size())) + fcgi_body(body));
  FcgiAnswer answer = parse_fcgi(peer.receive().value_or(""));
  BOOST_TEST(answer.status == 413);
  BOOST_TEST(answer.complete);
  BOOST_TEST(echo.get("").status == 200);
}

BOOST_AUTO_TEST_CASE(many_idle_connections_leave_workers_free,
                     *shows("T3") * shows("T19") * shows("F8") * shows("A11")) {
  allow_many_descriptors();
  EchoServer echo({"MAX_THREADS=2", "REQUEST_TIME=60000"});
  std::vector<Peer> peers;
  std::string request = fcgi_post("", "x=" + std::string(20'000, 'b'));
  for (std::size_t i = 0; i < 1100; ++i) {
    peers.emplace_back(echo.where);
    // Nothing, a part of the parameters, or a part of the body.
    std::size_t sent[] = {0, 5, 100, request.size() / 2};
    peers.back().send(std::string_view(request).substr(0, sent[i % 4]));
  }
  for (int i = 0; i < 20; ++i) BOOST_TEST(echo.get("").status == 200);
  // Dripping does not help either; and who comes to an end is answered.
  for (Peer& peer : peers) peer.send(std::string_view(request).substr(0, 0));
  Peer& late = peers[3];
  late.send(std::string_view(request).substr(request.size() / 2));
  BOOST_TEST(parse_fcgi(late.receive().value_or("")).status == 200);
  BOOST_TEST(echo.process.running());
}

BOOST_AUTO_TEST_CASE(peers_that_drip_are_closed_at_the_deadline, *shows("T19") * shows("A12")) {
  EchoServer echo({"REQUEST_TIME=300"});
  std::string request = fcgi_post("", "x=" + std::string(20'000, 'b'));
  Peer silent(echo.where);
  Peer dripping(echo.where);
  std::size_t sent = 0;
  bool closed = wait_until([&] {
    return !dripping.send(std::string_view(request).substr(sent++, 1)) ||
           sent == request.size() - 1;
  });
  BOOST_TEST(closed);
  BOOST_TEST(sent < request.size() - 1);
  BOOST_TEST(silent.is_dropped());
}

BOOST_AUTO_TEST_CASE(thinking_is_not_limited_by_the_deadline) {
  EchoServer echo({"REQUEST_TIME=50"});
  std::string file = (echo.dir / "go").string();
  Peer peer(echo.where);
  peer.send(fcgi_get("wait=" + file));
  Peer silent(echo.where);
  BOOST_TEST(silent.is_dropped());  // so the deadline of both has passed
  write_file(file, "");
  BOOST_TEST(parse_fcgi(peer.receive().value_or("")).status == 200);
}

BOOST_AUTO_TEST_CASE(peer_that_keeps_its_end_open_holds_nobody) {
  EchoServer echo({"MAX_THREADS=1"}, kOneWorker);
  std::vector<Peer> peers;
  for (int i = 0; i < 20; ++i) {
    peers.emplace_back(echo.where);
    peers.back().send(fcgi_get(""));
    BOOST_TEST(parse_fcgi(peers.back().receive().value_or("")).complete);
  }
}

BOOST_AUTO_TEST_CASE(peer_gone_before_the_answer_disturbs_nobody) {
  EchoServer echo({"MAX_THREADS=1"}, kOneWorker);
  std::string file = (echo.dir / "go").string();
  {
    Peer peer(echo.where);
    peer.send(fcgi_get("wait=" + file));
    BOOST_TEST(wait_until([&] { return std::filesystem::exists(file + ".begun"); }));
  }
  write_file(file, "");
  BOOST_TEST(echo.get("").status == 200);
  BOOST_TEST(echo.stop().value_or(-1) == 0);
  BOOST_TEST(echo.requests() == 2);
}

BOOST_AUTO_TEST_CASE(answer_that_nobody_reads_is_given_up_at_the_deadline, *shows("A12")) {
  EchoServer echo({"MAX_THREADS=1", "REQUEST_TIME=500"}, kOneWorker);
  Peer deaf(echo.where);
  deaf.send(fcgi_get("size=4000000"));
  BOOST_TEST(echo.get("").status == 200);
  Peer silent(echo.where);
  BOOST_TEST(silent.is_dropped());  // accepted after the other's answer began
  auto received = deaf.receive();
  BOOST_REQUIRE(received);
  BOOST_TEST(received->size() > 0u);
  BOOST_TEST(!parse_fcgi(*received).complete);
}

// Only standing still has a limit: this takes longer than that in all.
BOOST_AUTO_TEST_CASE(large_answer_to_a_slow_reader_arrives_whole) {
  EchoServer echo({"MAX_THREADS=2", "REQUEST_TIME=2000"});
  Peer slow(echo.where);
  slow.send(fcgi_get("size=4000000"));
  std::string records;
  std::string block(100'000, '\0');
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < 2500ms) {
    std::this_thread::sleep_for(70ms);
    const ssize_t got = recv(slow.socket(), block.data(), block.size(), 0);
    BOOST_REQUIRE(got >= 0);
    records.append(block, 0, static_cast<std::size_t>(got));
  }
  BOOST_TEST(echo.get("").status == 200);
  FcgiAnswer answer = parse_fcgi(records + slow.receive().value_or(""));
  BOOST_TEST(answer.complete);
  BOOST_TEST((answer.body == std::string(4'000'000, 'x')));
}

// With 40 descriptors the idle ones are kept down; with 14 there is not even room for the workers,
// nor for an instrument, which looks at memory through a pipe and takes it for broken without one.
BOOST_AUTO_TEST_CASE(emfile_is_survived, *shows("T3")) {
  for (const char* descriptors : {"40", "14"}) {
    if (!kAsReleased && std::string_view(descriptors) == "14") break;
    TempDir dir;
    int listener = listen_on(dir / "socket");
    std::string where = "unix:" + (dir / "socket").string();
    Process process({.args = {"sh", "-c", "ulimit -n $N && exec " + built("echo.fcgi")},
                     .environment = {std::string("N=") + descriptors, "MAX_THREADS=2"},
                     .fds = {{listener, 0}}});
    BOOST_TEST(ask(where, fcgi_get("")).status == 200);
    std::vector<Peer> idle;
    for (int i = 0; i < 60; ++i) idle.emplace_back(where);
    BOOST_TEST(ask(where, fcgi_get("")).status == 200);
    bool was_out = process.err().find("Too many open files") != std::string::npos;
    BOOST_TEST(was_out == (std::string_view(descriptors) == "14"));
    idle.clear();
    for (int i = 0; i < 5; ++i) BOOST_TEST(ask(where, fcgi_get("")).status == 200);
    process.signal(SIGTERM);
    BOOST_TEST(process.wait().value_or(-1) == 0);
    close(listener);
  }
}

BOOST_AUTO_TEST_CASE(burst_of_2000_connections_loses_none, *shows("A6")) {
  allow_many_descriptors();
  EchoServer echo({"MAX_THREADS=2"});
  std::string file = (echo.dir / "go").string();
  std::vector<Peer> busy;
  for (int i = 0; i < 2; ++i) {
    busy.emplace_back(echo.where);
    busy.back().send(fcgi_get("wait=" + file + std::to_string(i)));
    BOOST_TEST(
        wait_until([&] { return std::filesystem::exists(file + std::to_string(i) + ".begun"); }));
  }
  // Nobody accepts now; the queue must take them all. A web server does not wait for room either.
  std::vector<Peer> burst;
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    try {
      burst.emplace_back(echo.where, Peer::Connect::at_once);
      burst.back().send(fcgi_get(""));
    } catch (const std::runtime_error&) {
      ++refused;
    }
  }
  BOOST_TEST(refused == 0);
  for (int i = 0; i < 2; ++i) write_file(file + std::to_string(i), "");
  int lost = 0;
  for (Peer& peer : burst)
    if (parse_fcgi(peer.receive().value_or("")).status != 200) ++lost;
  BOOST_TEST(lost == 0);
}

BOOST_AUTO_TEST_SUITE_END()
