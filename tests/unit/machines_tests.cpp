// machines_tests: what a machine does about the events that others have accepted.
#include <boost/test/unit_test.hpp>
#include <thread>

#include "base/text.h"
#include "event_fixture.h"
#include "handler/event.h"
#include "keep/ingest.h"
#include "keep/journal.h"
#include "keep/store_postgres.h"
#include "keep/work_loop.h"
#include "postgres.h"
#include "store_fixture.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace machines_tests {

constexpr std::chrono::seconds kPatience{60};

// The programs of one machine.
struct Machine {
  EventSettings settings;
  AppSource source{settings.launch(), "handler"};
  StoreSource stores{source};
  Ingester ingester{source, stores, Kind::event, event_of, event_followers};

  // `log`: [log] machines.
  explicit Machine(const std::string& url, const std::string& log = "own")
      : settings("[on ONX]\nexec = /bin/true\n[data]\nstore = " + url +
                 "\n[log]\nmachines = " + log + "\n") {}
  void accept(const std::string& id) { accept(record_of(event_params("ONX", id), now_ms())); }
  void accept(const Record& record) {
    const App app = source.current().value();
    const std::string encoded = encode(record);
    good(ingester.journal(app)->append({&encoded, 1}));
    good(ingester.confirm(app));
  }
  int run() { return good(ingester.run(kSecond)); }
  std::string log(const char* name = "hook.jsonl") const {
    return read_file(settings.data() / name);
  }
  // The ids of the objects in it.
  std::string logged() const {
    std::string ids;
    for (const std::string& line : text::split(log(), "\n"))
      ids += json::parse(line).value_or(Value()).path("data.data.FIELDS.ID").text();
    return ids;
  }
};

struct MachinesFixture {
  Postgres& postgres = shared_postgres();
  std::string database = postgres.new_database(), url = migrated();

  std::string migrated() const {
    std::string made = postgres.url(database);
    good(migrate_shared(postgres.owner_url(database), made));
    return made;
  }
  void signal_standbys(void (Postgres::*signal)(int) const) const {
    for (int node = 1; node <= 3; ++node)
      if (node != postgres.primary()) (postgres.*signal)(node);
  }
};

// Works only when it hears of something: what it finds by looking around now and then is left out.
struct Worker {
  Machine& machine;
  std::atomic<int> times_heard = 0, worked = 0;
  WorkLoop loop{machine.source, machine.stores, Kind::event, {}, [this](const std::stop_token&) {
                  return [this] { return work(); };
                }};
  std::jthread listening{[this](const std::stop_token& stop) {
    machine.ingester.work(stop, [this](int came) {
      times_heard += came;
      if (came > 0) loop.ingested(came);
    });
  }};
  std::jthread working{[this](const std::stop_token& stop) { loop.work(stop, 1); }};

  explicit Worker(Machine& its) : machine(its) {}
  // Without a check of the tests' library, which counts for one thread only.
  Result<int> work() {
    const auto store = machine.stores.current();
    if (!store) return std::unexpected(store.error());
    const auto items = (*store)->claim(Kind::event, 1);
    if (!items || items->empty()) return 0;
    if (auto done = (*store)->done(items->front().number, {}); !done)
      return std::unexpected(done.error());
    return ++worked, 1;
  }
  // Until it has heard once more than `before`.
  bool hears_more_than(int before) {
    return wait_until([&] { return times_heard > before; });
  }
};

}  // namespace machines_tests

BOOST_FIXTURE_TEST_SUITE(machines_tests, MachinesFixture)

BOOST_AUTO_TEST_CASE(once_all_is_confirmed_nothing_is_written) {
  Machine machine(url);
  machine.accept("1");
  for (int i = 0; i < 2; ++i) machine.run();
  const auto last_write = [&] {
    return postgres.ask("SELECT max(xmin::text::bigint) FROM b24hooks.facts", database);
  };
  const std::string before = last_write();
  for (int i = 0; i < 2; ++i) machine.run();
  BOOST_TEST(before != "");
  BOOST_TEST(last_write() == before);
}

BOOST_AUTO_TEST_CASE(what_another_machine_accepts_wakes_this_one_also_after_a_lost_connection) {
  Machine a(url), b(url);
  Worker worker(b);
  BOOST_TEST_REQUIRE(worker.hears_more_than(0));  // it listens
  a.accept("1");
  BOOST_TEST(worker.hears_more_than(1));
  BOOST_TEST(wait_until([&] { return worker.worked == 1; }));

  const int before = worker.times_heard;
  const std::string ended = postgres.ask(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
      " AND datname = '" +
      database + "'");
  BOOST_TEST(ended == "1");
  BOOST_TEST_REQUIRE(worker.hears_more_than(before));  // it listens again
  const int again = worker.times_heard;
  a.accept("2");
  BOOST_TEST(worker.hears_more_than(again));
  BOOST_TEST(wait_until([&] { return worker.worked == 2; }));
}

BOOST_AUTO_TEST_CASE(a_machine_without_a_thread_to_listen_works_and_listens_when_there_is_one) {
  if (geteuid() != 0) return;  // only root may become a user with no thread left
  Forked child([&] {
    ::alarm(60);
    Machine machine(url);
    if (!allow_threads(1)) return false;
    std::stop_source stop;
    int passes = 0;
    machine.ingester.work(stop.get_token(), [&](int heard) {
      if (heard > 0) stop.request_stop();
      if (heard == 0 && ++passes == 2) allow_threads(100);
      machine.ingester.wake();
    });
    return passes >= 2;
  });
  BOOST_TEST(child.join());
}

// What nobody had a reason to notice: all was at rest while another took the primary's place.
BOOST_AUTO_TEST_CASE(a_former_primary_that_lives_is_left_also_by_who_only_listens) {
  Postgres nodes;
  const std::string name = nodes.new_database(), hosts = nodes.url(name);
  good(migrate_shared(nodes.owner_url(name), hosts));
  Machine a(hosts), b(hosts);
  Worker worker(b);
  BOOST_TEST_REQUIRE(worker.hears_more_than(0));
  a.accept("1");
  BOOST_TEST(wait_until([&] { return worker.worked == 1; }));

  const int former = nodes.primary();
  nodes.freeze(former);
  nodes.promote();
  nodes.wait_for_standbys(1);
  nodes.thaw(former);
  a.accept("2");
  const auto stored = [&](const std::string& id) {
    (void)a.ingester.run(kSecond);
    return nodes.ask("SELECT count(*) FROM b24hooks.items WHERE object LIKE '%" + id + "'", name) ==
           "1";
  };
  BOOST_TEST(wait_until([&] { return stored("2"); }, kPatience));
  BOOST_TEST(wait_until([&] { return worker.worked == 2; }, kPatience));
  const int heard = worker.times_heard;
  a.accept("3");
  BOOST_TEST(wait_until([&] { return stored("3"); }, kPatience));
  BOOST_TEST(worker.hears_more_than(heard));
  BOOST_TEST(wait_until([&] { return worker.worked == 3; }));
}

BOOST_AUTO_TEST_CASE(each_machine_writes_what_came_to_it_or_to_all_byte_for_byte) {
  Machine own(url), all(url, "all");
  own.run();
  all.run();
  std::string own_lines, lines, entries;
  const auto expect = [&](const Record& record, bool is_own) {
    const NewItem item = make_event(record, *own.source.current()->settings, false);
    const std::string line = hook_json_line(item.id, item.received_at, item.name, item.payload);
    if (is_own) own_lines += line;
    lines += line;
    entries += hook_log_entry(item.received_at, "incoming", item.payload);
  };
  Record odd = record_of(event_params("ONX", "1"), now_ms() - kDay);
  odd.query = "a[3]=x&a[7]=y&b[]=1&b[]=2&c[k][]=&d=%F0%9F%98%80%22%5C%0A&e=007&f=1.50&g[0]=z&h[x]";
  const Record second = record_of(event_params("ONY", "2"), now_ms());
  const Record third = record_of(event_params("ONX", "3"), now_ms());
  own.accept(odd);
  all.accept(second);
  own.accept(third);
  expect(odd, true);
  expect(second, false);
  expect(third, true);
  BOOST_TEST(own.run() + all.run() == 0);
  BOOST_TEST(own.log() == own_lines);
  BOOST_TEST(all.log() == lines);
  BOOST_TEST(all.log("hook.log") == entries);
}

// What no text of a database may hold, the log of all has as the database has it.
BOOST_AUTO_TEST_CASE(of_bytes_that_are_no_text_the_log_of_all_has_what_the_database_keeps) {
  Machine own(url), all(url, "all");
  all.run();
  Record bytes = record_of(event_params("ONX", "1"), now_ms());
  bytes.query = "a=%FF%C3&b=%00";
  own.accept(bytes);
  all.run();
  BOOST_TEST(all.log().contains("\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\""), all.log());
  BOOST_TEST(all.logged() == "1");
}

BOOST_AUTO_TEST_CASE(what_came_while_a_machine_was_down_is_written_when_it_is_back_once) {
  Machine a(url), all(url, "all");
  std::string expected;
  all.run();
  for (int i = 1; i <= 250; ++i) {
    const Record record = record_of(event_params("ONX", std::to_string(i)), now_ms());
    expected += std::to_string(i);
    const std::string encoded = encode(record);
    good(a.ingester.journal(*a.source.current())->append({&encoded, 1}));
  }
  a.run();
  BOOST_TEST(all.logged() == "");
  all.run();
  BOOST_TEST(all.logged() == expected);
  // As if it had been killed before the store knew that it was written.
  const std::string key = read_file(all.settings.data() / "machine") + " follow.hook.jsonl";
  const std::string before = postgres.ask(
      "UPDATE b24hooks.facts SET value = regexp_replace(value, '^#([0-9]+) ([0-9]+) [0-9]+',"
      " '#' || (SELECT min(number) - 1 FROM b24hooks.items) || ' \\2 0') WHERE key = '" +
          key + "' RETURNING value",
      database);
  BOOST_TEST(before.starts_with("#"), before);
  a.accept("251");
  all.run();
  all.run();
  BOOST_TEST(all.logged() == expected + "251");
}

BOOST_AUTO_TEST_CASE(the_one_that_is_named_writes_all_and_the_others_nothing) {
  Machine a(url), b(url), c(url);
  for (Machine* each : {&a, &b, &c}) each->run();
  const std::string name = read_file(b.settings.data() / "machine");
  Machine named(url, name), called(url, text::upper(host_name()));
  // A machine's number goes with its directory.
  std::filesystem::create_directory(named.settings.data());
  std::filesystem::permissions(named.settings.data(), std::filesystem::perms::owner_all);
  write_file(named.settings.data() / "machine", name);
  Machine other(url, name);
  for (Machine* each : {&named, &called, &other}) each->run();
  other.accept("1");
  named.accept("2");
  a.accept("3");
  for (Machine* each : {&named, &called, &other}) each->run();
  BOOST_TEST(named.logged() == "123");
  BOOST_TEST(called.logged() == "123");
  BOOST_TEST(other.logged() == "");
  BOOST_TEST(a.logged() == "3");
}

BOOST_AUTO_TEST_CASE(a_changed_setting_holds_for_what_comes_then) {
  Machine a(url), b(url);
  const auto set = [&](const std::string& log) {
    const auto before = b.source.current()->settings;
    b.settings.set("[data]\nstore = " + url + "\n[log]\nmachines = " + log + "\n");
    BOOST_TEST(wait_until([&] { return b.source.current()->settings != before; }));
    b.run();
  };
  const auto accept = [&](const char* one, const char* two) {
    a.accept(one);
    b.accept(two);
    b.run();
  };
  b.run();
  accept("1", "2");
  set("all");
  accept("3", "4");
  BOOST_TEST(b.logged() == "234");
  set("another");
  accept("5", "6");
  BOOST_TEST(b.logged() == "234");
  set("all");
  accept("7", "8");
  BOOST_TEST(b.logged() == "23478");
  set("another");
  set("own");
  accept("9", "0");
  BOOST_TEST(b.logged() == "234780");
}

BOOST_AUTO_TEST_CASE(what_one_node_alone_has_is_not_written_yet) {
  Machine a(url), all(url, "all");
  a.run();
  all.run();
  signal_standbys(&Postgres::freeze);
  a.accept("1");
  // The primary shows it to readers by now.
  BOOST_TEST(wait_until(
      [&] { return postgres.ask("SELECT count(*) FROM b24hooks.items", database) == "1"; }));
  (void)all.ingester.run(kSecond);
  (void)a.ingester.run(kSecond);
  BOOST_TEST(journaled(a.settings.data()).count == 1);
  BOOST_TEST(all.log("hook.log") == "");
  BOOST_TEST(all.logged() == "");
  signal_standbys(&Postgres::thaw);
  BOOST_TEST(wait_until([&] { return all.ingester.run(kSecond) && all.logged() == "1"; }));
  BOOST_TEST(wait_until([&] { return a.ingester.run(kSecond).has_value(); }));
  BOOST_TEST(journaled(a.settings.data()).count == 0);
}

BOOST_AUTO_TEST_SUITE_END()
