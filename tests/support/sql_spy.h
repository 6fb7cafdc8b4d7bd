// sql_spy: stands between this test program and SQLite, and can make one of the calls fail that a
// statement is prepared, stepped or executed by.
#pragma once

namespace b24::test {

// While it lives, the call of this number (from 1, of those of its thread) fails with an I/O error,
// and nothing is done; the others do what they do.
class FailingSql {
 public:
  explicit FailingSql(int number);
  FailingSql(const FailingSql&) = delete;
  FailingSql& operator=(const FailingSql&) = delete;
  ~FailingSql();
  bool has_failed() const;
};

}  // namespace b24::test
