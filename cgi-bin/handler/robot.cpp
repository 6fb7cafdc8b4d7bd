// robot: see robot.h.
#include "robot.h"

#include <string_view>

#include "base/secret.h"
#include "base/text.h"
#include "settings/settings_keys.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr const char* kName = "robot";
constexpr std::string_view kDynamic = "DYNAMIC_";

bool has_event_or_token(const Value& params) {
  return !params["event"].is_null() || !params["auth"]["application_token"].is_null();
}

}  // namespace

const RobotSettings* calling_robot(const Request& request, const Settings& settings) {
  if (settings.robots.empty() || has_event_or_token(request.params)) return nullptr;
  const std::string given =
      request.path_info.empty() ? request.get[kName].text() : request.path_info.substr(1);
  const RobotSettings* caller = nullptr;
  for (const RobotSettings& robot : settings.robots) {
    const bool equal = secret::equal(robot.secret, given);
    if (equal && !robot.secret.empty()) caller = &robot;
  }
  return caller;
}

std::string robot_query(const Request& request, const RobotSettings& robot) {
  Value query = request.get;
  query.set(kName, robot.name);
  return php::build_query(query);
}

Value robot_event(Value params, const Value& get) {
  const std::string robot = get[kName].text();
  if (robot.empty() || has_event_or_token(params)) return params;
  const Value& document = params["document_id"];
  std::string entity = document[1].text();
  std::string id = document[2].text();
  Value fields = Value::array();
  if (const std::size_t end = id.rfind('_');
      end != id.npos && text::is_number(id.substr(end + 1))) {
    entity = id.substr(0, end);
    id.erase(0, end + 1);
    if (entity.starts_with(kDynamic) && text::is_number(entity.substr(kDynamic.size())))
      fields.set("ENTITY_TYPE_ID", entity.substr(kDynamic.size()));
  }
  fields.set("ID", id);
  Value event = Value::map(
      {{"event", event_form("ROBOT:" + robot)},
       {"data", Value::map({{"FIELDS", fields}})},
       {"document", Value::map({{"module", document[0].text()}, {"entity", entity}, {"id", id}})}});
  for (const Value::Member& member : params.members()) {
    if (member.key.text() != kName && event[member.key].is_null())
      event.set(member.key, member.value);
  }
  return event;
}

std::string robot_object(const Value& event) {
  const Value& document = event["document"];
  const std::string module = document["module"].text();
  const std::string entity = document["entity"].text();
  const std::string id = document["id"].text();
  if (id.empty()) return {};
  if (module != "crm" || !text::is_number(id)) return "ROBOT:" + module + ":" + entity + ":" + id;
  const std::string type = event.path("data.FIELDS.ENTITY_TYPE_ID").text();
  return (type.empty() ? "ONCRM" + entity : "ONCRMDYNAMICITEM:" + type) + ":" + id;
}

}  // namespace b24
