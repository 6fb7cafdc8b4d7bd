// control: what tests and people do to the sandbox: faults, limits, events, looking inside.
#include "site.h"
#include "value/json.h"

namespace sandbox {

namespace {

using b24::Request;
using b24::Response;

Response done(const Request& request, Value document) {
  if (!request.params["back"].boolean()) return json_response(200, document);
  Response response;  // a button of the page
  response.status = 303;
  response.set("Location", "/");
  return response;
}

Response refuse(std::string text) {
  return json_response(400, Value::map({{"error", text}}));
}

Value ok() {
  return Value::map({{"ok", true}});
}

Response set_fault(Shared& shared, const Request& request) {
  const Value& given = request.params;
  Fault fault;
  fault.mode = find_mode(given["mode"].text());
  if (fault.mode == nullptr) return refuse("mode must be one of: " + mode_names());
  if (const Value* count = given.find("count"); count != nullptr && !count->text().empty()) {
    if (count->integer() <= 0) return refuse("count must be a number above 0");
    fault.left = static_cast<int>(count->integer());
  }
  fault.method = given["method"].text();
  if (const Value* seconds = given.find("seconds"))
    fault.seconds = static_cast<int>(seconds->integer());
  shared.portal.faults.set(std::move(fault));
  return done(request, ok());
}

Response set_limits(Shared& shared, const Request& request) {
  LimitOptions& options = shared.portal.limits.options;
  const Value& given = request.params;
  const auto set = [&](const char* name, auto& target) {
    if (const Value* value = given.find(name))
      target = static_cast<std::remove_reference_t<decltype(target)>>(value->real());
  };
  set("size", options.size);
  set("drain", options.drain);
  set("operating_limit", options.operating_limit);
  set("operating_cost", options.operating_cost);
  set("operating_window", options.operating_window);
  double delay = static_cast<double>(shared.portal.list_delay) / 1000;
  set("list_delay", delay);
  shared.portal.list_delay = static_cast<Millis>(delay * 1000);
  return done(request, ok());
}

Response set_handler(Shared& shared, const Request& request) {
  shared.portal.events.set_target(request.params["url"].text(), request.params["token"].text());
  return done(request, ok());
}

Response send_event(Shared& shared, const Request& request) {
  const Value& given = request.params;
  if (given["event"].text().empty()) return refuse("event must be a name, such as ONCRMDEALUPDATE");
  const Value* data = given.find("data");
  const std::int64_t number = shared.portal.events.push(
      given["event"].text(), data != nullptr ? *data : Value::array(), given["token"].text());
  return done(request, Value::map({{"number", number}}));
}

// The page's button: the deal's next stage.
Response change_deal(Shared& shared, const Request& request) {
  constexpr std::string_view kStages[] = {"NEW", "PREPARATION", "EXECUTING", "WON"};
  const std::int64_t id = request.params["id"].integer();
  const Record* deal = shared.portal.records.find(Kind::deal, id);
  if (deal == nullptr) return refuse("there is no such deal");
  std::size_t stage = 0;
  for (std::size_t i = 0; i < std::size(kStages); ++i)
    if (deal->text("STAGE_ID") == kStages[i]) stage = (i + 1) % std::size(kStages);
  shared.portal.records.update(Kind::deal, id, Value::map({{"STAGE_ID", kStages[stage]}}), {},
                               b24::now_ms());
  shared.portal.changed(Kind::deal, id, "UPDATE");
  return done(request, ok());
}

Response reset(Shared& shared, const Request& request) {
  shared.portal.reset(shared.options.limits);
  return done(request, ok());
}

// ?method= and ?after=NUMBER leave out the others.
Response show_calls(Shared& shared, const Request& request) {
  const std::string method = request.params["method"].text();
  const std::int64_t after = request.params["after"].integer();
  Value calls = Value::array();
  for (const LoggedCall& call : shared.portal.calls) {
    if (call.number <= after || (!method.empty() && call.method != method)) continue;
    Value commands = Value::array();
    for (const std::string& command : call.commands) commands.append(command);
    calls.append(Value::map({{"number", call.number},
                             {"method", call.method},
                             {"params", call.params},
                             {"commands", std::move(commands)},
                             {"at", call.at},
                             {"took", call.took},
                             {"status", call.status},
                             {"error", call.error},
                             {"fault", call.fault},
                             {"source", call.source},
                             {"user", call.user},
                             {"rest3", call.rest3}}));
  }
  return json_response(200, calls);
}

Response show_leads(Shared& shared, const Request&) {
  Value leads = Value::array();
  for (const auto& [id, record] : shared.portal.records.all(Kind::lead)) {
    Value lead = record.fields;
    for (const Contact& contact : record.contacts)
      lead[b24::Key(contact.type_id)].append(contact.value);
    leads.append(std::move(lead));
  }
  return json_response(200, leads);
}

// ?type=2: what there is of it, as the older methods spell it.
Response show_items(Shared& shared, const Request& request) {
  const EntityType* type = type_by_id(request.params["type"].integer());
  if (type == nullptr) return refuse("type must be an entityTypeId");
  Value items = Value::array();
  for (const auto& [id, record] : shared.portal.records.all(type->kind)) {
    Value item = record.fields;
    for (const Contact& contact : record.contacts)
      item[b24::Key(contact.type_id)].append(contact.value);
    items.append(std::move(item));
  }
  return json_response(200, items);
}

Response show_list(const std::vector<Value>& list) {
  Value all = Value::array();
  for (const Value& each : list) all.append(each);
  return json_response(200, all);
}
Response show_comments(Shared& shared, const Request&) {
  return show_list(shared.portal.comments);
}
Response show_traces(Shared& shared, const Request&) {
  return show_list(shared.portal.traces);
}

Response show_events(Shared& shared, const Request&) {
  Value events = Value::array();
  for (const Event& event : shared.portal.events.sent_and_waiting())
    events.append(Value::map({{"number", event.number},
                              {"event", event.name},
                              {"data", event.data},
                              {"queued_at", event.queued_at},
                              {"sent_at", event.sent_at},
                              {"took", event.took},
                              {"status", event.status},
                              {"error", event.error}}));
  return json_response(200, events);
}

struct Control {
  std::string_view path;
  bool changes;  // by POST only
  Response (*run)(Shared&, const Request&);
};
constexpr Control kControls[] = {
    {"/sandbox/fault", true, &set_fault},         {"/sandbox/limits", true, &set_limits},
    {"/sandbox/handler", true, &set_handler},     {"/sandbox/event", true, &send_event},
    {"/sandbox/change", true, &change_deal},      {"/sandbox/reset", true, &reset},
    {"/sandbox/calls", false, &show_calls},       {"/sandbox/leads", false, &show_leads},
    {"/sandbox/events", false, &show_events},     {"/sandbox/items", false, &show_items},
    {"/sandbox/comments", false, &show_comments}, {"/sandbox/traces", false, &show_traces},
};

}  // namespace

b24::Response control(Shared& shared, const b24::Request& request) {
  for (const Control& entry : kControls) {
    if (request.script_name != entry.path) continue;
    if (entry.changes && !request.is_post())
      return json_response(405, Value::map({{"error", "this needs a POST"}}));
    const std::lock_guard lock(shared.mutex);
    return entry.run(shared, request);
  }
  return json_response(404, Value::map({{"error", "no such control"}}));
}

}  // namespace sandbox
