// hook_log_tests: what an entry looks like; what becomes of the files is in ingest_tests.
#include "handler/hook_log.h"

#include <boost/test/unit_test.hpp>

#include "base/clock.h"

using namespace b24;

BOOST_AUTO_TEST_SUITE(hook_log_tests)

BOOST_AUTO_TEST_CASE(entry_is_the_examples) {
  const std::string entry =
      hook_log_entry(1'700'000'000'000, "title", Value::map({{"event", "ONX"}}));
  const std::string rule(24, '-');
  BOOST_TEST(entry == "\n" + rule + "\n" + php_date(1'700'000'000'000) +
                          "\ntitle\nArray\n(\n    [event] => ONX\n)\n\n" + rule + "\n");
}

BOOST_AUTO_TEST_CASE(line_is_one_object) {
  BOOST_TEST(hook_json_line("id", 0, "ONX", Value::map({{"event", "ONX"}})) ==
             "{\"id\":\"id\",\"received_at\":\"1970-01-01T00:00:00.000Z\",\"event\":\"ONX\","
             "\"data\":{\"event\":\"ONX\"}}\n");
}

BOOST_AUTO_TEST_SUITE_END()
