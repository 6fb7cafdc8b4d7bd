// form_answer: see form_answer.h.
#include "form_answer.h"

#include "value/json.h"

namespace b24 {

Response json_answer(const Ending& ending, const Value& errors, const std::string& success_url) {
  Value body = Value::map({{"status", ending.name}});
  if (!ending.id.empty()) body.set("id", ending.id);
  if (!ending.lead_id.empty()) body.set("lead_id", ending.lead_id);
  if (!ending.notice.text.empty()) body.set("message", ending.notice.text);
  if (errors.size() > 0) body.set("errors", errors);
  body.set("token", ending.next_token.empty() ? ending.token : ending.next_token);
  if (ending.name == "saved" && !success_url.empty()) body.set("redirect", success_url);
  return text_response(ending.status, json::print(body) + "\n", "application/json; charset=utf-8");
}

Response tilda_answer(const Ending& ending) {
  if (ending.status < 300) return text_response(200, "ok\n");
  return text_response(ending.status, ending.notice.text + "\n");
}

}  // namespace b24
