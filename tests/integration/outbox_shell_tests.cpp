// outbox_shell_tests: what --list shows can be read and given back; cron's run of the form.
#include <boost/test/unit_test.hpp>
#include <sstream>

#include "base/clock.h"
#include "check_site.h"
#include "decorators.h"
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

// Side by side; and where no thread is to be had, one after the other: of those leads none got an
// attempt.
BOOST_AUTO_TEST_CASE(leads_of_several_portals_are_sent_with_and_without_threads) {
  const std::string user = std::to_string(100'000 + getpid());  // nobody else's threads count
  for (const bool alone : {false, true}) {
    if (alone && (geteuid() != 0 || !kAsReleased)) continue;  // an instrument needs a thread
    const BareCheck bare("[portal second]\nwebhook = https://127.0.0.1:1/rest/2/secretsecret99/\n");
    std::vector<std::int64_t> numbers;
    for (const char* portal : {"", "SECOND"}) {
      b24::NewItem item = new_item(b24::Kind::lead, "to" + std::string(portal));
      item.payload.set("portal", portal);
      numbers.push_back(b24::test::accept(*bare.store(), item));
    }
    std::vector<std::string> command = {built("cgi-bin/index.fcgi"), "--settings",
                                        bare.settings().string(), "--deliver"};
    if (alone) {
      run({{"chown", "-R", user, bare.dir.path().string()}});
      command.insert(command.begin(), {"prlimit", "--nproc=1", "setpriv", "--reuid", user,
                                       "--regid", user, "--clear-groups"});
    }
    const Ran delivered = run({command});
    for (const std::int64_t number : numbers) {
      const b24::Item lead = good(bare.store()->find(number)).value();
      BOOST_TEST(lead.attempts > 0, delivered.out << delivered.err);
      BOOST_TEST(lead.error_text.contains("127.0.0.1"), lead.error_text);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
