// sync_spy: see sync_spy.h.
#include "sync_spy.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

std::atomic<long> syncs{0};
std::atomic<int> fault{0};
std::atomic<bool> held{false};
std::atomic<off_t> unreadable{-1};
std::atomic<int> read_fault{0};

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
// As the kernel does, it gives what is before the place, and fails behind that.
extern "C" ssize_t pread(int fd, void* bytes, size_t count, off_t from) {
  const off_t at = unreadable;
  if (at >= 0 && from <= at && from + static_cast<off_t>(count) > at) {
    if (from == at) {
      errno = read_fault;
      return -1;
    }
    count = static_cast<size_t>(at - from);
  }
  return ::syscall(SYS_pread64, fd, bytes, count, from);
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
FailingReads::FailingReads(off_t at, int number) {
  read_fault = number;
  unreadable = at;
}
FailingReads::~FailingReads() {
  unreadable = -1;
}
HeldSyncs::HeldSyncs() {
  held = true;
}
HeldSyncs::~HeldSyncs() {
  held = false;
  held.notify_all();
}

}  // namespace b24::test
