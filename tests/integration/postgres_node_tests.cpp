// postgres_node_tests: the private PostgreSQL of the tests does what they ask of it.
#include <boost/test/unit_test.hpp>
#include <string>

#include "postgres.h"

using namespace b24::test;

namespace postgres_node_tests {

std::string rows(const Postgres& postgres, int node, const std::string& database) {
  return postgres.ask(node, "SELECT count(*) FROM t", database);
}

}  // namespace postgres_node_tests

using namespace postgres_node_tests;

BOOST_AUTO_TEST_SUITE(postgres_node_tests)

BOOST_AUTO_TEST_CASE(what_was_committed_outlives_the_primary) {
  Postgres postgres;
  const std::string database = postgres.new_database();
  postgres.ask("CREATE TABLE t(n bigint)", database);
  postgres.ask("INSERT INTO t VALUES (1)", database);
  postgres.kill(1);
  BOOST_TEST(postgres.promote() != 1);
  BOOST_TEST(rows(postgres, postgres.primary(), database) == "1");
  postgres.wait_for_standbys(1);
  postgres.rejoin(1);
  postgres.wait_for_standbys(2);
}

BOOST_AUTO_TEST_CASE(a_former_primary_comes_back_as_one_and_a_frozen_node_is_silent) {
  Postgres postgres(2);
  const std::string database = postgres.new_database();
  postgres.ask("CREATE TABLE t(n bigint)", database);
  postgres.stop(1);
  BOOST_TEST(postgres.promote() == 2);
  postgres.start(1);
  BOOST_TEST(postgres.ask(1, "SELECT pg_is_in_recovery()") == "f");
  postgres.freeze(1);
  const auto asked = [&] {
    return run({{"psql", "-XAtqc", "SELECT 1", postgres.url_of(1, database)}},
               std::chrono::seconds(1));
  };
  BOOST_TEST(asked().status == -1);
  postgres.thaw(1);
  BOOST_TEST(rows(postgres, 1, database) == "0");
  BOOST_TEST(asked().out == "1\n");
}

BOOST_AUTO_TEST_CASE(the_pages_role_may_connect_and_no_more) {
  Postgres& postgres = shared_postgres();
  const std::string database = postgres.new_database();
  const Ran ran = run({{"psql", "-XAtqc", "CREATE TABLE t(n bigint)", postgres.url(database)}});
  BOOST_TEST(ran.err.contains("permission denied for schema public"), ran.err);
  BOOST_TEST(
      run({{"psql", "-XAtqc", "CREATE TABLE t(n bigint)", postgres.owner_url(database)}}).status ==
      0);
}

BOOST_AUTO_TEST_SUITE_END()
