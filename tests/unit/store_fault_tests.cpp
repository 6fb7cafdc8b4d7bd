// store_fault_tests: whichever call of SQLite fails in an operation of the store, the operation
// says so, and all is as it was before.
#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "event_fixture.h"
#include "keep/store.h"
#include "raw_sql.h"
#include "sql_spy.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace store_fault_tests {

// All that is in the file.
std::string everything(const std::filesystem::path& dir) {
  RawSql file(dir / "store.db");
  std::vector<std::string> tables;
  file.for_each("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
                [&](sqlite3_stmt* row) {
                  tables.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(row, 0)));
                });
  std::string all;
  for (const std::string& table : tables) {
    all += table + "\n";
    file.for_each("SELECT * FROM " + table, [&](sqlite3_stmt* row) {
      for (int column = 0; column < sqlite3_column_count(row); ++column) {
        const auto* text = sqlite3_column_text(row, column);
        all += text == nullptr ? "|" : "|" + std::string(reinterpret_cast<const char*>(text));
      }
      all += "\n";
    });
  }
  return all;
}

// A store with something in every state.
struct FullStore : StoreFixture {
  std::int64_t old = accept(Kind::lead, "old");
  std::int64_t failed = accept(Kind::lead, "failed");
  std::int64_t spam = accept(Kind::lead, "spam");
  std::int64_t taken = accept(Kind::event, "taken", "deal 1");
  std::int64_t next = accept(Kind::event, "next", "deal 1");
  std::int64_t open = 0;

  FullStore() {
    good(store->claim(Kind::lead, 1));
    good(store->done(old, {.result = "7"}));
    good(store->claim(Kind::lead, 1));
    good(store->fail(failed, {.code = "bad", .text = "it was refused"}));
    good(store->set_aside(spam));
    good(store->claim(Kind::event, 1));
    now += 40 * kDay;
    NewItem lead = new_item(Kind::lead, "open");
    lead.destination = "portal";
    open = test::accept(*store, lead);
    good(store->count("spam.honeypot"));
    good(store->use("192.0.2.1", kMinute));
    good(store->remember("fact", "value"));
    good(store->remember("seen one", std::to_string(now - 30 * kDay) + " x"));
  }
};

template <class T>
Status status_of(const Result<T>& result) {
  return result ? Status() : std::unexpected(result.error());
}

struct Operation {
  const char* name;
  std::function<Status(FullStore&)> run;
  bool at_once = true;  // false: in several transactions, each of which is done or not
};

const std::vector<Operation> kWriting = {
    {"accept",
     [](FullStore& full) {
       NewItem item = new_item(Kind::lead, "new");
       item.payload =
           Value::map({{"params", Value::map({{"fields", Value::map({{"NAME", "Anna Lund"}})}})}});
       return full.store->accept({item, new_item(Kind::lead, "open")}, {{"fact", "new"}});
     }},
    {"claim", [](FullStore& full) { return status_of(full.store->claim(Kind::lead, 9)); }},
    {"claim, but for what is held",
     [](FullStore& full) {
       const auto held = [](const std::string& where) { return where == "x" ? kMinute : 0; };
       return status_of(full.store->claim(Kind::lead, 9, held));
     }},
    {"done",
     [](FullStore& full) {
       return full.store->done(full.taken, {.result = "1", .facts = {{"fact", "done"}}});
     }},
    {"retry",
     [](FullStore& full) {
       const Outcome outcome{.code = "network", .progress = Value::map({{"step", 1}})};
       return full.store->retry(full.taken, full.now + kMinute, outcome, true);
     }},
    {"fail",
     [](FullStore& full) {
       return full.store->fail(full.taken, {.code = "bad", .facts = {{"fact", "failed"}}});
     }},
    {"hand on",
     [](FullStore& full) {
       return status_of(full.store->hand_on(full.taken, full.next, "turn", Value("a"), Value("b")));
     }},
    {"retry now", [](FullStore& full) { return full.store->retry_now(full.failed); }},
    {"retry all",
     [](FullStore& full) { return status_of(full.store->retry_all(Kind::lead, "", 0)); }, false},
    {"replay", [](FullStore& full) { return full.store->replay(full.old); }},
    {"replay all",
     [](FullStore& full) { return status_of(full.store->replay_all(Kind::lead, "", 0)); }},
    {"erase what is done",
     [](FullStore& full) { return status_of(full.store->erase_done(full.now - kDay)); }},
    {"set aside", [](FullStore& full) { return full.store->set_aside(full.failed); }},
    {"count", [](FullStore& full) { return full.store->count("spam.honeypot", 2); }},
    {"use", [](FullStore& full) { return status_of(full.store->use("192.0.2.1", kMinute)); }},
    {"remember", [](FullStore& full) { return full.store->remember("fact", "other"); }},
};

const std::vector<Operation> kReading = {
    {"behind",
     [](FullStore& full) {
       Item item;
       item.number = full.taken;
       item.kind = Kind::event;
       item.object = "deal 1";
       return status_of(full.store->behind(item, "TEST", 9));
     }},
    {"stats", [](FullStore& full) { return status_of(full.store->stats(Kind::lead)); }},
    {"next due", [](FullStore& full) { return status_of(full.store->next_due(Kind::lead)); }},
    {"next due, but for what is held",
     [](FullStore& full) {
       const auto held = [](const std::string&) { return kMinute; };
       return status_of(full.store->next_due(Kind::lead, held));
     }},
    {"find", [](FullStore& full) { return status_of(full.store->find(Kind::lead, "open")); }},
    {"find by number", [](FullStore& full) { return status_of(full.store->find(full.open)); }},
    {"find by beginning",
     [](FullStore& full) { return status_of(full.store->find_by_beginning(Kind::lead, "op")); }},
    {"list",
     [](FullStore& full) {
       ListFilter filter = list_of(Kind::lead);
       filter.words = {"anna"};
       return status_of(full.store->list(filter));
     }},
    {"history", [](FullStore& full) { return status_of(full.store->history(full.failed)); }},
    {"counts", [](FullStore& full) { return status_of(full.store->counts(0)); }},
    {"hours", [](FullStore& full) { return status_of(full.store->hours(Kind::lead, 0)); }},
    {"received", [](FullStore& full) { return status_of(full.store->received(Kind::lead, 0)); }},
    {"newest events",
     [](FullStore& full) { return status_of(full.store->newest_events("TEST", 0)); }},
    {"last number", [](FullStore& full) { return status_of(full.store->last_number()); }},
    {"recall", [](FullStore& full) { return status_of(full.store->recall("fact")); }},
};

// How many calls failed until none was left that could.
int fail_each_call(const Operation& operation, FullStore& full) {
  const std::string before = everything(full.dir.path());
  for (int number = 1;; ++number) {
    BOOST_TEST_CONTEXT(operation.name << ", call " << number) {
      BOOST_REQUIRE(number < 200);
      const FailingSql fault(number);
      const Status done = operation.run(full);
      if (!fault.has_failed()) {
        good(done);
        return number - 1;
      }
      BOOST_TEST(code_of(done) == "io_error");
      if (operation.at_once) BOOST_TEST(everything(full.dir.path()) == before);
    }
  }
}

}  // namespace store_fault_tests

BOOST_AUTO_TEST_SUITE(store_fault_tests)

BOOST_AUTO_TEST_CASE(what_fails_in_the_middle_changes_nothing_and_works_the_next_time) {
  for (const Operation& operation : kWriting) {
    FullStore full;
    const std::string before = everything(full.dir.path());
    BOOST_TEST_CONTEXT(operation.name) {
      BOOST_TEST(fail_each_call(operation, full) >= 3);  // BEGIN, something, COMMIT
      BOOST_TEST(everything(full.dir.path()) != before);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_said_and_not_taken_for_nothing) {
  FullStore full;
  const std::string before = everything(full.dir.path());
  for (const Operation& operation : kReading) {
    BOOST_TEST_CONTEXT(operation.name) BOOST_TEST(fail_each_call(operation, full) >= 1);
  }
  BOOST_TEST(everything(full.dir.path()) == before);
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_while_it_is_opened_is_opened_the_next_time) {
  for (int number = 1, open = 0; open == 0; ++number) {
    BOOST_REQUIRE(number < 200);
    StoreFixture fixture;
    const auto one = fixture.accept(Kind::lead, "one");
    fixture.close();
    {
      const FailingSql fault(number);
      const auto opened = Store::open(fixture.dir.path());
      if (fault.has_failed() && !opened) BOOST_TEST(code_of(opened) == "io_error");
      if (!fault.has_failed()) open = 1;
    }
    fixture.store = fixture.open();
    BOOST_TEST(fixture.item(one).id == "one");
  }
}

// A page that is asked often does not open the store anew for each question.
BOOST_AUTO_TEST_CASE(a_store_that_cannot_be_opened_is_tried_again_after_a_second) {
  EventSettings settings;
  AppSource source{settings.launch(), "index"};
  StoreSource stores{source};
  const Millis begin = steady_ms();
  {
    const FailingSql fault(1);
    BOOST_TEST(code_of(stores.current()) == "io_error");
  }
  {
    const FailingSql fault(1);
    const auto again = stores.current();
    const bool asked = fault.has_failed();
    if (steady_ms() < begin + kSecond) {
      BOOST_TEST(!asked);
      BOOST_TEST(code_of(again) == "io_error");
    }
  }
  BOOST_TEST(wait_until([&] { return stores.current().has_value(); }));
}

BOOST_AUTO_TEST_SUITE_END()
