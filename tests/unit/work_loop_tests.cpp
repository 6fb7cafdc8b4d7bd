// work_loop_tests: what waiting costs.
#include "keep/work_loop.h"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "event_fixture.h"
#include "handler/event.h"
#include "handler/event_work.h"
#include "index/delivery.h"
#include "keep/journal.h"
#include "raw_sql.h"

using namespace b24;
using namespace b24::test;

namespace work_loop_tests {

constexpr int kWaiting = 2'000;
constexpr const char* kMore =
    "[on ONCRMDEALUPDATE]\nforward = https://dead.example/hook\n\n"
    "[on ONCRMLEADADD]\ncall = crm.lead.get?id={data.FIELDS.ID}\n";

// Counts from now on how often a row of the items is written.
class WriteCounter {
 public:
  explicit WriteCounter(const std::filesystem::path& file) : store_(file) {
    store_.run(
        "CREATE TABLE written(n); CREATE TRIGGER touched AFTER UPDATE ON items BEGIN"
        " INSERT INTO written VALUES (NEW.number); END");
  }
  int count() {
    int count = -1;
    store_.for_each("SELECT count(*) FROM written",
                    [&](sqlite3_stmt* row) { count = sqlite3_column_int(row, 0); });
    return count;
  }

 private:
  RawSql store_;
};

struct Configured : EventSettings {
  Configured() : EventSettings(kMore) {
    write_file(file(),
               "C_REST_WEB_HOOK_URL = https://p.example/rest/1/abcdefgh/\n" + read_file(file()));
  }
};

struct WaitingFixture {
  Configured settings;
  Launch launch = settings.launch();
  AppSource app{launch, "handler"};
  StoreSource stores{app};
  GateSource gates{app};
  std::shared_ptr<Store> store = good(stores.current());

  void close_portal() {  // for 15 minutes
    const CallError overload{
        {ErrorKind::portal, "OVERLOAD_LIMIT", "", ""}, 503, Verdict::blocked, 0};
    good(gates.current())->ended("crm.lead.add", std::unexpected(overload));
  }
  // For minutes: it has been down for a while.
  void close_receiver(const std::string& host) {
    Millis now = steady_ms() - 10 * kMinute;
    const auto gate = good(Gate::open(
        settings.data(), "p.example", {}, [](const Error&) {}, [&] { return now; }));
    for (const Millis end = steady_ms(); now < end; now += gate->held_back(host))
      gate->report(host, "connect");
    const auto left = [&] { return good(gates.current())->held_back(host); };
    if (left() < 10'000) {  // the last opening is nearly over
      BOOST_REQUIRE(wait_until([&] { return left() == 0; }));
      now = steady_ms();
      gate->report(host, "connect");
    }
    // What it looks at may be a moment old.
    BOOST_REQUIRE(wait_until([&] { return left() >= 10'000; }));
  }
  void accept_events(std::string_view name) {
    std::vector<NewItem> events;
    for (int i = 0; i < kWaiting; ++i) {
      const Record record = record_of(event_params(name, std::to_string(i)), now_ms());
      events.push_back(make_event(record, *good(app.current()).settings, false));
    }
    good(store->accept(events));
  }
  // Lets threads look for work until they have looked at least once.
  template <class Work>
  void check_untouched(Work& work, Kind kind, auto... number_of_threads) {
    WriteCounter writes(settings.data() / "store.db");
    std::jthread threads([&](std::stop_token stop) { work.work(stop, number_of_threads...); });
    BOOST_TEST(wait_until([&] { return !good(store->recall(last_run_key(kind))).empty(); }));
    work.ingested(1);
    threads = {};
    BOOST_TEST(writes.count() == 0);
    BOOST_TEST(good(store->stats(kind)).pending == kWaiting);
  }
};

}  // namespace work_loop_tests

BOOST_AUTO_TEST_SUITE(work_loop_tests)

BOOST_FIXTURE_TEST_CASE(leads_for_a_closed_portal_are_not_touched, WaitingFixture, *of_sqlite()) {
  std::vector<NewItem> leads;
  for (int i = 0; i < kWaiting; ++i) leads.push_back(new_item(Kind::lead, std::to_string(i)));
  good(store->accept(leads));
  close_portal();
  FormSource forms{stores};
  Delivery delivery(app, stores, gates, forms);
  check_untouched(delivery, Kind::lead);
}

BOOST_FIXTURE_TEST_CASE(events_that_call_a_closed_portal_are_not_touched, WaitingFixture,
                        *of_sqlite()) {
  accept_events("ONCRMLEADADD");
  close_portal();
  WorkLoop work = event_work(app, stores, gates);
  check_untouched(work, Kind::event, 2);
}

BOOST_FIXTURE_TEST_CASE(events_for_a_dead_receiver_are_not_touched, WaitingFixture, *of_sqlite()) {
  accept_events("ONCRMDEALUPDATE");
  close_receiver("https://dead.example:443");
  WorkLoop work = event_work(app, stores, gates);
  check_untouched(work, Kind::event, 2);
}

BOOST_FIXTURE_TEST_CASE(one_look_erases_all_that_is_old, WaitingFixture) {
  std::vector<NewItem> old;
  for (int i = 0; i < kWaiting; ++i) {
    old.push_back(new_item(Kind::event, std::to_string(i)));
    old.back().state = State::done;
    old.back().received_at = now_ms() - 400 * kDay;
  }
  good(store->accept(old));
  WorkLoop work = event_work(app, stores, gates);
  good(work.work_due(0, [] { return Status(); }));
  BOOST_TEST(good(store->stats(Kind::event)).done == 0);
}

// How often a CGI process has looked, of those that answer one request each.
struct Answered : WaitingFixture {
  Journal journal{settings.data(), "", Kind::event};
  std::function<void()> meanwhile = [] {};
  int looks = 0;

  void answer() {
    Launch cgi = launch;
    cgi.mode = Mode::cgi;
    AppSource own(cgi, "handler");
    StoreSource own_stores(own);
    GateSource own_gates(own);
    good(event_work(own, own_stores, own_gates).work_due(1'000, [this]() -> Status {
      ++looks;
      meanwhile();
      return {};
    }));
  }
};

BOOST_FIXTURE_TEST_CASE(a_cgi_process_looks_only_when_something_may_be_due, Answered) {
  for (int i = 0; i < 3; ++i) answer();
  BOOST_TEST(looks == 1);
  const std::string record = encode(record_of(event_params("ONTEST", "1"), now_ms()));
  good(journal.append({&record, 1}));
  for (int i = 0; i < 3; ++i) answer();
  BOOST_TEST(looks == 2);
}

BOOST_FIXTURE_TEST_CASE(what_is_accepted_while_another_process_looks_is_looked_for, Answered) {
  const std::string record = encode(record_of(event_params("ONTEST", "1"), now_ms()));
  meanwhile = [&] { good(journal.append({&record, 1})); };
  answer();
  meanwhile = [] {};
  for (int i = 0; i < 3; ++i) answer();
  BOOST_TEST(looks == 2);
}

BOOST_FIXTURE_TEST_CASE(what_is_retried_by_hand_is_looked_for, Answered) {
  good(store->accept({new_item(Kind::event, "a")}));
  const Item item = *good(store->find(Kind::event, "a"));
  good(store->fail(item.number, {}));
  answer();
  good(store->retry_now(item.number));
  answer();
  BOOST_TEST(looks == 2);
}

BOOST_AUTO_TEST_SUITE_END()
