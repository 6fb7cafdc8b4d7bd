// desk_setup_tests: the desk shows what is set, where that comes from and what is wrong with it.
#include <boost/test/unit_test.hpp>

#include "check_site.h"

namespace desk_setup_tests {

using namespace b24::test;
using b24::Value;

const Params kWithKey = {{"HTTP_X_B24HOOKS_KEY", kCheckKey}};
const std::string kKeyLines = std::string("[checkserver]\nkey = ") + kCheckKey + "\n";

Value setting(const Value& all, const std::string& section, const std::string& key) {
  for (const Value::Member& one : all["settings"].members()) {
    if (one.value["section"].text() == section && one.value["key"].text() == key) return one.value;
  }
  BOOST_TEST(false, "no setting " + section + "." + key);
  return {};
}

// The part of a page that is about one key.
std::string part_of(const std::string& page, const std::string& key) {
  const std::size_t at = page.find("<code>" + key + "</code>");
  BOOST_TEST_REQUIRE((at != page.npos), key);
  const std::size_t begin = page.rfind("<details", at);
  return page.substr(begin, page.find("</details>", at) - begin);
}

}  // namespace desk_setup_tests

BOOST_AUTO_TEST_SUITE(desk_setup_tests)

BOOST_AUTO_TEST_CASE(each_setting_is_shown_and_what_the_checks_say_of_it) {
  const BareCheck bare(kKeyLines + "[form]\ntitle = <canary>\"'&{email}\n");
  const CheckServer server(bare);
  BOOST_TEST(server.get("desk=setup").status == 403);
  BOOST_TEST(!server.get("desk=setup").body.contains("canary"));
  BOOST_TEST(server.get("desk=setup&format=json").status == 403);
  BOOST_TEST(server.get("desk=setup&format=csv", kWithKey).status == 400);

  const FcgiAnswer page = server.get("desk=setup", kWithKey);
  BOOST_TEST(page.status == 200);
  BOOST_TEST(!page.body.contains("<canary"));
  BOOST_TEST(!page.body.contains(kCheckKey));
  BOOST_TEST(!page.body.contains("secretsecret99"));
  BOOST_TEST(part_of(page.body, "title").contains(bare.settings().string() + ":"));
  BOOST_TEST(part_of(page.body, "title").contains("[form]\ntitle = Website: {email}"));
  BOOST_TEST(part_of(page.body, "method").contains("default"));
  BOOST_TEST(!part_of(page.body, "title").starts_with("<details open"));
  const std::string url = part_of(page.body, "public_url");
  BOOST_TEST(url.starts_with("<details open"));
  BOOST_TEST(url.contains("notice warning"));

  const Value all = parsed_json(server.get("desk=setup&format=json", kWithKey).body);
  BOOST_TEST(setting(all, "form", "title")["value"].text() == "<canary>\"'&{email}");
  BOOST_TEST(setting(all, "", "C_REST_WEB_HOOK_URL")["value"].text() == "***");
  BOOST_TEST(setting(all, "site", "public_url")["problems"][0]["id"].text() == "public_url");
  BOOST_TEST(setting(all, "log", "keep_files")["problems"].size() == 0u);

  // The table's English words give way to the visitor's language, all of them.
  const std::string russian =
      server.get("desk=setup", {kWithKey[0], {"HTTP_ACCEPT_LANGUAGE", "ru"}}).body;
  for (const char* section : {"form", "log", "checkserver"}) {
    for (const Value::Member& one : all["settings"].members()) {
      if (one.value["section"].text() != section) continue;
      const std::string help = one.value["help"].text();
      BOOST_TEST((help.size() < 20 || !russian.contains(help.substr(0, 20))), help);
    }
  }
  BOOST_TEST(russian.contains("Самое большое тело одного запроса."));

  // The shell has the same, by the same function.
  const auto shell = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {built("cgi-bin/checkserver.fcgi"), "--settings",
                               bare.settings().string(), "--in-use"});
    return run({more});
  };
  const Value told = parsed_json(shell({"--format", "json"}).out);
  BOOST_TEST(told["settings"].size() == all["settings"].size());
  BOOST_TEST(setting(told, "site", "public_url")["problems"][0]["id"].text() == "public_url");
  const Ran text = shell({});
  BOOST_TEST(text.status == 0);
  BOOST_TEST(text.out.contains("\n[log]\n"));
  BOOST_TEST(text.out.contains("# " + bare.settings().string() + ":"));
  BOOST_TEST(!text.out.contains(kCheckKey));
}

BOOST_AUTO_TEST_CASE(what_the_environment_sets_goes_before_the_file_and_is_told) {
  const BareCheck bare(kKeyLines + "[form]\ntitle = Site {email}\n");
  const CheckServer server(bare, built("cgi-bin/checkserver.fcgi"),
                           {"B24HOOKS_FORM_TITLE=Env {email}"});
  const std::string page = server.get("desk=setup", kWithKey).body;
  const std::string title = part_of(page, "title");
  BOOST_TEST(title.contains("variable B24HOOKS_FORM_TITLE"));
  BOOST_TEST(title.contains("Env {email}"));
  BOOST_TEST(title.contains("The environment goes before " + bare.settings().string() + ":"));
  BOOST_TEST(!part_of(page, "method").contains("variable"));
  BOOST_TEST(!part_of(page, "method").contains("goes before"));
}

BOOST_AUTO_TEST_CASE(while_the_file_is_broken_the_page_says_so) {
  const BareCheck bare(kKeyLines);
  const CheckServer server(bare);
  BOOST_TEST(server.get("desk=setup", kWithKey).status == 200);
  write_file(bare.settings(), read_file(bare.settings()) + "nonsense = canary-value\n");
  const auto page = [&] { return server.get("desk=setup", kWithKey); };
  BOOST_TEST(wait_until([&] { return page().body.contains("notice error\" role=\"alert\""); }));
  BOOST_TEST(page().status == 200);
  BOOST_TEST(!page().body.contains("canary-value"));
  const Ran shell = run(
      {{built("cgi-bin/checkserver.fcgi"), "--settings", bare.settings().string(), "--in-use"}});
  BOOST_TEST(shell.status == 2);
  BOOST_TEST(shell.err.contains("nonsense"));
}

BOOST_AUTO_TEST_SUITE_END()
