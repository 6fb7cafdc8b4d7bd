// form_view_tests: the form's page, made once for all visitors.
#include "index/form_view.h"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

using namespace b24;

namespace form_view_tests {

struct Base {
  FormBase base = with_link("");

  static FormBase with_link(std::string link,
                            const char* fields = "first_name, last_name, consent") {
    auto settings = std::make_shared<Settings>();
    settings->form.fields = fields;
    settings->fields.resize(2);
    settings->fields[0].name = "branch";
    settings->fields[0].type_name = "select";
    settings->fields[0].options = "north, south";
    settings->fields[1].name = "source";
    settings->fields[1].type_name = "hidden";
    FieldSettings consent;
    consent.name = "consent";
    consent.link = std::move(link);
    if (!consent.link.empty()) settings->fields.push_back(consent);
    return {{settings, nullptr},
            std::make_shared<const Form>(make_form(*settings).value()),
            Templates::load({"templates"}).value(),
            "en"};
  }
  // What a page rendered for this visitor alone would be.
  static std::string made_for(const FormBase& base, const std::string& token) {
    return form_page(base, FormView{.token = token}, 200).body;
  }
  static std::string kept_for(const FormBase& base, const std::string& token, PageCache& pages) {
    return form_page(base, FormView{.token = token}, 200, pages).body;
  }
};

}  // namespace form_view_tests

BOOST_FIXTURE_TEST_SUITE(form_view_tests, Base)

BOOST_AUTO_TEST_CASE(a_browser_is_told_the_patterns_that_it_understands) {
  auto settings = std::make_shared<Settings>();
  settings->fields.resize(2);
  settings->fields[0].name = "code";
  settings->fields[0].pattern = "[0-9]{6}";
  settings->fields[1].name = "postcode";
  settings->fields[1].pattern = "[[:digit:]]{6}";
  const FormBase own{{settings, nullptr},
                     std::make_shared<const Form>(make_form(*settings).value()),
                     Templates::load({"templates"}).value(),
                     "en"};
  const std::string page = made_for(own, "");
  BOOST_TEST(page.contains("pattern=\"[0-9]{6}\""));
  BOOST_TEST(!page.contains("[:digit:]"));
}

BOOST_AUTO_TEST_CASE(a_page_made_once_is_the_one_made_for_a_visitor) {
  PageCache pages;
  for (const char* language : {"en", "ru", "en"}) {
    base.language = language;
    for (const char* token : {"one.2.three", "four.5.six"}) {
      const Response page = form_page(base, {.token = token}, 200, pages);
      BOOST_TEST(page.body == made_for(base, token));
      BOOST_TEST((page.headers == form_page(base, {}, 200).headers));
      BOOST_TEST(page.status == 200);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_it_is_made_from_changes_it_at_once) {
  PageCache pages;
  const std::string before = kept_for(base, "t", pages);
  const FormBase linked = with_link("https://example.com/privacy");
  BOOST_TEST(kept_for(linked, "t", pages) == made_for(linked, "t"));
  BOOST_TEST(kept_for(linked, "t", pages).contains("https://example.com/privacy"));
  BOOST_TEST(kept_for(base, "t", pages) == before);
}

BOOST_AUTO_TEST_CASE(threads_with_different_languages_get_their_own) {
  PageCache pages;
  std::vector<std::jthread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      FormBase own = base;
      own.language = t % 2 == 0 ? "en" : "ru";
      const std::string token = "token-" + std::to_string(t);
      const std::string want = made_for(own, token);
      for (int i = 0; i < 500; ++i)
        if (kept_for(own, token, pages) != want) ++wrong[t];
    });
  }
  threads.clear();
  BOOST_TEST((wrong == std::vector<int>(4)));
}

BOOST_AUTO_TEST_CASE(what_visitors_typed_is_put_in_as_if_rendered_for_them) {
  base = with_link("", "first_name, comments, branch, consent, source");
  const auto view = [](const char* token, const char* notice, Value values, Value errors,
                       Value marks) {
    return FormView{
        std::move(values), std::move(errors), std::move(marks), token, {"error", notice}};
  };
  const Value none = Value::array();
  const FormView views[] = {
      view("a", "", none, none, none),
      view("b", "Mind <this>", Value::map({{"first_name", "O'Neil & \"Co\" <b>"}}), none, none),
      view("c", "Mind {{that}}", Value::map({{"first_name", "{{title}}"}, {"comments", ""}}),
           Value::map({{"comments", "is missing"}}), none),
      view("d", "x", Value::map({{"consent", "1"}, {"branch", "north"}}), none, none),
      view("d", "x", Value::map({{"consent", "no such"}, {"branch", "no such"}}), none, none),
      view("e", "x", Value::map({{"consent", "yes"}, {"branch", "south"}}),
           Value::map({{"first_name", "is missing"}, {"consent", "is missing"}}),
           Value::map({{"UTM_SOURCE", "<mail>"}})),
      view("f", "", Value::map({{"source", "\"><script>"}, {"comments", "a\nb"}}), none,
           Value::map({{"UTM_SOURCE", "x"}, {"UTM_TERM", "y"}}))};
  PageCache pages;
  for (int i = 0; i < 2; ++i) {
    for (const FormView& each : views) {
      for (const int status : {422, 429}) {
        const Response kept = form_page(base, each, status, pages);
        const Response made = form_page(base, each, status);
        BOOST_TEST(kept.body == made.body);
        BOOST_TEST((kept.headers == made.headers));
        BOOST_TEST(kept.status == status);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_visitors_type_renders_no_page_anew) {
  PageCache pages;
  int rendered = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::vector<std::string> texts = {std::to_string(i) + "<", PageCache::mark(1)};
    const Response page = pages.page({base.app.settings}, "key", texts, [&] {
      ++rendered;
      return text_response(200, "a" + PageCache::mark(1) + PageCache::mark(0) + "b");
    });
    BOOST_TEST(page.body == "a" + texts[1] + std::to_string(i) + "&lt;b");
  }
  BOOST_TEST(rendered == 1);
}

BOOST_AUTO_TEST_SUITE_END()
