// desk: see desk.h.
#include "desk.h"

#include <algorithm>
#include <span>

#include "access.h"
#include "base/secret.h"
#include "base/text.h"
#include "chart.h"
#include "keep/item_words.h"
#include "value/json.h"
#include "value/php.h"
#include "value/value.h"

namespace b24::desk {
namespace {

constexpr std::size_t kLongText = 2'000;

struct Part {
  std::string_view name;
  Answer (*show)(const Visit& visit);
  std::string_view formats = "json";  // that it has besides the page
};

// Those that have a link of their own come first.
constexpr Part kParts[] = {
    {"today", show_today, ""},
    {"leads", [](const Visit& visit) { return show_list(visit, Kind::lead); }, "json csv"},
    {"events", [](const Visit& visit) { return show_list(visit, Kind::event); }},
    {"refused", show_refused},
    {"try", [](const Visit& visit) { return show_try(visit); }},
    {"setup", show_setup},
    {"lead", [](const Visit& visit) { return show_item(visit, Kind::lead); }},
    {"event", [](const Visit& visit) { return show_item(visit, Kind::event); }},
};
constexpr std::span kPlaces = std::span(kParts).first(6);

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= 60 && std::ranges::all_of(text, [](char c) {
    return text::is_letter(c) || text::is_digit(c) || c == '_';
  });
}

}  // namespace

Answer answer(const Visit& visit) {
  const std::string part = visit.request.get["desk"].text();
  if (part == "act") return act(visit);
  if (visit.request.method != "GET" && visit.request.method != "HEAD") {
    return std::unexpected(Refusal{405, "wrong_method"});
  }
  const auto* found = std::ranges::find(kParts, part, &Part::name);
  if (found == std::end(kParts)) return std::unexpected(Refusal{404, "not_found"});
  const std::string format = visit.request.get["format"].text();
  const std::vector<std::string> formats = text::split(found->formats);
  if (!format.empty() && std::ranges::find(formats, format) == formats.end())
    return std::unexpected(Refusal{400, "unknown_format"});
  return found->show(visit);
}

Response page(const Visit& visit, std::string_view part, const Value& data) {
  Value all = Value::map({{"title", visit.say("desk_title")},
                          {"noindex", true},
                          {"zone", chart::time_text(now_ms(), "%Z")},
                          {"leave", action_form(visit, "leave", Kind::lead)}});
  const std::string asked = visit.request.get["desk"].text();
  const std::string here = asked == "act" ? std::string(part) : asked;
  Value places = Value::array();
  for (const Part& place : kPlaces) {
    places.append(Value::map({{"href", address({{"desk", place.name}})},
                              {"name", visit.say("desk_" + std::string(place.name))},
                              {"here", here == place.name}}));
  }
  all.set("places", places);
  for (const char* outcome : {"done", "failed"}) {
    const std::string code = visit.request.get[outcome].text();
    std::string text = visit.say_or("desk_" + std::string(outcome) + "_" + code, "");
    if (text.empty() && outcome[0] == 'f' && is_code(code))
      text = visit.say("desk_failed_other", Value::map({{"code", code}}));
    if (text.empty()) continue;
    all.set("notice", Value::map({{"state", outcome[0] == 'd' ? "ok" : "error"}, {"text", text}}));
  }
  all.set(part, data);
  return visit.templates.page(200, "desk", all, visit.language);
}

Response json_answer(const Value& value) {
  return text_response(200, json::print(value, json::Layout::indented) + "\n",
                       "application/json; charset=utf-8");
}

Refusal refusal_of(const Visit& visit, const Error& error) {
  visit.app.log->error_bounded("desk", error);
  return {503, "unavailable"};
}

std::string address(std::initializer_list<Value::Member> parameters) {
  Value given = Value::array();
  for (const Value::Member& parameter : parameters) {
    const std::string text = parameter.value.text();
    if (!text.empty() && text != "0") given.set(parameter.key, text);
  }
  return "?" + php::build_query(given);
}

std::string address(const Item& item) {
  return address({{"desk", name(item.kind)}, {"number", item.number}});
}

std::string time_text(Millis at) {
  return at == 0 ? "" : chart::time_text(at, "%Y-%m-%d %H:%M:%S");
}

void add_state(const Visit& visit, const Item& item, Value& data) {
  constexpr const char* kClasses[] = {"info", "ok", "error", "warning"};  // in State's order
  const std::string state(name(item.state));
  data.set("state", state);
  data.set("state_name", visit.say("desk_" + std::string(name(item.kind)) + "_" + state));
  data.set("state_class", kClasses[static_cast<std::size_t>(item.state)]);
}

void add_title(const Item& item, Value& data) {
  data.set("title", title_of(item));
  data.set("contact", contact_of(item));
}

Value action_form(const Visit& visit, std::string_view action, Kind kind, std::int64_t number) {
  if (!visit.may_act() && action != "leave") return {};
  const std::string what =
      std::string(action) + " " + std::string(name(kind)) + " " + std::to_string(number);
  return Value::map({{"do", action},
                     {"kind", name(kind)},
                     {"number", number},
                     {"token", access::action_token(visit.request, visit.settings(), what)},
                     {"label", visit.say("desk_do_" + std::string(action))}});
}

Value item_value(const Item& item) {
  return Value::map({{"number", item.number},
                     {"id", item.id},
                     {"kind", name(item.kind)},
                     {"state", name(item.state)},
                     {"name", item.name},
                     {"object", item.object},
                     {"received_at", iso_time(item.received_at)},
                     {"finished_at", item.finished_at == 0 ? "" : iso_time(item.finished_at)},
                     {"attempts", item.attempts},
                     {"repeats", item.repeats},
                     {"outcome_unknown", item.unsure},
                     {"result", item.result},
                     {"error_code", item.error_code},
                     {"error_text", secret::mask(item.error_text)},
                     {"payload", mask_tree(item.payload)},
                     {"progress", mask_tree(item.progress)}});
}

Value shortened(const Value& value) {
  if (value.is_string() && value.string().size() > kLongText) {
    return std::string(text::first_utf8(text::to_valid_utf8(value.string().substr(0, 200)), 100)) +
           "... (" + std::to_string(value.string().size()) + " bytes)";
  }
  if (!value.is_array()) return value;
  Value all = Value::array();
  for (const Value::Member& member : value.members()) all.set(member.key, shortened(member.value));
  return all;
}

}  // namespace b24::desk
