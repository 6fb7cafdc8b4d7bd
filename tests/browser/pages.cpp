// pages: see pages.h.
#include "pages.h"

#include <signal.h>

#include <filesystem>
#include <stdexcept>

#include "event_fixture.h"
#include "keep/store.h"

namespace b24::test {
namespace {

constexpr const char* kSend = "main form button[type=submit]";

// What settings.conf of the troubled site has besides.
constexpr const char* kTroubles = R"(
[form]
title = {first_name}
fields = first_name, phone, size, comments, offer, news, consent
values = STATUS_ID=NO_SUCH_STAGE, UF_CRM_NONE=1

[field first_name]
required = yes

[field size]
type = select
label = Size of the company
label_ru = Размер компании
options = s: up to 10 | m: up to 100 | l: more
required = yes

[field offer]
type = file
target = UF_CRM_OFFER
label = Your request for an offer, as a file
label_ru = Запрос на предложение, файлом

[field news]
type = checkbox
label = Send me news
label_ru = Присылайте мне новости

[field consent]
link = https://example.com/privacy
required = yes
)";

// Two days of leads and events, so that the charts have something to draw.
void add_traffic(const Site& site) {
  const Millis start = now_ms() - 48 * 3'600'000;
  Millis now = start;
  const auto store = Store::open(site.run_dir() / "data", "", [&now] { return now; }).value();
  for (int hour = 0; hour < 48; ++hour) {
    for (int i = 0; i < (hour * 7) % 11; ++i) {
      NewItem item;
      item.kind = i % 3 == 0 ? Kind::lead : Kind::event;
      item.id = "traffic-" + std::to_string(hour) + "-" + std::to_string(i);
      item.received_at = start + hour * Millis{3'600'000} + i;
      item.state = State::done;
      now = item.received_at;
      if (!store->accept({item})) throw std::runtime_error("the store does not take the traffic");
    }
  }
  const Ran ran = run({{"sqlite3", (site.run_dir() / "data/store.db").string(),
                        "PRAGMA busy_timeout = 20000; UPDATE items SET finished_at = received_at +"
                        " 200 + number * 37 % 900 WHERE id LIKE 'traffic-%'"}});
  if (ran.status != 0) throw std::runtime_error("sqlite3: " + ran.err);
}

void open(Browser& browser, const Site& site, const std::string& path) {
  browser.open(address(site, path));
}

// As the server shows it, since the script's messages are the same elsewhere.
void send_without_scripts(Browser& browser, const Site& site) {
  browser.set_scripts(false);
  open(browser, site, "/index.php");
  browser.script("document.querySelector('#lead').noValidate = true;");
  browser.fill("#f-first_name", "Анна-Мария Константинопольская");
  browser.fill("#f-phone", "none");
  browser.click(kSend);
  if (!browser.comes("[aria-invalid=true]")) throw std::runtime_error("no field is marked");
}

void send_well(Browser& browser) {
  open(browser, shared_site(), "/index.php");
  browser.fill("#f-first_name", "Anna");
  browser.fill("#f-phone", "+1 202 555 0100");
  browser.click(kSend);
  if (!browser.comes("#notice.ok:not([hidden])"))
    throw std::runtime_error("nothing is said about the lead");
}

void try_wrong_key(Browser& browser) {
  open(browser, troubled_site(), "/checkserver.php");
  browser.fill("#key", "not-the-key-0123456789");
  browser.click(kSend);
  if (!browser.comes(".notice.error")) throw std::runtime_error("the wrong key is not refused");
}

void enter_key(Browser& browser) {
  open(browser, troubled_site(), "/checkserver.php");
  browser.fill("#key", kOwnersKey);
  browser.click(kSend);
  if (!browser.comes(".problem")) throw std::runtime_error("no problem is shown");
}

// A place of the desk, after the key was entered there.
void at_desk(Browser& browser, const std::string& place) {
  open(browser, troubled_site(), "/checkserver.php?desk=" + place);
  browser.fill("#key", kOwnersKey);
  browser.click(kSend);
  if (!browser.comes(".desk-head")) throw std::runtime_error("the key does not open the desk");
}

Value event_of(const std::string& token) {
  Value event = event_params();
  event.set("auth", Value::map({{"domain", "example.bitrix24.com"}, {"application_token", token}}));
  return event;
}

// Everything unfolded.
void unfold(Browser& browser) {
  browser.script("for (const group of document.querySelectorAll('details')) group.open = true;");
}

// The first item of a list.
void at_item(Browser& browser, const std::string& list) {
  at_desk(browser, list);
  browser.click(".items .what a");
  if (!browser.comes(".life")) throw std::runtime_error("the item is not shown");
  unfold(browser);
}

}  // namespace

std::int64_t add_failed_lead(const Site& site, const std::string& id,
                             const std::string& last_name) {
  const auto store = Store::open(site.run_dir() / "data").value();
  NewItem item;
  item.id = id;
  item.name = "form";
  item.received_at = now_ms();
  const auto entry = [](const char* value) {
    return Value::list({Value::map({{"VALUE", value}, {"VALUE_TYPE", "WORK"}})});
  };
  const Value fields = Value::map({{"TITLE", "Анна-Мария"},
                                   {"NAME", "Анна-Мария"},
                                   {"LAST_NAME", last_name},
                                   {"COMMENTS", "Нужен расчёт на 200 дверей.\nСпасибо!"},
                                   {"PHONE", entry("+7 495 123-45-67")},
                                   {"EMAIL", entry("a.very.long.address@subdomain.example.org")},
                                   {"ORIGINATOR_ID", "b24hooks"},
                                   {"ORIGIN_ID", id}});
  item.payload =
      Value::map({{"method", "crm.lead.add"}, {"params", Value::map({{"fields", fields}})}});
  if (!store->accept({item})) throw std::runtime_error("the store does not take the lead");
  const std::int64_t number = store->find(Kind::lead, id).value().value().number;
  const Outcome outcome{.took = 290,
                        .code = "INSUFFICIENT_SCOPE",
                        .text = "The request requires higher privileges than the webhook has"};
  if (!store->fail(number, outcome)) throw std::runtime_error("the lead does not fail");
  return number;
}

const Site& troubled_site() {
  static const Site& site = []() -> const Site& {
    static Site made;
    made.set_setting("C_REST_WEB_HOOK_URL",
                     "https://localhost:" + std::to_string(made.sandbox_port()) + "/rest/3/admin/");
    made.set_setting("access", std::string("summary\nkey = ") + kOwnersKey);
    made.set_settings(made.settings() + kTroubles);
    add_traffic(made);
    add_failed_lead(made, "refused-lead", "Константинопольская-Верхнеудинская");
    // Started anew they have the settings at once, and the verdict of before is forgotten.
    for (const char* program : {"index", "checkserver"}) made.kill(program, SIGTERM);
    std::filesystem::remove(made.run_dir() / "data/checkserver.json");
    return made;
  }();
  return site;
}

const std::vector<ShownPage>& all_pages() {
  static const std::vector<ShownPage> pages = {
      {"form", [](Browser& b) { open(b, shared_site(), "/index.php"); }},
      {"form-saved", send_well},
      {"form-long", [](Browser& b) { open(b, troubled_site(), "/index.php"); }},
      {"form-errors", [](Browser& b) { send_without_scripts(b, troubled_site()); }},
      {"handler", [](Browser& b) { open(b, shared_site(), "/handler.php"); }},
      {"error", [](Browser& b) { open(b, shared_site(), "/checkserver.php?format=none"); }},
      {"checkserver", [](Browser& b) { open(b, shared_site(), "/checkserver.php"); }},
      {"checkserver-all",
       [](Browser& b) {
         open(b, shared_site(), "/checkserver.php?refresh=30");
         unfold(b);
       }},
      {"checkserver-key", [](Browser& b) { open(b, troubled_site(), "/checkserver.php"); }},
      {"checkserver-wrong-key", try_wrong_key},
      {"checkserver-problems", enter_key},
      {"desk-today", [](Browser& b) { at_desk(b, "today"); }},
      {"desk-leads", [](Browser& b) { at_desk(b, "leads&state=failed"); }},
      {"desk-lead", [](Browser& b) { at_item(b, "leads&q=refused-lead"); }},
      {"desk-events",
       [](Browser& b) {
         at_desk(b, "events");
         unfold(b);
       }},
      {"desk-event",
       [](Browser& b) {
         troubled_site().post("/handler.php", event_of(troubled_site().token()));
         at_item(b, "events&q=ONCRMDEALUPDATE");
       }},
      {"desk-refused",
       [](Browser& b) {
         troubled_site().post("/handler.php", event_of("not-the-token-0123456789"));
         at_desk(b, "refused");
         if (!b.comes(".life li")) throw std::runtime_error("nothing that was refused is shown");
       }},
      {"desk-try",
       [](Browser& b) {
         at_desk(b, "try");
         b.click("form.do-test_lead button");
         if (!b.comes("#live")) throw std::runtime_error("the test lead is not shown");
         b.click("form.do-test_event button");
         if (!b.comes("#tried")) throw std::runtime_error("nothing is said of the test event");
       }},
      {"desk-setup",
       [](Browser& b) {
         at_desk(b, "setup");
         b.click(".settings > summary");
         b.click(".settings details > summary");
       }},
      {"sandbox",
       [](Browser& b) {
         b.open("https://localhost:" + std::to_string(shared_site().sandbox_port()) + "/");
       }},
  };
  return pages;
}

}  // namespace b24::test
