// machine_log_tests: which of two machines on one PostgreSQL writes hook.log, as [log] machines
// says it, and what checkserver tells of what a machine that is cut off has alone.
#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "base/text.h"
#include "keep/journal.h"
#include "keep/store_postgres.h"
#include "machine.h"
#include "postgres.h"
#include "site.h"
#include "store_fixture.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace machine_log_tests {

using Count = std::map<std::string, int>;

struct TwoMachines {
  Postgres postgres;
  std::string database = postgres.new_database(), url = migrated();
  const std::string desk_key = "0123456789abcdef0123456789abcdef";
  Site site{{{}, cluster_settings(url, "key = " + desk_key + "\n[log]\nmachines = all\n")}};
  Machine second{site};
  Count sent;

  // What comes from then on is written.
  TwoMachines() {
    BOOST_TEST_REQUIRE(wait_until([&] {
      return postgres.ask("SELECT count(*) FROM b24hooks.facts WHERE value LIKE '#%'", database) ==
             "4";
    }));
  }
  std::string migrated() const {
    std::string made = postgres.url(database);
    good(migrate_shared(postgres.owner_url(database), made));
    return made;
  }
  void send(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string id = std::to_string(sent.size() + 1);
      const HttpReply reply =
          site.post("/handler.php", "event=ONCRMDEALUPDATE&data[FIELDS][ID]=" + id +
                                        "&ts=1700000000&auth[application_token]=" + site.token());
      BOOST_TEST(reply.status == 200);
      sent[id] = 1;
    }
  }
  // How often each is in a log.
  Count written(const std::filesystem::path& data) const {
    Count count;
    for (const std::string& line : text::split(read_file(data / "hook.jsonl"), "\n"))
      ++count[json::parse(line).value_or(Value()).path("data.data.FIELDS.ID").text()];
    return count;
  }
  Count written_here() const { return written(site.run_dir() / "data"); }
  Count written_there() const { return written(second.data_dir()); }
  void set_there(const std::string& key, const std::string& value) const {
    const auto file = second.data_dir().parent_path() / "settings.conf";
    std::string settings = read_file(file);
    const std::size_t begin = settings.find("\n" + key + " = ") + key.size() + 4;
    settings.replace(begin, settings.find('\n', begin) - begin, value);
    write_file(file, settings);
  }
  Value row(const std::string& id) const {
    const Value rows = json::parse(second.shell("checkserver", {"--format", "json"}).out)
                           .value_or(Value())["checks"];
    for (const Value::Member& each : rows.members())
      if (each.value["id"].text() == id) return each.value;
    return Value();
  }
};

}  // namespace machine_log_tests

using namespace machine_log_tests;

BOOST_AUTO_TEST_SUITE(machine_log_tests)

BOOST_FIXTURE_TEST_CASE(each_writes_all_once_though_one_dies_and_then_one_alone, TwoMachines) {
  send(40);
  second.kill();
  send(40);
  second.start();
  send(40);
  BOOST_TEST(wait_until([&] { return written_here().size() >= sent.size(); }));
  BOOST_TEST(wait_until([&] { return written_there().size() >= sent.size(); }));
  BOOST_TEST((written_here() == sent));
  BOOST_TEST((written_there() == sent));

  const Count before = sent;
  const std::string number = read_file(second.data_dir() / "machine");
  site.set_setting("machines", number);
  for (const char* name : {"handler", "handler-backup"}) site.kill(name, SIGKILL);
  second.kill();
  set_there("machines", number);
  second.start();
  send(40);
  BOOST_TEST(wait_until([&] { return written_there().size() >= sent.size(); }));
  BOOST_TEST((written_there() == sent));
  BOOST_TEST((written_here() == before));
}

BOOST_FIXTURE_TEST_CASE(a_name_that_no_machine_has_is_told, TwoMachines) {
  BOOST_TEST(wait_until([&] { return row("machines")["state"].text() == "ok"; }));
  set_there("machines", "nobody");
  const Value told = row("machines");
  BOOST_TEST(told["state"].text() == "warning");
  BOOST_TEST(told["detail"].text().contains("nobody"), told["detail"].text());
  const std::string number = read_file(second.data_dir() / "machine");
  BOOST_TEST(told["detail"].text().contains(number), json::print(told));
  set_there("machines", number);
  BOOST_TEST(row("machines")["state"].text() == "ok");
}

BOOST_FIXTURE_TEST_CASE(what_one_disk_alone_has_is_counted_while_the_database_is_away,
                        TwoMachines) {
  const auto count = [&] {
    return journaled(site.run_dir() / "data").count + journaled(second.data_dir()).count;
  };
  send(10);
  BOOST_TEST(wait_until([&] { return count() == 0; }));
  const auto desk = [&] {
    return http(site.port(),
                {"GET", "/checkserver.php?desk=today", {"X-B24hooks-Key: " + desk_key}, ""})
        .body;
  };
  BOOST_TEST(desk().contains("id=\"refused\""));
  BOOST_TEST(!desk().contains("On one disk only"));
  for (int node = 1; node <= 3; ++node) postgres.kill(node);
  send(10);
  BOOST_TEST(count() == 10);
  const Value away = row("journaled");
  const std::string own = std::to_string(journaled(second.data_dir()).count);
  BOOST_TEST(away["state"].text() == "info");
  BOOST_TEST(away["detail"].text().contains("alone: " + own + " by now"), away["detail"].text());
  const std::string page = desk();
  BOOST_TEST(page.contains("On one disk only"), page);
  BOOST_TEST(page.contains(" by now, the oldest for "));
  BOOST_TEST(!page.contains("id=\"refused\""));

  // The database is there, and does not confirm.
  postgres.start(1);
  const auto is_said = [&] { return row("journaled")["detail"].text(); };
  BOOST_TEST(wait_until([&] { return is_said().contains(own + " that no second node"); }),
             is_said());
  BOOST_TEST(wait_until([&] { return desk().contains(" that no second node"); }));
  for (const int node : {2, 3}) postgres.start(node);
  BOOST_TEST(wait_until([&] { return count() == 0; }, kDeadline * 3));
  // How many there were is put there by the work loop's next look.
  BOOST_TEST(
      wait_until([&] { return is_said().contains("in the database by now"); }, kDeadline * 3),
      is_said());
}

BOOST_AUTO_TEST_SUITE_END()
