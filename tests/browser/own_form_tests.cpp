// own_form_tests: README's forms and script on pages of this and of another site, in a real
// browser, which says by itself where a post comes from.
#include <boost/test/unit_test.hpp>
#include <string>

#include "base/text.h"
#include "browsers.h"

using namespace b24;
using namespace b24::test;

namespace own_form_tests {

const std::string kKey = "0123456789abcdef";

// A page without anything is the web server's own for an address that it does not know.
struct Pages {
  Pages() {
    site.reset();
    site.set_settings(before + "\n[form]\naccept = site, json, tilda\npost_key = " + kKey +
                      "\nallowed_origins = " + other_site + "\n");
    BOOST_TEST_REQUIRE(wait_until([&] {
      return site.post("/index.php?key=" + kKey, std::string("test=test")).status == 200;
    }));
  }
  ~Pages() { site.set_settings(before); }

  // The indented lines behind these words in README.md.
  static std::string example(const std::string& words) {
    const std::string readme = read_file("README.md");
    const std::size_t begin = readme.find("\n\n    ", readme.find("\n**" + words + "**"));
    BOOST_TEST_REQUIRE(begin != readme.npos, words);
    return readme.substr(begin, readme.find("\n\n", begin + 2) - begin);
  }

  void send(const std::string& page, const std::string& html, const std::string& name) {
    browser.open(page);
    browser.script("document.body.innerHTML = arguments[0];", Value::list({html}));
    browser.fill("input[name=first_name]", name);
    browser.fill("input[name=phone]", "+1 202 555 0100");
    browser.click("form button");
    BOOST_TEST(browser.comes("#notice.ok"));
    BOOST_TEST(browser.url().starts_with(address(site, "/index.php?sent=")));
  }

  Value run(const std::string& page, const std::string& script) {
    browser.open(page);
    return browser.script("return (async () => {" + script + " return status + message; })();");
  }

  const Site& site = shared_site();
  const std::string before = site.settings();
  const std::string other_site = "http://localhost:" + std::to_string(site.port());
  Browser& browser = fresh_browser("en");
};

std::string with(std::string text, const std::string& what, const std::string& instead) {
  BOOST_TEST_REQUIRE(text.contains(what), text);
  text::replace_all(text, what, instead);
  return text;
}

}  // namespace own_form_tests

BOOST_FIXTURE_TEST_SUITE(own_form_tests, Pages)

BOOST_AUTO_TEST_CASE(a_form_of_this_and_of_another_site_is_sent) {
  const std::string html = example("A form on the same site");
  send(address(site, "/shop"), html, "Anna");
  const std::string far = with(html, "action=\"", "action=\"" + address(site, ""));
  send(other_site + "/shop", far, "Boris");
  const Value leads = site.leads();
  BOOST_REQUIRE_EQUAL(leads.size(), 2U);
  BOOST_TEST(leads[1]["NAME"].text() == "Boris");
}

BOOST_AUTO_TEST_CASE(a_script_of_this_and_of_another_site_reads_the_answer) {
  const std::string script = with(example("A script"), "Anna", "Clara");
  const std::string saved = "saved" + message("en", "form_saved");
  BOOST_TEST(run(address(site, "/shop"), script).text() == saved);
  const std::string far = with(script, "\"/index.php\"", "\"" + address(site, "/index.php") + "\"");
  BOOST_TEST(run(other_site + "/shop", with(far, "Clara", "Dora")).text() == saved);
  BOOST_TEST(site.leads().size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
