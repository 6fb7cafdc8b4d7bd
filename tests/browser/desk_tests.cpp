// desk_tests: an owner without a shell looks after the leads in a real browser.
#include <boost/test/unit_test.hpp>
#include <string>

#include "keep/store.h"
#include "pages.h"

using namespace b24;
using namespace b24::test;

namespace desk_tests {

constexpr const char* kLeads = "/checkserver.php?desk=leads";

std::shared_ptr<Store> store() {
  return Store::open(troubled_site().run_dir() / "data").value();
}

// In by the key, where the address leads to.
Browser& come_in(const std::string& language, bool scripts) {
  Browser& browser = fresh_browser(language);
  browser.set_scripts(scripts);
  // A suite before this one may have changed the settings a moment ago.
  const bool is_there = wait_until([&] {
    browser.open(address(troubled_site(), kLeads));
    return browser.has("#key");
  });
  BOOST_REQUIRE(is_there);
  BOOST_TEST(!browser.has("table"));
  browser.fill("#key", kOwnersKey);
  browser.click("main form button[type=submit]");
  BOOST_REQUIRE(browser.comes(".filter"));
  return browser;
}

void open_lead(Browser& browser, const std::string& word) {
  browser.fill("#q", word);
  browser.click(".filter button");
  BOOST_REQUIRE(wait_until([&] { return browser.url().contains("q=" + word); }));
  BOOST_REQUIRE(browser.comes(".items .what a"));
  browser.click(".items .what a");
  BOOST_REQUIRE(browser.comes(".life"));
}

}  // namespace desk_tests

BOOST_AUTO_TEST_SUITE(desk_tests)

BOOST_AUTO_TEST_CASE(a_lead_is_found_sent_again_set_aside_and_deleted) {
  for (const bool scripts : {true, false}) {
    const std::string language = scripts ? "en" : "ru";
    BOOST_TEST_CONTEXT(language << (scripts ? ", with scripts" : ", without scripts")) {
      const std::string id = "desk" + language;
      const auto sent = add_failed_lead(troubled_site(), id + "a", "<b>Otto</b> " + id + "a");
      const auto spam = add_failed_lead(troubled_site(), id + "b", "<b>Otto</b> " + id + "b");
      Browser& browser = come_in(language, scripts);
      open_lead(browser, id + "a");
      BOOST_TEST(browser.text("h1").contains("<b>Otto</b> " + id));
      BOOST_TEST(browser.text(".badge") == message(language, "desk_lead_failed"));
      BOOST_TEST(browser.text(".life").contains(message(language, "desk_step_failed")));
      browser.click("form.do-send button");
      BOOST_TEST(browser.comes(".notice.ok"));
      BOOST_TEST(browser.text(".notice") == message(language, "desk_done_send"));
      BOOST_TEST(store()->history(sent).value().at(2).outcome == "retried by hand");

      browser.open(address(troubled_site(), kLeads));
      open_lead(browser, id + "b");
      browser.click("form.do-spam button");
      BOOST_TEST(browser.comes(".notice.ok"));
      BOOST_TEST(browser.text(".badge") == message(language, "desk_lead_spam"));
      BOOST_TEST((store()->find(spam).value().value().state == State::spam));
      browser.click("details.card > summary");
      browser.click("form.do-delete button");
      BOOST_TEST(browser.comes(".filter"));
      BOOST_TEST(browser.text(".notice") == message(language, "desk_done_delete"));
      BOOST_TEST(!store()->find(spam).value());

      browser.click("form.do-leave button");
      BOOST_TEST(browser.comes("#key"));
      browser.open(address(troubled_site(), kLeads));
      BOOST_TEST(browser.has("#key"));
      BOOST_TEST(!browser.has("table"));
      BOOST_TEST(browser.complaints() == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(the_newest_events_come_by_themselves) {
  Browser& browser = come_in("en", true);
  browser.open(address(troubled_site(), "/checkserver.php?desk=events"));
  BOOST_REQUIRE(browser.comes("#renew"));
  browser.script("window.stays = true;");
  NewItem item;
  item.kind = Kind::event;
  item.id = "live-event";
  item.name = "ONLIVE<b>";
  item.received_at = now_ms();
  item.state = State::done;
  item.payload = Value::map({{"event", item.name}});
  BOOST_REQUIRE(store()->accept({item}));
  BOOST_TEST(wait_until([&] { return browser.text("#live").contains("ONLIVE<b>"); }));
  BOOST_TEST(browser.script("return String(window.stays);").text() == "true");
  BOOST_TEST(browser.complaints() == "");
  // Without scripts the list is simply there.
  browser.set_scripts(false);
  browser.open(address(troubled_site(), "/checkserver.php?desk=events"));
  BOOST_TEST(browser.text("#live").contains("ONLIVE<b>"));
  browser.set_scripts(true);
}

BOOST_AUTO_TEST_CASE(lines_to_put_can_be_copied) {
  Browser& browser = come_in("en", true);
  browser.open(address(troubled_site(), "/checkserver.php?desk=setup"));
  BOOST_REQUIRE(browser.comes("pre[data-copy]"));
  const std::string counts =
      "return String(document.querySelectorAll('pre[data-copy]').length > 50 &&"
      " [...document.querySelectorAll('pre[data-copy]')].every(p => p.querySelector('button')));";
  BOOST_TEST(browser.script(counts).text() == "true");
  BOOST_TEST(browser.complaints() == "");
}

BOOST_AUTO_TEST_SUITE_END()
