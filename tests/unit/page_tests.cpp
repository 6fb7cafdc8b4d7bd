// page_tests: templates and catalogues, how their faults are named, and what a page's headers
// allow.
#include "web/page.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <thread>

#include "base/secret.h"
#include "decorators.h"
#include "process.h"

using namespace b24;
namespace fs = std::filesystem;

namespace page_tests {

struct Fixture {
  test::TempDir dir;

  Fixture() {
    put("base.css", "body { margin: 0 }\n");
    put("messages.en.conf", "hello = Hello\nplain = Say \"hi\" & <go>\nhi = Hi {{name}}\n");
    put("messages.ru.conf", "hello = Привет\nplain = Простой\nhi = {{ name }}, привет\n");
  }
  void put(const char* name, std::string_view text) { test::write_file(dir / name, text); }
  std::shared_ptr<const Templates> load() {
    auto templates = Templates::load({dir.path()});
    BOOST_TEST_REQUIRE((templates ? "" : templates.error().cause) == "");
    return *templates;
  }
  Error fault() {
    const auto templates = Templates::load({dir.path()});
    BOOST_TEST_REQUIRE(!templates.has_value());
    BOOST_TEST((templates.error().kind == ErrorKind::settings));
    BOOST_TEST(!templates.error().remedy.empty());
    return templates.error();
  }
  std::string render(std::string_view text, const Value& data, std::string_view language = "en") {
    put("x.mustache", text);
    return load()->page(200, "x", data, language).body;
  }
};

std::string header(const Response& response, std::string_view wanted) {
  for (const auto& [key, value] : response.headers)
    if (key == wanted) return value;
  return "";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace page_tests

BOOST_FIXTURE_TEST_SUITE(page_tests, Fixture)

BOOST_AUTO_TEST_CASE(whatever_a_visitor_sends_is_escaped_in_texts_and_attributes, *shows("T27")) {
  const Value data = Value::map({{"v", "\"><svg onload='a&b'>"}});
  BOOST_TEST(render("<p title=\"{{v}}\">{{ v }}</p>", data) ==
             "<p title=\"&quot;&gt;&lt;svg onload=&apos;a&amp;b&apos;&gt;\">"
             "&quot;&gt;&lt;svg onload=&apos;a&amp;b&apos;&gt;</p>");
  // A value is no template.
  BOOST_TEST(render("{{v}}", Value::map({{"v", "{{t.hello}}{{{style}}}"}})) ==
             "{{t.hello}}{{{style}}}");
}

BOOST_AUTO_TEST_CASE(values_are_seen_as_their_types) {
  const Value data =
      Value::map({{"yes", true},
                  {"no", false},
                  {"none", nullptr},
                  {"empty", ""},
                  {"zero", 0},
                  {"half", 0.5},
                  {"list", Value::list({Value::map({{"n", 1}}), Value::map({{"n", 2}})})},
                  {"texts", Value::list({"a", "b"})},
                  {"nothing", Value::array()},
                  {"map", Value::map({{"a", Value::map({{"b", "deep"}})}})}});
  const std::pair<const char*, const char*> cases[] = {
      {"{{#yes}}1{{/yes}}{{^yes}}0{{/yes}}", "1"},
      {"{{#no}}1{{/no}}{{^no}}0{{/no}}", "0"},
      {"{{#none}}1{{/none}}{{^none}}0{{/none}}{{none}}", "0"},
      {"{{#empty}}1{{/empty}}{{^empty}}0{{/empty}}{{empty}}", "0"},
      {"{{#zero}}1{{/zero}}{{zero}}", "10"},
      {"{{half}}", "0.5"},
      {"{{#list}}{{n}},{{/list}}", "1,2,"},
      {"{{#texts}}{{.}},{{/texts}}", "a,b,"},
      {"{{#nothing}}1{{/nothing}}{{^nothing}}0{{/nothing}}", "0"},
      {"{{map.a.b}}{{map.a.c}}{{map.x.y}}{{unknown}}", "deep"},
      {"{{#map}}{{#a}}{{b}}{{half}}{{/a}}{{/map}}", "deep0.5"},
      {"{{#yes}}{{#list}}{{n}}{{#yes}}!{{/yes}}{{/list}}{{/yes}}", "1!2!"},
  };
  for (const auto& [text, want] : cases) BOOST_TEST(render(text, data) == want, text);
}

BOOST_AUTO_TEST_CASE(messages_come_in_the_visitors_language) {
  const std::string text = "{{lang}} {{t.hello}} {{t.plain}}";
  const Value data = Value::map({{"t", Value::map({{"hello", "forged"}})}, {"lang", "de"}});
  BOOST_TEST(render(text, Value::array()) == "en Hello Say &quot;hi&quot; &amp; &lt;go&gt;");
  BOOST_TEST(render(text, Value::array(), "ru") == "ru Привет Простой");
  BOOST_TEST(contains(render(text, data), "Hello"));
  BOOST_TEST(contains(render(text, Value::array(), "xx"), "Hello"));
  const auto templates = load();
  BOOST_TEST(templates->message("ru", "hi", Value::map({{"name", "<Ю>"}})) == "<Ю>, привет");
  BOOST_TEST(templates->message("en", "hello") == "Hello");
  BOOST_TEST(templates->has_message("hello"));
  BOOST_TEST(!templates->has_message("goodbye"));
}

BOOST_AUTO_TEST_CASE(the_language_is_chosen_by_setting_and_browser) {
  put("messages.pt-BR.conf", "hello = Oi\nplain = x\nhi = {{name}}\n");
  put("messages.RU.conf", "hello = x\nplain = x\nhi = {{name}}\n");  // beside messages.ru.conf
  const auto templates = load();
  const struct {
    const char *setting, *accept, *want;
  } cases[] = {
      {"auto", "", "en"},
      {"auto", "ru", "ru"},
      {"auto", "ru-RU,ru;q=0.9,en;q=0.8", "ru"},
      {"auto", "en;q=0.5, ru;q=0.7", "ru"},
      {"auto", "en, ru", "en"},
      {"auto", "de, fr;q=0.9, ru;q=0.1", "ru"},
      {"auto", "ru;q=0, en", "en"},
      {"auto", "ru;q=0", "en"},
      {"auto", "ru;q=x", "en"},
      {"auto", "ru ; q=0.3 , en ; q=0.2", "ru"},
      {"auto", "RU", "ru"},
      {"auto", "pt-BR", "pt-br"},
      {"auto", "pt", "en"},
      {"auto", "*", "en"},
      {"auto", "*, ru;q=0.5", "en"},
      {"auto", ",,;;q=,ru-", "ru"},
      {"auto", "../../etc/passwd", "en"},
      {"ru", "en", "ru"},
      {"en", "ru", "en"},
      {"fr", "ru", "en"},
  };
  for (const auto& [setting, accept, want] : cases)
    BOOST_TEST(templates->choose_language(setting, accept) == want, setting << " " << accept);
  BOOST_TEST(templates->choose_language("auto", std::string(1'000'000, ',') + "ru") == "en");
  BOOST_TEST(templates->message("ru", "hello") == "Привет");
}

BOOST_AUTO_TEST_CASE(partials_are_put_in_and_comments_and_indentation_left_out) {
  put("head.mustache", "<h1>\n  {{title}}\n</h1>\n{{> inner}}\n");
  put("inner.mustache", "{{! said once }}<i>{{t.hello}}</i>");
  BOOST_TEST(
      render("{{! top\n of it }}\n{{> head}}\n\n    <p>\n\t{{#a}}\n  x {{a}}\n  {{/a}}\n</p>",
             Value::map({{"title", "T"}, {"a", "A"}})) ==
      "<h1>\nT\n</h1>\n<i>Hello</i>\n<p>\nx A\n</p>");
  BOOST_TEST(render("<pre>\n  a\n\n   b</pre>\n  c\n", Value::array()) ==
             "<pre>\n  a\n\n   b</pre>\n  c\n");
}

BOOST_AUTO_TEST_CASE(a_broken_template_is_named_with_its_line) {
  const struct {
    const char* text;
    int line;
    const char* says;
  } cases[] = {
      {"a\n{{#x}}\nb", 2, "section x is not closed"},
      {"a\n{{/x}}", 2, "closes nothing"},
      {"{{#x}}\n{{#y}}\n{{/x}}\n{{/y}}", 3, "{{/y}} is due"},
      {"\n\n{{x", 3, "not closed"},
      {"{{{x}}", 1, "not closed"},
      {"{{=<% %>=}}", 1, "delimiters"},
      {"{{}}", 1, "no name"},
      {"{{a b}}", 1, "no name"},
      {"{{имя}}", 1, "no name"},
      {"{{#}}{{/}}", 1, "no name"},
      {"\xff", 1, "UTF-8"},
  };
  for (const auto& [text, line, says] : cases) {
    put("x.mustache", text);
    const Error error = fault();
    BOOST_TEST(error.code == "broken_template", text);
    BOOST_TEST(error.cause.starts_with((dir / "x.mustache").string() + ":" + std::to_string(line)),
               error.cause);
    BOOST_TEST(contains(error.cause, says), error.cause);
  }
}

BOOST_AUTO_TEST_CASE(partials_that_are_missing_or_endless_are_named) {
  put("x.mustache", "{{> nowhere}}");
  BOOST_TEST(contains(fault().cause, "x.mustache: {{> nowhere}}"));
  put("x.mustache", "{{> x}}");
  BOOST_TEST(contains(fault().cause, "includes itself"));
  put("x.mustache", "{{> a}}");
  put("a.mustache", "{{> b}}");
  put("b.mustache", "{{> a}}");
  BOOST_TEST(contains(fault().cause, "includes itself"));
}

BOOST_AUTO_TEST_CASE(a_message_that_the_catalogue_lacks_is_named) {
  put("inner.mustache", "{{t.helo}}");
  put("x.mustache", "{{#a}}{{> inner}}{{/a}}");
  BOOST_TEST(fault().code == "unknown_message");
  BOOST_TEST(contains(fault().cause, "{{t.helo}}"));
  put("inner.mustache", "{{#t.hello}}{{{t.helo}}}{{/t.hello}}");
  BOOST_TEST(fault().code == "unknown_message");
}

BOOST_AUTO_TEST_CASE(a_translation_that_differs_is_named_and_english_steps_in) {
  const struct {
    const char *text, *code, *says, *shown;
  } cases[] = {
      {"hello = x\nplain = x\n", "broken_catalogue", "there is no hi", "x Hi Bo"},
      {"hello = x\nplain = x\nhi = {{name}}\nmore = x\n", "broken_catalogue",
       "messages.en.conf does not know more", "x Bo"},
      {"hello = x\nplain = x\nhi = {{nom}}\n", "broken_catalogue",
       "other {{names}} than in messages.en.conf has hi", "x Hi Bo"},
      {"hi = {{nom}}\nmore = x\n", "broken_catalogue",
       "there is no hello, plain; other {{names}} than in messages.en.conf has hi; "
       "messages.en.conf does not know more",
       "Hello Hi Bo"},
      {"hello = x\nplain = x\nhi = {{name}}\nhello = y\n", "broken_catalogue",
       ":4: hello occurs a second time", "Hello Hi Bo"},
      {"[s]\nhello = x\n", "broken_catalogue", ":2: a catalogue has no sections", "Hello Hi Bo"},
      {"hello = \xff\n", "broken_catalogue", "not UTF-8", "Hello Hi Bo"},
      {"hello\n", "broken_line", "messages.ru.conf", "Hello Hi Bo"},
  };
  for (const auto& [text, code, says, shown] : cases) {
    put("messages.ru.conf", text);
    const auto templates = load();
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST_REQUIRE(templates->warning().has_value());
      const Error warning = *templates->warning();
      BOOST_TEST(warning.code == code);
      BOOST_TEST(contains(warning.cause, says), warning.cause);
      BOOST_TEST(contains(warning.cause, "messages.ru.conf"), warning.cause);
      BOOST_TEST(!warning.remedy.empty());
      BOOST_TEST(templates->message("ru", "hello") + " " +
                     templates->message("ru", "hi", Value::map({{"name", "Bo"}})) ==
                 shown);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_english_catalogue_that_is_broken_is_an_error) {
  put("messages.en.conf", "hello = x\nhello = y\n");
  BOOST_TEST(fault().code == "broken_catalogue");
  put("messages.en.conf", "hello\n");
  BOOST_TEST(fault().code == "broken_line");
}

BOOST_AUTO_TEST_CASE(a_running_process_keeps_a_translation_that_gets_broken) {
  Millis now = 1'000'000;
  put("x.mustache", "{{t.hello}}");
  const auto where = [&] { return std::vector{dir.path()}; };
  const auto clock = [&] { return now; };
  TemplateSource source(where, {.clock = clock});
  const auto shown = [&] { return (*source.current())->page(200, "x", Value::array(), "ru").body; };
  BOOST_TEST(shown() == "Привет");
  put("messages.ru.conf", "hello\n");
  now += 1000;
  BOOST_TEST(shown() == "Привет");
  BOOST_TEST_REQUIRE(source.fault().has_value());
  BOOST_TEST(source.fault()->code == "broken_line");
  TemplateSource begun(where, {.clock = clock});
  BOOST_TEST((*begun.current())->page(200, "x", Value::array(), "ru").body == "Hello");
  BOOST_TEST(begun.fault().has_value());
}

BOOST_AUTO_TEST_CASE(a_third_language_with_missing_texts_is_told_of_once_and_takes_up_changes) {
  Millis now = 1'000'000;
  put("x.mustache", "{{lang}} {{t.hello}} {{t.hi}}");
  put("messages.de.conf", "hello = Hallo\n");
  std::vector<Error> told;
  TemplateSource source(
      [&] { return std::vector{dir.path()}; },
      {.tell = [&](const Error& fault) { told.push_back(fault); }, .clock = [&] { return now; }});
  const auto shown = [&] {
    now += 1000;
    return (*source.current())->page(200, "x", Value::array(), "de").body;
  };
  BOOST_TEST(shown() == "de Hallo Hi {{name}}");
  put("x.mustache", "new {{t.hello}} {{t.hi}}");
  BOOST_TEST(shown() == "new Hallo Hi {{name}}");
  put("messages.de.conf", "hello = Guten Tag\n");
  BOOST_TEST(shown() == "new Guten Tag Hi {{name}}");
  BOOST_TEST_REQUIRE(told.size() == 1u);
  BOOST_TEST(contains(told[0].cause, "messages.de.conf: there is no hi, plain"), told[0].cause);
  BOOST_TEST(source.fault().has_value());
  put("messages.de.conf", "hello = Hallo\nhi = {{name}}, hallo\nplain = x\n");
  BOOST_TEST(shown() == "new Hallo {{name}}, hallo");
  BOOST_TEST(!source.fault().has_value());
  put("messages.de.conf", "hello = Hallo\nhi = x\n");
  BOOST_TEST(shown() == "new Hallo Hi {{name}}");
  BOOST_TEST(told.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_directory_without_templates_is_named) {
  const auto missing = Templates::load({dir / "nowhere"});
  BOOST_TEST_REQUIRE(!missing.has_value());
  BOOST_TEST(missing.error().code == "no_templates");
  BOOST_TEST(contains(missing.error().cause, "nowhere"));
}

BOOST_AUTO_TEST_CASE(styles_and_scripts_cannot_end_their_element) {
  put("x.mustache", "");
  put("x.js", "'</SCRIPT>'");
  BOOST_TEST(contains(fault().cause, "x.js"));
  put("x.js", "");
  put("base.css", "</style>");
  BOOST_TEST(contains(fault().cause, "base.css"));
}

BOOST_AUTO_TEST_CASE(files_of_editors_are_left_alone) {
  put("x.mustache", "fine");
  put("x.mustache~", "{{#broken");
  put(".x.mustache", "{{#broken");
  put("x.mustache.orig", "{{#broken");
  BOOST_TEST(load()->page(200, "x", Value::array(), "en").body == "fine");
}

BOOST_AUTO_TEST_CASE(a_page_allows_its_own_style_and_script_by_their_hashes, *shows("T27")) {
  put("x.css", "p { color: red }\n");
  put("x.js", "let a = `\n  b`;\n");
  put("x.mustache",
      "<style>{{{style}}}</style>{{#script}}<script>{{{script}}}</script>{{/script}}");
  put("y.mustache", "{{#script}}<script>{{{script}}}</script>{{/script}}");
  const auto templates = load();
  const Response x = templates->page(422, "x", Value::array(), "ru");
  const std::string style = "body { margin: 0 }\np { color: red }\n", script = "let a = `\n  b`;\n";
  BOOST_TEST(x.body == "<style>" + style + "</style><script>" + script + "</script>");
  const auto hash = [](const std::string& text) {
    return "'sha256-" + secret::base64(secret::sha256(text)) + "'";
  };
  BOOST_TEST(x.status == 422);
  BOOST_TEST(header(x, "Content-Security-Policy") ==
             "base-uri 'none'; connect-src 'self'; default-src 'none'; form-action 'self'; "
             "frame-ancestors 'none'; img-src 'self' data:; script-src " +
                 hash(script) + "; style-src " + hash(style));
  BOOST_TEST(header(x, "Content-Type") == "text/html; charset=utf-8");
  BOOST_TEST(header(x, "Content-Language") == "ru");
  BOOST_TEST(header(x, "X-Content-Type-Options") == "nosniff");
  BOOST_TEST(header(x, "Cache-Control") == "no-store");
  BOOST_TEST(header(x, "Referrer-Policy") == "same-origin");

  const Response y = templates->page(200, "y", Value::array(), "xx");
  BOOST_TEST(y.body == "");
  BOOST_TEST(!contains(header(y, "Content-Security-Policy"), "script-src"));
  BOOST_TEST(header(y, "Content-Language") == "en");
}

// A browser makes one line end of the two bytes, and then compares.
BOOST_AUTO_TEST_CASE(what_an_editor_of_windows_has_saved_has_the_same_hash) {
  put("x.mustache", "{{{style}}}{{{script}}}");
  std::string policies[2];
  for (const bool windows : {false, true}) {
    const std::string end = windows ? "\r\n" : "\n";
    put("x.css", "p { color: red }" + end + "b { color: red }" + end);
    put("x.js", "a();" + end + "b();" + end);
    const Response x = load()->page(200, "x", Value::array(), "en");
    BOOST_TEST(!contains(x.body, "\r"));
    policies[windows] = header(x, "Content-Security-Policy");
  }
  BOOST_TEST(policies[0] == policies[1]);
}

BOOST_AUTO_TEST_CASE(a_policy_opens_a_page_to_frames_captchas_and_other_targets) {
  put("x.mustache", "");
  PagePolicy policy;
  policy.frame_ancestors = "https://a.example https://b.example";
  policy.script_sources = "https://captcha.example";
  policy.form_target = "https://thanks.example#saved";
  policy.more = "font-src https://f.example data:, frame-src https://g.example";
  const std::string csp =
      header(load()->page(200, "x", Value::array(), "en", policy), "Content-Security-Policy");
  for (const char* part :
       {"; frame-ancestors https://a.example https://b.example",
        "; script-src https://captcha.example;",
        "; frame-src https://captcha.example https://g.example;",
        "; font-src https://f.example data:;", "; connect-src 'self' https://captcha.example;",
        "; form-action 'self' https://thanks.example;"})
    BOOST_TEST(contains(csp, part), csp);
}

BOOST_AUTO_TEST_CASE(threads_share_a_template) {
  put("x.mustache", "{{#items}}<b>{{t.hello}} {{.}}</b>{{/items}}");
  const auto templates = load();
  std::vector<std::jthread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string item = std::to_string(t) + "-" + std::to_string(i);
        const std::string want = "<b>Привет " + item + "</b>";
        const Value data = Value::map({{"items", Value::list({item, item})}});
        if (templates->page(200, "x", data, "ru").body != want + want)
          ++wrong[static_cast<std::size_t>(t)];
      }
    });
  }
  threads.clear();
  BOOST_TEST((wrong == std::vector<int>(4)));
}

BOOST_AUTO_TEST_CASE(a_running_process_sees_an_edited_template_and_survives_a_broken_one) {
  Millis now = 1'000'000;
  put("x.mustache", "one");
  TemplateSource source([&] { return std::vector{dir.path()}; }, {.clock = [&] { return now; }});
  const auto shown = [&] { return (*source.current())->page(200, "x", Value::array(), "en").body; };
  BOOST_TEST(shown() == "one");
  const auto first = *source.current();
  put("x.mustache", "second");
  BOOST_TEST(shown() == "one");
  now += 1000;
  BOOST_TEST(shown() == "second");
  BOOST_TEST(first->page(200, "x", Value::array(), "en").body == "one");
  put("x.mustache", "{{#broken}}");
  now += 1000;
  BOOST_TEST(shown() == "second");
  BOOST_TEST_REQUIRE(source.fault().has_value());
  BOOST_TEST(source.fault()->code == "broken_template");
  put("x.mustache", "third");
  now += 1000;
  BOOST_TEST(shown() == "third");
  BOOST_TEST(!source.fault().has_value());
  fs::remove_all(dir.path());
  now += 1000;
  BOOST_TEST(shown() == "third");
}

BOOST_AUTO_TEST_CASE(a_file_of_the_owner_goes_before_the_installed_one_and_both_are_watched) {
  Millis now = 1'000'000;
  const test::TempDir own;
  put("part.mustache", "part");
  put("x.mustache", "{{t.hello}} {{> part}}{{{style}}}");
  TemplateSource source(
      [&] {
        return std::vector{own.path(), dir.path()};
      },
      {.clock = [&] { return now; }});
  const auto shown = [&](std::string_view language = "en") {
    now += 1000;
    return (*source.current())->page(200, "x", Value::array(), language).body;
  };
  BOOST_TEST(shown() == "Hello partbody { margin: 0 }\n");
  test::write_file(own / "part.mustache", "mine");
  BOOST_TEST(shown() == "Hello minebody { margin: 0 }\n");
  test::write_file(own / "base.css", "");
  BOOST_TEST(shown() == "Hello mine");
  test::write_file(own / "messages.en.conf", "hello = Hi there\n");
  test::write_file(own / "messages.ru.conf", "plain = просто\n");
  BOOST_TEST(shown() == "Hi there mine");
  BOOST_TEST(shown("ru") == "Привет mine");
  BOOST_TEST((*source.current())->message("ru", "plain") == "просто");
  // An upgrade that adds a text, and a template that uses it.
  put("messages.en.conf", "hello = Hello\nplain = p\nhi = {{name}}\nnew = New\n");
  put("messages.ru.conf", "hello = Привет\nplain = п\nhi = {{name}}\nnew = Новый\n");
  put("x.mustache", "{{t.hello}} {{t.new}}");
  BOOST_TEST(shown() == "Hi there New");
  test::write_file(own / "messages.en.conf", "broken\n");
  BOOST_TEST(shown() == "Hi there New");
  BOOST_TEST_REQUIRE(source.fault().has_value());
  BOOST_TEST(contains(source.fault()->cause, (own / "messages.en.conf").string()));
  fs::remove_all(own.path());
  BOOST_TEST(shown() == "Hi there New");
  BOOST_TEST(source.fault()->code == "no_templates");
  fs::create_directory(own.path());
  BOOST_TEST(shown() == "Hello New");
  BOOST_TEST(!source.fault().has_value());
}

BOOST_AUTO_TEST_CASE(a_process_of_one_request_reads_only_what_it_shows) {
  put("head.mustache", "<i>{{lang}}</i>");
  put("x.mustache", "{{> head}}{{t.hello}} {{t.plain}}");
  put("y.mustache", "{{t.hello}}");
  put("broken.mustache", "{{#broken");
  put("messages.de.conf", "broken");
  put("messages.ru.conf", "hello = Привет\n");
  const auto opened = Templates::load({dir.path()}, "x", true);
  BOOST_TEST_REQUIRE(opened.has_value());
  const Templates& templates = **opened;
  BOOST_TEST(templates.choose_language("auto", "ru") == "ru");
  const std::string english = "Say &quot;hi&quot; &amp; &lt;go&gt;";
  BOOST_TEST(templates.page(200, "x", Value::array(), "en").body == "<i>en</i>Hello " + english);
  BOOST_TEST(templates.page(200, "x", Value::array(), "ru").body == "<i>ru</i>Привет " + english);
  BOOST_TEST(templates.page(200, "x", Value::array(), "de").body == "<i>de</i>Hello " + english);
  BOOST_TEST(templates.page(200, "y", Value::array(), "ru").body == "Привет");
  BOOST_TEST(templates.message("ru", "plain") == "Say \"hi\" & <go>");
  BOOST_TEST(templates.has_message("plain"));
  // A page that is broken still says what happened.
  const Response page = templates.page(500, "broken", Value::map({{"message", "<b>"}}), "en");
  BOOST_TEST(page.body == "<b>\n");
  BOOST_TEST(header(page, "Content-Type") == "text/plain; charset=utf-8");

  BOOST_TEST(Templates::load({dir.path()}, "handler", true).has_value());  // has no page of its own
  BOOST_TEST(Templates::load({dir.path()}, "broken", true).error().code == "broken_template");
  BOOST_TEST(Templates::load({dir / "nowhere"}, "x", true).error().code == "no_templates");
  TemplateSource source([&] { return std::vector{dir.path()}; }, {.page = "x", .once = true});
  const auto first = source.current();
  BOOST_TEST_REQUIRE(first.has_value());
  BOOST_TEST(*source.current() == *first);
  TemplateSource faulty([&] { return std::vector{dir.path()}; }, {.page = "broken", .once = true});
  BOOST_TEST(!faulty.current().has_value());
  BOOST_TEST(faulty.fault()->code == "broken_template");
}

BOOST_AUTO_TEST_CASE(a_program_checks_all_pages_and_keeps_its_own_ready) {
  for (const char* name : {"x.mustache", "y.mustache", "error.mustache"}) put(name, "before");
  const auto loaded = Templates::load({dir.path()}, "x");
  BOOST_TEST_REQUIRE(loaded.has_value());
  for (const char* name : {"x.mustache", "y.mustache", "error.mustache"}) put(name, "after");
  const auto shown = [&](const char* name) {
    return (*loaded)->page(200, name, Value(), "en").body;
  };
  BOOST_TEST(shown("x") == "before");
  BOOST_TEST(shown("error") == "before");
  BOOST_TEST(shown("y") == "after");
  put("y.mustache", "{{#broken");
  BOOST_TEST(shown("y") == "after");
  BOOST_TEST(Templates::load({dir.path()}, "x").error().code == "broken_template");
}

BOOST_AUTO_TEST_CASE(without_templates_a_process_says_so_until_there_are_some) {
  Millis now = 1'000'000;
  TemplateSource source([&] { return std::vector{dir / "later"}; }, {.clock = [&] { return now; }});
  BOOST_TEST(!source.current().has_value());
  BOOST_TEST(!source.current().has_value());
  fs::rename(dir / "base.css", dir / "base.txt");
  fs::create_directory(dir / "later");
  fs::rename(dir / "messages.en.conf", dir / "later/messages.en.conf");
  now += 1000;
  BOOST_TEST(source.current().has_value());
}

BOOST_AUTO_TEST_CASE(the_delivered_templates_are_sound) {
  const auto loaded = Templates::load({"templates"});
  BOOST_TEST_REQUIRE((loaded ? "" : loaded.error().cause) == "");
  BOOST_TEST(!(*loaded)->warning().has_value());
  for (const std::string language : {"en", "ru"}) {
    const Value data = Value::map({{"status", 413}, {"message", "<b>"}});
    const Response page = (*loaded)->page(413, "error", data, language);
    BOOST_TEST(page.body.starts_with("<!doctype html>\n<html lang=\"" + language + "\">"));
    BOOST_TEST(contains(page.body, "<title>"));
    BOOST_TEST(contains(page.body, "name=\"viewport\""));
    BOOST_TEST(contains(page.body, "&lt;b&gt;"));
    BOOST_TEST(page.body.ends_with("</html>\n"));
    BOOST_TEST(!contains(page.body, "{{"));
    BOOST_TEST(!contains(page.body, "<title></title>"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
