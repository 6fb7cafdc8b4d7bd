// notify: see notify.h.
#include "notify.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "lead.h"

namespace b24 {
namespace {

constexpr std::size_t kMostLeads = 50;      // named in one message
constexpr Millis kRound = 30'000;           // of two processes that look within it one tells
constexpr std::size_t kMostFailed = 1'000;  // looked at, the newest
// What the owner has been told: "trouble:" while leads wait, and the numbers of the failed ones
// that a message named ("trouble:7,12"), as long as they are failed.
constexpr const char* kTold = "notify.told";

// A visitor's text must not look like a header or a second lead: one line each, nothing but
// printable characters.
void add_fields(std::string& text, const Value& fields, const std::string& prefix) {
  for (const Value::Member& member : fields.members()) {
    const std::string name = prefix + text::for_log(member.key.text(), 60);
    if (member.value.is_array()) {
      add_fields(text, member.value, name + ".");
    } else {
      text += "  " + name + ": " + text::for_log(member.value.text(), 400) + "\n";
    }
  }
}

void add_leads(std::string& text, const char* heading, const std::vector<Item>& leads) {
  if (leads.empty()) return;
  text += std::string(heading) + "\n\n";
  for (const Item& lead : leads) {
    text += "Lead " + lead.id + ", received " + iso_time(lead.received_at) +
            ", attempts: " + std::to_string(lead.attempts) + "\n";
    if (!lead.error_text.empty()) text += "  last error: " + text::for_log(lead.error_text) + "\n";
    add_fields(text, lead.payload["params"]["fields"], "");
    text += "\n";
  }
}

std::vector<Item> leads(Store& store, State state, std::size_t limit) {
  ListFilter filter;
  filter.kind = Kind::lead;
  filter.state = state;
  filter.limit = limit;
  filter.newest_first = state == State::failed;
  return store.list(filter).value_or(std::vector<Item>());
}

// Those that nobody has been told of yet, as many as a message names. `known`: the numbers of those
// that were named; becomes that of all that are failed and named with this message.
std::vector<Item> newly_failed(Store& store, std::string& known) {
  const std::vector<std::string> before = text::split(known, ",");
  std::vector<Item> fresh;
  known.clear();
  for (Item& lead : leads(store, State::failed, kMostFailed)) {
    const std::string number = std::to_string(lead.number);
    const bool is_known = std::ranges::find(before, number) != before.end();
    if (!is_known && fresh.size() == kMostLeads) continue;
    known += (known.empty() ? "" : ",") + number;
    if (!is_known) fresh.push_back(std::move(lead));
  }
  return fresh;
}

Mail trouble_notice(const std::vector<Item>& waiting, const std::vector<Item>& failed) {
  Mail mail;
  mail.subject = "b24hooks: " + std::to_string(waiting.size() + failed.size()) +
                 " lead(s) have not reached Bitrix24";
  add_leads(mail.text, "Waiting; they are being sent again and again:", waiting);
  add_leads(mail.text, "Failed; see `index.fcgi --list failed`, then `--retry ID`:", failed);
  return mail;
}

void tell(const App& app, Store& store, const Mail& mail, const std::string& told) {
  // Another process may have seen the same at the same moment.
  if (store.use("notify " + content_id(told), kRound).value_or(1) > 1) return;
  // Remembered first: an owner who is told once too seldom sees it in the self-check; one who is
  // told every minute stops reading.
  if (const Status kept = store.remember(kTold, told); !kept) {
    app.log->error("notify", kept.error());
    return;
  }
  if (const Status sent = send_notice(app.settings->notify, mail); !sent)
    app.log->error("notify", sent.error());
}

}  // namespace

void notify_owner(const App& app, Store& store) {
  const NotifySettings& settings = app.settings->notify;
  if (!wants_notices(settings)) return;
  constexpr std::string_view kTrouble = "trouble:";
  const std::string told = store.recall(kTold).value_or("");
  const bool in_trouble = told.starts_with(kTrouble);
  std::vector<Item> waiting = leads(store, State::pending, kMostLeads);
  std::erase_if(waiting, [latest = now_ms() - settings.after](const Item& lead) {
    return lead.received_at > latest;
  });
  std::string known = in_trouble ? told.substr(kTrouble.size()) : told;
  const std::vector<Item> failed = newly_failed(store, known);
  const std::string state = (waiting.empty() ? "" : std::string(kTrouble)) + known;
  if (!failed.empty() || (!waiting.empty() && !in_trouble)) {
    tell(app, store, trouble_notice(waiting, failed), state);
  } else if (in_trouble && waiting.empty()) {
    const Result<KindStats> stats = store.stats(Kind::lead);
    if (!stats) return;
    tell(app, store,
         {"b24hooks: leads reach Bitrix24 again",
          "No lead is waiting any more.\nReceived today: " + std::to_string(stats->today) +
              "\nFailed and kept: " + std::to_string(stats->failed) + "\n"},
         state);
  } else if (state != told) {
    (void)store.remember(kTold, state);  // what was mended meanwhile may fail again
  }
}

}  // namespace b24
