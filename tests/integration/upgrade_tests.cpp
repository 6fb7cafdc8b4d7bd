// upgrade_tests: a data directory that 0.2.0 has left, and one of a release that comes later.
//
// tests/upgrade/data-0.2.0.tgz is what the programs of 0.2.0 wrote while their portal was away: a
// lead and an event that wait in the store, an event that is done, and a lead and an event that had
// got no further than the journal. What waited there for over an hour may have been done by another
// store: so the event's action is one that may be repeated.
#include <boost/test/unit_test.hpp>
#include <set>

#include "decorators.h"
#include "event_fixture.h"
#include "site.h"

namespace upgrade_tests {

using namespace b24::test;

// Unpacked into the site's directory, and no longer at another place than there.
std::string old_data(const Site& site) {
  const auto archive = std::filesystem::current_path() / "tests/upgrade/data-0.2.0.tgz";
  const Ran unpacked = run({{"tar", "xzf", archive.string(), "-C", site.run_dir().string(),
                             "--no-same-owner", "--transform", "s,^data,old,"}});
  BOOST_REQUIRE_MESSAGE(unpacked.status == 0, unpacked.err);
  return (site.run_dir() / "old").string();
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

}  // namespace upgrade_tests

BOOST_AUTO_TEST_SUITE(upgrade_tests)

BOOST_AUTO_TEST_CASE(what_0_2_0_had_accepted_is_done_once) {
  const Site site({.environment = {},
                   .settings = site_settings(
                       "\n[on ONCRMDEALUPDATE]\ncall = crm.deal.get?id=1&of={data.FIELDS.ID}\n")});
  const std::string old = old_data(site);
  site.set_setting("dir", old);
  BOOST_TEST(site.get("/index.php").status == 200);
  BOOST_TEST(site.get("/handler.php").status == 200);
  const auto is_through = [&](const char* program) {
    return run({{built(program), "--settings", (site.run_dir() / "settings.conf").string(),
                 "--list"}})
        .out.contains("0 pending, 0 failed, ");
  };
  const auto log = [&] { return read_file(old + "/hook.log"); };
  BOOST_TEST(wait_until([&] { return site.leads().size() == 2; }));
  BOOST_TEST(wait_until([&] { return log().contains("[ID] => 42\n"); }));
  BOOST_TEST(wait_until(
      [&] { return is_through("cgi-bin/index.fcgi") && is_through("cgi-bin/handler.fcgi"); }));
  std::set<std::string> sent;
  const b24::Value leads = site.leads();
  for (const auto& lead : leads.members()) sent.insert(lead.value["LAST_NAME"].text());
  BOOST_TEST((sent == std::set<std::string>{"Journaled", "Waiting"}));
  BOOST_TEST(site.calls().size() > 2U);
  for (const char* id : {"[ID] => 41\n", "[ID] => 42\n", "[ID] => 5\n"})
    BOOST_TEST(count(log(), id) == 1U, id);
}

BOOST_AUTO_TEST_CASE(data_of_a_later_release_is_refused_with_a_clear_word_and_left_alone) {
  const Site site({.environment = {}, .settings = site_settings("")});
  const std::string old = old_data(site);
  write_file(old + "/version", "b24hooks data 3\n");
  site.set_setting("dir", old);
  BOOST_TEST(wait_until([&] { return site.post("/handler.php", event_params()).status == 503; }));
  const Ran listed = run({{built("cgi-bin/index.fcgi"), "--settings",
                           (site.run_dir() / "settings.conf").string(), "--list"}});
  BOOST_TEST(listed.status != 0);
  BOOST_TEST(listed.err.contains("is of another release of b24hooks: b24hooks data 3"), listed.err);
  BOOST_TEST(listed.err.contains("set dir in section [data] to a new directory"), listed.err);
  BOOST_TEST(read_file(old + "/version") == "b24hooks data 3\n");
  BOOST_TEST(site.leads().size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
