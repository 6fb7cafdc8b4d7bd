// desk_act: what can be done at the desk. Each action is a verb of the store (keep/store.h), as the
// shell's commands are; the programs then do the work as ever.
#include <algorithm>

#include "access.h"
#include "base/address.h"
#include "check_output.h"
#include "desk.h"
#include "keep/erase.h"
#include "test_lead.h"
#include "value/json.h"

namespace b24::desk {
namespace {

struct Wanted;
using Run = Result<std::int64_t> (*)(const Visit& visit, const Wanted& wanted);

struct Action {
  std::string_view name;
  std::optional<Kind> kind;  // whose; none: of both
  Run run;
  bool is_of_one = true;        // item; else of all
  bool is_work = true;          // the programs have something to do then
  std::string_view place = {};  // where one goes then, when not to the item or its list
};

struct Wanted {
  const Action* action;
  Kind kind;
  Item item;  // of an action on one
};

Result<std::int64_t> counted(const Status& done) {
  return done ? Result<std::int64_t>(1) : std::unexpected(done.error());
}

// A verb of the store, on the item.
template <Status (Store::*verb)(std::int64_t)>
Result<std::int64_t> one(const Visit& visit, const Wanted& wanted) {
  return counted((visit.store.*verb)(wanted.item.number));
}

Result<std::int64_t> all(const Visit& visit, const Wanted& wanted) {
  return visit.store.retry_all(wanted.kind, "", 0);
}

Result<std::int64_t> erase(const Visit& visit, const Wanted& wanted) {
  return counted(erase_item(visit.settings(), visit.store, wanted.item));
}

Result<std::int64_t> again_all(const Visit& visit, const Wanted& wanted) {
  const Value& post = visit.request.post;
  const auto since = read_since(post["since"].text(), Zone::local);
  if (!since || *since <= 0) {
    return std::unexpected(
        Error{ErrorKind::input, "bad_since", "since: no time", "2026-11-24T06:00, 15m, 2h or 3d"});
  }
  return visit.store.replay_all(wanted.kind, post["event"].text(), *since);
}

// At once, also where the programs would only look around some seconds later. The gate is asked at
// once, too: the owner has mended something.
void begin_work(const Visit& visit, Kind kind) {
  if (const auto gate = visit.gates.current()) (*gate)->reopen();
  const Status begun = start_worker(visit.launch, kind);
  if (!begun) visit.app.log->error("desk", begun.error());
}

Result<std::int64_t> test_lead(const Visit& visit, const Wanted&) {
  const Result<std::string> id = send_test_lead(visit.settings());
  if (!id) return std::unexpected(id.error());
  begin_work(visit, Kind::lead);
  const auto lead = wait_for_test_lead(visit.store, *id);
  return lead ? Result<std::int64_t>(1) : std::unexpected(lead.error());
}

Result<std::int64_t> clean_up(const Visit& visit, const Wanted&) {
  return clean_up_test_leads(visit.settings(), visit.store, visit.gates);
}

constexpr Action kActions[] = {
    {"send", Kind::lead, one<&Store::retry_now>},
    {"not_spam", Kind::lead, one<&Store::retry_now>},
    {"spam", Kind::lead, one<&Store::set_aside>, true, false},
    {"rest", Kind::event, one<&Store::retry_now>},
    {"again", Kind::event, one<&Store::replay>},
    {"delete", std::nullopt, erase, true, false},
    {"send_all", Kind::lead, all, false},
    {"rest_all", Kind::event, all, false},
    {"again_all", Kind::event, again_all, false},
    {"test_lead", Kind::lead, test_lead, false, false, "try"},
    {"test_event", Kind::event, nullptr, false, false, "try"},
    {"clean_up", Kind::lead, clean_up, false, false, "try"},
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
  const bool is_gone = !wanted.action->is_of_one || (done && action == "delete");
  std::string where = std::string(name(wanted.kind)) + (is_gone ? "s" : "");
  if (!wanted.action->place.empty()) where = wanted.action->place;
  const std::int64_t number = is_gone ? 0 : wanted.item.number;
  const std::string outcome = done ? std::string(action) : done.error().code;
  return go_to(address({{"desk", where}, {"number", number}, {done ? "done" : "failed", outcome}}));
}

// What it found is the answer, and nothing to come back to.
Answer answer_test_event(const Visit& visit, const Wanted& wanted) {
  const check::Report report = visit.try_event();
  note(visit, wanted.action->name, &wanted, check::name(report.verdict()));
  Value found = check::json_form(report, &visit.templates, visit.language);
  if (is_program(visit)) return json_answer(found);
  found.set("checks", with_blocks(found["checks"]));
  return show_try(visit, found);
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
  if (!action->is_of_one) return wanted;
  auto item = visit.store.find(post["number"].integer());
  if (!item) return std::unexpected(refusal_of(visit, item.error()));
  if (!*item || (*item)->kind != wanted.kind) {
    return std::unexpected(Refusal{404, "no_such_item"});
  }
  wanted.item = std::move(**item);
  return wanted;
}

}  // namespace

Status start_worker(const Launch& launch, Kind kind) {
  const bool is_lead = kind == Kind::lead;
  return start_program(launch, program().parent_path() / (is_lead ? "index.fcgi" : "handler.fcgi"),
                       is_lead ? "--deliver" : "--work");
}

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
  if (wanted->action->run == nullptr) return answer_test_event(visit, *wanted);
  const Result<std::int64_t> done = wanted->action->run(visit, *wanted);
  note(visit, action, &*wanted, done ? std::string_view("done") : done.error().code);
  if (!done && done.error().kind != ErrorKind::input) visit.app.log->error("desk", done.error());
  if (!done && done.error().kind == ErrorKind::storage) {
    return std::unexpected(refusal_of(visit, done.error()));
  }
  if (done && wanted->action->is_work) begin_work(visit, wanted->kind);
  return told(visit, *wanted, done);
}

}  // namespace b24::desk
