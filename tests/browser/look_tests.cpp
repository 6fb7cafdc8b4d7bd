// look_tests: every page at a desk's and a phone's width, light and dark, in both languages:
// nothing sticks out, all is readable, named and can be reached by keys. The pictures are in
// BUILD/screenshots, for eyes.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "pages.h"

using namespace b24;
using namespace b24::test;

namespace look_tests {

struct View {
  const char* name;
  int width;
  int height;
  bool dark;
};
constexpr View kViews[] = {{"wide-light", 1280, 900, false},
                           {"wide-dark", 1280, 900, true},
                           {"phone-light", 360, 740, false},
                           {"phone-dark", 360, 740, true},
                           {"narrow-light", 320, 640, false}};

std::string look(const Browser& browser, const std::string& question) {
  static const std::string script = read_file("tests/browser/look.js");
  return browser.script(script + "return " + question + ";").text();
}

void save(const std::string& name, const std::string& bytes) {
  const std::filesystem::path dir = built("screenshots");
  std::filesystem::create_directories(dir);
  write_file(dir / name, bytes);
}

// A picture takes longer than all that is asked about a page, so each view is taken in one
// language.
bool is_pictured(const View& view, const std::string& language) {
  const auto place = static_cast<std::size_t>(&view - kViews);
  return (place == 0 || place == 3) == (language == "en");
}

void check_views(Browser& browser, const std::string& page, const std::string& language) {
  const std::string name = page + "-" + language;
  for (const View& view : kViews) {
    browser.resize(view.width, view.height);
    browser.set_dark(view.dark);
    const std::string faults =
        look(browser, "[...contrast(), ...width(), ...targets()].join('\\n')");
    BOOST_TEST(faults == "", name << ", " << view.name << ":\n" << faults);
    if (is_pictured(view, language)) save(name + "-" + view.name + ".png", browser.screenshot());
  }
}

}  // namespace look_tests

BOOST_AUTO_TEST_SUITE(look_tests)

BOOST_AUTO_TEST_CASE(every_page_fits_and_can_be_read) {
  for (const std::string language : kLanguages) {
    for (const ShownPage& page : all_pages()) {
      Browser& browser = fresh_browser(language);
      page.show(browser);
      const std::string name = page.name + "-" + language;
      const std::string faults = look(browser, "names().join('\\n')");
      BOOST_TEST(faults == "", name << ":\n" << faults);
      check_views(browser, page.name, language);
    }
  }
}

BOOST_AUTO_TEST_CASE(whatever_has_the_focus_shows_it) {
  for (const ShownPage& page : all_pages()) {
    Browser& browser = fresh_browser("en");
    page.show(browser);
    browser.script("document.activeElement.blur(); scrollTo(0, 0);");
    std::string first, last;
    int reached = 0;
    for (int presses = 0; presses < 200; ++presses) {
      browser.press(kTabKey);
      const std::string here =
          look(browser,
               "document.activeElement === document.body ? '' : "
               "[...document.querySelectorAll('*')].indexOf(document.activeElement)");
      if (here.empty()) continue;  // past the last one, before the first
      if (here == last) continue;  // within a field of several parts, as dates are
      last = here;
      if (here == first) break;
      ++reached;
      if (first.empty()) first = here;
      BOOST_TEST(look(browser, "focusMark()") != "",
                 page.name << ": " << look(browser, "name(document.activeElement)"));
      BOOST_TEST(look(browser, "shown(document.activeElement)") == "1");
    }
    const std::string wanted =
        look(browser,
             "[...document.querySelectorAll('a[href], button:enabled, summary, [tabindex=\"0\"],"
             " input:not([tabindex=\"-1\"]), select, textarea')].filter(shown).length");
    BOOST_TEST(std::to_string(reached) == wanted, page.name);
  }
}

BOOST_AUTO_TEST_CASE(the_self_check_can_be_printed) {
  Browser& browser = fresh_browser("en");
  browser.open(address(shared_site(), "/checkserver.php"));
  browser.set_print(true);
  BOOST_TEST(look(browser, "[...document.querySelectorAll('nav, form')].filter(shown).length") ==
             "0");
  // What is folded on the screen is not folded on paper.
  BOOST_TEST(look(browser, "[...document.querySelectorAll('td.detail')].every(shown)") == "1");
  save("checkserver-print.png", browser.screenshot());
  const std::string pdf = browser.pdf();
  BOOST_TEST(pdf.starts_with("%PDF-"));
  save("checkserver.pdf", pdf);
}

BOOST_AUTO_TEST_SUITE_END()
