// recipe_tests: each recipe of README.md's section "Ten recipes", pasted as it stands there into a
// fresh installation, and run.
#include <signal.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/text.h"
#include "event_fixture.h"
#include "form_client.h"
#include "site.h"
#include "standard_webhooks.h"
#include "store_fixture.h"
#include "tls_server.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace recipe_tests {

constexpr const char* kAdmin = "3";  // the user of the second portal's webhook
constexpr const char* kUrlEncoded = "Content-Type: application/x-www-form-urlencoded";

struct Recipe {
  std::string name;
  std::vector<std::string> blocks;  // the settings first
};

std::vector<std::string> parts(const std::string& text, const std::string& begin,
                               const std::string& end) {
  std::vector<std::string> found;
  for (std::size_t at = 0; (at = text.find(begin, at)) != text.npos;) {
    at += begin.size();
    found.push_back(text.substr(at, text.find(end, at) - at));
    at += found.back().size() + (begin == end ? 0 : end.size());
    if (at > text.size()) break;
  }
  return found;
}

std::vector<Recipe> recipes() {
  std::vector<Recipe> all;
  const auto section = parts(read_file("README.md"), "\n## Ten recipes\n", "\n## ");
  BOOST_REQUIRE(section.size() == 1u);
  for (const std::string& recipe : parts(section[0], "\n### ", "\n### ")) {
    all.push_back({recipe.substr(0, recipe.find('\n')), {}});
    for (const std::string& block : parts(recipe, "\n```", "\n```\n"))
      all.back().blocks.push_back(block.substr(block.find('\n') + 1));
  }
  return all;
}

// A fresh installation: the bundle's settings with its two lines filled in.
std::string fresh_settings() {
  std::string text = read_file("conf/dist/settings.conf");
  const auto fill_in = [&](const std::string& key, const std::string& value) {
    const std::size_t at = text.find("\n" + key + " =\n");
    BOOST_REQUIRE(at != text.npos);
    text.insert(at + key.size() + 3, " " + value);
  };
  fill_in("C_REST_WEB_HOOK_URL", "https://localhost:1/rest/1/sandbox/");
  fill_in("application_token", std::string(kToken));
  return text;
}

class Kitchen {
 public:
  Kitchen()
      : outside(nullptr,
                [](const Received& request) {
                  const bool is_wrong =
                      request.path == "/captcha" && !request.body.contains("good");
                  return test::json(is_wrong ? R"({"success":false})" : R"({"success":true})");
                }),
        site({{"B24HOOKS_PAGE_TEMPLATES=" + (fs::current_path() / "templates").string(),
               "B24HOOKS_PORTAL_CALL_CA_FILE=sandbox-ca.pem"},
              fresh_settings()}),
        fresh_(site.settings()) {}

  // What cannot be had here: other hosts, a directory of the package, ten minutes of waiting.
  std::string reachable(std::string text) const {
    const std::string local = "http://127.0.0.1:" + std::to_string(outside.port());
    const std::pair<std::string, std::string> replaced[] = {
        {"https://accounting.example.com", local},
        {"https://warehouse.example.com", local},
        {"https://api.telegram.org", local},
        {"captcha = turnstile", "captcha = turnstile\ncaptcha_verify_url = " + local + "/captcha"},
        {"https://shop.bitrix24.com/rest/1/secret/",
         "https://127.0.0.1:" + std::to_string(site.sandbox_port()) + "/rest/3/admin/"},
        {"https://your.site", ""},
        {"/var/lib/b24hooks", (site.run_dir() / "data").string()},
        {"interval = 10m", "interval = 1s"},
    };
    for (const auto& [from, to] : replaced)
      for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
  }

  // The programs start anew with it, as after an installation.
  void paste(const Recipe& recipe) const {
    site.reset();
    site.set_settings(fresh_ + "\n" + reachable(recipe.blocks.at(0)) + "\n");
    for (const char* name : {"index", "handler", "handler-backup"}) site.kill(name, SIGTERM);
  }
  std::string block(const Recipe& recipe, std::size_t index) const {
    return reachable(recipe.blocks.at(index));
  }

  void change_deal(int id, const char* field, const char* value) const {
    site.call_json("crm.deal.update",
                   Value::map({{"id", id}, {"fields", Value::map({{field, value}})}}));
  }
  // What came in outside for this path, once it is so many.
  std::vector<Received> forwarded(const std::string& path, std::size_t count) const {
    std::vector<Received> found;
    BOOST_REQUIRE(wait_until([&] {
      found = outside.requests();
      std::erase_if(found, [&](const Received& request) { return request.path != path; });
      return found.size() >= count;
    }));
    BOOST_TEST(found.size() == count);
    return found;
  }

  const TlsServer outside;
  const Site site;

 private:
  const std::string fresh_;
};

Value told(const Received& request) {
  return good(json::parse(request.body));
}

std::string header_of(const Received& request, const std::string& name) {
  const auto found = parts(request.head, "\r\n" + name + ": ", "\r\n");
  return found.empty() ? "" : found[0];
}

void order(const Kitchen& kitchen, const Recipe&) {
  Value order = person();
  order.set("product", "Table");
  order.set("comments", "Two, please");
  const Value answer = submit(kitchen.site, "/index.php?form=order", order);
  BOOST_TEST(answer["status"].text() == "saved", json::print(answer));
  BOOST_REQUIRE(kitchen.site.items(2).size() == 3u);  // two were there
  BOOST_REQUIRE(kitchen.site.items(3).size() == 1u);
  const Value deal = kitchen.site.items(2)[2], contact = kitchen.site.items(3)[0];
  BOOST_TEST(deal["TITLE"].text() == "Order: Table");
  BOOST_TEST(deal["CONTACT_ID"].text() == contact["ID"].text());
  for (const char* part : {"Product: Table", "Two, please", "+1 202 555 0100"})
    BOOST_TEST(deal["COMMENTS"].text().contains(part), part);
  BOOST_TEST(contact["NAME"].text() == "Anna");
  BOOST_TEST(contact["PHONE"][0].text() == "+1 202 555 0100");
}

void callback(const Kitchen& kitchen, const Recipe& recipe) {
  const std::string html = kitchen.block(recipe, 1);
  std::string body;
  for (const std::string& name : parts(html, "<input name=\"", "\""))
    body += name + "=" + (name == "phone" ? "%2B12025550100" : "") + "&";
  const HttpReply sent = http(kitchen.site.port(), {"POST",
                                                    parts(html, "action=\"", "\"").at(0),
                                                    {kUrlEncoded, "Sec-Fetch-Site: same-origin"},
                                                    body});
  BOOST_TEST(sent.status == 303, sent.raw);
  BOOST_TEST(notice(kitchen.site.get("/index.php" + sent.header("location")).body) ==
             "We call you within the hour.");
  BOOST_REQUIRE(wait_until([&] { return kitchen.site.leads().size() == 1u; }));
  BOOST_TEST(kitchen.site.leads()[0]["TITLE"].text() == "Call back +12025550100");
}

void tilda(const Kitchen& kitchen, const Recipe& recipe) {
  const std::string address = kitchen.block(recipe, 1);
  BOOST_TEST(kitchen.site.post(address, std::string("test=test")).body == "ok\n");
  const std::string sent = "Name=Anna&Phone=12025550100&Size=large&tranid=1:2&formid=form1";
  for (int time = 0; time < 2; ++time) BOOST_TEST(kitchen.site.post(address, sent).body == "ok\n");
  BOOST_REQUIRE(wait_until([&] { return kitchen.site.leads().size() == 1u; }));
  const Value lead = kitchen.site.leads()[0];
  BOOST_TEST(lead["NAME"].text() == "Anna");
  BOOST_TEST(lead["PHONE"][0].text() == "12025550100");
  BOOST_TEST(lead["COMMENTS"].text().contains("Size: large"), lead["COMMENTS"].text());
  BOOST_TEST(kitchen.site.post(address.substr(0, address.size() - 1), sent).status == 403);
}

void won(const Kitchen& kitchen, const Recipe& recipe) {
  kitchen.change_deal(1, "STAGE_ID", "PREPARATION");
  kitchen.change_deal(1, "STAGE_ID", "WON");
  const Received deal = kitchen.forwarded("/deals", 1)[0];
  BOOST_TEST(told(deal).path("result.STAGE_ID").text() == "WON");
  BOOST_TEST(told(deal).path("result.ID").text() == "1");
  const std::string secret = parts(recipe.blocks[0] + "\n", "forward_secret = whsec_", "\n").at(0);
  BOOST_TEST(header_of(deal, "webhook-signature") ==
             webhook_signature(secret::decode_base64(secret),
                               header_of(deal, "webhook-id") + "." +
                                   header_of(deal, "webhook-timestamp") + "." + deal.body));
  // The next deal's event comes behind these.
  for (const char* title : {"x", "y"}) kitchen.change_deal(1, "TITLE", title);
  kitchen.change_deal(2, "STAGE_ID", "WON");
  BOOST_TEST(told(kitchen.forwarded("/deals", 2)[1]).path("result.ID").text() == "2");
}

void stage(const Kitchen& kitchen, const Recipe&) {
  const std::string path = "/bot123456:TOKEN/sendMessage";
  kitchen.change_deal(1, "STAGE_ID", "PREPARATION");
  const Value first = told(kitchen.forwarded(path, 1)[0]);
  BOOST_TEST(first["chat_id"].integer() == 5);
  BOOST_TEST(first["text"].text().ends_with(":  > PREPARATION"));
  kitchen.change_deal(1, "TITLE", "Say \"so\"");
  kitchen.change_deal(1, "STAGE_ID", "WON");
  BOOST_TEST(told(kitchen.forwarded(path, 2)[1])["text"].text() == "Say \"so\": PREPARATION > WON");
}

void robot(const Kitchen& kitchen, const Recipe& recipe) {
  const std::string address = kitchen.block(recipe, 1);
  const std::string call = "document_id[]=crm&document_id[]=CCrmDocumentDeal&document_id[]=DEAL_2";
  BOOST_TEST(kitchen.site.post(address, call).status == 200);
  const Value order = told(kitchen.forwarded("/orders", 1)[0]);
  BOOST_TEST(order["order"].integer() == 2);
  BOOST_TEST(order["title"].text() == kitchen.site.items(2)[1]["TITLE"].text());
  BOOST_TEST(order["from"].text() == "north");
  BOOST_TEST(kitchen.site.post("/handler.php?robot=" + std::string(kToken), call).status == 403);
}

void missed(const Kitchen& kitchen, const Recipe&) {
  const auto store = good(Store::open(kitchen.site.run_dir() / "data"));
  // At the first look all is known, also what changes in the same second.
  const auto looked_at = [&] {
    return json::parse(good(store->recall("watch.deal"))).value_or(Value())["asked_at"].integer();
  };
  BOOST_REQUIRE(wait_until([&] { return looked_at() > 0; }));
  const Millis first = looked_at();
  BOOST_REQUIRE(wait_until([&] { return looked_at() >= first + kSecond; }));
  kitchen.site.control("handler", Value::map({{"url", ""}}));  // the portal has muted us
  kitchen.change_deal(2, "TITLE", "x");
  BOOST_TEST(kitchen.site.hooked("[recovered] => 1\n"));
  BOOST_TEST(kitchen.site.hook_log().contains("[event] => ONCRMDEALUPDATE\n"));
  kitchen.site.control(
      "handler", Value::map({{"url", "http://127.0.0.1:" + std::to_string(kitchen.site.port()) +
                                         "/handler.php"}}));
}

void second_portal(const Kitchen& kitchen, const Recipe&) {
  const auto by_admin = [&](const std::string& method) {
    return std::ranges::count(kitchen.site.callers(method), kAdmin);
  };
  BOOST_TEST(submit(kitchen.site, "/index.php?form=shop", person())["status"].text() == "saved");
  BOOST_TEST(by_admin("crm.lead.add") == 1u);
  const std::size_t before = kitchen.outside.requests().size();
  kitchen.site.call_json("crm.deal.add",
                         Value::map({{"fields", Value::map({{"TITLE", "of the first"}})}}));
  BOOST_REQUIRE(wait_until([&] { return kitchen.outside.requests().size() == before + 1; }));
  BOOST_TEST(told(kitchen.outside.requests().back()).path("result.TITLE").text() == "of the first");
  BOOST_TEST(by_admin("crm.deal.get") == 0u);
  Value event = event_params("ONCRMDEALADD", "1");
  event["auth"].set("application_token", "the-token-of-its-outbound-webhook");
  event["auth"].set("domain", "127.0.0.1");
  BOOST_TEST(kitchen.site.post("/handler.php", event).status == 200);
  BOOST_REQUIRE(wait_until([&] { return kitchen.outside.requests().size() == before + 2; }));
  BOOST_TEST(by_admin("crm.deal.get") == 1u);
}

void spam(const Kitchen& kitchen, const Recipe&) {
  const std::string path = "/index.php?form=contact";
  const HttpReply page = kitchen.site.get(path);
  BOOST_TEST(page.body.contains("data-sitekey=\"YOUR-SITE-KEY\""));
  const Millis shown = now_ms();
  int number = 0;
  const auto send = [&](const std::string& captcha, const std::string& trap = "") {
    return kitchen.site.post(path,
                             Value::map({{"first_name", "Anna"},
                                         {"phone", "+1 202 555 01" + std::to_string(10 + ++number)},
                                         {"b24_extra", trap},
                                         {"cf-turnstile-response", captcha},
                                         {"form_token", input_value(page.body, "form_token")}}));
  };
  BOOST_TEST(send("good").body.contains("That was very quick."));
  wait_until([&] { return now_ms() >= shown + 2'000; });
  for (const char* captcha : {"", "bad"}) BOOST_TEST(send(captcha).status == 422);
  BOOST_TEST(send("good", "a program fills this").status == 303);
  BOOST_TEST(kitchen.site.leads().size() == 0u);
  BOOST_TEST(send("good").status == 303);
  BOOST_TEST(wait_until([&] { return kitchen.site.leads().size() == 1u; }));
  int status = 0;
  while (number < 30 && status != 429) status = send("").status;
  BOOST_TEST(status == 429);
  BOOST_TEST(number > 10);
}

void table(const Kitchen& kitchen, const Recipe& recipe) {
  const fs::path file = kitchen.site.run_dir() / "data/won.csv";
  const auto rows = [](const fs::path& of) { return text::split(read_file(of), "\n"); };
  const auto win = [&](int id) {
    kitchen.change_deal(id, "STAGE_ID", "WON");
    BOOST_REQUIRE(wait_until([&] { return rows(file).size() == 2u; }));
    BOOST_TEST(rows(file)[0] == "id,received_at,\"Deal\",\"Title\",\"Amount\"");
    BOOST_TEST(rows(file)[1].contains(",\"" + std::to_string(id) + "\","), rows(file)[1]);
  };
  win(1);
  // Of cron's line the five times are left out, and \% is cron's %.
  const std::string line = kitchen.block(recipe, 1);
  std::smatch command;
  BOOST_REQUIRE(std::regex_match(line, command, std::regex("(?:[0-9*]+ ){5}(.*)")));
  const std::string shell = std::regex_replace(command[1].str(), std::regex("\\\\%"), "%");
  for (const int status : {0, 1}) BOOST_TEST(run({{"sh", "-c", shell}}).status == status);
  BOOST_TEST(!fs::exists(file));
  win(2);
  std::size_t older = 0;
  for (const auto& entry : fs::directory_iterator(file.parent_path()))
    older += entry.path().filename().string().starts_with("won-20") ? 1 : 0;
  BOOST_TEST(older == 1u);
}

const std::map<std::string, void (*)(const Kitchen&, const Recipe&)> kRuns = {
    {"An order becomes a deal with its contact", order},
    {"A callback form on your own page", callback},
    {"A form made with Tilda", tilda},
    {"A won deal goes to accounting", won},
    {"A new stage is told in a chat", stage},
    {"A robot has the goods sent", robot},
    {"No change of a deal is missed", missed},
    {"A second portal", second_portal},
    {"Spam stays off a form", spam},
    {"A table of the won deals, each night a new one", table},
};

}  // namespace recipe_tests

BOOST_AUTO_TEST_SUITE(recipe_tests)

BOOST_AUTO_TEST_CASE(each_recipe_of_the_readme_does_what_it_says) {
  const Kitchen kitchen;
  const std::vector<Recipe> all = recipes();
  BOOST_TEST(all.size() == 10u);
  BOOST_TEST(all.size() == kRuns.size());
  for (const Recipe& recipe : all) {
    BOOST_TEST_CONTEXT(recipe.name) {
      BOOST_REQUIRE(kRuns.contains(recipe.name));
      kitchen.paste(recipe);
      kRuns.at(recipe.name)(kitchen, recipe);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
