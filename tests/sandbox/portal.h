// portal: the state of the account, who may call it, and the table of its methods.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "entities.h"
#include "events.h"
#include "faults.h"
#include "limits.h"
#include "value/value.h"

namespace sandbox {

// An inbound webhook.
struct Caller {
  std::string_view user;
  std::string_view secret;
  std::string_view name, last_name;
  bool admin;
  std::span<const std::string_view> scopes;

  bool has_scope(std::string_view scope) const;
};
std::span<const Caller> all_callers();
const Caller* find_caller(std::string_view user, std::string_view secret);  // nullptr: nobody

// What a method answers.
struct Reply {
  int status = 200;
  Value result;             // of a refusal by REST 3.0: its `validation`
  std::int64_t total = -1;  // of a list
  std::int64_t next = -1;
  bool failed = false;
  std::string error, description;

  static Reply good(Value result);
  static Reply fail(int status, std::string_view error, std::string_view description);
};

// One line of the log of calls.
struct LoggedCall {
  std::int64_t number = 0;
  std::string method;
  Value params;
  Millis at = 0, took = 0;
  int status = 0;
  std::string error, fault, source, user;
  bool rest3 = false;
  std::vector<std::string> commands;  // methods inside a batch
};

// Everything that the sandbox knows. One thread at a time (the page holds its mutex), but for
// `events`.
struct Portal {
  Portal(const LimitOptions& limit_options, Target target);

  Records records;
  Limits limits;
  Faults faults;
  Events events;
  std::vector<Value> comments, traces, departments;
  struct Done {
    std::string asked;
    Reply reply;
  };
  std::map<std::string, Done> idempotent;  // by Idempotency-Key
  std::deque<LoggedCall> calls;
  std::int64_t last_call = 0;
  Millis list_delay = 0;  // how long the list methods do not see a new entity

  // As after the start: two deals that nobody made, nothing else. Where events go stays.
  void reset(const LimitOptions& limit_options);
  void log(LoggedCall call);
  // Adds the event that a change of an entity causes: "ADD", "UPDATE", "DELETE".
  void changed(Kind kind, std::int64_t id, std::string_view what);
};

using MethodFunction = Reply (*)(Portal&, const Caller&, const Value& params);
struct Method {
  std::string_view name;
  std::string_view scope;  // empty: every webhook may call it
  MethodFunction run;      // null: only an application may call it
};
std::span<const Method> general_methods();
std::span<const Method> crm_methods();       // crm.lead.*, crm.deal.*, ...
std::span<const Method> item_methods();      // crm.item.*
std::span<const Method> task_methods();      // tasks.task.*
std::span<const Method> timeline_methods();  // comments, traces
const Method* find_method(std::string_view name);

// Runs one method with its `time` (no bucket: that is counted once for a request).
struct Executed {
  Reply reply;
  Value time;
  bool replayed = false;  // of REST 3.0: from memory, by its key
};
// `found`: the method of that name, null when there is none.
Executed execute(Portal& portal, const Caller& caller, const std::string& method,
                 const Method* found, const Value& params);
struct Rest3Call {
  std::string method;
  std::optional<Value> params;  // nothing: it was no JSON
  std::string key;              // Idempotency-Key
};
Executed execute_rest3(Portal& portal, const Caller& caller, const Rest3Call& call);
Executed execute_batch(Portal& portal, const Caller& caller, const Value& params);
// The methods inside a batch's commands, in order.
std::vector<std::string> batch_methods(const Value& params);
// {"result":...,"total":...,"time":{...}} or {"error":...}
Value answer_document(const Executed& executed);
// The same, or {"error":{"code":...,"message":...}}
Value rest3_document(const Executed& executed);
// The `time` of an answer to a request that began at `start` (seconds since 1970).
double seconds_now();
Value time_since(double start);

// A parameter whose name the portal takes in either case: "id" or "ID".
const Value& param(const Value& params, std::string_view lower);
inline constexpr std::int64_t kPageSize = 50;

}  // namespace sandbox
