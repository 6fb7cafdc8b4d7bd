// parity_tests: real PHP and ours, given the same requests and values, write the same bytes.
#include <boost/test/unit_test.hpp>

#include "base/text.h"
#include "php_cgi.h"
#include "process.h"
#include "raw_request.h"
#include "value/php.h"

using namespace b24::test;
namespace php = b24::php;

namespace {

constexpr const char* kRequestPage = "<?php echo print_r($_REQUEST, true);";
constexpr const char* kValuePage =
    "<?php $value = unserialize(file_get_contents('php://input'));"
    "echo serialize($value), \"\\0\", is_array($value) ? http_build_query($value) : '', \"\\0\","
    "print_r($value, true);";

std::string shown(const PhpRequest& request) {
  return "query " + b24::text::for_log(request.query, 3000) + "\n  type " + request.content_type +
         "\n  body " + b24::text::for_log(request.body, 3000);
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

}  // namespace

BOOST_AUTO_TEST_SUITE(parity_tests)

BOOST_AUTO_TEST_CASE(requests_become_the_same_array) {
  const PhpCgi php_cgi;
  php_cgi.page("request.php", kRequestPage);
  PhpBodies bodies(20260801);
  for (int i = 0; i < 50; ++i) compare(php_cgi, bodies.event());
  for (int i = 0; i < 400; ++i) compare(php_cgi, bodies.urlencoded());
  for (int i = 0; i < 400; ++i) compare(php_cgi, bodies.multipart());
}

BOOST_AUTO_TEST_CASE(values_are_written_and_read_the_same) {
  const PhpCgi php_cgi;
  php_cgi.page("value.php", kValuePage);
  PhpBodies bodies(4);
  for (int i = 0; i < 300; ++i) {
    const b24::Value value = bodies.value();
    const std::string kept = php::serialize(value);
    const std::string want = php_cgi.ask("value.php", {"", "application/octet-stream", kept});
    const std::string query = value.is_array() ? php::build_query(value) : "";
    const std::string zero(1, '\0');
    BOOST_TEST(kept + zero + query + zero + php::print_r(value) == want);
    const auto back = php::unserialize(kept);
    BOOST_REQUIRE(back);
    BOOST_TEST((*back == value));
  }
}

BOOST_AUTO_TEST_SUITE_END()
