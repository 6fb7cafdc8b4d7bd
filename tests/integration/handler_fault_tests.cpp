// handler_fault_tests: the receiver when single system calls fail: no 200 without the event.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "decorators.h"
#include "event_fixture.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;

namespace handler_fault_tests {

// An instrument has its own memory by mmap.
const std::string kCalls =
    std::string("pwrite64,fdatasync,fsync,ftruncate,pread64,fcntl,flock,openat,fallocate") +
    (kAsReleased ? ",mmap" : "");

// One event to a receiver under strace, in a data directory of its own.
struct Traced {
  EventSettings settings;
  std::vector<std::string> environment{"B24HOOKS_SETTINGS=" + settings.file()};

  Ran take(const std::vector<std::string>& options) const {
    test::Command call =
        cgi_call(environment, "POST", php::build_query(event_params("ONX", "7", "")));
    std::vector<std::string> args{"strace", "-f", "-qq"};
    args.insert(args.end(), options.begin(), options.end());
    args.push_back(call.args[0]);
    call.args = args;
    return run(call, std::chrono::minutes(2));
  }
  // What is there once a healthy process has looked after it: in the store, and in hook.log.
  std::pair<std::size_t, std::size_t> kept() const {
    const Ran worked =
        run({{built("cgi-bin/handler.fcgi"), "--work"}, environment, "", {}, {}}, kDeadline * 3);
    BOOST_TEST(worked.status == 0, worked.err);
    const std::string log = read_file(settings.data() / "hook.log");
    std::size_t written = 0;
    for (std::size_t at = 0; (at = log.find("[ID] => 7\n", at)) != std::string::npos; ++at)
      ++written;
    return {all_events(*good(Store::open(settings.data()))).size(), written};
  }
};

// How often a receiver makes each system call when all goes well; nothing where strace is not
// allowed.
std::map<std::string, int> count_calls() {
  const Traced traced;
  const auto trace = (traced.settings.dir / "trace").string();
  const Ran ran = traced.take({"-o", trace, "-e", std::string("trace=") + kCalls});
  std::map<std::string, int> counts;
  if (ran.status != 0) return counts;
  std::istringstream lines(read_file(trace));
  for (std::string pid, call; lines >> pid >> call; std::getline(lines, pid))
    ++counts[call.substr(0, call.find('('))];
  return counts;
}

}  // namespace handler_fault_tests

BOOST_AUTO_TEST_SUITE(handler_fault_tests)

BOOST_AUTO_TEST_CASE(the_answer_comes_after_the_sync, *shows("A2")) {
  const Traced traced;
  const auto trace = (traced.settings.dir / "trace").string();
  const Ran ran = traced.take({"-y", "-o", trace, "-e", "trace=fdatasync,fsync,pwrite64,write"});
  if (ran.status != 0) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  BOOST_TEST(ran.out.starts_with("Status: 200"));
  int written = -1, synced = -1, answered = -1, number = 0;
  for (const std::string& line : text::split(read_file(trace), "\n")) {
    ++number;
    const bool of_journal = line.contains(".journal");
    if (answered < 0 && of_journal && line.contains("pwrite64(")) written = number;
    if (answered < 0 && of_journal && line.contains("sync(")) synced = number;
    if (line.contains("\"Status: 200")) answered = number;
  }
  BOOST_TEST(written > 0);
  BOOST_TEST(synced > written);
  BOOST_TEST(answered > synced);
}

BOOST_AUTO_TEST_CASE(no_failing_system_call_makes_a_false_promise,
                     *shows("T32") * shows("F4") * shows("A4")) {
  const auto counts = count_calls();
  if (counts.empty()) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  const int runs_per_fault = wanted("FAULTS", 3);
  int runs = 0;
  int answered = 0;
  for (const auto& [call, count] : counts) {
    for (const char* error : {"EIO", "ENOSPC"}) {
      for (int when = 1; when <= count; when += std::max(1, count / runs_per_fault)) {
        const Traced traced;
        const std::string fault = call + ":error=" + error + ":when=" + std::to_string(when);
        const Ran ran =
            traced.take({"-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=" + fault});
        const bool promised = ran.out.starts_with("Status: 200");
        const auto [stored, written] = traced.kept();
        BOOST_TEST(stored <= 1u, fault);
        BOOST_TEST(stored >= (promised ? 1u : 0u), fault);
        BOOST_TEST(written == stored, fault);
        answered += promised ? 1 : 0;
        ++runs;
      }
    }
  }
  BOOST_TEST_MESSAGE(runs << " runs, " << answered << " answered with 200");
  BOOST_TEST(runs > 40);
  BOOST_TEST(answered > runs / 4);
}

BOOST_AUTO_TEST_SUITE_END()
