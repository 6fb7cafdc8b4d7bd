// files_tests: whole entries from many processes, rotation, a full disk; one key for all who ask.
#include "base/files.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "store_fixture.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(files_tests)

BOOST_AUTO_TEST_CASE(file_is_made_for_its_owner_and_appended_to) {
  TempDir dir;
  const mode_t before = ::umask(0);
  good(append_entry(dir / "log", "one\n", {}));
  ::umask(before);
  good(append_entry(dir / "log", "two\n", {}));
  good(append_entry(dir / "log", "", {}));
  BOOST_TEST(read_file(dir / "log") == "one\ntwo\n");
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::stat((dir / "log").c_str(), &status), 0);
  BOOST_TEST((status.st_mode & 0777) == 0600u);
}

BOOST_AUTO_TEST_CASE(entry_that_would_pass_the_size_goes_into_a_new_file) {
  TempDir dir;
  const Rotation rotation{.max_size = 10, .keep_files = 2};
  for (const char* entry : {"aaaa\n", "bbbb\n", "cccc\n", "an entry longer than a file\n", "d\n"})
    good(append_entry(dir / "log", entry, rotation));
  BOOST_TEST(read_file(dir / "log") == "d\n");
  BOOST_TEST(read_file(dir / "log.1") == "an entry longer than a file\n");
  BOOST_TEST(read_file(dir / "log.2") == "cccc\n");
  BOOST_TEST(!fs::exists(dir / "log.3"));
}

BOOST_AUTO_TEST_CASE(rotation_keeps_as_many_files_as_it_is_told) {
  struct {
    int keep;
    std::size_t files;
  } const cases[] = {{-1, 1}, {0, 1}, {1, 2}, {3, 4}};
  for (const auto& [keep, files] : cases) {
    TempDir dir;
    for (int i = 0; i < 10; ++i)
      good(append_entry(dir / "log", "entry", {.max_size = 5, .keep_files = keep}));
    BOOST_TEST(std::distance(fs::directory_iterator(dir.path()), {}) ==
               static_cast<std::ptrdiff_t>(files));
  }
  TempDir dir;
  for (int i = 0; i < 10; ++i) good(append_entry(dir / "log", "entry", {.max_size = 0}));
  BOOST_TEST(read_file(dir / "log").size() == 50u);
  good(rotate(dir / "missing", 3));
}

BOOST_AUTO_TEST_CASE(renamed_file_is_made_anew) {
  TempDir dir;
  good(append_entry(dir / "log", "one\n", {}));
  fs::rename(dir / "log", dir / "log.old");
  good(append_entry(dir / "log", "two\n", {}));
  BOOST_TEST(read_file(dir / "log.old") == "one\n");
  BOOST_TEST(read_file(dir / "log") == "two\n");
}

BOOST_AUTO_TEST_CASE(entries_of_many_processes_stay_whole_through_rotations) {
  TempDir dir;
  constexpr int kEach = 200;
  std::vector<Forked> children;
  for (char name : {'a', 'b', 'c', 'd'}) {
    children.emplace_back([&, name] {
      const std::string entry = std::string(100, name) + "\n";
      for (int i = 0; i < kEach; ++i)
        if (!append_entry(dir / "log", entry, {.max_size = 5'000, .keep_files = 100})) return false;
      return true;
    });
  }
  for (Forked& child : children) BOOST_TEST(child.join());
  std::map<char, int> counts;
  for (const auto& file : fs::directory_iterator(dir.path())) {
    std::istringstream lines(read_file(file.path()));
    BOOST_TEST(fs::file_size(file.path()) <= 5'000u);
    for (std::string line; std::getline(lines, line);) {
      BOOST_TEST(line == std::string(100, line[0]));
      ++counts[line[0]];
    }
  }
  for (char name : {'a', 'b', 'c', 'd'}) BOOST_TEST(counts[name] == kEach);
}

BOOST_AUTO_TEST_CASE(full_disk_leaves_no_torn_entry) {
  TempDir dir;
  if (::geteuid() != 0 ||
      ::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=64k,mode=700") != 0) {
    BOOST_TEST_MESSAGE("skipped: needs the right to mount a small file system");
    return;
  }
  const std::string entry(3'000, 'x');
  int written = 0;
  Status last;
  while (written < 1'000 && (last = append_entry(dir / "log", entry, {}))) ++written;
  BOOST_TEST(code_of(last) != "no error");
  BOOST_TEST(!last.error().remedy.empty());
  BOOST_TEST(written > 0);
  BOOST_TEST(read_file(dir / "log").size() == static_cast<std::size_t>(written) * entry.size());
  ::umount(dir.path().c_str());
}

BOOST_AUTO_TEST_CASE(place_that_cannot_be_is_an_error) {
  TempDir dir;
  write_file(dir / "file", "");
  for (const char* place : {"missing/log", "file/log", "."})
    BOOST_TEST(!append_entry(dir / place, "x", {}), place);
}

BOOST_AUTO_TEST_CASE(one_key_for_all_who_ask_at_once) {
  const TempDir dir;
  write_file(dir / "form.key", "");  // as a power cut may leave it
  std::vector<std::string> keys(16);
  {
    std::vector<std::jthread> threads;
    for (std::string& key : keys)
      threads.emplace_back([&] { key = key_of_file(dir / "form.key").value_or(""); });
  }
  BOOST_TEST(keys[0].size() == 32U);
  for (const std::string& key : keys) BOOST_TEST(key == keys[0]);
  BOOST_TEST(read_file(dir / "form.key") == keys[0] + "\n");
  good(key_of_file(dir / "made.key"));
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::stat((dir / "made.key").c_str(), &status), 0);
  BOOST_TEST((status.st_mode & 0777U) == 0600U);
}

BOOST_AUTO_TEST_CASE(the_owner_may_write_a_key_and_what_is_none_is_refused) {
  const TempDir dir;
  std::ofstream(dir / "key") << "0123456789abcdef\r\n";
  BOOST_TEST(good(key_of_file(dir / "key")) == "0123456789abcdef");
  for (const std::size_t size : {1U, 15U, 257U}) {
    std::ofstream(dir / "key") << std::string(size, 'x');
    BOOST_TEST_CONTEXT(size) {
      BOOST_TEST(key_of_file(dir / "key").error().code == "bad_key");
    }
  }
  fs::create_symlink("/dev/zero", dir / "link");
  BOOST_TEST(!key_of_file(dir / "link"));
  BOOST_TEST(!key_of_file(dir / "missing" / "key"));
}

BOOST_AUTO_TEST_SUITE_END()
