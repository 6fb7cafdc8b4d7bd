// lead_intake: see lead_intake.h.
#include "lead_intake.h"

#include <algorithm>
#include <thread>

#include "base/secret.h"
#include "lead.h"
#include "lead_sender.h"
#include "web/server.h"

namespace b24 {
namespace {

constexpr Millis kEqualWithin = 60'000;
constexpr int kLongestChain = 100;
constexpr Millis kPatience = 1'000;  // with another process that fills the store

TakenLead from_item(const Item& item) {
  TakenLead taken{LeadState::accepted, item.id, item.result, {}};
  if (item.state == State::done || item.state == State::spam) taken.state = LeadState::saved;
  if (item.state == State::failed) {
    taken.state = LeadState::rejected;
    taken.error = {ErrorKind::portal, item.error_code, item.error_text, ""};
  }
  return taken;
}

}  // namespace

// Equal submissions of one day form a chain of ids that each can work out; the store decides which
// of two that come at once is the first. Somebody who sends the same a hundred times a day is not
// double-clicking.
Result<std::string> id_of_equal(Store& store, const std::string& fingerprint, Millis now) {
  for (Millis day = (now - kEqualWithin) / kDay; day <= now / kDay; ++day) {
    for (int place = 0; place < kLongestChain; ++place) {
      std::string id =
          content_id(fingerprint + "\n" + std::to_string(day) + "\n" + std::to_string(place));
      const Result<std::optional<Item>> item = store.find(Kind::lead, id);
      if (!item) return std::unexpected(item.error());
      if (*item && now - (*item)->received_at < kEqualWithin) return id;
      if (*item) continue;
      if (day == now / kDay) return id;
      break;
    }
  }
  return secret::new_id();
}

LeadIntake::LeadIntake(AppSource& app, StoreSource& stores, GateSource& gates, FormSource& forms,
                       const Launch& launch)
    : stores_(stores),
      launch_(launch),
      ingester_(app, stores, Kind::lead,
                [&forms](const App& now, const Record& record, bool) -> Result<NewItem> {
                  const Result<std::shared_ptr<const Forms>> known = forms.current(now);
                  if (!known) return std::unexpected(known.error());
                  return make_lead(**known, record, *now.settings);
                }),
      delivery_(app, stores, gates, forms) {}

TakenLead LeadIntake::take(const App& app, const Record& record, Millis wait) {
  const Millis begun = steady_ms();
  TakenLead taken{LeadState::accepted, record.key, "", {}};
  const std::string encoded = encode(record);
  if (const Status kept = ingester_.journal(app)->append({&encoded, 1}); !kept) {
    app.log->error("journal", kept.error());
    return {LeadState::lost, record.key, "", kept.error()};
  }
  if (const Status sure = ingester_.confirm(app); !sure) {
    app.log->error_bounded("lead", sure.error());
    return {LeadState::lost, record.key, "", sure.error()};
  }
  const bool is_filled = !app.settings->data.store.empty();  // as far as it could be
  if (const Result<int> filled = is_filled ? 0 : ingester_.run(kPatience); !filled) {
    app.log->error("ingest", filled.error());
    return taken;
  }
  const Millis left = wait - (steady_ms() - begun);
  const Waiting for_portal;
  const auto item = delivery_.wait(record.key, std::max<Millis>(left, 0), [&] { wake(app); });
  if (!item) app.log->error("lead", item.error());
  return item && *item ? from_item(**item) : taken;
}

std::string LeadIntake::key_of_equal(const std::string& fingerprint) {
  const Result<std::shared_ptr<Store>> store = stores_.current();
  if (!store) return secret::new_id();
  return id_of_equal(**store, fingerprint, now_ms()).value_or(secret::new_id());
}

void LeadIntake::work(std::stop_token stop) {
  std::jthread ingestion([this](const std::stop_token& own) {
    ingester_.work(own, [this](int taken) { delivery_.ingested(taken); });
  });
  // It ends also when the other cannot start, so that both are tried again.
  const std::stop_callback end(stop, [&] { ingestion.request_stop(); });
  delivery_.work(stop);
}

Result<int> LeadIntake::work_due(Millis time_limit) {
  return delivery_.deliver_due(time_limit, [this]() -> Status {
    const Result<int> taken = ingester_.run(kPatience);
    return taken ? Status() : std::unexpected(taken.error());
  });
}

// A CGI process ends with its answer, so another one delivers.
void LeadIntake::wake(const App& app) {
  if (launch_.mode != Mode::cgi) return delivery_.wake();
  if (Status started = start_program(launch_, program(), "--deliver"); !started) {
    app.log->error("delivery", started.error());
  }
}

}  // namespace b24
