// desk_act: what can be done at the desk. Each action is a verb of the store (keep/store.h), as the
// shell's commands are; the programs then do the work as ever.
#include <algorithm>

#include "access.h"
#include "base/address.h"
#include "desk.h"
#include "value/json.h"

namespace b24::desk {
namespace {

struct Action {
  std::string_view name;
  std::optional<Kind> kind;                 // whose; none: of both
  Status (Store::*one)(std::int64_t) = {};  // null: all that failed or wait
  bool is_work = true;                      // the programs have something to do then
};
constexpr Action kActions[] = {
    {"send", Kind::lead, &Store::retry_now},
    {"not_spam", Kind::lead, &Store::retry_now},
    {"spam", Kind::lead, &Store::set_aside, false},
    {"rest", Kind::event, &Store::retry_now},
    {"again", Kind::event, &Store::replay},
    {"delete", std::nullopt, &Store::erase, false},
    {"send_all", Kind::lead},
    {"rest_all", Kind::event},
};

struct Wanted {
  const Action* action;
  Kind kind;
  Item item;  // of an action on one
};

// A program that gives the key itself is told in JSON.
bool is_program(const Visit& visit) {
  return !visit.request.key_header.empty() || visit.request.accepts_json();
}

void note(const Visit& visit, std::string_view action, const Wanted* wanted,
          std::string_view outcome) {
  Value line = Value::map({{"action", action}});
  if (wanted != nullptr) {
    line.set("kind", name(wanted->kind));
    line.set("item", wanted->item.id);
  }
  line.set("outcome", outcome);
  line.set("address", visit.request.client(visit.settings().server.trusted_proxies));
  visit.app.log->write(Log::Level::info, "desk", line);
}

// At once, also where the programs would only look around some seconds later. The gate is asked at
// once, too: the owner has mended something.
void begin_work(const Visit& visit, Kind kind) {
  if (visit.gate != nullptr) visit.gate->reopen();
  const bool is_lead = kind == Kind::lead;
  const auto file = program().parent_path() / (is_lead ? "index.fcgi" : "handler.fcgi");
  const Status begun = start_program(visit.launch, file, is_lead ? "--deliver" : "--work");
  if (!begun) visit.app.log->error("desk", begun.error());
}

Result<std::int64_t> run(const Visit& visit, const Wanted& wanted) {
  if (wanted.action->one == nullptr) return visit.store.retry_all(wanted.kind, "", 0);
  const Status done = (visit.store.*wanted.action->one)(wanted.item.number);
  return done ? Result<std::int64_t>(1) : std::unexpected(done.error());
}

Response go_to(const std::string& where) {
  Response response = text_response(303, "");
  response.set("Location", where);
  return response;
}

Response told(const Visit& visit, const Wanted& wanted, const Result<std::int64_t>& done) {
  const std::string_view action = wanted.action->name;
  if (is_program(visit)) {
    Value result = Value::map({{"status", done ? "done" : "error"}});
    if (done) {
      result.set("changed", *done);
    } else {
      result.set("code", done.error().code);
      result.set("message", done.error().cause);
    }
    Response response = json_answer(result);
    if (!done) response.status = 409;
    return response;
  }
  const bool is_gone = wanted.action->one == nullptr || (done && action == "delete");
  const std::string where = std::string(name(wanted.kind)) + (is_gone ? "s" : "");
  const std::int64_t number = is_gone ? 0 : wanted.item.number;
  const std::string outcome = done ? std::string(action) : done.error().code;
  return go_to(address({{"desk", where}, {"number", number}, {done ? "done" : "failed", outcome}}));
}

// Which action on what, once everything about it is as it should be.
std::expected<Wanted, Refusal> read_action(const Visit& visit) {
  const Value& post = visit.request.post;
  const std::string kind_name = post["kind"].text();
  const std::string action_name = post["do"].text();
  const auto* action = std::ranges::find(kActions, action_name, &Action::name);
  if (action == std::end(kActions) || (kind_name != "lead" && kind_name != "event")) {
    return std::unexpected(Refusal{400, "bad_request"});
  }
  Wanted wanted{action, kind_name == "lead" ? Kind::lead : Kind::event, {}};
  if (action->kind && *action->kind != wanted.kind) {
    return std::unexpected(Refusal{400, "bad_request"});
  }
  if (action->one == nullptr) return wanted;
  auto item = visit.store.find(post["number"].integer());
  if (!item) return std::unexpected(refusal_of(visit, item.error()));
  if (!*item || (*item)->kind != wanted.kind) {
    return std::unexpected(Refusal{404, "no_such_item"});
  }
  wanted.item = std::move(**item);
  return wanted;
}

}  // namespace

Answer act(const Visit& visit) {
  const Request& request = visit.request;
  if (!request.is_post()) return std::unexpected(Refusal{405, "wrong_method"});
  const std::string action = request.post["do"].text();
  const std::string what = action + " " + request.post["kind"].text() + " " +
                           std::to_string(request.post["number"].integer());
  if (!visit.may_act() && action != "leave") return std::unexpected(Refusal{403, "only_a_look"});
  if (!access::may_act(request, visit.settings(), what, request.post["token"].text())) {
    note(visit, "refused", nullptr, "wrong_form");
    return std::unexpected(Refusal{403, "wrong_form"});
  }
  if (action == "leave") {
    note(visit, action, nullptr, "done");
    return go_to("?").set("Set-Cookie", access::end_of_cookie(request, visit.settings()));
  }
  const auto wanted = read_action(visit);
  if (!wanted) return std::unexpected(wanted.error());
  const Result<std::int64_t> done = run(visit, *wanted);
  note(visit, action, &*wanted, done ? std::string_view("done") : done.error().code);
  if (!done && done.error().kind == ErrorKind::storage) {
    return std::unexpected(refusal_of(visit, done.error()));
  }
  if (done && wanted->action->is_work) begin_work(visit, wanted->kind);
  return told(visit, *wanted, done);
}

}  // namespace b24::desk
