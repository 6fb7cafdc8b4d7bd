// power_cut_tests: the power goes at any moment: what was answered is there afterwards, once.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "decorators.h"
#include "event_fixture.h"
#include "form_client.h"
#include "handler/event.h"
#include "keep/ingest.h"
#include "power_cut.h"
#include "site.h"

using namespace b24;
using namespace b24::test;

namespace power_cut_tests {

using Call = DiskCall::Kind;
constexpr int kEvents = 12, kLeads = 6;

// What receivers did to the disk that took events 1 to kEvents, one after the other; nothing where
// strace is not allowed.
std::vector<DiskCall> recorded() {
  const EventSettings settings;
  const std::vector<std::string> environment{"B24HOOKS_SETTINGS=" + settings.file()};
  const TempDir traces;
  std::vector<DiskCall> calls;
  for (int id = 1; id <= kEvents; ++id) {
    const Value params = event_params("ONX", std::to_string(id));
    test::Command call = cgi_call(environment, "POST", php::build_query(params));
    std::vector<std::string> args = traced(traces / "trace");
    args.push_back(call.args[0]);
    call.args = std::move(args);
    if (run(call, kDeadline * 3).status != 0) return {};
    std::ranges::move(read_trace(traces / "trace", settings.dir.path()), std::back_inserter(calls));
  }
  return calls;
}

// A receiver that begins on what is left.
struct Rest {
  EventSettings settings;

  // How often each event is in the store, once all that the journal has is taken in and one more
  // has come, number 0.
  std::map<std::string, int> stored() {
    AppSource source(settings.launch(), "handler");
    StoreSource stores(source);
    Ingester ingester(source, stores, Kind::event, event_of, event_followers);
    const std::string one = encode(record_of(event_params("ONX", "0"), now_ms()));
    good(ingester.journal(good(source.current()))->append({&one, 1}));
    BOOST_TEST(wait_until([&] { return ingester.run(kMinute).has_value(); }));
    std::map<std::string, int> counts;
    for (const Item& item : all_events(*good(stores.current())))
      ++counts[item.payload.path("data.FIELDS.ID").text()];
    return counts;
  }
  bool was_begun_anew() const {
    for (const auto& entry : std::filesystem::directory_iterator(settings.data()))
      if (entry.path().filename().string().starts_with("store-")) return true;
    return false;
  }
};

// What the form did to the disk that took some visitors, one after the other.
struct Leads {
  std::vector<DiskCall> calls;  // empty where strace is not allowed
  std::vector<std::string> ids;
  std::vector<Value> sent;           // as the portal has them
  std::vector<std::size_t> sent_at;  // of `calls`

  explicit Leads(const Site& site) {
    CgiForm form(site);
    const TempDir traces;
    const std::filesystem::path trace = traces / "trace";
    form.under = traced(trace);
    const std::string token = input_value(form.get().body, "form_token");
    const auto note = [&] {
      const std::size_t before = calls.size();
      std::ranges::move(read_trace(trace, form.data_dir().parent_path()),
                        std::back_inserter(calls));
      return before;
    };
    note();
    std::erase_if(calls, [](const DiskCall& call) { return call.kind == Call::answer; });
    for (int i = 0; i < kLeads && !token.empty(); ++i) {
      Value params = person("Visitor " + std::to_string(i));
      params.set("form_token", token);
      ids.push_back(body_json(form.post(params, {"Accept: application/json"}))["id"].text());
      const std::size_t before = note();
      const auto call = std::ranges::find(calls.begin() + static_cast<long>(before), calls.end(),
                                          Call::call, &DiskCall::kind);
      BOOST_REQUIRE(call != calls.end());
      sent_at.push_back(static_cast<std::size_t>(call - calls.begin()));
    }
    const Value all = site.leads();
    for (const std::string& id : ids)
      for (const Value::Member& lead : all.members())
        if (lead.value["ORIGIN_ID"].text() == id) sent.push_back(lead.value);
    BOOST_REQUIRE_EQUAL(sent.size(), ids.size());
  }
  // The portal is as it was when the power went; it may act as soon as it is called.
  void restore(const Site& site, std::size_t count) const {
    site.reset();
    for (std::size_t i = 0; i < sent.size(); ++i)
      if (sent_at[i] < count) site.call_json("crm.lead.add", Value::map({{"fields", sent[i]}}));
  }
};

std::map<std::string, int> leads_of(const Site& site) {
  std::map<std::string, int> counts;
  const Value all = site.leads();
  for (const Value::Member& lead : all.members()) ++counts[lead.value["ORIGIN_ID"].text()];
  return counts;
}

std::ptrdiff_t answers_in(const std::vector<DiskCall>& calls, std::size_t count) {
  return std::count_if(calls.begin(), calls.begin() + static_cast<long>(count),
                       [](const DiskCall& call) { return call.kind == Call::answer; });
}

}  // namespace power_cut_tests

BOOST_AUTO_TEST_SUITE(power_cut_tests)

BOOST_AUTO_TEST_CASE(what_was_answered_is_there_once_whenever_the_power_goes, *shows("A3")) {
  const std::vector<DiskCall> calls = recorded();
  if (calls.empty()) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  std::mt19937 random(20261129);
  const int cuts = wanted("CUTS", 40);
  int begun_anew = 0, promised = 0;
  for (int cut = 0; cut < cuts; ++cut) {
    const std::size_t count = random() % (calls.size() + 1);
    Rest rest;
    cut_power(calls, count, random, rest.settings.dir.path());
    const auto stored = rest.stored();
    const auto answers = answers_in(calls, count);
    for (int id = 0; id <= answers; ++id)
      BOOST_TEST(stored.contains(std::to_string(id)), "cut " << cut << ", event " << id);
    for (const auto& [id, times] : stored)
      BOOST_TEST(times == 1, "cut " << cut << ", event " << id);
    promised += static_cast<int>(answers);
    begun_anew += rest.was_begun_anew() ? 1 : 0;
  }
  BOOST_TEST_MESSAGE(cuts << " cuts in " << calls.size() << " calls, " << promised << " promises, "
                          << begun_anew << " stores begun anew");
  BOOST_TEST(promised > cuts);
}

BOOST_AUTO_TEST_CASE(an_accepted_lead_is_in_the_portal_once_whenever_the_power_goes, *shows("A3")) {
  Site& site = shared_site();
  site.reset();
  const Leads leads(site);
  if (leads.calls.empty()) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  std::mt19937 random(20261129);
  const int cuts = wanted("CUTS", 20);
  std::ptrdiff_t promised = 0;
  for (int cut = 0; cut < cuts; ++cut) {
    const std::size_t count = random() % (leads.calls.size() + 1);
    const CgiForm rest(site, {"B24HOOKS_DELIVERY_SETTLE=1s"});
    cut_power(leads.calls, count, random, rest.data_dir().parent_path());
    leads.restore(site, count);
    BOOST_TEST_CONTEXT("cut " << cut << " after call " << count) {
      const auto waits = [&] {
        BOOST_TEST(rest.shell({"--deliver"}).status == 0);
        return !rest.shell({"--list", "pending"}).out.contains("\n0 pending");
      };
      BOOST_TEST(wait_until([&] { return !waits(); }, 3 * kDeadline));
      const auto answers = answers_in(leads.calls, count);
      const auto there = leads_of(site);
      for (std::ptrdiff_t i = 0; i < answers; ++i)
        BOOST_TEST(there.contains(leads.ids[static_cast<std::size_t>(i)]), i);
      for (const auto& [id, times] : there) BOOST_TEST(times == 1, id);
      promised += answers;
    }
  }
  BOOST_TEST_MESSAGE(cuts << " cuts in " << leads.calls.size() << " calls, " << promised
                          << " promises");
  BOOST_TEST(promised > cuts);
}

BOOST_AUTO_TEST_SUITE_END()
