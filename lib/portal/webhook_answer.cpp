// webhook_answer: what an answer of the portal says, whatever bytes it is made of.
#include <string>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "portal/webhook.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr int kOk = 200;

// The portal's own words for an owner: one short line without secrets.
std::string in_one_line(std::string_view words) {
  constexpr std::size_t kMost = 200;
  // Cut well behind that before masking and at it after, so that no half of a secret escapes the
  // mask.
  const std::string masked = secret::mask(text::trim(words).substr(0, 20 * kMost));
  return text::for_log(masked, kMost);
}

CallError call_error(int status, std::string_view code, std::string_view words) {
  const ErrorMeaning& meaning = error_meaning(status, code, words);
  std::string cause(meaning.cause);
  if (const std::string said = in_one_line(words); !said.empty()) cause += " (\"" + said + "\")";
  return {{ErrorKind::portal, in_one_line(code), std::move(cause), std::string(meaning.remedy)},
          status,
          meaning.verdict,
          0};
}

// {"error": CODE, "error_description": WORDS}, or REST 3.0's {"error": {"code", "message",
// "validation": [{"field", "message"}]}}.
CallError refused(int status, const Value& error, const Value& description) {
  if (error.is_array()) {
    std::string words = error["message"].text();
    for (const Value::Member& fault : error["validation"].members())
      words += "; " + fault.value["field"].text() + ": " + fault.value["message"].text();
    return call_error(status, error["code"].text(), words);
  }
  return call_error(status, error.text(), description.text());
}

bool is_error(const Value* error) {
  return error != nullptr && !error->is_null();
}

Answer answer(Value result, const Value& time) {
  return {.result = std::move(result),
          .operating = time["operating"].real(),
          .operating_reset_at = millis_of(time["operating_reset_at"].real()) / 1000,
          .at = millis_of(time["finish"].real())};
}

}  // namespace

CallResult read_answer(int status, std::string_view body) {
  const Result<Value> document = json::parse(body);
  if (!document || !document->is_array())
    return std::unexpected(call_error(status, "not_json", body));
  const Value& root = *document;
  if (is_error(root.find("error")))
    return std::unexpected(refused(status, root["error"], root["error_description"]));
  const Value* result = root.find("result");
  if (status != kOk || result == nullptr)
    return std::unexpected(call_error(status, "no_result", body));
  return answer(*result, root["time"]);
}

std::vector<BatchResult> read_batch(const CallResult& whole, std::span<const Command> commands) {
  std::vector<BatchResult> results;
  for (const Command& command : commands) {
    const auto add = [&](CallResult outcome) {
      results.push_back({command.key, std::move(outcome)});
    };
    if (!whole) {
      add(std::unexpected(whole.error()));
      continue;
    }
    const Value& parts = whole->result;
    const Key key(command.key);
    if (const Value* error = parts["result_error"].find(key);
        error != nullptr && error->is_array()) {
      add(std::unexpected(refused(kOk, (*error)["error"], (*error)["error_description"])));
    } else if (const Value* result = parts["result"].find(key)) {
      add(answer(*result, parts["result_time"][key]));
    } else {
      add(std::unexpected(call_error(kOk, "no_result", "")));
    }
  }
  return results;
}

}  // namespace b24
