// checkserver_tests: an owner's way through the self-check in a real browser.
#include <boost/test/unit_test.hpp>
#include <string>

#include "pages.h"

using namespace b24;
using namespace b24::test;

namespace checkserver_tests {

constexpr const char* kPage = "/checkserver.php";
constexpr const char* kSend = "main form button[type=submit]";

Browser& open(const std::string& language, const Site& site, bool scripts = true) {
  Browser& browser = fresh_browser(language);
  browser.set_scripts(scripts);
  browser.open(address(site, kPage));
  return browser;
}

// What a script's expression gives for each element of a selector.
Value each(const Browser& browser, const std::string& css, const std::string& expression) {
  return browser.script(
      "return [...document.querySelectorAll(arguments[0])].map((e) => " + expression + ");",
      Value::list({css}));
}

}  // namespace checkserver_tests

BOOST_AUTO_TEST_SUITE(checkserver_tests)

BOOST_AUTO_TEST_CASE(all_well_is_said_first_and_the_rest_is_folded) {
  for (const std::string language : kLanguages) {
    const Browser& browser = open(language, shared_site());
    BOOST_TEST(browser.text("h1") == message(language, "checks_verdict_ok"));
    BOOST_TEST(browser.has(".verdict.ok"));
    BOOST_TEST(!browser.has(".problem"));
    BOOST_TEST(browser.has("details.group"));
    BOOST_TEST(!browser.has("details[open]"));
    BOOST_TEST(browser.has("svg.chart"));
  }
}

BOOST_AUTO_TEST_CASE(a_group_unfolds_by_mouse_and_by_key_with_and_without_scripts) {
  for (const bool scripts : {true, false}) {
    Browser& browser = open("en", shared_site(), scripts);
    const std::string row = "details.group:last-of-type tr:first-child td.detail";
    BOOST_TEST(browser.text(row) == "");
    browser.click("details.group:last-of-type summary");
    BOOST_TEST(browser.text(row) != "");
    browser.press(kEnterKey);
    BOOST_TEST(browser.goes("details[open]"));
  }
}

BOOST_AUTO_TEST_CASE(the_key_opens_the_details_for_this_browser_alone) {
  for (const std::string language : kLanguages) {
    for (const bool scripts : {true, false}) {
      BOOST_TEST_CONTEXT(language << (scripts ? ", with scripts" : ", without scripts")) {
        Browser& browser = open(language, troubled_site(), scripts);
        BOOST_TEST(browser.text("h1") == message(language, "checks_verdict_error"));
        BOOST_TEST(!browser.has("details, .problem, svg"));

        browser.fill("#key", "not-the-key-0123456789");
        browser.click(kSend);
        BOOST_TEST(browser.text(".notice.error") == message(language, "checks_key_wrong"));
        BOOST_TEST(browser.focus_comes("key"));
        BOOST_TEST(!browser.has("details, .problem, svg"));

        browser.fill("#key", kOwnersKey);
        browser.click(kSend);
        BOOST_TEST(browser.comes("details.group"));
        BOOST_TEST(!browser.url().contains(kOwnersKey));
        browser.reload();
        BOOST_TEST(browser.comes("details.group"));
        BOOST_TEST(browser.script("return document.cookie;").text() == "");
        BOOST_TEST(browser.complaints() == "");

        BOOST_TEST(!open(language, troubled_site(), scripts).has("details, .problem, svg"));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(problems_come_before_everything_else_errors_first) {
  for (const std::string language : kLanguages) {
    Browser& browser = open(language, troubled_site());
    browser.fill("#key", kOwnersKey);
    browser.click(kSend);
    BOOST_REQUIRE(browser.comes(".problem"));
    BOOST_TEST(browser.has(".verdict.error"));
    const Value states = each(browser, ".problem", "e.classList.contains('error') ? 2 : 1");
    BOOST_REQUIRE(states.size() >= 3U);
    for (std::size_t i = 1; i < states.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      BOOST_TEST(states[at].integer() <= states[at - 1].integer());
    }
    BOOST_TEST(states[0].integer() == 2);
    BOOST_TEST(states[static_cast<std::int64_t>(states.size()) - 1].integer() == 1);
    const Value remedies = each(browser, ".problem .remedy", "e.textContent.length > 20");
    BOOST_TEST(remedies.size() == states.size());
    for (const Value::Member& long_enough : remedies.members()) {
      BOOST_TEST(long_enough.value.boolean());
    }
    BOOST_TEST(browser.has("#problem-portal_stage"));
    BOOST_TEST(browser
                   .script("return document.querySelector('.problem').offsetTop <"
                           " document.querySelector('.charts').offsetTop;")
                   .boolean());
  }
}

BOOST_AUTO_TEST_CASE(the_page_refreshes_when_asked_and_stops) {
  for (const bool scripts : {true, false}) {
    Browser& browser = open("en", shared_site(), scripts);
    BOOST_TEST(!browser.has("meta[http-equiv=refresh]"));
    browser.click("nav a[href='?refresh=30']");
    BOOST_TEST(browser.attribute("meta[http-equiv=refresh]", "content") == "30");
    BOOST_TEST(browser.url().ends_with("?refresh=30"));
    browser.click("nav a.quiet");
    BOOST_TEST(browser.goes("meta[http-equiv=refresh]"));
    browser.click("nav a.button:not(.quiet)");
    BOOST_TEST(browser.comes(".verdict.ok"));
  }
}

BOOST_AUTO_TEST_CASE(the_other_forms_are_a_click_away) {
  Browser& browser = open("en", shared_site());
  browser.click("a[href='?format=text']");
  const auto reads = [&](const std::string& words) {
    return wait_until([&] { return browser.text("body").contains(words); });
  };
  BOOST_TEST(browser.goes("main"));
  BOOST_TEST(reads(message("en", "checks_verdict_ok")));
  browser.back();
  browser.click("a[href='?format=metrics']");
  BOOST_TEST(reads("b24hooks_verdict 0"));
}

BOOST_AUTO_TEST_CASE(what_can_be_pasted_can_be_copied) {
  const ChangedSetting changed(troubled_site(), "application_token", "");
  Browser& browser = open("en", troubled_site());
  browser.fill("#key", kOwnersKey);
  browser.click(kSend);
  const bool found = wait_until([&] {
    browser.reload();
    return browser.has("#problem-token pre");
  });
  BOOST_REQUIRE(found);
  const std::string lines = browser.text("#problem-token pre");
  BOOST_TEST(lines.contains("application_token"));
  BOOST_TEST(lines.contains(message("en", "checks_copy")));
  browser.click("#problem-token pre button");
  BOOST_TEST(wait_until(
      [&] { return browser.text("#problem-token pre button") == message("en", "checks_copied"); }));
}

BOOST_AUTO_TEST_CASE(the_receiver_tells_a_browser_what_it_is_for) {
  for (const std::string language : kLanguages) {
    Browser& browser = fresh_browser(language);
    browser.open(address(shared_site(), "/handler.php"));
    BOOST_TEST(browser.text("h1") == message(language, "handler_title"));
    BOOST_TEST(browser.attribute("html", "lang") == language);
    BOOST_TEST(browser.complaints() == "");
  }
}

BOOST_AUTO_TEST_CASE(a_page_that_is_not_there_says_so) {
  const ChangedSetting changed(troubled_site(), "access", "off");
  BOOST_REQUIRE(wait_until([] { return troubled_site().get(kPage).status == 404; }));
  for (const std::string language : kLanguages) {
    Browser& browser = open(language, troubled_site());
    BOOST_TEST(browser.text("h1") == message(language, "error_title"));
    BOOST_TEST(browser.text("main").contains(message(language, "error_not_found")));
    BOOST_TEST(browser.text(".eyebrow").contains("404"));
    BOOST_TEST(browser.complaints() == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
