// event: see event.h.
#include "event.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "action.h"
#include "base/address.h"
#include "base/secret.h"
#include "base/text.h"
#include "value/json.h"
#include "value/mask.h"
#include "value/php.h"

namespace b24 {
namespace {

bool matches(const std::string& wanted, const Value& given) {
  return wanted.empty() || text::equal_ignoring_case(wanted, given.text());
}

// Where events name what they are about; tasks name it as it was before and after.
constexpr std::string_view kIdPaths[] = {"data.FIELDS.ID", "data.FIELDS_AFTER.ID",
                                         "data.FIELDS_BEFORE.ID"};

// "ONCRMDEALUPDATE" and "ONCRMDEALADD" of deal 7 are about one object: the event's name without its
// verb.
std::string object_of(const Value& params) {
  std::string id;
  for (const std::string_view path : kIdPaths) {
    if (id.empty()) id = params.path(path).text();
  }
  if (id.empty()) return {};
  std::string name = params["event"].text();
  for (const std::string_view verb : {"ADD", "UPDATE", "DELETE"}) {
    if (name.ends_with(verb)) {
      name.resize(name.size() - verb.size());
      break;
    }
  }
  return name + ":" + id;
}

// The vendor's list: {"nodes": ["192.0.2.1", ...]}. It is read for each event, as it is small and
// somebody's cron replaces it.
Result<std::vector<Network>> listed_networks(const std::filesystem::path& file) {
  std::ifstream stream;
  if (std::error_code fault; std::filesystem::is_regular_file(file, fault)) stream.open(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Result<Value> list = json::parse(text);
  if (!stream || !list || (*list)["nodes"].size() == 0) {
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

// The portal never repeats an event, but a proxy in between may; what has no time of sending may
// well be meant twice.
std::string event_id(const Value& params) {
  if (params["ts"].text().empty() || params["event_handler_id"].text().empty()) {
    return secret::new_id();
  }
  return secret::hex(secret::sha256(php::serialize(params)));
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
               matches(portal.domain, auth["domain"]);
    }
  }
  if (!configured) return TokenCheck::not_configured;
  return right ? TokenCheck::right : TokenCheck::wrong;
}

Error no_token_error(const Settings& settings) {
  return {ErrorKind::settings, "no_application_token",
          settings.file.string() + ": [portal] application_token is not set: no event is accepted",
          "copy the token that the portal shows for the outbound webhook into [portal] "
          "application_token"};
}

NewItem make_event(const Value& params, Millis received_at, const Settings& settings) {
  NewItem item;
  item.kind = Kind::event;
  item.id = event_id(params);
  item.payload = settings.handler.mask_secrets ? secret::mask(params) : params;
  item.name = params["event"].text();
  item.object = object_of(params);
  item.received_at = received_at;
  item.state = any_applies(settings.actions, item.name) ? State::pending : State::done;
  return item;
}

Result<Accepted> keep_event(Store& store, NewItem item, const Settings& settings) {
  Result<Accepted> accepted = store.accept(item);
  if (!accepted || accepted->fresh) return accepted;
  const Result<std::optional<Item>> first = store.find(accepted->number);
  if (!first || !*first) return accepted;
  if (item.received_at < (*first)->received_at + settings.handler.repeat_window) return accepted;
  item.id += "-" + std::to_string(item.received_at);
  return store.accept(item);
}

Result<bool> sender_allowed(const Request& request, const Settings& settings) {
  const HandlerSettings& handler = settings.handler;
  if (handler.allow.empty() && handler.allow_file.empty()) return true;
  const std::optional<Address> sender = Address::parse(client_address(
      request.remote_address, request.forwarded_for, settings.server.trusted_proxies));
  if (!sender) return false;
  if (any_contains(handler.allow, *sender)) return true;
  if (handler.allow_file.empty()) return false;
  const Result<std::vector<Network>> listed = listed_networks(handler.allow_file);
  if (!listed) return std::unexpected(listed.error());
  return any_contains(*listed, *sender);
}

HookLogOptions hook_log_options(const Settings& settings, HookFormat format) {
  return {settings.handler.title,
          {settings.log.max_size, settings.log.keep_files},
          settings.log.daily,
          format};
}

}  // namespace b24
