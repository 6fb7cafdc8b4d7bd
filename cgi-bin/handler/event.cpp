// event: see event.h.
#include "event.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "action.h"
#include "base/address.h"
#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"
#include "event_watch.h"
#include "portal/webhook.h"
#include "robot.h"
#include "value/json.h"
#include "value/php.h"
#include "value/value.h"

namespace b24 {
namespace {

bool matches(const std::string& wanted, const Value& given) {
  return wanted.empty() || text::equal_ignoring_case(wanted, given.text());
}

// What an event is about: the kind, and where in its data the id stands, in so many parts as it
// takes to tell one object from another. What is said and written in one talk (of a task, of a
// channel, of a bot) keeps its order, too. From the vendor's pages of all events, August 2026.
struct ObjectRow {
  std::string_view begins;  // the event's name
  std::string_view kind;    // empty: the name without its verb
  std::array<std::string_view, 3> id;
};
constexpr ObjectRow kObjects[] = {
    {"ONCRMDYNAMICITEM", "", {"FIELDS.ENTITY_TYPE_ID", "FIELDS.ID"}},
    {"ONCRMADDRESS", "", {"FIELDS.TYPE_ID", "FIELDS.ENTITY_TYPE_ID", "FIELDS.ENTITY_ID"}},
    {"ONSALEORDER", "ONORDER", {"FIELDS.ID"}},
    {"ONSALEBEFOREORDER", "ONORDER", {"FIELDS.ID"}},
    {"ONLIVEFEEDPOST", "", {"FIELDS.POST_ID"}},
    {"ONTASKCOMMENT", "", {"FIELDS_AFTER.TASK_ID"}},
    {"ONTASKCOMMENT", "", {"FIELDS_BEFORE.TASK_ID"}},
    {"ONVOXIMPLANTCALL", "", {"CALL_ID"}},
    {"ONEXTERNALCALLSTART", "ONEXTERNALCALL", {"CALL_ID"}},
    {"ONOPENLINEMESSAGE", "ONOPENLINECHAT", {"DATA.0.chat.id"}},
    {"ONSESSION", "ONOPENLINECHAT", {"DATA.0.chat.id"}},
    {"ONIMCONNECTORMESSAGE", "ONIMCONNECTORCHAT", {"MESSAGES.0.im.chat_id"}},
    {"ONIMCONNECTORDIALOG", "ONIMCONNECTORCHAT", {"DATA.0.chat.id"}},
    {"ONIMCONNECTORSTATUS", "", {"connector", "line"}},
    {"ONIMBOTV2", "ONIMBOTV2CHAT", {"bot.id", "chat.id"}},
    {"ONIMBOTDELETE", "ONIMBOT", {"BOT_ID"}},
    {"ONIMBOT", "ONIMBOTCHAT", {"PARAMS.DIALOG_ID"}},
    {"ONSIGNB2EDOCUMENT", "", {"documentUid"}},
    {"ONSIGNB2EMEMBER", "", {"documentUid", "memberUid"}},
    {"ONSIGNHCMLINK", "", {"company", "id"}},
    {"", "", {"FIELDS.ID"}},
    {"", "", {"FIELDS_AFTER.ID"}},   // tasks: as they are,
    {"", "", {"FIELDS_BEFORE.ID"}},  // or were
    {"", "", {"ID"}},
    {"", "", {"id"}},
};

// Longer ones before those that they end with.
constexpr std::string_view kVerbs[] = {
    "SETENUMVALUES", "MOVETOCATEGORY", "STATUSCHANGED", "ENTITYSAVED", "UNREGISTER", "REGISTER",
    "DELETED",       "DELETE",         "UPDATE",        "EXPOSE",      "FINISH",     "SAVED",
    "START",         "INIT",           "ADD",           "END"};

// "ONCRMDYNAMICITEMUPDATE_147" is the same of one smart process.
std::string_view without_verb(std::string_view name) {
  const std::size_t end = name.find_last_not_of("0123456789");
  if (end != name.npos && end + 1 < name.size() && name[end] == '_') name = name.substr(0, end);
  for (const std::string_view verb : kVerbs) {
    if (name.ends_with(verb)) return name.substr(0, name.size() - verb.size());
  }
  return name;
}

// "ONCRMDEALUPDATE" and "ONCRMDEALADD" of deal 7 are about one object; deals 7 of two portals are
// two.
std::string object_of(const Value& params, const Settings& settings) {
  const std::string name = params["event"].text();
  const std::string portal =
      settings.portals.size() > 1 ? "@" + params.path("auth.member_id").text() : "";
  if (name.starts_with("ROBOT:")) {
    const std::string object = robot_object(params);
    return object.empty() ? object : object + portal;
  }
  for (const ObjectRow& row : kObjects) {
    std::string object(row.kind.empty() ? without_verb(name) : row.kind);
    bool fits = name.starts_with(row.begins);
    for (const std::string_view path : row.id) {
      if (path.empty() || !fits) break;
      const std::string part = params["data"].path(path).text();
      fits = !part.empty();
      object += ":" + part;
    }
    if (fits) return object + portal;
  }
  return {};
}

// The vendor's list: {"nodes": ["192.0.2.1", ...]}. It is read for each event, as it is small and
// somebody's cron replaces it.
Result<std::vector<Network>> listed_networks(const std::filesystem::path& file) {
  std::error_code fault;
  const bool regular = std::filesystem::is_regular_file(file, fault);  // a pipe would not end
  const Result<Value> list =
      json::parse(regular ? read_file(file, std::string::npos).value_or("") : "");
  if (!list || (*list)["nodes"].size() == 0) {
    return std::unexpected(Error{ErrorKind::settings, "bad_allow_file",
                                 "[handler] allow_file: " + file.string() +
                                     " is not there or is no list of nodes; nobody is let in",
                                 "fetch the vendor's list again, or take the setting out"});
  }
  std::vector<Network> networks;
  for (const Value::Member& node : (*list)["nodes"].members()) {
    if (const auto network = Network::parse(node.value.text())) networks.push_back(*network);
  }
  return networks;
}

// One portal's token does not let an event be another's: by what it says it is from, actions call.
bool is_anothers(const PortalSettings& own, const std::string& domain, const Settings& settings) {
  const auto is_of = [&](const PortalSettings& portal) {
    return Webhook::is_at(called_portal(settings, portal.name).url, domain);
  };
  // The owner's word goes before what addresses tell.
  return own.domain.empty() &&
         std::ranges::any_of(settings.portals,
                             [&](const PortalSettings& other) {
                               return &other != &own && !other.application_tokens.empty() &&
                                      is_of(other);
                             }) &&
         !is_of(own);
}

}  // namespace

TokenCheck verify(const Value& params, const Settings& settings) {
  const Value& auth = params["auth"];
  const std::string given = auth["application_token"].text();
  bool configured = false;
  bool right = false;
  for (const PortalSettings& portal : settings.portals) {
    for (const std::string& token : portal.application_tokens) {
      configured = true;
      // All are compared, so that the time does not tell which one was nearest.
      const bool equal = secret::equal(token, given);
      right |= equal && matches(portal.member_id, auth["member_id"]) &&
               matches(portal.domain, auth["domain"]) &&
               !is_anothers(portal, auth["domain"].text(), settings);
    }
  }
  if (!configured) return TokenCheck::not_configured;
  if (right) return TokenCheck::right;
  const bool robot =
      params["event"].is_null() && (params["document_id"].is_array() || !params["robot"].is_null());
  return robot ? TokenCheck::robot : TokenCheck::wrong;
}

Error no_token_error(const Settings& settings) {
  return {ErrorKind::settings, "no_application_token",
          settings.file.string() + ": [portal] application_token is not set: no event is accepted",
          "copy the token that the portal shows for the outbound webhook into [portal] "
          "application_token"};
}

Record make_record(const Request& request, Millis received_at, const RobotSettings* robot) {
  Record record;
  record.id = secret::new_id();
  record.key = record.id;
  record.at = received_at;
  record.query = robot == nullptr ? request.query_string : robot_query(request, *robot);
  record.content_type = request.content_type_header;
  record.body = request.body;
  record.address = request.remote_address;
  return record;
}

Result<NewItem> event_of(const App& app, const Record& record, bool seen) {
  return make_event(record, *app.settings, seen);
}

NewItem make_event(const Record& record, const Settings& settings, bool seen, Millis now) {
  // What was taken under the limits of then stays taken.
  RequestLimits limits;
  limits.body = record.body.size();
  const auto request = parse_content(record.query, record.content_type, record.body, limits);
  const Value params = request ? robot_event(request->params, request->get) : Value::array();
  NewItem item;
  item.kind = Kind::event;
  item.id = record.id;
  item.payload = settings.handler.mask_secrets ? mask_tree(params) : params;
  item.name = params["event"].text();
  item.object = object_of(params, settings);
  item.received_at = record.at;
  const bool followed = !seen && any_applies(settings.actions, item.name);
  item.state = followed ? State::pending : State::done;
  if (followed) item.destination = first_destination(settings, item.name, item.payload);
  item.unsure = now - record.at > kHour;
  return item;
}

std::string remedy_for(std::string_view code, const Request& request, const Settings& settings) {
  if (code == "address_not_allowed") {
    const std::string client = request.client(settings.server.trusted_proxies);
    return settings.handler.allow.empty() ? "[handler] allow = " + client
                                          : "add " + client + " to [handler] allow";
  }
  if (code == "robot") {
    return request.get["robot"].is_null() && request.path_info.empty()
               ? "add [robot NAME] with a secret of 16 characters or more, and let its address end "
                 "with ?robot=SECRET; or with ?auth[application_token]=YOUR-TOKEN"
               : "set secret in [robot NAME] to what its address ends with, 16 characters or more";
  }
  const Value& auth = request.params["auth"];
  for (const PortalSettings& portal : settings.portals) {
    for (const std::string& token : portal.application_tokens) {
      // Whoever has the right token may be told what else is not as it is set.
      if (!secret::equal(token, auth["application_token"].text())) continue;
      const char* key = matches(portal.member_id, auth["member_id"]) ? "domain" : "member_id";
      return "[portal" + (portal.name.empty() ? "" : " " + portal.name) + "] " + key + " = " +
             text::for_log(auth[key].text(), 100);
    }
  }
  return "set application_token in [portal] to the code that the portal shows for its outbound "
         "webhook";
}

Result<bool> sender_allowed(const Request& request, const Settings& settings) {
  const HandlerSettings& handler = settings.handler;
  if (handler.allow.empty() && handler.allow_file.empty()) return true;
  const std::optional<Address> sender =
      Address::parse(request.client(settings.server.trusted_proxies));
  if (!sender) return false;
  if (any_contains(handler.allow, *sender)) return true;
  if (handler.allow_file.empty()) return false;
  const Result<std::vector<Network>> listed = listed_networks(handler.allow_file);
  if (!listed) return std::unexpected(listed.error());
  return any_contains(*listed, *sender);
}

std::vector<std::unique_ptr<Follower>> event_followers(const App& app) {
  const Settings& settings = *app.settings;
  std::vector<std::unique_ptr<Follower>> logs;
  logs.push_back(std::make_unique<HookLog>(settings, HookFormat::print_r));
  if (settings.handler.json_log)
    logs.push_back(std::make_unique<HookLog>(settings, HookFormat::json));
  logs.push_back(rhythm_follower());
  return logs;
}

}  // namespace b24
