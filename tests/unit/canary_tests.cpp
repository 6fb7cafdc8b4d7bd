// canary_tests: that what looks for secrets after each test (canary.h) finds them.
#include "canary.h"

#include <boost/test/unit_test.hpp>

#include "decorators.h"
#include "process.h"

using namespace b24::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(canary_tests)

BOOST_AUTO_TEST_CASE(a_secret_that_is_told_is_found, *shows("T25") * shows("F11") * shows("A25")) {
  const TempDir dir;
  fs::create_directories(dir / "data");
  fs::create_directories(dir / "logs");
  write_file(
      dir / "settings.conf",
      "C_REST_WEB_HOOK_URL = https://p.example/rest/1/abc/\n[portal]\n"
      "application_token = first-0123456789, second\n[checkserver]\nkey=key-0123456789-abc\n");
  const std::pair<const char*, const char*> told[] = {
      {"data/b24hooks.log", "x first-0123456789 y"},
      {"data/hook.log.1", "key-0123456789-abc"},
      {"data/store.db-wal", "https://p.example/rest/1/abc/crm.lead.add"},
      {"logs/handler.log", "0123456789abcdef0123456789abcdef"}};
  for (const auto& [file, text] : told) {
    write_file(dir / file, "nothing");
    BOOST_TEST(secrets_told(dir.path()).empty(), file);
    write_file(dir / file, text);
    BOOST_TEST(secrets_told(dir.path()).size() == 1u, file);
    fs::remove(dir / file);
  }
}

BOOST_AUTO_TEST_SUITE_END()
