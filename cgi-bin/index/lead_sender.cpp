// lead_sender: see lead_sender.h.
#include "lead_sender.h"

#include <utility>

namespace b24 {
namespace {

std::string positive_number(const Value& value) {
  // true would count as 1.
  const std::int64_t number = value.type() == Value::Type::boolean ? 0 : value.integer();
  return number > 0 ? std::to_string(number) : std::string();
}

std::string command_key(std::size_t index) {
  return "n" + std::to_string(index);
}

// The request was refused as a whole, before the portal saw what is in it: it was too large for
// what stands before the portal, or one lead's words look like an attack to that.
bool is_refused_batch(const CallResult& outcome) {
  if (outcome) return false;
  const CallError& error = outcome.error();
  if (error.status < 400 || error.status > 499 || error.status == 401) return false;
  const bool foreign = error.error.code == "not_json" || error.error.code == "no_result";
  return error.verdict == Verdict::permanent || (foreign && error.verdict == Verdict::blocked);
}

// Where a found contact or company goes: crm.lead.add and crm.item.add spell their fields
// differently.
struct LinkField {
  const char* entity;
  const char* lead_field;
  const char* item_field;
};
constexpr LinkField kLinkFields[] = {
    {"CONTACT", "CONTACT_ID", "contactId"},
    {"COMPANY", "COMPANY_ID", "companyId"},
};

}  // namespace

std::string made_number(const Answer& answer) {
  if (answer.result.is_array()) return positive_number(answer.result.path("item.id"));
  return positive_number(answer.result);
}

std::string found_number(const Answer& answer) {
  const Value* items = answer.result.find("items");
  const Value& list = items != nullptr ? *items : answer.result;
  if (list.size() == 0) return {};
  const Value& first = list.members().front().value;
  return positive_number(first.find("ID") != nullptr ? first["ID"] : first["id"]);
}

LeadSender::LeadSender(std::shared_ptr<const Settings> settings, std::shared_ptr<Gate> gate,
                       std::stop_token stop, std::string_view portal)
    : settings_(std::move(settings)),
      gate_(std::move(gate)),
      webhook_(*settings_, gate_.get(), portal) {
  webhook_.options().stop = std::move(stop);
}

std::vector<CallResult> LeadSender::run(const std::vector<Command>& commands) {
  std::vector<CallResult> answers;
  if (commands.size() == 1) {
    answers.push_back(webhook_.call(commands[0].method, commands[0].params));
    return answers;
  }
  for (BatchResult& result : webhook_.batch(commands)) {
    answers.push_back(std::move(result.outcome));
    if (is_refused_batch(answers.back())) {
      const Command& command = commands[answers.size() - 1];
      answers.back() = webhook_.call(command.method, command.params);
    }
  }
  return answers;
}

std::vector<std::expected<std::string, CallError>> LeadSender::send(
    const std::vector<const Item*>& items) {
  std::vector<Command> commands;
  for (const Item* item : items) {
    commands.push_back(
        {command_key(commands.size()), item->payload["method"].text(), item->payload["params"]});
  }
  link_duplicates(items, commands);

  std::vector<std::expected<std::string, CallError>> numbers;
  for (CallResult& answer : run(commands)) {
    if (!answer) {
      numbers.push_back(std::unexpected(std::move(answer.error())));
      continue;
    }
    std::string number = made_number(*answer);
    if (!number.empty())
      numbers.push_back(std::move(number));
    else
      numbers.push_back(std::unexpected(CallError{
          {ErrorKind::portal, "no_number", "the portal answered without the lead's number",
           "look for the lead in the CRM by its ORIGIN_ID"},
          200,
          Verdict::look,
          0}));
  }
  return numbers;
}

std::vector<std::expected<std::string, CallError>> LeadSender::look_up(
    const std::vector<const Item*>& items) {
  std::vector<Command> commands;
  for (const Item* item : items) {
    const Value& lookup = item->payload["lookup"];
    commands.push_back({command_key(commands.size()), lookup["method"].text(), lookup["params"]});
  }
  std::vector<std::expected<std::string, CallError>> numbers;
  for (CallResult& answer : run(commands)) {
    if (answer)
      numbers.push_back(found_number(*answer));
    else
      numbers.push_back(std::unexpected(std::move(answer.error())));
  }
  return numbers;
}

// A repeat customer's contact or company is put into the new lead. When the search fails the lead
// goes without: it is worth more than its link.
void LeadSender::link_duplicates(const std::vector<const Item*>& items,
                                 std::vector<Command>& commands) {
  std::vector<Command> searches;
  std::vector<std::size_t> owners;  // of each search: the index of its item
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (const Value::Member& kind : items[i]->payload["duplicates"].members()) {
      searches.push_back({command_key(searches.size()), "crm.duplicate.findbycomm",
                          Value::map({{"type", kind.key.text()}, {"values", kind.value}})});
      owners.push_back(i);
    }
  }
  if (searches.empty()) return;
  const std::vector<CallResult> answers = run(searches);
  for (std::size_t s = 0; s < answers.size(); ++s) {
    if (!answers[s]) continue;
    Command& command = commands[owners[s]];
    const bool item_method = command.method == "crm.item.add";
    for (const LinkField& link : kLinkFields) {
      const Value& found = answers[s]->result[link.entity];
      const char* field = item_method ? link.item_field : link.lead_field;
      if (found.size() == 0 || command.params["fields"].find(field) != nullptr) continue;
      const std::string number = positive_number(found.members().front().value);
      if (!number.empty()) command.params["fields"].set(field, number);
    }
  }
}

}  // namespace b24
