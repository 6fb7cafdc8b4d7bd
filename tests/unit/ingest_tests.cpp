// ingest_tests: what is in the journal is in the store and in the logs, once, whatever happens in
// between.
#include "keep/ingest.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <set>
#include <thread>

#include "decorators.h"
#include "event_fixture.h"
#include "handler/event.h"
#include "raw_sql.h"
#include "sql_spy.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace ingest_tests {

struct IngestFixture {
  EventSettings settings;
  AppSource source{settings.launch(), "handler"};
  StoreSource stores{source};
  Ingester ingester{source, stores, Kind::event, event_of, event_followers};

  // Waits until the settings are in use.
  void set(const std::string& more) {
    const auto before = source.current()->settings;
    settings.set(more);
    BOOST_REQUIRE(wait_until([&] { return source.current()->settings != before; }));
  }
  Status append(const Value& params, Millis at = now_ms()) {
    const std::string encoded = encode(record_of(params, at));
    return ingester.journal(source.current().value())->append({&encoded, 1});
  }
  void append(int id) { good(append(event_params("ONX", std::to_string(id)))); }
  void take(int id) {
    append(id);
    good(ingester.run(0));
  }
  std::vector<Item> stored() { return all_events(*good(stores.current())); }
  std::string stored_ids() {
    std::string text;
    for (const Item& item : stored()) text += item.payload.path("data.FIELDS.ID").text() + " ";
    return text;
  }
  fs::path data(const char* name) { return settings.data() / name; }
  // The ids in a log, in its order.
  std::string logged(const char* name = "hook.log") {
    std::string ids;
    const std::string text = read_file(data(name));
    const std::string_view mark = std::string_view(name).ends_with("l") ? "\"ID\":\"" : "[ID] => ";
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += mark.size()) {
      ids += text.substr(at + mark.size(),
                         text.find_first_of("\n\"", at + mark.size()) - at - mark.size()) +
             " ";
    }
    return ids;
  }
  void lose_store() {
    std::destroy_at(&stores);
    std::construct_at(&stores, source);
    for (const char* name : {"store.db", "store.db-wal", "store.db-shm"}) fs::remove(data(name));
  }
  std::string backup() {
    good(good(stores.current())->remember("x", "y"));
    fs::remove(data("copy.db"));
    const Ran ran = run(
        {{"sqlite3", data("store.db").string(), "VACUUM INTO '" + data("copy.db").string() + "'"}});
    BOOST_REQUIRE_MESSAGE(ran.status == 0, ran.err);
    return data("copy.db").string();
  }
  void put_back() {
    for (const char* name : {"store.db", "store.db-wal", "store.db-shm"}) fs::remove(data(name));
    fs::copy_file(data("copy.db"), data("store.db"));
  }
};

}  // namespace ingest_tests

BOOST_FIXTURE_TEST_SUITE(ingest_tests, IngestFixture)

BOOST_AUTO_TEST_CASE(an_event_is_in_the_store_and_in_both_logs_once) {
  take(1);
  append(2);
  append(3);
  BOOST_TEST(good(ingester.run(0)) == 2);
  BOOST_TEST(good(ingester.run(0)) == 0);
  BOOST_TEST(stored_ids() == "1 2 3 ");
  BOOST_TEST(logged() == "1 2 3 ");
  BOOST_TEST(logged("hook.jsonl") == "1 2 3 ");
}

// A pass that says that it went well has everything in the store; one that failed is made good by
// the next.
BOOST_AUTO_TEST_CASE(whichever_call_of_the_store_fails_each_event_is_taken_once, *of_sqlite()) {
  take(0);
  std::string all = "0 ";
  int failures = 0;
  for (int number = 1, failed = 1; failed != 0; ++number) {
    BOOST_REQUIRE(number < 300);
    BOOST_TEST_CONTEXT("call " << number) {
      append(number);
      all += std::to_string(number) + " ";
      bool went_well = false;
      {
        const FailingSql fault(number);
        went_well = ingester.run(0).has_value();
        failed = fault.has_failed() ? 1 : 0;
      }
      failures += went_well ? 0 : 1;
      if (went_well) BOOST_TEST(stored_ids() == all);
      good(ingester.run(0));
      BOOST_TEST(stored_ids() == all);
      BOOST_TEST(logged() == all);
      BOOST_TEST(logged("hook.jsonl") == all);
    }
  }
  BOOST_TEST(failures > 5);
}

BOOST_AUTO_TEST_CASE(what_comes_before_an_event_that_cannot_be_taken_is_kept) {
  const auto all_but_2 = [](const App& app, const Record& record, bool seen) -> Result<NewItem> {
    auto item = event_of(app, record, seen);
    if (item && item->payload.path("data.FIELDS.ID").text() == "2")
      return std::unexpected(Error{ErrorKind::storage, "not_now", "", ""});
    return item;
  };
  for (const int id : {1, 2, 3}) append(id);
  {
    Ingester picky{source, stores, Kind::event, all_but_2, event_followers};
    BOOST_TEST(good(picky.run(0)) == 1);
    BOOST_TEST(code_of(picky.run(0)) == "not_now");
    BOOST_TEST(stored_ids() == "1 ");
  }
  good(ingester.run(0));
  BOOST_TEST(stored_ids() == "1 2 3 ");
  BOOST_TEST(logged() == "1 2 3 ");
}

BOOST_AUTO_TEST_CASE(those_who_wait_for_a_pass_share_the_next_one) {
  std::atomic<bool> begun = false, go = false;
  std::atomic<int> passes = 0;
  Ingester slow(
      source, stores, Kind::event,
      [&](const App& app, const Record& record, bool seen) {
        begun = true;
        go.wait(false);
        return event_of(app, record, seen);
      },
      [&](const App&) {
        ++passes;
        return std::vector<std::unique_ptr<Follower>>();
      });
  append(1);
  std::jthread first([&] { (void)slow.run(kMinute); });
  BOOST_TEST(wait_until([&] { return begun.load(); }));
  append(2);
  std::vector<std::jthread> others;
  std::array<std::atomic<pid_t>, 4> ids{};
  for (auto& id : ids) {
    others.emplace_back([&slow, &id] {
      id = ::gettid();
      (void)slow.run(kMinute);
    });
  }
  const auto is_asleep = [](pid_t id) {
    return id != 0 && read_file("/proc/self/task/" + std::to_string(id) + "/stat").contains(") S ");
  };
  BOOST_TEST(wait_until([&] { return std::ranges::all_of(ids, is_asleep); }));
  go = true;
  go.notify_all();
  others.clear();
  first.join();
  BOOST_TEST(passes == 2);
  BOOST_TEST(stored_ids() == "1 2 ");
}

BOOST_AUTO_TEST_CASE(equal_events_are_each_kept) {
  for (int i = 0; i < 3; ++i) take(7);
  BOOST_TEST(stored_ids() == "7 7 7 ");
  BOOST_TEST(logged() == "7 7 7 ");
}

BOOST_AUTO_TEST_CASE(many_events_go_in_by_several_batches) {
  std::vector<std::string> encoded;
  for (int i = 0; i < 3'000; ++i) {
    Value params = event_params("ONX", std::to_string(i));
    params.set("text", std::string(1'000, 'x'));
    encoded.push_back(encode(record_of(params, now_ms())));
  }
  good(ingester.journal(*source.current())->append(encoded));
  BOOST_TEST(good(ingester.run(0)) == 3'000);
  std::string wanted;
  for (int i = 0; i < 3'000; ++i) wanted += std::to_string(i) + " ";
  BOOST_TEST(stored_ids() == wanted);
  BOOST_TEST(logged() == wanted);
  BOOST_TEST(logged("hook.jsonl") == wanted);
}

BOOST_AUTO_TEST_CASE(while_the_store_is_locked_events_wait_and_none_is_lost,
                     *shows("T33") * of_sqlite()) {
  take(1);
  {
    RawSql holder(data("store.db"));
    holder.run("BEGIN IMMEDIATE");
    append(2);
    BOOST_TEST(code_of(ingester.run(0)) == "busy");
    append(3);
  }
  good(ingester.run(0));
  BOOST_TEST(stored_ids() == "1 2 3 ");
  BOOST_TEST(logged() == "1 2 3 ");
}

BOOST_AUTO_TEST_CASE(a_lost_store_is_filled_again_and_the_logs_stay_as_they_are, *of_sqlite()) {
  for (int id = 1; id <= 3; ++id) take(id);
  const std::string before = read_file(data("hook.log"));
  lose_store();
  good(ingester.run(0));
  BOOST_TEST(stored_ids() == "1 2 3 ");
  BOOST_TEST(read_file(data("hook.log")) == before);
  take(4);
  BOOST_TEST(stored_ids() == "1 2 3 4 ");
  BOOST_TEST(logged() == "1 2 3 4 ");
  BOOST_TEST(logged("hook.jsonl") == "1 2 3 4 ");
}

// Whatever the file system's clock says.
BOOST_AUTO_TEST_CASE(a_new_store_knows_what_the_logs_have_to_the_millisecond, *of_sqlite()) {
  for (const Millis at : {now_ms() - kMinute, now_ms() + kMinute}) {
    good(append(event_params("ONX", "1"), at));
    good(ingester.run(0));
    good(append(event_params("ONX", "2"), at + 1));
    lose_store();
    good(ingester.run(0));
  }
  BOOST_TEST(logged() == "1 2 1 2 ");
  BOOST_TEST(logged("hook.jsonl") == "1 2 1 2 ");
}

BOOST_AUTO_TEST_CASE(nothing_follows_again_from_what_a_lost_store_had, *of_sqlite()) {
  set("[on ONX]\nexec = /bin/true\n");
  take(1);
  BOOST_TEST((stored()[0].state == State::pending));
  lose_store();
  good(ingester.run(0));
  BOOST_TEST((stored()[0].state == State::done));
}

BOOST_AUTO_TEST_CASE(
    a_store_put_back_from_a_backup_gets_what_came_since_and_the_logs_no_second_time, *of_sqlite()) {
  take(1);
  backup();
  for (int id = 2; id <= 4; ++id) take(id);
  put_back();
  good(ingester.run(0));
  BOOST_TEST(stored_ids() == "1 2 3 4 ");
  BOOST_TEST(logged() == "1 2 3 4 ");
  take(5);
  BOOST_TEST(logged() == "1 2 3 4 5 ");
  BOOST_TEST(logged("hook.jsonl") == "1 2 3 4 5 ");
}

// The logs are written before the store is; a kill between the two leaves just this.
BOOST_AUTO_TEST_CASE(what_a_killed_process_wrote_into_the_logs_is_not_written_again, *of_sqlite()) {
  take(1);
  backup();
  take(2);
  const std::string log = read_file(data("hook.log"));
  const std::size_t first = log.size() / 2;
  for (std::size_t length = first; length <= log.size(); length += 7) {
    put_back();
    fs::resize_file(data("hook.log"), length);  // the same file, as the kill left it
    good(ingester.run(0));
    BOOST_TEST(read_file(data("hook.log")) == log, length);
  }
}

BOOST_AUTO_TEST_CASE(a_log_that_was_renamed_after_a_kill_goes_on_in_the_new_file, *of_sqlite()) {
  take(1);
  backup();
  take(2);
  put_back();
  fs::rename(data("hook.log"), data("hook.log-20260101"));
  good(ingester.run(0));
  BOOST_TEST(logged("hook.log-20260101") == "1 2 ");
  BOOST_TEST(logged() == "");
  take(3);
  BOOST_TEST(logged() == "3 ");
}

BOOST_AUTO_TEST_CASE(the_owner_may_rename_delete_empty_shorten_or_lengthen_a_log) {
  take(1);
  fs::rename(data("hook.log"), data("hook.log.old"));
  take(2);
  BOOST_TEST(logged() == "2 ");
  fs::remove(data("hook.log"));
  take(3);
  BOOST_TEST(logged() == "3 ");
  fs::copy_file(data("hook.log"), data("hook.log.copy"));
  fs::resize_file(data("hook.log"), 0);  // copytruncate
  take(4);
  BOOST_TEST(logged() == "4 ");
  fs::resize_file(data("hook.log"), 20);
  const std::string rest = read_file(data("hook.log"));
  take(5);
  BOOST_TEST(read_file(data("hook.log")).starts_with(rest));
  BOOST_TEST(logged() == "5 ");
  std::ofstream(data("hook.log"), std::ios::app) << "what the owner wrote\n";
  take(6);
  BOOST_TEST(logged() == "5 6 ");
  BOOST_TEST(read_file(data("hook.log")).contains("what the owner wrote\n"));
  BOOST_TEST(logged("hook.jsonl") == "1 2 3 4 5 6 ");
}

BOOST_AUTO_TEST_CASE(a_log_of_the_example_is_kept_and_continued) {
  fs::create_directories(settings.data());
  fs::permissions(settings.data(), fs::perms::owner_all);
  write_file(data("hook.log"), "what the example wrote\n");
  fs::last_write_time(data("hook.log"), fs::file_time_type::clock::now() - std::chrono::hours(1));
  take(1);
  BOOST_TEST(read_file(data("hook.log")).starts_with("what the example wrote\n"));
  BOOST_TEST(logged() == "1 ");
}

BOOST_AUTO_TEST_CASE(a_log_that_cannot_be_written_holds_up_only_itself_and_catches_up) {
  take(1);
  fs::rename(data("hook.log"), data("hook.log.old"));
  fs::create_directory(data("hook.log"));
  take(2);
  append(3);
  good(ingester.run(0));
  BOOST_TEST(stored_ids() == "1 2 3 ");
  BOOST_TEST(logged("hook.jsonl") == "1 2 3 ");
  BOOST_TEST(settings.log().contains("hook_log"));
  fs::remove(data("hook.log"));
  BOOST_REQUIRE_EQUAL(::mkfifo(data("hook.log").c_str(), 0600), 0);  // nobody reads it
  take(4);
  fs::remove(data("hook.log"));
  take(5);
  BOOST_TEST(logged() == "2 3 4 5 ");
  BOOST_TEST(logged("hook.jsonl") == "1 2 3 4 5 ");
}

BOOST_AUTO_TEST_CASE(a_log_that_is_switched_on_begins_with_what_comes) {
  set("[handler]\njson_log = no\n");
  take(1);
  BOOST_TEST(!fs::exists(data("hook.jsonl")));
  set("[handler]\njson_log = yes\n");
  take(2);
  BOOST_TEST(logged() == "1 2 ");
  BOOST_TEST(logged("hook.jsonl") == "2 ");
}

BOOST_AUTO_TEST_CASE(rotation_tears_loses_and_doubles_nothing) {
  set("[log]\nmax_size = 1K\nkeep_files = 100\n");
  std::string wanted;
  for (int id = 1; id <= 60; ++id) {
    append(id);
    if (id % 7 == 0) good(ingester.run(0));
    wanted += std::to_string(id) + " ";
  }
  good(ingester.run(0));
  std::string all = logged();
  int files = 0;
  for (int i = 1; fs::exists(data(("hook.log." + std::to_string(i)).c_str())); ++i, ++files) {
    const std::string name = "hook.log." + std::to_string(i);
    const std::string text = read_file(data(name.c_str()));
    BOOST_TEST(text.size() <= 1024u);
    BOOST_TEST(text.starts_with("\n----"));
    BOOST_TEST(text.ends_with("----\n"));
    all = logged(name.c_str()) + all;
  }
  BOOST_TEST(files > 10);
  BOOST_TEST(all == wanted);
}

BOOST_AUTO_TEST_CASE(a_day_begins_a_new_file_when_it_is_daily) {
  set("[log]\ndaily = yes\n");
  constexpr Millis kDay = 24 * 3'600'000;
  Millis midnight = now_ms() / 1'000 * 1'000 - 10 * kDay;  // local, whatever the time zone
  while (!php_date(midnight).ends_with(" 0:00:00")) midnight += 1'000;
  const auto at = [&](int id, Millis when) {
    good(append(event_params("ONX", std::to_string(id)), when));
  };
  at(1, midnight - 2'000);
  at(2, midnight - 1'000);
  at(3, midnight);
  at(4, midnight + 1'000);
  good(ingester.run(0));
  BOOST_TEST(logged() == "3 4 ");
  BOOST_TEST(logged("hook.log.1") == "1 2 ");
  at(5, midnight - 500);  // a clock that was set back begins nothing
  at(6, midnight + kDay);
  good(ingester.run(0));
  BOOST_TEST(logged() == "6 ");
  BOOST_TEST(logged("hook.log.1") == "3 4 5 ");
}

BOOST_AUTO_TEST_CASE(damage_is_told_and_what_is_behind_it_taken_in) {
  append(1);
  std::ofstream(data("journal/event-00000001.journal"), std::ios::app) << "torn";
  append(2);
  good(ingester.run(0));
  BOOST_TEST(stored_ids() == "1 2 ");
  BOOST_TEST(settings.log().contains("journal_damage"));
}

BOOST_AUTO_TEST_CASE(two_ingesters_never_work_at_once) {
  append(1);
  const FileHandle lock = good(open_private(data("journal/event.ingest.lock")));
  BOOST_REQUIRE_EQUAL(::flock(lock.get(), LOCK_EX), 0);
  BOOST_TEST(code_of(ingester.run(0)) == "busy");
  ::flock(lock.get(), LOCK_UN);
  good(ingester.run(0));
  BOOST_TEST(stored_ids() == "1 ");
}

BOOST_AUTO_TEST_CASE(an_idle_ingester_leaves_the_disk_alone, *of_sqlite()) {
  take(1);
  const auto written = [&] {
    return std::pair(fs::last_write_time(data("store.db-wal")),
                     fs::file_size(data("store.db-wal")));
  };
  const auto before = written();
  for (int i = 0; i < 3; ++i) {
    Ingester another(source, stores, Kind::event, event_of,
                     event_followers);  // tidies at its first run
    good(another.run(0));
  }
  BOOST_TEST((written() == before));
}

BOOST_AUTO_TEST_CASE(killed_processes_lose_and_double_nothing, *shows("F1") * shows("A1")) {
  for (int round = 0; round < 8; ++round) {
    std::vector<Forked> children;
    for (int i = 0; i < 3; ++i) {
      children.emplace_back([&, i] {
        AppSource app{settings.launch(), "handler"};
        StoreSource own{app};
        Ingester mine{app, own, Kind::event, event_of, event_followers};
        for (int n = 0;; ++n) {
          const std::string encoded = encode(record_of(
              event_params("ONX", std::to_string(round * 100'000 + i * 10'000 + n)), now_ms()));
          if (!mine.journal(*app.current())->append({&encoded, 1})) return false;
          if (const auto taken = mine.run(5'000); !taken && taken.error().code != "busy")
            return false;
        }
      });
    }
    const auto size = [&] {
      std::error_code fault;
      const auto bytes = fs::file_size(data("hook.log"), fault);
      return fault ? 0 : bytes;
    };
    const auto before = size();
    BOOST_TEST(wait_until([&] { return size() > before + 3'000; }));
    children.clear();  // kills them, wherever they are
  }
  good(ingester.run(5'000));
  const std::string ids = stored_ids();
  BOOST_TEST((ids == logged()));
  BOOST_TEST((ids == logged("hook.jsonl")));
  std::set<std::string> different;
  std::size_t count = 0;
  for (std::size_t at = 0, end; (end = ids.find(' ', at)) != std::string::npos;
       at = end + 1, ++count)
    different.insert(ids.substr(at, end - at));
  BOOST_TEST(different.size() == count);
  BOOST_TEST(count > 50u);
}

BOOST_AUTO_TEST_CASE(the_json_log_is_one_object_a_line_whatever_is_in_the_values) {
  Value params = event_params();
  const std::string forged =
      "x\n}\n{\"number\":9,\"event\":\"FORGED\"}\r\n\xe2\x80\xa8\n    [ID] => 9";
  params.set("text", forged);
  params.set("bytes", std::string("\0\xff\x1b", 3));
  good(append(params));
  append(2);
  good(ingester.run(0));
  std::ifstream lines(data("hook.jsonl"));
  std::vector<Value> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(good(json::parse(line)));
  BOOST_REQUIRE(objects.size() == 2u);
  BOOST_TEST(objects[0].path("data.text").text() == forged);
  BOOST_TEST(objects[0].path("event").text() == "ONCRMDEALUPDATE");
  BOOST_TEST(objects[1].path("data.data.FIELDS.ID").text() == "2");
}

// The portal gives an application its tokens by these. The journal alone keeps what came as it
// came.
BOOST_AUTO_TEST_CASE(tokens_are_masked_wherever_they_can_be_looked_at) {
  for (const char* name : {"ONAPPINSTALL", "ONAPPTEST"}) {
    Value params = event_params(name);
    Value auth = params["auth"];
    auth.set("access_token", "canary-access");
    auth.set("refresh_token", "canary-refresh");
    params.set("auth", auth);
    params.set("data", Value::map({{"VERSION", "1"}, {"QUERY", "a=1"}}));
    good(append(params));
  }
  good(ingester.run(0));
  BOOST_TEST(stored().size() == 2u);
  for (const fs::directory_entry& entry : fs::directory_iterator(settings.data())) {
    if (!entry.is_regular_file()) continue;
    const std::string text = read_file(entry.path());
    BOOST_TEST(!text.contains("canary"), entry.path());
    BOOST_TEST(!text.contains(kToken), entry.path());
  }
}

BOOST_AUTO_TEST_CASE(segments_go_when_nobody_needs_them_and_they_are_old) {
  set("[journal]\nkeep = 0s\n");
  append(1);
  std::ofstream(data("journal/event-00000001.journal"), std::ios::app) << "x";
  append(2);
  good(ingester.run(0));
  BOOST_TEST(!fs::exists(data("journal/event-00000001.journal")));
  take(3);
  BOOST_TEST(stored_ids() == "1 2 3 ");
}

BOOST_AUTO_TEST_SUITE_END()
