// lead_sender: see lead_sender.h.
#include "lead_sender.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace b24 {
namespace {

constexpr int kTurns = 20;  // until there is a place for what follows a look-up

// The request was refused as a whole, before the portal saw what is in it: it was too large for
// what stands before the portal, or one lead's words look like an attack to that.
bool is_refused_batch(const CallResult& outcome) {
  if (outcome) return false;
  const CallError& error = outcome.error();
  if (error.status < 400 || error.status > 499 || error.status == 401) return false;
  const bool foreign = error.error.code == "not_json" || error.error.code == "no_result";
  return error.verdict == Verdict::permanent || (foreign && error.verdict == Verdict::blocked);
}

CallError no_number() {
  return {{ErrorKind::portal, "no_number", "the portal answered without the lead's number",
           "look for the lead in the CRM by its ORIGIN_ID"},
          200,
          Verdict::look,
          0};
}

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
  webhook_.wait_for_place(kTurns);
}

std::vector<CallResult> LeadSender::run(std::vector<Command> commands) {
  std::vector<CallResult> answers;
  if (commands.empty()) return answers;
  if (commands.size() == 1) {
    answers.push_back(webhook_.call(commands[0].method, commands[0].params));
    return answers;
  }
  for (std::size_t i = 0; i < commands.size(); ++i) commands[i].key = "n" + std::to_string(i);
  for (BatchResult& result : webhook_.batch(commands)) {
    answers.push_back(std::move(result.outcome));
    if (is_refused_batch(answers.back())) {
      const Command& command = commands[answers.size() - 1];
      answers.back() = webhook_.call(command.method, command.params);
    }
  }
  return answers;
}

std::vector<Customer> LeadSender::customers(const std::vector<const Item*>& items, bool make) {
  return look_for_customers(
      items, [this](const std::vector<Command>& commands) { return run(commands); }, make);
}

std::vector<Sent> LeadSender::send(const std::vector<const Item*>& items) {
  const std::vector<Customer> known = customers(items, true);
  std::vector<Sent> sent(items.size());
  std::vector<Command> commands;
  std::vector<std::size_t> owners;  // of each: the index of its item
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item& item = *items[i];
    if (known[i].error) {
      sent[i] = std::unexpected(*known[i].error);
      continue;
    }
    const CrmItem* place = commented(item, known[i]);
    Command command = place != nullptr
                          ? comment_command(item, *place)
                          : Command{"", item.payload["method"].text(), item.payload["params"]};
    if (place == nullptr) link_customer(item, known[i], command);
    commands.push_back(std::move(command));
    owners.push_back(i);
  }
  const std::vector<CallResult> answers = run(commands);
  for (std::size_t c = 0; c < answers.size(); ++c) {
    Sent& own = sent[owners[c]];
    if (!answers[c]) {
      own = std::unexpected(answers[c].error());
      continue;
    }
    const CrmItem* place = commented(*items[owners[c]], known[owners[c]]);
    own = made_number(*answers[c]);
    if (own->empty())
      own = std::unexpected(no_number());
    else if (place != nullptr)
      own = place->type + ":" + place->number;
  }
  note_traces(items, sent);
  return sent;
}

void LeadSender::note_traces(const std::vector<const Item*>& items, const std::vector<Sent>& sent) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Value& payload = items[i]->payload;
    const std::string entity = payload["entity"].is_null() ? "lead" : payload["entity"].text();
    const bool is_new = sent[i] && !sent[i]->contains(':');
    if (payload["trace"].is_null() || !is_new || text::is_digit(entity.front())) continue;
    const Value made = Value::map({{"TYPE", text::upper(entity)}, {"ID", *sent[i]}});
    traces_.push_back(
        {"", "crm.tracking.trace.add",
         Value::map({{"TRACE", payload["trace"]}, {"ENTITIES", Value::list({made})}})});
  }
}

std::vector<Sent> LeadSender::look_up(const std::vector<const Item*>& items) {
  std::vector<Command> commands;
  for (const Item* item : items) {
    const Value& lookup = item->payload["lookup"];
    commands.push_back({"", lookup["method"].text(), lookup["params"]});
  }
  std::vector<Sent> numbers;
  std::vector<const Item*> as_comments;
  for (const CallResult& answer : run(commands)) {
    const Item* item = items[numbers.size()];
    if (answer)
      numbers.push_back(found_number(*answer));
    else
      numbers.push_back(std::unexpected(answer.error()));
    const bool may_be = numbers.back() && numbers.back()->empty();
    if (may_be && item->payload.find("comment") != nullptr) as_comments.push_back(item);
  }
  if (as_comments.empty()) return numbers;
  const std::vector<Customer> known = customers(as_comments, false);
  for (std::size_t i = 0; i < as_comments.size(); ++i) {
    const auto place = std::ranges::find(items, as_comments[i]) - items.begin();
    numbers[static_cast<std::size_t>(place)] = look_up_comment(*as_comments[i], known[i]);
  }
  return numbers;
}

// Where the item is a comment already, empty when nowhere.
Sent LeadSender::look_up_comment(const Item& item, const Customer& customer) {
  if (customer.error) return std::unexpected(*customer.error);
  const std::vector<Command> searches = comment_searches(customer);
  if (searches.empty()) return std::string();
  const std::vector<CallResult> answers = run(searches);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) return std::unexpected(answers[i].error());
    if (has_comment(item, *answers[i]))
      return customer.items[i].type + ":" + customer.items[i].number;
  }
  return std::string();
}

}  // namespace b24
