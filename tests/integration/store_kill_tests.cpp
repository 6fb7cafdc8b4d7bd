// store_kill_tests: what was accepted is there, exactly once, whatever is killed or fails.
#include <sys/prctl.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "decorators.h"
#include "keep/journal.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace {

constexpr const char* kDirVariable = "B24HOOKS_TEST_DIR";

struct Ack {
  int process;
  int serial;
};

Record numbered_record(int process, int serial) {
  Record record;
  record.id = std::to_string(process) + "-" + std::to_string(serial);
  record.key = record.id;  // without one it would be a deleted record
  record.body = std::string(static_cast<std::size_t>(serial % 700), 'x');
  return record;
}

// Accepts until killed, from four threads; each id that was accepted goes down the pipe.
bool accept_until_killed(const std::filesystem::path& dir, int process, int acks) {
  Journal journal(dir, "", Kind::event);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int serial = thread;; serial += 4) {
        const std::string encoded = encode(numbered_record(process, serial));
        if (!journal.append({&encoded, 1})) std::abort();
        const Ack ack{process, serial};
        if (::write(acks, &ack, sizeof ack) != sizeof ack) std::abort();
      }
    });
  }
  return false;
}

std::map<std::string, int> stored_ids(Store& store) {
  ListFilter filter;
  filter.limit = 1'000'000;
  std::map<std::string, int> ids;
  for (const Item& item : good(store.list(filter))) ++ids[item.id];
  return ids;
}

std::string own_path() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

std::vector<std::string> child_command() {
  return {own_path(), "--run_test=store_fault_child", "--log_level=nothing", "--report_level=no"};
}

Ran run_traced(const std::vector<std::string>& options, const std::filesystem::path& dir) {
  // By its filter only the calls asked for stop the child.
  std::vector<std::string> args{"strace", "-f", "--seccomp-bpf", "-qq"};
  args.insert(args.end(), options.begin(), options.end());
  const auto child = child_command();
  args.insert(args.end(), child.begin(), child.end());
  // SQLite itself tries some locks for ten seconds.
  return run({args, {std::string(kDirVariable) + "=" + dir.string()}, "", {}, {}},
             std::chrono::minutes(2));
}

// How often the child makes each system call when all goes well.
std::map<std::string, int> count_calls(const std::string& calls) {
  TempDir dir;
  const auto trace = dir / "trace";
  const Ran ran = run_traced({"-o", trace.string(), "-e", "trace=" + calls}, dir / "data");
  if (ran.status != 0) return {};
  std::map<std::string, int> counts;
  std::istringstream lines(read_file(trace));
  for (std::string pid, call; lines >> pid >> call; std::getline(lines, pid))
    ++counts[call.substr(0, call.find('('))];
  return counts;
}

std::map<std::string, int> journal_ids(const std::filesystem::path& dir) {
  std::map<std::string, int> ids;
  const Journal journal(dir, "", Kind::event);
  for (JournalPosition at;;) {
    const JournalRead read = good(journal.read(at, 1 << 20));
    for (const Record& record : read.records) ++ids[record.id];
    if (read.end == at) return ids;
    at = read.end;
  }
}

// What the child said it did, against what is in the store and in the journal.
void check_store(const Ran& ran, Store& store) {
  BOOST_TEST(good(store.check()) == "ok");
  const auto ids = stored_ids(store);
  auto kept = journal_ids(store.dir());
  std::istringstream lines(ran.out);
  for (std::string what, id; lines >> what >> id;) {
    const auto found = ids.find(id);
    if (what == "kept") BOOST_TEST(kept[id] == 1, "not in the journal: " << id);
    if (what == "accepted") BOOST_TEST((found != ids.end() && found->second == 1), id);
    if (what == "refused") BOOST_TEST((found == ids.end()), "stored " << id);
    if (what == "done") {
      const Item item = good(store.find(Kind::lead, id)).value();
      BOOST_TEST((item.state == State::done), "not done " << id);
    }
  }
}

// A child whose `when`-th call of `call` fails, running in a thread of its own.
class Faulty {
 public:
  Faulty(const std::string& call, const std::string& error, int when)
      : fault_(call + ":error=" + error + ":when=" + std::to_string(when)),
        ran_(std::async(std::launch::async, [data = dir_->path() / "data", call, fault = fault_] {
          return run_traced({"-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=" + fault},
                            data);
        })) {}

  void check() {
    BOOST_TEST_CONTEXT(fault_) {
      const Ran ran = ran_.get();
      // (A fault that hits the dynamic linker ends the child before it has done anything.)
      BOOST_TEST((ran.status < 128 || ran.out.empty()), "ended by a signal: " << ran.err);
      const auto store = good(Store::open(dir_->path() / "data"));
      // What cannot be read for a moment counts as damaged, and the store is put aside.
      for (const auto& entry : std::filesystem::directory_iterator(store->dir())) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("store-") || !name.ends_with(".db")) continue;
        BOOST_TEST(good(store->salvage(entry.path())).lost == 0);
      }
      check_store(ran, *store);
    }
  }

 private:
  std::unique_ptr<TempDir> dir_ = std::make_unique<TempDir>();
  std::string fault_;
  std::future<Ran> ran_;
};

}  // namespace

// Run under strace by the test below; by itself it has nothing to do.
BOOST_AUTO_TEST_SUITE(store_fault_child, *boost::unit_test::disabled())

BOOST_AUTO_TEST_CASE(accepts_and_delivers) {
  const char* dir = std::getenv(kDirVariable);
  BOOST_REQUIRE(dir != nullptr);
  std::shared_ptr<Store> store;
  Journal journal(dir, "", Kind::event);
  for (int serial = 0; serial < 6; ++serial) {
    if (store == nullptr) {
      if (auto opened = Store::open(dir)) store = *opened;
    }
    const std::string id = std::to_string(serial);
    const std::string record = encode(numbered_record(0, serial));
    if (journal.append({&record, 1})) std::cout << "kept 0-" << id << std::endl;
    const bool accepted = store && store->accept({new_item(Kind::lead, id)});
    std::cout << (accepted ? "accepted " : "refused ") << id << std::endl;
    if (!store || serial % 2 == 1) continue;
    const auto items = store->claim(Kind::lead, 2);
    for (std::size_t i = 0; items && i < items->size(); ++i) {
      if (store->done((*items)[i].number, {})) std::cout << "done " << (*items)[i].id << std::endl;
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_kill_tests)

BOOST_AUTO_TEST_CASE(killed_processes_lose_nothing_that_was_acknowledged) {
  constexpr int kRounds = 15, kProcesses = 2;
  TempDir dir;
  int pipe_fds[2];
  BOOST_REQUIRE_EQUAL(::pipe(pipe_fds), 0);
  std::set<std::string> acknowledged;
  const auto read_ack = [&] {
    Ack ack{};
    BOOST_REQUIRE_EQUAL(::read(pipe_fds[0], &ack, sizeof ack), sizeof ack);
    const std::string id = std::to_string(ack.process) + "-" + std::to_string(ack.serial);
    BOOST_TEST(acknowledged.insert(id).second);
  };
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Forked> children;
    for (int i = 0; i < kProcesses; ++i)
      children.emplace_back(
          [&] { return accept_until_killed(dir.path(), round * kProcesses + i, pipe_fds[1]); });
    for (int i = 0; i < 50 + 37 * (round % 5); ++i) read_ack();
    children.clear();  // SIGKILL, one after the other
    // What they had still acknowledged lies in the pipe; a mark of ours ends it.
    const Ack end{-1, round};
    BOOST_REQUIRE_EQUAL(::write(pipe_fds[1], &end, sizeof end), sizeof end);
    while (!acknowledged.contains("-1-" + std::to_string(round))) read_ack();
    acknowledged.erase("-1-" + std::to_string(round));
  }
  const auto ids = journal_ids(dir.path());
  std::size_t missing = 0;
  for (const std::string& id : acknowledged) missing += ids.contains(id) ? 0 : 1;
  BOOST_TEST(missing == 0u);
  for (const auto& [id, count] : ids) BOOST_TEST(count == 1);
  BOOST_TEST_MESSAGE(kRounds * kProcesses << " kills, " << acknowledged.size() << " acknowledged, "
                                          << ids.size() << " stored");
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
}

BOOST_AUTO_TEST_CASE(no_failing_system_call_makes_a_false_promise,
                     *shows("T32") * shows("F4") * shows("A4")) {
  std::string calls = "pwrite64,fdatasync,fsync,ftruncate,pread64,fcntl,openat,unlink";
  if (kAsReleased) calls += ",mmap";  // an instrument has its own memory there
  const auto counts = count_calls(calls);
  if (counts.empty()) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  const int runs_per_fault = wanted("FAULTS", 8);
  int runs = 0;
  for (const auto& [call, count] : counts) {
    // Side by side: where a lock cannot be let go, the child's store tries for ten seconds.
    std::vector<Faulty> children;
    for (const char* error : {"EIO", "ENOSPC", "EINTR"}) {
      for (int when = 1; when <= count; when += std::max(1, count / runs_per_fault))
        children.emplace_back(call, error, when);
    }
    for (Faulty& child : children) child.check();
    runs += static_cast<int>(children.size());
  }
  BOOST_TEST_MESSAGE(runs << " runs");
  BOOST_TEST(runs > 50);
}

BOOST_AUTO_TEST_SUITE_END()
