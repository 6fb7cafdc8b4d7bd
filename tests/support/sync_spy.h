// sync_spy: stands between this test program and fdatasync, fsync and pread: counts the syncs, and
// can make them wait, or any fail. SQLite's calls come through here too.
#pragma once

#include <sys/types.h>

namespace b24::test {

// Since the program began.
long sync_count();

// While it lives, every sync that begins waits.
class HeldSyncs {
 public:
  HeldSyncs();
  HeldSyncs(const HeldSyncs&) = delete;
  HeldSyncs& operator=(const HeldSyncs&) = delete;
  ~HeldSyncs();
};

// While it lives, every sync fails with this errno.
class FailingSyncs {
 public:
  explicit FailingSyncs(int number);
  FailingSyncs(const FailingSyncs&) = delete;
  FailingSyncs& operator=(const FailingSyncs&) = delete;
  ~FailingSyncs();
};

// While it lives, the byte at this place of any file cannot be read: the errno.
class FailingReads {
 public:
  FailingReads(off_t at, int number);
  FailingReads(const FailingReads&) = delete;
  FailingReads& operator=(const FailingReads&) = delete;
  ~FailingReads();
};

}  // namespace b24::test
