// portal: callers, the log of calls, and running a method.
#include "portal.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"

namespace sandbox {

namespace {

constexpr std::size_t kMostCalls = 20'000;

constexpr std::string_view kAllScopes[] = {"crm", "task", "user", "user_basic", "humanresources"};
constexpr Caller kCallers[] = {
    {"1", "sandbox", "Anna", "Sales", false, kAllScopes},
    {"2", "noscope", "Boris", "Guest", false, {}},
    {"3", "admin", "Clara", "Owner", true, kAllScopes},
};

// Why a method cannot be run by this caller now; nothing when it can.
std::optional<Reply> refusal(Portal& portal, const Caller& caller, const Method* method,
                             const std::string& name) {
  if (method == nullptr) return Reply::fail(404, "ERROR_METHOD_NOT_FOUND", "Method not found!");
  if (!caller.has_scope(method->scope))
    return Reply::fail(403, "insufficient_scope",
                       "The request requires higher privileges than provided by the webhook token");
  if (method->run == nullptr)
    return Reply::fail(403, "WRONG_AUTH_TYPE",
                       "Current authorization type is denied for this method");
  if (!portal.limits.may_operate(name, b24::now_ms()))
    return Reply::fail(429, "OPERATION_TIME_LIMIT",
                       "Method is blocked due to operation time limit.");
  return std::nullopt;
}

}  // namespace

double seconds_now() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

Value time_since(double start) {
  const double finish = seconds_now();
  return Value::map({{"start", start},
                     {"finish", finish},
                     {"duration", finish - start},
                     {"processing", finish - start},
                     {"date_start", portal_time(static_cast<Millis>(start * 1000))},
                     {"date_finish", portal_time(static_cast<Millis>(finish * 1000))}});
}

bool Caller::has_scope(std::string_view scope) const {
  return scope.empty() || std::ranges::find(scopes, scope) != scopes.end();
}

std::span<const Caller> all_callers() {
  return kCallers;
}

const Caller* find_caller(std::string_view user, std::string_view secret) {
  for (const Caller& caller : kCallers)
    if (caller.user == user && caller.secret == secret) return &caller;
  return nullptr;
}

Reply Reply::good(Value result) {
  Reply reply;
  reply.result = std::move(result);
  return reply;
}

Reply Reply::fail(int status, std::string_view error, std::string_view description) {
  Reply reply;
  reply.status = status;
  reply.failed = true;
  reply.error = error;
  reply.description = description;
  return reply;
}

Portal::Portal(const LimitOptions& limit_options, Target target)
    : limits(limit_options), events(std::move(target)) {
  reset(limit_options);
}

void Portal::reset(const LimitOptions& limit_options) {
  records = {};
  limits = Limits(limit_options);
  faults = {};
  comments.clear();
  traces.clear();
  departments.clear();
  idempotent.clear();
  calls.clear();
  events.clear();
  list_delay = 0;
  for (const char* title : {"Website for a bakery", "Yearly support"})
    records.add(Kind::deal, Value::map({{"TITLE", title}, {"OPPORTUNITY", "1500.00"}}), {},
                b24::now_ms());
}

void Portal::log(LoggedCall call) {
  call.number = ++last_call;
  calls.push_back(std::move(call));
  if (calls.size() > kMostCalls) calls.pop_front();
}

void Portal::changed(Kind kind, std::int64_t id, std::string_view what) {
  Value fields = Value::map({{"ID", std::to_string(id)}});
  if (kind == Kind::process) fields.set("ENTITY_TYPE_ID", std::to_string(type_of(kind).id));
  Value data = Value::map({{"FIELDS", fields}});
  if (kind == Kind::task)
    data = Value::map({{"FIELDS_BEFORE", what == "ADD" ? Value("undefined") : fields},
                       {"FIELDS_AFTER", what == "DELETE" ? Value("undefined") : fields},
                       {"IS_ACCESSIBLE_BEFORE", what == "ADD" ? "N" : "undefined"},
                       {"IS_ACCESSIBLE_AFTER", "undefined"}});
  events.push(
      (kind == Kind::task ? "ON" : "ONCRM") + std::string(type_of(kind).name) + std::string(what),
      std::move(data));
}

const Method* find_method(std::string_view name) {
  for (const auto table :
       {general_methods(), crm_methods(), item_methods(), task_methods(), timeline_methods()})
    for (const Method& method : table)
      if (method.name == name) return &method;
  return nullptr;
}

Executed execute(Portal& portal, const Caller& caller, const std::string& method,
                 const Method* found, const Value& params) {
  Executed executed;
  const double start = seconds_now();
  const auto refused = refusal(portal, caller, found, method);
  executed.reply = refused ? *refused : found->run(portal, caller, params);
  executed.time = time_since(start);
  if (!refused) {
    const Operating operating =
        portal.limits.operated(method, seconds_now() - start, b24::now_ms());
    executed.time.set("operating_reset_at", operating.reset_at);
    executed.time.set("operating", operating.seconds);
  }
  return executed;
}

Value answer_document(const Executed& executed) {
  const Reply& reply = executed.reply;
  if (reply.failed)
    return Value::map({{"error", reply.error}, {"error_description", reply.description}});
  Value document = Value::map({{"result", reply.result}});
  if (reply.next >= 0) document.set("next", reply.next);
  if (reply.total >= 0) document.set("total", reply.total);
  document.set("time", executed.time);
  return document;
}

const Value& param(const Value& params, std::string_view lower) {
  if (const Value* found = params.find(lower)) return *found;
  std::string upper(lower);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return params[b24::Key(upper)];
}

}  // namespace sandbox
