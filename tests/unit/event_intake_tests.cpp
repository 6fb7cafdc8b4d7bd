// event_intake_tests: an event is in the store, or put aside and taken in later, once; or nowhere
// and said so.
#include "handler/event_intake.h"

#include <sys/mount.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "event_fixture.h"
#include "handler/event.h"
#include "sync_spy.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace {

struct IntakeFixture {
  EventSettings settings;
  AppSource source{settings.launch(), "handler"};
  StoreSource stores{source};
  EventIntake intake{source, stores};

  // Called by threads too, where Boost's macros may not be used.
  Status take(const Value& params, Millis at = now_ms()) {
    const App app = source.current().value();
    return intake.take(app, make_event(params, at, *app.settings));
  }
  Status take(int id) { return take(event_params("ONX", std::to_string(id))); }
  std::vector<Item> stored() { return all_events(*good(stores.current())); }
  std::string stored_ids() {
    std::string text;
    for (const Item& item : stored()) text += item.payload.path("data.FIELDS.ID").text() + " ";
    return text;
  }
  std::string file(const char* name) { return read_file(settings.data() / name); }
  int in_log(std::string_view needle, const char* name = "hook.log") {
    const std::string text = file(name);
    int count = 0;
    for (std::size_t at = 0; (at = text.find(needle, at)) != std::string::npos; ++at) ++count;
    return count;
  }
  // A store that cannot be opened, until mend_store.
  void break_store() {
    fs::create_directories(settings.data());
    fs::permissions(settings.data(), fs::perms::owner_all);
    write_file(settings.data() / "store.db", std::string(8192, 'x'));
  }
  void mend_store() {
    for (const char* name : {"store.db", "store.db-wal", "store.db-shm"})
      fs::remove(settings.data() / name);
    BOOST_REQUIRE(wait_until([&] { return stores.current().has_value(); }));
  }
};

// A small file system as the data directory; false where that is not allowed.
bool mount_small(const fs::path& dir) {
  fs::create_directory(dir);
  return ::geteuid() == 0 && ::mount("tmpfs", dir.c_str(), "tmpfs", 0, "size=6m,mode=700") == 0;
}

// Everything that is left of a file system.
void fill_up(const fs::path& file) {
  std::ofstream stream(file, std::ios::binary);
  const std::string block(4096, 'x');
  while (stream.write(block.data(), 4096) && stream.flush()) continue;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_intake_tests, IntakeFixture)

BOOST_AUTO_TEST_CASE(an_event_is_in_the_store_and_in_both_logs) {
  good(take(1));
  good(take(2));
  BOOST_TEST(stored_ids() == "1 2 ");
  BOOST_TEST(in_log("[ID] => 1\n") == 1);
  BOOST_TEST(in_log("[ID] => 2\n") == 1);
  BOOST_TEST(in_log("\n", "hook.jsonl") == 2);
  BOOST_TEST(in_log("incoming") == 2);
  BOOST_TEST(!fs::exists(settings.data() / "spill.events"));
}

BOOST_AUTO_TEST_CASE(an_event_is_synced_before_it_is_taken) {
  good(take(1));
  for (int id = 2; id < 20; ++id) {
    const long before = sync_count();
    good(take(id));
    BOOST_TEST(sync_count() > before);
  }
}

BOOST_AUTO_TEST_CASE(what_the_store_cannot_take_is_put_aside_and_taken_in_once) {
  break_store();
  for (int id = 1; id <= 3; ++id) good(take(id));
  BOOST_TEST(file("hook.log") == "");
  intake.catch_up();  // the store is still broken
  BOOST_TEST(Spill(settings.data()).holds_any());
  mend_store();
  good(take(4));
  intake.catch_up();
  intake.catch_up();
  BOOST_TEST(stored_ids() == "4 1 2 3 ");
  BOOST_TEST(!Spill(settings.data()).holds_any());
  for (int id = 1; id <= 4; ++id)
    BOOST_TEST(in_log("[ID] => " + std::to_string(id) + "\n") == 1, id);
  BOOST_TEST(settings.log().contains("event_spilt"));
}

BOOST_AUTO_TEST_CASE(what_was_put_aside_is_taken_in_once_though_a_process_is_killed_after_it) {
  break_store();
  good(take(1));
  const std::string spilt = file("spill.events");
  mend_store();
  intake.catch_up();
  write_file(settings.data() / "spill.events", spilt);  // as if it had not come to emptying it
  EventIntake(source, stores).catch_up();
  BOOST_TEST(stored_ids() == "1 ");
  BOOST_TEST(in_log("[ID] => 1\n") == 1);
}

BOOST_AUTO_TEST_CASE(an_event_that_can_be_kept_nowhere_is_an_error_and_nowhere) {
  good(take(1));
  {
    const FailingSyncs failing(EIO);
    BOOST_TEST(!take(2));
  }
  intake.catch_up();
  good(take(3));
  BOOST_TEST(stored_ids() == "1 3 ");
  BOOST_TEST(in_log("[ID] => 2\n") == 0);
  BOOST_TEST(settings.log().contains("event_lost"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_has_room_for_events_until_the_reserve_is_used_up) {
  if (!mount_small(settings.data())) {
    BOOST_TEST_MESSAGE("skipped: needs the right to mount a small file system");
    return;
  }
  intake.catch_up();
  good(take(0));
  fill_up(settings.data() / "junk");
  const std::string long_text(20'000, 'x');
  int taken = 0;
  Status last;
  for (int id = 1; id < 1000; ++id) {
    Value params = event_params("ONX", std::to_string(id));
    params.set("text", long_text);
    last = take(params);
    if (!last) break;
    ++taken;
  }
  BOOST_TEST(taken > 100);
  BOOST_TEST(!last);
  fs::remove(settings.data() / "junk");
  ::mount("tmpfs", settings.data().c_str(), "tmpfs", MS_REMOUNT, "size=64m,mode=700");
  BOOST_TEST(wait_until([&] {
    intake.catch_up();
    return stored().size() == static_cast<std::size_t>(taken) + 1;
  }));
  for (int id = 0; id <= taken; ++id)
    BOOST_TEST(in_log("[ID] => " + std::to_string(id) + "\n") == 1, id);
  BOOST_TEST(in_log("[ID] => " + std::to_string(taken + 1) + "\n") == 0);
  ::umount2(settings.data().c_str(), MNT_DETACH);
}

BOOST_AUTO_TEST_CASE(byte_equal_repeats_within_the_window_are_one_and_counted) {
  constexpr Millis kWindow = 10 * 60'000;
  const Millis now = now_ms();
  const Value params = event_params();
  good(take(params, now));
  good(take(params, now + 1));
  good(take(params, now + kWindow - 1));
  BOOST_REQUIRE(stored().size() == 1u);
  BOOST_TEST(stored()[0].repeats == 2);
  BOOST_TEST(in_log("[event]") == 1);
  good(take(params, now + kWindow));
  BOOST_TEST(stored().size() == 2u);
}

BOOST_AUTO_TEST_CASE(events_that_differ_or_have_no_time_of_sending_are_each_kept) {
  const Value params = event_params();
  const auto changed = [&](const char* name, const char* value) {
    Value other = params;
    other.set(name, value);
    return other;
  };
  Value without_time = Value::array();
  for (const Value::Member& member : params.members())
    if (member.key != Key("ts")) without_time.set(member.key, member.value);
  for (const Value& given :
       {params, changed("ts", "1700000001"), changed("event_handler_id", "4"),
        changed("event", "ONCRMDEALADD"), changed("data", "x"), without_time, without_time})
    good(take(given));
  BOOST_TEST(stored().size() == 7u);
}

BOOST_AUTO_TEST_CASE(the_json_log_is_one_object_a_line_whatever_is_in_the_values) {
  Value params = event_params();
  const std::string forged =
      "x\n}\n{\"number\":9,\"event\":\"FORGED\"}\r\n\xe2\x80\xa8\n    [ID] => 9";
  params.set("text", forged);
  params.set(Key(forged), "name");
  params.set("bytes", std::string("\0\xff\x1b", 3));
  good(take(params));
  good(take(2));
  std::ifstream lines(settings.data() / "hook.jsonl");
  std::vector<Value> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(good(json::parse(line)));
  BOOST_REQUIRE(objects.size() == 2u);
  BOOST_TEST(objects[0].path("data.text").text() == forged);
  BOOST_TEST(objects[0].path("event").text() == "ONCRMDEALUPDATE");
  BOOST_TEST(objects[1].path("data.data.FIELDS.ID").text() == "2");
}

BOOST_AUTO_TEST_CASE(without_the_json_log_there_is_only_the_text) {
  settings.set("[handler]\njson_log = no\ntitle = from the portal\n");
  BOOST_REQUIRE(wait_until([&] { return !good(source.current()).settings->handler.json_log; }));
  good(take(1));
  BOOST_TEST(!fs::exists(settings.data() / "hook.jsonl"));
  BOOST_TEST(in_log("\nfrom the portal\nArray") == 1);
}

BOOST_AUTO_TEST_CASE(a_log_that_cannot_be_written_holds_up_nothing_and_catches_up) {
  fs::create_directories(settings.data() / "hook.log");  // a directory in its place
  fs::permissions(settings.data(), fs::perms::owner_all);
  good(take(1));
  fs::remove(settings.data() / "hook.log");
  intake.catch_up();
  BOOST_TEST(in_log("[ID] => 1\n") == 1);
  BOOST_TEST(in_log("\n", "hook.jsonl") == 1);
}

// The portal gives an application its tokens by these.
BOOST_AUTO_TEST_CASE(tokens_are_masked_wherever_they_are_kept) {
  for (const char* name : {"ONAPPINSTALL", "ONAPPTEST"}) {
    Value params = event_params(name);
    Value auth = params["auth"];
    auth.set("access_token", "canary-access");
    auth.set("refresh_token", "canary-refresh");
    params.set("auth", auth);
    params.set("data", Value::map({{"VERSION", "1"}, {"QUERY", "a=1"}}));
    good(take(params));
  }
  BOOST_TEST(stored().size() == 2u);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(settings.data())) {
    const std::string text = read_file(entry.path());
    BOOST_TEST(!text.contains("canary"), entry.path());
    BOOST_TEST(!text.contains(kToken), entry.path());
  }
  BOOST_TEST(in_log("[event] => ONAPPINSTALL\n") == 1);
  BOOST_TEST(in_log("[QUERY] => a=1\n") == 2);
}

BOOST_AUTO_TEST_CASE(threads_lose_and_double_nothing) {
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) static_cast<void>(take(thread * kEach + i));
      });
    }
  }
  BOOST_TEST(stored().size() == static_cast<std::size_t>(kThreads * kEach));
  for (int id = 0; id < kThreads * kEach; ++id)
    BOOST_TEST(in_log("[ID] => " + std::to_string(id) + "\n") == 1, id);
}

BOOST_AUTO_TEST_SUITE_END()
