// handler_cgi_tests: the receiver as a CGI program, one process for each request, and from cron.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "decorators.h"
#include "event_fixture.h"
#include "handler/event.h"
#include "raw_http.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace handler_cgi_tests {

// Settings, and a program for them that waits for the file `go`, then appends its arguments to
// `ran`; with a file `broken` it fails.
struct Cgi {
  EventSettings settings;
  std::vector<std::string> environment{"B24HOOKS_SETTINGS=" + settings.file()};

  Cgi() {
    settings.set("[page]\ntemplates = " + (fs::current_path() / "templates").string() + "\n");
    write_file(program(),
               "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 9\n[ ! -e broken ] || exit 3\n"
               "while [ ! -e go ]; do sleep 0.05; done\necho \"$@\" >> ran\n");
    fs::permissions(program(), fs::perms::owner_all);
  }
  std::string program() const { return (settings.dir / "program").string(); }
  void act(const std::string& more = "") {
    settings.set("[on *]\nexec = " + program() + " {data.FIELDS.ID}\n" + more);
  }
  void allow(const char* file) const { write_file(settings.dir / file, ""); }
  void forbid(const char* file) const { fs::remove(settings.dir / file); }
  std::vector<std::string> ran() const {
    return text::split(read_file(settings.dir / "ran"), "\n");
  }

  test::Command command(const std::string& method, const std::string& body,
                        const std::string& query = "") const {
    return cgi_call(environment, method, body, query);
  }
  test::Command event(const std::string& id) const {
    return command("POST", php::build_query(event_params("ONX", id, "")));
  }
  Ran shell(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), built("cgi-bin/handler.fcgi"));
    return run({std::move(arguments), environment, "", {}, {}}, kDeadline * 3);
  }
  std::shared_ptr<Store> store() const { return good(Store::open(settings.data())); }
};

bool is_good(const std::string& out) {
  return out.starts_with("Status: 200");
}

}  // namespace handler_cgi_tests

BOOST_FIXTURE_TEST_SUITE(handler_cgi_tests, Cgi)

BOOST_AUTO_TEST_CASE(an_event_is_kept_and_written) {
  const Ran ran = run(event("7"));
  BOOST_TEST(ran.status == 0);
  BOOST_TEST(is_good(ran.out));
  BOOST_TEST(ran.out.ends_with("\r\n\r\n"));  // no body
  BOOST_TEST(read_file(settings.data() / "hook.log").contains("[ID] => 7\n"));
  BOOST_TEST(all_events(*store()).size() == 1u);
  BOOST_TEST(run(command("POST", "event=ONX")).out.starts_with("Status: 403"));
  BOOST_TEST(run(command("GET", "")).out.contains("<h1>"));
}

// The warning of a token in the address is of such a one alone.
BOOST_AUTO_TEST_CASE(a_token_in_the_body_is_as_it_should_be) {
  const auto warned = [&] { return settings.log().contains("token_in_url"); };
  const Value params = event_params("ONX", "7", "");
  BOOST_TEST(is_good(run(event("7")).out));
  BOOST_TEST(!warned());
  const std::string query = "auth[application_token]=" + params["auth"]["application_token"].text();
  BOOST_TEST(is_good(run(command("POST", "event=ONX", query)).out));
  BOOST_TEST(warned());
}

// Each is the time of a turn of the disk: one for the promise, and now and then some to make room
// in the database's log, of which each process has to read what there is.
BOOST_AUTO_TEST_CASE(an_event_costs_hardly_more_than_the_one_sync_that_keeps_it) {
  constexpr int kEvents = 30;
  BOOST_TEST(run(event("0")).status == 0);  // makes the store
  std::size_t syncs = 0;
  for (int i = 1; i <= kEvents; ++i) {
    const std::string trace = (settings.dir / "trace").string();
    test::Command traced = event(std::to_string(i));
    const std::initializer_list<std::string> under = {
        "strace", "-f", "-qq", "-o", trace, "-e", "trace=fdatasync,fsync"};
    traced.args.insert(traced.args.begin(), under);
    if (!is_good(run(traced).out)) {
      BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
      return;
    }
    syncs += text::split(read_file(trace), "\n").size();
    BOOST_TEST(fs::file_size(settings.data() / "store.db-wal") < 1U << 20);
  }
  BOOST_TEST(syncs >= kEvents + 0U);
  BOOST_TEST(syncs <= 2U * kEvents, syncs << " syncs");
  BOOST_TEST(all_events(*store()).size() == kEvents + 1U);
}

BOOST_AUTO_TEST_CASE(a_query_is_never_an_option, *shows("T7")) {
  for (const char* query : {"--list", "--export=jsonl", "--replay", "--work"}) {
    test::Command call = command("GET", "", query);
    call.args.push_back(query);
    const Ran ran = run(call);
    BOOST_TEST(is_good(ran.out), query);
    BOOST_TEST(ran.out.contains("<h1>"), query);
  }
}

BOOST_AUTO_TEST_CASE(the_portal_is_answered_before_the_action_is_run) {
  act();
  Process process(event("7"));
  BOOST_REQUIRE(wait_until([&] { return is_good(process.out()); }));
  BOOST_TEST(process.running());
  BOOST_TEST(ran().empty());
  allow("go");
  BOOST_TEST(process.wait().value_or(-1) == 0);
  BOOST_TEST(ran().size() == 1u);
  BOOST_TEST(ran()[0] == "7");
}

// The web server waits for the end of its pipes, not for the process.
BOOST_AUTO_TEST_CASE(the_web_servers_pipes_are_let_go_with_the_answer) {
  act();
  int pipe_fds[2];
  BOOST_REQUIRE_EQUAL(pipe2(pipe_fds, O_CLOEXEC), 0);
  test::Command call = event("7");
  call.fds = {{pipe_fds[1], 1}};
  Process process(call);
  close(pipe_fds[1]);
  std::string out;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(pipe_fds[0], buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(n));
  close(pipe_fds[0]);
  BOOST_TEST(is_good(out));
  BOOST_TEST(process.running());
  allow("go");
  BOOST_TEST(process.wait().value_or(-1) == 0);
  BOOST_TEST(ran().size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_failed_is_done_by_a_later_request) {
  act();
  allow("go");
  allow("broken");
  Process killed(event("7"));  // so that it does not wait for its own second try
  BOOST_REQUIRE(wait_until([&] { return is_good(killed.out()); }));
  killed.signal(SIGKILL);
  killed.wait();
  forbid("broken");
  BOOST_TEST(wait_until([&] {
    run(command("GET", ""));
    return ran().size() == 1u;
  }));
  run(command("GET", ""));
  BOOST_TEST(ran().size() == 1u);
}

BOOST_AUTO_TEST_CASE(many_processes_at_once_lose_and_double_nothing_even_when_killed) {
  constexpr int kThreads = 8;
  constexpr int kEach = 12;
  std::atomic<int> answered = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          Process process(event("n" + std::to_string(thread * kEach + i)));
          if (wait_until([&] { return is_good(process.out()); })) ++answered;
          if (i % 3 == 0) process.signal(SIGKILL);  // before it has written down all
          process.wait();
        }
      });
    }
  }
  BOOST_TEST(answered == kThreads * kEach);
  BOOST_TEST(shell({"--work"}).status == 0);
  BOOST_TEST(all_events(*store()).size() == static_cast<std::size_t>(kThreads * kEach));
  const std::string log = read_file(settings.data() / "hook.log");
  for (int id = 0; id < kThreads * kEach; ++id) {
    const std::string line = "[ID] => n" + std::to_string(id) + "\n";
    const std::size_t first = log.find(line);
    BOOST_TEST((first != std::string::npos), "missing " << id);
    BOOST_TEST((log.find(line, first + 1) == std::string::npos), "twice " << id);
  }
}

BOOST_AUTO_TEST_CASE(cron_does_what_is_due_and_says_nothing) {
  act();
  allow("go");
  for (const char* id : {"1", "2", "3"}) {
    NewItem item = make_event(record_of(event_params("ONX", id), now_ms()), {});
    item.state = State::pending;
    good(store()->accept({item}));
  }
  const Ran worked = shell({"--work"});
  BOOST_TEST(worked.status == 0);
  BOOST_TEST(worked.out == "");
  BOOST_TEST(worked.err == "");
  BOOST_TEST(ran().size() == 3u);
  BOOST_TEST(shell({"--work"}).status == 0);
  BOOST_TEST(ran().size() == 3u);
}

BOOST_AUTO_TEST_CASE(cron_fills_the_store_with_what_a_killed_process_left) {
  for (const char* id : {"1", "2", "3"}) {
    const std::string encoded = encode(record_of(event_params("ONX", id), now_ms()));
    good(Journal(settings.data(), "", Kind::event).append({&encoded, 1}));
  }
  BOOST_TEST(shell({"--work"}).status == 0);
  BOOST_TEST(all_events(*store()).size() == 3u);
  const std::string log = read_file(settings.data() / "hook.log");
  for (const char* id : {"1", "2", "3"})
    BOOST_TEST(log.contains("[ID] => " + std::string(id) + "\n"), id);
}

// Every hour for ten days, and then nothing for five working days at least.
BOOST_AUTO_TEST_CASE(a_silence_is_told_to_the_owner_once_with_our_answer_times_beside_it) {
  write_file(settings.dir / "tell", "#!/bin/sh\ncat >> \"$(dirname \"$0\")/told\"\n");
  fs::permissions(settings.dir / "tell", fs::perms::owner_all);
  std::vector<std::string> records;
  const Millis last = now_ms() - 7 * kDay;
  for (int i = 240; i >= 0; --i)
    records.push_back(encode(record_of(event_params("ONSILENT", "1"), last - i * kHour)));
  good(Journal(settings.data(), "", Kind::event).append(records));
  BOOST_TEST(is_good(run(event("7")).out));  // another name goes on
  settings.set("[notify]\ncommand = " + (settings.dir / "tell").string() +
               "\n[page]\ntemplates = " + (fs::current_path() / "templates").string() + "\n");
  // Without cron: no event comes any more, so it is a visit of the form that finds out.
  test::Command visit = command("GET", "");
  visit.args = {built("cgi-bin/index.fcgi")};
  BOOST_TEST(is_good(run(visit).out));
  BOOST_TEST(wait_until([&] { return read_file(settings.dir / "told").contains("ONSILENT"); }));
  for (int i = 0; i < 2; ++i) BOOST_TEST(shell({"--work"}).status == 0);
  const std::string told = read_file(settings.dir / "told");
  BOOST_TEST(told.contains("ONSILENT: nothing came since " + iso_time(last)), told);
  BOOST_TEST(told.find("ONSILENT") == told.rfind("ONSILENT"));
  BOOST_TEST(!told.contains("ONX"));
  BOOST_TEST(told.contains("Our answers of the last day"));
  std::int64_t answers = 0;
  for (const Store::Count& count : good(store()->counts(0)))
    if (count.name.starts_with("answer.")) answers += count.count;
  BOOST_TEST(answers == 1);
  const Ran checked =
      run({{built("cgi-bin/checkserver.fcgi"), "--format", "text"}, environment, "", {}, {}});
  BOOST_TEST(checked.out.contains("ONSILENT: " + iso_time(last)), checked.out);
}

BOOST_AUTO_TEST_CASE(damaged_store_is_put_aside_and_filled_again_from_the_journal) {
  BOOST_TEST(is_good(run(event("1")).out));
  for (const char* name : {"store.db-wal", "store.db-shm"}) fs::remove(settings.data() / name);
  write_file(settings.data() / "store.db", std::string(8192, 'x'));
  BOOST_TEST(is_good(run(event("2")).out));
  BOOST_TEST(is_good(run(event("3")).out));
  BOOST_TEST(shell({"--work"}).status == 0);
  BOOST_TEST(all_events(*store()).size() == 3u);
  const std::string log = read_file(settings.data() / "hook.log");
  for (const char* id : {"1", "2", "3"}) {
    const std::size_t first = log.find("[ID] => " + std::string(id) + "\n");
    BOOST_REQUIRE(first != std::string::npos);
    BOOST_TEST(log.find("[ID] => " + std::string(id) + "\n", first + 1) == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(the_journal_is_listed_and_verified_and_a_store_is_made_of_it) {
  for (const char* id : {"1", "2"}) BOOST_TEST(is_good(run(event(id)).out));
  const Ran list = shell({"--journal", "list"});
  BOOST_TEST(list.status == 0);
  BOOST_TEST(std::ranges::count(list.out, '\n') == 2);
  Ran verified = shell({"--journal", "verify"});
  BOOST_TEST(verified.status == 0);
  BOOST_TEST(verified.out.contains("2 records, 0 damages"));
  const Ran rebuilt = shell({"--rebuild"});
  BOOST_TEST(rebuilt.status == 0);
  BOOST_TEST(rebuilt.out.contains("the store is put aside as store-"));
  BOOST_TEST(rebuilt.out.contains("2 events are in the new store"));
  BOOST_TEST(all_events(*store()).size() == 2u);
  std::ofstream(settings.data() / "journal" / "event-00000001.journal", std::ios::app) << "b24r";
  verified = shell({"--journal", "verify"});
  BOOST_TEST(verified.status == 1);
  BOOST_TEST(verified.out.contains("the end is not whole"));
  // What comes then begins a segment, so that those bytes are no end any more.
  BOOST_TEST(is_good(run(event("3")).out));
  for (const char* what : {"verify", "list"}) {
    const Ran told = shell({"--journal", what});
    BOOST_TEST(told.status == (what[0] == 'v' ? 1 : 0));
    BOOST_TEST(told.out.contains("event-00000001.journal at "), told.out);
    BOOST_TEST(told.out.contains(": 4 bytes are lost: torn end\n"), told.out);
  }
  BOOST_TEST(shell({"--journal", "verify"}).out.contains("3 records, 1 damages"));
  BOOST_TEST(shell({"--journal", "eat"}).status == 64);
}

// Seven days later the journal holds none of it any more.
BOOST_AUTO_TEST_CASE(the_command_that_is_told_saves_what_no_journal_holds) {
  BOOST_TEST(is_good(run(event("1")).out));
  const Ran rebuilt = shell({"--rebuild"});
  const std::size_t told = rebuilt.out.find("--salvage ");
  BOOST_REQUIRE(told != std::string::npos);
  const std::string file =
      rebuilt.out.substr(told + 10, rebuilt.out.find(' ', told + 10) - told - 10);
  fs::remove_all(settings.data() / "journal");
  for (const char* suffix : {"", "-wal", "-shm"})
    fs::remove(settings.data() / ("store.db" + std::string(suffix)));
  const Ran saved = shell({"--salvage", file});
  BOOST_TEST(saved.status == 0);
  BOOST_TEST(saved.out.starts_with("1 leads and events were read; 1 of them"), saved.out);
  BOOST_TEST(all_events(*store()).size() == 1u);
  const Ran again = shell({"--salvage", file});
  BOOST_TEST(again.status == 1);
  BOOST_TEST(again.err.contains("was salvaged at"));
  write_file(settings.data() / "other.db", std::string(8192, 'x'));
  BOOST_TEST(shell({"--salvage", (settings.data() / "other.db").string()}).status == 1);
}

BOOST_AUTO_TEST_CASE(a_receiver_without_actions_erases_what_is_old) {
  constexpr Millis kDay = 24 * 3'600'000;
  for (const bool by_cron : {false, true}) {
    const Millis then = now_ms() - 40 * kDay;
    {
      const auto old_store = good(Store::open(settings.data(), "", [&] { return then; }));
      good(old_store->accept(
          {make_event(record_of(event_params("ONOLD", by_cron ? "1" : "2"), then), {})}));
    }
    const std::size_t before = all_events(*store()).size();
    if (by_cron)
      BOOST_TEST(shell({"--work"}).status == 0);
    else
      run(command("GET", ""));
    BOOST_TEST(all_events(*store()).size() == before - 1, by_cron);
  }
}

BOOST_AUTO_TEST_CASE(cron_without_settings_says_what_is_missing) {
  environment = {"B24HOOKS_SETTINGS=/nowhere/settings.conf"};
  const Ran worked = shell({"--work"});
  BOOST_TEST(worked.status == 1);
  BOOST_TEST(worked.err.contains("/nowhere/settings.conf"));
}

// Some web servers drop the answer of a program that leaves a body unread.
BOOST_AUTO_TEST_CASE(a_body_that_is_refused_is_taken_to_its_end) {
  test::Command call = command("POST", "");
  call.environment.back() = "CONTENT_LENGTH=20000000";
  call.args = {"bash", "-c", "set -o pipefail; head -c 20000000 /dev/zero | \"$0\"", call.args[0]};
  const Ran ran = run(call);
  BOOST_TEST(ran.out.starts_with("Status: 413"));
  BOOST_TEST(ran.status == 0);  // who wrote it had not to stop
}

BOOST_AUTO_TEST_SUITE_END()
