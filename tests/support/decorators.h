// decorators: what a test case says of itself at its head.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>
#include <string_view>

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

// By clocks, or for hours: only where TESTS of tests/run-suites names it.
inline auto when_named() {
  return boost::unit_test::precondition([](boost::unit_test::test_unit_id id) {
    const char* const tests = std::getenv("TESTS");
    const std::string& name =
        boost::unit_test::framework::get(id, boost::unit_test::TUT_ANY).p_name;
    boost::test_tools::assertion_result named(tests != nullptr &&
                                              std::string_view(tests).contains(name));
    named.message() << "TESTS does not name it";
    return named;
  });
}

}  // namespace b24::test

// They stand among macros that are in no namespace either.
using b24::test::as_released;
using b24::test::shows;
using b24::test::when_named;
