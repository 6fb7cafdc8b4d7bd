// methods_task: tasks.task.*, which are asked by older names and answer newer ones, all of them
// texts.
#include <algorithm>

#include "crm.h"
#include "portal.h"

namespace sandbox {

namespace {

Value task_of(const Record& record, const Value& wanted) {
  Value task = Value::array();
  for (const Field& field : type_of(Kind::task).fields) {
    const bool is_wanted = std::ranges::any_of(wanted.members(), [&](const auto& member) {
      return member.value.text() == field.name || member.value.text() == "*";
    });
    if (wanted.size() == 0 || is_wanted)
      task.set(item_name(field), record.fields[b24::Key(field.name)]);
  }
  return task;
}

Reply task_document(const Record& record) {
  return Reply::good(Value::map({{"task", task_of(record, Value::array())}}));
}

std::optional<Reply> fault_of_task(const Value& params) {
  if (param(params, "fields").size() > 0) return std::nullopt;
  return Reply::fail(400, "100", "Could not find value for parameter {fields} (internal error)");
}

Reply add_task(Portal& portal, const Caller&, const Value& params) {
  if (auto fault = fault_of_task(params)) return *fault;
  const Value& fields = param(params, "fields");
  if (fields["TITLE"].text().empty())
    return Reply::fail(400, "ERROR_CORE", "Task title is not specified<br>");
  if (fields["RESPONSIBLE_ID"].text().empty())
    return Reply::fail(400, "ERROR_CORE", "Responsible person not specified<br>");
  const Record& task = portal.records.add(Kind::task, fields, {}, b24::now_ms());
  portal.changed(Kind::task, task.id, "ADD");
  return task_document(task);
}

Reply update_task(Portal& portal, const Caller&, const Value& params) {
  const std::int64_t id = params["taskId"].integer();
  if (params.find("taskId") == nullptr)
    return Reply::fail(
        400, "100",
        "CTaskItem All parameters in the constructor must have real class type (internal error)");
  if (auto fault = fault_of_task(params)) return *fault;
  if (!portal.records.update(Kind::task, id, param(params, "fields"), {}, b24::now_ms()))
    return Reply::fail(400, "0", "Action on the task is not allowed (internal error)");
  portal.changed(Kind::task, id, "UPDATE");
  return task_document(*portal.records.find(Kind::task, id));
}

Reply list_tasks(Portal& portal, const Caller&, const Value& params) {
  ListQuery query{param(params, "filter"), param(params, "order")};
  for (const auto& member : query.order.members())
    if (type_of(Kind::task).find(member.key.text()) == nullptr)
      return Reply::fail(400, "0", "Invalid sorting key (internal error)");
  if (query.order.size() == 0) query.order = Value::map({{"ID", "desc"}});
  const auto rows = select(portal.records, Kind::task, query, &EntityType::find,
                           b24::now_ms() - portal.list_delay);
  Reply reply = page_of(
      rows, params, [&](const Record& record) { return task_of(record, param(params, "select")); });
  reply.result = Value::map({{"tasks", std::move(reply.result)}});
  return reply;
}

constexpr Method kTaskMethods[] = {
    {"tasks.task.add", "task", &add_task},
    {"tasks.task.update", "task", &update_task},
    {"tasks.task.list", "task", &list_tasks},
};

}  // namespace

std::span<const Method> task_methods() {
  return kTaskMethods;
}

}  // namespace sandbox
