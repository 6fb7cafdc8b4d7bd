// methods_timeline: comments at what is in the CRM, and traces.
#include "base/text.h"
#include "crm.h"
#include "portal.h"
#include "value/json.h"

namespace sandbox {

namespace {

// "deal", "dynamic_128"
const EntityType* type_named(const std::string& name) {
  constexpr std::string_view kDynamic = "dynamic_";
  if (name.starts_with(kDynamic)) return type_by_id(Value(name.substr(kDynamic.size())).integer());
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const EntityType& type = type_of(static_cast<Kind>(kind));
    if (b24::text::lower(type.name) == name) return &type;
  }
  return nullptr;
}

Reply add_comment(Portal& portal, const Caller&, const Value& params) {
  const Value& fields = params["fields"];
  if (fields["ENTITY_ID"].is_null() || fields["ENTITY_TYPE"].is_null())
    return Reply::fail(400, "100", "Required fields are not provided");
  const EntityType* type = type_named(fields["ENTITY_TYPE"].text());
  const std::int64_t id = fields["ENTITY_ID"].integer();
  if (type == nullptr || portal.records.find(type->kind, id) == nullptr)
    return Reply::fail(400, "OWNER_NOT_FOUND", "Owner of the item not found");
  if (fields["COMMENT"].text().empty())
    return Reply::fail(400, "INVALID_ARG_VALUE", "Empty comment");
  const auto number = static_cast<std::int64_t>(portal.comments.size()) + 1;
  portal.comments.push_back(Value::map({{"ID", std::to_string(number)},
                                        {"ENTITY_ID", std::to_string(id)},
                                        {"ENTITY_TYPE", fields["ENTITY_TYPE"].text()},
                                        {"COMMENT", fields["COMMENT"].text()},
                                        {"FILES", fields["FILES"]}}));
  return Reply::good(number);
}

Reply list_comments(Portal& portal, const Caller&, const Value& params) {
  const Value& filter = params["filter"];
  Reply reply = Reply::good(Value::array());
  for (const Value& comment : portal.comments)
    if (comment["ENTITY_ID"].text() == filter["ENTITY_ID"].text() &&
        comment["ENTITY_TYPE"].text() == filter["ENTITY_TYPE"].text())
      reply.result.append(comment);
  reply.total = static_cast<std::int64_t>(reply.result.size());
  return reply;
}

Reply add_trace(Portal& portal, const Caller&, const Value& params) {
  const std::string trace = params["TRACE"].text();
  if (trace.empty()) return Reply::fail(400, "ERROR_CORE", "Parameter `TRACE` required.");
  if (!b24::json::parse(trace))
    return Reply::fail(400, "ERROR_CORE", "Can not parse JSON in parameter `TRACE`.");
  for (const auto& member : params["ENTITIES"].members()) {
    const EntityType* type = type_named(b24::text::lower(member.value["TYPE"].text()));
    if (type == nullptr || type->kind == Kind::process)
      return Reply::fail(400, "ERROR_CORE",
                         "Wrong TYPE in parameter `ENTITIES`. Allowed types: "
                         "COMPANY,CONTACT,DEAL,LEAD,QUOTE");
    if (portal.records.find(type->kind, member.value["ID"].integer()) == nullptr)
      return Reply::fail(400, "ERROR_CORE", "Wrong ID in parameter `ENTITIES`.");
  }
  portal.traces.push_back(params);
  return Reply::good(static_cast<std::int64_t>(portal.traces.size()));
}

constexpr Method kTimelineMethods[] = {
    {"crm.timeline.comment.add", "crm", &add_comment},
    {"crm.timeline.comment.list", "crm", &list_comments},
    {"crm.tracking.trace.add", "crm", &add_trace},
};

}  // namespace

std::span<const Method> timeline_methods() {
  return kTimelineMethods;
}

}  // namespace sandbox
