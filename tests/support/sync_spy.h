// sync_spy: stands between this test program and fdatasync and fsync: counts them, and can make
// them fail. SQLite's calls come through here too.
#pragma once

namespace b24::test {

// Since the program began.
long sync_count();

// While it lives, every sync fails with this errno.
class FailingSyncs {
 public:
  explicit FailingSyncs(int number);
  FailingSyncs(const FailingSyncs&) = delete;
  FailingSyncs& operator=(const FailingSyncs&) = delete;
  ~FailingSyncs();
};

}  // namespace b24::test
