// customer: whether the portal knows who sent a lead: whom to tie it to, what to comment instead of
// making it, whom to make before.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "keep/store.h"
#include "portal/webhook.h"

namespace b24 {

// Something in the CRM that can have a comment.
struct CrmItem {
  std::string type;    // "deal", as crm.timeline.comment.add spells it
  std::string number;  // of it
  bool is_open = true;
};

// What is known of the sender of one item.
struct Customer {
  std::string contact, company;    // numbers; empty: none
  bool is_new = false;             // an earlier attempt made the contact: nobody knew him before
  std::vector<CrmItem> items;      // what he has, the best place for a comment first
  std::optional<CallError> error;  // why nobody knows: nothing may be made now
};

// Calls all, in their order, whatever their keys.
using RunAll = std::function<std::vector<CallResult>(const std::vector<Command>&)>;

// Of each item, in their order. Makes the contacts that the payloads ("contact", lead_sender.h) ask
// for and that are not there; one that an earlier attempt made is known by its origin. A search
// that the portal refuses for good finds nobody: a lead is worth more than its link.
std::vector<Customer> look_for_customers(const std::vector<const Item*>& items, const RunAll& run,
                                         bool make);

// Puts the found ones into the call that makes the item.
void link_customer(const Item& item, const Customer& customer, Command& command);

// The comment to make instead (crm.timeline.comment.add), or nothing: it becomes an item.
const CrmItem* commented(const Item& item, const Customer& customer);
Command comment_command(const Item& item, const CrmItem& place);
// How to find it: the comments of these, and whether the item's is among them.
std::vector<Command> comment_searches(const Customer& customer);
bool has_comment(const Item& item, const Answer& comments);

// The number that a value of the portal is; empty when it is none.
std::string positive_number(const Value& value);

}  // namespace b24
