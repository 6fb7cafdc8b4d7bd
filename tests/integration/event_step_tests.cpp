// event_step_tests: what follows a deal that changed its stage: a chat, a mail, a table; and what
// is told of it beforehand.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "base/text.h"
#include "event_fixture.h"
#include "form_client.h"
#include "site.h"
#include "tls_server.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(event_step_tests)

BOOST_AUTO_TEST_CASE(a_new_stage_is_told_to_a_chat_by_mail_and_in_a_table_once) {
  const TlsServer chat(nullptr, [](const Received& request) {
    return request.number == 1 ? answer(500, "not now") : answer(200, "{}");
  });
  const TempDir dir;
  const std::string sendmail = (dir / "sendmail").string();
  write_file(sendmail, "#!/bin/sh\ncat >> \"" + (dir / "mails").string() + "\"\n");
  fs::permissions(sendmail, fs::perms::owner_all);
  SiteOptions options;
  options.settings = site_settings(
      "\n[notify]\nsendmail = " + sendmail +
      "\n\n[on ONCRMDEALUPDATE stage]\ncall = crm.deal.get?id={data.FIELDS.ID}\n"
      "changed = STAGE_ID\nforward = http://127.0.0.1:" +
      std::to_string(chat.port()) +
      "/bot1/send\nforward_body = {\"text\": \"{{result.TITLE}}: {{old.STAGE_ID}} > "
      "{{result.STAGE_ID}}\"}\nmail = boss@example.com\nmail_subject = Stage {result.STAGE_ID}\n"
      "append = stages.csv\nappend_row = Deal: {data.FIELDS.ID} | Stage: {result.STAGE_ID}\n");
  const Site site(options);
  const auto store = [&] { return good(Store::open(site.run_dir() / "data")); };
  std::int64_t changes = 0;
  const auto change = [&](const char* field, const char* value) {
    site.call_json("crm.deal.update",
                   Value::map({{"id", 1}, {"fields", Value::map({{field, value}})}}));
    ++changes;
    BOOST_REQUIRE(wait_until([&] { return good(store()->stats(Kind::event)).done == changes; },
                             kDeadline * 3));
  };
  change("STAGE_ID", "PREPARATION");  // the first time, and the chat fails at first
  change("TITLE", "=a \"quoted\" deal");
  change("STAGE_ID", "WON");
  const std::vector<Received> told = chat.requests();
  BOOST_REQUIRE(told.size() == 3u);
  BOOST_TEST(good(json::parse(told[1].body))["text"].text().ends_with(":  > PREPARATION"));
  BOOST_TEST(good(json::parse(told[2].body))["text"].text() ==
             "=a \"quoted\" deal: PREPARATION > WON");
  const std::string mails = read_file(dir / "mails");
  for (const char* part :
       {"To: boss@example.com\n", "Subject: Stage PREPARATION\n", "Subject: Stage WON\n"})
    BOOST_TEST(mails.contains(part), part);
  const fs::path table = site.run_dir() / "stages.csv";
  constexpr fs::perms kOwners = fs::perms::owner_read | fs::perms::owner_write;
  BOOST_TEST(((fs::status(table).permissions() & fs::perms::all) == kOwners));
  const auto rows = text::split(read_file(table), "\n");
  BOOST_REQUIRE(rows.size() == 3u);
  BOOST_TEST(rows[0] == "id,received_at,\"Deal\",\"Stage\"");
  BOOST_TEST(rows[1].ends_with(",\"1\",\"PREPARATION\""));
  BOOST_TEST(rows[2].ends_with(",\"1\",\"WON\""));
  const std::string second = all_events(*store()).at(1).id;
  const Ran explained = run({{built("cgi-bin/handler.fcgi"), "--settings",
                              (site.run_dir() / "settings.conf").string(), "--explain", second},
                             {},
                             "",
                             {},
                             {}});
  BOOST_TEST(explained.status == 0, explained.err);
  BOOST_TEST(explained.out.contains("does not run: not changed: STAGE_ID (\"PREPARATION\")"),
             explained.out);
  BOOST_TEST(chat.requests().size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
