// gate_tests: the portal's limits kept by several gates on one file, under a clock of our own.
#include "portal/gate.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "base/files.h"
#include "decorators.h"
#include "portal_counter.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace gate_tests {

struct GateFixture {
  TempDir dir;
  Millis now = 1'800'000'000'000;
  Millis set_by = 0;  // how far somebody has moved the time of day
  std::vector<Error> told;
  std::shared_ptr<Gate> gate = open();

  std::shared_ptr<Gate> open(int reserve = 0, const char* portal = "p.example") {
    return open_with({50, 2, reserve}, portal);
  }
  std::shared_ptr<Gate> open_with(Bucket bucket, const char* portal) {
    return good(Gate::open(
        dir.path(), portal, bucket, [this](const Error& error) { told.push_back(error); },
        [this] { return now; }, [this] { return now + set_by; }));
  }
  Millis enter(const char* method = "crm.lead.add") { return gate->enter(method); }
  // A whole call, answered at once.
  Millis call(const char* method = "crm.lead.add") {
    const Millis wait = enter(method);
    if (wait == 0) answer(method);
    return wait;
  }
  void call_times(int count) {
    for (int i = 0; i < count; ++i) BOOST_TEST(call() == 0);
  }
  void answer(const char* method = "crm.lead.add", double operating = 0, Millis reset_at = 0) {
    Answer answer;
    answer.operating = operating;
    answer.operating_reset_at = reset_at / 1000;
    gate->ended(method, answer);
  }
  static CallError error(int status, const char* code, Verdict verdict) {
    return {
        {status == 0 ? ErrorKind::network : ErrorKind::portal, code, "", ""}, status, verdict, 0};
  }
  void fail(const CallError& error, const char* method = "crm.lead.add") {
    gate->ended(method, std::unexpected(error));
  }
  void go_down() {
    for (int i = 0; i < 3; ++i) fail(error(0, "connect", Verdict::retry));
  }
};

// With a directory each, and something that all can change.
struct Machines {
  Machines(const Millis& clock, const Millis& moved) : now(clock), set_by(moved) {}
  std::shared_ptr<Gate> open(std::size_t machine, const std::string& key = "p.example") {
    write_file(dirs[machine] / "machine", std::to_string(machine));
    auto gate = good(Gate::open(
        dirs[machine].path(), "p.example", {50, 2, 0}, [](const Error&) {}, [this] { return now; },
        [this] { return now + set_by; }));
    gate->share(
        [this](const std::string& of, const auto& change) {
          if (away) return Status(std::unexpected(Error{ErrorKind::storage, "away", "", ""}));
          shared[of] = change(shared[of], now + 12'345);
          return Status();
        },
        key);
    return gate;
  }

  const Millis& now;
  const Millis& set_by;
  bool away = false;
  TempDir dirs[2];
  std::map<std::string, std::string> shared;
};

// A call on its way: when it reaches the portal, and when its answer is back.
struct Flight {
  std::size_t gate;
  Millis arrives;
  Millis lands;
};

}  // namespace gate_tests

BOOST_AUTO_TEST_SUITE(gate_tests)

BOOST_FIXTURE_TEST_CASE(burst_of_47_passes_and_then_2_a_second, GateFixture, *shows("A13")) {
  call_times(47);
  for (int i = 0; i < 20; ++i) {
    BOOST_TEST(call() == 500);
    now += 499;
    BOOST_TEST(call() == 1);
    now += 1;
    BOOST_TEST(call() == 0);
  }
  now += 23'500 + 10'000;  // empty again, and never below
  call_times(47);
  BOOST_TEST(call() == 500);
}

BOOST_FIXTURE_TEST_CASE(calls_under_way_keep_their_places, GateFixture) {
  for (int i = 0; i < 47; ++i) BOOST_TEST(enter() == 0);
  now += 20'000;
  BOOST_TEST(enter() == 500);
  BOOST_TEST(gate->state().level == 47);
  for (int i = 0; i < 46; ++i) answer();
  fail(error(0, "timeout", Verdict::look));
  BOOST_TEST(enter() == 500);
  now += 500;
  BOOST_TEST(enter() == 0);
  // What a process left that died is forgotten in time, however many calls there are.
  gate = open();
  now += 30'000;
  for (int i = 0; i < 8; ++i) {
    now += 10'000;
    BOOST_TEST(call() == 0);
    BOOST_TEST(std::abs(gate->state().level - (i < 3 ? 2 : 1)) < 1e-6, i);
  }
}

// However late the calls reach the portal, and wherever its seconds begin.
BOOST_FIXTURE_TEST_CASE(gates_on_one_file_never_fill_the_portals_counter, GateFixture,
                        *shows("F3")) {
  std::vector<std::shared_ptr<Gate>> gates{gate, open(), open(), open()};
  std::vector<Millis> asks_at(gates.size(), now);
  std::vector<Flight> flights;
  PortalCounter counter;
  std::minstd_rand random{7};
  std::uniform_int_distribution<Millis> delay(0, 3'000);
  int passed = 0;
  for (const Millis end = now + 100'000; now < end; now += 7) {
    for (std::size_t i = 0; i < gates.size(); ++i) {
      if (asks_at[i] > now) continue;
      const Millis wait = gates[i]->enter("profile");
      BOOST_REQUIRE_GE(wait, 0);
      asks_at[i] = now + wait;
      if (wait != 0) continue;
      ++passed;
      const Millis arrives = now + delay(random);
      flights.push_back({i, arrives, arrives + delay(random)});
    }
    for (Flight& flight : flights) {
      if (flight.arrives != 0 && flight.arrives <= now) {
        BOOST_REQUIRE_LE(counter.add(now), 49.0);
        flight.arrives = 0;
      }
      if (flight.lands <= now) gates[flight.gate]->ended("profile", Answer());
    }
    std::erase_if(flights, [&](const Flight& flight) { return flight.lands <= now; });
  }
  // Nothing is wasted either: 47 at once, and 2 a second once the first are back.
  BOOST_TEST(passed >= 47 + 185);
  BOOST_TEST(passed <= 47 + 200);
}

// Two machines, with a file each and two processes on it.
BOOST_FIXTURE_TEST_CASE(machines_behind_one_address_never_fill_the_portals_counter, GateFixture) {
  Machines machines(now, set_by);
  std::vector<std::shared_ptr<Gate>> gates{machines.open(0), machines.open(0), machines.open(1),
                                           machines.open(1)};
  std::vector<Millis> asks_at(gates.size(), now);
  std::vector<Flight> flights;
  PortalCounter counter;
  std::minstd_rand random{7};
  std::uniform_int_distribution<Millis> delay(0, 3'000);
  std::vector<int> passed(6);  // in each 50 s: by each machine
  for (const Millis begun = now; now < begun + 150'000; now += 7) {
    const auto third = static_cast<std::size_t>((now - begun) / 50'000);
    machines.away = third == 1;
    for (std::size_t i = 0; i < gates.size(); ++i) {
      if (asks_at[i] > now) continue;
      const Millis wait = gates[i]->enter("profile");
      asks_at[i] = now + wait;
      if (wait != 0) continue;
      ++passed[third * 2 + i / 2];
      const Millis arrives = now + delay(random);
      flights.push_back({i, arrives, arrives + delay(random)});
    }
    for (Flight& flight : flights) {
      if (flight.arrives != 0 && flight.arrives <= now) {
        BOOST_REQUIRE_LE(counter.add(now), 50.0);
        flight.arrives = 0;
      }
      if (flight.lands <= now) gates[flight.gate]->ended("profile", Answer());
    }
    std::erase_if(flights, [&](const Flight& flight) { return flight.lands <= now; });
  }
  BOOST_TEST(passed[0] + passed[1] > 47 + 80);
  // Each has its part.
  BOOST_TEST(passed[2] > 20);
  BOOST_TEST(passed[3] > 20);
  BOOST_TEST(passed[4] + passed[5] > 60);
}

BOOST_FIXTURE_TEST_CASE(machines_of_other_addresses_have_a_bucket_each, GateFixture) {
  Machines machines(now, set_by);
  const auto here = machines.open(0, "a"), there = machines.open(1, "b");
  for (int i = 0; i < 47; ++i) BOOST_TEST(here->enter("profile") == 0);
  BOOST_TEST(here->enter("profile") > 0);
  BOOST_TEST(there->enter("profile") == 0);
}

BOOST_FIXTURE_TEST_CASE(a_thousand_calls_take_what_the_portals_bucket_asks_for, GateFixture,
                        *shows("A13")) {
  const Millis begun = now;
  PortalCounter counter;
  for (int calls = 0; calls < 1000;) {
    if (const Millis wait = enter(); wait != 0) {
      now += wait;
      continue;
    }
    now += 40;
    BOOST_REQUIRE_LE(counter.add(now), 50.0);
    now += 40;
    answer();
    ++calls;
  }
  // 50 at once, then 2 a second.
  BOOST_TEST(now - begun >= 475'000);
  BOOST_TEST(now - begun <= 475'000 * 11 / 10);
}

BOOST_FIXTURE_TEST_CASE(portals_have_buckets_of_their_own, GateFixture) {
  call_times(47);
  BOOST_TEST(enter() > 0);
  BOOST_TEST(open(0, "other.example")->enter("profile") == 0);
}

BOOST_FIXTURE_TEST_CASE(reserve_leaves_places_to_others, GateFixture) {
  const auto polite = open(10);
  for (int i = 0; i < 37; ++i) BOOST_TEST(polite->enter("profile") == 0);
  BOOST_TEST(polite->enter("profile") == 500);
  for (int i = 0; i < 10; ++i) BOOST_TEST(enter() == 0);
  BOOST_TEST(enter() == 500);
  // However small the bucket, something passes.
  const auto tiny = open_with({1, 2, 10}, "tiny");
  BOOST_TEST(tiny->enter("profile") == 0);
  BOOST_TEST(tiny->enter("profile") == 500);
}

BOOST_FIXTURE_TEST_CASE(full_bucket_stops_all_for_a_second_doubling, GateFixture, *shows("A14")) {
  const auto full = error(503, "query_limit_exceeded", Verdict::retry);
  enter();
  Millis before = 0;
  for (int i = 0; i < 5; ++i) {
    fail(full);
    fail(full);  // calls that were under way as well count once
    const Millis wait = open()->enter("profile");
    const Millis least = Millis{1'000} << i;
    BOOST_TEST(wait >= least);
    BOOST_TEST(wait <= least * 3 / 2);
    BOOST_TEST(wait > before);
    before = least;
    now += wait;
    while (const Millis more = enter()) {  // its counter is near its rim all the same
      BOOST_REQUIRE_LE(more, 2'500);
      now += more;
    }
  }
  answer();
  now += 60'000;
  fail(full);
  BOOST_TEST(enter() <= 1'500);
  BOOST_TEST(gate->state().level <= 50 + 5);
  BOOST_TEST(!gate->is_open());
}

BOOST_FIXTURE_TEST_CASE(three_failures_in_a_row_open_the_breaker, GateFixture) {
  struct {
    CallError failure;
    bool counts;
  } const cases[] = {
      {error(0, "connect", Verdict::retry), true},
      {error(0, "timeout", Verdict::look), true},
      {error(502, "", Verdict::look), true},
      {error(503, "", Verdict::retry), true},
      {error(500, "INTERNAL_SERVER_ERROR", Verdict::look), true},
      {error(400, "", Verdict::permanent), false},
      {error(503, "QUERY_LIMIT_EXCEEDED", Verdict::retry), false},
      {error(0, "gate", Verdict::retry), false},
      {error(0, "stopped", Verdict::look), false},
      {error(0, "curl_missing", Verdict::permanent), false},
  };
  for (const auto& [failure, counts] : cases) {
    GateFixture fresh;
    fresh.fail(failure);
    fresh.fail(failure);
    BOOST_TEST(!fresh.gate->is_open());
    fresh.fail(failure);
    BOOST_TEST(fresh.gate->is_open() == counts, failure.error.code << failure.status);
  }
  fail(cases[0].failure);
  fail(cases[0].failure);
  answer();  // not in a row
  fail(cases[0].failure);
  BOOST_TEST(!gate->is_open());
  BOOST_TEST(gate->state().failures == 1);
}

BOOST_FIXTURE_TEST_CASE(one_probe_passes_and_the_rest_wait_for_its_outcome, GateFixture) {
  const auto other = open();
  Millis least = 5'000;
  go_down();
  for (int i = 0; i < 8; ++i) {
    BOOST_TEST(other->is_open());
    const Millis wait = other->enter("profile");
    BOOST_TEST(wait >= least);
    BOOST_TEST(wait <= std::min<Millis>(least * 3 / 2, 5 * kMinute));
    now += wait - 1;
    BOOST_TEST(enter() == 1);
    now += 1;
    BOOST_TEST(enter() == 0);  // the probe
    for (int ask = 0; ask < 3; ++ask) {
      BOOST_TEST(other->enter("profile") == 1'000);
      BOOST_TEST(enter() == 1'000);
    }
    BOOST_TEST(gate->is_open());
    fail(error(0, "timeout", Verdict::look));
    least = std::min<Millis>(least * 2, 200'000);
  }
  now += enter();
  BOOST_TEST(enter() == 0);
  answer();
  BOOST_TEST(!other->is_open());
  for (int i = 0; i < 10; ++i) BOOST_TEST(other->enter("profile") == 0);
  go_down();
  BOOST_TEST(enter() <= 7'500);  // from the beginning
}

BOOST_FIXTURE_TEST_CASE(probe_that_was_never_heard_of_again_is_replaced, GateFixture) {
  go_down();
  now += enter();
  BOOST_TEST(enter() == 0);
  now += 69'999;
  BOOST_TEST(enter() == 1);
  now += 1;
  BOOST_TEST(enter() == 0);
  BOOST_TEST(enter() == 1'000);
}

BOOST_FIXTURE_TEST_CASE(probe_that_our_own_stop_has_ended_is_replaced_at_once, GateFixture) {
  go_down();
  now += enter();
  BOOST_TEST(enter() == 0);
  fail(error(0, "stopped", Verdict::look));
  BOOST_TEST(enter() == 0);
  BOOST_TEST(enter() == 1'000);  // a probe, too
}

// Among machines the bucket may be full where there is room here.
BOOST_FIXTURE_TEST_CASE(probe_that_found_no_place_among_the_machines_is_given_up, GateFixture) {
  Machines machines(now, set_by);
  const auto here = machines.open(0), there = machines.open(1);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(here->enter("profile") == 0);
    here->ended("profile", std::unexpected(error(0, "connect", Verdict::retry)));
  }
  now += here->enter("profile") - 100;
  while (there->enter("profile") == 0) there->ended("profile", Answer());
  now += 100;
  const Millis wait = here->enter("profile");  // the probe
  BOOST_TEST(wait > 0);
  BOOST_TEST(wait < kSecond);
  now += wait;
  BOOST_TEST(here->enter("profile") == 0);
}

BOOST_FIXTURE_TEST_CASE(any_answer_of_the_probe_closes_the_breaker, GateFixture) {
  go_down();
  now += enter();
  BOOST_TEST(enter() == 0);
  fail(error(400, "ERROR_CORE", Verdict::permanent));
  BOOST_TEST(enter() == 0);
  BOOST_TEST(enter() == 0);
  BOOST_TEST(gate->state().last_error == "ERROR_CORE");
}

BOOST_FIXTURE_TEST_CASE(overload_closes_for_15_minutes, GateFixture) {
  for (int i = 0; i < 3; ++i) {
    fail(error(503, "OVERLOAD_LIMIT", Verdict::blocked));
    BOOST_TEST(enter() == 15 * kMinute);
    BOOST_TEST(gate->is_open());
    now += 15 * kMinute;
    BOOST_TEST(enter() == 0);
    BOOST_TEST(enter() > 0);
  }
}

BOOST_FIXTURE_TEST_CASE(refused_secret_closes_for_a_minute_growing_to_15, GateFixture) {
  for (const Millis minutes : {1, 2, 4, 8, 15, 15}) {
    fail(error(401, "NO_AUTH_FOUND", Verdict::blocked));
    fail(error(401, "NO_AUTH_FOUND", Verdict::blocked));
    BOOST_TEST(enter() == minutes * kMinute);
    now += minutes * kMinute;
    BOOST_TEST(enter() == 0);
  }
  answer();
  fail(error(500, "PORTAL_DELETED", Verdict::blocked));
  BOOST_TEST(enter() == kMinute);
}

BOOST_FIXTURE_TEST_CASE(missing_scope_closes_only_the_method, GateFixture) {
  for (const Millis minutes : {1, 2, 4, 8, 15, 15}) {
    fail(error(403, "insufficient_scope", Verdict::blocked), "crm.lead.add");
    BOOST_TEST(enter("crm.lead.add") == minutes * kMinute);
    BOOST_TEST(enter("profile") == 0);
    now += minutes * kMinute;
    BOOST_TEST(enter("crm.lead.add") == 0);
  }
  answer("crm.lead.add");
  fail(error(403, "insufficient_scope", Verdict::blocked), "crm.lead.add");
  BOOST_TEST(enter("crm.lead.add") == kMinute);
}

BOOST_FIXTURE_TEST_CASE(method_out_of_operating_time_waits_for_its_reset, GateFixture,
                        *shows("A15")) {
  const CallError used_up = error(429, "OPERATION_TIME_LIMIT", Verdict::retry);
  answer("a", 100, now + 123'000);
  fail(used_up, "a");
  BOOST_TEST(enter("a") == 123'000);
  BOOST_TEST(gate->closed_for("a") == 123'000);
  // Another process knows as well, also what the first has only read.
  const auto other = open();
  BOOST_TEST(other->closed_for("a") == 123'000);
  BOOST_TEST(other->closed_for("b") == 0);
  answer("c", 100, now + 60'000);
  other->ended("c", std::unexpected(used_up));
  BOOST_TEST(gate->closed_for("c") == 60'000);

  BOOST_TEST(enter("b") == 0);
  fail(used_up, "b");  // no reset is known
  fail(used_up, "b");  // calls that were under way as well count once
  BOOST_TEST(enter("b") == kMinute);
  now += kMinute;
  BOOST_TEST(enter("b") == 0);
  fail(used_up, "b");
  BOOST_TEST(enter("b") == 2 * kMinute);
  for (const int minutes : {4, 8, 10, 10}) {  // never longer than the portal's own window
    now += enter("b");
    fail(used_up, "b");
    BOOST_TEST(enter("b") == minutes * kMinute);
  }
  answer("d", 100, now + 100 * 24 * 60 * kMinute);  // nonsense must not block it for good
  fail(used_up, "d");
  BOOST_TEST(enter("d") == 20 * kMinute);
  now += 20 * kMinute;
  answer("d", 100, now - 5'000);  // over already
  fail(used_up, "d");
  BOOST_TEST(enter("d") == kMinute);
}

BOOST_FIXTURE_TEST_CASE(commands_inside_a_batch_count_for_their_methods_alone, GateFixture) {
  Answer slow;
  slow.operating = 440;
  slow.operating_reset_at = (now + 100'000) / 1000;
  std::vector<b24::Command> commands = {{"a", "slow"}, {"b", "used"}, {"c", "barred"}};
  std::vector<BatchResult> results = {
      {"a", slow},
      {"b", std::unexpected(error(200, "OPERATION_TIME_LIMIT", Verdict::retry))},
      {"c", std::unexpected(error(200, "insufficient_scope", Verdict::blocked))}};
  for (int i = 0; i < 5; ++i) {
    commands.push_back({"d", "broken"});
    results.push_back({"d", std::unexpected(error(200, "INTERNAL_SERVER_ERROR", Verdict::look))});
    commands.push_back({"e", "refused"});
    results.push_back({"e", std::unexpected(error(200, "ERROR_CORE", Verdict::permanent))});
  }
  gate->ran(commands, results);
  BOOST_TEST(gate->closed_for("slow") == 100'000);
  BOOST_TEST(gate->closed_for("used") == kMinute);
  BOOST_TEST(gate->closed_for("barred") == kMinute);
  for (const char* method : {"broken", "refused", "batch"})
    BOOST_TEST(gate->closed_for(method) == 0, method);
  BOOST_TEST(gate->state().level == 0);
  BOOST_TEST(!gate->is_open());
}

BOOST_FIXTURE_TEST_CASE(foreign_refusals_are_the_portals_but_a_batchs_may_be_one_commands,
                        GateFixture) {
  const CallError page = error(403, "not_json", Verdict::blocked);
  for (int i = 0; i < 10; ++i) fail(page, "batch");
  BOOST_TEST(call() == 0);
  for (int i = 0; i < 3; ++i) fail(page);
  BOOST_TEST(gate->is_open());
  now += enter();
  BOOST_TEST(enter("batch") == 0);
  fail(page, "batch");  // says nothing yet, so the next may probe at once
  BOOST_TEST(enter() == 0);
  answer();
  BOOST_TEST(!gate->is_open());
}

BOOST_FIXTURE_TEST_CASE(method_near_its_operating_limit_is_held_back, GateFixture) {
  answer("a", 431.9, now + 300'000);
  BOOST_TEST(enter("a") == 0);
  answer("a", 432.0, now + 300'000);
  BOOST_TEST(enter("a") == 300'000);
  BOOST_TEST(open()->enter("a") == 300'000);
  BOOST_TEST(enter("b") == 0);
  now += 300'000;
  BOOST_TEST(enter("a") == 0);
  answer("a", 500, 0);
  BOOST_TEST(enter("a") == kMinute);
}

BOOST_FIXTURE_TEST_CASE(what_refusals_closed_is_reopened_by_hand, GateFixture) {
  fail(error(503, "OVERLOAD_LIMIT", Verdict::blocked));
  open()->reopen();
  BOOST_TEST(!gate->is_open());
  BOOST_TEST(call() == 0);
  fail(error(403, "insufficient_scope", Verdict::blocked), "barred");
  answer("used", 440, now + 100'000);
  call_times(41);
  gate->reopen();
  BOOST_TEST(gate->closed_for("barred") == 0);
  BOOST_TEST(gate->closed_for("used") == 100'000);
  call_times(2);
  BOOST_TEST(enter() == 500);
}

BOOST_FIXTURE_TEST_CASE(clock_set_back_wedges_nothing, GateFixture, *shows("A27")) {
  call_times(46);
  enter();
  set_by = -24 * 60 * kMinute;
  BOOST_TEST(call() == 500);
  now += 500;
  BOOST_TEST(call() == 0);
  now += kMinute + 10'000;  // the one that nobody told the end of
  call_times(47);
  now += 1'500;
  fail(error(429, "", Verdict::retry), "slow");
  go_down();
  const Millis wait = enter();
  set_by = 24 * 60 * kMinute;
  BOOST_TEST(gate->state().open_until == now + set_by + wait);
  BOOST_TEST(enter() == wait);
  BOOST_TEST(gate->is_open());
  now += wait;
  BOOST_TEST(enter() == 0);
  answer();
  BOOST_TEST(enter("slow") <= kMinute);
  BOOST_TEST(enter("slow") > 0);
}

BOOST_FIXTURE_TEST_CASE(state_is_as_of_now, GateFixture) {
  BOOST_TEST(gate->state().level == 0);
  call_times(10);
  now += 2'000;
  BOOST_TEST(std::abs(gate->state().level - 6) < 1e-6);
  now += 200'000;
  BOOST_TEST(gate->state().level == 0);
  go_down();
  BOOST_TEST(gate->state().open_until > now);
  BOOST_TEST(gate->state().last_error == "connect");
}

BOOST_FIXTURE_TEST_CASE(all_who_wait_in_a_process_share_one_look, GateFixture) {
  const auto other = open();
  for (int i = 0; i < 3; ++i)
    other->ended("profile", std::unexpected(error(0, "connect", Verdict::retry)));
  BOOST_TEST(!gate->is_open(kSecond));  // what was read just now will do
  now += kSecond;
  BOOST_TEST(gate->is_open(kSecond));
}

BOOST_FIXTURE_TEST_CASE(keeps_the_limits_by_itself_while_the_file_is_unusable, GateFixture) {
  call();
  std::filesystem::remove(dir / "gate.json");
  std::filesystem::create_directory(dir / "gate.json");
  call_times(46);
  BOOST_TEST(enter() == 500);
}

// Each byte of the file, changed; and each length that it may have been cut to.
BOOST_FIXTURE_TEST_CASE(a_damaged_file_is_put_aside_and_begun_anew, GateFixture) {
  call_times(3);
  enter();
  answer("a", 1, now + 100'000);
  enter();
  const std::string whole = read_file(dir / "gate.json");
  const auto begun_anew = [&](const std::string& damaged) {
    told.clear();
    write_file(dir / "gate.json", damaged);
    const auto other = open();
    BOOST_TEST(told.size() == 1u);
    BOOST_TEST(told.at(0).code == "gate_damaged");
    BOOST_TEST(other->state().level == 0);
    BOOST_TEST(other->enter("profile") == 0);
    BOOST_TEST(open()->state().level == 1);
    int aside = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("gate-20")) continue;
      BOOST_TEST(name.ends_with("Z.json"), name);
      BOOST_TEST(!name.contains(':'), name);
      BOOST_TEST(read_file(entry.path()) == damaged);
      std::filesystem::remove(entry.path());
      ++aside;
    }
    BOOST_TEST(aside == 1);
  };
  for (std::size_t at = 0; at < whole.size(); at += at < 80 ? 1 : 13) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    begun_anew(damaged);
    if (at > 0) begun_anew(whole.substr(0, at));
  }
  begun_anew(whole + "x");
  begun_anew("SQLite format 3");
}

BOOST_FIXTURE_TEST_CASE(a_file_that_went_is_made_again_from_what_each_knows, GateFixture) {
  call_times(40);
  std::filesystem::remove(dir / "gate.json");
  call_times(7);
  BOOST_TEST(open()->enter("profile") == 500);
}

BOOST_FIXTURE_TEST_CASE(a_machine_that_was_started_again_begins_afresh, GateFixture) {
  call_times(47);
  go_down();
  now = 5'000;
  gate = open();
  BOOST_TEST(!gate->is_open());
  call_times(47);
  BOOST_TEST(enter() == 500);
}

BOOST_FIXTURE_TEST_CASE(the_portals_own_clock_says_when_it_resets, GateFixture) {
  for (const Millis moved : {-24 * 60 * kMinute, 24 * 60 * kMinute}) {
    set_by = moved;
    Answer used;
    used.operating = 440;
    used.at = now;
    used.operating_reset_at = (now + 100'000) / 1000;
    gate->ended("a", used);
    BOOST_TEST(gate->closed_for("a") == 100'000);
    now += 100'000;
  }
}

BOOST_FIXTURE_TEST_CASE(a_dead_receiver_is_tried_by_one_probe_at_a_time, GateFixture) {
  const std::string dead = "https://dead.example:443", well = "https://well.example:443";
  const auto other = open();
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(other->held_back(dead) == 0);
    BOOST_TEST(gate->ask(dead) == 0);
    gate->report(dead, "connect");
  }
  const Millis wait = other->ask(dead);
  BOOST_TEST(wait >= 5'000);
  BOOST_TEST(wait <= 7'500);
  BOOST_TEST(other->held_back(dead) == wait);
  BOOST_TEST(other->ask(well) == 0);
  BOOST_TEST(call() == 0);  // the portal's is another
  now += wait;
  BOOST_TEST(gate->ask(dead) == 0);
  BOOST_TEST(other->ask(dead) == 1'000);
  gate->report(dead, "connect");
  BOOST_TEST(other->ask(dead) >= 10'000);
  other->reopen();
  BOOST_TEST(gate->ask(dead) == 0);
  gate->report(dead, "");
  for (int i = 0; i < 5; ++i) BOOST_TEST(other->ask(dead) == 0);
}

BOOST_FIXTURE_TEST_CASE(processes_share_the_bucket, GateFixture) {
  gate.reset();
  std::vector<Forked> children;
  const std::string passed = (dir / "passed").string();
  write_file(passed, "");
  for (int i = 0; i < 4; ++i) {
    children.emplace_back([&] {
      auto mine = Gate::open(
          dir.path(), "p.example", {}, [](const Error&) {}, [this] { return now; });
      for (int n = 0; mine && n < 40; ++n)
        if ((*mine)->enter("profile") == 0 && !append_entry(passed, "x", {})) return false;
      return mine.has_value();
    });
  }
  for (Forked& child : children) BOOST_TEST(child.join());
  BOOST_TEST(read_file(passed).size() == 47u);
}

BOOST_AUTO_TEST_SUITE_END()
