// The entry point of the unit tests: Boost.Test's own main.
#define BOOST_TEST_MODULE unit
#include <boost/test/unit_test.hpp>
