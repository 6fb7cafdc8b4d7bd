// methods_general: what every portal has: who is calling, and what may be called.
#include "portal.h"

namespace sandbox {

namespace {

Reply profile(Portal&, const Caller& caller, const Value&) {
  return Reply::good(Value::map({{"ID", caller.user},
                                 {"ADMIN", caller.admin},
                                 {"NAME", caller.name},
                                 {"LAST_NAME", caller.last_name},
                                 {"PERSONAL_GENDER", ""},
                                 {"TIME_ZONE", ""}}));
}

Value user_row(const Caller& caller) {
  const std::string now = portal_time(b24::now_ms());
  return Value::map({{"ID", caller.user},
                     {"ACTIVE", true},
                     {"NAME", caller.name},
                     {"LAST_NAME", caller.last_name},
                     {"EMAIL", "user" + std::string(caller.user) + "@example.com"},
                     {"LAST_LOGIN", now},
                     {"DATE_REGISTER", "2024-07-22T00:00:00+00:00"},
                     {"IS_ONLINE", "Y"},
                     {"LAST_ACTIVITY_DATE", now},
                     {"PERSONAL_GENDER", ""},
                     {"PERSONAL_BIRTHDAY", ""},
                     {"WORK_POSITION", ""},
                     {"UF_EMPLOYMENT_DATE", ""},
                     {"UF_DEPARTMENT", Value::list({1})}});
}

Reply user_current(Portal&, const Caller& caller, const Value&) {
  return Reply::good(user_row(caller));
}

Reply user_get(Portal&, const Caller&, const Value& params) {
  const Value& filter = param(params, "filter");
  const Value& wanted = filter.is_array() ? filter["ID"] : param(params, "id");
  Reply reply = Reply::good(Value::array());
  for (const Caller& user : all_callers())
    if (wanted.is_null() || wanted.text() == user.user) reply.result.append(user_row(user));
  reply.total = static_cast<std::int64_t>(reply.result.size());
  return reply;
}

Reply server_time(Portal&, const Caller&, const Value&) {
  return Reply::good(portal_time(b24::now_ms()));
}

Reply scope(Portal&, const Caller& caller, const Value&) {
  Value scopes = Value::array();
  for (std::string_view scope : caller.scopes) scopes.append(scope);
  return Reply::good(std::move(scopes));
}

template <class Visit>
void for_each_method(Visit visit) {
  for (const auto table :
       {general_methods(), crm_methods(), item_methods(), task_methods(), timeline_methods()})
    for (const Method& method : table) visit(method);
}

Reply methods(Portal&, const Caller& caller, const Value& params) {
  const Value* wanted = params.find("scope");
  const bool full = params["full"].boolean();
  Value names = Value::array();
  for_each_method([&](const Method& method) {
    if (wanted != nullptr ? method.scope == wanted->text() : full || caller.has_scope(method.scope))
      names.append(method.name);
  });
  return Reply::good(std::move(names));
}

Reply method_get(Portal&, const Caller& caller, const Value& params) {
  const Method* method = find_method(param(params, "name").text());
  return Reply::good(
      Value::map({{"isExisting", method != nullptr},
                  {"isAvailable", method != nullptr && caller.has_scope(method->scope)}}));
}

constexpr Method kGeneralMethods[] = {
    {"batch", "", &server_time},  // listed here; the request runs it (batch.cpp)
    {"profile", "", &profile},         {"scope", "", &scope},
    {"methods", "", &methods},         {"method.get", "", &method_get},
    {"server.time", "", &server_time}, {"user.current", "user", &user_current},
    {"user.get", "user", &user_get},   {"app.info", "", nullptr},
    {"event.bind", "", nullptr},       {"event.unbind", "", nullptr},
    {"event.get", "", nullptr},        {"placement.bind", "", nullptr},
};

}  // namespace

std::span<const Method> general_methods() {
  return kGeneralMethods;
}

}  // namespace sandbox
