// shared_store: the suites of the store run on both engines: on SQLite, and with STORE=postgres on
// a PostgreSQL of three nodes (tests/run-suites postgres).
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "keep/store.h"

namespace b24::test {

bool on_postgres();

// An empty database with its tables, as the programs' settings name it; nothing on SQLite.
SharedStore new_shared_store();

// It is about the file of SQLite.
inline auto of_sqlite() {
  return boost::unit_test::precondition([](boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result fits(!on_postgres());
    fits.message() << "it is about SQLite's file";
    return fits;
  });
}

}  // namespace b24::test

using b24::test::of_sqlite;
