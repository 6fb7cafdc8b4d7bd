// The entry point of the integration tests: Boost.Test's own main.
#define BOOST_TEST_MODULE integration
#include <boost/test/unit_test.hpp>
