// parity_tests: real PHP and ours, given the same requests and values, write the same bytes.
#include <boost/test/unit_test.hpp>

#include "base/text.h"
#include "php_cgi.h"
#include "process.h"
#include "raw_request.h"
#include "value/php.h"

using namespace b24::test;
namespace php = b24::php;

namespace parity_tests {

constexpr const char* kRequestPage = "<?php echo print_r($_REQUEST, true);";
constexpr const char* kValuePage =
    "<?php $value = unserialize(file_get_contents('php://input'));"
    "echo is_array($value) ? http_build_query($value) : '', \"\\0\","
    "print_r($value, true);";

std::string shown(const PhpRequest& request) {
  return "query " + b24::text::for_log(request.query, 3000) + "\n  type " + request.content_type +
         "\n  body " + b24::text::for_log(request.body, 3000);
}

// As PHP's unserialize reads it.
std::string serialize(const b24::Value& value) {
  using Type = b24::Value::Type;
  const auto text = [](const std::string& bytes) {
    return "s:" + std::to_string(bytes.size()) + ":\"" + bytes + "\";";
  };
  if (value.is_null()) return "N;";
  if (value.type() == Type::boolean) return value.boolean() ? "b:1;" : "b:0;";
  if (value.type() == Type::integer) return "i:" + std::to_string(value.integer()) + ";";
  if (value.type() == Type::real) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "d:%.17g;", value.real());
    return digits;
  }
  if (!value.is_array()) return text(value.text());
  std::string all = "a:" + std::to_string(value.size()) + ":{";
  for (const b24::Value::Member& member : value.members()) {
    all += member.key.is_integer() ? "i:" + member.key.text() + ";" : text(member.key.text());
    all += serialize(member.value);
  }
  return all + "}";
}

void compare(const PhpCgi& php_cgi, const PhpRequest& request) {
  const auto ours = read_raw(raw_post(request.content_type, request.body, request.query));
  const std::string want = php_cgi.ask("request.php", request);
  if (!ours) {
    BOOST_ERROR("refused: " << ours.error().code << "\n  " << shown(request) << "\n  PHP " << want);
  } else if (const std::string got = php::print_r(ours->params); got != want) {
    BOOST_ERROR("differs: " << shown(request) << "\nPHP\n"
                            << b24::text::for_log(want, 3000) << "\nours\n"
                            << b24::text::for_log(got, 3000));
  }
}

}  // namespace parity_tests

BOOST_AUTO_TEST_SUITE(parity_tests)

BOOST_AUTO_TEST_CASE(requests_become_the_same_array) {
  const PhpCgi php_cgi;
  php_cgi.page("request.php", kRequestPage);
  PhpBodies bodies(20260801);
  for (int i = 0; i < 50; ++i) compare(php_cgi, bodies.event());
  for (int i = 0; i < 400; ++i) compare(php_cgi, bodies.urlencoded());
  for (int i = 0; i < 400; ++i) compare(php_cgi, bodies.multipart());
}

BOOST_AUTO_TEST_CASE(values_are_written_the_same) {
  const PhpCgi php_cgi;
  php_cgi.page("value.php", kValuePage);
  PhpBodies bodies(4);
  for (int i = 0; i < 300; ++i) {
    const b24::Value value = bodies.value();
    const std::string want =
        php_cgi.ask("value.php", {"", "application/octet-stream", serialize(value)});
    const std::string query = value.is_array() ? php::build_query(value) : "";
    const std::string zero(1, '\0');
    BOOST_TEST(query + zero + php::print_r(value) == want);
  }
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
