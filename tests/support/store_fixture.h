// store_fixture: a store of its own with a clock that only tests move, and children that are forked
// beside it.
#pragma once

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keep/store.h"
#include "process.h"
#include "shared_store.h"

namespace b24::test {

// The value, or the end of the test with the error's cause.
template <class T>
T good(Result<T> result) {
  BOOST_REQUIRE_MESSAGE(result, (result ? "" : result.error().cause));
  return std::move(*result);
}
inline void good(const Status& status) {
  BOOST_REQUIRE_MESSAGE(status, (status ? "" : status.error().cause));
}
template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "no error" : result.error().code;
}

inline NewItem new_item(Kind kind, std::string id, std::string object = "") {
  NewItem item;
  item.kind = kind;
  item.id = std::move(id);
  item.name = "TEST";
  item.object = std::move(object);
  item.payload = Value::map({{"text", "payload of " + item.id}});
  return item;
}

// The number of the item that was accepted, or was there already.
inline std::int64_t accept(Store& store, const NewItem& item) {
  good(store.accept({item}));
  return good(store.find(item.kind, item.id)).value().number;
}

struct StoreFixture {
  TempDir dir;
  Millis now = 1'800'000'000'000;
  const SharedStore shared = new_shared_store();
  std::shared_ptr<Store> store = open();

  std::shared_ptr<Store> open() {
    return good(Store::open(
        dir.path(), "", [this] { return now; }, shared));
  }
  // Closed: what is forked must not inherit SQLite's idea of its locks.
  void close() { store.reset(); }
  void reopen() {
    close();
    store = open();
  }
  std::int64_t accept(Kind kind, const std::string& id, const std::string& object = "") {
    return test::accept(*store, new_item(kind, id, object));
  }
  Item item(std::int64_t number) { return good(store->find(number)).value(); }
};

// Runs `work` in a forked child; true when it returns true.
class Forked {
 public:
  explicit Forked(const std::function<bool()>& work) : pid_(::fork()) {
    if (pid_ == 0) ::_exit(work() ? 0 : 1);
  }
  Forked(Forked&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;
  ~Forked() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      join();
    }
  }
  pid_t pid() const { return pid_; }
  bool join() {
    int status = -1;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  pid_t pid_;
};

// Asks again while others keep the database to themselves, which takes as long as the machine does.
template <class Ask>
auto unless_busy(const Ask& ask) {
  auto answer = ask();
  while (!answer && answer.error().code == "busy") answer = ask();
  return answer;
}

// For a forked child of root: it counts as a user who may have so many threads, more by a later
// call, and opens files as root does.
inline bool allow_threads(rlim_t count) {
  const uid_t user = 100'000 + static_cast<uid_t>(::getpid());
  const rlimit limit{count, 1'000};
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::uint32_t kept = 1U << CAP_DAC_OVERRIDE;  // and not what is above such limits
  const __user_cap_data_struct all[2]{{kept, kept, 0}, {0, 0, 0}};
  return ::setrlimit(RLIMIT_NPROC, &limit) == 0 &&
         (::getuid() == user ||
          (::setresuid(user, 0, 0) == 0 && ::syscall(SYS_capset, &header, all) == 0));
}

inline ListFilter list_of(Kind kind, std::size_t limit = 100) {
  ListFilter filter;
  filter.kind = kind;
  filter.limit = limit;
  return filter;
}

}  // namespace b24::test
