// hook_log_tests: what an entry looks like, and into which file it goes; what a store that is
// another one than before writes is in ingest_tests.
#include "handler/hook_log.h"

#include <boost/test/unit_test.hpp>

#include "base/clock.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace hook_log_tests {

constexpr Millis kNoon = 1'800'014'400'123;

NewItem event(const char* id, Millis at = kNoon) {
  NewItem item = new_item(Kind::event, id);
  item.received_at = at;
  return item;
}

// A log of lines of JSON, each of kLine bytes.
struct Log {
  TempDir dir;
  Settings settings;
  std::string fact;

  Log() {
    settings.data.dir = dir.path();
    settings.log.keep_files = 3;
  }
  std::filesystem::path file() const { return dir.path() / "hook.jsonl"; }
  // The ids that stand in the file, one after the other.
  std::string in(const char* name) const {
    std::string ids;
    const std::string text = read_file(dir.path() / name);
    for (std::size_t at = 0; (at = text.find("{\"id\":\"", at)) != text.npos; ++at)
      ids += text.substr(at + 7, 1);
    return ids;
  }
  // Writes what goes into one file; how many that was.
  std::size_t write(const std::vector<NewItem>& items) {
    HookLog log(settings, HookFormat::json);
    if (fact.empty()) fact = log.begin();
    const auto written = good(log.write(items, fact));
    fact = written.fact;
    return written.count;
  }
};
const std::size_t kLine = hook_json_line("a", kNoon, "TEST", event("a").payload).size();

}  // namespace hook_log_tests

BOOST_AUTO_TEST_SUITE(hook_log_tests)

BOOST_AUTO_TEST_CASE(a_file_is_filled_to_its_last_byte) {
  Log log;
  log.settings.log.max_size = 2 * kLine;
  BOOST_TEST(log.write({event("a"), event("b"), event("c")}) == 2U);
  BOOST_TEST(log.write({event("c")}) == 1U);
  BOOST_TEST(log.in("hook.jsonl") == "c");
  BOOST_TEST(log.in("hook.jsonl.1") == "ab");
  BOOST_TEST(log.write({event("d")}) == 1U);
  BOOST_TEST(log.in("hook.jsonl") == "cd");

  Log smaller;
  smaller.settings.log.max_size = 2 * kLine - 1;
  BOOST_TEST(smaller.write({event("a"), event("b")}) == 1U);
  BOOST_TEST(smaller.write({event("b")}) == 1U);
  BOOST_TEST(smaller.in("hook.jsonl") == "b");
}

// Of another machine, which had it in its journal over midnight.
BOOST_AUTO_TEST_CASE(what_is_of_the_day_before_begins_no_day_anew) {
  Log log;
  log.settings.log.daily = true;
  for (const auto& [id, at] :
       {std::pair("a", kNoon), std::pair("b", kNoon - kDay), std::pair("c", kNoon)})
    BOOST_TEST(log.write({event(id, at)}) == 1U);
  BOOST_TEST(log.in("hook.jsonl") == "abc");
  BOOST_TEST(log.write({event("d", kNoon + kDay)}) == 1U);
  BOOST_TEST(log.in("hook.jsonl") == "d");
}

BOOST_AUTO_TEST_CASE(what_fits_into_no_file_has_one_for_itself) {
  Log log;
  log.settings.log.max_size = 1;
  BOOST_TEST(log.write({event("a"), event("b")}) == 1U);
  BOOST_TEST(!std::filesystem::exists(log.dir.path() / "hook.jsonl.1"));
  BOOST_TEST(log.write({event("b")}) == 1U);
  BOOST_TEST(log.in("hook.jsonl") == "b");
  BOOST_TEST(log.in("hook.jsonl.1") == "a");
}

BOOST_AUTO_TEST_CASE(a_daily_log_has_the_events_of_one_day) {
  Log log;
  log.settings.log.daily = true;
  BOOST_TEST(log.write({event("a"), event("b"), event("c", kNoon + kDay)}) == 2U);
  BOOST_TEST(log.write({event("c", kNoon + kDay)}) == 1U);
  BOOST_TEST(log.write({event("d", kNoon + kDay)}) == 1U);
  BOOST_TEST(log.in("hook.jsonl") == "cd");
  BOOST_TEST(log.in("hook.jsonl.1") == "ab");
  // One that came late stands where it was written, and begins nothing anew.
  BOOST_TEST(log.write({event("e", kNoon)}) == 1U);
  BOOST_TEST(log.in("hook.jsonl") == "cde");

  Log other;  // not daily
  BOOST_TEST(other.write({event("a"), event("b", kNoon + kDay)}) == 2U);
  BOOST_TEST(other.write({event("c", kNoon + 2 * kDay)}) == 1U);
  BOOST_TEST(other.in("hook.jsonl") == "abc");
}

BOOST_AUTO_TEST_CASE(the_file_says_when_its_last_event_came) {
  Log log;
  log.write({event("a", kNoon + 7), event("b")});
  BOOST_TEST(HookLog(log.settings, HookFormat::json).last_write() == kNoon + 7);
}

BOOST_AUTO_TEST_CASE(what_stands_there_already_is_not_written_twice) {
  Log log;
  log.write({event("a")});
  const std::string before = log.fact;
  log.write({event("b"), event("c")});
  log.fact = before;  // the process was killed before the store knew
  log.write({event("b"), event("c"), event("d")});
  BOOST_TEST(log.in("hook.jsonl") == "abcd");

  log.fact = before;  // and somebody moved the file just then
  std::filesystem::rename(log.file(), log.dir.path() / "hook.jsonl.old");
  log.write({event("b"), event("c"), event("d"), event("e")});
  BOOST_TEST(log.in("hook.jsonl") == "e");

  std::filesystem::remove(log.file());  // of a file that is gone nobody knows
  log.fact = before;
  std::filesystem::remove(log.dir.path() / "hook.jsonl.old");
  log.write({event("b")});
  BOOST_TEST(log.in("hook.jsonl") == "b");
}

BOOST_AUTO_TEST_CASE(what_others_wrote_there_is_not_taken_for_it) {
  Log log;
  log.write({event("a")});
  const std::string before = log.fact;
  log.write({event("b")});
  log.fact = before;  // as another store, that knows of no b
  log.write({event("c")});
  BOOST_TEST(log.in("hook.jsonl") == "abc");
}

BOOST_AUTO_TEST_CASE(what_was_cut_short_by_others_is_begun_anew) {
  Log log;
  log.write({event("a"), event("b")});
  write_file(log.file(), "");
  log.write({event("c")});
  BOOST_TEST(log.in("hook.jsonl") == "c");
}

BOOST_AUTO_TEST_CASE(a_directory_in_its_place_is_said) {
  Log log;
  std::filesystem::create_directory(log.file());
  HookLog hook_log(log.settings, HookFormat::json);
  const std::vector<NewItem> items = {event("a")};
  BOOST_TEST(!hook_log.write(items, hook_log.begin()));
}

BOOST_AUTO_TEST_CASE(entry_is_the_examples) {
  const std::string entry =
      hook_log_entry(1'700'000'000'000, "title", Value::map({{"event", "ONX"}}));
  const std::string rule(24, '-');
  BOOST_TEST(entry == "\n" + rule + "\n" + php_date(1'700'000'000'000) +
                          "\ntitle\nArray\n(\n    [event] => ONX\n)\n\n" + rule + "\n");
}

BOOST_AUTO_TEST_CASE(line_is_one_object) {
  BOOST_TEST(hook_json_line("id", 0, "ONX", Value::map({{"event", "ONX"}})) ==
             "{\"id\":\"id\",\"received_at\":\"1970-01-01T00:00:00.000Z\",\"event\":\"ONX\","
             "\"data\":{\"event\":\"ONX\"}}\n");
}

BOOST_AUTO_TEST_SUITE_END()
