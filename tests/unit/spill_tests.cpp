// spill_tests: what was put aside is taken in once, whatever a killed process left in between.
#include "keep/spill.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "store_fixture.h"
#include "sync_spy.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace {

struct SpillFixture {
  TempDir dir;
  Spill spill{dir.path()};
  std::vector<NewItem> taken;

  fs::path file() const { return dir / "spill.events"; }
  void append(std::string_view bytes) { std::ofstream(file(), std::ios::app) << bytes; }
  Result<int> take_in() {
    return spill.take_in([this](const NewItem& item) -> Status {
      taken.push_back(item);
      return {};
    });
  }
  // The ids of all that is taken in now.
  std::string ids() {
    taken.clear();
    good(take_in());
    std::string text;
    for (const NewItem& item : taken) text += item.id + " ";
    return text;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spill_tests, SpillFixture)

BOOST_AUTO_TEST_CASE(items_come_back_as_they_were_and_only_once) {
  NewItem item = new_item(Kind::event, "a", "ONX:7");
  item.received_at = 1'700'000'000'123;
  item.payload = Value::map({{"text", std::string("event 5 x\n\0\xff\n", 14)}, {"n", 7}});
  BOOST_TEST(!spill.holds_any());
  good(spill.keep(item));
  item.id = "b";
  item.state = State::done;
  good(spill.keep(item));
  BOOST_TEST(spill.holds_any());
  BOOST_TEST(good(take_in()) == 2);
  BOOST_TEST(!spill.holds_any());
  BOOST_TEST(good(take_in()) == 0);
  BOOST_REQUIRE(taken.size() == 2u);
  BOOST_TEST((taken[0].kind == Kind::event));
  BOOST_TEST(taken[0].id == "a");
  BOOST_TEST(taken[0].object == "ONX:7");
  BOOST_TEST(taken[0].name == "TEST");
  BOOST_TEST(taken[0].received_at == 1'700'000'000'123);
  BOOST_TEST((taken[0].payload == item.payload));
  BOOST_TEST((taken[0].state == State::pending));
  BOOST_TEST((taken[1].state == State::done));
}

BOOST_AUTO_TEST_CASE(the_file_is_its_owners_alone) {
  good(spill.keep(new_item(Kind::event, "a")));
  struct stat about {};
  BOOST_TEST(::stat(file().c_str(), &about) == 0);
  BOOST_TEST((about.st_mode & 0777) == 0600u);
}

BOOST_AUTO_TEST_CASE(what_is_kept_is_synced_before_it_is_said_so) {
  const long before = sync_count();
  good(spill.keep(new_item(Kind::event, "a")));
  BOOST_TEST(sync_count() > before);
  {
    const FailingSyncs failing(EIO);
    BOOST_TEST(!spill.keep(new_item(Kind::event, "b")));
  }
  BOOST_TEST(ids() == "a ");
}

// The file of a process that was killed in the midst of a record: at every length, with and without
// a record of a later process behind it.
BOOST_AUTO_TEST_CASE(a_torn_record_takes_no_other_with_it) {
  good(spill.keep(new_item(Kind::event, "torn")));
  const std::string record = read_file(file());
  for (std::size_t length = 0; length < record.size(); ++length) {
    for (const bool later : {false, true}) {
      fs::resize_file(file(), 0);
      good(spill.keep(new_item(Kind::event, "first")));
      append(record.substr(0, length));
      if (later) good(spill.keep(new_item(Kind::event, "later")));
      const std::string found = ids();
      BOOST_TEST(found == (later ? "first later " : "first "), length);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_record_with_a_changed_byte_is_passed_over) {
  good(spill.keep(new_item(Kind::event, "a")));
  std::string record = read_file(file());
  good(spill.keep(new_item(Kind::event, "b")));
  const std::string rest = read_file(file()).substr(record.size());
  for (std::size_t i = 0; i + 1 < record.size(); ++i) {
    std::string changed = record;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    write_file(file(), changed + rest);
    BOOST_TEST(ids() == "b ", i);
  }
}

BOOST_AUTO_TEST_CASE(garbage_is_no_record_and_does_not_stay) {
  for (const char* garbage :
       {"x", "\n", "event ", "event \n", "event 5\n", "event 5 abc\nxyz", "event -1 0\n\n",
        "event 99999999999999999999 0\nx\n", "event 18446744073709551615 0\nx\n"}) {
    write_file(file(), garbage);
    BOOST_TEST(ids() == "", garbage);
    BOOST_TEST(!spill.holds_any(), garbage);
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_dropped_while_it_cannot_be_taken_in) {
  for (const char* id : {"a", "b", "c"}) good(spill.keep(new_item(Kind::event, id)));
  int left = 1;
  const auto taken_in = spill.take_in([&](const NewItem&) -> Status {
    if (left-- > 0) return {};
    return std::unexpected(Error{ErrorKind::storage, "full", "no room", ""});
  });
  BOOST_TEST(code_of(taken_in) == "full");
  BOOST_TEST(ids() == "a b c ");
}

BOOST_AUTO_TEST_CASE(threads_and_processes_keep_whole_records) {
  constexpr int kEach = 40;
  const auto keep_some = [&](const std::string& name) {
    bool all = true;
    for (int i = 0; i < kEach; ++i)
      all &= spill.keep(new_item(Kind::event, name + std::to_string(i))).has_value();
    return all;
  };
  {
    Forked child([&] { return keep_some("child"); });
    std::jthread thread([&] { keep_some("thread"); });
    BOOST_TEST(keep_some("here"));
    BOOST_TEST(child.join());
  }
  BOOST_TEST(good(take_in()) == 3 * kEach);
}

BOOST_AUTO_TEST_CASE(the_reserve_holds_room_without_being_content) {
  spill.reserve();
  BOOST_TEST(!spill.holds_any());
  const auto blocks = [&] {
    struct stat about {};
    BOOST_TEST(::stat(file().c_str(), &about) == 0);
    return about.st_blocks;
  };
  if (blocks() == 0) {
    BOOST_TEST_MESSAGE("skipped: this file system reserves nothing");
    return;
  }
  const auto reserved = blocks();
  spill.reserve();
  BOOST_TEST(blocks() == reserved);
  good(spill.keep(new_item(Kind::event, "a")));
  BOOST_TEST(ids() == "a ");
  spill.reserve();
  BOOST_TEST(blocks() == reserved);
}

BOOST_AUTO_TEST_CASE(place_that_cannot_be_is_an_error) {
  Spill nowhere(dir / "missing");
  nowhere.reserve();
  BOOST_TEST(!nowhere.keep(new_item(Kind::event, "a")));
  BOOST_TEST(!nowhere.holds_any());
}

BOOST_AUTO_TEST_SUITE_END()
