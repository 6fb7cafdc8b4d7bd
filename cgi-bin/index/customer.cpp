// customer: see customer.h.
#include "customer.h"

#include <algorithm>
#include <set>
#include <utility>

namespace b24 {
namespace {

constexpr int kLead = 1, kDeal = 2;        // entityTypeId
constexpr std::size_t kMostLookedAt = 10;  // of somebody's deals or leads, the newest

// Where a found contact or company goes: crm.lead.add and crm.item.add spell their fields
// differently.
struct LinkField {
  std::string Customer::*number;
  const char* lead_field;
  const char* item_field;
};
constexpr LinkField kLinkFields[] = {
    {&Customer::contact, "CONTACT_ID", "contactId"},
    {&Customer::company, "COMPANY_ID", "companyId"},
};

// Commands for several items, each with what its answer is for.
class Questions {
 public:
  using Use = std::function<void(const CallResult&)>;
  void ask(std::string_view method, Value params, Use use) {
    commands_.push_back({"", std::string(method), std::move(params)});
    uses_.push_back(std::move(use));
  }
  void run(const RunAll& run_all) {
    if (commands_.empty()) return;
    const std::vector<CallResult> answers = run_all(commands_);
    for (std::size_t i = 0; i < answers.size(); ++i) uses_[i](answers[i]);
  }

 private:
  std::vector<Command> commands_;
  std::vector<Use> uses_;
};

bool must_know(const Item& item) {
  return item.payload.find("contact") != nullptr || item.payload.find("comment") != nullptr;
}

// Of two that come at once from somebody who is not known yet the second waits for the first; the
// store (NewItem::object, lead.cpp) sees to those with one phone.
bool is_first(const Item& item, std::set<std::string>& senders) {
  bool is_new = true;
  for (const Value::Member& kind : item.payload["duplicates"].members())
    for (const Value::Member& value : kind.value.members())
      is_new &= senders.insert(kind.key.text() + value.value.text()).second;
  return is_new;
}

CallError wait_for_first() {
  return {{ErrorKind::portal, "same_sender", "another of the same sender is being made", ""},
          0,
          Verdict::retry,
          0};
}

// What a failed search means for whoever must not be made twice.
void take_failure(const Item& item, const CallError& error, Customer& customer) {
  if (!must_know(item) || error.verdict == Verdict::permanent || error.verdict == Verdict::blocked)
    return;
  customer.error = error;
  customer.error->verdict = Verdict::retry;  // nothing was changed
}

std::string first_number(const Value& numbers) {
  return numbers.size() == 0 ? "" : positive_number(numbers.members().front().value);
}

// By phone and e-mail, and by its origin what an earlier attempt made. `leads`: the numbers found.
void search(const Item& item, Customer& customer, std::vector<Value>& leads, Questions& questions) {
  for (const Value::Member& kind : item.payload["duplicates"].members()) {
    questions.ask("crm.duplicate.findbycomm",
                  Value::map({{"type", kind.key.text()}, {"values", kind.value}}),
                  [&](const CallResult& answer) {
                    if (!answer) return take_failure(item, answer.error(), customer);
                    if (customer.contact.empty())
                      customer.contact = first_number(answer->result["CONTACT"]);
                    if (customer.company.empty())
                      customer.company = first_number(answer->result["COMPANY"]);
                    for (const Value::Member& lead : answer->result["LEAD"].members())
                      leads.push_back(lead.value);
                  });
  }
  const Value* contact = item.payload.find("contact");
  if (contact == nullptr) return;
  const Value& lookup = (*contact)["lookup"];
  questions.ask(lookup["method"].text(), lookup["params"], [&](const CallResult& answer) {
    if (!answer) return take_failure(item, answer.error(), customer);
    const Value& found = answer->result["items"];
    if (found.size() == 0) return;
    customer.contact = positive_number(found[0]["id"]);
    customer.is_new = true;
  });
}

void make_contact(const Item& item, Customer& customer, Questions& questions) {
  const Value* contact = item.payload.find("contact");
  if (contact == nullptr || !customer.contact.empty() || customer.error) return;
  questions.ask((*contact)["method"].text(), (*contact)["params"], [&](const CallResult& answer) {
    if (answer)
      customer.contact = positive_number(answer->result.path("item.id"));
    else if (answer.error().verdict != Verdict::permanent)
      customer.error = answer.error();
  });
}

// His deals, or else the leads that he left before.
void look_at_items(const Item& item, Customer& customer, const std::vector<Value>& leads,
                   Questions& questions) {
  if (item.payload.find("comment") == nullptr || customer.error) return;
  const auto ask = [&](int type, Value filter, const char* name, auto is_open) {
    questions.ask("crm.item.list",
                  Value::map({{"entityTypeId", type},
                              {"filter", std::move(filter)},
                              {"order", Value::map({{"id", "DESC"}})},
                              {"select", Value::list({"id", "closed", "stageSemanticId"})}}),
                  [&item, &customer, name, is_open](const CallResult& answer) {
                    if (!answer) return take_failure(item, answer.error(), customer);
                    for (const Value::Member& found : answer->result["items"].members()) {
                      if (customer.items.size() == kMostLookedAt) break;
                      customer.items.push_back(
                          {name, positive_number(found.value["id"]), is_open(found.value)});
                    }
                  });
  };
  if (!customer.contact.empty())
    return ask(kDeal, Value::map({{"contactId", customer.contact}}), "deal",
               [](const Value& deal) { return deal["closed"].text() != "Y"; });
  if (!customer.company.empty() || leads.empty()) return;
  Value numbers = Value::array();
  for (const Value& lead : leads) numbers.append(lead);
  ask(kLead, Value::map({{"@id", numbers}}), "lead", [](const Value& lead) {
    const std::string semantics = lead["stageSemanticId"].text();
    return semantics.empty() || semantics == "P";
  });
}

}  // namespace

std::vector<Customer> look_for_customers(const std::vector<const Item*>& items, const RunAll& run,
                                         bool make) {
  std::vector<Customer> customers(items.size());
  std::vector<std::vector<Value>> leads(items.size());
  Questions searches, places, contacts;
  std::set<std::string> senders;
  for (std::size_t i = 0; i < items.size(); ++i)
    search(*items[i], customers[i], leads[i], searches);
  searches.run(run);
  for (std::size_t i = 0; i < items.size(); ++i)
    look_at_items(*items[i], customers[i], leads[i], places);
  places.run(run);
  for (std::size_t i = 0; i < items.size(); ++i) {
    Customer& customer = customers[i];
    if (!customer.contact.empty()) customer.items.push_back({"contact", customer.contact});
    if (!customer.company.empty()) customer.items.push_back({"company", customer.company});
    std::ranges::stable_partition(customer.items, &CrmItem::is_open);
    if (!make || commented(*items[i], customer) != nullptr) continue;
    if (must_know(*items[i]) && customer.items.empty() && !customer.error &&
        !is_first(*items[i], senders))
      customer.error = wait_for_first();
    make_contact(*items[i], customer, contacts);
  }
  contacts.run(run);
  return customers;
}

void link_customer(const Item& item, const Customer& customer, Command& command) {
  const bool is_wanted = item.payload.find("comment") == nullptr || item.payload["link"].boolean();
  if (!is_wanted) return;
  const bool item_method = command.method == "crm.item.add";
  const std::string entity = item.payload["entity"].text();
  for (const LinkField& link : kLinkFields) {
    const std::string& number = customer.*link.number;
    const std::string field = item_method ? link.item_field : link.lead_field;
    if (number.empty() || field == entity + "Id") continue;
    Value& fields = command.params["fields"];
    // A company has several contacts and no other field for them.
    if (entity == "company")
      fields.set("contactIds", Value::list({number}));
    else if (fields.find(field) == nullptr)
      fields.set(field, number);
  }
}

const CrmItem* commented(const Item& item, const Customer& customer) {
  const bool is_asked = item.payload.find("comment") != nullptr;
  if (!is_asked || customer.is_new || customer.error) return nullptr;
  const auto place = std::ranges::find(customer.items, true, &CrmItem::is_open);
  return place == customer.items.end() ? nullptr : &*place;
}

Command comment_command(const Item& item, const CrmItem& place) {
  Value fields = item.payload["comment"];
  fields.set("ENTITY_TYPE", place.type);
  fields.set("ENTITY_ID", place.number);
  return {"", "crm.timeline.comment.add", Value::map({{"fields", std::move(fields)}})};
}

std::vector<Command> comment_searches(const Customer& customer) {
  std::vector<Command> searches;
  for (const CrmItem& place : customer.items) {
    searches.push_back({"", "crm.timeline.comment.list",
                        Value::map({{"filter", Value::map({{"ENTITY_TYPE", place.type},
                                                           {"ENTITY_ID", place.number}})},
                                    {"order", Value::map({{"ID", "DESC"}})},
                                    {"select", Value::list({"ID", "COMMENT"})}})});
  }
  return searches;
}

bool has_comment(const Item& item, const Answer& comments) {
  return std::ranges::any_of(comments.result.members(), [&](const Value::Member& comment) {
    return comment.value["COMMENT"].text().contains(item.id);
  });
}

std::string positive_number(const Value& value) {
  // true would count as 1.
  const std::int64_t number = value.type() == Value::Type::boolean ? 0 : value.integer();
  return number > 0 ? std::to_string(number) : std::string();
}

}  // namespace b24
