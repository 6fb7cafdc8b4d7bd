// desk: the owner's desk: the leads and the events, looked at, sent again, sorted out, deleted.
//
//   GET  ?desk=today                      how many there are, and when
//   GET  ?desk=leads, events              a list, newest first: q=TYPED (keep/search.h) with
//                                         in=texts, state=, from=DAY, to=DAY, after=NUMBER; and
//                                         format=json or csv
//   GET  ?desk=lead, event &number=N      one item's whole life; format=json
//   GET  ?desk=refused                    what was turned away of late, from the log; format=json
//   GET  ?desk=try                        the newest lead of our own; format=json
//   GET  ?desk=setup                      the settings in use; format=json
//   POST ?desk=act                        do=ACTION (desk_act.cpp), kind=, number=, token=
//
// Whoever asks has shown the owner's key, by the cookie or, a program, by the header.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "settings/app.h"
#include "settings_in_use.h"
#include "web/page.h"
#include "web/request.h"
#include "web/response.h"

namespace b24::desk {

struct Visit {
  const Request& request;
  const App& app;
  const Launch& launch;
  Store& store;
  GateSource& gates;
  const Templates& templates;
  std::string language;
  std::function<check::Report(Millis max_age)> checks;  // what they found, or find now
  std::function<check::Report()> try_event;

  const Settings& settings() const { return *app.settings; }
  bool may_act() const { return settings().checkserver.desk == "act"; }
  bool wants(std::string_view format) const { return request.get["format"].text() == format; }
  std::string say(std::string_view key, const Value& data = Value::array()) const {
    return templates.message(language, key, data);
  }
  // What the catalogue has no words for is said as it is.
  std::string say_or(const std::string& key, std::string_view otherwise) const {
    return templates.has_message(key, language) ? say(key) : std::string(otherwise);
  }
};

// An error page: its status, and the catalogue's error_CODE.
struct Refusal {
  int status;
  std::string_view code;
};
using Answer = std::expected<Response, Refusal>;

Answer answer(const Visit& visit);

// The parts, each in desk_PART.cpp.
Answer show_today(const Visit& visit);
Answer show_list(const Visit& visit, Kind kind);
Answer show_item(const Visit& visit, Kind kind);
Answer show_refused(const Visit& visit);
Answer show_setup(const Visit& visit);
Answer show_try(const Visit& visit, const Value& tried = {});  // what a test event has found
Answer act(const Visit& visit);

// --- What they share ---

// desk.mustache with one part of it; `data` is the part's.
Response page(const Visit& visit, std::string_view part, const Value& data);
// What happened to an item, step by step, for people; and as programs get it.
Value life_of(const Visit& visit, const std::vector<Attempt>& attempts);
Value life_value(const std::vector<Attempt>& attempts);
// An item's page in the portal; empty when it has none, or the portal is not known.
std::string portal_link(const Settings& settings, const Item& item);
// What was turned away, newest first, of the log's own lines.
Value refusals(const Settings& settings);
Response json_answer(const Value& value);
Refusal refusal_of(const Visit& visit, const Error& error);  // of the store, which is logged

// An address of the desk: {{"desk", "leads"}, ...}; empty values are left out.
std::string address(std::initializer_list<Value::Member> parameters);
std::string address(const Item& item);  // its own page
// "2026-11-28 17:46:55", in the server's zone; empty for 0.
std::string time_text(Millis at);

// {"state", "state_name", "state_class"} of an item, for badges.
void add_state(const Visit& visit, const Item& item, Value& data);
// What a person knows an item by: {"title", "contact"}.
void add_title(const Item& item, Value& data);
// Has the program for leads, or for events, do what is due.
Status start_worker(const Launch& launch, Kind kind);

// A form with one button; null when nothing may be done here.
Value action_form(const Visit& visit, std::string_view action, Kind kind, std::int64_t number = 0);

// As programs get it: all that is known, secrets masked, the members of --show.
Value item_value(const Item& item);
// The catalogues' keys of a setting's help, and of what it can be.
std::string help_key(std::string_view section, std::string_view key);
std::string expects_key(std::string_view expects);
// What is set, and what the checks (check::json_form) find wrong with it: {"settings": [{"section",
// "key", "value", "place", "passed_over", "default", "expects", "example", "help", "lines": [...],
// "problems": [...]}], "problems": [...]}; a problem is a row of a check, and stands with the
// settings that its lines to paste name, else by itself.
Value setup_value(const std::vector<SettingInUse>& settings, const Value& checks);
// Rows of checks, each with its lines to paste as one text.
Value with_blocks(const Value& checks);
// The same tree with texts of more than some thousand bytes (files) cut short.
Value shortened(const Value& value);

}  // namespace b24::desk
