// sync_spy: stands between this test program and fdatasync and fsync: counts them, and can make
// them wait or fail. SQLite's calls come through here too.
#pragma once

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

}  // namespace b24::test
