// notify: see notify.h.
#include "notify.h"

#include <utility>

#include "base/secret.h"
#include "base/text.h"

namespace b24 {
namespace {

constexpr std::size_t kMostLeads = 50;  // named in one message
constexpr Millis kRound = 30'000;       // of two processes that look within it one tells
// What the owner has been told: empty, or "trouble:" and the number of the newest failed item that
// a message named.
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

std::vector<Item> leads(Store& store, State state, Millis before, std::int64_t after) {
  ListFilter filter;
  filter.kind = Kind::lead;
  filter.state = state;
  filter.after = after;
  filter.limit = kMostLeads;
  filter.newest_first = false;
  std::vector<Item> found;
  Result<std::vector<Item>> items = store.list(filter);
  if (!items) return found;
  for (Item& item : *items) {
    if (item.received_at <= before) found.push_back(std::move(item));
  }
  return found;
}

void tell(const App& app, Store& store, const Mail& mail, const std::string& told) {
  // Another process may have seen the same at the same moment.
  if (store.use("notify " + told, kRound).value_or(1) > 1) return;
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
  const std::int64_t last_failed =
      in_trouble ? Value(told.substr(kTrouble.size())).integer() : Value(told).integer();

  const std::vector<Item> waiting = leads(store, State::pending, now_ms() - settings.after, 0);
  const std::vector<Item> failed = leads(store, State::failed, now_ms(), last_failed);
  const std::string newest_failed =
      std::to_string(failed.empty() ? last_failed : failed.back().number);
  if (!failed.empty() || (!waiting.empty() && !in_trouble)) {
    tell(app, store, trouble_notice(waiting, failed),
         waiting.empty() ? newest_failed : std::string(kTrouble) + newest_failed);
  } else if (in_trouble && waiting.empty()) {
    const Result<KindStats> stats = store.stats(Kind::lead);
    if (!stats) return;
    tell(app, store, recovery_notice(stats->today, stats->failed), newest_failed);
  }
}

Mail trouble_notice(const std::vector<Item>& waiting, const std::vector<Item>& failed) {
  Mail mail;
  mail.subject = "b24hooks: " + std::to_string(waiting.size() + failed.size()) +
                 " lead(s) have not reached Bitrix24";
  add_leads(mail.text, "Waiting; they are being sent again and again:", waiting);
  add_leads(mail.text, "Failed; see `index.fcgi --list failed`, then `--retry ID`:", failed);
  return mail;
}

Mail recovery_notice(std::int64_t today, std::int64_t failed) {
  return {"b24hooks: leads reach Bitrix24 again",
          "No lead is waiting any more.\nReceived today: " + std::to_string(today) +
              "\nFailed and kept: " + std::to_string(failed) + "\n"};
}

}  // namespace b24
