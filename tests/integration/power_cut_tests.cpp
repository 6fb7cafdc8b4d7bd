// power_cut_tests: the power goes at any moment: what was answered is there afterwards, once.
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "decorators.h"
#include "event_fixture.h"
#include "handler/event.h"
#include "keep/ingest.h"
#include "power_cut.h"

using namespace b24;
using namespace b24::test;

namespace power_cut_tests {

constexpr int kEvents = 12;

// What receivers did to the disk that took events 1 to kEvents, one after the other; nothing where
// strace is not allowed.
std::vector<DiskCall> recorded() {
  const EventSettings settings;
  const std::vector<std::string> environment{"B24HOOKS_SETTINGS=" + settings.file()};
  const std::string trace = (settings.dir / "trace").string();
  std::vector<DiskCall> calls;
  for (int id = 1; id <= kEvents; ++id) {
    const Value params = event_params("ONX", std::to_string(id));
    test::Command call = cgi_call(environment, "POST", php::build_query(params));
    std::vector<std::string> args{"strace", "-qq", "-o", trace};
    args.insert(args.end(), strace_options().begin(), strace_options().end());
    args.push_back(call.args[0]);
    call.args = args;
    if (run(call, kDeadline * 3).status != 0) return {};
    std::ranges::move(read_trace(read_file(trace), settings.dir.path()), std::back_inserter(calls));
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
    const auto answers =
        std::count_if(calls.begin(), calls.begin() + static_cast<long>(count),
                      [](const DiskCall& call) { return call.kind == DiskCall::Kind::answer; });
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

BOOST_AUTO_TEST_SUITE_END()
