// rest: one call of the portal's REST interface: address, fault, webhook, bucket, method.
#include "base/text.h"
#include "site.h"
#include "value/json.h"

namespace sandbox {

namespace {

constexpr std::string_view kMaintenance =
    "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>\n"
    "<body><h1>The portal is being updated</h1></body></html>\n";

// A whole page of a list that goes by no id and knows no time.
Executed untimed_page() {
  Value rows = Value::array();
  for (std::int64_t i = 0; i < kPageSize; ++i)
    rows.append(i == 0 ? Value("x") : Value::map({{"id", "7"}, {"changedDate", "soon"}}));
  return {Reply::good(Value::map({{"tasks", rows}, {"items", rows}})), time_since(seconds_now())};
}

struct Address {
  std::string user, secret, method;
  bool rest3 = false;
};

// "/rest/1/secret/crm.lead.add.json", "/rest/api/1/secret/tasks.task.add"
Address parse_address(const std::string& path) {
  auto parts = b24::text::split(path, "/");
  const bool rest3 = parts.size() > 1 && parts[1] == "api";
  if (rest3) parts.erase(parts.begin());
  if (parts.size() < 3) return {};
  Address address{parts[1], parts[2], parts.size() > 3 ? b24::text::lower(parts[3]) : "", rest3};
  if (rest3) return address;
  for (std::string_view suffix : {".json", ".xml"})
    if (address.method.ends_with(suffix))
      address.method.resize(address.method.size() - suffix.size());
  return address;
}

Executed failed(int status, std::string_view error, std::string_view description) {
  return {Reply::fail(status, error, description), Value()};
}

Executed carry_out(Portal& portal, const b24::Request& request, const Address& address) {
  if (!request.https) return failed(400, "INVALID_REQUEST", "Https required");
  const Caller* caller = find_caller(address.user, address.secret);
  if (caller == nullptr) return failed(401, "NO_AUTH_FOUND", "Wrong authorization data");
  if (!portal.limits.enter(request.remote_address, b24::now_ms()))
    return failed(503, "QUERY_LIMIT_EXCEEDED", "Too many requests");
  if (address.rest3)
    return execute_rest3(
        portal, *caller,
        {address.method, request.is_json() ? std::optional(request.post) : std::nullopt,
         request.key_header});
  if (address.method == "batch") return execute_batch(portal, *caller, request.params);
  return execute(portal, *caller, address.method, find_method(address.method), request.params);
}

b24::Response named_status(int status) {
  b24::Response response;
  response.status = status;
  return response;
}

// How the answer of a call leaves under this fault.
b24::Response leave(LateAnswers& late, const Fault& fault, const Executed& executed, bool rest3) {
  const Reply& reply = executed.reply;
  const Value document = rest3 ? rest3_document(executed) : answer_document(executed);
  switch (fault.mode->kind) {
    case FaultKind::gateway:
      return named_status(kStatusGateway);
    case FaultKind::close:
      return named_status(kStatusClose);
    case FaultKind::answer:
      if (fault.mode->html)
        return b24::text_response(200, std::string(kMaintenance), "text/html; charset=utf-8");
      break;
    case FaultKind::delay:
    case FaultKind::cut:
    case FaultKind::silence: {
      b24::Response response = named_status(kStatusLate);
      response.set("Location", late.plan(fault, reply.status, b24::json::print(document)));
      return response;
    }
    case FaultKind::none:
      break;
  }
  b24::Response response = json_response(reply.status, document);
  if (executed.replayed) response.set("Idempotent-Replayed", "true");
  return response;
}

}  // namespace

b24::Response json_response(int status, const Value& document) {
  return b24::text_response(status, b24::json::print(document), "application/json; charset=utf-8");
}

b24::Response rest(Shared& shared, const b24::Request& request) {
  const Address address = parse_address(request.script_name);
  LoggedCall call;
  call.method = address.method;
  call.params = request.params;
  call.at = b24::now_ms();
  call.source = request.remote_address;
  call.user = address.user;
  call.rest3 = address.rest3;
  std::vector<std::string> methods{address.method};
  if (address.method == "batch") {
    call.commands = batch_methods(request.params);
    methods.insert(methods.end(), call.commands.begin(), call.commands.end());
  }

  const std::lock_guard lock(shared.mutex);
  const Fault fault = shared.portal.faults.take(methods);
  const FaultKind kind = fault.mode->kind;
  const bool carried_out =
      kind != FaultKind::answer && kind != FaultKind::close && kind != FaultKind::gateway;
  const Executed executed =
      carried_out ? carry_out(shared.portal, request, address)
      : fault.mode->name == "untimed"
          ? untimed_page()
          : failed(fault.mode->status, fault.mode->error, fault.mode->description);
  call.took = b24::now_ms() - call.at;
  call.status = executed.reply.status;
  call.error = executed.reply.error;
  if (kind != FaultKind::none) call.fault = fault.mode->name;
  shared.portal.log(std::move(call));
  return leave(shared.late, fault, executed, address.rest3);
}

}  // namespace sandbox
