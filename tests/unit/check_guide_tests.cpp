// check_guide_tests: a new installation is led from step to step, an old one is left alone.
#include <boost/test/unit_test.hpp>

#include "check_facts.h"
#include "checkserver/check_output.h"
#include "process.h"

namespace b24::check {
namespace check_guide_tests {

Report report_of(const Facts& facts) {
  Report report;
  report.rows = judged(facts);
  return report;
}

std::string next_of(const Report& report) {
  const std::vector<GuideStep> steps = guide(report);
  const GuideStep* next = next_step(steps);
  return next == nullptr ? "" : std::string(next->name);
}

}  // namespace check_guide_tests

BOOST_AUTO_TEST_SUITE(check_guide_tests)

BOOST_AUTO_TEST_CASE(each_step_is_the_next_one_until_it_is_done) {
  Facts facts = good_facts();
  facts.settings.crest.web_hook_url = "";
  facts.settings.site.public_url = "";
  facts.settings.portals.clear();
  facts.subject.store_error = fault("cannot_open");
  facts.without_settings = true;
  facts.subject.settings_error = fault("no_settings_file");
  BOOST_TEST(next_of(report_of(facts)) == "settings");
  facts.without_settings = false;
  facts.subject.settings_error.reset();
  BOOST_TEST(next_of(report_of(facts)) == "storage");
  facts.subject.store_error.reset();
  BOOST_TEST(next_of(report_of(facts)) == "webhook");
  facts.settings.crest.web_hook_url = kUrl;
  BOOST_TEST(next_of(report_of(facts)) == "lead");
  facts.seen.store->leads.arrived = true;
  BOOST_TEST(next_of(report_of(facts)) == "address");
  facts.settings.site.public_url = "https://example.com/";
  BOOST_TEST(next_of(report_of(facts)) == "token");
  facts.settings = good_facts().settings;
  BOOST_TEST(next_of(report_of(facts)) == "event");
  facts.seen.store->events.arrived = true;
  BOOST_TEST(guide(report_of(facts)).empty());
}

BOOST_AUTO_TEST_CASE(what_is_in_the_way_is_named) {
  Facts facts = good_facts();
  set_answer(facts, "scope", answer(Value::list({"user"})));
  const Report report = report_of(facts);
  const std::vector<GuideStep> steps = guide(report);
  const GuideStep* next = next_step(steps);
  BOOST_REQUIRE(next != nullptr);
  BOOST_TEST(next->name == "webhook");
  BOOST_REQUIRE(next->row != nullptr);
  BOOST_TEST(next->row->id == "portal_scope");
  BOOST_TEST(steps[0].is_done);
  BOOST_TEST(steps[1].is_done);
}

BOOST_AUTO_TEST_CASE(an_old_installation_that_breaks_is_not_greeted_again) {
  Facts facts = good_facts();
  facts.seen.store->leads.arrived = facts.seen.store->events.arrived = true;
  facts.seen.storage->write_error = fault("disk_full");
  BOOST_TEST(guide(report_of(facts)).empty());
}

BOOST_AUTO_TEST_CASE(page_and_text_show_the_same_steps_in_both_languages) {
  const Report report = report_of(good_facts());
  for (const char* language : {"en", "ru"}) {
    const std::string how = templates().message(language, "guide_lead_how");
    const std::string title = templates().message(language, "guide_title");
    const std::string page =
        templates()
            .page(200, "checkserver", page_form(report, templates(), language), language)
            .body;
    BOOST_TEST(page.contains(title));
    BOOST_TEST(page.contains(how));
    const std::string text = text_form(report, &templates(), language, false);
    BOOST_TEST(text.contains(title));
    BOOST_TEST(text.contains("[x]     " + templates().message(language, "guide_webhook")));
    BOOST_TEST(text.contains("[ ] ->  " + templates().message(language, "guide_lead")));
    for (const GuideStep& step : guide(report)) {
      BOOST_TEST(page.contains(templates().message(language, "guide_" + std::string(step.name))));
    }
  }
}

// What comes and goes again has come.
BOOST_AUTO_TEST_CASE(what_has_arrived_is_remembered_when_it_is_erased) {
  const test::TempDir dir;
  const auto store = Store::open(dir / "data").value();
  NewItem item;
  item.id = "spam";
  item.state = b24::State::spam;
  BOOST_REQUIRE(store->accept({item}));
  BOOST_TEST(!store->stats(Kind::lead).value().arrived);
  item.id = "lead";
  item.state = b24::State::done;
  BOOST_REQUIRE(store->accept({item}));
  BOOST_REQUIRE(store->erase_done(now_ms() + kMinute).value() == 2);
  BOOST_TEST(store->stats(Kind::lead).value().arrived);
  BOOST_TEST(!store->stats(Kind::event).value().arrived);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace b24::check
