// parity_tests: real PHP and ours, given the same requests and values, write the same bytes.
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "fuzz_targets.h"
#include "php_parity.h"

using namespace b24::test;

namespace parity_tests {

// Each seed of a target: what differs is thrown.
void run_seeds(const FuzzTarget& target) {
  std::size_t seeds = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string("tests/fuzz/seeds/") + target.name)) {
    BOOST_CHECK_NO_THROW(target.run(read_file(file.path())));
    ++seeds;
  }
  BOOST_TEST(seeds >= 2u, target.name);
}

}  // namespace parity_tests

BOOST_AUTO_TEST_SUITE(parity_tests)

BOOST_AUTO_TEST_CASE(requests_become_the_same_array) {
  const PhpParity php;
  PhpBodies bodies(20260801);
  for (int i = 0; i < 50; ++i) BOOST_TEST(php.difference(bodies.event()) == "");
  for (int i = 0; i < 400; ++i) BOOST_TEST(php.difference(bodies.urlencoded()) == "");
  for (int i = 0; i < 400; ++i) BOOST_TEST(php.difference(bodies.multipart()) == "");
}

BOOST_AUTO_TEST_CASE(values_are_written_the_same) {
  const PhpParity php;
  PhpBodies bodies(4);
  for (int i = 0; i < 300; ++i) BOOST_TEST(php.difference(bodies.value()) == "");
}

BOOST_AUTO_TEST_CASE(what_fuzzing_began_with_is_the_same) {
  for (const FuzzTarget& target : kPhpFuzzTargets) run_seeds(target);
}

BOOST_AUTO_TEST_CASE(settings_of_the_php_pages_mean_the_same) {
  const PhpCgi php_cgi;
  php_cgi.page("settings.php", R"php(<html><?php /* define('C_REST_CURRENT_ENCODING', 'a'); */
    if (!defined('C_REST_WEB_HOOK_URL')) // define('C_REST_CURRENT_ENCODING', 'b');
      define('C_REST_WEB_HOOK_URL', 'https://p.example' . "/rest/1/q\"\\\$'/");
    # const C_REST_CURRENT_ENCODING = 'c';
    const C_REST_CURRENT_ENCODING = 'koi' . 8 . '-r', C_REST_LOG_TYPE_DUMP = (1);
    DEFINE("C_REST_IGNORE_SSL", True); define('C_REST_BLOCK_LOG', (false));
    define('C_REST_IGNORE_SSL', false);)php");
  php_cgi.page("show.php",
               "<?php ob_start(); @include 'settings.php'; ob_end_clean();"
               "echo 'C_REST_WEB_HOOK_URL = ', C_REST_WEB_HOOK_URL, \"\\n\","
               "'C_REST_CURRENT_ENCODING = ', C_REST_CURRENT_ENCODING, \"\\n\","
               "'C_REST_LOG_TYPE_DUMP = ', C_REST_LOG_TYPE_DUMP ? 'Y' : 'N', \"\\n\","
               "'C_REST_IGNORE_SSL = ', C_REST_IGNORE_SSL ? 'Y' : 'N', \"\\n\","
               "'C_REST_BLOCK_LOG = ', C_REST_BLOCK_LOG ? 'Y' : 'N', \"\\n\";");
  const Ran imported =
      run({{built("cgi-bin/index.fcgi"), "--import-settings", php_cgi.file("settings.php")}});
  BOOST_TEST(imported.out == php_cgi.ask("show.php", {}), imported.err);
}

BOOST_AUTO_TEST_SUITE_END()
