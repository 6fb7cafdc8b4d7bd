// run_site_tests: `make run` starts everything, keeps it up, and leaves nothing behind.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <set>
#include <vector>

#include "base/files.h"
#include "site.h"

namespace fs = std::filesystem;
using b24::test::Site;
using b24::test::wait_until;

namespace run_site_tests {

const char* const kProcesses[] = {"index",       "handler", "handler-backup",
                                  "checkserver", "sandbox", "nginx"};

// Processes whose command line or listening names the directory: nginx workers too.
std::set<std::string> processes_of(const fs::path& dir) {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string line = b24::test::read_file(entry.path() / "cmdline");
    if (line.contains(dir.string())) found.insert(line);
  }
  return found;
}

fs::perms mode(const fs::path& file) {
  return fs::status(file).permissions();
}

std::string run_site_error(const std::vector<std::string>& environment) {
  const auto ran = b24::test::run({{"tests/run-site"}, environment, "", {}, ""});
  BOOST_TEST(ran.status == 1);
  return ran.err;
}

std::vector<std::string> environment_of(int port, int sandbox_port, const fs::path& dir) {
  const char* build = std::getenv("BUILD");
  return {"PORT=" + std::to_string(port), "SANDBOX_PORT=" + std::to_string(sandbox_port),
          "RUN_DIR=" + dir.string(), "BUILD=" + std::string(build == nullptr ? "build" : build)};
}

}  // namespace run_site_tests

BOOST_AUTO_TEST_SUITE(run_site_tests)

BOOST_AUTO_TEST_CASE(two_runs_live_side_by_side_and_end_without_a_trace) {
  Site first, second;
  for (Site* site : {&first, &second}) {
    BOOST_TEST(site->out().ends_with("ready\n"));
    for (const char* path : {"/", "/index", "/index.php", "/handler", "/handler.php",
                             "/checkserver", "/checkserver.php"}) {
      const int status = site->get(path).status;
      BOOST_TEST_CONTEXT(path) BOOST_TEST((status != 0 && status != 404 && status < 500));
    }
    for (const char* path : {"/settings.conf", "/index.fcgi", "/handler.php/x", "/index.php%0a"})
      BOOST_TEST(site->get(path).status == 404);
    BOOST_TEST(site->call_json("profile")["result"]["ID"].text() == "1");
    BOOST_TEST((mode(site->run_dir()) == fs::perms::owner_all));
    for (const char* file : {"settings.conf", "sandbox-key.pem"})
      BOOST_TEST(
          (mode(site->run_dir() / file) == (fs::perms::owner_read | fs::perms::owner_write)));
  }
  BOOST_TEST(first.token() != second.token());
  BOOST_TEST(processes_of(first.run_dir()).size() >= std::size(kProcesses));

  BOOST_TEST(first.stop().value_or(-1) == 0);
  BOOST_TEST(first.err() == "");
  BOOST_TEST(processes_of(first.run_dir()).empty());
  BOOST_TEST(!b24::test::can_connect(first.port()));
  BOOST_TEST(second.get("/").status == 200);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_killed_leaves_nothing_behind_either) {
  b24::test::TempDir dir;
  const int port = b24::test::free_port();
  b24::test::Process run(
      {{"tests/run-site"}, environment_of(port, b24::test::free_port(), dir.path()), "", {}, ""});
  BOOST_REQUIRE(wait_until([&] { return run.out().ends_with("ready\n"); }));
  run.signal(SIGKILL);
  BOOST_TEST(run.wait().value_or(-1) == 128 + SIGKILL);
  BOOST_TEST(wait_until([&] { return processes_of(dir.path()).empty(); }));
  BOOST_TEST(!b24::test::can_connect(port));
}

BOOST_AUTO_TEST_CASE(a_page_that_dies_is_started_again) {
  Site site;
  for (const char* name : {"index", "handler", "handler-backup", "checkserver"}) {
    site.kill(name, SIGKILL);
    BOOST_TEST(site.err().contains(std::string(name) + " has died and is started again"));
  }
  BOOST_TEST(site.get("/").status == 200);
}

BOOST_AUTO_TEST_CASE(settings_that_are_there_are_kept) {
  b24::test::TempDir dir;
  const auto start = [&] {
    auto run = std::make_unique<b24::test::Process>(b24::test::Command{
        {"tests/run-site"},
        environment_of(b24::test::free_port(), b24::test::free_port(), dir.path()),
        "",
        {},
        ""});
    BOOST_REQUIRE(wait_until([&] { return run->out().ends_with("ready\n"); }));
    return run;
  };
  auto first = start();
  first->signal(SIGINT);
  BOOST_TEST(first->wait().value_or(-1) == 0);
  const std::string before = b24::test::read_file(dir / "settings.conf");
  const std::string edited = before + "\n[handler]\ntitle = mine\n";
  b24::test::write_file(dir / "settings.conf", edited);
  const std::string authority = b24::test::read_file(dir / "sandbox-ca.pem");
  auto second = start();
  const std::string after = b24::test::read_file(dir / "settings.conf");
  BOOST_TEST(after.ends_with("\n[handler]\ntitle = mine\n"));
  BOOST_TEST(after != edited);  // the sandbox is at another port now
  BOOST_TEST(after.size() == edited.size());
  BOOST_TEST(b24::test::read_file(dir / "sandbox-ca.pem") == authority);
}

BOOST_AUTO_TEST_CASE(taken_ports_give_way_to_the_next_free_ones_and_a_taken_directory_is_named) {
  Site site;
  b24::test::TempDir dir;
  const std::string taken = std::to_string(site.port());
  b24::test::Process run(
      {{"tests/run-site"}, environment_of(site.port(), site.port(), dir.path()), "", {}, ""});
  const auto is_ready = [&] { return run.out().ends_with("ready\n"); };
  BOOST_REQUIRE_MESSAGE(wait_until(is_ready, kDeadline * 3), run.out() + run.err());
  const auto port_of = [&](const std::string& name) {
    const std::string begin = "port " + taken + " is taken, so " + name + " is ";
    BOOST_TEST_REQUIRE(run.out().contains(begin));
    return std::stoi(run.out().substr(run.out().find(begin) + begin.size()));
  };
  const int port = port_of("PORT");
  BOOST_TEST(port > site.port());
  BOOST_TEST(port_of("SANDBOX_PORT") > port);
  BOOST_TEST(b24::test::http(port, {"GET", "/index.php", {}, ""}).status == 200);
  const std::string second =
      run_site_error(environment_of(b24::test::free_port(), b24::test::free_port(), dir.path()));
  BOOST_TEST(second.contains("there is a run in"));
  BOOST_TEST(second.contains("make run RUN_DIR="));
  run.signal(SIGTERM);
  run.wait();
  BOOST_TEST(processes_of(dir.path()).empty());
}

BOOST_AUTO_TEST_CASE(a_port_where_nobody_is_let_in_is_taken) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int port = b24::test::free_port();  // the ones behind it are no connection's, either
  place.sin_port = htons(static_cast<std::uint16_t>(port));
  const b24::FileHandle full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  BOOST_REQUIRE(::bind(full.get(), reinterpret_cast<sockaddr*>(&place), sizeof place) == 0);
  BOOST_REQUIRE(::listen(full.get(), 0) == 0);
  std::vector<b24::FileHandle> guests;
  for (int i = 0; i < 4; ++i) {
    guests.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)::connect(guests.back().get(), reinterpret_cast<sockaddr*>(&place), sizeof place);
  }
  b24::test::TempDir dir;
  b24::test::Process run({{"tests/run-site"}, environment_of(port, port, dir.path()), "", {}, ""});
  BOOST_TEST(wait_until([&] { return run.out().ends_with("ready\n"); }, kDeadline * 3),
             run.out() + run.err());
  BOOST_TEST(run.out().contains("port " + std::to_string(port) + " is taken, so PORT is "));
}

BOOST_AUTO_TEST_CASE(a_given_portal_is_used_instead_of_a_sandbox) {
  Site portal;
  b24::test::SiteOptions options;
  options.environment = {"C_REST_WEB_HOOK_URL=" + portal.webhook_url()};
  Site site(options);
  BOOST_TEST(site.pid("sandbox") == 0);
  BOOST_TEST(!b24::test::can_connect(site.sandbox_port()));
  BOOST_TEST(!site.out().contains(portal.webhook_url()));  // it is a password
}

BOOST_AUTO_TEST_CASE(an_event_of_the_portal_reaches_the_receiver) {
  Site site;
  const auto changed = site.call_json(
      "crm.deal.update",
      b24::Value::map({{"id", 1}, {"fields", b24::Value::map({{"STAGE_ID", "WON"}})}}));
  BOOST_TEST((changed["result"] == b24::Value(true)));
  BOOST_REQUIRE(wait_until([&] { return site.events()[0]["sent_at"].integer() != 0; }));
  BOOST_TEST((site.events()[0]["status"] == b24::Value(200)));
  BOOST_REQUIRE(wait_until([&] { return site.hook_log().contains("ONCRMDEALUPDATE"); }));
  // What PHP's $_REQUEST holds of it, in this order.
  std::size_t at = 0;
  for (const char* line :
       {"[event] => ONCRMDEALUPDATE\n", "[event_handler_id] => ", "[data] => Array",
        "[FIELDS] => Array", "[ID] => 1\n", "[ts] => ", "[auth] => Array", "[domain] => localhost:",
        "[client_endpoint] => https://localhost:", "[server_endpoint] => https://",
        "[member_id] => ", "[application_token] => "}) {
    const std::size_t found = site.hook_log().find(line, at);
    BOOST_TEST((found != std::string::npos), line);
    at = found;
  }
  // With another token it is a stranger's.
  site.control("event", b24::Value::map({{"event", "ONCRMLEADADD"}, {"token", "wrong"}}));
  BOOST_REQUIRE(wait_until([&] { return site.events()[1]["status"].integer() != 0; }));
  BOOST_TEST((site.events()[1]["status"] == b24::Value(403)));
}

BOOST_AUTO_TEST_SUITE_END()
