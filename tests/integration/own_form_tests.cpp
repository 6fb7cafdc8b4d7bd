// own_form_tests: forms that are not ours, as README.md shows them, by each way that form.accept
// has; the form as a CGI program.
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <regex>
#include <string>
#include <vector>

#include "form_client.h"
#include "site.h"
#include "value/json.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;

namespace own_form_tests {

const std::string kKey = "Key0Of0The0Owner";
const std::string kOwnPage = "Sec-Fetch-Site: same-origin";
const std::string kShop = "Origin: https://www.example.com";
const std::string kJsonBody = "Content-Type: application/json";
const std::string kPath = "/index.php?key=" + kKey;

// A way of README's section "Your own form": from its name on to the next one.
std::string way(const std::string& name) {
  const std::string readme = read_file("README.md");
  const std::size_t begin = readme.find("\n**" + name + "**");
  BOOST_TEST_REQUIRE(begin != readme.npos, name);
  return readme.substr(
      begin, std::min(readme.find("\n**", begin + 1), readme.find("\n## ", begin)) - begin);
}

// The settings that its first lines name, and the example that it shows.
std::vector<std::string> settings_of(const std::string& whole) {
  const std::string text = whole.substr(0, whole.find("\n\n"));
  const std::regex code("`([a-z_]+) = ([^`]+)`");
  std::vector<std::string> settings;
  for (std::sregex_iterator it(text.begin(), text.end(), code), end; it != end; ++it) {
    std::string name = it->str(1);
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    settings.push_back("B24HOOKS_FORM_" + name + "=" + (it->str(2) == "KEY" ? kKey : it->str(2)));
  }
  BOOST_TEST(!settings.empty(), text);
  return settings;
}

std::string example_of(const std::string& text) {
  const std::size_t begin = text.find("\n    ");
  BOOST_TEST_REQUIRE(begin != text.npos, text);
  return text.substr(begin, text.find("\n\n", begin) - begin);
}

// A form's post, with the values that its inputs get; those that are not named get none.
std::string filled(const std::string& html, const Value& values) {
  const std::regex input("<input name=\"([^\"]+)\"");
  Value post = Value::array();
  for (std::sregex_iterator it(html.begin(), html.end(), input), end; it != end; ++it)
    post.set(it->str(1), values[it->str(1)].text());
  return php::build_query(post);
}

// What a curl command of README would send.
HttpCall curl(const std::string& text) {
  const std::string printing = "curl() { printf '%s\\n' \"$@\"; }\n" + example_of(text);
  const Ran ran = run({{"sh", "-c", printing}, {}, "", {}, {}});
  BOOST_TEST_REQUIRE(ran.status == 0, ran.err);
  HttpCall call{"POST", "", {}, ""};
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("https://your.site")) call.path = line.substr(17);
    if (line == "-H" && std::getline(lines, line)) call.headers.push_back(line);
    if (line == "-d" && std::getline(lines, line)) call.body = line;
  }
  const std::size_t key = call.path.find("KEY");
  BOOST_TEST_REQUIRE(key != std::string::npos);
  call.path.replace(key, 3, kKey);
  if (call.headers.empty())
    call.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
  return call;
}

struct OwnForm {
  OwnForm() { site().reset(); }
  static Site& site() { return shared_site(); }
  static bool leads_are(const CgiForm& form, std::size_t count) {
    form.shell({"--deliver"});
    return wait_until([&] { return site().leads().size() == count; });
  }
  static std::string log(const CgiForm& form) {
    return read_file(form.data_dir() / "b24hooks.log");
  }
};

const Value kPerson = Value::map({{"first_name", "Anna"}, {"phone", "+1 202 555 0100"}});

}  // namespace own_form_tests

BOOST_FIXTURE_TEST_SUITE(own_form_tests, OwnForm)

BOOST_AUTO_TEST_CASE(a_form_on_the_same_site) {
  const std::string text = way("A form on the same site"), html = example_of(text);
  BOOST_TEST(html.contains("<form method=\"post\" action=\"/index.php\">"));
  const std::string body = filled(html, kPerson);
  const CgiForm form(site(), settings_of(text));
  const HttpReply sent = form.post(body, {kOwnPage});
  BOOST_TEST(sent.status == 303);
  BOOST_TEST(notice(form.get("/index.php" + sent.header("location")).body) ==
             "Data has been saved");
  BOOST_TEST(site().leads().size() == 1U);

  Value wrong = kPerson;
  wrong.set("phone", "none");
  const HttpReply mistake = form.post(filled(html, wrong), {kOwnPage});
  BOOST_TEST(mistake.status == 422);
  BOOST_TEST(mistake.body.contains("value=\"Anna\""));
  BOOST_TEST(!field_error(mistake.body, "phone").empty());
  BOOST_TEST(!input_value(mistake.body, "form_token").empty());

  Value trapped = kPerson;
  trapped.set("b24_extra", "x");
  BOOST_TEST(form.post(filled(html, trapped), {kOwnPage}).status == 303);
  BOOST_TEST(site().leads().size() == 1U);
  BOOST_TEST(form.post(body).status == 422);  // nobody says where it comes from
  BOOST_TEST(log(form).contains("refused.key"), log(form));
  BOOST_TEST(form.post(body, {"Sec-Fetch-Site: cross-site", kShop}).status == 403);
  BOOST_TEST(log(form).contains("form.allowed_origins"));
  BOOST_TEST(site().leads().size() == 1U);

  const CgiForm closed(site());
  const HttpReply refused = closed.post(body, {kOwnPage});
  BOOST_TEST(refused.status == 422);
  BOOST_TEST(refused.body.contains("value=\"Anna\""));
  BOOST_TEST(log(closed).contains("[form] accept = own, site"), log(closed));
}

BOOST_AUTO_TEST_CASE(a_form_of_parts_and_limits_by_address) {
  const CgiForm form(site(), {"B24HOOKS_FORM_ACCEPT=site", "B24HOOKS_SPAM_PER_ADDRESS=1"});
  const auto part = [](const std::string& name, const std::string& value) {
    return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  };
  const auto post = [&](const std::string& phone) {
    return form.request({"POST",
                         "/index.php",
                         {"Content-Type: multipart/form-data; boundary=x", kOwnPage},
                         part("Phone", phone) + "--x--\r\n"});
  };
  BOOST_TEST(post("1").status == 303);
  BOOST_TEST(post("2").status == 429);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_form_on_another_site) {
  const CgiForm form(site(), settings_of(way("A form on another site")));
  const std::string body = php::build_query(kPerson);
  BOOST_TEST(form.post(body, {"Sec-Fetch-Site: cross-site", kShop}).status == 303);
  BOOST_TEST(site().leads().size() == 1U);
  BOOST_TEST(form.post(body, {"Origin: https://evil.example"}).status == 403);
  BOOST_TEST(form.post(body, {kOwnPage}).status == 422);
  const HttpReply json =
      form.request({"POST", "/index.php", {kJsonBody, kShop}, json::print(kPerson)});
  BOOST_TEST(json.status == 403);
  BOOST_TEST(json.header("access-control-allow-origin") == "https://www.example.com");
  BOOST_TEST(body_json(json)["code"].text() == "not_accepted");
  BOOST_TEST(log(form).contains("[form] accept = own, json"), log(form));
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_script_with_json) {
  std::vector<std::string> settings = settings_of(way("A script"));
  settings.emplace_back("B24HOOKS_FORM_ALLOWED_ORIGINS=https://www.example.com");
  const CgiForm form(site(), settings);
  const auto post = [&](const std::string& body, std::vector<std::string> headers) {
    headers.push_back(kJsonBody);
    return form.request({"POST", "/index.php", std::move(headers), body});
  };
  const HttpReply saved = post(json::print(kPerson), {kOwnPage, "Accept: */*"});
  BOOST_TEST(saved.status == 200);
  BOOST_TEST(saved.header("content-type") == "application/json; charset=utf-8");
  BOOST_TEST(body_json(saved)["status"].text() == "saved");
  const Value leads = site().leads();
  BOOST_REQUIRE_EQUAL(leads.size(), 1U);
  BOOST_TEST(leads[0]["NAME"].text() == "Anna");

  const HttpReply mistake = post(R"({"phone":"-","email":"x"})", {kOwnPage, "Accept-Language: ru"});
  BOOST_TEST(mistake.status == 422);
  BOOST_TEST(body_json(mistake)["message"].text() == "Исправьте, пожалуйста, отмеченные поля.");
  BOOST_TEST(body_json(mistake)["errors"]["email"].text().starts_with("Это не адрес"));
  BOOST_TEST(body_json(mistake)["errors"].size() == 2U);
  const HttpReply nested = post(R"({"phone":"1","data":{"name":"Anna"}})", {kOwnPage});
  BOOST_TEST(nested.status == 422);
  BOOST_TEST(body_json(nested)["message"].text().contains("data is an object"));
  const HttpReply broken = post("{", {kOwnPage});
  BOOST_TEST(broken.status == 400);
  BOOST_TEST(body_json(broken)["code"].text() == "bad_json");
  BOOST_TEST(post(json::print(kPerson), {}).status == 403);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_script_of_another_site) {
  const CgiForm form(site(), {"B24HOOKS_FORM_ACCEPT=json",
                              "B24HOOKS_FORM_ALLOWED_ORIGINS=https://www.example.com"});
  const auto preflight = [&](const std::string& origin) {
    return form.request(
        {"OPTIONS",
         "/index.php",
         {origin, "Access-Control-Request-Method: POST",
          "Access-Control-Request-Headers: content-type", "Sec-Fetch-Site: cross-site"},
         ""});
  };
  const HttpReply asked = preflight(kShop);
  BOOST_TEST(asked.status == 204);
  BOOST_TEST(asked.header("access-control-allow-origin") == "https://www.example.com");
  BOOST_TEST(asked.header("access-control-allow-headers") == "Content-Type");
  BOOST_TEST(asked.header("access-control-allow-methods") == "GET, POST");
  BOOST_TEST(asked.header("access-control-allow-credentials") == "");
  BOOST_TEST(preflight("Origin: https://evil.example").header("access-control-allow-origin") == "");
  BOOST_TEST(log(form).contains("form.allowed_origins"), log(form));
  const HttpReply sent = form.request({"POST",
                                       "/index.php",
                                       {kJsonBody, kShop, "Sec-Fetch-Site: cross-site"},
                                       json::print(kPerson)});
  BOOST_TEST(sent.status == 200);
  BOOST_TEST(sent.header("access-control-allow-origin") == "https://www.example.com");
  BOOST_TEST(site().leads().size() == 1U);
}

// A visitor would wait until it is saved.
BOOST_AUTO_TEST_CASE(a_program_with_json) {
  const std::string text = way("A program");
  std::vector<std::string> settings = settings_of(text);
  settings.emplace_back("B24HOOKS_FORM_WAIT=10m");
  settings.emplace_back("B24HOOKS_SPAM_PER_ADDRESS=1");
  const CgiForm form(site(), settings);
  HttpCall call = curl(text);
  const HttpReply sent = form.request(call);
  BOOST_TEST(sent.status == 202);
  BOOST_TEST(body_json(sent)["status"].text() == "accepted");
  call.body = R"({"Name":"Boris","PHONE":"1"})";
  BOOST_TEST(form.request(call).status == 202);
  BOOST_TEST(leads_are(form, 2));

  call.body = R"({"phone":"call me"})";
  BOOST_TEST(form.request(call).status == 422);
  BOOST_TEST(log(form).contains("phone: invalid_phone"), log(form));
  call.path = "/index.php?key=" + kKey + "x";
  BOOST_TEST(body_json(form.request(call))["code"].text() == "not_accepted");
  BOOST_TEST(log(form).contains("what stands in [form] post_key"), log(form));
  BOOST_TEST(!log(form).contains(kKey));
  BOOST_TEST(!form.get(kPath).raw.contains(kKey));
}

BOOST_AUTO_TEST_CASE(a_program_with_plain_fields) {
  const CgiForm form(site(), {"B24HOOKS_FORM_ACCEPT=site", "B24HOOKS_FORM_POST_KEY=" + kKey});
  HttpCall call{"POST",
                kPath,
                {"Content-Type: application/x-www-form-urlencoded"},
                "first_name=Anna&Phone=1&form_id=7"};
  BOOST_TEST(form.request(call).status == 202);
  BOOST_TEST(leads_are(form, 1));
  call.path = "/index.php";
  BOOST_TEST(form.request(call).status == 422);
}

BOOST_AUTO_TEST_CASE(tilda) {
  const std::string text = way("Tilda");
  std::vector<std::string> settings = settings_of(text);
  settings.emplace_back("B24HOOKS_SPAM_PER_ADDRESS=1");
  settings.emplace_back("B24HOOKS_FORM_UNKNOWN=comments");
  const CgiForm form(site(), settings);
  HttpCall call = curl(text);
  const HttpReply sent = form.request(call);
  BOOST_TEST(sent.status == 200);
  BOOST_TEST(sent.body == "ok\n");
  BOOST_TEST(sent.header("content-type").starts_with("text/plain"));
  BOOST_TEST(leads_are(form, 1));
  const Value fields = site().calls("crm.lead.add")[0]["params"]["fields"];
  BOOST_TEST(fields["NAME"].text() == "Anna");
  BOOST_TEST(fields["PHONE"][0]["VALUE"].text() == "12025550100");
  BOOST_TEST(fields["UTM_SOURCE"].text() == "ads");
  BOOST_TEST(!fields["COMMENTS"].text().contains("TILDAUTM"));

  // Tilda heard no answer and sends it again; the cookies have changed meanwhile.
  call.body += "%3B+x%3D1&formname=Order";
  BOOST_TEST(form.request(call).body == "ok\n");
  BOOST_TEST(leads_are(form, 1));
  // Another visitor, by the same server.
  call.body = "Name=Anna&Phone=12025550100&tranid=1:3&formname=Order";
  BOOST_TEST(form.request(call).body == "ok\n");
  BOOST_TEST(leads_are(form, 2));
  BOOST_TEST(site().calls("crm.lead.add")[1]["params"]["fields"]["COMMENTS"].text() ==
             "formname: Order");
  BOOST_TEST(wait_until([&] { return form.shell({"--list"}).out.contains("2 done"); }));
}

BOOST_AUTO_TEST_CASE(what_tilda_sends_to_two_forms_is_a_lead_of_each) {
  std::vector<std::string> settings = settings_of(way("Tilda"));
  settings.emplace_back("B24HOOKS_FORM_SALES_HEADING=Sales");
  const CgiForm form(site(), settings);
  HttpCall call{"POST",
                kPath,
                {"Content-Type: application/x-www-form-urlencoded"},
                "Name=Anna&Phone=12025550100&tranid=1:5"};
  for (const char* which : {"", "&form=sales", "", "&form=sales"}) {
    call.path = kPath + std::string(which);
    BOOST_TEST(form.request(call).body == "ok\n");
  }
  BOOST_TEST(leads_are(form, 2));
}

BOOST_AUTO_TEST_CASE(tilda_asks_whether_the_address_answers) {
  const CgiForm form(site(), settings_of(way("Tilda")));
  HttpCall call{"POST", kPath, {"Content-Type: application/x-www-form-urlencoded"}, "test=test"};
  BOOST_TEST(form.request(call).status == 200);
  BOOST_TEST(form.request(call).body == "ok\n");
  call.body = "Phone=none&tranid=1:4";
  const HttpReply mistake = form.request(call);
  BOOST_TEST(mistake.status == 422);
  BOOST_TEST(mistake.body == "Please correct the marked fields.\n");
  BOOST_TEST(log(form).contains("phone: invalid_phone"), log(form));
  call.path = "/index.php?key=wrong";
  BOOST_TEST(form.request(call).status == 403);
  BOOST_TEST(log(form).contains("refused.key"));
  BOOST_TEST(!log(form).contains(kKey));

  const CgiForm closed(site(),
                       {"B24HOOKS_FORM_ACCEPT=site, json", "B24HOOKS_FORM_POST_KEY=" + kKey});
  call = {"POST", kPath, call.headers, "test=test"};
  const HttpReply refused = closed.request(call);
  BOOST_TEST(refused.status == 403);
  BOOST_TEST(!refused.raw.contains(kKey));
  BOOST_TEST(log(closed).contains("[form] accept = site, json, tilda"), log(closed));
  BOOST_TEST(leads_are(closed, 0));
}

BOOST_AUTO_TEST_SUITE_END()
