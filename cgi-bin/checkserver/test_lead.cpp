// test_lead: see test_lead.h.
#include "test_lead.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/secret.h"
#include "base/text.h"
#include "keep/erase.h"
#include "keep/journal.h"
#include "settings/form.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr Millis kPatience = 5'000;
constexpr std::chrono::milliseconds kPoll{50};
constexpr std::size_t kMost = 100;

// Numbers and addresses that are nobody's.
constexpr std::pair<FieldType, const char*> kSamples[] = {{FieldType::email, "test@example.com"},
                                                          {FieldType::phone, "+1 202 555 0100"},
                                                          {FieldType::date, "2026-12-31"},
                                                          {FieldType::money, "1"},
                                                          {FieldType::file, ""},
                                                          {FieldType::text, "Test"},
                                                          {FieldType::textarea, "Test"}};

std::string sample(const Field& field) {
  if (field.type == FieldType::select)
    return field.choices.empty() ? "" : field.choices.front().value;
  const auto* known =
      std::ranges::find(kSamples, field.type, [](auto& each) { return each.first; });
  if (known == std::end(kSamples)) return field.value;
  // What a field of the owner's own takes nobody knows here.
  const bool is_any_text = field.type == FieldType::text || field.type == FieldType::textarea;
  return is_any_text && field.target.starts_with("UF_") ? "" : known->second;
}

bool is_gone(const CallError& error) {
  return error.status == 400 && text::lower(error.error.cause).contains("not found");
}

Status delete_in_portal(const Settings& settings, GateSource& gates, const Item& item) {
  const std::string portal = item.payload["portal"].text();
  const auto gate = gates.current(portal);
  if (!gate) return std::unexpected(gate.error());
  Webhook webhook(settings, gate->get(), portal);
  const bool is_item = item.payload["method"].text() == "crm.item.add";
  Value params = Value::map({{"id", item.result}});
  if (is_item) params.set("entityTypeId", item.payload.path("params.entityTypeId"));
  const auto done = webhook.call(is_item ? "crm.item.delete" : "crm.lead.delete", params);
  if (done || is_gone(done.error())) return {};
  return std::unexpected(done.error().error);
}

Result<std::vector<Item>> test_leads(Store& store, std::size_t most) {
  ListFilter filter;
  filter.kind = Kind::lead;
  filter.name = kTestLead;
  filter.limit = most;
  return store.list(filter);
}

}  // namespace

Result<std::string> send_test_lead(const Settings& settings) {
  const Result<Form> form = make_form(settings);
  if (!form) return std::unexpected(form.error());
  Value posted = Value::array();
  for (const Field& field : form->fields) posted.set(field.name, sample(field));
  Record record;
  record.id = secret::new_id();
  record.key = std::string(kTestLead) + "-" + record.id;
  record.at = now_ms();
  record.content_type = "application/x-www-form-urlencoded";
  record.body = php::build_query(posted);
  const std::string encoded = encode(record);
  const Status kept = Journal(settings.data.dir, "", Kind::lead).append({&encoded, 1});
  if (!kept) return std::unexpected(kept.error());
  return record.key;
}

Result<std::optional<Item>> wait_for_test_lead(Store& store, const std::string& id) {
  for (const Millis deadline = steady_ms() + kPatience;; std::this_thread::sleep_for(kPoll)) {
    auto item = store.find(Kind::lead, id);
    const bool is_over = item && *item && (*item)->state != State::pending;
    if (!item || is_over || steady_ms() > deadline) return item;
  }
}

Result<std::optional<Item>> newest_test_lead(Store& store) {
  auto newest = test_leads(store, 1);
  if (!newest) return std::unexpected(newest.error());
  if (newest->empty()) return std::nullopt;
  return std::move(newest->front());
}

Result<std::int64_t> clean_up_test_leads(const Settings& settings, Store& store,
                                         GateSource& gates) {
  const auto leads = test_leads(store, kMost);
  if (!leads) return std::unexpected(leads.error());
  std::int64_t gone = 0;
  for (const Item& lead : *leads) {
    if (lead.state == State::pending || (lead.unsure && lead.result.empty())) continue;
    Status done = lead.result.empty() ? Status() : delete_in_portal(settings, gates, lead);
    if (done) done = erase_item(settings, store, lead);
    if (!done) return std::unexpected(done.error());
    ++gone;
  }
  if (gone > 0) return gone;
  if (leads->empty()) {
    return std::unexpected(
        Error{ErrorKind::input, "no_such_item", "there is no test lead", "send one first"});
  }
  return std::unexpected(
      Error{ErrorKind::input, "in_work",
            "the test lead is still on its way, or nobody knows whether it got there",
            "try again when it is in the portal; one that failed can be sent again, or deleted, on "
            "its own page"});
}

}  // namespace b24
