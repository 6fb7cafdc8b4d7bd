// missed_event_tests: an outage in which the portal calls nobody, and kills while what was missed
// is caught up with.
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
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

// Ten pages, or with WHOLE=1 a day's outage.
const std::size_t kNew = std::getenv("WHOLE") == nullptr ? 500 : 5'000;

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

// How many of each name and object came behind that number, all of them found by asking.
std::map<std::string, int> recovered_behind(const Site& site, std::int64_t number) {
  std::map<std::string, int> events;
  for (const Item& item : all_events(*store_of(site))) {
    if (item.number <= number) continue;
    ++events[item.name + " " + item.object];
    BOOST_TEST(item.payload["recovered"].text() == "1", item.name << " " << item.object);
  }
  return events;
}

void add_deals(const Site& site, std::size_t count) {
  for (std::size_t done = 0; done < count; done += 50) {
    Value commands = Value::array();
    for (std::size_t i = 0; i < 50; ++i) commands.append("crm.deal.add?fields%5BTITLE%5D=x");
    site.call_json("batch", Value::map({{"halt", 0}, {"cmd", commands}}));
  }
}

struct WatchedRow {
  const char *kind, *object;
  int type;  // entityTypeId; 0: tasks
};
constexpr WatchedRow kRows[] = {{"lead", "ONCRMLEAD", 1},         {"deal", "ONCRMDEAL", 2},
                                {"contact", "ONCRMCONTACT", 3},   {"company", "ONCRMCOMPANY", 4},
                                {"128", "ONCRMDYNAMICITEM", 128}, {"task", "ONTASK", 0}};

std::string add(const Site& site, int type) {
  const Value fields = Value::map({{"TITLE", "x"}, {"title", "x"}, {"RESPONSIBLE_ID", 1}});
  const Value result =
      site.call_json(type == 0 ? "tasks.task.add" : "crm.item.add",
                     Value::map({{"entityTypeId", type}, {"fields", fields}}))["result"];
  return result[type == 0 ? "task" : "item"]["id"].text();
}

void change(const Site& site, int type, const std::string& id) {
  const Value fields = Value::map({{"TITLE", "y"}, {"title", "y"}});
  const Value answer = site.call_json(
      type == 0 ? "tasks.task.update" : "crm.item.update",
      Value::map({{"entityTypeId", type}, {"id", id}, {"taskId", id}, {"fields", fields}}));
  BOOST_REQUIRE(!answer["result"].is_null());
}

// The lines of the log that have it.
std::size_t logged(const Site& site, const std::string& word) {
  std::size_t lines = 0;
  for (const std::string& line : text::split(read_file(site.run_dir() / "data/b24hooks.log"), "\n"))
    lines += line.contains(word) ? 1 : 0;
  return lines;
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
  const auto change = [&](const char* method, const Value& params) {
    return site.call_json(method, params);
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
  auto events = recovered_behind(site, last_before);
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
  BOOST_REQUIRE(wait_until([&] { return came(site) > all; }, kDeadline * 12));
  wait_for_passes(site, "lead");
  const Item last = all_events(*store_of(site)).back();
  BOOST_TEST(last.name == "ONCRMLEADDELETE");
  BOOST_TEST(last.object == "ONCRMLEAD:" + std::to_string(lead));
  BOOST_TEST(came(site) == all + 1);
}

BOOST_AUTO_TEST_CASE(each_kind_is_watched_and_one_that_the_portal_does_not_know_is_told_of) {
  SiteOptions options;
  // The interval is also how long an event may be on its way: on a busy machine a while.
  std::string settings =
      "bucket_size = 100000\nbucket_drain = 10000\n[watch 9999]\ninterval = 3s\n";
  for (const WatchedRow& row : kRows)
    settings += "[watch " + std::string(row.kind) + "]\ninterval = 3s\n";
  options.settings = site_settings(settings);
  const Site site(options);
  site.control("limits", Value::map({{"size", 100'000}, {"drain", 10'000}}));
  for (const WatchedRow& row : kRows)
    BOOST_REQUIRE(wait_until([&] { return known(site, row.kind)["since"].integer() > 0; }));
  wait_for_passes(site, "task");
  const std::size_t before = came(site);
  std::map<std::string, std::string> old;
  for (const WatchedRow& row : kRows) old[row.kind] = add(site, row.type);
  BOOST_REQUIRE(wait_until([&] { return came(site) == before + std::size(kRows); }));
  wait_for_passes(site, "task");
  wait_for_passes(site, "task");
  BOOST_TEST(came(site) == before + std::size(kRows));  // what came is not filed again

  site.control("handler", Value::map({{"url", ""}}));
  const std::int64_t last = good(store_of(site)->last_number());
  std::map<std::string, int> wanted;
  for (const WatchedRow& row : kRows) {
    const std::string name = row.object, object = name + (row.type == 128 ? ":128:" : ":");
    change(site, row.type, old[row.kind]);
    wanted[name + "UPDATE " + object + old[row.kind]] = 1;
    wanted[name + "ADD " + object + add(site, row.type)] = 1;
  }
  const std::size_t all = before + 3 * std::size(kRows);
  BOOST_REQUIRE(wait_until([&] { return came(site) >= all; }, kDeadline * 3));
  wait_for_passes(site, "task");
  const auto events = recovered_behind(site, last);
  BOOST_TEST((events == wanted));
  BOOST_TEST(came(site) == all);

  BOOST_TEST(logged(site, "[watch 9999]: ") == 1u, read_file(site.run_dir() / "data/b24hooks.log"));
  BOOST_TEST(logged(site, "name a smart process's entityTypeId there") == 1u);
  // Rows without times are passed over and told of; nothing is taken for known meanwhile.
  site.fault("untimed", 0, "tasks.task.list");
  BOOST_REQUIRE(wait_until([&] { return logged(site, "watch_row") > 0; }));
  change(site, 0, old["task"]);
  wait_for_passes(site, "task");
  BOOST_TEST(came(site) == all);
  site.fault("ok");
  BOOST_REQUIRE(wait_until([&] { return came(site) > all; }));
  wait_for_passes(site, "task");
  BOOST_TEST(came(site) == all + 1);
  BOOST_TEST(all_events(*store_of(site)).back().object == "ONTASK:" + old["task"]);
  BOOST_TEST(logged(site, "[watch task]: ") == 1u);
}

// The objects of two portals are told apart by member_id.
BOOST_AUTO_TEST_CASE(each_of_several_portals_is_watched_by_its_own_webhook) {
  const std::string watches = "[watch deal]\ninterval = 1s\n[watch deal other]\ninterval = 1s\n";
  SiteOptions options;
  options.settings = site_settings("\n[portal other]\napplication_token = another\n" + watches);
  const Site site(options);
  BOOST_REQUIRE(wait_until([&] { return logged(site, "set member_id in [portal other] ") == 1; }));
  BOOST_TEST(logged(site, "set member_id in [portal] ") == 1u);
  const std::string host = "127.0.0.1:" + std::to_string(site.sandbox_port());
  site.set_settings(site.settings() + "\n[portal]\nmember_id = 5a7d0b0c5f0e4a3b9c8d7e6f50123456\n" +
                    "\n[portal other]\nmember_id = theirs\nwebhook = https://" + host +
                    "/rest/3/admin/\n");
  site.kill("handler", SIGTERM);
  site.kill("handler-backup", SIGTERM);
  wait_for_passes(site, "deal");
  wait_for_passes(site, "deal_other");
  const std::int64_t last = good(store_of(site)->last_number());
  const std::size_t before = came(site);
  change(site, 2, "1");
  BOOST_REQUIRE(wait_until([&] { return came(site) >= before + 2; }));
  wait_for_passes(site, "deal");
  wait_for_passes(site, "deal_other");
  std::map<std::string, int> events;
  for (const Item& item : all_events(*store_of(site))) {
    if (item.number <= last) continue;
    const Value& event = item.payload;
    ++events[item.object + (event["recovered"].is_null()
                                ? ""
                                : " recovered from " + event["auth"]["domain"].text())];
  }
  // The first one's came by itself, that of the other did not.
  const std::map<std::string, int> wanted = {{"ONCRMDEAL:1@5a7d0b0c5f0e4a3b9c8d7e6f50123456", 1},
                                             {"ONCRMDEAL:1@theirs recovered from " + host, 1}};
  BOOST_TEST((events == wanted));
  const auto users = site.callers("crm.item.list");
  BOOST_TEST(std::set<std::string>(users.begin(), users.end()).size() == 2u);
  const std::string gates = read_file(site.run_dir() / "data/gate.json");
  BOOST_TEST(gates.contains(host));
  BOOST_TEST(gates.contains("localhost:"));
}

BOOST_AUTO_TEST_SUITE_END()
