// sql_spy: see sql_spy.h.
#include "sql_spy.h"

#include <dlfcn.h>
#include <sqlite3.h>

#include <string_view>

namespace {

thread_local int until_fault = 0;
thread_local int depth = 0;  // what SQLite calls itself is its own

// Calls the library's own function of this name, unless it is this call's turn to fail.
template <class Function, class... Arguments>
int through(const char* name, Arguments... arguments) {
  if (depth == 0 && until_fault > 0 && --until_fault == 0) return SQLITE_IOERR;
  ++depth;
  const int code = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name))(arguments...);
  --depth;
  return code;
}

}  // namespace

// The dynamic linker finds these before the library's.
extern "C" int sqlite3_step(sqlite3_stmt* statement) {
  return through<decltype(sqlite3_step)>("sqlite3_step", statement);
}
extern "C" int sqlite3_exec(sqlite3* db, const char* sql, int (*each)(void*, int, char**, char**),
                            void* with, char** error) {
  // Whatever it returns, a transaction is over then.
  if (until_fault > 0 && std::string_view(sql) == "ROLLBACK") ++until_fault;
  return through<decltype(sqlite3_exec)>("sqlite3_exec", db, sql, each, with, error);
}
extern "C" int sqlite3_prepare_v3(sqlite3* db, const char* sql, int size, unsigned flags,
                                  sqlite3_stmt** statement, const char** rest) {
  return through<decltype(sqlite3_prepare_v3)>("sqlite3_prepare_v3", db, sql, size, flags,
                                               statement, rest);
}

namespace b24::test {

FailingSql::FailingSql(int number) {
  until_fault = number;
}
FailingSql::~FailingSql() {
  until_fault = 0;
}
bool FailingSql::has_failed() const {
  return until_fault == 0;
}

}  // namespace b24::test
