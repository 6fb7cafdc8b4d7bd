// explain_tests: what an owner is told that the actions would do with an event.
#include "handler/explain.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "process.h"

using namespace b24;
using namespace b24::test;

namespace explain_tests {

Item deal() {
  Item item;
  item.kind = Kind::event;
  item.id = "id";
  item.name = "ONCRMDEALUPDATE";
  item.object = "ONCRMDEAL:7";
  item.received_at = 1'800'000'000'000;
  item.payload = Value::map(
      {{"event", item.name}, {"data", Value::map({{"FIELDS", Value::map({{"ID", "7"}})}})}});
  return item;
}

Settings with(const ActionSettings& action) {
  Settings settings;
  settings.actions = {action};
  settings.actions[0].event = "ONCRMDEALUPDATE";
  return settings;
}

std::string explained(const ActionSettings& action, const Item& item = deal()) {
  return explain(with(action), item, item.received_at);
}

}  // namespace explain_tests

BOOST_AUTO_TEST_SUITE(explain_tests)

BOOST_AUTO_TEST_CASE(each_step_says_what_it_would_do) {
  const TempDir dir;
  write_file(dir / "program", "#!/bin/sh\n");
  std::filesystem::permissions(dir / "program", std::filesystem::perms::owner_all);
  ActionSettings action;
  action.exec = (dir / "program").string() + " {data.FIELDS.ID} x";
  action.append = dir / "rows.csv";
  action.append_row = "Id: {data.FIELDS.ID}";
  const std::string said = explained(action);
  BOOST_TEST(said.starts_with("ONCRMDEALUPDATE of ONCRMDEAL:7, received 2027-01-15T"), said);
  BOOST_TEST(said.contains("\n[on ONCRMDEALUPDATE] runs\n"), said);
  BOOST_TEST(said.contains("exec " + (dir / "program").string() + " 7 x\n"), said);
  BOOST_TEST(said.contains("append to " + (dir / "rows.csv").string() + "\n"), said);
  BOOST_TEST(said.contains(",\"7\""), said);
  BOOST_TEST(!said.contains("(done)"), said);
  BOOST_TEST(!std::filesystem::exists(dir / "rows.csv"));  // it only says so

  Item begun = deal();
  begun.progress = Value::map({{"ONCRMDEALUPDATE", Value::map({{"exec", true}})}});
  BOOST_TEST(explained(action, begun).contains(" 7 x\n        (done)\n"), explained(action, begun));
}

BOOST_AUTO_TEST_CASE(what_would_fail_and_what_does_not_run_have_their_reason) {
  ActionSettings action;
  action.exec = "/bin/true {data.FIELDS.ID}";
  Item dash = deal();
  dash.payload["data"]["FIELDS"].set("ID", "-7");
  BOOST_TEST(explained(action, dash).contains("exec: would fail: "), explained(action, dash));
  action.filter = "data.FIELDS.ID=8";
  BOOST_TEST(explained(action).contains("] does not run: "), explained(action));
  BOOST_TEST(!explained(action).contains("would fail"));

  Item other = deal();
  other.name = "ONCRMLEADADD";
  other.object = "";
  const std::string said = explained(action, other);
  BOOST_TEST(said.contains(" of no object, "), said);
  BOOST_TEST(said.contains("does not run: it is for ONCRMDEALUPDATE"), said);
  BOOST_TEST(explain(Settings(), deal(), 0).ends_with("there is no section [on EVENT]\n"));
}

BOOST_AUTO_TEST_CASE(what_waits_or_was_joined_says_with_whom) {
  ActionSettings action;
  action.exec = "/bin/true";
  action.debounce = 10 * kSecond;
  Item item = deal();
  const auto at = [&](Millis now) { return explain(with(action), item, now); };
  BOOST_TEST(at(item.received_at + 10 * kSecond - 1).contains("runs, after others of its object"));
  BOOST_TEST(at(item.received_at + 10 * kSecond).contains("] runs\n"));
  item.progress = Value::map({{"ONCRMDEALUPDATE", Value::map({{"joined_by", 9}})}});
  BOOST_TEST(at(item.received_at).contains("does not run: joined with item 9"));
}

BOOST_AUTO_TEST_SUITE_END()
