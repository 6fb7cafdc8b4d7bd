// server_tests: how a process is started, what it answers and how it ends.
#include <fastcgi.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>

#include "decorators.h"
#include "echo_server.h"
#include "tls_server.h"

using namespace b24::test;
using namespace std::chrono_literals;

namespace server_tests {

std::vector<std::string> cgi_environment(const Params& params) {
  std::vector<std::string> environment;
  for (const auto& [name, value] : params) environment.push_back(name + '=' + value);
  return environment;
}

Ran run_cgi(const Params& params, std::string body, std::vector<std::string> args = {}) {
  args.insert(args.begin(), built("echo.fcgi"));
  return run({.args = args, .environment = cgi_environment(params), .input = std::move(body)});
}

Ran run_shell(std::vector<std::string> args) {
  args.insert(args.begin(), built("echo.fcgi"));
  return run({.args = std::move(args)});
}

// Starts the command, which is to listen on `where`, and gives its answer as CGI text.
std::string answer_of(const b24::test::Command& command, const std::string& where,
                      const std::string& request) {
  Process process(command);
  FcgiAnswer answer;
  bool answered = wait_until([&] {
    try {
      answer = ask(where, request);
      return answer.complete;
    } catch (const std::runtime_error&) {
      return false;
    }
  });
  BOOST_TEST(answered, process.err());
  process.signal(SIGTERM);
  process.wait();
  return answer.head + "\r\n" + answer.body;
}

bool begun(const std::string& file) {
  return std::filesystem::exists(file + ".begun");
}

// So many whose requests have begun and wait for a file.
std::vector<Peer> waiting_for(const std::string& file, int count, const EchoServer& echo) {
  std::vector<Peer> peers;
  for (int i = 0; i < count; ++i) {
    const std::string own = file + std::to_string(i);
    std::filesystem::create_symlink(file, own);
    peers.emplace_back(echo.where);
    peers.back().send(fcgi_get("wait=" + own));
    BOOST_REQUIRE(wait_until([&] { return begun(own); }));
  }
  return peers;
}

}  // namespace server_tests

BOOST_AUTO_TEST_SUITE(server_tests)

BOOST_AUTO_TEST_CASE(all_ways_to_start_answer_the_same) {
  std::string body = "first=1&last=2";
  std::string want = run_cgi(post_params("a=b", body.size()), body).out;
  BOOST_TEST(want.ends_with("method=POST\nquery=a=b\naddress=192.0.2.7\nbody=" + body + "\n"));
  std::string request = fcgi_post("a=b", body);
  std::string program = built("echo.fcgi");
  TempDir dir;
  auto socket = [&](const char* name) { return (dir / name).string(); };

  BOOST_TEST(answer_of({.args = {program, "--listen", "unix:" + socket("own")}},
                       "unix:" + socket("own"), request) == want);
  std::string tcp = "127.0.0.1:" + std::to_string(free_port());
  BOOST_TEST(answer_of({.args = {program, "--listen", tcp}}, tcp, request) == want);
  BOOST_TEST(answer_of({.args = {"spawn-fcgi", "-n", "-s", socket("spawned"), "--", program}},
                       "unix:" + socket("spawned"), request) == want);
  BOOST_TEST(answer_of({.args = {"systemd-socket-activate", "-l", socket("activated"), program}},
                       "unix:" + socket("activated"), request) == want);
  int listener = listen_on(dir / "handed");
  BOOST_TEST(answer_of({.args = {"sh", "-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec " + program},
                        .fds = {{listener, 3}}},
                       "unix:" + socket("handed"), request) == want);
  BOOST_TEST(answer_of({.args = {program}, .fds = {{listener, 0}}}, "unix:" + socket("handed"),
                       request) == want);
  close(listener);
}

BOOST_AUTO_TEST_CASE(cgi_never_looks_at_arguments, *shows("T7")) {
  std::string want = run_cgi(get_params("x"), "").out;
  BOOST_TEST(want.starts_with("Status: 200 OK\r\n"));
  for (const char* argument : {"-s", "--help", "--version", "--config=/etc/passwd", "--settings=x",
                               "--listen=127.0.0.1:1", "--list", "\255d+x"}) {
    Ran ran = run_cgi(get_params("x"), "", {argument});
    BOOST_TEST(ran.status == 0);
    BOOST_TEST(ran.out == want);
    Params without_gateway = get_params("x");
    without_gateway.erase(without_gateway.begin());
    BOOST_TEST(run_cgi(without_gateway, "", {argument}).out == want);
  }
}

BOOST_AUTO_TEST_CASE(fastcgi_under_a_gateway_never_looks_at_arguments, *shows("T7")) {
  TempDir dir;
  int listener = listen_on(dir / "socket");
  std::string answer = answer_of({.args = {built("echo.fcgi"), "--nonsense"},
                                  .environment = {"GATEWAY_INTERFACE=CGI/1.1"},
                                  .fds = {{listener, 0}}},
                                 "unix:" + (dir / "socket").string(), fcgi_get(""));
  BOOST_TEST(answer.starts_with("Status: 200"));
  close(listener);
}

// Some servers name neither themselves nor CGI's version.
BOOST_AUTO_TEST_CASE(any_variable_of_cgi_makes_it_cgi) {
  Params params = get_params("");
  std::erase_if(params, [](const auto& param) { return param.first == "GATEWAY_INTERFACE"; });
  BOOST_TEST(run_cgi(params, "").out.contains("Status: 200"));
}

BOOST_AUTO_TEST_CASE(cgi_reads_a_large_body_to_its_end) {
  std::string body = "x=" + std::string(300'000, 'b');
  BOOST_TEST((run_cgi(post_params("", body.size()), body).out.ends_with("body=" + body + "\n")));
}

BOOST_AUTO_TEST_CASE(cgi_body_cut_short_is_refused, *shows("T11")) {
  std::string out = run_cgi(post_params("", 20), "x=1").out;
  BOOST_TEST(out.starts_with("Status: 400 "));
}

BOOST_AUTO_TEST_CASE(cgi_closes_its_answer_before_the_work_behind_it) {
  TempDir dir;
  std::string file = (dir / "go").string();
  int out[2];
  int err[2];
  BOOST_REQUIRE((pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0));
  auto environment = cgi_environment(get_params(""));
  environment.push_back("AFTER_ANSWER=" + file);
  Process process({.args = {built("echo.fcgi")},
                   .environment = environment,
                   .fds = {{out[1], 1}, {err[1], 2}}});
  close(out[1]);
  close(err[1]);
  // Both reach their end although the process lives on.
  std::string text(4096, '\0');
  ssize_t got = read(out[0], text.data(), text.size());
  BOOST_TEST(got > 0);
  BOOST_TEST(read(out[0], text.data(), text.size()) == 0);
  BOOST_TEST(read(err[0], text.data(), text.size()) == 0);
  BOOST_TEST(wait_until([&] { return begun(file); }));
  BOOST_TEST(process.running());
  write_file(file, "");
  BOOST_TEST(process.wait().value_or(-1) == 0);
  close(out[0]);
  close(err[0]);
}

BOOST_AUTO_TEST_CASE(the_shell_gets_commands_help_and_version) {
  Ran command = run_shell({"--list", "pending", "--show=7"});
  BOOST_TEST(command.status == 7);
  BOOST_TEST(command.out == "--list=pending\n--show=7\n");
  Ran help = run_shell({"--help"});
  BOOST_TEST(help.status == 0);
  BOOST_TEST(help.out.find("--list [pending|failed]") != help.out.npos);
  BOOST_TEST(run_shell({"-h"}).out == help.out);
  BOOST_TEST(run_shell({"--version"}).out.starts_with("b24hooks echo 0."));
  Ran unknown = run_shell({"--nonsense"});
  BOOST_TEST(unknown.status == 64);
  BOOST_TEST(unknown.out == "");
  BOOST_TEST(unknown.err.starts_with("echo: unknown option --nonsense; there are --list --show "));
  BOOST_TEST(std::ranges::count(unknown.err, '\n') == 1);
  Ran topic = run_shell({"--help", "nonsense"});
  BOOST_TEST(topic.status == 64);
  BOOST_TEST(topic.out == "");
  BOOST_TEST(topic.err == "there is help on settings and settings.conf only\n");
  BOOST_TEST(run_shell({"--help", "settings.conf"}).out.contains("[portal]"));
}

BOOST_AUTO_TEST_CASE(a_place_where_another_listens_is_told_from_others) {
  const TlsServer other(nullptr, [](const Received&) { return answer(200, ""); });
  const Ran ran = run_shell({"--listen", "127.0.0.1:" + std::to_string(other.port())});
  BOOST_TEST(ran.status == 1);
  BOOST_TEST(ran.err.contains(": another process listens there"), ran.err);
}

BOOST_AUTO_TEST_CASE(a_bad_place_to_listen_is_explained) {
  for (const char* where : {"nonsense", "unix:", ":9000", "127.0.0.1:", "127.0.0.1:x",
                            "unix:/no/such/directory/socket"}) {
    Ran ran = run_shell({"--listen", where});
    BOOST_TEST(ran.status == 1);
    BOOST_TEST(ran.err.starts_with("echo: "), where << ": " << ran.err);
  }
  std::string too_long = "unix:/tmp/" + std::string(200, 'x');
  BOOST_TEST(run_shell({"--listen", too_long}).status == 1);
}

BOOST_AUTO_TEST_CASE(only_this_machine_may_connect_by_tcp_unless_others_are_named) {
  const std::string port = ':' + std::to_string(free_port());
  for (const std::string host : {"0.0.0.0", "[::]"}) {
    const Ran ran = run_shell({"--listen", host + port});
    BOOST_TEST(ran.status == 1);
    BOOST_TEST(ran.err.find("listen_allow") != ran.err.npos, ran.err);
  }
  const auto answers = [&](const char* allow) {
    Process process({.args = {built("echo.fcgi"), "--listen", "0.0.0.0" + port},
                     .environment = {std::string("ALLOW=") + allow}});
    BOOST_TEST(wait_until([&] { return listens("127.0.0.1" + port); }));
    return ask("127.0.0.1" + port, fcgi_get("")).status == 200;
  };
  BOOST_TEST(answers("127.0.0.0/8"));
  BOOST_TEST(!answers("192.0.2.0/24"));
}

BOOST_AUTO_TEST_CASE(fastcgi_prints_nothing_and_forbids_core_dumps, *shows("T25")) {
  EchoServer echo;
  BOOST_TEST(echo.get("").status == 200);
  rlimit core{1, 1};
  BOOST_TEST(prlimit(echo.process.pid(), RLIMIT_CORE, nullptr, &core) == 0);
  BOOST_TEST(core.rlim_max == 0u);
  BOOST_TEST(echo.stop().value_or(-1) == 0);
  BOOST_TEST(echo.process.out() == "");
}

// As many as the system allows, with one for the requests, will do.
BOOST_AUTO_TEST_CASE(fewer_threads_than_wished_for_serve, *as_released()) {
  if (geteuid() != 0) return;  // only root may become a user with few threads left
  const TempDir dir;
  BOOST_REQUIRE(chmod(dir.path().c_str(), 0777) == 0);
  const std::string user = std::to_string(100'000 + getpid());  // nobody else's threads count
  const auto serves = [&](int room, const std::string& threads) {
    const std::string where = "unix:" + (dir / (threads + "of" + std::to_string(room))).string();
    Process process({.args = {"prlimit", "--nproc=" + std::to_string(room), "setpriv", "--reuid",
                              user, "--regid", user, "--clear-groups", built("echo.fcgi"),
                              "--listen", where, "--threads", threads}});
    try {
      return wait_until([&] { return listens(where) || !process.running(); }) &&
             process.running() && ask(where, fcgi_get("")).status == 200;
    } catch (const std::runtime_error&) {
      return false;  // it has ended meanwhile
    }
  };
  int room = 1;
  while (room < 20 && !serves(room, "1")) ++room;
  BOOST_TEST(room < 20);
  BOOST_TEST(serves(room, "8"));
}

// Who asks cannot fill the server's log.
BOOST_AUTO_TEST_CASE(broken_settings_are_told_once_a_minute_however_many_ask) {
  const TempDir dir;
  const std::string where = "unix:" + (dir / "socket").string();
  write_file(dir / "settings.conf", "[data]\ndir = data\n[form]\nno_such_key = 1\n");
  const auto begun = std::chrono::steady_clock::now();
  Process program(
      {{built("cgi-bin/index.fcgi"), "--settings", dir / "settings.conf", "--listen", where}});
  BOOST_REQUIRE(wait_until([&] { return listens(where); }));
  for (int i = 0; i < 50; ++i) BOOST_TEST(ask(where, fcgi_get("")).status == 503);
  program.signal(SIGTERM);
  program.wait();
  const auto took = std::chrono::steady_clock::now() - begun;
  // A line at the start, for the first who asks, and in each minute that begins meanwhile.
  BOOST_TEST(std::ranges::count(program.err(), '\n') <= 3 + took / std::chrono::minutes(1),
             program.err());
}

BOOST_AUTO_TEST_CASE(a_head_request_gets_the_length_without_the_body) {
  EchoServer echo;
  Params params = get_params("size=1000");
  params[1].second = "HEAD";
  FcgiAnswer answer = ask(echo.where, fcgi_head(params) + fcgi_body(""));
  BOOST_TEST(answer.status == 200);
  BOOST_TEST(answer.head.find("Content-Length: 1000\r\n") != answer.head.npos);
  BOOST_TEST(answer.body == "");
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_page_is_a_500_and_the_worker_lives_on) {
  EchoServer echo({"MAX_THREADS=1"}, {"--threads", "1"});
  FcgiAnswer answer = echo.get("throw");
  BOOST_TEST(answer.status == 500);
  BOOST_TEST(answer.body.find("as asked") == answer.body.npos);
  BOOST_TEST(echo.get("").status == 200);
  BOOST_TEST(echo.process.err().find("as asked\n") != std::string::npos);  // and none left out
  BOOST_TEST(run_cgi(get_params("throw"), "").out.starts_with("Status: 500 "));
}

BOOST_AUTO_TEST_CASE(requests_never_see_each_others_data) {
  EchoServer echo;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client)
    clients.emplace_back([&, client] {
      for (int i = 0; i < 150; ++i) {
        // Long ones between short ones, so that whatever stayed behind would show.
        std::size_t size = i % 3 == 0 ? static_cast<std::size_t>(i) * 500 : 3;
        std::string mark = std::to_string(client * 1000 + i);
        std::string body = "x=" + std::string(size, static_cast<char>('a' + client)) + mark;
        FcgiAnswer answer = ask(echo.where, fcgi_post("q=" + mark, body));
        std::string want =
            "method=POST\nquery=q=" + mark + "\naddress=192.0.2.7\nbody=" + body + '\n';
        if (answer.body != want || !answer.complete) ++wrong;
      }
    });
  for (std::thread& client : clients) client.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(an_answer_of_any_size_is_whole_at_the_bounds_of_its_records) {
  constexpr std::size_t kRecord = 0xfff8, kHead = 200;
  EchoServer echo;
  for (const std::size_t records : {std::size_t{1}, std::size_t{2}, std::size_t{16}})
    for (std::size_t size = records * kRecord - kHead; size < records * kRecord + 9; ++size) {
      const FcgiAnswer answer = echo.get("size=" + std::to_string(size));
      BOOST_TEST_REQUIRE(answer.complete);
      BOOST_TEST_REQUIRE(answer.body.size() == size);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_bears_the_number_of_its_request) {
  constexpr int kNumber = 0x0102;
  EchoServer echo;
  Peer peer(echo.where);
  peer.send(fcgi_begin(false, FCGI_RESPONDER, kNumber) +
            fcgi_record(FCGI_PARAMS, fcgi_pairs(get_params("")), kNumber) +
            fcgi_record(FCGI_PARAMS, "", kNumber) + fcgi_record(FCGI_STDIN, "", kNumber));
  const std::string records = peer.receive().value_or("");
  BOOST_TEST(parse_fcgi(records).complete);
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(records.at(at)); };
  for (std::size_t at = 0; at < records.size();
       at += FCGI_HEADER_LEN + (std::size_t{byte(at + 4)} << 8 | byte(at + 5)) + byte(at + 6))
    BOOST_TEST((byte(at + 2) << 8 | byte(at + 3)) == kNumber);
}

BOOST_AUTO_TEST_CASE(a_thread_that_waits_for_somebody_else_gets_another_in_its_place) {
  EchoServer echo({"MAX_THREADS=16"}, {"--threads", "2"});
  const std::string file = (echo.dir / "go").string();
  const int at_rest = echo.threads_at_rest();
  Peer away(echo.where);
  away.send(fcgi_get("away=" + file));
  BOOST_REQUIRE(wait_until([&] { return begun(file); }));
  // The other thread goes on answering, so that no round lasts.
  std::atomic<bool> grown = false;
  std::vector<std::jthread> clients;
  for (int client = 0; client < 8; ++client)
    clients.emplace_back([&] {
      while (!grown) ask(echo.where, fcgi_get("q"));
    });
  BOOST_TEST(wait_until([&] { return echo.threads() > at_rest; }));
  grown = true;
  clients.clear();
  write_file(file, "");
  BOOST_TEST(parse_fcgi(away.receive().value_or("")).complete);
}

BOOST_AUTO_TEST_CASE(the_pool_shrinks_while_requests_go_on) {
  EchoServer echo({"MAX_THREADS=6", "IDLE_TIME=3600000"}, {"--threads", "2"});
  const std::string file = (echo.dir / "go").string();
  std::vector<Peer> peers = waiting_for(file, 6, echo);
  const int grown = echo.threads();
  write_file(file, "");
  BOOST_TEST(wait_until([&] {
    echo.get("");
    return echo.threads() == grown - 4;
  }));
  for (Peer& peer : peers) BOOST_TEST(parse_fcgi(peer.receive().value_or("")).complete);
}

// More than it takes make smaller rounds, each of which costs a sync.
BOOST_AUTO_TEST_CASE(the_pool_shrinks_while_all_have_something_to_do_and_none_waits_for_long) {
  EchoServer echo({"MAX_THREADS=3", "IDLE_TIME=3600000"}, {"--threads", "1"});
  const int at_rest = echo.threads_at_rest();
  const std::string file = (echo.dir / "go").string();
  std::vector<Peer> peers = waiting_for(file, 2, echo);
  std::atomic<bool> over = false;
  std::vector<std::jthread> clients;
  for (int client = 0; client < 8; ++client)
    clients.emplace_back([&] {
      while (!over) echo.get("");
    });
  BOOST_TEST(wait_until([&] { return echo.threads() > at_rest; }));
  write_file(file, "");
  BOOST_TEST(wait_until([&] { return echo.threads() == at_rest; }));
  over = true;
  clients.clear();
  for (Peer& peer : peers) BOOST_TEST(parse_fcgi(peer.receive().value_or("")).complete);
}

BOOST_AUTO_TEST_CASE(the_pool_grows_while_all_are_busy_up_to_its_limit_and_shrinks_again) {
  EchoServer echo({"MAX_THREADS=6", "IDLE_TIME=200"}, {"--threads", "2"});
  BOOST_TEST(echo.get("").status == 200);
  const int at_rest = echo.threads_at_rest();
  std::string file = (echo.dir / "go").string();
  std::vector<Peer> peers;
  for (int i = 0; i < 7; ++i) {
    peers.emplace_back(echo.where);
    // Each waits for the same file, and says so in one of its own.
    std::filesystem::create_symlink(file, file + std::to_string(i));
    peers.back().send(fcgi_get("wait=" + file + std::to_string(i)));
  }
  auto count = [&] {
    int result = 0;
    for (int i = 0; i < 7; ++i) result += begun(file + std::to_string(i));
    return result;
  };
  BOOST_TEST(wait_until([&] { return count() == 6; }));
  BOOST_TEST(count() == 6);
  BOOST_TEST(echo.threads() == at_rest + 4);
  write_file(file, "");
  for (Peer& peer : peers) BOOST_TEST(parse_fcgi(peer.receive().value_or("")).complete);
  BOOST_TEST(wait_until([&] { return echo.threads() == at_rest; }));
  BOOST_TEST(echo.stop().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(sigterm_idle_ends_at_once) {
  for (int round = 0; round < 10; ++round) {
    EchoServer echo({}, {"--threads", "16"});
    BOOST_TEST(echo.get("").status == 200);
    BOOST_TEST(echo.stop().value_or(-1) == 0);
    BOOST_TEST(echo.requests() == 1);
    BOOST_TEST(!std::filesystem::exists(echo.dir / "echo.sock"));
  }
}

BOOST_AUTO_TEST_CASE(sigint_ends_and_sighup_does_not) {
  EchoServer echo;
  echo.process.signal(SIGHUP);
  BOOST_TEST(echo.get("").status == 200);
  echo.process.signal(SIGINT);
  BOOST_TEST(echo.process.wait().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(sigterm_finishes_what_is_under_way_and_what_is_queued) {
  EchoServer echo({"MAX_THREADS=2"});
  std::string file = (echo.dir / "go").string();
  std::vector<Peer> peers;
  for (int i = 0; i < 40; ++i) {
    peers.emplace_back(echo.where);
    peers.back().send(fcgi_get("wait=" + file));
  }
  BOOST_TEST(wait_until([&] { return begun(file); }));
  echo.process.signal(SIGTERM);
  write_file(file, "");
  for (Peer& peer : peers) {
    FcgiAnswer answer = parse_fcgi(peer.receive().value_or(""));
    BOOST_TEST((answer.complete && answer.status == 200));
  }
  BOOST_TEST(echo.process.wait().value_or(-1) == 0);
  BOOST_TEST(echo.requests() == 40);
}

BOOST_AUTO_TEST_CASE(sigterm_lets_a_request_arrive_that_has_begun) {
  EchoServer echo;
  std::string request = fcgi_post("", "x=" + std::string(50'000, 'b'));
  Peer peer(echo.where);
  peer.send(std::string_view(request).substr(0, request.size() / 2));
  // Another one is answered: so the first was accepted and waits for its rest.
  BOOST_TEST(echo.get("").status == 200);
  echo.process.signal(SIGTERM);
  peer.send(std::string_view(request).substr(request.size() / 2));
  BOOST_TEST(parse_fcgi(peer.receive().value_or("")).status == 200);
  BOOST_TEST(echo.process.wait().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(a_peer_that_sends_nothing_does_not_hold_up_the_stop) {
  EchoServer echo;
  Peer silent(echo.where);
  Peer half(echo.where);
  half.send(fcgi_begin());
  BOOST_TEST(echo.get("").status == 200);
  BOOST_TEST(echo.stop().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(restarts_on_a_held_socket_lose_no_request, *shows("F12") * shows("A9")) {
  TempDir dir;
  int listener = listen_on(dir / "socket");
  std::string where = "unix:" + (dir / "socket").string();
  std::atomic<bool> done = false;
  std::atomic<int> answered = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 3; ++client)
    clients.emplace_back([&] {
      while (!done) ask(where, fcgi_post("", "x=1")).complete ? ++answered : ++lost;
    });
  for (int round = 0; round < 10; ++round) {
    Process process({.args = {built("echo.fcgi")}, .fds = {{listener, 0}}});
    int before = answered;
    BOOST_TEST(wait_until([&] { return answered > before + 100; }));
    if (round == 9) done = true;
    process.signal(SIGTERM);
    BOOST_TEST(process.wait().value_or(-1) == 0);
  }
  // Those that were queued when the last one ended are answered by one more.
  Process last({.args = {built("echo.fcgi")}, .fds = {{listener, 0}}});
  for (std::thread& client : clients) client.join();
  BOOST_TEST(lost == 0);
  BOOST_TEST(answered > 1000);
  close(listener);
}

BOOST_AUTO_TEST_CASE(successors_on_the_same_file_lose_no_request, *shows("F12") * shows("A9")) {
  TempDir dir;
  const std::string where = "unix:" + (dir / "socket").string();
  const b24::test::Command command{.args = {built("echo.fcgi"), "--listen", where}};
  auto running = std::make_unique<Process>(command);
  BOOST_REQUIRE(wait_until([&] { return listens(where); }));
  std::atomic<bool> done = false;
  std::atomic<int> answered = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 3; ++client)
    clients.emplace_back([&] {
      while (!done) {
        try {
          ask(where, fcgi_post("", "x=1")).complete ? ++answered : ++lost;
        } catch (const std::runtime_error&) {
          ++lost;
        }
      }
    });
  for (int round = 0; round < 20; ++round) {
    auto next = std::make_unique<Process>(command);
    BOOST_TEST(running->wait().value_or(-1) == 0);  // by itself
    running = std::move(next);
    const int before = answered;
    BOOST_TEST(wait_until([&] { return answered > before + 20; }));
  }
  done = true;
  for (std::thread& client : clients) client.join();
  BOOST_TEST(lost == 0);
  running->signal(SIGTERM);
  BOOST_TEST(running->wait().value_or(-1) == 0);
  BOOST_TEST(std::filesystem::is_empty(dir.path()));
}

BOOST_AUTO_TEST_CASE(a_program_whose_socket_file_is_gone_ends) {
  EchoServer echo;
  std::filesystem::remove(echo.dir / "echo.sock");
  BOOST_TEST(echo.process.wait().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(the_socket_file_of_a_dead_process_is_replaced) {
  EchoServer echo;
  struct stat info {};
  std::string file = (echo.dir / "echo.sock").string();
  BOOST_TEST(stat(file.c_str(), &info) == 0);
  BOOST_TEST((info.st_mode & 0777) == 0660u);

  echo.process.signal(SIGKILL);
  echo.process.wait();
  BOOST_TEST(std::filesystem::exists(file));
  BOOST_TEST(
      answer_of({.args = {built("echo.fcgi"), "--listen", echo.where}}, echo.where, fcgi_get(""))
          .starts_with("Status: 200"));
  BOOST_TEST(!std::filesystem::exists(file));

  write_file(file, "not a socket");
  BOOST_TEST(run_shell({"--listen", echo.where}).status == 1);
  BOOST_TEST(read_file(file) == "not a socket");
}

BOOST_AUTO_TEST_SUITE_END()
