// batch: many commands in one request, later ones using the results of earlier ones.
#include <algorithm>

#include "base/text.h"
#include "portal.h"
#include "value/php.h"

namespace sandbox {

namespace {

constexpr std::size_t kMostCommands = 50;
constexpr std::string_view kReference = "$result[";

struct Command {
  std::string method;
  Value params = Value::array();
};

Command parse_command(const std::string& text) {
  const std::size_t mark = text.find('?');
  Command command{std::string(b24::text::trim(text.substr(0, mark)))};
  if (mark != std::string::npos)
    if (auto params = b24::php::parse_query(text.substr(mark + 1), {10'000, 64}))
      command.params = std::move(*params);
  return command;
}

// The value that a reference at the front of `text` ("$result[a][0][ID]...") names; `length`
// becomes the reference's.
const Value& referenced(std::string_view text, const Value& results, std::size_t& length) {
  const Value* value = &results;
  length = kReference.size() - 1;
  while (length < text.size() && text[length] == '[') {
    const std::size_t end = text.find(']', length);
    if (end == std::string_view::npos) break;
    value = &(*value)[b24::Key(text.substr(length + 1, end - length - 1))];
    length = end + 1;
  }
  return *value;
}

Value substitute(const std::string& text, const Value& results) {
  std::string made;
  std::size_t at = 0;
  while (true) {
    const std::size_t found = text.find(kReference, at);
    made += text.substr(at, found == std::string::npos ? found : found - at);
    if (found == std::string::npos) return made;
    std::size_t length = 0;
    const Value& value = referenced(std::string_view(text).substr(found), results, length);
    if (found == 0 && length == text.size()) return value;  // the whole: it may be an array
    made += value.text();
    at = found + length;
  }
}

void substitute_all(Value& params, const Value& results) {
  const Value before = params;
  for (const Value::Member& member : before.members()) {
    Value& value = params[member.key];
    if (value.is_array())
      substitute_all(value, results);
    else if (value.is_string())
      value = substitute(member.value.string(), results);
  }
}

struct Results {
  Value result = Value::array(), error = Value::array(), total = Value::array(),
        next = Value::array(), time = Value::array();

  void put(const b24::Key& key, const Executed& executed) {
    const Reply& reply = executed.reply;
    if (reply.failed) {
      error.set(key, answer_document(executed));
      return;
    }
    result.set(key, reply.result);
    if (reply.total >= 0) total.set(key, reply.total);
    if (reply.next >= 0) next.set(key, reply.next);
    time.set(key, executed.time);
  }
};

Executed run_command(Portal& portal, const Caller& caller, Command command, const Value& results) {
  if (command.method == "batch")
    return {
        Reply::fail(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage"),
        Value()};
  substitute_all(command.params, results);
  return execute(portal, caller, command.method, find_method(command.method), command.params);
}

}  // namespace

std::vector<std::string> batch_methods(const Value& params) {
  std::vector<std::string> methods;
  for (const auto& member : param(params, "cmd").members())
    methods.push_back(parse_command(member.value.text()).method);
  return methods;
}

Executed execute_batch(Portal& portal, const Caller& caller, const Value& params) {
  const bool halt = param(params, "halt").boolean();
  const double start = seconds_now();
  Results results;
  std::size_t count = 0;
  for (const auto& [key, text] : param(params, "cmd").members()) {
    const Executed executed =
        ++count > kMostCommands
            ? Executed{Reply::fail(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded"),
                       Value()}
            : run_command(portal, caller, parse_command(text.text()), results.result);
    results.put(key, executed);
    if (executed.reply.failed && halt) break;
  }
  return {Reply::good(Value::map({{"result", results.result},
                                  {"result_error", results.error},
                                  {"result_total", results.total},
                                  {"result_next", results.next},
                                  {"result_time", results.time}})),
          time_since(start)};
}

}  // namespace sandbox
