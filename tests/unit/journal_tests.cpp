// journal_tests: what was accepted is read back, past whatever has become of the bytes.
#include "keep/journal.h"

#include <sys/mount.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "base/secret.h"
#include "decorators.h"
#include "store_fixture.h"
#include "sync_spy.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace journal_tests {

struct JournalFixture {
  TempDir dir;
  Journal journal{dir / "data", "", Kind::event};

  static Record record(const std::string& id, std::string body = "a=1") {
    Record record;
    record.id = id;
    record.key = "key of " + id;
    record.at = 1'800'000'000'123;
    record.query = std::string("x=\0y", 4);
    record.content_type = "application/x-www-form-urlencoded; charset=windows-1251";
    record.body = std::move(body);
    record.address = "2001:db8::1";
    return record;
  }
  Status append(Journal& to, const std::vector<std::string>& ids) {
    std::vector<std::string> encoded;
    for (const std::string& id : ids) encoded.push_back(encode(record(id)));
    return to.append(encoded);
  }
  void append(const std::vector<std::string>& ids) { good(append(journal, ids)); }

  struct All {
    std::vector<std::string> ids;
    std::vector<JournalDamage> damage;
    JournalPosition end;
  };
  All all(std::size_t max_bytes = 1 << 20, JournalPosition from = {}) const {
    All all{{}, {}, from};
    for (;;) {
      JournalRead read = good(journal.read(all.end, max_bytes));
      for (const Record& record : read.records) all.ids.push_back(record.id);
      std::ranges::move(read.damage, std::back_inserter(all.damage));
      if (read.end == all.end) return all;
      all.end = read.end;
    }
  }
  // What came of four threads: while the sync of the first is under way, which may fail, the others
  // write.
  std::vector<Status> appended_during_a_sync(std::optional<int> fault) {
    std::vector<Status> appended(4);
    std::vector<std::jthread> threads;
    const auto start = [&](std::size_t i) {
      threads.emplace_back([&, i] { appended[i] = append(journal, {"by " + std::to_string(i)}); });
    };
    std::optional<HeldSyncs> held(std::in_place);
    const long before = sync_count();
    start(0);
    BOOST_REQUIRE(wait_until([&] { return sync_count() > before; }));
    const auto size = fs::file_size(segment(1));
    for (std::size_t i = 1; i < appended.size(); ++i) start(i);
    const auto grown = [&] {
      return (fs::file_size(segment(1)) - size) / encode(record("by 1")).size();
    };
    BOOST_REQUIRE(wait_until([&] { return grown() >= appended.size() - 1; }));
    std::optional<FailingSyncs> failing;
    if (fault) failing.emplace(*fault);
    held.reset();
    threads.clear();
    return appended;
  }
  fs::path segment(int number) const {
    return dir / "data/journal" / ("event-0000000" + std::to_string(number) + ".journal");
  }
};

using Ids = std::vector<std::string>;

}  // namespace journal_tests

BOOST_FIXTURE_TEST_SUITE(journal_tests, JournalFixture)

BOOST_AUTO_TEST_CASE(a_record_comes_back_as_it_was) {
  const Record sent = record("one", std::string("\0\xff b24r \r\n", 10));
  const std::string encoded = encode(sent);
  good(journal.append({&encoded, 1}));
  const JournalRead read = good(journal.read({}, 1));
  BOOST_REQUIRE_EQUAL(read.records.size(), 1u);
  const Record& back = read.records[0];
  BOOST_TEST(back.id == sent.id);
  BOOST_TEST(back.key == sent.key);
  BOOST_TEST(back.at == sent.at);
  BOOST_TEST(back.query == sent.query);
  BOOST_TEST(back.content_type == sent.content_type);
  BOOST_TEST(back.body == sent.body);
  BOOST_TEST(back.address == sent.address);
  BOOST_TEST((back.end == read.end));
  BOOST_TEST((JournalPosition::parse(read.end.text()).value() == read.end));
  for (const char* wrong : {"", "1", "1:2", "1:2:", "x:1:2", "1:2:3:4"})
    BOOST_TEST(!JournalPosition::parse(wrong), wrong);
}

BOOST_AUTO_TEST_CASE(nobody_else_may_read_it) {
  append({"a"});
  for (const auto& entry : fs::directory_iterator(dir / "data/journal"))
    BOOST_TEST(
        (fs::status(entry).permissions() == (fs::perms::owner_read | fs::perms::owner_write)));
  BOOST_TEST((fs::status(dir / "data/journal").permissions() == fs::perms::owner_all));
}

BOOST_AUTO_TEST_CASE(a_round_is_one_write_and_one_sync) {
  append({"first"});
  const long before = sync_count();
  append({"a", "b", "c", "d"});
  BOOST_TEST(sync_count() == before + 1);
  BOOST_TEST(all().ids == (Ids{"first", "a", "b", "c", "d"}));
}

// A process at rest looks around, and leaves the disk alone.
BOOST_AUTO_TEST_CASE(what_another_wrote_is_synced_once_by_who_reads_it) {
  append({"a"});
  const Journal other{dir / "data", "", Kind::event};
  const long before = sync_count();
  const JournalPosition end = good(other.read({}, 1 << 20)).end;
  BOOST_TEST(sync_count() == before + 1);
  good(other.read(end, 1 << 20));
  BOOST_TEST(sync_count() == before + 1);
  append({"b"});
  BOOST_TEST(good(other.read(end, 1 << 20)).records.size() == 1u);
  BOOST_TEST(sync_count() == before + 3);
}

BOOST_AUTO_TEST_CASE(it_is_read_on_from_any_position_in_pieces_of_any_size) {
  Ids wanted;
  for (int i = 0; i < 50; ++i) wanted.push_back(std::to_string(i));
  append(wanted);
  BOOST_TEST(all(1).ids == wanted);
  BOOST_TEST(all(500).ids == wanted);
  const JournalRead first = good(journal.read({}, 500));
  BOOST_TEST(first.more);
  BOOST_TEST(first.records.size() > 1u);
  BOOST_TEST(first.records.size() < 50u);
  BOOST_TEST(all(1 << 20, first.end).ids.size() == 50 - first.records.size());
}

BOOST_AUTO_TEST_CASE(an_empty_or_missing_journal_has_nothing) {
  BOOST_TEST(all().ids == Ids{});
  BOOST_TEST(good(journal.segments()).empty());
  good(journal.forget({}, 0));
}

BOOST_AUTO_TEST_CASE(a_torn_end_is_passed_over_at_every_length_and_nothing_is_cut) {
  append({"a", "b"});
  const std::string whole = read_file(segment(1));
  append({"c"});
  const std::string more = read_file(segment(1));
  for (std::size_t length = whole.size() + 1; length < more.size(); ++length) {
    fs::remove_all(dir / "data/journal");
    fs::create_directory(dir / "data/journal");
    write_file(segment(1), more.substr(0, length));
    BOOST_TEST(all().ids == (Ids{"a", "b"}));  // it may be being written
    BOOST_TEST(all().damage.empty());
    Journal next(dir / "data", "", Kind::event);
    good(append(next, {"d"}));
    BOOST_TEST(read_file(segment(1)).size() == length);
    const All after = all();
    BOOST_TEST(after.ids == (Ids{"a", "b", "d"}));
    BOOST_REQUIRE_EQUAL(after.damage.size(), 1u);
    BOOST_TEST(after.damage[0].why == "torn end");
    BOOST_TEST(after.damage[0].offset == whole.size());
    BOOST_TEST(after.damage[0].size == length - whole.size());
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_costs_the_record_that_it_hits_and_is_told, *shows("A28")) {
  append({"a", "b", "c"});
  const std::string whole = read_file(segment(1));
  for (std::size_t at = 24; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    write_file(segment(1), flipped);
    write_file(segment(2),
               whole.substr(0, 24));  // so that the last one is not taken for unfinished
    const All left = all();
    BOOST_TEST(left.ids.size() == 2u, "byte " << at);
    BOOST_TEST(left.damage.size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(what_a_visitor_sends_is_never_taken_for_a_record) {
  Journal other(dir / "other", "", Kind::event);
  good(append(other, {"forged"}));
  const std::string forged = read_file(dir / "other/journal/event-00000001.journal").substr(24);
  const std::string encoded = encode(record("carrier", forged));
  good(journal.append({&encoded, 1}));
  append({"after"});
  std::string damaged = read_file(segment(1));
  damaged[24] = 'x';  // the carrier's mark is gone: what is in it is searched
  write_file(segment(1), damaged);
  BOOST_TEST(all().ids == (Ids{"after"}));
}

BOOST_AUTO_TEST_CASE(a_missing_or_unreadable_segment_costs_what_is_in_it) {
  append({"a"});
  const JournalPosition after_a = all().end;
  std::ofstream(segment(1), std::ios::app) << "x";
  append({"b"});
  std::ofstream(segment(2), std::ios::app) << "x";
  append({"c"});
  BOOST_TEST(all().ids == (Ids{"a", "b", "c"}));
  write_file(segment(2), "rubbish");
  BOOST_TEST(all().ids == (Ids{"a", "c"}));
  BOOST_TEST(all().damage.size() == 2u);
  fs::remove(segment(2));
  BOOST_TEST(all().ids == (Ids{"a", "c"}));
  BOOST_REQUIRE_EQUAL(all().damage.size(), 2u);  // and the torn end of the first
  BOOST_TEST(all().damage[1].why == "the one before it is missing");
  BOOST_TEST(all(1 << 20, after_a).ids == (Ids{"c"}));
  fs::remove(segment(1));
  BOOST_TEST(all(1 << 20, after_a).ids == (Ids{"c"}));
}

BOOST_AUTO_TEST_CASE(a_journal_that_was_deleted_under_us_is_begun_anew_and_read) {
  append({"a", "b"});
  const JournalPosition before = all().end;
  fs::remove_all(dir / "data/journal");
  append({"c"});
  BOOST_TEST(all(1 << 20, before).ids == (Ids{"c"}));
  fs::remove(segment(1));
  append({"d"});  // no number is used twice
  BOOST_TEST(fs::exists(segment(2)));
  BOOST_TEST(all(1 << 20, before).ids == (Ids{"d"}));
}

BOOST_AUTO_TEST_CASE(a_segment_that_the_lock_file_does_not_know_is_not_overwritten) {
  append({"a"});
  const std::string lock = read_file(dir / "data/journal/event.lock");
  std::ofstream(segment(1), std::ios::app) << "x";
  append({"b"});
  write_file(dir / "data/journal/event.lock", lock);  // as a power cut may leave it
  Journal again(dir / "data", "", Kind::event);
  good(append(again, {"c"}));
  BOOST_TEST(all().ids == (Ids{"a", "b", "c"}));
}

BOOST_AUTO_TEST_CASE(what_the_disk_cannot_read_costs_what_it_hits, *shows("A28")) {
  const std::string large = encode(record("b", std::string(300'000, 'x')));
  append({"a"});
  good(journal.append({&large, 1}));
  append({"c"});
  std::ofstream(segment(1), std::ios::app) << "x";
  append({"d"});
  const std::optional<FailingReads> failing(std::in_place, 150'000, EIO);
  const All left = all();
  BOOST_TEST(left.ids == (Ids{"a", "c", "d"}), boost::test_tools::per_element());
  BOOST_TEST(left.damage.size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_fails_in_this_process_is_not_taken_for_damage) {
  append({"a", "b"});
  std::ofstream(segment(1), std::ios::app) << "x";
  append({"c"});
  {
    const FailingReads failing(30, ENOMEM);
    BOOST_TEST(!journal.read({}, 1 << 20));
  }
  BOOST_TEST(all().ids == (Ids{"a", "b", "c"}));
}

BOOST_AUTO_TEST_CASE(a_directory_that_was_exchanged_under_us_is_the_one_that_counts) {
  append({"a"});
  fs::copy(dir / "data", dir / "backup", fs::copy_options::recursive);
  append({"b"});
  fs::rename(dir / "data", dir / "old");
  fs::rename(dir / "backup", dir / "data");
  const long before = sync_count();
  append({"c"});
  BOOST_TEST(sync_count() == before + 1);
  BOOST_TEST(all().ids == (Ids{"a", "c"}));
}

BOOST_AUTO_TEST_CASE(what_is_read_and_old_is_forgotten_and_the_numbers_go_on) {
  append({"a"});
  std::ofstream(segment(1), std::ios::app) << "x";
  append({"b"});
  const JournalPosition end = all().end;
  good(journal.forget(end, 0));  // nothing is that old
  BOOST_TEST(good(journal.segments()).size() == 2u);
  good(journal.forget({}, now_ms() + 1'000));  // nothing was read
  BOOST_TEST(good(journal.segments()).size() == 2u);
  good(journal.forget(end, now_ms() + 1'000));
  BOOST_TEST(good(journal.segments()).empty());
  append({"c"});
  BOOST_TEST(fs::exists(segment(3)));
  BOOST_TEST(all(1 << 20, end).ids == (Ids{"c"}));
}

BOOST_AUTO_TEST_CASE(a_segment_is_begun_when_one_is_full) {
  const std::string encoded = encode(record("x", std::string(1 << 20, 'x')));
  for (int i = 0; i < 18; ++i) good(journal.append({&encoded, 1}));
  BOOST_TEST(good(journal.segments()).size() == 2u);
  BOOST_TEST(all().ids.size() == 18u);
}

BOOST_AUTO_TEST_CASE(what_could_not_be_read_back_is_not_taken) {
  const std::string encoded = encode(record("x", std::string(64 << 20, 'x')));
  BOOST_TEST(code_of(journal.append({&encoded, 1})) == "record_too_large");
  append({"a"});
  BOOST_TEST(all().ids == (Ids{"a"}));
}

BOOST_AUTO_TEST_CASE(a_failed_sync_is_an_error_and_the_next_call_begins_a_segment) {
  append({"a"});
  {
    const FailingSyncs failing(EIO);
    BOOST_TEST(!append(journal, {"lost"}));
  }
  append({"b"});
  BOOST_TEST(good(journal.segments()).size() == 2u);
  const Ids ids = all().ids;
  BOOST_TEST(ids.front() == "a");
  BOOST_TEST(ids.back() == "b");
}

BOOST_AUTO_TEST_CASE(one_sync_is_for_all_that_was_written_before_it_began) {
  append({"first"});
  const long before = sync_count();
  for (const Status& appended : appended_during_a_sync({})) good(appended);
  BOOST_TEST(sync_count() == before + 2);  // the one that was under way, and one more
  BOOST_TEST(all().ids.size() == 5);
}

BOOST_AUTO_TEST_CASE(of_a_failed_sync_all_are_told_who_had_written_before_it_ended) {
  append({"first"});
  const long before = sync_count();
  for (const Status& appended : appended_during_a_sync(EIO)) BOOST_TEST(!appended);
  BOOST_TEST(sync_count() == before + 1);  // another might say that all is well
  append({"last"});
  BOOST_TEST(sync_count() == before + 4);  // lock file, directory, what is in the new segment
  BOOST_TEST(fs::exists(segment(2)));
}

BOOST_AUTO_TEST_CASE(behind_a_large_record_that_is_damaged_the_next_one_is_found) {
  append({"a"});
  const std::string large = encode(record("b", std::string(600'000, 'x')));
  good(journal.append({&large, 1}));
  append({"c"});
  std::string bytes = read_file(segment(1));
  bytes[bytes.size() / 2] = 'y';
  write_file(segment(1), bytes);
  const All left = all();
  BOOST_TEST(left.ids == (std::vector<std::string>{"a", "c"}), boost::test_tools::per_element());
  BOOST_TEST(left.damage.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_journal_that_was_begun_anew_is_read_from_its_beginning) {
  append({"a", "b"});
  BOOST_TEST(all(1 << 20, {7, 1, 100}).ids.size() == 2u);
  BOOST_TEST(all(1 << 20, all().end).ids.empty());
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error_until_there_is_room, *shows("T32") * shows("F10")) {
  const TempDir small;
  if (::geteuid() != 0 ||
      ::mount("tmpfs", small.path().c_str(), "tmpfs", 0, "size=256k,mode=700") != 0) {
    BOOST_TEST_MESSAGE("skipped: needs the right to mount a small file system");
    return;
  }
  {
    Journal full(small / "data", "", Kind::event);
    const std::string encoded = encode(record("x", std::string(10'000, 'x')));
    std::size_t kept = 0;
    Status last;
    for (int i = 0; i < 100 && last; ++i) {
      last = full.append({&encoded, 1});
      kept += last ? 1 : 0;
    }
    BOOST_TEST(!last);
    BOOST_TEST(last.error().remedy.contains("free space"));
    for (int i = 0; i < 50; ++i) BOOST_TEST(!full.append({&encoded, 1}));
    BOOST_TEST(good(full.segments()).size() < 3u);  // a full disk is not filled with empty ones
    ::mount("tmpfs", small.path().c_str(), "tmpfs", MS_REMOUNT, "size=8m,mode=700");
    good(full.append({&encoded, 1}));
    std::size_t read = 0;
    for (JournalPosition at;;) {
      const JournalRead some = good(full.read(at, 1 << 20));
      read += some.records.size();
      if (some.end == at) break;
      at = some.end;
    }
    BOOST_TEST(read == kept + 1);
  }
  ::umount(small.path().c_str());
}

BOOST_AUTO_TEST_CASE(threads_and_processes_append_side_by_side, *shows("T33") * shows("A26")) {
  std::vector<Forked> children;
  for (int process = 0; process < 3; ++process) {
    children.emplace_back([&, process] {
      Journal mine(dir / "data", "", Kind::event);
      std::atomic<bool> well = true;
      {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 3; ++thread) {
          threads.emplace_back([&, thread] {
            for (int i = 0; i < 60; ++i) {
              const std::string id =
                  std::to_string(process * 10 + thread) + "-" + std::to_string(i);
              if (!append(mine, {id, id + "!"})) well = false;
            }
          });
        }
      }
      return well.load();
    });
  }
  for (Forked& child : children) BOOST_TEST(child.join());
  const All found = all();
  BOOST_TEST(found.damage.empty());
  BOOST_TEST(found.ids.size() == 3u * 3 * 60 * 2);
  BOOST_TEST((std::set<std::string>(found.ids.begin(), found.ids.end()).size()) ==
             found.ids.size());
}

BOOST_AUTO_TEST_CASE(data_of_0_1_0_is_refused_and_left_alone) {
  fs::create_directory(dir / "data");
  fs::permissions(dir / "data", fs::perms::owner_all);
  write_file(dir / "data/store.db", "SQLite format 3");
  const Status refused = append(journal, {"a"});
  BOOST_TEST(code_of(refused) == "data_dir_version");
  BOOST_TEST(!fs::exists(dir / "data/journal"));
}

BOOST_AUTO_TEST_CASE(what_is_deleted_is_gone_and_all_else_stays) {
  append({"one", "two", "three"});
  append({"two"});  // the same thing once more
  const auto file = segment(1);
  const auto size = fs::file_size(file);
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
  const auto written = last_write(file);
  good(journal.erase("key of two"));
  BOOST_TEST(fs::file_size(file) == size);
  BOOST_TEST(last_write(file) == written);
  BOOST_TEST(!read_file(file).contains("key of two"));
  const All left = all(1);
  BOOST_TEST(left.ids == (Ids{"one", "three"}), boost::test_tools::per_element());
  BOOST_TEST(left.damage.empty());
  // Whoever has the segment open goes on in it, as does a process that begins now.
  append({"four"});
  Journal another{dir / "data", "", Kind::event};
  good(append(another, {"five"}));
  BOOST_TEST(all().ids == (Ids{"one", "three", "four", "five"}), boost::test_tools::per_element());
  BOOST_TEST(all().damage.empty());
  BOOST_TEST(!fs::exists(segment(2)));
  good(journal.erase("nobody"));
  BOOST_TEST(all().ids.size() == 4u);
}

// The owner's last wish: the end of the segment is what is deleted.
BOOST_AUTO_TEST_CASE(the_last_record_can_be_deleted) {
  append({"one", "two"});
  good(journal.erase("key of two"));
  Journal another{dir / "data", "", Kind::event};
  good(append(another, {"three"}));
  BOOST_TEST(all().ids == (Ids{"one", "three"}), boost::test_tools::per_element());
  BOOST_TEST(!fs::exists(segment(2)));
}

BOOST_AUTO_TEST_SUITE_END()
