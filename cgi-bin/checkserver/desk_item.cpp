// desk_item: one lead's or event's whole life.
#include <algorithm>

#include "base/secret.h"
#include "base/text.h"
#include "desk.h"
#include "portal/webhook.h"
#include "settings/form.h"
#include "value/json.h"
#include "value/value.h"

namespace b24::desk {
namespace {

// Between us and the portal, not the visitor's.
bool is_technical(std::string_view field) {
  constexpr std::string_view kOurs[] = {"ORIGINATOR_ID", "ORIGIN_ID", "originatorId", "originId",
                                        "xmlId"};
  return std::ranges::find(kOurs, field) != std::end(kOurs);
}

// As the form calls what goes there; the CRM's name where it calls it nothing.
std::string label_of(const Visit& visit, const std::vector<Field>& form,
                     const std::string& crm_name) {
  for (const Field& field : form) {
    // Several fields end in the comments, each with its name before it.
    if (field.target == "COMMENTS") continue;
    if (field.target.empty() || (field.target != crm_name && item_field(field.target) != crm_name))
      continue;
    if (const std::string_view own = field.label(visit.language); !own.empty())
      return std::string(own);
    return visit.say_or("field_" + field.name, field.name);
  }
  return visit.say_or("field_" + text::lower(crm_name), crm_name);
}

std::string text_of(const Value& value) {
  if (!value.is_array()) return value.text();
  for (const char* key : {"VALUE", "value"}) {
    if (const Value* text = value.find(key)) return text->text();
  }
  // A file: its name, then its content.
  const Value& file = value.find("fileData") != nullptr ? value["fileData"] : value;
  if (file.is_list() && file.size() == 2 && file[0].is_string() && file[1].is_string())
    return file[0].text();
  std::string all;
  for (const Value::Member& entry : value.members()) {
    all += (all.empty() ? "" : ", ") + text_of(entry.value);
  }
  return all;
}

Value fields_of(const Visit& visit, const Item& item) {
  Value rows = Value::array();
  const Forms forms = make_forms(visit.settings()).value_or(Forms());
  const Form* form = find_form(forms, item.payload["form"].text());
  const std::vector<Field> form_fields = form != nullptr ? form->fields : std::vector<Field>();
  for (const Value::Member& field : item.payload.path("params.fields").members()) {
    const std::string name = field.key.text();
    if (is_technical(name)) continue;
    rows.append(Value::map(
        {{"label", label_of(visit, form_fields, name)}, {"value", text_of(field.value)}}));
  }
  return rows;
}

// What to do about an answer, where the catalogue knows.
std::string advice(const Visit& visit, const std::string& code) {
  if (code.empty()) return {};
  const std::string lower = text::lower(code);
  return visit.say_or("check_fix_" + lower, visit.say_or("check_portal_" + lower + "_fix", ""));
}

Value actions_of(const Visit& visit, const Item& item) {
  Value actions = Value::array();
  const auto offer = [&](std::string_view action, bool is_fit) {
    const Value form = is_fit ? action_form(visit, action, item.kind, item.number) : Value();
    if (!form.is_null()) actions.append(form);
  };
  const bool is_open = item.state == State::pending || item.state == State::failed;
  if (item.kind == Kind::lead) {
    offer("send", is_open);
    offer("not_spam", item.state == State::spam);
    offer("spam", is_open);
  } else {
    offer("rest", is_open);
    offer("again", true);
  }
  return actions;
}

std::string pretty(const Value& value) {
  return value.is_null() ? "" : json::print(shortened(mask_tree(value)), json::Layout::indented);
}

Response item_page(const Visit& visit, const Item& item, const std::vector<Attempt>& attempts) {
  const std::string word(name(item.kind));
  const Value fields = item.kind == Kind::lead ? fields_of(visit, item) : Value::array();
  Value data =
      Value::map({{"id", item.id},
                  {"received", time_text(item.received_at)},
                  {"list", address({{"desk", word + "s"}})},
                  {"list_name", visit.say("desk_" + word + "s")},
                  {"what_came", visit.say("desk_" + word + "_came")},
                  {"link", portal_link(visit.settings(), item)},
                  {"result", item.result},
                  {"has_fields", fields.size() > 0},
                  {"fields", fields},
                  {"life", life_of(visit, attempts)},
                  {"payload", pretty(item.payload)},
                  {"progress", pretty(item.progress)},
                  {"json", address({{"desk", word}, {"number", item.number}, {"format", "json"}})},
                  {"actions", actions_of(visit, item)},
                  {"delete", action_form(visit, "delete", item.kind, item.number)},
                  {"delete_text", visit.say("desk_delete_" + word)}});
  add_state(visit, item, data);
  add_title(item, data);
  if (item.repeats > 0)
    data.set("repeats", visit.say("desk_repeats", Value::map({{"count", item.repeats}})));
  if (item.unsure) data.set("unsure", visit.say("desk_unsure"));
  if (item.state == State::pending) data.set("due", time_text(visit.store.due_at(item)));
  return page(visit, "item", data);
}

}  // namespace

Value life_of(const Visit& visit, const std::vector<Attempt>& attempts) {
  Value steps = Value::array();
  for (const Attempt& attempt : attempts) {
    std::string key = "desk_step_" + attempt.outcome;
    std::ranges::replace(key, ' ', '_');
    steps.append(Value::map(
        {{"time", time_text(attempt.at)},
         {"what", visit.say_or(key, attempt.outcome)},
         {"took", attempt.took == 0 ? "" : std::to_string(attempt.took)},
         {"answer", secret::mask(attempt.code + (attempt.text.empty() ? "" : " " + attempt.text))},
         {"advice", advice(visit, attempt.code)}}));
  }
  return steps;
}

Value life_value(const std::vector<Attempt>& attempts) {
  Value life = Value::array();
  for (const Attempt& attempt : attempts) {
    life.append(Value::map({{"at", iso_time(attempt.at)},
                            {"took_ms", attempt.took},
                            {"outcome", attempt.outcome},
                            {"code", attempt.code},
                            {"text", secret::mask(attempt.text)}}));
  }
  return life;
}

std::string portal_link(const Settings& settings, const Item& item) {
  const Value& payload = item.payload;
  const std::string portal =
      Webhook::portal_of(called_portal(settings, payload["portal"].text()).url);
  // What was commented instead: "deal:7".
  const std::size_t colon = item.result.find(':');
  const bool is_named = colon != item.result.npos;
  std::string entity = is_named ? item.result.substr(0, colon) : payload["entity"].text();
  const std::string number = item.result.substr(is_named ? colon + 1 : 0);
  if (item.kind != Kind::lead || portal.empty() || !text::is_number(number)) return {};
  if (entity.empty()) entity = "lead";
  // Smart processes have no name of their own there.
  if (text::is_digit(entity.front())) entity.insert(0, "type/");
  return "https://" + portal + "/crm/" + entity + "/details/" + number + "/";
}

Answer show_item(const Visit& visit, Kind kind) {
  const auto item = visit.store.find(visit.request.get["number"].integer());
  if (!item) return std::unexpected(refusal_of(visit, item.error()));
  if (!*item || (*item)->kind != kind) return std::unexpected(Refusal{404, "no_such_item"});
  const auto attempts = visit.store.history((*item)->number);
  if (!attempts) return std::unexpected(refusal_of(visit, attempts.error()));
  if (!visit.wants("json")) return item_page(visit, **item, *attempts);
  Value value = item_value(**item);
  value.set("life", life_value(*attempts));
  return json_answer(value);
}

}  // namespace b24::desk
