// action_text: see action_text.h.
#include "action_text.h"

#include <algorithm>

#include "base/text.h"
#include "debounce.h"
#include "value/json.h"
#include "value/php.h"
#include "web/template_view.h"

namespace b24 {
namespace {

Value fill_in_values(const Value& value, const Value& event) {
  if (!value.is_array()) return fill_in(value.text(), event, Value());
  Value filled = Value::array();
  for (const Value::Member& member : value.members())
    filled.set(member.key, fill_in_values(member.value, event));
  return filled;
}

void set_path(Value& tree, std::string_view path, Value value) {
  const std::size_t dot = path.find('.');
  Value& step = tree[Key(path.substr(0, dot))];
  if (dot == path.npos) {
    step = std::move(value);
  } else {
    set_path(step, path.substr(dot + 1), std::move(value));
  }
}

std::string escape_json(const std::string& text) {
  const std::string quoted = json::print(Value(text));
  return quoted.substr(1, quoted.size() - 2);
}
std::string escape_form(const std::string& text) {
  return php::url_encode(text);
}
std::string leave(const std::string& text) {
  return text;
}

}  // namespace

std::string fill_in(std::string_view text, const Value& event, const Value& result,
                    const Value& more) {
  return text::fill(text, "{", "}", [&](std::string_view name) {
    if (name == "result") return result.text();
    if (name.starts_with("result.")) return result.path(name.substr(7)).text();
    const Value& known = more.path(name);
    return (known.is_null() ? event.path(name) : known).text();
  });
}

bool passes(std::string_view filter, const Value& event, const Value& result, const Value& more) {
  if (filter.empty()) return true;
  const std::size_t equals = filter.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  const bool negated = filter[equals - 1] == '!';
  const std::string_view name = text::trim(filter.substr(0, negated ? equals - 1 : equals));
  const std::string_view wanted = text::trim(filter.substr(equals + 1));
  const std::string given = fill_in("{" + std::string(name) + "}", event, result, more);
  return (given == wanted) != negated;
}

bool needs_result(std::string_view filter) {
  return filter.starts_with("result") || filter.starts_with("old.") || filter.starts_with("joined");
}

Value more_of(const ActionSettings& action, const Value& own) {
  Value more = Value::array();
  if (action.debounce != 0) more.set("joined", joined_of(own));
  if (!action.changed.empty()) more.set("old", own["old"]);
  return more;
}

Command call_of(const ActionSettings& action, const Item& event) {
  const std::size_t question = action.call.find('?');
  Command command{"", action.call.substr(0, question)};
  if (question == std::string::npos) return command;
  const auto parsed = php::parse_query(action.call.substr(question + 1));
  if (parsed) command.params = fill_in_values(*parsed, event.payload);
  return command;
}

Result<std::string> render_text(std::string_view text, TextKind kind, const Item& event,
                                const Value& own, const Value& more) {
  constexpr TemplateView::Escape kEscapes[] = {leave, escape_json, escape_form};
  const auto view = TemplateView::of_text(text, kEscapes[static_cast<int>(kind)]);
  if (!view) return std::unexpected(view.error());
  Value data = event.payload;
  data.set("result", own["call"]);
  for (const Value::Member& member : more.members()) data.set(member.key, member.value);
  return view->render(data, Value::array());
}

Value handed_over(const Item& event, const Value& result, const Value& more) {
  Value all = Value::map({{"id", event.id},
                          {"event", event.name},
                          {"received_at", iso_time(event.received_at)},
                          {"data", event.payload},
                          {"result", result}});
  for (const Value::Member& member : more.members()) all.set(member.key, member.value);
  return all;
}

Value fields_of(const ActionSettings& action, const Value& result) {
  Value fields = Value::array();
  for (const std::string& path : action.changed) set_path(fields, path, result.path(path));
  return fields;
}

bool has_changed(const ActionSettings& action, const Value& old, const Value& result) {
  if (action.changed.empty() || !old.is_array() || old.size() == 0) return true;
  const auto differs = [&](const std::string& path) {
    return json::print(old.path(path)) != json::print(result.path(path));
  };
  return std::ranges::any_of(action.changed, differs);
}

}  // namespace b24
