// lead_intake: see lead_intake.h.
#include "lead_intake.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/exec.h"
#include "base/secret.h"
#include "lead_sender.h"
#include "portal/webhook.h"

namespace b24 {
namespace {

constexpr Millis kEqualWithin = 60'000;
constexpr Millis kDay = 24 * 3'600'000;
constexpr int kLongestChain = 100;
constexpr Millis kShortestCall = 1'000;
constexpr std::size_t kIdLength = 26;

// What a child needs of the environment; a request's own variables must not reach it.
bool is_for_child(std::string_view variable) {
  constexpr std::array<std::string_view, 6> kPrefixes = {
      "B24HOOKS_", "C_REST_", "TZ=", "PATH=", "LANG=", "LC_"};
  return std::ranges::any_of(kPrefixes,
                             [&](std::string_view prefix) { return variable.starts_with(prefix); });
}

std::string own_program() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string chain_id(const std::string& fingerprint, Millis day, int place) {
  const std::string text = fingerprint + "\n" + std::to_string(day) + "\n" + std::to_string(place);
  return secret::hex(secret::sha256(text)).substr(0, kIdLength);
}

struct ChainEnd {
  std::string last;        // id of the last equal submission; empty: there is none
  Millis received_at = 0;  // of it
  std::string next;        // the id that the next one gets
};

// Equal submissions of one day form a chain of ids that each can work out; the store decides which
// of two that come at once is the first. Somebody who sends the same a hundred times a day is not
// double-clicking.
Result<ChainEnd> find_chain_end(Store& store, const std::string& fingerprint, Millis day) {
  ChainEnd end;
  for (int place = 0; place < kLongestChain; ++place) {
    end.next = chain_id(fingerprint, day, place);
    Result<std::optional<Item>> item = store.find(Kind::lead, end.next);
    if (!item) return std::unexpected(item.error());
    if (!*item) return end;
    end.last = end.next;
    end.received_at = (*item)->received_at;
  }
  end.next = secret::new_id();
  return end;
}

// The bucket may be full for a moment.
template <class Call>
std::invoke_result_t<Call> when_let_in(Millis deadline, Call call) {
  for (;;) {
    auto outcome = call();
    const bool held_back = !outcome && outcome.error().error.code == "gate";
    if (!held_back || outcome.error().retry_at >= deadline) return outcome;
    const Millis wait = std::max<Millis>(outcome.error().retry_at - now_ms(), 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
  }
}

TakenLead from_item(const Item& item) {
  TakenLead taken{LeadState::accepted, item.id, item.result, {}};
  if (item.state == State::done) taken.state = LeadState::saved;
  if (item.state == State::failed) {
    taken.state = LeadState::rejected;
    taken.error = {ErrorKind::portal, item.error_code, item.error_text, ""};
  }
  return taken;
}

}  // namespace

Result<std::string> id_of_equal(Store& store, const std::string& fingerprint, Millis now) {
  const Millis day = now / kDay;
  if (now - day * kDay < kEqualWithin) {
    Result<ChainEnd> yesterday = find_chain_end(store, fingerprint, day - 1);
    if (!yesterday) return std::unexpected(yesterday.error());
    if (!yesterday->last.empty() && now - yesterday->received_at < kEqualWithin) {
      return yesterday->last;
    }
  }
  Result<ChainEnd> today = find_chain_end(store, fingerprint, day);
  if (!today) return std::unexpected(today.error());
  const bool repeated = !today->last.empty() && now - today->received_at < kEqualWithin;
  return repeated ? today->last : today->next;
}

TakenLead LeadIntake::take(const App& app, const NewItem& lead) {
  const Millis begun = now_ms();
  Result<std::shared_ptr<Store>> store = stores_.current();
  if (!store) return send_directly(app, lead, store.error(), begun);
  Result<Accepted> accepted = (*store)->accept(lead);
  if (!accepted) return send_directly(app, lead, accepted.error(), begun);
  return deliver(app, lead, *accepted, begun);
}

TakenLead LeadIntake::take_equal_once(const App& app, const std::string& fingerprint,
                                      const MakeLead& with_id) {
  Result<std::shared_ptr<Store>> store = stores_.current();
  if (!store) return take(app, with_id(secret::new_id()));
  Result<std::string> id = id_of_equal(**store, fingerprint, now_ms());
  return take(app, with_id(id.value_or(secret::new_id())));
}

TakenLead LeadIntake::deliver(const App& app, const NewItem& lead, const Accepted& accepted,
                              Millis begun) {
  TakenLead taken{LeadState::accepted, lead.id, "", {}};
  if (accepted.state == State::pending) wake(app);
  Result<std::shared_ptr<Gate>> gate = gates_.current();
  // Nobody waits for what cannot come: a portal that is down, or that no setting names.
  const bool down =
      (gate && (*gate)->is_open()) || Webhook::url_fault(app.settings->crest.web_hook_url);
  const Millis limit = down ? 0 : app.settings->form.wait - (now_ms() - begun);
  Result<std::optional<Item>> item = delivery_.wait(accepted.number, std::max<Millis>(limit, 0));
  if (!item) {
    app.log->error("lead", item.error());
    return taken;
  }
  return *item ? from_item(**item) : taken;
}

// The disk is full or broken: better in the portal at once than not at all. An earlier try of the
// same submission may have got there, so it is looked up first.
TakenLead LeadIntake::send_directly(const App& app, const NewItem& lead, const Error& not_stored,
                                    Millis begun) {
  app.log->error("store", not_stored);
  auto settings = std::make_shared<Settings>(*app.settings);
  const Millis left = settings->form.wait - (now_ms() - begun);
  settings->call.total_time = std::max(left / 2, kShortestCall);
  settings->call.connect_time = std::min(settings->call.connect_time, settings->call.total_time);
  LeadSender sender(settings, gates_.current().value_or(nullptr));
  Item item;
  item.payload = lead.payload;

  const Millis deadline = begun + settings->form.wait;
  auto number = when_let_in(deadline, [&] { return sender.look_up({&item}).front(); });
  if (number && number->empty()) {
    number = when_let_in(deadline, [&] { return sender.send({&item}).front(); });
  }
  if (number) return {LeadState::saved, lead.id, *number, {}};
  app.log->error("lead", number.error().error);
  return {LeadState::lost, lead.id, "", number.error().error};
}

// A CGI process ends with its answer, so another one delivers.
void LeadIntake::wake(const App& app) {
  if (launch_.mode != Mode::cgi) return delivery_.wake();
  std::vector<std::string> arguments = {own_program(), "--deliver"};
  if (!launch_.settings_file.empty()) {
    arguments.emplace_back("--settings");
    arguments.push_back(launch_.settings_file);
  }
  std::vector<std::string> environment;
  for (const char* const* variable = launch_.environment; variable && *variable; ++variable) {
    if (is_for_child(*variable)) environment.emplace_back(*variable);
  }
  if (Status started = start_detached(arguments, environment); !started) {
    app.log->error("delivery", started.error());
  }
}

}  // namespace b24
