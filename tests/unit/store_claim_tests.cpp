// store_claim_tests: who gets which item, and what becomes of it.
#include <sys/prctl.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <set>
#include <thread>

#include "decorators.h"
#include "keep/claimant.h"
#include "raw_sql.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace store_claim_tests {

std::vector<std::string> ids(const std::vector<Item>& items) {
  std::vector<std::string> ids;
  for (const Item& item : items) ids.push_back(item.id);
  return ids;
}

using Ids = std::vector<std::string>;

struct ClaimFixture : StoreFixture {
  Ids claim(std::size_t limit = 10) { return ids(good(store->claim(Kind::lead, limit))); }
  Item claim_only() {
    auto items = good(store->claim(Kind::lead, 10));
    BOOST_REQUIRE_EQUAL(items.size(), 1u);
    return std::move(items[0]);
  }
  std::vector<std::string> story(std::int64_t number) {
    std::vector<std::string> outcomes;
    for (const Attempt& attempt : good(store->history(number))) outcomes.push_back(attempt.outcome);
    return outcomes;
  }
  // Claims everything in a process of its own, which then ends: by itself or killed.
  void claim_and_die(bool killed) {
    close();
    Forked child([&] {
      auto mine = Store::open(
          dir.path(), "", [this] { return now; }, shared);
      const bool claimed = mine && !(*mine)->claim(Kind::lead, 10)->empty();
      if (killed) ::raise(SIGKILL);
      return claimed;
    });
    BOOST_TEST(child.join() == !killed);
    store = open();
  }
};

}  // namespace store_claim_tests

BOOST_AUTO_TEST_SUITE(store_claim_tests)

BOOST_FIXTURE_TEST_CASE(due_items_are_claimed_once_oldest_first, ClaimFixture) {
  for (const char* id : {"a", "b", "c"}) accept(Kind::lead, id);
  accept(Kind::event, "of another kind");
  BOOST_TEST(claim(2) == (Ids{"a", "b"}));
  BOOST_TEST(claim(2) == (Ids{"c"}));
  BOOST_TEST(claim(2) == Ids{});
  const auto waiting = accept(Kind::lead, "d");
  good(store->retry(waiting, now + 5'000, {}, false, false));
  BOOST_TEST(claim() == Ids{});
  now += 4'999;
  BOOST_TEST(claim() == Ids{});
  now += 1;
  BOOST_TEST(claim() == (Ids{"d"}));
}

BOOST_FIXTURE_TEST_CASE(item_kept_as_done_is_never_claimed, ClaimFixture) {
  NewItem kept = new_item(Kind::lead, "kept");
  kept.state = State::done;
  const auto number = test::accept(*store, kept);
  BOOST_TEST(claim() == Ids{});
  BOOST_TEST(item(number).finished_at == now);
}

BOOST_FIXTURE_TEST_CASE(claim_does_not_lapse_while_its_owner_lives, ClaimFixture) {
  accept(Kind::lead, "a");
  BOOST_TEST(claim() == (Ids{"a"}));
  now += 100 * kHour;
  BOOST_TEST(claim() == Ids{});
  BOOST_TEST(!good(store->next_due(Kind::lead)));
  auto other = open();
  BOOST_TEST(good(other->claim(Kind::lead, 10)).empty());
}

BOOST_FIXTURE_TEST_CASE(claim_of_an_owner_that_is_gone_is_free_and_its_outcome_unknown,
                        ClaimFixture) {
  const auto number = accept(Kind::lead, "a");
  BOOST_TEST(!claim_only().unsure);
  reopen();
  const Item again = claim_only();
  BOOST_TEST(again.unsure);
  BOOST_TEST(again.attempts == 1);
  BOOST_TEST(story(number) == (Ids{"accepted", "lost"}));
}

BOOST_FIXTURE_TEST_CASE(claim_of_a_process_that_ended_is_free_at_once, ClaimFixture) {
  for (const bool killed : {false, true}) {
    const auto number = accept(Kind::lead, killed ? "killed" : "ended");
    claim_and_die(killed);
    const Item taken = claim_only();
    BOOST_TEST(taken.number == number);
    BOOST_TEST(taken.unsure);
    good(store->done(number, {}));
    BOOST_TEST(!item(number).unsure);
  }
}

BOOST_FIXTURE_TEST_CASE(claim_of_a_killed_child_that_nobody_waited_for_is_free, ClaimFixture) {
  accept(Kind::lead, "a");
  close();
  Forked child([&] {
    auto mine = Store::open(
        dir.path(), "", [this] { return now; }, shared);
    if (mine && !(*mine)->claim(Kind::lead, 1)->empty()) ::raise(SIGKILL);
    return false;
  });
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT);  // a zombie now
  store = open();
  BOOST_TEST(claim_only().unsure);
}

BOOST_FIXTURE_TEST_CASE(claim_of_a_living_process_holds, ClaimFixture) {
  accept(Kind::lead, "a");
  close();
  int pipe_fds[2];
  BOOST_REQUIRE_EQUAL(::pipe(pipe_fds), 0);
  const Forked child([&] {
    auto mine = Store::open(
        dir.path(), "", [this] { return now; }, shared);
    if (!mine || (*mine)->claim(Kind::lead, 1)->empty()) return false;
    if (::write(pipe_fds[1], "x", 1) != 1) return false;
    ::pause();
    return true;
  });
  char byte = 0;
  BOOST_REQUIRE_EQUAL(::read(pipe_fds[0], &byte, 1), 1);
  store = open();
  BOOST_TEST(claim() == Ids{});
  BOOST_TEST(!good(store->next_due(Kind::lead)));
  ::kill(child.pid(), SIGKILL);
  BOOST_TEST(wait_until([&] { return !claim().empty(); }));
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
}

BOOST_AUTO_TEST_CASE(claimant_lives_as_long_as_its_lock) {
  const TempDir dir;
  std::string id;
  {
    const Claimant claimant = good(make_claimant(dir.path()));
    id = claimant.id;
    BOOST_TEST(is_alive(dir.path(), id));
    sweep_claims(dir.path());
    BOOST_TEST(is_alive(dir.path(), id));
  }
  BOOST_TEST(!is_alive(dir.path(), id));
  BOOST_TEST(!is_alive(dir.path(), "nobody"));
}

BOOST_AUTO_TEST_CASE(files_of_dead_claimants_are_swept) {
  const TempDir dir;
  const Claimant alive = good(make_claimant(dir.path()));
  write_file(dir / "claims" / "dead", "");
  sweep_claims(dir.path());
  BOOST_TEST(!std::filesystem::exists(dir / "claims" / "dead"));
  BOOST_TEST(std::filesystem::exists(dir / "claims" / alive.id));
}

BOOST_FIXTURE_TEST_CASE(processes_never_claim_the_same_item, ClaimFixture,
                        *shows("T33") * shows("A26")) {
  constexpr int kItems = 200;
  for (int i = 0; i < kItems; ++i) accept(Kind::lead, std::to_string(i));
  close();
  int pipe_fds[2];
  BOOST_REQUIRE_EQUAL(::pipe(pipe_fds), 0);
  std::vector<Forked> children;
  for (int i = 0; i < 4; ++i) {
    children.emplace_back([&] {
      auto mine = unless_busy([&] {
        return Store::open(
            dir.path(), "", [this] { return now; }, shared);
      });
      if (!mine) return false;
      for (;;) {
        const auto items = unless_busy([&] { return (*mine)->claim(Kind::lead, 3); });
        if (!items) return false;
        if (items->empty()) return true;
        for (const Item& item : *items) {
          const auto number = item.number;
          if (::write(pipe_fds[1], &number, sizeof number) != sizeof number) return false;
          if (!unless_busy([&] { return (*mine)->done(number, {}); })) return false;
        }
      }
    });
  }
  ::close(pipe_fds[1]);
  std::multiset<std::int64_t> claimed;
  for (std::int64_t number; ::read(pipe_fds[0], &number, sizeof number) == sizeof number;)
    claimed.insert(number);
  ::close(pipe_fds[0]);
  for (Forked& child : children) BOOST_TEST(child.join());
  BOOST_TEST(claimed.size() == static_cast<std::size_t>(kItems));
  BOOST_TEST(std::set<std::int64_t>(claimed.begin(), claimed.end()).size() == claimed.size());
  store = open();
  BOOST_TEST(good(store->stats(Kind::lead)).done == kItems);
}

BOOST_FIXTURE_TEST_CASE(items_of_one_object_are_worked_on_in_order, ClaimFixture) {
  const auto a1 = accept(Kind::lead, "a1", "A");
  accept(Kind::lead, "a2", "A");
  const auto b1 = accept(Kind::lead, "b1", "B");
  accept(Kind::lead, "b2", "B");
  accept(Kind::lead, "free1");
  accept(Kind::lead, "free2");
  BOOST_TEST(claim() == (Ids{"a1", "b1", "free1", "free2"}));
  BOOST_TEST(claim() == Ids{});
  good(store->retry(a1, now + 5'000, {}, false));  // a2 must wait for it all the same
  good(store->done(b1, {}));
  BOOST_TEST(claim() == (Ids{"b2"}));
  BOOST_TEST(good(store->next_due(Kind::lead)).value() == 5'000);
  now += 5'000;
  BOOST_TEST(claim() == (Ids{"a1"}));
  good(store->fail(a1, {}));  // failed for good: the next one may go
  BOOST_TEST(claim() == (Ids{"a2"}));
}

BOOST_FIXTURE_TEST_CASE(what_goes_to_a_closed_destination_is_left, ClaimFixture) {
  Millis closed = 5'000;
  const Store::Held held = [&](const std::string& to) { return to == "dead" ? closed : 0; };
  const auto claim_open = [&] { return ids(good(store->claim(Kind::lead, 10, held))); };
  for (const char* id : {"a", "b", "c"}) {
    NewItem item = new_item(Kind::lead, id);
    item.destination = *id == 'c' ? "" : "dead";
    good(store->accept({item}));
  }
  BOOST_TEST(good(store->next_due(Kind::lead, held)).value() == 0);
  BOOST_TEST(claim_open() == (Ids{"c"}));
  BOOST_TEST(good(store->next_due(Kind::lead, held)).value() == 5'000);
  Outcome outcome;  // it was found out where it goes
  outcome.destination = "dead";
  const auto c = good(store->find(Kind::lead, "c")).value().number;
  good(store->retry(c, now, outcome, false));
  BOOST_TEST(claim_open() == Ids{});
  closed = 0;
  BOOST_TEST(claim_open() == (Ids{"a", "b", "c"}));
  good(store->retry(c, now, {}, false));
  closed = 5'000;
  BOOST_TEST(claim_open() == (Ids{"c"}));
}

BOOST_FIXTURE_TEST_CASE(retry_keeps_what_was_learnt, ClaimFixture) {
  const auto number = accept(Kind::lead, "a");
  claim_only();
  Outcome outcome;
  outcome.took = 12;
  outcome.code = "timeout";
  outcome.text = "no answer";
  outcome.progress = Value::map({{"contact", 7}});
  good(store->retry(number, now + 1'000, outcome, true));
  now += 1'000;
  Item item = claim_only();
  BOOST_TEST(item.unsure);
  BOOST_TEST(item.attempts == 1);
  BOOST_TEST(item.error_code == "timeout");
  BOOST_TEST(item.error_text == "no answer");
  BOOST_TEST((item.progress == outcome.progress));
  good(store->retry(number, now, {}, false));  // it was looked up: certainly not there
  item = claim_only();
  BOOST_TEST(!item.unsure);
  BOOST_TEST(item.attempts == 2);
  BOOST_TEST((item.progress == outcome.progress));
  const auto history = good(store->history(number));
  BOOST_REQUIRE_EQUAL(history.size(), 3u);
  BOOST_TEST(history[1].outcome == "retry");
  BOOST_TEST(history[1].code == "timeout");
  BOOST_TEST(history[1].text == "no answer");
  BOOST_TEST(history[1].took == 12);
  BOOST_TEST(history[1].at == now - 1'000);
}

BOOST_FIXTURE_TEST_CASE(what_was_not_even_tried_is_not_counted, ClaimFixture) {
  const auto number = accept(Kind::lead, "a");
  claim_only();
  Outcome outcome;
  outcome.code = "gate";
  good(store->retry(number, now + 1'000, outcome, false, false));
  BOOST_TEST(item(number).attempts == 0);
  BOOST_TEST(item(number).error_code == "");
  BOOST_TEST(item(number).due_at == now + 1'000);
  BOOST_TEST(story(number) == (Ids{"accepted"}));
}

BOOST_FIXTURE_TEST_CASE(done_item_has_its_result_and_is_left_alone, ClaimFixture) {
  const auto number = accept(Kind::lead, "a");
  claim_only();
  Outcome outcome;
  outcome.result = "17";
  now += 40;
  good(store->done(number, outcome));
  outcome.result = "18";  // a second, late answer
  good(store->done(number, outcome));
  good(store->retry(number, now, {}, true));
  good(store->fail(number, {}));
  const Item found = item(number);
  BOOST_TEST((found.state == State::done));
  BOOST_TEST(found.result == "17");
  BOOST_TEST(found.finished_at == now);
  BOOST_TEST(code_of(store->retry_now(number)) == "no_such_item");
  BOOST_TEST(claim() == Ids{});
  BOOST_TEST(!good(store->next_due(Kind::lead)));
}

BOOST_FIXTURE_TEST_CASE(an_outcome_that_could_not_be_written_is_by_the_next_claim, ClaimFixture,
                        *of_sqlite()) {
  const auto number = accept(Kind::lead, "a");
  claim_only();
  {
    RawSql holder(dir / "store.db");
    holder.run("BEGIN EXCLUSIVE");
    BOOST_TEST(code_of(store->retry(number, now, {}, true)) == "busy");
    BOOST_TEST(!store->claim(Kind::lead, 1));
  }
  const Item again = claim_only();
  BOOST_TEST(again.unsure);
  BOOST_TEST(story(number) == (Ids{"accepted", "retry"}));
}

BOOST_FIXTURE_TEST_CASE(failed_item_is_kept_and_retried_by_hand_only, ClaimFixture) {
  const auto number = accept(Kind::lead, "a");
  claim_only();
  Outcome outcome;
  outcome.code = "ACCESS_DENIED";
  good(store->fail(number, outcome));
  now += 100 * kHour;
  BOOST_TEST(claim() == Ids{});
  BOOST_TEST((item(number).state == State::failed));
  BOOST_TEST(item(number).error_code == "ACCESS_DENIED");
  good(store->retry_now(number));
  BOOST_TEST(item(number).finished_at == 0);
  BOOST_TEST(claim() == (Ids{"a"}));
  good(store->done(number, {}));
  BOOST_TEST(story(number) == (Ids{"accepted", "failed", "retried by hand", "done"}));
  BOOST_TEST(item(number).error_code == "");
}

BOOST_FIXTURE_TEST_CASE(waiting_item_is_due_at_once_by_hand, ClaimFixture) {
  const auto number = accept(Kind::lead, "a");
  good(store->retry(number, now + 50'000, {}, false));
  good(store->retry_now(number));
  BOOST_TEST(claim() == (Ids{"a"}));
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}, number + 1}) {
    BOOST_TEST(code_of(store->retry_now(wrong)) == "no_such_item");
    BOOST_TEST(code_of(store->done(wrong, {})) == "no_such_item");
    BOOST_TEST(code_of(store->retry(wrong, now, {}, false)) == "no_such_item");
    BOOST_TEST(code_of(store->fail(wrong, {})) == "no_such_item");
  }
}

BOOST_FIXTURE_TEST_CASE(what_is_being_worked_on_is_not_replayed, ClaimFixture) {
  const auto number = accept(Kind::lead, "a");
  claim_only();
  BOOST_TEST(code_of(store->replay(number)) == "in_work");
  good(store->done(number, {}));
  good(store->replay(number));
  BOOST_TEST(claim() == (Ids{"a"}));
}

BOOST_FIXTURE_TEST_CASE(another_clock_leaves_nothing_stuck, ClaimFixture, *shows("A27")) {
  const auto number = accept(Kind::lead, "a");
  good(store->retry(number, now + 900'000, {}, false));
  now -= 24 * kHour;
  BOOST_TEST(good(store->next_due(Kind::lead)).value() == 0);
  BOOST_TEST(claim() == (Ids{"a"}));
}

// The times of the rows are not the system clock's, so whoever sets that changes nothing.
BOOST_AUTO_TEST_CASE(due_times_are_counted_by_a_clock_that_nobody_sets,
                     *shows("A27") * of_sqlite()) {
  const TempDir dir;
  auto store = good(Store::open(dir.path()));
  const auto number = test::accept(*store, new_item(Kind::lead, "a"));
  good(store->retry(number, now_ms() + 60'000, {}, false));
  const Millis due = good(store->next_due(Kind::lead)).value();
  BOOST_TEST((due > 50'000 && due <= 60'000));
  // As after a reboot: the base is another life's.
  good(store->remember("due.base", "another-boot 5"));
  store = good(Store::open(dir.path()));
  BOOST_TEST(good(store->next_due(Kind::lead)).value() == 0);
}

BOOST_FIXTURE_TEST_CASE(nothing_waits_longer_than_an_hour, ClaimFixture) {
  const auto number = accept(Kind::lead, "a");
  good(store->retry(number, now + 1'000 * kHour, {}, false));
  now += kHour;
  BOOST_TEST(claim() == (Ids{"a"}));
}

BOOST_AUTO_TEST_SUITE_END()
