// raw_sql: a SQLite file as another program opens it. Each statement waits for its turn: whoever
// else works on the file (a program that goes on after its answer) may hold it just then.
#pragma once

#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

namespace b24::test {

class RawSql {
 public:
  explicit RawSql(const std::filesystem::path& file) {
    BOOST_REQUIRE_EQUAL(sqlite3_open(file.c_str(), &db_), SQLITE_OK);
    sqlite3_busy_timeout(db_, 60'000);
  }
  RawSql(const RawSql&) = delete;
  ~RawSql() { sqlite3_close(db_); }

  void run(const std::string& sql) {
    for_each(sql, [](sqlite3_stmt*) {});
  }
  template <class Each>
  void for_each(const std::string& sql, Each each) {
    for (const char* rest = sql.c_str(); *rest != '\0';) {
      sqlite3_stmt* rows = nullptr;
      BOOST_REQUIRE_MESSAGE(sqlite3_prepare_v2(db_, rest, -1, &rows, &rest) == SQLITE_OK,
                            sqlite3_errmsg(db_));
      while (sqlite3_step(rows) == SQLITE_ROW) each(rows);
      BOOST_REQUIRE_MESSAGE(sqlite3_finalize(rows) == SQLITE_OK, sqlite3_errmsg(db_));
    }
  }

 private:
  sqlite3* db_ = nullptr;
};

}  // namespace b24::test
