// hook_log_tests: every event once in hook.log, whatever happens in between.
#include "handler/hook_log.h"

#include <sys/mount.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "store_fixture.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace {

struct HookFixture : StoreFixture {
  HookLogOptions options{.title = "incoming", .rotation = {.max_size = 0, .keep_files = 100}};
  std::vector<std::string> expected;  // the entries in order

  void add_event(const std::string& id) {
    NewItem item = new_item(Kind::event, id);
    item.state = State::done;
    item.received_at = now += 1'000;
    good(store->accept(item));
    expected.push_back(hook_log_entry(now, "incoming", item.payload));
  }
  Status catch_up() { return HookLog(dir.path(), options).catch_up(*store); }
  std::string log() { return read_file(dir / "hook.log"); }
  std::string all(std::size_t from = 0) {
    std::string text;
    for (std::size_t i = from; i < expected.size(); ++i) text += expected[i];
    return text;
  }
  // hook.log and the rotated files before it, oldest first.
  std::string all_files() {
    std::string text = log();
    for (int i = 1; fs::exists(dir / ("hook.log." + std::to_string(i))); ++i)
      text = read_file(dir / ("hook.log." + std::to_string(i))) + text;
    return text;
  }
  void append(const char* name, std::string_view text) {
    std::ofstream(dir / name, std::ios::app) << text;
  }
  void replace_in_pos(const std::string& what, const std::string& by) {
    std::string text = read_file(dir / "hook.log.pos");
    const std::size_t at = text.find(what);
    BOOST_REQUIRE(at != std::string::npos);
    write_file(dir / "hook.log.pos", text.replace(at, what.size(), by));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(hook_log_tests)

BOOST_AUTO_TEST_CASE(entry_is_the_examples) {
  const std::string entry =
      hook_log_entry(1'700'000'000'000, "title", Value::map({{"event", "ONX"}}));
  const std::string rule(24, '-');
  BOOST_TEST(entry == "\n" + rule + "\n" + php_date(1'700'000'000'000) +
                          "\ntitle\nArray\n(\n    [event] => ONX\n)\n\n" + rule + "\n");
}

BOOST_FIXTURE_TEST_CASE(events_alone_are_written_once_in_order, HookFixture) {
  add_event("1");
  accept(Kind::lead, "lead");
  add_event("2");
  good(catch_up());
  BOOST_TEST(log() == all());
  good(catch_up());
  BOOST_TEST(log() == all());
  for (int i = 0; i < 230; ++i) add_event("more" + std::to_string(i));  // several reads
  good(catch_up());
  BOOST_TEST(log() == all());
}

BOOST_FIXTURE_TEST_CASE(log_of_the_example_is_kept_and_continued, HookFixture) {
  append("hook.log", "what the example wrote\n");
  add_event("1");
  good(catch_up());
  good(catch_up());
  BOOST_TEST(log() == "what the example wrote\n" + all());
}

BOOST_FIXTURE_TEST_CASE(tail_of_a_killed_process_is_written_once_at_every_length, HookFixture) {
  add_event("1");
  good(catch_up());
  add_event("2");
  const std::string tail = expected.back();
  for (std::size_t length = 0; length <= tail.size(); ++length) {
    const std::string pos = read_file(dir / "hook.log.pos");
    append("hook.log", tail.substr(0, length));
    good(catch_up());
    BOOST_REQUIRE_EQUAL(log(), all());
    write_file(dir / "hook.log.pos", pos);  // as if killed before it was updated
    fs::resize_file(dir / "hook.log", expected.front().size());
  }
}

BOOST_FIXTURE_TEST_CASE(rotation_tears_and_loses_nothing, HookFixture) {
  add_event("first");
  options.rotation.max_size = expected.front().size() * 7 / 2;  // three entries
  for (int i = 0; i < 40; ++i) {
    add_event(std::to_string(i));
    if (i % 5 == 0) good(catch_up());
  }
  good(catch_up());
  BOOST_TEST(all_files() == all());
  BOOST_TEST(fs::exists(dir / "hook.log.8"));
  for (int i = 1; i < 8; ++i) {
    const std::string file = read_file(dir / ("hook.log." + std::to_string(i)));
    BOOST_TEST(file.size() <= options.rotation.max_size);
    BOOST_TEST(file.starts_with("\n----"));
    BOOST_TEST(file.ends_with("----\n"));
  }
}

BOOST_FIXTURE_TEST_CASE(kill_between_rotation_and_position_loses_nothing, HookFixture) {
  add_event("1");
  good(catch_up());
  fs::rename(dir / "hook.log", dir / "hook.log.1");  // as rotate() leaves it
  add_event("2");
  good(catch_up());
  BOOST_TEST(read_file(dir / "hook.log.1") == expected[0]);
  BOOST_TEST(log() == expected[1]);
}

BOOST_FIXTURE_TEST_CASE(logrotate_may_rename_even_after_a_kill, HookFixture) {
  add_event("1");
  good(catch_up());
  add_event("2");
  append("hook.log", expected[1].substr(0, 30));  // killed while writing
  fs::rename(dir / "hook.log", dir / "hook.log-20260101");
  good(catch_up());
  BOOST_TEST(read_file(dir / "hook.log-20260101") == expected[0]);
  BOOST_TEST(log() == expected[1]);
}

BOOST_FIXTURE_TEST_CASE(logrotate_may_empty_the_file, HookFixture) {
  add_event("1");
  good(catch_up());
  fs::resize_file(dir / "hook.log", 0);
  add_event("2");
  good(catch_up());
  BOOST_TEST(log() == expected[1]);
}

BOOST_FIXTURE_TEST_CASE(deleted_log_is_begun_anew, HookFixture) {
  add_event("1");
  good(catch_up());
  fs::remove(dir / "hook.log");
  add_event("2");
  good(catch_up());
  BOOST_TEST(log() == expected[1]);
}

BOOST_FIXTURE_TEST_CASE(after_a_power_cut_the_unsynced_part_is_written_again, HookFixture) {
  add_event("1");
  good(catch_up());  // the first pass ends with nothing synced but the beginning
  add_event("2");
  good(catch_up());
  std::string boot = read_file("/proc/sys/kernel/random/boot_id");
  boot.pop_back();
  replace_in_pos(boot, std::string(boot.size(), '0'));
  // What the cut may leave of the end: zeros, and what was never ours.
  const std::string half = log().substr(0, log().size() / 2);
  std::ofstream(dir / "hook.log", std::ios::trunc) << half << std::string(500, '\0') << "garbage";
  good(catch_up());
  BOOST_TEST(log() == all());
  good(catch_up());
  BOOST_TEST(log() == all());
}

BOOST_FIXTURE_TEST_CASE(new_store_is_logged_from_its_beginning, HookFixture) {
  for (const char* id : {"1", "2", "3"}) add_event(id);
  good(catch_up());
  close();
  for (const char* name : {"store.db", "store.db-wal", "store.db-shm"}) fs::remove(dir / name);
  store = open();
  add_event("1 of the new store");
  good(catch_up());
  BOOST_TEST(log() == all());
}

BOOST_FIXTURE_TEST_CASE(store_put_back_from_a_backup_is_logged_on, HookFixture) {
  add_event("1");
  good(catch_up());
  close();
  fs::copy_file(dir / "store.db", dir / "backup");
  store = open();
  for (const char* id : {"2", "3", "4, as the ones before not in the backup"}) add_event(id);
  good(catch_up());
  close();
  fs::copy_file(dir / "backup", dir / "store.db", fs::copy_options::overwrite_existing);
  store = open();
  add_event("2 again");
  good(catch_up());
  BOOST_TEST(log() == all());
}

BOOST_FIXTURE_TEST_CASE(a_day_begins_a_new_file_when_it_is_daily, HookFixture) {
  constexpr Millis kDay = 24 * 3'600'000;
  append("hook.log", "what the example wrote\n");
  options.daily = true;
  const auto add_at = [&](Millis at) {
    now = at - 1'000;
    add_event(std::to_string(at));
  };
  // Local midnights, whatever the time zone of this machine.
  Millis midnight = now;
  while (!php_date(midnight).ends_with(" 0:00:00")) midnight += 1'000;
  for (const Millis at : {midnight - 2'000, midnight - 1'000}) add_at(at);
  good(catch_up());
  BOOST_TEST(log() == "what the example wrote\n" + all());
  for (const Millis at : {midnight, midnight + 1'000, midnight + 3 * kDay}) add_at(at);
  add_at(midnight + 2 * kDay);  // taken in late: a day that is over begins nothing
  good(catch_up());
  BOOST_TEST(log() == expected[4] + expected[5]);
  BOOST_TEST(read_file(dir / "hook.log.1") == expected[2] + expected[3]);
  BOOST_TEST(read_file(dir / "hook.log.2") ==
             "what the example wrote\n" + expected[0] + expected[1]);
  BOOST_TEST(!fs::exists(dir / "hook.log.3"));
  options.daily = false;
  add_at(midnight + 9 * kDay);
  good(catch_up());
  BOOST_TEST(log() == all(4));
}

BOOST_FIXTURE_TEST_CASE(erased_events_are_not_missed, HookFixture) {
  add_event("1");
  add_event("2");
  good(catch_up());
  now += 10'000;
  BOOST_TEST(good(store->erase_done(now)) == 2);
  add_event("3");
  good(catch_up());
  BOOST_TEST(log() == all());
}

BOOST_FIXTURE_TEST_CASE(threads_share_passes_and_each_finds_its_event_written, HookFixture) {
  HookLog shared(dir.path(), options);
  std::atomic<int> missing{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&, i] {
        for (int n = 0; n < 10; ++n) {
          NewItem item = new_item(Kind::event, std::to_string(i) + "-" + std::to_string(n) + "!");
          item.state = State::done;
          const bool written = store->accept(item) && shared.catch_up(*store);
          if (!written || log().find("payload of " + item.id) == std::string::npos) ++missing;
        }
      });
    }
  }
  BOOST_TEST(missing == 0);
  for (const Item& item : good(store->list(
           {.kind = Kind::event, .state = {}, .name = "", .limit = 1'000, .newest_first = false})))
    expected.push_back(hook_log_entry(item.received_at, "incoming", item.payload));
  BOOST_TEST(expected.size() == 160u);
  BOOST_TEST(log() == all());
}

BOOST_FIXTURE_TEST_CASE(processes_write_each_event_once_even_when_killed, HookFixture) {
  close();
  options.rotation.max_size = 3'000;
  for (int round = 0; round < 8; ++round) {
    std::vector<Forked> children;
    for (int i = 0; i < 3; ++i) {
      children.emplace_back([&, i] {
        auto mine = Store::open(dir.path());
        HookLog hook_log(dir.path(), options);
        for (int n = 0; mine; ++n) {
          NewItem item = new_item(Kind::event, std::to_string(round) + "-" + std::to_string(i) +
                                                   "-" + std::to_string(n));
          item.state = State::done;
          if (!(*mine)->accept(item) || !hook_log.catch_up(**mine)) return false;
        }
        return false;
      });
    }
    const auto written = [&] { return std::atoll(read_file(dir / "hook.log.pos").c_str()); };
    const auto before = written();
    BOOST_TEST(wait_until([&] { return written() > before + 9; }));
    children.clear();  // kills them, wherever they are
  }
  store = open();
  good(catch_up());
  for (const Item& item : good(store->list({.kind = Kind::event,
                          .state = {},
                          .name = "",
                          .limit = 100'000,
                          .newest_first = false})))
    expected.push_back(hook_log_entry(item.received_at, "incoming", item.payload));
  BOOST_TEST(expected.size() > 20u);
  BOOST_TEST((all_files() == all()));
}

BOOST_FIXTURE_TEST_CASE(full_disk_is_an_error_and_catches_up_later, HookFixture) {
  TempDir small;
  if (::geteuid() != 0 ||
      ::mount("tmpfs", small.path().c_str(), "tmpfs", 0, "size=64k,mode=700") != 0) {
    BOOST_TEST_MESSAGE("skipped: needs the right to mount a small file system");
    return;
  }
  HookLog hook_log(small.path(), options);
  add_event("1");
  good(hook_log.catch_up(*store));
  Status last;
  for (int i = 0; i < 2'000 && last; ++i) {
    add_event(std::string(500, 'x') + std::to_string(i));
    last = hook_log.catch_up(*store);
  }
  BOOST_TEST(code_of(last) != "no error");
  const std::string written = read_file(hook_log.file());
  BOOST_TEST(all().starts_with(written));
  BOOST_TEST(written.ends_with("----\n"));
  ::mount("tmpfs", small.path().c_str(), "tmpfs", MS_REMOUNT, "size=8m,mode=700");
  good(hook_log.catch_up(*store));
  BOOST_TEST((read_file(hook_log.file()) == all()));
  ::umount(small.path().c_str());
}

BOOST_AUTO_TEST_SUITE_END()
