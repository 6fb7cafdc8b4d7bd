// form_tests: settings -> the form as data; the checks of a submission.
#include "settings/form.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "event_fixture.h"
#include "index/field_text.h"
#include "index/form_source.h"
#include "index/submission.h"
#include "value/php.h"

using namespace b24;

BOOST_AUTO_TEST_SUITE(form_tests)

namespace {

FieldSettings field(std::string name, std::string type = "") {
  FieldSettings settings;
  settings.name = std::move(name);
  settings.type_name = std::move(type);
  return settings;
}

Form form_of(const Settings& settings) {
  Result<Form> form = make_form(settings);
  BOOST_REQUIRE_MESSAGE(form, (form ? "" : form.error().cause));
  return *form;
}

// What is wrong with these settings; empty when nothing is.
std::string fault_of(const Settings& settings) {
  const Result<Form> form = make_form(settings);
  return form ? "" : form.error().cause;
}

Request post(const std::string& body,
             const std::string& type = "application/x-www-form-urlencoded") {
  return parse_content("", type, body, {}).value();
}

Submission submit(const Form& form, const std::string& body, const std::string& encoding = "") {
  return read_submission(form, post(body), encoding);
}

}  // namespace

BOOST_AUTO_TEST_CASE(default_is_the_example) {
  const Form form = form_of({});
  BOOST_REQUIRE_EQUAL(form.fields.size(), 4U);
  const char* names[] = {"first_name", "last_name", "phone", "email"};
  const char* targets[] = {"NAME", "LAST_NAME", "PHONE", "EMAIL"};
  for (std::size_t i = 0; i < 4; ++i) {
    BOOST_TEST(form.fields[i].name == names[i]);
    BOOST_TEST(form.fields[i].target == targets[i]);
    BOOST_TEST(!form.fields[i].required);
  }
  BOOST_TEST(form.title == "{first_name} {last_name}");
  BOOST_TEST(form.values.size() == 3U);
  BOOST_TEST(!form.item_method);
}

BOOST_AUTO_TEST_CASE(the_title_follows_the_fields_that_there_are) {
  const std::pair<const char*, const char*> cases[] = {
      {"phone", "{phone}"},
      {"last_name, phone", "{last_name}"},
      {"phone, email", "{email}"},
      {"phone, company", "{company}"},
      {"comments", ""},
      {"last_name, first_name", "{first_name} {last_name}"}};
  for (const auto& [fields, title] : cases) {
    Settings settings;
    settings.form.fields = fields;
    BOOST_TEST(form_of(settings).title == title, fields);
  }
}

BOOST_AUTO_TEST_CASE(a_file_is_allowed_no_more_than_a_request_may_bring) {
  Settings settings;
  settings.server.max_body = 64 << 10;
  settings.fields = {field("cv", "file")};
  BOOST_TEST(form_of(settings).find("cv")->max_length == 32U << 10);
}

BOOST_AUTO_TEST_CASE(while_changed_forms_are_broken_those_before_stay) {
  const test::EventSettings file;
  AppSource source{file.launch(), "index"};
  StoreSource stores{source};
  FormSource forms{stores};
  App app = source.current().value();
  const auto before = forms.current(app).value();
  const auto with_values = [&](const char* values) {
    Settings changed = *app.settings;
    changed.form.values = values;
    app.settings = std::make_shared<const Settings>(changed);
    return forms.current(app).value();
  };
  BOOST_TEST((with_values("fields[X]=1") == before));
  BOOST_TEST(file.log().contains("[form] values"));
  BOOST_TEST((with_values("SOURCE_ID=WEB") != before));
}

BOOST_AUTO_TEST_CASE(a_section_adds_a_field_and_the_list_orders_them) {
  Settings settings;
  settings.form.fields = "email, first_name";
  settings.form.title = "{email}";
  settings.fields = {field("city"), field("first_name")};
  settings.fields[1].required = true;
  const Form form = form_of(settings);
  BOOST_REQUIRE_EQUAL(form.fields.size(), 3U);
  BOOST_TEST(form.fields[0].name == "email");
  BOOST_TEST(form.fields[1].name == "first_name");
  BOOST_TEST(form.fields[1].required);
  BOOST_TEST(form.fields[1].target == "NAME");
  BOOST_TEST(form.fields[2].name == "city");
  BOOST_TEST(form.fields[2].target == "COMMENTS");
}

BOOST_AUTO_TEST_CASE(labels_are_chosen_by_language) {
  Settings settings;
  settings.fields = {field("city")};
  settings.fields[0].labels = {{"", "City"}, {"ru", "Город"}};
  const Form form = form_of(settings);
  BOOST_TEST(form.find("city")->label("ru") == "Город");
  BOOST_TEST(form.find("city")->label("de") == "City");
  BOOST_TEST(form.find("email")->label("ru") == "");
}

BOOST_AUTO_TEST_CASE(broken_forms_are_refused_with_the_key_in_the_message) {
  const struct {
    const char* key;
    void (*break_it)(Settings&);
  } cases[] = {
      {"[form] fields", [](Settings& s) { s.form.fields = " , "; }},
      {"[form] fields", [](Settings& s) { s.form.fields = "email, email"; }},
      {"[field saved]", [](Settings& s) { s.fields = {field("saved")}; }},
      {"[field form_token]", [](Settings& s) { s.fields = {field("form_token")}; }},
      {"[field b24_extra]", [](Settings& s) { s.fields = {field("b24_extra")}; }},
      {"[form] accept",
       [](Settings& s) {
         s.form.accept = {"own", "tilda"};
       }},
      {"[field utm_source]", [](Settings& s) { s.fields = {field("utm_source")}; }},
      {"[field a.b]", [](Settings& s) { s.fields = {field("a.b")}; }},
      {"[field a[b]]", [](Settings& s) { s.fields = {field("a[b]")}; }},
      {"[field ]", [](Settings& s) { s.fields = {field("")}; }},
      {"[field x] options", [](Settings& s) { s.fields = {field("x", "select")}; }},
      {"[field x] target",
       [](Settings& s) {
         s.fields = {field("x")};
         s.fields[0].target = "fields[NAME]";
       }},
      {"[field x] link",
       [](Settings& s) {
         s.fields = {field("x", "consent")};
         s.fields[0].link = "javascript:alert(1)";
       }},
      {"[field x] max_length",
       [](Settings& s) {
         s.fields = {field("x")};
         s.fields[0].max_length = 10'000'000;
       }},
      {"[field x] pattern",
       [](Settings& s) {
         s.fields = {field("x")};
         s.fields[0].pattern = "[0-9";
       }},
      {"[field x] pattern",
       [](Settings& s) {
         s.fields = {field("x")};
         s.fields[0].pattern = "\\d+";
       }},
      {"[field x] pattern",
       [](Settings& s) {
         s.fields = {field("x")};
         s.fields[0].pattern = "(a*)\\1";
       }},
      {"[form] title", [](Settings& s) { s.form.title = "{nobody}"; }},
      {"[form] title", [](Settings& s) { s.form.title = "{first_name"; }},
      {"[form] values", [](Settings& s) { s.form.values = "STATUS_ID"; }},
      {"[form] values", [](Settings& s) { s.form.values = "fields[X]=1"; }},
  };
  for (const auto& bad : cases) {
    Settings settings;
    bad.break_it(settings);
    BOOST_TEST_CONTEXT(bad.key) {
      BOOST_TEST(fault_of(settings).starts_with(bad.key));
    }
  }
}

BOOST_AUTO_TEST_CASE(options_of_a_select) {
  Settings settings;
  settings.fields = {field("size", "select")};
  settings.fields[0].options = "s: Small | m: Medium|Other";
  const Form form = form_of(settings);
  const Field& size = *form.find("size");
  BOOST_REQUIRE_EQUAL(size.choices.size(), 3U);
  BOOST_TEST(size.choices[0].value == "s");
  BOOST_TEST(size.choices[0].label == "Small");
  BOOST_TEST(size.choices[2].value == "Other");
  BOOST_TEST(submit(form, "size=m&email=a@b.cc").valid());
  BOOST_TEST(submit(form, "size=Medium&email=a@b.cc").values["size"].text() == "m");
  BOOST_TEST(submit(form, "size=xl&email=a@b.cc").error("size") == "invalid_choice");
}

BOOST_AUTO_TEST_CASE(emails) {
  for (const char* good : {"a@b.cc", "first.last+tag@sub.example.com", "иван@пример.рф",
                           "o'neil@example.org", "x_y-z@example-host.museum"}) {
    BOOST_TEST(is_email(good), good);
  }
  for (const char* bad : {"",
                          "@",
                          "a@",
                          "@b.cc",
                          "a@b",
                          "a@b.",
                          "a@.cc",
                          "a@b..cc",
                          "a b@c.dd",
                          "a@b.c",
                          "a@b@c.dd",
                          "a.@b.cc",
                          ".a@b.cc",
                          "a@b.cc>",
                          "<a@b.cc",
                          "a@b.cc,c@d.ee",
                          "a@b.cc\r\nBcc: x@y.zz",
                          "a@b/c.dd",
                          "\"a\"@b.cc",
                          "a@-b.cc"}) {
    BOOST_TEST(!is_email(bad), bad);
  }
  // As long as mail servers take.
  const auto of = [](std::size_t local, std::size_t domain) {
    return std::string(local, 'a') + "@" + std::string(domain - 3, 'b') + ".cc";
  };
  BOOST_TEST(is_email(of(64, 189)));
  BOOST_TEST(!is_email(of(64, 190)));
  BOOST_TEST(!is_email(of(65, 20)));
}

BOOST_AUTO_TEST_CASE(good_submission_keeps_every_text) {
  const Submission got = submit(form_of({}),
                                "first_name=+Anna+&last_name=M%C3%BCller&phone=%2B1+202"
                                "&email=a%40b.cc&saved=yes&other=1");
  BOOST_REQUIRE(got.valid());
  BOOST_TEST(got.values["first_name"].text() == "Anna");
  BOOST_TEST(got.values["last_name"].text() == "Müller");
  BOOST_TEST(got.values["phone"].text() == "+1 202");
  BOOST_TEST(got.unknown.empty());
  BOOST_TEST(!got.honeypot);
}

// As people type them, and as the portal wants them.
BOOST_AUTO_TEST_CASE(dates_and_money_become_the_portals) {
  Field day, sum;
  day.type = FieldType::date;
  sum.type = FieldType::money;
  day.max_length = sum.max_length = 255;
  for (const char* typed : {"2026-12-31", "31.12.2026", "31-12-2026", "３１．１２．２０２６"}) {
    BOOST_TEST(field_text(day, typed) == "2026-12-31");
    BOOST_TEST(text_fault(day, field_text(day, typed)) == "");
  }
  BOOST_TEST(field_text(day, "1.2.2026") == "2026-02-01");
  for (const char* birthday : {"1899-12-31", "1969-12-31", "2000-02-29"})
    BOOST_TEST(text_fault(day, birthday) == "", birthday);
  const std::pair<const char*, const char*> sums[] = {
      {"1500", "1500"},        {"1 500,50", "1500.50"},  {"1\u00a0500,5", "1500.5"},
      {"1,500.50", "1500.50"}, {"1.500.000", "1500000"}, {"1,500", "1500"},
      {"0.99", "0.99"},
  };
  for (const auto& [typed, wanted] : sums) BOOST_TEST(field_text(sum, typed) == wanted);
  BOOST_TEST(sent_text(sum, "1500.50") == "1500.50");
  sum.choices = {{"EUR", "EUR"}};
  BOOST_TEST(sent_text(sum, "1500.50") == "1500.50|EUR");
  BOOST_TEST(sent_text(sum, "") == "");
}

BOOST_AUTO_TEST_CASE(each_bad_text_has_its_error) {
  Settings settings;
  settings.fields = {field("comments"), field("code"), field("day"), field("sum")};
  settings.fields[2].type_name = "date";
  settings.fields[3].type_name = "money";
  settings.fields[1].pattern = "[A-Z]{3}";
  settings.fields[1].required = true;
  const Form form = form_of(settings);
  const struct {
    const char* body;
    const char* name;
    const char* want;
  } cases[] = {
      {"first_name=a%00b", "first_name", "invalid_text"},
      {"first_name=a%FFb", "first_name", "invalid_charset"},
      {"first_name=a%0D%0Ab", "first_name", "invalid_text"},
      {"first_name=a%0Ab", "first_name", "invalid_text"},
      {"first_name=a%1B[31mb", "first_name", "invalid_text"},
      {"first_name=a%7Fb", "first_name", "invalid_text"},
      {"first_name=a%C2%85b", "first_name", "invalid_text"},
      {"first_name=a%E2%80%A8b", "first_name", "invalid_text"},
      {"first_name=a%C0%80b", "first_name", "invalid_charset"},
      {"first_name=a%ED%A0%80b", "first_name", "invalid_charset"},
      {"first_name[]=a", "first_name", "invalid_several"},
      {"first_name[x][y]=a", "first_name", "invalid_several"},
      {"first_name=a&first_name=b", "first_name", "invalid_several"},
      {"first%5Fname=a&first_name=b", "first_name", "invalid_several"},
      {"phone=none", "phone", "invalid_phone"},
      {"email=none", "email", "invalid_email"},
      {"day=tomorrow", "day", "invalid_date"},
      {"day=2026-02-29", "day", "invalid_date"},
      {"day=31.12.26", "day", "invalid_date"},
      {"day=12/31/2026", "day", "invalid_date"},
      {"sum=100+EUR", "sum", "invalid_money"},
      {"sum=-5", "sum", "invalid_money"},
      {"sum=.", "sum", "invalid_money"},
      {"sum=1234567890123456", "sum", "invalid_money"},
      {"code=abc", "code", "invalid_pattern"},
      {"first_name=a", "code", "invalid_required"},
      {"code=+++", "code", "invalid_required"},
      {"comments=a%00b", "comments", "invalid_text"},
  };
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.body) {
      BOOST_TEST(submit(form, c.body).error(c.name) == c.want);
    }
  }
}

BOOST_AUTO_TEST_CASE(lengths_are_counted_in_characters) {
  const Form form = form_of({});
  std::string long_enough;
  for (int i = 0; i < 255; ++i) long_enough += "ж";
  BOOST_TEST(submit(form, "first_name=" + php::url_encode(long_enough)).valid());
  BOOST_TEST(submit(form, "first_name=" + php::url_encode(long_enough + "ж")).error("first_name") ==
             "invalid_long");
}

BOOST_AUTO_TEST_CASE(an_empty_form_is_invalid_as_a_whole) {
  const Form form = form_of({});
  for (const char* body :
       {"saved=yes", "first_name=&email=+&saved=yes", "b24_extra=x", "other=1"}) {
    BOOST_TEST(submit(form, body).error("") == "invalid_empty");
  }
  BOOST_TEST(submit(form, "phone=1").valid());
}

BOOST_AUTO_TEST_CASE(a_ticked_box_alone_is_still_empty) {
  Settings settings;
  settings.fields = {field("consent")};
  const Form form = form_of(settings);
  BOOST_TEST(submit(form, "consent=Y").error("") == "invalid_empty");
  BOOST_TEST(submit(form, "phone=1").error("consent") == "invalid_consent");
  const Submission got = submit(form, "phone=1&consent=on");
  BOOST_TEST(got.valid());
  BOOST_TEST(got.values["consent"].text() == "Y");
}

BOOST_AUTO_TEST_CASE(a_text_area_keeps_its_lines) {
  Settings settings;
  settings.fields = {field("comments")};
  const Submission got = submit(form_of(settings), "comments=a%0D%0Ab%0Dc%0Ad%09e");
  BOOST_REQUIRE(got.valid());
  BOOST_TEST(got.values["comments"].text() == "a\nb\nc\nd\te");
}

BOOST_AUTO_TEST_CASE(a_post_in_the_sites_encoding_becomes_utf8) {
  const Form form = form_of({});
  const std::string body = "first_name=%C0%ED%ED%E0&last_name=%CA&phone=1";  // Анна К
  const Submission got = submit(form, body, "windows-1251");
  BOOST_REQUIRE(got.valid());
  BOOST_TEST(got.values["first_name"].text() == "Анна");
  BOOST_TEST(got.values["last_name"].text() == "К");
  BOOST_TEST(submit(form, body).error("first_name") == "invalid_charset");
  const Submission utf8 = submit(form, "first_name=%D0%90%D0%BD%D0%BD%D0%B0", "windows-1251");
  BOOST_TEST(utf8.values["first_name"].text() == "Анна");
}

BOOST_AUTO_TEST_CASE(a_post_is_read_in_the_charset_that_it_declares) {
  const Form form = form_of({});
  const std::string anna = "first_name=%C0%ED%ED%E0&phone=1", utf8 = "first_name=%D0%90&phone=1";
  const std::string type = "application/x-www-form-urlencoded; charset=";
  const struct {
    std::string type, body;
    const char *encoding, *want;
  } rows[] = {
      {type + "windows-1251", anna, "", "Анна"},
      {type + "\"Windows-1251\"", anna, "koi8-r", "Анна"},
      {type + "windows-1251", utf8, "", "Рђ"},  // as it says, even if it could be another
      {type, anna + "&_charset_=windows-1251", "", "Анна"},
      {type + "koi8-r", "first_name=%E1%CE%CE%C1&_charset_=windows-1251&phone=1", "", "Анна"},
      {type + "iso-8859-1", "first_name=%C9va&phone=1", "windows-1251", "Éva"},
      {type + "utf-8", utf8, "windows-1251", "А"},
      {type, anna, "windows-1251", "Анна"},
      {"application/json; charset=windows-1251",
       "{\"first_name\":\"\xC0\xED\xED\xE0\",\"phone\":1}", "", "Анна"},
  };
  for (const auto& row : rows) {
    const Submission got = read_submission(form, post(row.body, row.type), row.encoding);
    BOOST_TEST(got.valid(), row.type << " " << row.body);
    BOOST_TEST(got.values["first_name"].text() == row.want, row.type << " " << row.body);
  }
}

BOOST_AUTO_TEST_CASE(a_field_that_is_not_in_the_charset_is_refused_by_name) {
  Settings settings;
  settings.form.unknown = "comments";
  const Form form = form_of(settings);
  const std::string type = "application/x-www-form-urlencoded; charset=";
  const Submission utf8 =
      read_submission(form, post("first_name=a&last_name=%C0&phone=1", type + "utf-8"), "koi8-r");
  BOOST_TEST(utf8.error("last_name") == "invalid_charset");
  BOOST_TEST(utf8.error("first_name") == "");
  BOOST_TEST(utf8.charset == "utf-8");
  const Submission cyrillic =
      read_submission(form, post("first_name=%98&phone=1", type + "windows-1251"), "");
  BOOST_TEST(cyrillic.error("first_name") == "invalid_charset");
  BOOST_TEST(cyrillic.charset == "windows-1251");
  const Submission unknown = read_submission(form, post("color=%98&phone=1", type), "windows-1251");
  BOOST_TEST(unknown.error("") == "form_charset");
  BOOST_TEST(unknown.unfit == "color");
  // No visitor opens the rarer of iconv's decoders.
  for (const char* name : {"x-none", "utf-16", "iso-2022-jp", "utf-8//ignore", "windows-9999",
                           "../../etc/passwd", "utf-7"})
    BOOST_TEST(
        read_submission(form, post("phone=1", type + name), "").error("") == "form_charset_unknown",
        name);
}

BOOST_AUTO_TEST_CASE(names_as_builders_write_them_are_the_forms) {
  const Form form = form_of({});
  const Submission got = submit(form, "Name=Anna&LAST+NAME=Lee&Phone=1&E-mail=a");
  BOOST_TEST(got.valid());
  BOOST_TEST(got.values["first_name"].text() == "Anna");
  BOOST_TEST(got.values["last_name"].text() == "Lee");
  BOOST_TEST(got.values["phone"].text() == "1");
  BOOST_TEST((got.ignored == std::vector<std::string>{"E-mail"}));
  // What a field's own name brought stays.
  const Submission both = submit(form, "Phone=2&phone=1&name=contact+form&first_name=Anna");
  BOOST_TEST(both.valid());
  BOOST_TEST(both.values["phone"].text() == "1");
  BOOST_TEST(both.values["first_name"].text() == "Anna");
  Settings settings;
  settings.form.fields = "first_name, phone, name";
  BOOST_TEST(submit(form_of(settings), "Name=Anna&phone=1").values["name"].text() == "Anna");
}

BOOST_AUTO_TEST_CASE(tildas_names_are_its_own_and_its_marks_lie_in_a_cookie) {
  Settings settings;
  settings.form.unknown = "comments";
  const Form form = form_of(settings);
  const std::string body =
      "Name=Anna&Phone=1&Input=blue&formname=Cart&formid=form1&tranid=1%3A2&COOKIES=" +
      php::url_encode(
          "_ga=1; TILDAUTM=utm_source%3Dads%7C%7C%7Cutm_campaign%3D%25D0%2590%7C%7C%7C; x=utm");
  Submission got = submit(form, body);
  BOOST_TEST(got.valid());
  BOOST_TEST(got.values["first_name"].text() == "Anna");
  BOOST_TEST((got.unknown == std::vector<std::pair<std::string, std::string>>{
                                 {"Input", "blue"}, {"formname", "Cart"}}));
  BOOST_TEST((got.marks == Value::map({{"UTM_SOURCE", "ads"}, {"UTM_CAMPAIGN", "А"}})));
  got = submit(form, body + "&utm_source=posted");
  BOOST_TEST(got.marks["UTM_SOURCE"].text() == "posted");
  for (const char* cookies : {"", "TILDAUTM", "TILDAUTM=", "TILDAUTM=%", "TILDAUTM=a[b][c]%7C%7C",
                              "utm_source=x", "TILDAUTM=utm_source[]%3Dx"})
    BOOST_TEST(
        submit(form, "phone=1&tranid=1&COOKIES=" + php::url_encode(cookies)).marks.size() == 0U,
        cookies);
  // Of anybody else it is a field as any other.
  BOOST_TEST(submit(form, "phone=1&COOKIES=TILDAUTM%3Dutm_source%253Dads").marks.size() == 0U);
}

BOOST_AUTO_TEST_CASE(an_object_in_json_is_refused_by_name) {
  const Form form = form_of({});
  const auto json = [&](const std::string& body) {
    return read_submission(form, post(body, "application/json"), "");
  };
  for (const char* body : {R"({"phone":"1","data":{"a":1}})", R"({"phone":"1","data":[{"a":1}]})",
                           R"({"phone":"1","data":[[1]]})"}) {
    const Submission got = json(body);
    BOOST_TEST(got.error("") == "form_nested", body);
    BOOST_TEST(got.unfit == "data", body);
  }
  BOOST_TEST(json(R"({"phone":"1","data":["a","b"],"more":[],"none":null})").valid());
  BOOST_TEST(json(R"({"phone":["1","2"]})").error("phone") == "invalid_several");
  BOOST_TEST(submit(form, "phone=1&data[a][b]=1").valid());
}

BOOST_AUTO_TEST_CASE(full_width_digits_are_digits) {
  const Submission got = submit(form_of({}), "phone=" + php::url_encode("＋７ ٩１") +
                                                 "&email=" + php::url_encode("ａ＠ｂ．ｒｕ"));
  BOOST_TEST(got.valid());
  BOOST_TEST(got.values["phone"].text() == "+7 91");
  BOOST_TEST(got.values["email"].text() == "a@b.ru");
}

BOOST_AUTO_TEST_CASE(what_is_far_too_long_is_not_all_shown_again) {
  const Submission got = submit(form_of({}), "first_name=" + std::string(500'000, 'x'));
  BOOST_TEST(got.error("first_name") == "invalid_long");
  BOOST_TEST(got.values["first_name"].text() == std::string(10'000, 'x'));
  const std::string blanks(100'000, '+');
  BOOST_TEST(submit(form_of({}), "first_name=" + blanks + "x").error("first_name") ==
             "invalid_long");
}

BOOST_AUTO_TEST_CASE(what_is_kept_to_show_again_is_valid_utf8) {
  const Submission got = submit(form_of({}), "first_name=a%FF%00b&email=x");
  BOOST_TEST(got.values["first_name"].text() ==
             "a\xef\xbf\xbd\xef\xbf\xbd"
             "b");
  BOOST_TEST(got.values["email"].text() == "x");
}

BOOST_AUTO_TEST_CASE(marks_come_along_cleaned) {
  const Submission got = submit(
      form_of({}), "phone=1&utm_source=a%00%0Ab&utm_medium[]=x&utm_term=&TRACE=%7B%22a%22%3A1%7D");
  BOOST_REQUIRE(got.valid());
  BOOST_TEST(got.marks["UTM_SOURCE"].text() ==
             "a\xef\xbf\xbd"
             "b");
  BOOST_TEST(got.marks.find("UTM_MEDIUM") == nullptr);
  BOOST_TEST(got.marks.find("UTM_TERM") == nullptr);
  BOOST_TEST(got.marks["TRACE"].text() == "{\"a\":1}");
}

BOOST_AUTO_TEST_CASE(a_trace_is_a_text_of_a_bounded_length) {
  const std::string longest(20'000, 'x');
  for (const std::string& trace : {std::string("a%0Ab"), longest})
    BOOST_TEST(submit(form_of({}), "phone=1&TRACE=" + trace).marks.find("TRACE") != nullptr);
  for (const std::string& trace :
       {std::string(), std::string("a%FF"), std::string("a%1Bb"), longest + "x"})
    BOOST_TEST(submit(form_of({}), "phone=1&TRACE=" + trace).marks.find("TRACE") == nullptr);
}

BOOST_AUTO_TEST_CASE(click_ids_are_marks_unless_the_form_has_a_field_for_them) {
  Settings settings;
  const std::string body = "phone=1&yclid=12&gclid=a%00b";
  const Submission marked = submit(form_of(settings), body);
  BOOST_TEST(marked.marks["yclid"].text() == "12");
  BOOST_TEST(marked.marks["gclid"].text().starts_with("a"));
  BOOST_TEST(marked.ignored.empty());
  settings.fields.push_back({});
  settings.fields[0].name = "yclid";
  settings.fields[0].type_name = "hidden";
  const Submission own = submit(form_of(settings), body);
  BOOST_TEST(own.values["yclid"].text() == "12");
  BOOST_TEST((own.marks.find("yclid") == nullptr));
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_collected_only_when_wanted) {
  Settings settings;
  const std::string body =
      "phone=1&saved=yes&form_token=t&_charset_=utf-8&color=blue&deep[a]=1&%3Cb%3E=x%0Ay&deep[a]=2"
      "&cf-turnstile-response=x&h-captcha-response=x&g-recaptcha-response=x&smart-token=x";
  const Submission ignored = submit(form_of(settings), body);
  BOOST_TEST(ignored.unknown.empty());
  BOOST_TEST((ignored.ignored == std::vector<std::string>{"color", "deep[a]", "<b>"}));
  settings.form.unknown = "comments";
  using Unknown = std::vector<std::pair<std::string, std::string>>;
  const Submission got = submit(form_of(settings), body);
  BOOST_TEST((got.unknown == Unknown{{"color", "blue"}, {"deep[a]", "1, 2"}, {"<b>", "x y"}}));
  BOOST_TEST(got.ignored.empty());
}

BOOST_AUTO_TEST_CASE(unknown_values_are_written_out_readably) {
  Settings settings;
  settings.form.unknown = "comments";
  settings.fields = {field("cv", "file")};
  const Form form = form_of(settings);
  using Unknown = std::vector<std::pair<std::string, std::string>>;
  const auto unknown = [&](const Request& request) {
    return read_submission(form, request, "").unknown;
  };
  BOOST_TEST((unknown(post("services[]=one&phone=1&services[]=two&size=s&size=m&[x]=y&empty=")) ==
              Unknown{{"services", "one, two"}, {"size", "s, m"}, {"[x]", "y"}}));
  const char* json = R"({"phone":"1","services":["one","two"],"order":{"id":7,"paid":true},)"
                     R"("items":[{"n":1},{"n":2}],"none":null,"cv":"cv.pdf"})";
  BOOST_TEST((unknown(post(json, "application/json")) == Unknown{{"services", "one, two"},
                                                                 {"order[id]", "7"},
                                                                 {"order[paid]", "1"},
                                                                 {"items[n]", "1, 2"},
                                                                 {"cv", "cv.pdf"}}));
  Request files = post("phone=1");
  files.uploads = {{"cv", "cv.pdf", "1"}, {"photo", "C:\\me.png", "12345"}};
  BOOST_TEST((unknown(files) == Unknown{{"photo", "C:\\me.png (a file of 5 bytes, not kept)"}}));

  // Too much of it is cut, and says so.
  std::string many = "phone=1&long=" + std::string(5'000, 'x');
  for (int i = 0; i < 60; ++i) many += "&f" + std::to_string(i) + "=1";
  const Unknown got = unknown(post(many));
  BOOST_REQUIRE_EQUAL(got.size(), 51U);
  BOOST_TEST(got[0].second == std::string(1'000, 'x') + "... (5000 characters)");
  BOOST_TEST(got[50].first == "...");
  BOOST_TEST(got[50].second == "11 more fields");
  std::string as_many_as_may_be = "phone=1";
  for (int i = 0; i < 50; ++i) as_many_as_may_be += "&f" + std::to_string(i) + "=1";
  BOOST_TEST(unknown(post(as_many_as_may_be)).back().first == "f49");
  const std::string just_fits(1'000, 'x');
  BOOST_TEST((unknown(post("phone=1&long=" + just_fits)) == Unknown{{"long", just_fits}}));
}

BOOST_AUTO_TEST_CASE(files_lose_their_path_and_keep_to_their_limit) {
  Settings settings;
  settings.fields = {field("cv", "file")};
  settings.fields[0].max_length = 4;
  const Form form = form_of(settings);
  Request request = post("phone=1");
  request.content_type = "multipart/form-data";
  request.uploads = {{"cv", "C:\\dir\\..\\my\r\ncv.pdf", "1234"}};
  const Submission got = read_submission(form, request, "");
  BOOST_REQUIRE(got.valid());
  BOOST_REQUIRE_EQUAL(got.files.size(), 1U);
  BOOST_TEST(got.files[0].name == "mycv.pdf");
  request.uploads[0].content = "12345";
  BOOST_TEST(read_submission(form, request, "").error("cv") == "invalid_file_size");
  request.uploads[0].content = "1";
  request.uploads.push_back(request.uploads[0]);
  BOOST_TEST(read_submission(form, request, "").error("cv") == "invalid_several");
  request.uploads[1].field = "other";
  BOOST_TEST(read_submission(form, request, "").files.size() == 1U);
}

BOOST_AUTO_TEST_CASE(two_parts_of_one_name_are_two_values) {
  std::string body;
  for (const char* part : {"phone\"\r\n\r\n1", "first_name\"\r\n\r\na", "first_name\"\r\n\r\nb"})
    body += "--b\r\nContent-Disposition: form-data; name=\"" + std::string(part) + "\r\n";
  const Request request = post(body + "--b--\r\n", "multipart/form-data; boundary=b");
  BOOST_TEST(read_submission(form_of({}), request, "").error("first_name") == "invalid_several");
}

BOOST_AUTO_TEST_CASE(a_link_fills_the_form_with_texts_only) {
  Request request;
  request.params = *php::parse_query("first_name=Anna&email[]=x&last_name=a%00b&phone=%FF&other=1");
  const Value values = prefill(form_of({}), request);
  BOOST_TEST(values["first_name"].text() == "Anna");
  BOOST_TEST(values.size() == 1U);
  const Form form = form_of({});
  const std::string longest(form.find("first_name")->max_length, 'a');
  request.params = Value::map({{"first_name", longest}, {"last_name", longest + "a"}});
  BOOST_TEST((prefill(form, request) == Value::map({{"first_name", longest}})));
}

BOOST_AUTO_TEST_SUITE_END()
