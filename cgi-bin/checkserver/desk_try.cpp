// desk_try: the ways tried: a lead of our own to the portal, an event of our own from outside.
#include "desk.h"
#include "test_lead.h"

namespace b24::desk {

Answer show_try(const Visit& visit, const Value& tried) {
  const auto lead = newest_test_lead(visit.store);
  if (!lead) return std::unexpected(refusal_of(visit, lead.error()));
  std::vector<Attempt> attempts;
  if (*lead) attempts = visit.store.history((*lead)->number).value_or(attempts);
  if (visit.wants("json")) {
    Value value = *lead ? item_value(**lead) : Value();
    if (*lead) value.set("life", life_value(attempts));
    return json_answer(Value::map({{"lead", value}}));
  }
  Value data = Value::map({{"test_lead", action_form(visit, "test_lead", Kind::lead)},
                           {"test_event", action_form(visit, "test_event", Kind::event)},
                           {"tried", tried},
                           {"url", visit.settings().site.public_url}});
  if (*lead) {
    Value shown = Value::map({{"href", address(**lead)},
                              {"link", portal_link(visit.settings(), **lead)},
                              {"result", (*lead)->result},
                              {"is_waiting", (*lead)->state == State::pending},
                              {"life", life_of(visit, attempts)},
                              {"clean_up", action_form(visit, "clean_up", Kind::lead)}});
    add_state(visit, **lead, shown);
    add_title(**lead, shown);
    data.set("lead", shown);
  }
  return page(visit, "try", data);
}

}  // namespace b24::desk
