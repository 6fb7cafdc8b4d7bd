// checkserver_portal_tests: the self-check's rows about the portal, each with the very thing
// broken.
#include <boost/test/unit_test.hpp>

#include "base/clock.h"
#include "check_site.h"
#include "portal/gate.h"
#include "portal/webhook.h"

namespace checkserver_portal_tests {

using namespace b24::test;
using b24::Value;

std::string sandbox_url(const char* webhook) {
  return "https://localhost:" + std::to_string(breakable_site().sandbox_port()) + "/rest/" +
         webhook;
}

std::string portal_time(b24::Millis at) {
  return b24::iso_time(at).substr(0, 19) + "+00:00";
}

}  // namespace checkserver_portal_tests

BOOST_AUTO_TEST_SUITE(checkserver_portal_tests)

BOOST_AUTO_TEST_CASE(a_wrong_secret_is_named_with_its_cure) {
  const ChangedSetting changed(breakable_site(), "C_REST_WEB_HOOK_URL",
                               sandbox_url("1/notthesecret/"));
  const Ran ran = run_check(breakable_site().run_dir() / "settings.conf");
  BOOST_TEST(ran.status == 2);
  expect_row(parsed_json(ran.out), "portal_answer", "error", "does not know this webhook");
  expect_row(parsed_json(ran.out), "portal_answer", "error", "copy its address");
  BOOST_TEST(!ran.out.contains("notthesecret"));
}

BOOST_AUTO_TEST_CASE(an_address_that_is_no_webhooks_is_named_without_its_secret) {
  for (const char* url :
       {"http://example.com/rest/1/secretsecret99/", "https://example.com/secretsecret99",
        "https:/example.com/rest/1/secretsecret99/", "example.com/rest/1/secretsecret99",
        "https://example.com/rest/1/secretsecret99/crm.lead.add.json"}) {
    const Ran ran = run_check(BareCheck("", url).settings());
    BOOST_TEST_CONTEXT(url) {
      expect_row(parsed_json(ran.out), "webhook_url", "error", "C_REST_WEB_HOOK_URL");
      BOOST_TEST(!(ran.out + ran.err).contains("secretsecret99"));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_webhook_without_the_right_crm_is_found) {
  const ChangedSetting changed(breakable_site(), "C_REST_WEB_HOOK_URL", sandbox_url("2/noscope/"));
  const Value report = checked(breakable_site());
  expect_row(report, "portal_scope", "error", "add the right crm");
  expect_row(report, "portal_methods", "error", "crm.lead.add");
}

BOOST_AUTO_TEST_CASE(an_administrators_webhook_is_warned_of) {
  const ChangedSetting changed(breakable_site(), "C_REST_WEB_HOOK_URL", sandbox_url("3/admin/"));
  expect_row(checked(breakable_site()), "portal_user", "warning", "administrator");
}

BOOST_AUTO_TEST_CASE(a_certificate_that_nobody_vouches_for_is_refused) {
  const Site& site = breakable_site();
  {
    const ChangedSetting changed(site, "ca_file", "");
    const Value report = checked(site);
    expect_row(report, "portal_tls", "error", "certificate authority");
    expect_row(report, "portal_answer", "error");
  }
  // Unless it is to be ignored: then calls work, and are warned of.
  const ChangedSetting changed(site, "ca_file", "\n[page]\nlanguage = en");
  site.set_settings("C_REST_IGNORE_SSL = Y\n" + site.settings());
  const Value report = checked(site);
  expect_row(report, "portal_tls", "warning", "C_REST_IGNORE_SSL is on");
  expect_row(report, "portal_answer", "ok");
}

BOOST_AUTO_TEST_CASE(certificates_are_looked_at_closely) {
  const Authority authority;
  struct Case {
    const char* name;
    int days;  // from ten days ago
    const char* state;
    const char* words;
  };
  for (const Case& c :
       {Case{"localhost", -1, "error", "expired"}, Case{"other.example", 100, "error", "name"},
        Case{"localhost", 15, "warning", "days more"}, Case{"localhost", 100, "ok", "days more"}}) {
    const TlsServer server(authority.issue(c.name, c.days),
                           [](const Received&) { return b24::test::json("{\"result\":[]}"); });
    const BareCheck bare("[portal_call]\nca_file = " + authority.ca_file().string(),
                         server.url("/rest/1/secretsecret99/"));
    BOOST_TEST_CONTEXT(c.name << " " << c.days) {
      expect_row(bare.report(), "portal_tls", c.state, c.words);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_portal_that_fails_in_many_ways_is_found_within_the_time_limit) {
  Site& site = breakable_site();
  const ChangedSetting changed(site, "access", "public\ntime_limit = 3s");
  struct Case {
    const char* mode;
    const char* words;
  };
  for (const Case& c :
       {Case{"down", "Leads are kept"}, Case{"html", "not one of the portal's REST"},
        Case{"slow", "in time"}, Case{"expired", "expired"}, Case{"overload", "blocked"},
        Case{"server-error", "error of its own"}, Case{"closed", "Empty reply"}}) {
    site.fault(c.mode);
    const b24::Millis begun = b24::now_ms();
    BOOST_TEST_CONTEXT(c.mode) {
      const Value report = checked(site);
      expect_row(report, "portal_answer", "error", c.words);
      BOOST_TEST(report["took_ms"].integer() < 3'500);
      BOOST_TEST(report["took_ms"].integer() <= b24::now_ms() - begun);
    }
  }
  site.reset();
}

BOOST_AUTO_TEST_CASE(a_host_without_a_name_and_one_without_a_door_are_found) {
  expect_row(BareCheck("", "https://no-such-host.invalid/rest/1/secretsecret99/").report(),
             "portal_address", "error", "no-such-host.invalid");
  const Value report =
      BareCheck("", "https://127.0.0.1:" + std::to_string(free_port()) + "/rest/1/secretsecret99/")
          .report();
  expect_row(report, "portal_address", "error", "127.0.0.1 Connection refused");
  expect_row(report, "portal_tls", "error");
}

BOOST_AUTO_TEST_CASE(a_wrong_clock_is_found_on_either_side) {
  const b24::Millis now = b24::now_ms();
  const ScriptedPortal behind({.results = {{"time", portal_time(now - 3'600'000)}}});
  expect_row(behind.report(), "portal_clock", "error", "s ahead of");
  const ScriptedPortal ahead({.results = {{"time", portal_time(now + 120'000)}}});
  const Value report = ahead.report();
  expect_row(report, "portal_clock", "warning", "s behind");
  BOOST_TEST(check_row(report, "portal_clock")["paste"][0].text() == "timedatectl set-ntp true");
  expect_row(ScriptedPortal().report(), "portal_clock", "ok");
}

BOOST_AUTO_TEST_CASE(a_required_field_that_the_form_does_not_fill_is_found) {
  Value fields =
      Value::map({{"TITLE", Value::map({{"isRequired", true}})},
                  {"UF_CRM_BRANCH", Value::map({{"isRequired", true}, {"formLabel", "Branch"}})},
                  {"DATE_CREATE", Value::map({{"isRequired", true}, {"isReadOnly", true}})}});
  for (const char* name : {"NAME", "LAST_NAME", "PHONE", "EMAIL", "STATUS_ID", "OPENED",
                           "ASSIGNED_BY_ID", "ORIGINATOR_ID", "ORIGIN_ID"}) {
    fields.set(name, Value::map({{"isRequired", false}}));
  }
  const ScriptedPortal portal({.results = {{"fields", fields}}});
  const Value report = portal.report();
  expect_row(report, "portal_fields", "error", "UF_CRM_BRANCH");
  expect_row(report, "portal_fields", "error", "Branch");
  BOOST_TEST(!check_row(report, "portal_fields")["detail"].text().contains("TITLE"));
  BOOST_TEST(!check_row(report, "portal_fields")["detail"].text().contains("DATE_CREATE"));
  const std::string filled = "[form]\nvalues = UF_CRM_BRANCH=north\n";
  expect_row(portal.report(filled), "portal_fields", "ok");
}

BOOST_AUTO_TEST_CASE(a_stage_a_source_and_a_field_that_are_gone_are_found) {
  const Site& site = breakable_site();
  const std::string before = site.settings();
  site.set_settings(before + "\n[form]\nvalues = STATUS_ID=NO_SUCH, SOURCE_ID=RADIO, UF_NONE=1\n");
  const Value report = checked(site);
  site.set_settings(before);
  expect_row(report, "portal_stage", "error", "NO_SUCH");
  expect_row(report, "portal_source", "error", "RADIO");
  expect_row(report, "portal_fields", "error", "UF_NONE");
}

BOOST_AUTO_TEST_CASE(a_responsible_who_is_unknown_or_dismissed_is_found) {
  const std::string values = "[form]\nvalues = ASSIGNED_BY_ID=9\n";
  const ScriptedPortal nobody({.results = {{"responsible", Value::array()}}});
  expect_row(nobody.report(values), "portal_responsible", "error", "9");
  const Value gone = Value::list({Value::map({{"ID", "9"}, {"ACTIVE", false}})});
  const ScriptedPortal dismissed({.results = {{"responsible", gone}}});
  expect_row(dismissed.report(values), "portal_responsible", "warning", "any more");
  expect_row(ScriptedPortal().report(values), "portal_responsible", "ok", "9 exists");
  const ScriptedPortal silent({.errors = {{"responsible", "insufficient_scope"}}});
  expect_row(silent.report(values), "portal_responsible", "info", "right user");
}

BOOST_AUTO_TEST_CASE(questions_that_the_portal_refuses_are_told_apart) {
  const ScriptedPortal portal({.errors = {{"scope", "ACCESS_DENIED"},
                                          {"mode", "insufficient_scope"},
                                          {"stages", "INTERNAL_SERVER_ERROR"}}});
  const Value report = portal.report();
  expect_row(report, "portal_answer", "ok");
  expect_row(report, "portal_scope", "warning", "plan");
  expect_row(report, "portal_mode", "warning", "add the right crm");
  expect_row(report, "portal_stage", "warning", "support");
  expect_row(report, "portal_source", "ok");
}

BOOST_AUTO_TEST_CASE(methods_of_actions_are_asked_for_too) {
  const ScriptedPortal portal(
      {.results = {{"method0", Value::map({{"isExisting", false}, {"isAvailable", false}})}}});
  const std::string action = "[on ONCRMDEALUPDATE]\ncall = crm.deal.gett?id={data.FIELDS.ID}\n";
  expect_row(portal.report(action), "portal_methods", "error", "not available: crm.deal.gett");
}

BOOST_AUTO_TEST_CASE(a_simple_crm_is_told_and_a_classic_one) {
  expect_row(ScriptedPortal({.results = {{"mode", 2}}}).report(), "portal_mode", "info", "Simple");
  expect_row(ScriptedPortal().report(), "portal_mode", "info", "Classic");
}

BOOST_AUTO_TEST_CASE(limits_that_are_nearly_used_up_or_hold_back_are_found) {
  const ScriptedPortal busy({.operating = 470});
  expect_row(busy.report(), "portal_limits", "warning", "470 s of 480");
  const ScriptedPortal portal;
  const BareCheck check = portal.check();
  expect_row(check.report(), "portal_limits", "ok", "of 50");
  const std::string text = read_file(check.settings());
  const auto at = text.find("localhost:");
  const auto gate = b24::Gate::open(check.data(), text.substr(at, text.find('/', at) - at), {});
  BOOST_REQUIRE(gate.has_value());
  for (int i = 0; i < 48; ++i) (*gate)->enter("crm.lead.add");
  expect_row(check.report(), "portal_limits", "warning", "Nearly used up");
  b24::CallError error;
  error.error = {b24::ErrorKind::portal, "OVERLOAD_LIMIT", "blocked", ""};
  error.status = 503;
  (*gate)->ended("crm.lead.add", std::unexpected(error));
  expect_row(check.report(), "portal_limits", "warning", "held back");
}

BOOST_AUTO_TEST_SUITE_END()
