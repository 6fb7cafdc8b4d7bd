// form_view_tests: the form's page, made once for all visitors.
#include "index/form_view.h"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

using namespace b24;

namespace {

struct Base {
  FormBase base = with_link("");

  static FormBase with_link(std::string link) {
    auto settings = std::make_shared<Settings>();
    settings->form.fields = "first_name, last_name, consent";
    FieldSettings consent;
    consent.name = "consent";
    consent.link = std::move(link);
    if (!consent.link.empty()) settings->fields.push_back(consent);
    return {settings, std::make_shared<const Form>(make_form(*settings).value()),
            Templates::load("templates").value(), "en"};
  }
  // What a page rendered for this visitor alone would be.
  static std::string made_for(const FormBase& base, const std::string& token) {
    FormView view;
    view.token = token;
    return form_page(base, view, 200).body;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(form_view_tests, Base)

BOOST_AUTO_TEST_CASE(a_page_made_once_is_the_one_made_for_a_visitor) {
  FormPages pages;
  for (const char* language : {"en", "ru", "en"}) {
    base.language = language;
    for (const char* token : {"one.2.three", "four.5.six"}) {
      const Response page = pages.fresh(base, token);
      BOOST_TEST(page.body == made_for(base, token));
      BOOST_TEST((page.headers == form_page(base, {}, 200).headers));
      BOOST_TEST(page.status == 200);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_it_is_made_from_changes_it_at_once) {
  FormPages pages;
  const std::string before = pages.fresh(base, "t").body;
  const FormBase linked = with_link("https://example.com/privacy");
  BOOST_TEST(pages.fresh(linked, "t").body == made_for(linked, "t"));
  BOOST_TEST(pages.fresh(linked, "t").body.contains("https://example.com/privacy"));
  BOOST_TEST(pages.fresh(base, "t").body == before);
}

BOOST_AUTO_TEST_CASE(threads_with_different_languages_get_their_own) {
  FormPages pages;
  std::vector<std::jthread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      FormBase own = base;
      own.language = t % 2 == 0 ? "en" : "ru";
      const std::string token = "token-" + std::to_string(t);
      const std::string want = made_for(own, token);
      for (int i = 0; i < 500; ++i)
        if (pages.fresh(own, token).body != want) ++wrong[t];
    });
  }
  threads.clear();
  BOOST_TEST((wrong == std::vector<int>(4)));
}

BOOST_AUTO_TEST_CASE(only_a_page_without_anything_of_its_visitor_is_fresh) {
  FormView view;
  view.token = "t";
  BOOST_TEST(view.is_fresh());
  const Submission nothing;
  FormView checked, told, typed, marked;
  checked.checked = &nothing;
  told.notice.text = "Sent";
  typed.values.set("last_name", "1");
  marked.marks.set("UTM_SOURCE", "a");
  for (const FormView* each : {&checked, &told, &typed, &marked}) BOOST_TEST(!each->is_fresh());
}

BOOST_AUTO_TEST_SUITE_END()
