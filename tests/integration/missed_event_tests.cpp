// missed_event_tests: an outage in which the portal calls nobody, and kills while what was missed
// is caught up with.
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <string>

#include "base/text.h"
#include "event_fixture.h"
#include "handler/watch.h"
#include "site.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace missed_event_tests {

constexpr std::size_t kNew = 500;  // ten pages; 5,000 take a minute of the sandbox

std::shared_ptr<Store> store_of(const Site& site) {
  return good(Store::open(site.run_dir() / "data"));
}

Value known(const Site& site, const std::string& kind) {
  return json::parse(good(store_of(site)->recall("watch." + kind))).value_or(Value::array());
}

// Two more passes have ended.
void wait_for_passes(const Site& site, const std::string& kind) {
  for (int pass = 0; pass < 2; ++pass) {
    const std::int64_t before = known(site, kind)["asked_at"].integer();
    BOOST_REQUIRE(wait_until([&] { return known(site, kind)["asked_at"].integer() > before; },
                             kDeadline * 3));
  }
}

std::size_t came(const Site& site) {
  return static_cast<std::size_t>(good(store_of(site)->stats(Kind::event)).done);
}

void add_deals(const Site& site, std::size_t count) {
  for (std::size_t done = 0; done < count; done += 50) {
    Value commands = Value::array();
    for (std::size_t i = 0; i < 50; ++i) commands.append("crm.deal.add?fields%5BTITLE%5D=x");
    site.call_json("batch", Value::map({{"halt", 0}, {"cmd", commands}}));
  }
}

}  // namespace missed_event_tests

BOOST_AUTO_TEST_SUITE(missed_event_tests)

BOOST_AUTO_TEST_CASE(every_change_of_an_outage_has_one_event_whatever_is_killed) {
  SiteOptions options;
  options.settings = site_settings(
      "bucket_size = 100000\nbucket_drain = 10000\n"
      "\n[watch deal]\ninterval = 1s\n\n[watch lead]\ninterval = 1s\ndeletions = yes\n");
  const Site site(options);
  site.control("limits", Value::map({{"size", 100'000}, {"drain", 10'000}}));
  const auto change = [&](const char* method, Value params) {
    return site.call_json(method, std::move(params));
  };
  const auto retitle = [&](int id) {
    change("crm.deal.update", Value::map({{"id", id}, {"fields", Value::map({{"TITLE", "x"}})}}));
  };
  for (const char* kind : {"deal", "lead"})
    BOOST_REQUIRE(wait_until([&] { return known(site, kind)["since"].integer() > 0; }));
  // The portal's own deals, made before or behind the first look, may have been found by it.
  wait_for_passes(site, "deal");
  const std::size_t before = came(site);
  retitle(1);
  BOOST_REQUIRE(wait_until([&] { return came(site) == before + 1; }));
  wait_for_passes(site, "deal");
  BOOST_TEST(came(site) == before + 1);  // what comes is not missed
  wait_for_passes(site, "deal");         // the same second's change could be the one that came

  site.control("handler", Value::map({{"url", ""}}));
  retitle(1);
  // One that was long on its way says nothing of what has changed since it was sent.
  site.post("/handler.php", event_params("ONCRMDEALUPDATE", "1"));
  BOOST_REQUIRE(wait_until([&] { return came(site) == before + 3; }));
  wait_for_passes(site, "deal");
  BOOST_TEST(came(site) == before + 3);
  const std::int64_t last_before = good(store_of(site)->last_number());

  add_deals(site, kNew);
  retitle(2);
  const std::int64_t lead =
      change("crm.lead.add", Value::map({{"fields", Value::map({{"TITLE", "x"}})}}))["result"]
          .integer();
  const std::size_t all = before + 3 + kNew + 1 + 1;
  for (std::size_t part = 1; part <= 3; ++part) {
    BOOST_REQUIRE(wait_until([&] { return came(site) >= part * kNew / 4; }, kDeadline * 12));
    site.kill("handler", SIGKILL);
    site.kill("handler-backup", SIGKILL);
  }
  BOOST_REQUIRE(wait_until([&] { return came(site) >= all; }, kDeadline * 12));
  wait_for_passes(site, "deal");
  std::map<std::string, int> events;
  for (const Item& item : all_events(*store_of(site))) {
    if (item.number <= last_before) continue;
    ++events[item.name + " " + item.object];
    BOOST_TEST(item.payload["recovered"].text() == "1");
  }
  BOOST_TEST(events.size() == kNew + 2);
  BOOST_TEST(came(site) == all);
  BOOST_TEST(events["ONCRMDEALUPDATE ONCRMDEAL:2"] == 1);
  BOOST_TEST(events["ONCRMDEALADD ONCRMDEAL:" + std::to_string(2 + kNew)] == 1);
  const std::string log = site.hook_log();
  std::size_t logged = 0;
  for (std::size_t at = 0; (at = log.find("[recovered] => 1\n", at)) != log.npos; ++at) ++logged;
  BOOST_TEST(logged >= kNew + 2);
  BOOST_TEST(logged <= all - 1);

  change("crm.lead.delete", Value::map({{"id", lead}}));
  BOOST_REQUIRE(wait_until([&] { return came(site) > all; }));
  wait_for_passes(site, "lead");
  const Item last = all_events(*store_of(site)).back();
  BOOST_TEST(last.name == "ONCRMLEADDELETE");
  BOOST_TEST(last.object == "ONCRMLEAD:" + std::to_string(lead));
  BOOST_TEST(came(site) == all + 1);
}

// The objects of two portals are told apart by member_id.
BOOST_AUTO_TEST_CASE(of_several_portals_the_watched_one_has_to_be_named) {
  SiteOptions options;
  options.settings = site_settings(
      "\n[portal other]\napplication_token = another\n\n[watch deal]\ninterval = 1s\n");
  const Site site(options);
  const auto log = [&] { return read_file(site.run_dir() / "data/b24hooks.log"); };
  BOOST_REQUIRE(wait_until([&] { return log().contains("watch_member_id"); }));
  BOOST_TEST(log().contains("set member_id in [portal]"));
  site.set_settings(site.settings() + "\n[portal]\nmember_id = 5a7d0b0c5f0e4a3b9c8d7e6f50123456\n");
  site.kill("handler", SIGTERM);
  site.kill("handler-backup", SIGTERM);
  wait_for_passes(site, "deal");
  const std::size_t before = came(site);
  site.call_json("crm.deal.update",
                 Value::map({{"id", 1}, {"fields", Value::map({{"TITLE", "x"}})}}));
  BOOST_REQUIRE(wait_until([&] { return came(site) == before + 1; }));
  wait_for_passes(site, "deal");
  BOOST_TEST(came(site) == before + 1);
}

BOOST_AUTO_TEST_SUITE_END()
