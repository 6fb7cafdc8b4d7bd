// machines_tests: what a machine does about the events that others have accepted.
#include <boost/test/unit_test.hpp>
#include <thread>

#include "event_fixture.h"
#include "handler/event.h"
#include "keep/ingest.h"
#include "keep/store_postgres.h"
#include "keep/work_loop.h"
#include "postgres.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace machines_tests {

// The programs of one machine.
struct Machine {
  EventSettings settings;
  AppSource source{settings.launch(), "handler"};
  StoreSource stores{source};
  Ingester ingester{source, stores, Kind::event, take_in, event_followers};

  explicit Machine(const std::string& store)
      : settings("[on ONX]\nexec = /bin/true\n[data]\nstore = " + store + "\n") {}
  static Result<NewItem> take_in(const App& app, const Record& record, bool seen) {
    return make_event(record, *app.settings, seen);
  }
  void accept(const char* id) {
    const App app = source.current().value();
    const std::string encoded = encode(record_of(event_params("ONX", id), now_ms()));
    good(ingester.journal(app)->append({&encoded, 1}));
    good(ingester.confirm(app));
  }
};

struct MachinesFixture {
  Postgres& postgres = shared_postgres();
  std::string database = postgres.new_database(), url = postgres.url(database);
  Machine a{(good(migrate_shared(postgres.owner_url(database), url)), url)}, b{url};
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
  Result<int> work() {
    const auto store = good(machine.stores.current());
    const auto items = store->claim(Kind::event, 1);
    if (!items || items->empty()) return 0;
    good(store->done(items->front().number, {}));
    return ++worked, 1;
  }
  // Until it has heard once more than `before`.
  bool hears_more_than(int before) {
    return wait_until([&] { return times_heard > before; });
  }
};

}  // namespace machines_tests

BOOST_FIXTURE_TEST_SUITE(machines_tests, MachinesFixture)

BOOST_AUTO_TEST_CASE(what_another_machine_accepts_wakes_this_one_also_after_a_lost_connection) {
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

BOOST_AUTO_TEST_SUITE_END()
