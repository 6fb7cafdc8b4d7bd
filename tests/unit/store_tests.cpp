// store_tests: opening a store, accepting into it, and what stays after failures.
#include "keep/store.h"

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include "decorators.h"
#include "raw_sql.h"
#include "store_fixture.h"
#include "sync_spy.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace store_tests {

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

std::vector<Item> all_items(Store& store) {
  ListFilter filter;
  filter.limit = 100'000;
  return good(store.list(filter));
}

// While it lives, the `at`th read of SQLite from now on fails.
class FailingRead {
 public:
  explicit FailingRead(int at) : vfs_(sqlite3_vfs_find("unix")) {
    left_ = at;
    for (const char* name : {"pread", "pread64"})
      if (vfs_->xGetSystemCall(vfs_, name) != nullptr) set(name, read);
  }
  ~FailingRead() {
    for (const char* name : {"pread", "pread64"}) set(name, nullptr);  // as it was
  }
  bool came() const { return left_ <= 0; }

 private:
  static ssize_t read(int fd, void* to, size_t size, off_t from) {
    if (--left_ != 0) return ::pread(fd, to, size, from);
    errno = EIO;
    return -1;
  }
  void set(const char* name, ssize_t (*call)(int, void*, size_t, off_t)) {
    vfs_->xSetSystemCall(vfs_, name, reinterpret_cast<sqlite3_syscall_ptr>(call));
  }

  sqlite3_vfs* vfs_;
  static inline int left_ = 0;
};

}  // namespace store_tests

BOOST_AUTO_TEST_SUITE(store_tests)

BOOST_AUTO_TEST_CASE(directory_and_files_are_the_owners_alone_whatever_the_umask,
                     *shows("T26") * of_sqlite()) {
  TempDir dir;
  for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
    const fs::path data = dir / std::to_string(mask) / "deep" / "data";
    const mode_t before = ::umask(mask);
    auto store = Store::open(data);
    if (store) (void)(*store)->accept({new_item(Kind::lead, "1")});
    ::umask(before);
    good(std::move(store));
    BOOST_TEST(mode_of(data) == 0700u);
    BOOST_TEST(mode_of(data.parent_path()) == 0700u);
    for (const auto& entry : fs::directory_iterator(data))
      BOOST_TEST(mode_of(entry.path()) == 0600u, entry.path());
  }
}

BOOST_AUTO_TEST_CASE(directory_that_others_can_enter_is_refused, *of_sqlite()) {
  for (const mode_t mode : {0710u, 0701u, 0755u, 0777u, 0740u}) {
    TempDir dir;
    ::chmod(dir.path().c_str(), mode);
    const auto store = Store::open(dir.path());
    BOOST_REQUIRE(!store);
    BOOST_TEST(store.error().code == "data_dir_open");
    BOOST_TEST((store.error().kind == ErrorKind::settings));
    BOOST_TEST(store.error().remedy == "chmod 700 " + fs::canonical(dir.path()).string());
    BOOST_TEST(!fs::exists(dir / "store.db"));
  }
}

BOOST_AUTO_TEST_CASE(directory_in_the_web_root_is_refused, *shows("T26") * of_sqlite()) {
  TempDir dir;
  fs::create_directories(dir / "www/site");
  fs::create_directories(dir / "www-data");
  fs::create_symlink(dir / "www", dir / "link");
  struct {
    std::string data, root;
    bool refused;
  } const cases[] = {
      {"www", "www", true},
      {"www/data", "www", true},
      {"www/site/../data", "www/site", false},
      {"www/site/../site/new/data", "www/site", true},
      {"link/data", "www", true},
      {"www/data", "link", true},
      {"www/data/", "link/", true},
      {"www-data", "www", false},
      {"data", "www", false},
  };
  for (const auto& [data, root, refused] : cases) {
    const fs::path path = dir / data;
    if (fs::exists(path)) fs::permissions(path, fs::perms::owner_all);
    const auto store = Store::open(path, (dir / root).string());
    BOOST_TEST(code_of(store) == (refused ? "data_dir_in_web_root" : "no error"),
               data << " in " << root);
    if (refused) BOOST_TEST(!store.error().remedy.empty());
  }
  BOOST_TEST(!fs::exists(dir / "www/site/new"));
}

BOOST_AUTO_TEST_CASE(store_of_another_version_is_refused_and_left_alone, *of_sqlite()) {
  StoreFixture fixture;
  fixture.close();
  RawSql(fixture.dir / "store.db").run("PRAGMA user_version = 7");
  const auto store = Store::open(fixture.dir.path());
  BOOST_REQUIRE(!store);
  BOOST_TEST(store.error().code == "store_version");
  BOOST_TEST(store.error().cause.find("version 7") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(file_that_is_no_database_is_put_aside_and_said, *of_sqlite()) {
  TempDir dir;
  good(Store::open(dir.path()));
  write_file(dir / "store.db", std::string(5000, 'x'));
  const auto damaged = Store::open(dir.path());
  BOOST_TEST(code_of(damaged) == "corrupt");
  const std::string& cause = damaged.error().cause;
  const std::size_t name = cause.find("put aside as store-");
  BOOST_REQUIRE(name != std::string::npos);
  BOOST_TEST(read_file(dir / cause.substr(name + std::strlen("put aside as "))) ==
             std::string(5000, 'x'));
  BOOST_TEST(Store::open(dir.path()).has_value());
}

BOOST_FIXTURE_TEST_CASE(damage_that_shows_later_is_put_aside_too, StoreFixture,
                        *shows("A28") * of_sqlite()) {
  for (int i = 0; i < 200; ++i) accept(Kind::lead, std::to_string(i));
  reopen();
  close();
  std::string bytes = read_file(dir / "store.db");
  std::fill(bytes.begin() + 8192, bytes.end(), 'x');
  write_file(dir / "store.db", bytes);
  Status last;
  for (int i = 0; i < 100 && last; ++i) {
    const auto opened = Store::open(dir.path());
    last = opened ? (*opened)->accept({new_item(Kind::event, std::to_string(i))})
                  : std::unexpected(opened.error());
  }
  BOOST_TEST(code_of(last) == "corrupt");
  BOOST_TEST(last.error().cause.contains("put aside as store-"));
  store = open();
  accept(Kind::lead, "in a new one");
  BOOST_TEST(all_items(*store).size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_read_error_that_passes_is_no_damage, StoreFixture, *of_sqlite()) {
  for (int i = 0; i < 50; ++i) accept(Kind::event, std::to_string(i));
  bool failed = true;
  for (int at = 1; failed; ++at) {
    close();
    {
      const FailingRead fault(at);
      if (const auto opened = Store::open(dir.path(), "", [this] { return now; })) {
        (void)(*opened)->stats(Kind::event);
        (void)(*opened)->next_due(Kind::event);
        (void)(*opened)->count("tried");
      }
      failed = fault.came();
    }
    for (const auto& entry : fs::directory_iterator(dir.path()))
      BOOST_TEST(!entry.path().filename().string().starts_with("store-"), "read " << at);
    store = open();
  }
  BOOST_TEST(all_items(*store).size() == 50u);
}

BOOST_FIXTURE_TEST_CASE(only_the_file_that_is_damaged_is_put_aside, StoreFixture, *of_sqlite()) {
  accept(Kind::lead, "in the new one");
  close();
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::stat((dir / "store.db").c_str(), &status), 0);
  BOOST_TEST(good(Store::put_aside(dir.path(), status.st_ino + 1)) == "");
  BOOST_TEST(fs::exists(dir / "store.db"));
  BOOST_TEST(good(Store::put_aside(dir.path(), status.st_ino)).starts_with("store-"));
  BOOST_TEST(!fs::exists(dir / "store.db"));
  BOOST_TEST(good(Store::put_aside(dir.path())) == "");
}

BOOST_AUTO_TEST_CASE(data_of_0_1_0_is_refused_and_left_alone, *of_sqlite()) {
  TempDir dir;
  RawSql(dir / "store.db").run("CREATE TABLE items(x); PRAGMA user_version = 1");
  fs::permissions(dir.path(), fs::perms::owner_all);
  const std::string before = read_file(dir / "store.db");
  const auto store = Store::open(dir.path());
  BOOST_TEST(code_of(store) == "data_dir_version");
  BOOST_TEST(store.error().cause.find("0.1.0") != std::string::npos);
  BOOST_TEST(read_file(dir / "store.db") == before);
  BOOST_TEST(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(data_of_a_later_release_is_refused_and_left_alone, *of_sqlite()) {
  TempDir dir;
  write_file(dir / "version", "b24hooks data 3\n");
  const auto store = Store::open(dir.path());
  BOOST_TEST(code_of(store) == "data_dir_version");
  BOOST_TEST(store.error().cause.find("data 3") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_was_accepted_is_read_back_as_it_was, StoreFixture) {
  NewItem item = new_item(Kind::event, "", "object");
  item.id = std::string("id\0\xff", on_postgres() ? 2 : 4);
  item.name = "ONCRM'DEAL";
  item.payload =
      Value::map({{"bytes", "\r\n\t"}, {"deep", Value::map({{"3", Value::list({1, 2})}})}});
  item.received_at = now - 5;
  const auto number = test::accept(*store, item);
  reopen();
  const Item found = good(store->find(Kind::event, item.id)).value();
  BOOST_TEST(found.number == number);
  BOOST_TEST((found.state == State::pending));
  BOOST_TEST(found.id == item.id);
  BOOST_TEST(found.name == item.name);
  BOOST_TEST(found.object == item.object);
  BOOST_TEST((found.payload == item.payload));
  BOOST_TEST(found.received_at == item.received_at);
  BOOST_TEST(found.attempts == 0);
  BOOST_TEST(found.progress.is_null());
  BOOST_TEST(!good(store->find(Kind::lead, item.id)));  // ids are unique within their kind only
  BOOST_TEST(!good(store->find(number + 1)));
}

BOOST_FIXTURE_TEST_CASE(same_id_again_is_once_and_tells_how_it_stands, StoreFixture) {
  const auto number = accept(Kind::lead, "a");
  Outcome outcome;
  outcome.result = "4711";
  good(store->done(number, outcome));
  BOOST_TEST(accept(Kind::lead, "a") == number);
  BOOST_TEST((item(number).state == State::done));
  BOOST_TEST(item(number).result == "4711");
  BOOST_TEST(item(number).repeats == 1);
  BOOST_TEST(accept(Kind::event, "a") != number);
  BOOST_TEST(good(store->stats(Kind::lead)).done == 1);
  BOOST_TEST(good(store->stats(Kind::lead)).today == 1);
}

BOOST_FIXTURE_TEST_CASE(spam_waits_for_a_person_until_it_is_erased, StoreFixture) {
  NewItem spam = new_item(Kind::lead, "a");
  spam.state = State::spam;
  const auto number = test::accept(*store, spam);
  spam.id = "b";
  test::accept(*store, spam);
  BOOST_TEST(good(store->claim(Kind::lead, 10)).empty());
  BOOST_TEST(good(store->stats(Kind::lead)).done == 0);
  ListFilter filter;
  filter.kind = Kind::lead;
  filter.state = State::spam;
  BOOST_TEST(good(store->list(filter)).size() == 2U);
  good(store->retry_now(number));
  BOOST_TEST(good(store->claim(Kind::lead, 10)).size() == 1U);
  now += 10;
  BOOST_TEST(good(store->erase_done(now)) == 1);
}

BOOST_FIXTURE_TEST_CASE(numbers_are_never_given_twice, StoreFixture) {
  NewItem kept = new_item(Kind::event, "a");
  kept.state = State::done;
  const auto first = test::accept(*store, kept);
  now += 10;
  BOOST_TEST(good(store->erase_done(now)) == 1);
  kept.id = "b";
  BOOST_TEST(test::accept(*store, kept) > first);
}

BOOST_FIXTURE_TEST_CASE(same_id_from_many_threads_is_once, StoreFixture) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int id = 0; id < 40; ++id)
          (void)store->accept({new_item(Kind::lead, std::to_string(id))});
      });
    }
  }
  BOOST_TEST(all_items(*store).size() == 40u);
  BOOST_TEST(good(store->find(Kind::lead, "0")).value().repeats == 7);
}

BOOST_FIXTURE_TEST_CASE(same_id_from_many_processes_is_once, StoreFixture,
                        *shows("T33") * shows("A26")) {
  close();
  std::vector<Forked> children;
  for (int i = 0; i < 4; ++i) {
    children.emplace_back([&] {
      auto mine = unless_busy([&] { return Store::open(dir.path(), "", {}, shared); });
      for (int id = 0; mine && id < 40; ++id) {
        const NewItem item = new_item(Kind::lead, std::to_string(id));
        if (!unless_busy([&] { return (*mine)->accept({item}); })) return false;
      }
      return mine.has_value();
    });
  }
  for (Forked& child : children) BOOST_TEST(child.join());
  reopen();
  BOOST_TEST(all_items(*store).size() == 40u);
  for (int id = 0; id < 40; ++id)
    BOOST_TEST(good(store->find(Kind::lead, std::to_string(id))).value().repeats == 3);
}

BOOST_FIXTURE_TEST_CASE(every_outcome_is_synced_before_its_verb_returns, StoreFixture,
                        *of_sqlite()) {
  for (int i = 0; i < 20; ++i) {
    const auto number = accept(Kind::lead, std::to_string(i));
    const long before = sync_count();
    good(store->done(number, {}));
    BOOST_TEST(sync_count() > before);
  }
}

// Its truth is the journal, so it may be written again after a power cut.
BOOST_FIXTURE_TEST_CASE(what_is_accepted_is_not_synced, StoreFixture, *of_sqlite()) {
  accept(Kind::lead, "first");
  const long before = sync_count();
  accept(Kind::lead, "second");
  BOOST_TEST(sync_count() == before);
}

BOOST_FIXTURE_TEST_CASE(failed_sync_is_an_error_and_changes_nothing, StoreFixture, *of_sqlite()) {
  const auto number = accept(Kind::lead, "before");
  {
    const FailingSyncs failing(EIO);
    BOOST_TEST(code_of(store->done(number, {})) == "io_error");
  }
  BOOST_TEST((item(number).state == State::pending));
  good(store->done(number, {}));
  reopen();
  BOOST_TEST((item(number).state == State::done));
  BOOST_TEST(good(store->check()) == "ok");
}

BOOST_AUTO_TEST_CASE(full_disk_is_an_error_until_there_is_room,
                     *shows("T32") * shows("F10") * of_sqlite()) {
  TempDir dir;
  if (::geteuid() != 0 ||
      ::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=1m,mode=700") != 0) {
    BOOST_TEST_MESSAGE("skipped: needs the right to mount a small file system");
    return;
  }
  std::size_t accepted = 0;
  {
    auto store = good(Store::open(dir / "data"));
    NewItem item = new_item(Kind::lead, "");
    item.payload = Value(std::string(5'000, 'x'));
    Status last;
    for (; last && accepted < 1'000; accepted += last ? 1 : 0) {
      item.id = std::to_string(accepted);
      last = store->accept({item});
    }
    BOOST_TEST(code_of(last) == "disk_full");
    BOOST_TEST(last.error().remedy.find("free space") != std::string::npos);
    BOOST_TEST(!good(store->find(Kind::lead, item.id)));
    BOOST_TEST(all_items(*store).size() == accepted);
    BOOST_TEST(::mount("tmpfs", dir.path().c_str(), "tmpfs", MS_REMOUNT, "size=8m,mode=700") == 0);
    BOOST_TEST(store->accept({item}).has_value());
  }
  {
    auto store = good(Store::open(dir / "data"));
    BOOST_TEST(all_items(*store).size() == accepted + 1);
    BOOST_TEST(good(store->check()) == "ok");
  }
  ::umount(dir.path().c_str());
}

BOOST_FIXTURE_TEST_CASE(deleted_store_is_begun_anew_rather_than_written_into_nothing, StoreFixture,
                        *of_sqlite()) {
  accept(Kind::lead, "old");
  for (const char* name : {"store.db", "store.db-wal", "store.db-shm"}) fs::remove(dir / name);
  accept(Kind::lead, "new");
  BOOST_TEST(all_items(*store).size() == 1u);
  reopen();
  BOOST_TEST(good(store->find(Kind::lead, "new")).has_value());
}

BOOST_AUTO_TEST_CASE(works_with_a_rollback_journal_where_there_is_no_wal, *of_sqlite()) {
  sqlite3_vfs* const usual = sqlite3_vfs_find(nullptr);
  sqlite3_vfs_register(sqlite3_vfs_find("unix-dotfile"), 1);  // it has no shared memory
  {
    StoreFixture fixture;
    BOOST_TEST(!fixture.store->uses_wal());
    const long before = sync_count();
    fixture.accept(Kind::lead, "a");
    BOOST_TEST(sync_count() - before >= 3);  // journal, database, directory
    fixture.reopen();
    BOOST_TEST(good(fixture.store->claim(Kind::lead, 5)).size() == 1u);
    BOOST_TEST(!fs::exists(fixture.dir / "store.db-wal"));
  }
  sqlite3_vfs_register(usual, 1);
  StoreFixture fixture;
  BOOST_TEST(fixture.store->uses_wal());
}

BOOST_AUTO_TEST_SUITE_END()
