// portal_away_tests: a portal that is away for a day, under a clock of our own: what the store, the
// gate and the waiting between attempts make of it together.
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <map>

#include "decorators.h"
#include "keep/work_loop.h"
#include "portal/gate.h"
#include "portal_counter.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace portal_away_tests {

constexpr const char* kPortal = "p.example";
constexpr Millis kRoundTrip = 100;

long memory_kb() {
  long total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

// One worker that sends lead by lead, as delivery.cpp does with what it has claimed.
struct Worker : StoreFixture {
  std::shared_ptr<Gate> gate = good(Gate::open(
      dir.path(), kPortal, {}, [](const Error&) {}, [this] { return now; },
      [this] { return now; }));
  PortalCounter counter;
  bool is_away = true;
  int calls = 0;
  std::map<std::string, int> sent;         // how often, by id
  std::map<std::string, int> last_of_one;  // by object

  void accept_lead(int number) {
    NewItem lead = new_item(Kind::lead, std::to_string(number), std::to_string(number % 97));
    lead.destination = kPortal;
    lead.received_at = now;
    good(store->accept({lead}));
  }
  // False: nothing is due.
  bool pass() {
    const auto items = good(
        store->claim(Kind::lead, 1, [&](const std::string& to) { return gate->held_back(to); }));
    for (const Item& item : items) work_on(item);
    return !items.empty();
  }
  void work_on(const Item& item) {
    if (const Millis wait = gate->enter("crm.lead.add"); wait != 0)
      return good(store->retry(item.number, now + wait, {}, false, false));
    ++calls;
    now += kRoundTrip;
    if (is_away) {
      gate->ended("crm.lead.add",
                  std::unexpected(
                      CallError{{ErrorKind::network, "connect", "", ""}, 0, Verdict::retry, 0}));
      return good(store->retry(item.number, now + backoff(item.attempts + 1), {}, false));
    }
    BOOST_REQUIRE_LE(counter.add(now), 50.0);
    gate->ended("crm.lead.add", Answer());
    ++sent[item.id];
    int& last = last_of_one[item.object];
    BOOST_TEST(last <= std::stoi(item.id), "object " << item.object);
    last = std::stoi(item.id);
    good(store->done(item.number, {.result = item.id}));
  }
};

}  // namespace portal_away_tests

BOOST_AUTO_TEST_SUITE(portal_away_tests)

BOOST_FIXTURE_TEST_CASE(after_a_day_all_are_sent_in_order_at_the_portals_pace, Worker,
                        *as_released() * shows("A16")) {
  const int leads = wanted("LEADS", 400);
  const Millis begun = now;
  accept_lead(1);
  pass();
  const long memory = memory_kb();
  for (int lead = 2; lead <= leads; ++lead) {
    now = std::max(now, begun + kDay / leads * lead);
    accept_lead(lead);
    pass();
  }
  // The portal is asked whether it is back, at least every five minutes, and hardly more often.
  BOOST_TEST(calls >= std::min(leads, 288) / 3);
  BOOST_TEST(calls <= 400);
  BOOST_TEST(sent.empty());
  BOOST_TEST(memory_kb() - memory < 8'192);

  is_away = false;
  const Millis back = now;
  while (sent.size() < static_cast<std::size_t>(leads) && now < back + kDay)
    if (!pass()) now += 50;
  BOOST_TEST(sent.size() == static_cast<std::size_t>(leads));
  for (const auto& [id, times] : sent) BOOST_TEST(times == 1, id);
  // What the bucket allows, the time until one asks after it, and what waits between its attempts.
  const Millis allowed = std::max(0, leads - 47) * kSecond / 2;
  BOOST_TEST(now - back >= allowed - kSecond);
  BOOST_TEST(now - back <= allowed * 11 / 10 + 20 * kMinute);
  BOOST_TEST(memory_kb() - memory < 8'192);
  BOOST_TEST_MESSAGE(leads << " leads, " << calls << " calls, sent within "
                           << (now - back) / kSecond << " s, memory +" << memory_kb() - memory
                           << " kB");
}

BOOST_AUTO_TEST_SUITE_END()
