// The entry point of the tests in a real browser: Boost.Test's own main.
#define BOOST_TEST_MODULE browser
#include <boost/test/unit_test.hpp>
