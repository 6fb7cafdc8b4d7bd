// lead_sender: sends leads to the portal, or finds out what became of them; decides nothing about
// later attempts.
//
// The payload of a lead in the store (made by lead.h; ORIGINATOR_ID and ORIGIN_ID, or a smart
// process's xmlId, are in both params):
//   {"method": "crm.lead.add", "params": {...},            what is called
//    "lookup": {"method": "crm.lead.list", "params": {...}}, how to find it afterwards
// and where it is wanted:
//    "duplicates": {"PHONE": [...], "EMAIL": [...]},  whom to look for before, and to tie it to
//    "contact": {"method", "params", "lookup"},       whom to make when nobody is found
//    "comment": {"COMMENT", "FILES"},                 what to say at somebody known instead; tied
//    "link": true,                                    only with this, then
//    "person": {"NAME": ..., "PHONE": [...]},         what the item itself has no place for
//    "trace": JSON,                                   of the portal's script, told once it is made
//    "entity": "deal", "form": "callback", "portal": "shop"}   none: a lead, those without a name
#pragma once

#include <expected>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "customer.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "portal/webhook.h"
#include "settings/settings.h"

namespace b24 {

// The number of what was made or found; "deal:7": it is a comment there; or why there is none.
using Sent = std::expected<std::string, CallError>;

// One worker's line to the portal. One thread at a time.
class LeadSender {
 public:
  // `portal`: its name (called_portal).
  LeadSender(std::shared_ptr<const Settings> settings, std::shared_ptr<Gate> gate,
             std::stop_token stop = {}, std::string_view portal = {});

  // The number of the new lead, or why there is none; one for each item, in their order. Several
  // items go by batch; when something refuses the batch as such, each goes by itself.
  std::vector<Sent> send(const std::vector<const Item*>& items);
  // Where the visitors of the leads just sent had come from, at most once, and whatever becomes of
  // it: it is worth less than to hold up what it is about.
  void send_traces() { run(std::exchange(traces_, {})); }
  // The number of the lead that an earlier attempt made; empty when there is none; or why nobody
  // knows.
  std::vector<Sent> look_up(const std::vector<const Item*>& items);

  const std::shared_ptr<const Settings>& settings() const { return settings_; }
  const std::string& destination() const { return webhook_.portal(); }

 private:
  std::vector<CallResult> run(std::vector<Command> commands);
  std::vector<Customer> customers(const std::vector<const Item*>& items, bool make);
  void note_traces(const std::vector<const Item*>& items, const std::vector<Sent>& sent);
  Sent look_up_comment(const Item& item, const Customer& customer);

  std::shared_ptr<const Settings> settings_;
  std::shared_ptr<Gate> gate_;
  Webhook webhook_;
  std::vector<Command> traces_;
};

// The lead's number in the answer of crm.lead.add or crm.item.add; empty when the answer has none.
std::string made_number(const Answer& answer);
// The first lead's number in the answer of crm.lead.list or crm.item.list; empty when the list is.
std::string found_number(const Answer& answer);

}  // namespace b24
