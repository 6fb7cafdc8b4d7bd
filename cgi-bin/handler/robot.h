// robot: the "Outgoing webhook" of a robot or business process: it sends neither an event nor a
// token, but what it is about ("document_id"); its only proof is the secret that its author put
// into its address.
#pragma once

#include <string>

#include "settings/settings.h"
#include "value/value.h"
#include "web/request.h"

namespace b24 {

// The [robot NAME] that calls: there is neither an event nor a token, and its secret is in the
// query (?robot=SECRET) or behind the page's path (handler.php/SECRET). Null: none. Compared in
// constant time with all secrets.
const RobotSettings* calling_robot(const Request& request, const Settings& settings);

// The query that is kept of its call: the robot's name in the place of the secret, so that what is
// kept holds none and is told by name when the secret has been changed.
std::string robot_query(const Request& request, const RobotSettings& robot);

// A kept call of a robot as an event, the rest of `params` behind:
//   {"event": "ROBOT:NAME", "data": {"FIELDS": {"ID", of smart processes "ENTITY_TYPE_ID"}},
//    "document": {"module", "entity", "id"}}
// of document_id[] = crm, CCrmDocumentDeal, DEAL_7 (DYNAMIC_128_5 of a smart process); what is of
// another shape is the id as it is, and the entity its class. Any other params as they are.
Value robot_event(Value params, const Value& get);

// What an event made so is about, as the portal's own events of the same object have it
// ("ONCRMDEAL:7"); empty when that is not known.
std::string robot_object(const Value& event);

}  // namespace b24
