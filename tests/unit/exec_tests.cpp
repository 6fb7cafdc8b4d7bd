// exec_tests: programs get what they are given and nothing else, and never hold us up.
#include "base/exec.h"

#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "decorators.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace exec_tests {

// A shell script as the program, so that a test can say what it does.
ProgramRun script(const std::string& text, std::vector<std::string> arguments = {}) {
  ProgramRun run;
  run.arguments = {"/bin/sh", "-c", text, "script"};
  run.arguments.insert(run.arguments.end(), arguments.begin(), arguments.end());
  run.environment = {"PATH=/usr/bin:/bin"};
  run.time_limit = 60'000;
  return run;
}

ProgramResult result_of(const ProgramRun& run) {
  return good(run_program(run));
}

bool is_alive(const std::string& pid) {
  return ::kill(static_cast<pid_t>(Value(pid).integer()), 0) == 0;
}

}  // namespace exec_tests

BOOST_AUTO_TEST_SUITE(exec_tests)

BOOST_AUTO_TEST_CASE(exit_codes_and_signals_are_told) {
  const struct {
    const char* text;
    int want;
  } cases[] = {{"exit 0", 0}, {"exit 7", 7}, {"kill -9 $$", 137}, {"kill -15 $$", 143}};
  for (const auto& [text, want] : cases) {
    const ProgramResult result = result_of(script(text));
    BOOST_TEST(result.exit_code == want, text);
    BOOST_TEST(!result.timed_out, text);
  }
}

BOOST_AUTO_TEST_CASE(output_and_errors_come_together_in_order) {
  BOOST_TEST(result_of(script("echo one; echo two >&2; printf three")).output == "one\ntwo\nthree");
  BOOST_TEST(result_of(script(":")).output == "");
}

BOOST_AUTO_TEST_CASE(input_of_any_size_and_bytes_arrives_whole) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{300'000}}) {
    ProgramRun run = script("wc -c");
    run.input = std::string(size, '\0');
    BOOST_TEST(
        Value(result_of(run).output.substr(0, 9)).integer() == static_cast<std::int64_t>(size),
        size);
  }
  ProgramRun echo = script("cat");
  echo.input = std::string("a\0\xff\n\r", 5);
  BOOST_TEST(result_of(echo).output == echo.input);
}

BOOST_AUTO_TEST_CASE(a_program_that_reads_nothing_is_no_failure) {
  ProgramRun run = script("exec 0<&-; echo done");
  run.input = std::string(1'000'000, 'x');
  const ProgramResult result = result_of(run);
  BOOST_TEST(result.exit_code == 0);
  BOOST_TEST(result.output == "done\n");
}

BOOST_AUTO_TEST_CASE(output_is_kept_up_to_its_bound_and_the_rest_is_still_read) {
  const ProgramResult result = result_of(script("head -c 300000 /dev/zero; exit 3"));
  BOOST_TEST(result.output.size() == 65'536u);
  BOOST_TEST(result.exit_code == 3);
}

BOOST_AUTO_TEST_CASE(only_the_given_environment_is_there, *shows("T6")) {
  ::setenv("B24HOOKS_CANARY", "secret", 1);
  ProgramRun run = script("env");
  run.environment = {"PATH=/usr/bin:/bin", "ODD=a b\n$(x)`y`"};
  const std::string output = result_of(run).output;
  ::unsetenv("B24HOOKS_CANARY");
  BOOST_TEST(output.contains("ODD=a b\n$(x)`y`\n"));
  BOOST_TEST(!output.contains("CANARY"));
  BOOST_TEST(!output.contains("HOME="));
}

BOOST_AUTO_TEST_CASE(only_three_descriptors_are_there) {
  BOOST_TEST(result_of(script("echo /proc/self/fd/*")).output ==
             "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n");
}

BOOST_AUTO_TEST_CASE(arguments_are_taken_as_they_are, *shows("T6")) {
  const std::string odd = "; touch /tmp/never $(x) `y` \"'*\n";
  const ProgramRun run{{"/bin/echo", "-n", odd, "", "$HOME"}, {}, "", 60'000, {}};
  BOOST_TEST(result_of(run).output == odd + "  $HOME");
}

BOOST_AUTO_TEST_CASE(a_late_program_is_killed_with_its_children) {
  ProgramRun run = script("sleep 1000 & echo $!; sleep 1000");
  run.time_limit = 300;
  const ProgramResult result = result_of(run);
  BOOST_TEST(result.timed_out);
  BOOST_TEST(result.exit_code == 137);
  const std::string child = result.output.substr(0, result.output.find('\n'));
  BOOST_TEST(wait_until([&] { return !is_alive(child); }));
}

BOOST_AUTO_TEST_CASE(one_that_closes_its_output_is_still_limited) {
  ProgramRun run = script("exec >&- 2>&-; sleep 1000");
  run.time_limit = 300;
  for (int i = 0; i < 3; ++i) {  // whoever does not wait for its end knows how it ended by chance
    const ProgramResult result = result_of(run);
    BOOST_TEST(result.timed_out);
    BOOST_TEST(result.exit_code == 137);
  }
}

BOOST_AUTO_TEST_CASE(one_that_writes_without_end_is_still_limited) {
  ProgramRun run = script("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxx; done");
  run.time_limit = 300;
  const ProgramResult result = result_of(run);
  BOOST_TEST(result.timed_out);
  BOOST_TEST(result.output.size() == 65'536u);
}

BOOST_AUTO_TEST_CASE(children_that_go_on_do_not_hold_it_up) {
  const ProgramResult result = result_of(script("sleep 1000 & echo $!; exit 4"));
  BOOST_TEST(!result.timed_out);
  BOOST_TEST(result.exit_code == 4);
  BOOST_TEST(is_alive(result.output));
  ::kill(static_cast<pid_t>(Value(result.output).integer()), SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_it) {
  std::stop_source source;
  ProgramRun run = script("echo begun; sleep 1000");
  run.stop = source.get_token();
  const std::jthread stopper([&] { source.request_stop(); });
  const ProgramResult result = result_of(run);
  BOOST_TEST(result.stopped);
  BOOST_TEST(!result.timed_out);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_started_is_an_error_with_its_name, *as_released()) {
  TempDir dir;
  write_file(dir / "plain", "#!/bin/sh\n");  // not executable
  const struct {
    std::string program;
    const char* code;
  } cases[] = {{"sh", "not_absolute"},
               {"", "not_absolute"},
               {"./sh", "not_absolute"},
               {"/nowhere/program", "system_2"},
               {(dir / "plain").string(), "system_13"},
               {dir.path().string(), "system_13"}};
  for (const auto& [program, code] : cases) {
    const auto result = run_program({{program}, {}, "", 60'000, {}});
    BOOST_TEST(code_of(result) == code, program);
    if (!result && program.starts_with("/")) BOOST_TEST(result.error().cause.contains(program));
  }
  BOOST_TEST(code_of(run_program({})) == "not_absolute");
}

BOOST_AUTO_TEST_CASE(a_detached_program_goes_on_in_a_session_of_its_own) {
  TempDir dir;
  const std::string file = (dir / "out").string();
  good(start_detached(
      {"/bin/sh", "-c", "ps -o sid= -p $$ > \"$1.new\"; mv \"$1.new\" \"$1\"", "x", file},
      {"PATH=/usr/bin:/bin"}));
  BOOST_REQUIRE(wait_until([&] { return !read_file(file).empty(); }));
  BOOST_TEST(Value(read_file(file).substr(0, 16)).integer() != ::getsid(0));
  BOOST_TEST(!start_detached({"nowhere"}, {}));
}

BOOST_AUTO_TEST_SUITE_END()
