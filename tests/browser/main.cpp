// The entry point of the browser tests: Boost.Test's own main.
#define BOOST_TEST_MODULE browser
#include <boost/test/unit_test.hpp>
