// postgres_store_tests: the store that several machines work on, and what may go wrong only there.
// (What both engines do is in the store's other suites, which run on each.)
#include <boost/test/unit_test.hpp>
#include <thread>

#include "event_fixture.h"
#include "handler/event.h"
#include "keep/ingest.h"
#include "keep/store_postgres.h"
#include "lossy_line.h"
#include "postgres.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace postgres_store_tests {

using Ids = std::vector<std::string>;

// A machine: its own data directory, the database of all.
struct Machine {
  TempDir dir;
  std::shared_ptr<Store> store;
};

struct SharedFixture {
  Postgres& postgres = shared_postgres();
  std::string database = postgres.new_database();
  SharedStore shared{postgres.url(database), true};
  Millis now = 1'800'000'000'000;
  Machine a, b;

  SharedFixture() {
    good(migrate_shared(postgres.owner_url(database), shared.url));
    a.store = open(a);
    b.store = open(b);
  }
  ~SharedFixture() { thaw(); }
  std::shared_ptr<Store> open(const Machine& machine) {
    return good(Store::open(
        machine.dir.path(), "", [this] { return now; }, shared));
  }
  // Nobody confirms any more, as if both standbys hung.
  void freeze() {
    for (int node = 1; node <= 3; ++node)
      if (node != postgres.primary()) postgres.freeze(node);
  }
  void thaw() {
    for (int node = 1; node <= 3; ++node)
      if (node != postgres.primary()) postgres.thaw(node);
  }
  // The breaker lets somebody try now and then.
  template <class Work>
  auto tried(Work work) {
    auto done = work();
    wait_until([&] { return done.has_value() || (done = work()).has_value(); });
    return done;
  }
  Ids claim(Machine& machine) {
    Ids ids;
    for (const Item& item : good(tried([&] { return machine.store->claim(Kind::lead, 10); })))
      ids.push_back(item.id);
    return ids;
  }
  std::int64_t number(const std::string& id) {
    return good(a.store->find(Kind::lead, id)).value().number;
  }
  Ids story(const std::string& id) {
    Ids outcomes;
    for (const Attempt& each : good(a.store->history(number(id)))) outcomes.push_back(each.outcome);
    return outcomes;
  }
};

}  // namespace postgres_store_tests

BOOST_FIXTURE_TEST_SUITE(postgres_store_tests, SharedFixture)

BOOST_AUTO_TEST_CASE(what_one_machine_accepts_is_there_for_the_other) {
  good(a.store->accept({new_item(Kind::lead, "1"), new_item(Kind::lead, "1")}));
  good(b.store->accept({new_item(Kind::lead, "1"), new_item(Kind::lead, "2")}));
  BOOST_TEST(good(a.store->find(Kind::lead, "1")).value().repeats == 2);
  BOOST_TEST(claim(b) == (Ids{"1", "2"}));
  BOOST_TEST(claim(a) == Ids{});
}

BOOST_AUTO_TEST_CASE(nothing_that_is_sent_stops_the_store) {
  NewItem item = new_item(Kind::lead, std::string("id\0\xff", 4));
  item.name = std::string(5'000, 'n') + "\xff";
  item.object = std::string("o\0", 2) + std::string(9'000, '\xfe');
  item.payload = Value::map({{std::string("k\0", 2), std::string("v\0\xc3", 3)}, {"ts", "\xff"}});
  good(a.store->accept({item, new_item(Kind::lead, "next")}));
  const Item found = good(a.store->find(Kind::lead, item.id)).value();
  BOOST_TEST(found.id == "id\xef\xbf\xbd\xef\xbf\xbd");
  BOOST_TEST(found.error_code == "");
  BOOST_TEST(found.name.starts_with("nnn"));
  item.kind = Kind::event;
  good(a.store->accept({item}));
  good(a.store->newest_events("n", 0));
  good(a.store->count(std::string("c\0\xff", 3)));
  good(a.store->use(std::string("u\0\xff", 3), 1'000));
  Outcome outcome;
  outcome.text = std::string("\0\xff", 2);
  good(a.store->fail(found.number, outcome));
}

// A reader that has seen a number has seen all before it.
BOOST_AUTO_TEST_CASE(numbers_come_in_the_order_of_commits) {
  constexpr int kEach = 60;
  std::atomic<int> left = 2;
  const auto write = [&](Machine& machine, const char* prefix) {
    for (int i = 0; i < kEach; ++i)
      (void)machine.store->accept({new_item(Kind::event, prefix + std::to_string(i))});
    --left;
  };
  std::jthread one([&] { write(a, "a"); }), other([&] { write(b, "b"); });
  const auto reader = open(a);
  ListFilter filter = list_of(Kind::event, 1'000);
  filter.newest_first = false;
  int seen = 0;
  for (bool last = false; !last;) {
    last = left == 0;
    for (const Item& item : good(reader->list(filter))) {
      filter.after = item.number;
      ++seen;
    }
  }
  BOOST_TEST(seen == 2 * kEach);
}

BOOST_AUTO_TEST_CASE(what_a_dead_machine_had_in_hand_is_anothers_after_a_while) {
  good(a.store->accept({new_item(Kind::lead, "1")}));
  BOOST_TEST(claim(a) == (Ids{"1"}));
  now += kMinute;
  BOOST_TEST(claim(b) == Ids{});
  good(a.store->keep_claims());  // it lives
  now += kMinute + kSecond;
  BOOST_TEST(claim(b) == Ids{});
  now += 2 * kMinute;
  BOOST_TEST(claim(b) == (Ids{"1"}));
  BOOST_TEST(good(a.store->find(Kind::lead, "1")).value().unsure);
  // It was only slow: what it says now is not what counts.
  good(a.store->retry(number("1"), now, {}, false));
  BOOST_TEST(claim(a) == Ids{});
  BOOST_TEST(story("1") == (Ids{"accepted", "lost"}));
}

BOOST_AUTO_TEST_CASE(what_no_standby_confirms_is_an_error_and_settled_by_the_same_again) {
  freeze();
  const auto first = a.store->accept({new_item(Kind::lead, "1")});
  BOOST_TEST(code_of(first) == "unconfirmed");
  BOOST_TEST(a.store->is_away());
  // It stands on one node: to find it proves nothing.
  BOOST_TEST(good(a.store->find(Kind::lead, "1")).has_value());
  thaw();
  good(tried([&] { return a.store->accept({new_item(Kind::lead, "1")}); }));
  BOOST_TEST(!a.store->is_away());
  BOOST_TEST(good(a.store->list(list_of(Kind::lead))).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_claim_that_nobody_confirmed_sends_nothing_and_is_let_go) {
  good(a.store->accept({new_item(Kind::lead, "1")}));
  freeze();
  BOOST_TEST(code_of(a.store->claim(Kind::lead, 10)) == "unconfirmed");
  thaw();
  BOOST_TEST(claim(a) == (Ids{"1"}));
  BOOST_TEST(!good(a.store->find(Kind::lead, "1")).value().unsure);
}

BOOST_AUTO_TEST_CASE(an_outcome_that_could_not_be_written_is_written_later_once) {
  good(a.store->accept({new_item(Kind::lead, "1"), new_item(Kind::lead, "2")}));
  BOOST_TEST(claim(a) == (Ids{"1", "2"}));
  freeze();
  Outcome outcome;
  outcome.result = "17";
  BOOST_TEST(code_of(a.store->done(number("1"), outcome)) == "unconfirmed");
  BOOST_TEST(!a.store->retry(number("2"), now, {}, false));  // the breaker is open
  thaw();
  BOOST_TEST(claim(a) == (Ids{"2"}));
  BOOST_TEST(good(a.store->find(Kind::lead, "1")).value().result == "17");
  BOOST_TEST(story("1") == (Ids{"accepted", "done"}));
  BOOST_TEST(story("2") == (Ids{"accepted", "retry"}));
}

BOOST_AUTO_TEST_CASE(each_machine_remembers_its_own_place) {
  good(a.store->remember("journal.event", "at a"));
  good(b.store->accept({}, {{"journal.event", "at b"}, {"seen x", "1 y"}}));
  BOOST_TEST(good(a.store->recall("journal.event")) == "at a");
  BOOST_TEST(good(b.store->recall("journal.event")) == "at b");
  BOOST_TEST(good(a.store->recall("seen x")) == "1 y");
}

BOOST_AUTO_TEST_CASE(the_programs_role_makes_no_tables_and_is_told_who_does) {
  const std::string empty = postgres.new_database();
  const Machine machine;
  const auto store = good(Store::open(machine.dir.path(), "", {}, {postgres.url(empty), true}));
  const auto refused = store->stats(Kind::lead);
  BOOST_TEST(code_of(refused) == "schema_missing");
  BOOST_TEST(refused.error().remedy.contains("--migrate"));
  BOOST_TEST(!migrate_shared(postgres.url(empty), postgres.url(empty)));
  good(migrate_shared(postgres.owner_url(empty), postgres.url(empty)));
  good(migrate_shared(postgres.owner_url(empty), postgres.url(empty)));
  good(tried([&] { return store->stats(Kind::lead); }));
  postgres.ask("UPDATE b24hooks.versions SET version = 9, oldest_program = 9", empty);
  const auto later = good(Store::open(machine.dir.path(), "", {}, {postgres.url(empty), true}));
  BOOST_TEST(code_of(later->stats(Kind::lead)) == "store_version");
}

BOOST_AUTO_TEST_CASE(an_unusable_url_is_refused_with_the_reason) {
  const Machine machine;
  const char* const cases[][3] = {{"postgres://u:secret@h/b", "password_in_url", "password"},
                                  {"postgres://h/b?nonsense=1", "bad_store_url", "\"nonsense\""}};
  for (const auto& [url, code, cause] : cases) {
    const auto store = Store::open(machine.dir.path(), "", {}, {url, true});
    BOOST_TEST(code_of(store) == code);
    BOOST_TEST(store.error().cause.contains(cause), store.error().cause);
    BOOST_TEST(store.error().cause.back() != '\n');
    BOOST_TEST(!store.error().cause.contains("secret"));
  }
  const auto away =
      good(Store::open(machine.dir.path(), "", {}, {"postgres://u@127.0.0.1:1/b", true}));
  BOOST_TEST(code_of(away->stats(Kind::lead)) == "away");
  BOOST_TEST(away->is_away());
}

struct NoStandby : SharedFixture {
  Postgres alone{1};
};
BOOST_FIXTURE_TEST_CASE(without_a_standby_nothing_counts_unless_the_owner_says_so, NoStandby) {
  const std::string name = alone.new_database(), url = alone.url(name);
  good(migrate_shared(alone.owner_url(name), url));
  const auto strict = good(Store::open(a.dir.path(), "", {}, {url, true}));
  BOOST_TEST(code_of(strict->accept({new_item(Kind::lead, "1")})) == "not_replicated");
  const auto lenient = good(Store::open(b.dir.path(), "", {}, {url, false}));
  good(lenient->accept({new_item(Kind::lead, "1")}));
}

struct Failover {
  Postgres postgres{3};
  std::string database = postgres.new_database();
  TempDir dir;
  std::shared_ptr<Store> open(const std::string& url) {
    return good(Store::open(dir.path(), "", {}, {url, true}));
  }
};
// It can be written to, and stands first in the list.
BOOST_FIXTURE_TEST_CASE(an_old_primary_that_came_back_is_not_taken_for_one, Failover) {
  const std::string url = postgres.url(database);
  good(migrate_shared(postgres.owner_url(database), url));
  const auto store = open(url);
  good(store->accept({new_item(Kind::lead, "1")}));
  postgres.kill(1);
  const int primary = postgres.promote();
  BOOST_TEST(wait_until([&] { return store->accept({new_item(Kind::lead, "2")}).has_value(); }));
  postgres.start(1);
  const auto again = open(url);
  BOOST_TEST(good(again->find(Kind::lead, "2")).has_value());
  const auto old = open(postgres.url_of(1, database));
  BOOST_TEST(code_of(old->find(Kind::lead, "2")) == "old_primary");
  good(open(postgres.url_of(primary, database))->find(Kind::lead, "2"));
}

BOOST_FIXTURE_TEST_CASE(without_a_standby_that_streams_nobody_waits_for_one, Failover) {
  good(migrate_shared(postgres.owner_url(database), postgres.url(database)));
  const auto store = open(postgres.url(database));
  good(store->accept({new_item(Kind::lead, "1")}));
  for (const int node : {2, 3}) postgres.kill(node);
  BOOST_TEST(wait_until([&] { return postgres.standbys() == 0; }));
  BOOST_TEST(code_of(store->accept({new_item(Kind::lead, "2")})) == "no_standby");
  BOOST_TEST(store->is_away());
  // Nothing was begun that would be waiting for one.
  BOOST_TEST(!good(store->find(Kind::lead, "2")));
  for (const int node : {2, 3}) postgres.start(node);
  postgres.wait_for_standbys(2);
  BOOST_TEST(wait_until([&] { return store->accept({new_item(Kind::lead, "2")}).has_value(); }));
  BOOST_TEST(good(store->find(Kind::lead, "2")).value().repeats == 0);
}

BOOST_FIXTURE_TEST_CASE(a_restart_under_kept_connections_is_not_seen, Failover) {
  good(migrate_shared(postgres.owner_url(database), postgres.url(database)));
  const auto store = open(postgres.url(database));
  good(store->accept({new_item(Kind::lead, "1")}));
  postgres.stop(1);
  postgres.start(1);
  postgres.wait_for_standbys(2);
  good(store->accept({new_item(Kind::lead, "2")}));
  for (const char* id : {"1", "2"})
    BOOST_TEST(good(store->find(Kind::lead, id)).value().repeats == 0);
}

// Whether it was committed nobody knows then, and to say either would be wrong.
BOOST_AUTO_TEST_CASE(a_commit_without_an_answer_is_settled_once_by_the_same_again) {
  LossyLine line(postgres.socket_dir(postgres.primary()));
  const auto store =
      good(Store::open(a.dir.path(), "", [this] { return now; },
                       {"postgres://b24app@/" + database + "?host=" + line.host(), true}));
  for (const auto when : {LossyLine::Breaks::before_commit, LossyLine::Breaks::after_commit}) {
    const bool is_there = when == LossyLine::Breaks::after_commit;
    const NewItem item = new_item(Kind::lead, is_there ? "there" : "not there");
    line.break_once(when);
    BOOST_TEST(code_of(store->accept({item})) == "unconfirmed");
    BOOST_TEST(store->is_away());
    BOOST_TEST(good(b.store->find(Kind::lead, item.id)).has_value() == is_there);
    good(tried([&] { return store->accept({item}); }));
    BOOST_TEST(good(b.store->find(Kind::lead, item.id)).value().repeats == (is_there ? 1 : 0));
  }
  line.break_once(LossyLine::Breaks::after_commit);
  BOOST_TEST(code_of(store->claim(Kind::lead, 10)) == "unconfirmed");
  BOOST_TEST(claim(b) == Ids{});
  Ids ids;
  for (const Item& each : good(tried([&] { return store->claim(Kind::lead, 10); })))
    ids.push_back(each.id);
  BOOST_TEST(ids == (Ids{"not there", "there"}));
}

// The machine's own ingester, as a page uses it.
struct PageFixture : SharedFixture {
  std::string more() { return "[data]\nstore = " + shared.url + "\n"; }
  EventSettings settings{more()};
  AppSource source{settings.launch(), "handler"};
  StoreSource stores{source};
  Ingester ingester{source, stores, Kind::event, event_of};

  Status take(const char* id) {
    const App app = source.current().value();
    const std::string encoded = encode(record_of(event_params("ONX", id), now_ms()));
    good(ingester.journal(app)->append({&encoded, 1}));
    return ingester.confirm(app);
  }
  std::size_t stored() { return all_events(*good(stores.current())).size(); }
  std::int64_t journaled() {
    stores.put_counts();
    for (const Store::Count& each : good(good(stores.current())->counts(0)))
      if (each.name == "journaled") return each.count;
    return 0;
  }
};
BOOST_FIXTURE_TEST_CASE(a_page_answers_when_two_nodes_have_it_or_says_that_one_disk_has,
                        PageFixture) {
  good(take("1"));
  BOOST_TEST(stored() == 1U);
  freeze();
  good(take("2"));
  good(take("3"));
  // What the primary alone has is there for a reader, and confirmed by nobody.
  wait_until([&] { return !good(stores.current())->is_away(); });
  good(take("4"));
  thaw();
  BOOST_TEST(wait_until([&] { return ingester.run(1'000).has_value(); }));
  BOOST_TEST(stored() == 4U);
  BOOST_TEST(wait_until([&] { return journaled() == 3; }));
  const auto before = source.current()->settings;
  settings.set(more() + "[store]\njournal_accepts = no\n");
  BOOST_REQUIRE(wait_until([&] { return source.current()->settings != before; }));
  good(take("5"));
  freeze();
  BOOST_TEST(code_of(take("6")) == "not_confirmed");
  thaw();
}

BOOST_AUTO_TEST_SUITE_END()
