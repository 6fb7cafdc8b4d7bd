// form_tests: a visitor's way through the lead form in a real browser.
#include <boost/test/unit_test.hpp>
#include <string>

#include "browsers.h"

using namespace b24;
using namespace b24::test;

namespace form_tests {

// Each case begins with an empty sandbox that works.
struct Visit {
  Visit() { site.reset(); }

  Browser& open(const std::string& language, bool scripts = true) {
    Browser& browser = fresh_browser(language);
    browser.set_scripts(scripts);
    browser.open(address(site, "/index.php"));
    return browser;
  }

  const Site& site = shared_site();
};

constexpr const char* kSend = "#lead button[type=submit]";

void fill(Browser& browser, const std::string& phone = "+1 202 555 0100",
          const std::string& email = "anna@example.com") {
  browser.fill("#f-first_name", "Anna");
  browser.fill("#f-last_name", "O'Neil");
  browser.fill("#f-phone", phone);
  browser.fill("#f-email", email);
}

std::string value_of(const Browser& browser, const std::string& field) {
  return browser
      .script("return document.getElementById(arguments[0]).value;", Value::list({"f-" + field}))
      .text();
}

bool says(const Browser& browser, const std::string& text) {
  return wait_until([&] {
    return browser
        .script(
            "const n = document.getElementById('notice');"
            "return n !== null && !n.hidden && n.textContent.startsWith(arguments[0]);",
            Value::list({text}))
        .boolean();
  });
}

// The message without what is filled into it.
std::string beginning(const std::string& language, const std::string& key) {
  const std::string text = message(language, key);
  return text.substr(0, text.find("{{"));
}

void go_back_and_send_again(Browser& browser, const std::string& language) {
  browser.back();
  BOOST_TEST(browser.goes("#notice:not([hidden])"));
  BOOST_TEST(value_of(browser, "first_name") == "Anna");
  browser.click(kSend);
  BOOST_TEST(says(browser, message(language, "form_saved")));
}

template <class Test>
void in_each_way(Test test) {
  for (const std::string language : kLanguages) {
    for (const bool scripts : {true, false}) {
      BOOST_TEST_CONTEXT(language << (scripts ? ", with scripts" : ", without scripts")) {
        test(language, scripts);
      }
    }
  }
}

}  // namespace form_tests

BOOST_FIXTURE_TEST_SUITE(form_tests, Visit)

BOOST_AUTO_TEST_CASE(a_visitor_errs_corrects_and_sends) {
  in_each_way([&](const std::string& language, bool scripts) {
    site.reset();
    Browser& browser = open(language, scripts);
    browser.open(address(site, "/index.php?utm_source=news"));
    BOOST_TEST(browser.attribute("html", "lang") == language);
    BOOST_TEST(browser.text("h1") == message(language, "form_title"));
    browser.script("window.mark = 1;");
    fill(browser, "none", "anna@example");
    browser.click(kSend);

    BOOST_TEST(says(browser, message(language, "form_invalid")));
    BOOST_TEST(browser.attribute("#notice", "role") == "alert");
    BOOST_TEST(browser.focus_comes("f-phone"));
    for (const std::string field : {"phone", "email"}) {
      BOOST_TEST(browser.attribute("#f-" + field, "aria-invalid") == "true");
      BOOST_TEST(browser.attribute("#f-" + field, "aria-describedby") == "e-" + field);
      BOOST_TEST(browser.text("#e-" + field) == message(language, "invalid_" + field));
    }
    BOOST_TEST(!browser.has("#f-first_name[aria-invalid]"));
    BOOST_TEST(value_of(browser, "first_name") == "Anna");
    BOOST_TEST(value_of(browser, "last_name") == "O'Neil");
    BOOST_TEST(value_of(browser, "email") == "anna@example");
    BOOST_TEST(site.leads().size() == 0U);

    fill(browser);
    browser.click(kSend);
    BOOST_TEST(says(browser, message(language, "form_saved")));
    BOOST_TEST(!browser.has("[aria-invalid]"));
    BOOST_REQUIRE_EQUAL(site.leads().size(), 1U);
    const Value fields = site.calls("crm.lead.add")[0]["params"]["fields"];
    BOOST_TEST(fields["TITLE"].text() == "Anna O'Neil");
    BOOST_TEST(fields["UTM_SOURCE"].text() == "news");
    BOOST_TEST(value_of(browser, "first_name") == "");
    BOOST_TEST(browser.script("return window.mark === 1;").boolean() == scripts);
    BOOST_TEST(browser.url().contains("?sent=") == !scripts);
    if (scripts) BOOST_TEST(browser.focus_comes("notice"));
    BOOST_TEST(browser.complaints() == "");
  });
}

BOOST_AUTO_TEST_CASE(digits_and_letters_of_other_keyboards_are_taken) {
  Browser& browser = open("en");
  fill(browser, "٠١٢٣٤٥٦٧٨٩", "anna＠example.com");
  browser.click(kSend);
  BOOST_TEST(says(browser, message("en", "form_saved")));
  BOOST_TEST(site.leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_double_click_is_one_lead) {
  in_each_way([&](const std::string& language, bool scripts) {
    site.reset();
    Browser& browser = open(language, scripts);
    fill(browser);
    browser.double_click(kSend);
    BOOST_TEST(says(browser, message(language, "form_saved")));
    BOOST_TEST(site.leads().size() == 1U);
    BOOST_TEST(site.calls("crm.lead.add").size() == 1U);
  });
}

BOOST_AUTO_TEST_CASE(reload_and_back_and_sending_again_are_one_lead) {
  in_each_way([&](const std::string& language, bool scripts) {
    site.reset();
    Browser& browser = open(language, scripts);
    fill(browser);
    browser.click(kSend);
    BOOST_TEST(says(browser, message(language, "form_saved")));
    browser.reload();
    BOOST_TEST(site.leads().size() == 1U);
    if (scripts) return;  // there is no page to go back to
    BOOST_TEST(says(browser, message(language, "form_saved")));
    go_back_and_send_again(browser, language);
    BOOST_TEST(site.leads().size() == 1U);
  });
}

BOOST_AUTO_TEST_CASE(back_and_sending_again_is_one_lead_where_pages_do_not_stay_in_memory) {
  Browser browser("en", {"--disable-features=BackForwardCache"});
  browser.set_scripts(false);
  browser.open(address(site, "/index.php"));
  fill(browser);
  browser.click(kSend);
  BOOST_TEST(says(browser, message("en", "form_saved")));
  go_back_and_send_again(browser, "en");
  BOOST_TEST(site.leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(while_the_portal_is_down_the_form_takes_leads) {
  site.fault("down");
  std::size_t sent = 0;
  in_each_way([&](const std::string& language, bool scripts) {
    Browser& browser = open(language, scripts);
    fill(browser);
    browser.click(kSend);
    ++sent;
    BOOST_TEST(says(browser, beginning(language, "form_accepted")));
    BOOST_TEST(browser.has("#notice.ok[role=status]"));
    if (scripts) return;
    browser.reload();
    BOOST_TEST(says(browser, beginning(language, "form_accepted")));
  });
  BOOST_TEST(site.leads().size() == 0U);
  site.fault("ok");
  BOOST_TEST(wait_until([&] { return site.leads().size() >= sent; }, kDeadline * 6));
  BOOST_TEST(site.leads().size() == sent);
}

BOOST_AUTO_TEST_CASE(the_button_waits_with_a_spinner) {
  site.fault("slow");
  Browser& browser = open("en");
  fill(browser);
  browser.script("document.querySelector(arguments[0]).click();", Value::list({kSend}));
  BOOST_TEST(browser.comes(std::string(kSend) + "[aria-busy=true]:disabled"));
  BOOST_TEST(browser.text(kSend) == message("en", "form_sending"));
  BOOST_TEST(browser
                 .script("return getComputedStyle(document.querySelector(arguments[0]), "
                         "'::before').animationName;",
                         Value::list({kSend}))
                 .text() == "turn");
  BOOST_TEST(says(browser, beginning("en", "form_accepted")));
  BOOST_TEST(browser.comes(std::string(kSend) + "[aria-busy=false]:enabled"));
  BOOST_TEST(browser.text(kSend) == message("en", "form_send"));
}

BOOST_AUTO_TEST_CASE(a_field_is_checked_when_it_is_left_and_while_it_is_mended) {
  Browser& browser = open("en");
  browser.fill("#f-email", "anna@");
  browser.press(kTabKey);
  BOOST_TEST(browser.text("#e-email") == message("en", "invalid_email"));
  browser.fill("#f-email", "anna@example.com");
  BOOST_TEST(browser.text("#e-email") == "");
  BOOST_TEST(!browser.has("#f-email[aria-invalid]"));
}

BOOST_AUTO_TEST_CASE(a_lost_connection_loses_nothing_of_what_was_written) {
  Browser& browser = open("en");
  fill(browser);
  browser.set_offline(true);
  browser.click(kSend);
  BOOST_TEST(says(browser, message("en", "form_network")));
  BOOST_TEST(browser.has("#notice.error[role=alert]"));
  BOOST_TEST(value_of(browser, "email") == "anna@example.com");
  browser.set_offline(false);
  browser.click(kSend);
  BOOST_TEST(says(browser, message("en", "form_saved")));
  BOOST_TEST(site.leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_others_put_into_the_form_stays_text) {
  Browser& browser = open("en");
  browser.open(address(site,
                       "/index.php?first_name=%22%3E%3Cscript%3Ewindow.hit%3D1%3C/script%3E"
                       "&utm_source=%22%20onfocus%3D%22window.hit%3D1%22%20autofocus%20x%3D%22"));
  BOOST_TEST(value_of(browser, "first_name") == "\"><script>window.hit=1</script>");
  BOOST_TEST(browser.script("return window.hit === undefined;").boolean());
  BOOST_TEST(browser.complaints() == "");
  browser.script(
      "const s = document.createElement('script'); s.textContent = 'window.hit = 1';"
      "document.body.append(s);");
  BOOST_TEST(browser.script("return window.hit === undefined;").boolean());
  BOOST_TEST(browser.complaints().contains("Content Security Policy"));
}

BOOST_AUTO_TEST_CASE(where_a_visitor_came_from_is_remembered_until_the_form_is_sent) {
  Browser& browser = open("en");
  browser.open(address(site, "/index.php?utm_source=news&yclid=77"));
  browser.open(address(site, "/index.php"));
  fill(browser);
  browser.click(kSend);
  BOOST_TEST(says(browser, message("en", "form_saved")));
  BOOST_TEST_REQUIRE(site.leads().size() == 1U);
  BOOST_TEST(site.leads()[0]["UTM_SOURCE"].text() == "news");
  BOOST_TEST(site.leads()[0]["COMMENTS"].text() == "yclid: 77");
  // For a month.
  browser.script(
      "localStorage.setItem('b24-marks', JSON.stringify("
      "{at: Date.now() - 31 * 86400000, marks: {utm_source: 'old'}}));");
  browser.open(address(site, "/index.php"));
  BOOST_TEST(!browser.has("[name=utm_source]"));
}

BOOST_AUTO_TEST_SUITE_END()
