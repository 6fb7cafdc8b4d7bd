// rest3: REST 3.0's own methods, answers and errors, and its memory of Idempotency-Keys. Of tasks
// it has what a portal of early 2026 has there: no list.
#include <algorithm>
#include <array>

#include "portal.h"
#include "value/json.h"

namespace sandbox {

namespace {

constexpr std::string_view kException = "BITRIX_REST_V3_EXCEPTION_";

Reply refuse(std::string_view exception, std::string_view message, int status = 400) {
  return Reply::fail(status, std::string(kException) + std::string(exception), message);
}

// Every name that `given` lacks is told by itself.
std::optional<Reply> missing(const Value& given, std::span<const std::string_view> names) {
  Value faults = Value::array();
  for (const std::string_view name : names)
    if (given[b24::Key(name)].text().empty())
      faults.append(
          Value::map({{"message", "Required field `" + std::string(name) + "` is not specified"},
                      {"field", name}}));
  if (faults.size() == 0) return std::nullopt;
  Reply reply =
      refuse("VALIDATION_REQUESTVALIDATIONEXCEPTION", "Error validating the request object");
  reply.result = std::move(faults);
  return reply;
}

// Names and types of REST 3.0; what its titles differ in is left out.
constexpr std::pair<std::string_view, std::string_view> kTaskNames[] = {
    {"id", "ID"},
    {"title", "TITLE"},
    {"description", "DESCRIPTION"},
    {"creatorId", "CREATED_BY"},
    {"responsibleId", "RESPONSIBLE_ID"},
    {"changed", "CHANGED_DATE"},
};

Reply task_item(const Record& record) {
  Value item = Value::array();
  for (const auto& [name, field] : kTaskNames) {
    const std::string text = record.text(field);
    const bool is_number = name == "id" || name.ends_with("Id");
    item.set(b24::Key(name), is_number ? Value(Value(text).integer()) : Value(text));
  }
  return Reply::good(Value::map({{"item", std::move(item)}}));
}

Reply add_rest3_task(Portal& portal, const Caller&, const Value& params) {
  constexpr std::string_view kNeeded[] = {"title", "creatorId", "responsibleId"};
  const Value& given = params["fields"];
  if (auto fault = missing(given, kNeeded)) return *fault;
  Value fields = Value::array();
  for (const auto& [name, field] : kTaskNames)
    if (const Value* value = given.find(b24::Key(name))) fields.set(b24::Key(field), *value);
  const Record& task = portal.records.add(Kind::task, fields, {}, b24::now_ms());
  portal.changed(Kind::task, task.id, "ADD");
  return task_item(task);
}

Reply get_rest3_task(Portal& portal, const Caller&, const Value& params) {
  constexpr std::string_view kNeeded[] = {"id"};
  if (auto fault = missing(params, kNeeded)) return *fault;
  const Record* task = portal.records.find(Kind::task, params["id"].integer());
  if (task == nullptr) return refuse("ENTITYNOTFOUNDEXCEPTION", "Object not found");
  return task_item(*task);
}

Reply add_department(Portal& portal, const Caller&, const Value& params) {
  constexpr std::string_view kNeeded[] = {"type", "name", "parentId"};
  if (auto fault = missing(params, kNeeded)) return *fault;
  Value department = params;
  department.set("id", static_cast<std::int64_t>(portal.departments.size()) + 2);
  portal.departments.push_back(department);
  return Reply::good(std::move(department));
}

constexpr Method kMethods[] = {
    {"tasks.task.add", "task", &add_rest3_task},
    {"tasks.task.get", "task", &get_rest3_task},
    {"humanresources.node.add", "humanresources", &add_department},
};

// What the classic address says in its own codes.
Reply in_its_codes(Reply reply) {
  if (reply.error == "ERROR_METHOD_NOT_FOUND")
    return refuse("METHODNOTFOUNDEXCEPTION", "Method not found");
  if (reply.error == "insufficient_scope")
    return refuse("INSUFFICIENTSCOPEEXCEPTION", reply.description, reply.status);
  return reply;
}

}  // namespace

Executed execute_rest3(Portal& portal, const Caller& caller, const Rest3Call& call) {
  if (!call.params)
    return {refuse("INVALIDJSONEXCEPTION", "The body is not a JSON object"), Value()};
  const std::string asked = call.method + "\n" + b24::json::print(*call.params);
  const auto known = portal.idempotent.find(call.key);
  if (!call.key.empty() && known != portal.idempotent.end()) {
    if (known->second.asked != asked)
      return {refuse("IDEMPOTENCYKEYREUSEDEXCEPTION", "The key was used with another body", 422),
              Value()};
    Executed again{known->second.reply, time_since(seconds_now())};
    again.replayed = true;
    return again;
  }
  const auto found = std::ranges::find(kMethods, call.method, &Method::name);
  Executed executed = execute(portal, caller, call.method,
                              found == std::end(kMethods) ? nullptr : found, *call.params);
  executed.reply = in_its_codes(std::move(executed.reply));
  if (!call.key.empty() && !executed.reply.failed)
    portal.idempotent[call.key] = {asked, executed.reply};
  return executed;
}

Value rest3_document(const Executed& executed) {
  const Reply& reply = executed.reply;
  if (!reply.failed) return answer_document(executed);
  Value error = Value::map({{"code", reply.error}, {"message", reply.description}});
  if (reply.result.size() > 0) error.set("validation", reply.result);
  return Value::map({{"error", std::move(error)}});
}

}  // namespace sandbox
