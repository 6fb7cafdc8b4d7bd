// event: see event.h.
#include "event.h"

#include <string>

#include "php.h"
#include "secret.h"
#include "text.h"

namespace b24 {
namespace {

bool matches(const std::string& wanted, const Value& given) {
  return wanted.empty() || text::equal_ignoring_case(wanted, given.text());
}

// "ONCRMDEALUPDATE" and "ONCRMDEALADD" of deal 7 are about one object: the event's name without its
// verb.
std::string object_of(const Value& params) {
  const std::string id = params.path("data.FIELDS.ID").text();
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
  item.state = State::done;
  return item;
}

HookLogOptions hook_log_options(const Settings& settings) {
  return {settings.handler.title, {settings.log.max_size, settings.log.keep_files}};
}

}  // namespace b24
