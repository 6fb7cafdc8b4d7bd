// outbox_shell_tests: what --list shows can be read and given back.
#include <boost/test/unit_test.hpp>
#include <sstream>

#include "base/clock.h"
#include "check_site.h"
#include "keep/store.h"
#include "store_fixture.h"

namespace outbox_shell_tests {
using namespace b24::test;
}

BOOST_AUTO_TEST_SUITE(outbox_shell_tests)

BOOST_AUTO_TEST_CASE(ids_are_shown_as_commands_take_them_and_columns_never_run_together) {
  const BareCheck bare;
  const std::string settings = bare.settings().string();
  const std::string id = "token=" + std::string(90, 'k');  // masked, it would be another
  {
    const auto store = bare.store();
    b24::NewItem item = new_item(b24::Kind::lead, id);
    item.received_at = b24::now_ms();
    const auto number = b24::test::accept(*store, item);
    b24::Outcome outcome;
    outcome.code = std::string(80, 'E');
    BOOST_REQUIRE(store->fail(number, outcome));
  }
  const std::string program = built("cgi-bin/index.fcgi");
  std::istringstream rows(run({{program, "--settings", settings, "--list", "failed"}}).out);
  std::string line;
  std::getline(rows, line);
  std::getline(rows, line);
  std::istringstream row(line);
  std::vector<std::string> cells;
  for (std::string cell; row >> cell;) cells.push_back(cell);
  BOOST_REQUIRE(cells.size() >= 5);
  BOOST_TEST(cells[0] == id);
  BOOST_TEST(cells[1] == "failed");
  BOOST_TEST(cells[3] == "1");
  BOOST_TEST(cells[4].starts_with("EEEE"));
  const Ran shown = run({{program, "--settings", settings, "--show", cells[0]}});
  BOOST_TEST(shown.status == 0);
  BOOST_TEST(shown.out.contains("id          " + id + "\n"), shown.out);
  BOOST_TEST(run({{program, "--settings", settings, "--retry", cells[0]}}).status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
