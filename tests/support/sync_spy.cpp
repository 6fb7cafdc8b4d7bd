// sync_spy: stands between this test program and fdatasync and fsync: counts them, and can make
// them wait or fail. SQLite's calls come through here too.
#include "sync_spy.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

std::atomic<long> syncs{0};
std::atomic<int> fault{0};
std::atomic<bool> held{false};

int sync_by(long call, int fd) {
  ++syncs;
  held.wait(true);
  if (const int number = fault; number != 0) {
    errno = number;
    return -1;
  }
  return static_cast<int>(::syscall(call, fd));
}

}  // namespace

// The dynamic linker finds these before the C library's.
extern "C" int fdatasync(int fd) {
  return sync_by(SYS_fdatasync, fd);
}
extern "C" int fsync(int fd) {
  return sync_by(SYS_fsync, fd);
}

namespace b24::test {

long sync_count() {
  return syncs;
}
FailingSyncs::FailingSyncs(int number) {
  fault = number;
}
FailingSyncs::~FailingSyncs() {
  fault = 0;
}
HeldSyncs::HeldSyncs() {
  held = true;
}
HeldSyncs::~HeldSyncs() {
  held = false;
  held.notify_all();
}

}  // namespace b24::test
