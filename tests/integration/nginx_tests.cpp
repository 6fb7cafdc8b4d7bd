// nginx_tests: nginx.conf.example can be pasted as it is.
#include <boost/test/unit_test.hpp>
#include <regex>

#include "decorators.h"
#include "process.h"

using b24::test::read_file;

namespace nginx_tests {

// The example with its paths below `dir`, as a whole configuration.
std::string whole_conf(const std::filesystem::path& dir) {
  std::string conf = read_file("nginx.conf.example");
  const auto replace = [&](const std::string& from, const std::string& to) {
    conf = std::regex_replace(conf, std::regex(from), to);
  };
  replace("/run/b24hooks/", dir.string() + "/");
  replace("/etc/ssl/certs/example.com.fullchain.pem", dir.string() + "/chain.pem");
  replace("/etc/ssl/private/example.com.key", dir.string() + "/key.pem");
  replace("listen 443", "listen 127.0.0.1:" + std::to_string(b24::test::free_port()));
  replace("listen 80", "listen 127.0.0.1:" + std::to_string(b24::test::free_port()));
  replace("listen \\[::\\][^\n]*\n", "\n");
  return "pid " + dir.string() + "/pid; error_log " + dir.string() + "/error.log;\n" +
         "events {} http { access_log off;\n" + conf + "}\n";
}

}  // namespace nginx_tests

BOOST_AUTO_TEST_SUITE(nginx_tests)

BOOST_AUTO_TEST_CASE(the_example_is_a_valid_configuration) {
  b24::test::TempDir dir;
  const auto certificate = b24::test::run(
      {{"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", "/CN=example.com", "-keyout", dir / "key.pem", "-out", dir / "chain.pem"}});
  BOOST_REQUIRE(certificate.status == 0);
  const std::string conf = whole_conf(dir.path());
  b24::test::write_file(dir / "nginx.conf", conf);
  const auto checked =
      b24::test::run({{"/usr/sbin/nginx", "-t", "-e", "stderr", "-c", dir / "nginx.conf"}});
  BOOST_TEST(checked.status == 0, checked.err);
  BOOST_TEST(!checked.err.contains("[warn]"), checked.err);
}

BOOST_AUTO_TEST_CASE(the_example_is_as_safe_as_it_says, *shows("T1") * shows("T5") * shows("T18")) {
  const std::string conf = read_file("nginx.conf.example");
  BOOST_TEST(std::regex_search(conf, std::regex("fastcgi_param HTTP_PROXY +\"\";")));
  BOOST_TEST(std::regex_search(conf, std::regex("\n *fastcgi_keep_conn off;")));
  BOOST_TEST(std::regex_search(conf, std::regex("\n *fastcgi_request_buffering on;")));
  BOOST_TEST(std::regex_search(conf, std::regex("handler.sock max_fails=0;")));
  BOOST_TEST(std::regex_search(conf, std::regex("backup max_fails=0;")));
  BOOST_TEST(!std::regex_search(conf, std::regex("\n *(include|root|alias|index) ")));
  BOOST_TEST(!conf.contains("$tcpinfo_"));
}

BOOST_AUTO_TEST_SUITE_END()
