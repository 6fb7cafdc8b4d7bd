// decorators: what a test case says of itself at its head.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdlib>

namespace b24::test {

// The promise that it shows, by its name in tests/promises: T7, F1, A20.
inline auto shows(const char* promise) {
  return boost::unit_test::label(promise);
}

// Optimized and not instrumented.
inline constexpr bool kAsReleased = AS_RELEASED;

// It shows what an instrument, a lack of optimization or another program around this one (valgrind,
// by UNDER of tests/run-suites) would make something else.
inline auto as_released() {
  return boost::unit_test::precondition([](boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result released(kAsReleased && std::getenv("UNDER") == nullptr);
    released.message() << "this build is instrumented or not optimized";
    return released;
  });
}

}  // namespace b24::test

// They stand among macros that are in no namespace either.
using b24::test::as_released;
using b24::test::shows;
