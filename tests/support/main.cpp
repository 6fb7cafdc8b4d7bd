// main: where each test program begins. Its name is that of its suite.
#include <errno.h>

#include <boost/test/unit_test.hpp>
#include <csignal>

int main(int argc, char* argv[]) {
  std::signal(SIGPIPE, SIG_IGN);  // as the programs have it: a peer that has gone is an error only
  const auto name_suite = [] {
    boost::unit_test::framework::master_test_suite().p_name.value = program_invocation_short_name;
    return true;
  };
  return boost::unit_test::unit_test_main(name_suite, argc, argv);
}
