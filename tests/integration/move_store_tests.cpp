// move_store_tests: a store goes from a file to PostgreSQL and back while events go on.
#include <sysexits.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/clock.h"
#include "machine.h"
#include "postgres.h"
#include "site.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace move_store_tests {

Ran handler(const Site& site, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), built("cgi-bin/handler.fcgi"));
  arguments.insert(arguments.end(), {"--settings", (site.run_dir() / "settings.conf").string()});
  return run({arguments}, 3 * kDeadline);
}

void send(const Site& site, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const HttpReply reply = site.post(
        "/handler.php",
        "event=ONCRMDEALUPDATE&data[FIELDS][ID]=" + std::to_string(i) +
            "&data[FIELDS][TITLE]=%00%ff&ts=1700000000&auth[application_token]=" + site.token());
    BOOST_TEST(reply.status == 200);
  }
}

// The rows of the store of these settings.
int events(const Site& site) {
  const Ran ran = handler(site, {"--export", "csv"});
  BOOST_TEST(ran.status == 0, ran.err);
  return static_cast<int>(std::ranges::count(ran.out, '\n')) - 1;
}

}  // namespace move_store_tests

using namespace move_store_tests;

BOOST_AUTO_TEST_SUITE(move_store_tests)

BOOST_AUTO_TEST_CASE(a_store_moves_to_postgresql_and_back_while_events_go_on) {
  Postgres postgres;
  const std::string database = postgres.new_database(), url = postgres.url(database);
  Site site{{{}, cluster_settings("")}};
  send(site, 1, 150);
  BOOST_TEST(wait_until([&] { return events(site) == 150; }));
  const Ran unmade = handler(site, {"--move-store", url});
  BOOST_TEST(unmade.status == 1);
  BOOST_TEST(unmade.err.contains("--migrate"), unmade.err);
  BOOST_TEST(events(site) == 150);

  const Ran nobody = handler(site, {"--migrate", postgres.owner_url(database)});
  BOOST_TEST(nobody.status == EX_USAGE);
  BOOST_TEST(nobody.err.contains("--move-store URL"), nobody.err);

  const std::string before = handler(site, {"--export", "csv"}).out;
  const Ran moved = handler(site, {"--migrate", postgres.owner_url(database), "--move-store", url});
  BOOST_TEST(moved.status == 0, moved.err);
  BOOST_TEST(moved.out.contains("items: 150\n"), moved.out);
  // Nobody works on the old one any more, and what comes is kept.
  send(site, 151, 10);
  const Ran refused = handler(site, {"--export", "csv"});
  BOOST_TEST(refused.err.contains("has moved"), refused.err);
  site.set_setting("store", url);
  BOOST_TEST(handler(site, {"--export", "csv"}).out.starts_with(before));
  BOOST_TEST(wait_until([&] { return events(site) == 160; }));
  BOOST_TEST(site.hooked("[ID] => 160"));

  const Ran again = handler(site, {"--move-store", url});
  BOOST_TEST(again.status == 1);
  const Ran rebuilt = handler(site, {"--rebuild"});
  BOOST_TEST(rebuilt.err.contains("--rebuild is for a store in a file"), rebuilt.err);
  const auto at_work = [&](const std::string& machine) {
    postgres.ask("DELETE FROM b24hooks.facts WHERE key = 'machine ffffffff'", database);
    if (!machine.empty())
      postgres.ask("INSERT INTO b24hooks.facts VALUES ('machine ffffffff', '{\"name\":\"" +
                       machine + "\",\"at\":" + std::to_string(now_ms()) + "}')",
                   database);
  };
  at_work("web2");
  const Ran others = handler(site, {"--move-store", "sqlite"});
  BOOST_TEST(others.err.contains("another machine works on it: web2"), others.err);
  at_work("");
  const Ran back = handler(site, {"--move-store", "sqlite"});
  BOOST_TEST(back.status == 0, back.err);
  send(site, 161, 10);
  site.set_setting("store", "");
  BOOST_TEST(wait_until([&] { return events(site) == 170; }));
  BOOST_TEST(handler(site, {"--export", "csv"}).out.starts_with(before));
  const std::string log = site.hook_log();
  for (int i = 1; i <= 170; ++i) {
    const std::string line = "[ID] => " + std::to_string(i) + "\n";
    BOOST_TEST(wait_until([&] { return site.hook_log().contains(line); }), line);
  }
}

BOOST_AUTO_TEST_CASE(the_sql_that_is_printed_makes_what_the_pages_need) {
  Postgres& postgres = shared_postgres();
  const std::string database = postgres.new_database();
  const Site site{{{}, cluster_settings(postgres.url(database))}};
  const Ran printed = handler(site, {"--migrate", postgres.owner_url(database), "--print"});
  BOOST_TEST(printed.status == 0, printed.err);
  const Ran made = run({{postgres_programs() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
                         postgres.owner_url(database)},
                        {},
                        printed.out});
  BOOST_TEST(made.status == 0, made.err);
  send(site, 1, 3);
  BOOST_TEST(wait_until([&] { return events(site) == 3; }));
  const Ran salvaged = run({{built("cgi-bin/index.fcgi"), "--salvage", "x", "--settings",
                             (site.run_dir() / "settings.conf").string()}});
  BOOST_TEST(salvaged.err.contains("--salvage is for a store in a file"), salvaged.err);
}

BOOST_AUTO_TEST_SUITE_END()
