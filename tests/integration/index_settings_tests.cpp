// index_settings_tests: the lead form as a CGI program, under many settings.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "decorators.h"
#include "form_client.h"
#include "site.h"
#include "value/json.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace index_settings_tests {

const std::string kJson = "Accept: application/json";
const std::string kSite = "B24HOOKS_FORM_ACCEPT=site";
const std::string kOwnPage = "Origin: http://localhost";

// Each case begins with an empty sandbox.
struct Sandbox {
  Sandbox() { site().reset(); }
  static Site& site() { return shared_site(); }
  static Value only_call(const std::string& method = "crm.lead.add") {
    const Value calls = site().calls(method);
    BOOST_REQUIRE_EQUAL(calls.size(), 1U);
    return calls[0]["params"];
  }
};

Value with(Value params, const std::string& name, const std::string& value) {
  params.set(name, value);
  return params;
}

}  // namespace index_settings_tests

BOOST_FIXTURE_TEST_SUITE(index_settings_tests, Sandbox)

BOOST_AUTO_TEST_CASE(cgi_is_served_like_fastcgi) {
  const CgiForm form(site());
  const HttpReply page = form.submit(person());
  BOOST_TEST(page.status == 303);
  BOOST_TEST(notice(page.body) == "Data has been saved");
  BOOST_TEST(site().leads().size() == 1U);
  BOOST_TEST(notice(form.get("/index.php" + page.header("location")).body) ==
             "Data has been saved");
}

// Without cron, too, on a site that has visitors.
BOOST_AUTO_TEST_CASE(an_open_page_asks_again_where_nothing_runs_between_requests) {
  BOOST_TEST(!site().get("/index.php").body.contains(" data-ask"));
  const CgiForm form(site());
  BOOST_TEST(form.get().body.contains(" data-ask>"));
  BOOST_TEST(form.request({"HEAD", "/index.php", {}, ""}).status == 200);
}

// Before any visitor comes.
BOOST_AUTO_TEST_CASE(broken_settings_are_told_at_the_start) {
  const struct {
    const char* settings;
    const char* told;
  } rows[] = {{"[form]\naccept = tilda\n", "set [form] post_key"},
              {"[form]\naccept = own, tild\n", "expects own, site, json or tilda"},
              {"[form]\nno_such_key = 1\n", "no_such_key"}};
  for (const auto& row : rows) {
    const TempDir dir;
    write_file(dir / "settings.conf", std::string("[data]\ndir = data\n") + row.settings);
    const Process program({{built("cgi-bin/index.fcgi"), "--settings", dir / "settings.conf",
                            "--listen", "unix:" + (dir / "socket").string()}});
    BOOST_TEST(wait_until([&] { return program.err().contains(row.told); }), program.err());
  }
}

BOOST_AUTO_TEST_CASE(a_settings_php_that_defines_nothing_is_said_to) {
  const TempDir dir;
  const std::string php = (dir / "settings.php").string();
  const auto imported = [&](const char* code) {
    write_file(php, code);
    return run({{built("cgi-bin/index.fcgi"), "--import-settings", php}});
  };
  const Ran nothing = imported("<?php\n");
  BOOST_TEST(nothing.status == 1);
  BOOST_TEST(nothing.err == php + ": it defines nothing of CRest's\n");
  const Ran something = imported("<?php define('C_REST_BLOCK_LOG', true);\n");
  BOOST_TEST(something.status == 0);
  BOOST_TEST(something.err == "");
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_portal_that_no_setting_names) {
  for (const char* url : {"C_REST_WEB_HOOK_URL=", "C_REST_WEB_HOOK_URL=https://portal.example/"}) {
    const CgiForm form(site(), {url, "B24HOOKS_FORM_WAIT=10m"});
    BOOST_TEST(form.submit(person()).status == 202);
  }
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_portal_that_refuses_the_webhook) {
  const CgiForm form(site(), {"B24HOOKS_FORM_WAIT=10m"});
  site().fault("expired", 0, "crm.lead.add");
  BOOST_TEST(form.submit(person()).status == 202);
  BOOST_TEST(form.submit(person("Boris")).status == 202);
}

BOOST_AUTO_TEST_CASE(what_fell_into_the_trap_is_kept_and_can_be_released, *shows("T28")) {
  const CgiForm form(site());
  BOOST_TEST(!form.get().body.contains("name=\"homepage\""));
  const HttpReply caught = form.submit(with(person(), "b24_extra", "x"), {kJson});
  const std::string id = body_json(caught)["id"].text();
  BOOST_TEST(form.shell({"--list", "spam"}).out.contains(id));
  form.shell({"--retry", "all"});
  form.shell({"--deliver"});
  BOOST_TEST(site().leads().size() == 0U);
  BOOST_TEST(read_file(form.data_dir() / "b24hooks.log").contains("--list spam"));
  // The same again without it is another submission.
  BOOST_TEST(form.submit(person()).status == 303);
  BOOST_TEST(site().leads().size() == 1U);

  BOOST_TEST(form.shell({"--retry", id}).status == 0);
  BOOST_TEST(form.shell({"--deliver"}).status == 0);
  BOOST_TEST(site().leads().size() == 2U);
  BOOST_TEST(!form.shell({"--list", "spam"}).out.contains(id));
}

BOOST_AUTO_TEST_CASE(a_form_of_one_field_needs_no_title_of_its_own) {
  const CgiForm form(site(), {"B24HOOKS_FORM_FIELDS=phone"});
  BOOST_TEST(form.submit(Value::map({{"phone", "+1 202 555 0100"}})).status == 303);
  BOOST_TEST(only_call()["fields"]["TITLE"].text() == "+1 202 555 0100");
}

BOOST_AUTO_TEST_CASE(a_query_is_never_an_option, *shows("T7")) {
  const CgiForm form(site());
  for (const char* path : {"/index.php?--list", "/index.php?--version", "/index.php?-h"}) {
    const HttpReply page = form.get(path);
    BOOST_TEST(page.status == 200);
    BOOST_TEST(page.body.contains("<form"));
  }
}

BOOST_AUTO_TEST_CASE(the_same_post_to_two_processes_is_one_lead) {
  const CgiForm form(site());
  Value params = with(person(), "form_token", input_value(form.get().body, "form_token"));
  const HttpReply first = form.post(params);
  const HttpReply second = form.post(params);
  BOOST_TEST(first.status == 303);
  BOOST_TEST(second.header("location") == first.header("location"));
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_old_form_is_sent_again_with_a_fresh_token) {
  const CgiForm form(site(), {"B24HOOKS_FORM_TOKEN_AGE=0"});
  const std::string token = input_value(form.get().body, "form_token");
  HttpReply page;
  const bool refused = wait_until([&] {
    page = form.post(with(Value::map({{"phone", "none"}, {"saved", "yes"}}), "form_token", token));
    return notice(page.body).contains("open for a long time");
  });
  BOOST_TEST(refused);
  BOOST_TEST(page.status == 422);
  BOOST_TEST(input_value(page.body, "form_token") != token);
  BOOST_TEST(site().leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_form_sent_too_fast_can_be_sent_later) {
  const CgiForm form(site(), {"B24HOOKS_FORM_MIN_TIME=2s"});
  Value params = person();
  // The token tells whole seconds, so a form is never older than it says.
  params.set("form_token", input_value(form.get().body, "form_token"));
  HttpReply page = form.post(params);
  BOOST_TEST((page.status == 422 || page.status == 303));
  if (page.status == 422) BOOST_TEST(notice(page.body).contains("very quick"));
  BOOST_TEST(wait_until([&] { return form.post(params).status == 303; }));
  BOOST_TEST(site().leads().size() == 1U);
  const CgiForm slow(site(), {"B24HOOKS_FORM_MIN_TIME=1h"});
  BOOST_TEST(slow.submit(person("Boris")).status == 422);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(forms_of_other_pages_need_no_token_when_the_owner_says_so) {
  const CgiForm form(site(), {kSite});
  const Value params = Value::map({{"first_name", "Anna"}, {"phone", "1"}});
  const HttpReply first = form.post(params, {kJson, kOwnPage});
  BOOST_TEST(first.status == 200);
  BOOST_TEST(body_json(form.post(params, {kJson, kOwnPage}))["id"].text() ==
             body_json(first)["id"].text());
  BOOST_TEST(site().leads().size() == 1U);
  BOOST_TEST(form.post(with(params, "phone", "2"), {kJson, kOwnPage}).status == 200);
  BOOST_TEST(site().leads().size() == 2U);
  BOOST_TEST(form.post(with(params, "form_token", "forged"), {kJson, kOwnPage}).status == 200);
  BOOST_TEST(site().leads().size() == 2U);
}

BOOST_AUTO_TEST_CASE(only_allowed_origins_may_read_answers) {
  const CgiForm form(site(), {"B24HOOKS_FORM_ALLOWED_ORIGINS=https://shop.example"});
  const auto preflight = [&](const std::string& origin) {
    return form.request({"OPTIONS", "/index.php", {"Origin: " + origin}, ""});
  };
  const HttpReply good = preflight("https://shop.example");
  BOOST_TEST(good.status == 204);
  BOOST_TEST(good.header("access-control-allow-origin") == "https://shop.example");
  BOOST_TEST(good.header("access-control-allow-headers") == "Content-Type");
  for (const char* origin : {"https://evil.example", "null", "http://shop.example",
                             "https://shop.example.evil.example"}) {
    const HttpReply bad = preflight(origin);
    BOOST_TEST(bad.header("access-control-allow-origin") == "", origin);
    BOOST_TEST(bad.header("access-control-allow-methods") == "", origin);
  }
  const HttpReply posted =
      form.post(person(), {kJson, "Origin: https://shop.example", "Sec-Fetch-Site: cross-site"});
  BOOST_TEST(posted.status == 200);
  BOOST_TEST(posted.header("access-control-allow-origin") == "https://shop.example");
  BOOST_TEST(posted.header("vary").contains("Origin"));
  const HttpReply refused = form.post(person("Boris"), {kJson, "Origin: https://evil.example"});
  BOOST_TEST(refused.status == 403);
  BOOST_TEST(body_json(refused)["code"].text() == "cross_site");
}

BOOST_AUTO_TEST_CASE(a_site_in_another_encoding_is_understood) {
  const CgiForm form(site(), {"C_REST_CURRENT_ENCODING=windows-1251", kSite});
  BOOST_TEST(
      form.post(std::string("saved=yes&first_name=%C0%ED%ED%E0&last_name=%CA%EE%F1%B8&phone=1"),
                {kOwnPage})
          .status == 303);
  const Value fields = only_call()["fields"];
  BOOST_TEST(fields["TITLE"].text() == "Анна Косё");
  site().reset();
  BOOST_TEST(form.post(with(person(), "first_name", "Юлия"), {kOwnPage}).status == 303);
  BOOST_TEST(only_call()["fields"]["NAME"].text() == "Юлия");
}

BOOST_AUTO_TEST_CASE(a_declared_charset_is_used_and_what_is_not_valid_in_it_is_named) {
  const CgiForm form(site(), {kSite});
  const std::string type = "Content-Type: application/x-www-form-urlencoded; charset=";
  const std::string anna = "saved=yes&first_name=%C0%ED%ED%E0&last_name=Lee&phone=1";
  BOOST_TEST(form.post(anna, {type + "windows-1251", kOwnPage}).status == 303);
  BOOST_TEST(only_call()["fields"]["NAME"].text() == "Анна");
  site().reset();
  const HttpReply refused = form.post(anna, {type + "utf-8", kJson, kOwnPage});
  BOOST_TEST(refused.status == 422);
  BOOST_TEST(body_json(refused)["errors"]["first_name"].text() ==
             "This text is not valid utf-8, in which it should be.");
  BOOST_TEST(field_error(form.post(anna, {type + "utf-8", kOwnPage}).body, "first_name")
                 .contains("utf-8"));
  BOOST_TEST(
      notice(form.post(anna, {type + "utf-7", kOwnPage}).body).contains("does not know: utf-7"));
  BOOST_TEST(site().leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(nothing_that_was_sent_is_dropped_in_silence) {
  const std::string body =
      "saved=yes&first_name=Anna&last_name=Lee&phone=1&services[]=one&services[]=two&a[b]=c";
  const CgiForm commenting(site(), {kSite, "B24HOOKS_FORM_UNKNOWN=comments"});
  BOOST_TEST(commenting.post(body, {kOwnPage}).status == 303);
  BOOST_TEST(only_call()["fields"]["COMMENTS"].text() == "services: one, two\na[b]: c");

  const CgiForm ignoring(site(), {kSite});
  for (int i = 0; i < 2; ++i) ignoring.post(body + "&x=" + std::to_string(i), {kOwnPage});
  const std::string log = read_file(ignoring.data_dir() / "b24hooks.log");
  const std::string line = "\"fields\":\"services, a[b], x\"";
  BOOST_TEST(log.contains(line), log);
  BOOST_TEST(log.find("ignored_fields") == log.rfind("ignored_fields"), log);
}

BOOST_AUTO_TEST_CASE(the_owner_shapes_the_form_by_settings) {
  const CgiForm form(
      site(),
      {"B24HOOKS_FORM_FIELDS=first_name, phone, size, comments, consent",
       "B24HOOKS_FORM_TITLE=Order of {first_name}", "B24HOOKS_FORM_VALUES=SOURCE_ID=WEB",
       "B24HOOKS_FIELD_PHONE_REQUIRED=yes", "B24HOOKS_FIELD_SIZE_TYPE=select",
       "B24HOOKS_FIELD_SIZE_LABEL=Size", "B24HOOKS_FIELD_SIZE_LABEL_RU=Размер",
       "B24HOOKS_FIELD_SIZE_OPTIONS=s: Small | m: Medium", "B24HOOKS_FIELD_SIZE_TARGET=UF_CRM_SIZE",
       "B24HOOKS_FIELD_CONSENT_LINK=https://example.com/privacy?a=1&b=2"});
  const HttpReply page = form.request({"GET", "/index.php", {"Accept-Language: ru"}, ""});
  BOOST_TEST(page.body.contains("Размер</label>"));
  BOOST_TEST(page.body.contains("<option value=\"m\">Medium</option>"));
  BOOST_TEST(page.body.contains("href=\"https://example.com/privacy?a=1&amp;b=2\""));
  BOOST_TEST(page.body.contains("<textarea id=\"f-comments\""));

  Value params = Value::map({{"saved", "yes"}, {"first_name", "Anna"}, {"size", "m"}});
  const HttpReply bad = form.submit(params);
  BOOST_TEST(bad.status == 422);
  BOOST_TEST(!field_error(bad.body, "phone").empty());
  BOOST_TEST(!field_error(bad.body, "consent").empty());
  BOOST_TEST(bad.body.contains("<option value=\"m\" selected>"));

  params.set("phone", "1");
  params.set("consent", "Y");
  params.set("comments", "Line 1\r\n<b>2</b>");
  BOOST_TEST(form.submit(params).status == 303);
  const Value fields = only_call()["fields"];
  BOOST_TEST(fields["TITLE"].text() == "Order of Anna");
  BOOST_TEST(fields["SOURCE_ID"].text() == "WEB");
  BOOST_TEST(fields["UF_CRM_SIZE"].text() == "m");
  BOOST_TEST(fields["COMMENTS"].text() == "Line 1\n<b>2</b>\nconsent: Y");
  BOOST_TEST(fields.find("STATUS_ID") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_broken_form_is_the_owners_to_mend) {
  const CgiForm form(site(), {"B24HOOKS_FORM_TITLE={nobody}"});
  const HttpReply page = form.get();
  BOOST_TEST(page.status == 503);
  BOOST_TEST(!page.body.contains("nobody"));
}

BOOST_AUTO_TEST_CASE(the_successor_method_makes_leads_too) {
  const CgiForm form(site(), {"B24HOOKS_FORM_METHOD=crm.item.add"});
  const HttpReply saved = form.submit(person(), {kJson});
  BOOST_TEST(saved.status == 200);
  const Value params = only_call("crm.item.add");
  BOOST_TEST(params["entityTypeId"].text() == "1");
  BOOST_TEST(params["fields"]["lastName"].text() == "O'Neil");
  BOOST_TEST(params["fields"]["fm"].size() == 2U);
  const Value leads = site().leads();
  BOOST_REQUIRE_EQUAL(leads.size(), 1U);
  BOOST_TEST(leads[0]["ID"].text() == body_json(saved)["lead_id"].text());
}

BOOST_AUTO_TEST_CASE(an_own_page_says_thank_you, *shows("T31")) {
  const CgiForm form(site(), {"B24HOOKS_FORM_SUCCESS_URL=https://example.com/thanks?a=1"});
  const HttpReply page = form.submit(person());
  BOOST_TEST(page.status == 303);
  BOOST_TEST(page.header("location") == "https://example.com/thanks?a=1");
  BOOST_TEST(form.get().header("content-security-policy").contains("https://example.com"));
  BOOST_TEST(body_json(form.submit(person("Boris"), {kJson}))["redirect"].text() ==
             "https://example.com/thanks?a=1");
}

BOOST_AUTO_TEST_CASE(no_visitor_says_where_it_goes_on, *shows("T31")) {
  for (const char* url : {"", "https://example.com/thanks"}) {
    const CgiForm form(site(), {std::string("B24HOOKS_FORM_SUCCESS_URL=") + url});
    for (const char* evil : {"//evil.example", "/\\evil.example", "https:evil.example",
                             "javascript:evil.example", "https://evil.example"}) {
      Value params = person(evil);
      for (const char* name : {"success_url", "redirect", "return", "next", "url", "back"})
        params.set(name, evil);
      const HttpReply page = form.submit(params);
      BOOST_TEST(page.status == 303);
      BOOST_TEST(!page.header("location").contains("evil"), page.header("location"));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_portals_words_are_shown_only_when_wanted_and_escaped) {
  site().fault("empty-error", 0, "crm.lead.add");
  const CgiForm form(site(), {"B24HOOKS_FORM_SHOW_PORTAL_ERRORS=yes"});
  const HttpReply page = form.submit(person());
  BOOST_TEST(page.status == 200);
  BOOST_TEST(notice(page.body).starts_with("Error saving lead: "));
  BOOST_TEST(notice(page.body).contains("Access denied."));
}

BOOST_AUTO_TEST_CASE(a_file_goes_to_its_field) {
  const CgiForm form(site(), {"B24HOOKS_FIELD_CV_TYPE=file", "B24HOOKS_FIELD_CV_TARGET=UF_CRM_CV"});
  const HttpReply page = form.get();
  BOOST_TEST(page.body.contains("enctype=\"multipart/form-data\""));
  std::string body;
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"saved", "yes"},
                                    {"first_name", "Anna"},
                                    {"form_token", input_value(page.body, "form_token")}}) {
    body +=
        "--xyz\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  }
  body +=
      "--xyz\r\nContent-Disposition: form-data; name=\"cv\"; filename=\"../../cv.txt\"\r\n"
      "Content-Type: text/plain\r\n\r\nhello\r\n--xyz--\r\n";
  const HttpReply sent = form.request(
      {"POST", "/index.php", {"Content-Type: multipart/form-data; boundary=xyz"}, body});
  BOOST_TEST(sent.status == 303);
  const Value file = only_call()["fields"]["UF_CRM_CV"]["fileData"];
  BOOST_TEST(file[0].text() == "cv.txt");
  BOOST_TEST(file[1].text() == "aGVsbG8=");
}

BOOST_AUTO_TEST_CASE(a_day_has_its_limit_for_everybody) {
  const CgiForm form(site(), {"B24HOOKS_SPAM_PER_DAY=1"});
  BOOST_TEST(form.submit(person()).status == 303);
  BOOST_TEST(form.submit(person("Boris")).status == 429);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_template_that_is_not_there_is_said_and_the_usual_one_shown) {
  const CgiForm form(site(), {"B24HOOKS_FORM_TEMPLATE=nowhere"});
  BOOST_TEST(form.get().body.contains("name=\"form_token\""));
  BOOST_TEST(read_file(form.data_dir() / "b24hooks.log").contains("no nowhere.mustache"));
}

BOOST_AUTO_TEST_CASE(a_template_that_changes_is_shown_by_programs_that_run) {
  const Site own;
  const fs::path dir = own.run_dir() / "own";
  fs::copy("templates", dir);
  own.set_setting("templates", "own");
  for (const std::string text : {"<p>first</p>", "<p>second</p>"}) {
    write_file(dir / "foot.mustache", text + read_file("templates/foot.mustache"));
    BOOST_TEST(wait_until([&] { return own.get("/index.php").body.contains(text); }), text);
  }
}

BOOST_AUTO_TEST_CASE(limits_stop_new_leads_but_not_repetitions, *shows("T28")) {
  const CgiForm form(site(), {"B24HOOKS_SPAM_PER_ADDRESS=1"});
  const Value params = with(person(), "form_token", input_value(form.get().body, "form_token"));
  BOOST_TEST(form.post(params).status == 303);
  BOOST_TEST(form.post(params).status == 303);
  const HttpReply stopped = form.submit(person("Boris"));
  BOOST_TEST(stopped.status == 429);
  BOOST_TEST(stopped.body.contains("value=\"Boris\""));
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_captcha_is_shown_and_asked_for) {
  const CgiForm form(site(),
                     {"B24HOOKS_SPAM_CAPTCHA=turnstile", "B24HOOKS_SPAM_CAPTCHA_SITE_KEY=abc",
                      "B24HOOKS_SPAM_CAPTCHA_SECRET=def"});
  const HttpReply page = form.get();
  BOOST_TEST(page.body.contains("data-sitekey=\"abc\""));
  BOOST_TEST(!page.body.contains("def\""));
  BOOST_TEST(page.header("content-security-policy").contains("challenges.cloudflare.com"));
  const HttpReply refused = form.submit(person());
  BOOST_TEST(refused.status == 422);
  BOOST_TEST(notice(refused.body).contains("confirm"));
  BOOST_TEST(site().leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(only_named_sites_may_frame_the_form) {
  BOOST_TEST(
      CgiForm(site()).get().header("content-security-policy").contains("frame-ancestors 'none'"));
  const CgiForm form(site(), {"B24HOOKS_FORM_FRAME_ANCESTORS=https://shop.example"});
  BOOST_TEST(form.get()
                 .header("content-security-policy")
                 .contains("frame-ancestors https://shop.example"));
}

BOOST_AUTO_TEST_CASE(a_policy_is_widened_by_its_directives) {
  const CgiForm form(site(), {"B24HOOKS_PAGE_CSP=font-src https://f.example, "
                              "connect-src https://stats.example, frame-src https://v.example"});
  for (const HttpReply& page : {form.get(), form.get("/index.php/nowhere")}) {
    const std::string csp = page.header("content-security-policy");
    for (const char* part :
         {"font-src https://f.example", "connect-src 'self' https://stats.example",
          "frame-src https://v.example", "default-src 'none'"})
      BOOST_TEST(csp.contains(part), csp);
    BOOST_TEST(!csp.contains("unsafe"), csp);
  }
}

BOOST_AUTO_TEST_CASE(what_can_be_kept_nowhere_is_refused_honestly_and_never_sent) {
  const CgiForm form(site(), {"B24HOOKS_DATA_DIR=/dev/null/nowhere"});
  const HttpReply lost = form.submit(person("Boris"));
  BOOST_TEST(site().leads().size() == 0U);
  BOOST_TEST(lost.status == 503);
  BOOST_TEST(lost.body.contains("value=\"Boris\""));
  BOOST_TEST(notice(lost.body).contains("could not be saved"));
  BOOST_TEST(body_json(form.submit(person("Boris"), {kJson}))["status"].text() == "error");
}

BOOST_AUTO_TEST_CASE(the_shell_shows_and_repeats_what_failed) {
  const CgiForm form(site());
  site().fault("empty-error", 0, "crm.lead.add");
  const HttpReply page = form.submit(person("Anna\xe2\x80\xae"), {kJson});
  const std::string id = body_json(page)["id"].text();
  BOOST_TEST(body_json(page)["status"].text() == "rejected");

  const Ran list = form.shell({"--list", "failed"});
  BOOST_TEST(list.status == 0, list.err);
  BOOST_TEST(list.out.contains(id), list.out);
  BOOST_TEST(list.out.contains("0 pending, 1 failed, 0 done"), list.out);
  BOOST_TEST(form.shell({"--list", "pending"}).out.find(id) == std::string::npos);
  BOOST_TEST(form.shell({"--list", "nonsense"}).status == 64);

  const Ran show = form.shell({"--show", id.substr(0, 8)});
  BOOST_TEST(show.status == 0, show.err);
  for (const char* part : {"failed", "Access denied.", "its life:", "crm.lead.add", "O'Neil"}) {
    BOOST_TEST(show.out.contains(part), show.out);
  }
  BOOST_TEST(form.shell({"--show", "nothing-like-it"}).status == 1);

  site().fault("ok");
  BOOST_TEST(form.shell({"--retry", id}).status == 0);
  BOOST_TEST(form.shell({"--deliver"}).status == 0);
  BOOST_TEST(site().leads().size() == 1U);
  BOOST_TEST(form.shell({"--list"}).out.contains("0 pending, 0 failed, 1 done"));
  BOOST_TEST(form.shell({"--retry", "all"}).out.contains("0 are due now"));
}

BOOST_AUTO_TEST_CASE(cron_delivers_what_a_dead_portal_left) {
  const CgiForm form(site(), {"B24HOOKS_FORM_WAIT=0"});
  site().fault("down");
  BOOST_TEST(form.submit(person()).status == 202);
  BOOST_TEST(form.submit(person("Boris")).status == 202);
  BOOST_TEST(site().leads().size() == 0U);
  site().fault("ok");
  BOOST_TEST(wait_until(
      [&] {
        form.shell({"--deliver"});
        return site().leads().size() == 2U;
      },
      kDeadline * 3));
  BOOST_TEST(form.shell({"--list"}).out.contains("0 pending, 0 failed, 2 done"));
}

BOOST_AUTO_TEST_SUITE_END()
