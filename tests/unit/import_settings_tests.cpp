// import_settings_tests: what becomes of CRest's settings.php.
#include "index/import_settings.h"

#include <boost/test/unit_test.hpp>

using b24::import_settings;
using b24::ImportedSettings;

namespace import_settings_tests {

constexpr const char* kPhp = R"(<?php
define('C_REST_WEB_HOOK_URL','https://portal.example/rest/1/it\'s\\x/');//url on creat Webhook
# define('C_REST_BLOCK_LOG', true);
/* define('C_REST_BLOCK_LOG', true); */
//define('C_REST_BLOCK_LOG', true);
Define ( "C_REST_CURRENT_ENCODING" , "windows-1251" ) ;
if (!defined('C_REST_IGNORE_SSL')) { \define('C_REST_IGNORE_SSL', TRUE); }
const C_REST_LOG_TYPE_DUMP = false;
define('C_REST_WEB_HOOK_URL', 'a second one does not count');
define('C_REST_LOGS_DIR', __DIR__ . '/logs' . "/");
)";

ImportedSettings of(const std::string& code) {
  return import_settings("<?php\n" + code, "/site");
}

}  // namespace import_settings_tests

BOOST_AUTO_TEST_SUITE(import_settings_tests)

BOOST_AUTO_TEST_CASE(definitions_become_lines_of_settings) {
  const ImportedSettings imported = import_settings(kPhp, "/site");
  BOOST_TEST(imported.lines ==
             "C_REST_WEB_HOOK_URL = https://portal.example/rest/1/it's\\x/\n"
             "C_REST_CURRENT_ENCODING = windows-1251\n"
             "C_REST_IGNORE_SSL = Y\n"
             "C_REST_LOG_TYPE_DUMP = N\n"
             "# The logs were in /site/logs/; they lie in the data directory now, outside the web "
             "root.\n");
  BOOST_TEST(imported.not_understood.empty());
}

BOOST_AUTO_TEST_CASE(a_local_application_gets_a_word_on_what_to_do) {
  const ImportedSettings imported =
      of("define('C_REST_CLIENT_ID','local.5c8bb1b0891cf2.87252039');\n"
         "define('C_REST_CLIENT_SECRET','SakeVG5mbRdcQet45UUrt6q72AMTo7fkwXSO7Y5LYFYNCRsA6f');");
  BOOST_TEST(imported.lines.contains("Inbound webhook"));
  BOOST_TEST(!imported.lines.contains("SakeVG5mbRd"));
  BOOST_TEST(imported.not_understood.empty());
}

BOOST_AUTO_TEST_CASE(what_would_have_to_run_is_named_and_not_guessed) {
  const struct {
    const char* code;
    const char* told;
  } rows[] = {
      {"define('C_REST_WEB_HOOK_URL', getenv('HOOK'));", "line 2: C_REST_WEB_HOOK_URL: "},
      {"define('C_REST_WEB_HOOK_URL', \"https://$host/\");", "line 2: C_REST_WEB_HOOK_URL: "},
      {"define('C_REST_WEB_HOOK_URL', \"a\\x41\");", "line 2: C_REST_WEB_HOOK_URL: "},
      {"\ndefine('C_REST_WEB_HOOK_URL', 'a' ", "line 3: C_REST_WEB_HOOK_URL: "},
      {"define('C_REST_WEB_HOOK_URL', \"two\nlines\");", "line 2: C_REST_WEB_HOOK_URL: "},
      {"define('C_REST_WEB_HOOK_URL', 'a ; b');", "line 2: C_REST_WEB_HOOK_URL: "},
      {"define('C_REST_NO_SUCH', 1);", "line 2: C_REST_NO_SUCH: "},
      {"define($name, 1);", "line 2: $: "},
      {"define('C_REST_WEB_HOOK_URL', dirname(__FILE__));", "line 2: C_REST_WEB_HOOK_URL: "},
  };
  for (const auto& row : rows) {
    const ImportedSettings imported = of(row.code);
    BOOST_TEST_REQUIRE(imported.not_understood.size() == 1u, row.code);
    BOOST_TEST(imported.not_understood[0].starts_with(row.told), imported.not_understood[0]);
    BOOST_TEST(imported.lines == "", row.code);
  }
}

BOOST_AUTO_TEST_CASE(a_zero_byte_is_not_put_into_the_settings) {
  using namespace std::string_literals;
  const ImportedSettings imported = import_settings("<?php const C_REST_BLOCK_LOG = '1\0';"s, "");
  BOOST_TEST(imported.lines == "");
  BOOST_TEST(imported.not_understood.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_no_php_ends) {
  for (const char* text : {"", "<?php", "<?", "<?php '", "<?php \"a", "<?php define", "<?php /*",
                           "<?php define(", "<?php const", "<?php '\\"})
    import_settings(text, "/site");
  BOOST_TEST(import_settings("define('C_REST_BLOCK_LOG', true);", "/site").lines == "");
}

BOOST_AUTO_TEST_SUITE_END()
