// lead_intake_tests: when two leads without ids are one.
#include "index/lead_intake.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "event_fixture.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

BOOST_FIXTURE_TEST_SUITE(lead_intake_tests, StoreFixture)

BOOST_AUTO_TEST_CASE(an_equal_lead_within_a_minute_is_the_same_at_any_time_of_day) {
  const Millis midnight = now / kDay * kDay + kDay;
  for (const Millis first : {midnight - 3'600'000, midnight - 59'000, midnight - 1, midnight,
                             midnight + 1, midnight + 59'999, midnight + 60'000}) {
    for (const Millis later : {Millis{0}, Millis{1}, Millis{30'000}, Millis{59'999}}) {
      BOOST_TEST_CONTEXT(first - midnight << " + " << later) {
        const std::string fingerprint = std::to_string(first) + "," + std::to_string(later);
        NewItem item = new_item(Kind::lead, good(id_of_equal(*store, fingerprint, first)));
        item.received_at = first;
        good(store->accept({item}));
        BOOST_TEST(good(id_of_equal(*store, fingerprint, first + later)) == item.id);
        BOOST_TEST(good(id_of_equal(*store, fingerprint, first + 60'001)) != item.id);
        BOOST_TEST(good(id_of_equal(*store, fingerprint + "x", first)) != item.id);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(who_asks_at_once_gets_one_id) {
  BOOST_TEST(good(id_of_equal(*store, "a", now)) == good(id_of_equal(*store, "a", now + 10)));
}

BOOST_AUTO_TEST_CASE(the_same_lead_every_hour_is_always_a_new_one) {
  std::set<std::string> ids;
  for (int hour = 0; hour < 120; ++hour) {
    const Millis at = now + hour * Millis{3'600'000};
    NewItem item = new_item(Kind::lead, good(id_of_equal(*store, "a", at)));
    item.received_at = at;
    good(store->accept({item}));
    BOOST_TEST(good(store->find(Kind::lead, item.id)).value().repeats == 0);
    ids.insert(item.id);
  }
  BOOST_TEST(ids.size() == 120U);
}

BOOST_AUTO_TEST_CASE(a_flood_of_equal_leads_stays_cheap) {
  for (int i = 0; i < 130; ++i) {
    const Millis at = now + i * Millis{61'000};
    NewItem item = new_item(Kind::lead, good(id_of_equal(*store, "a", at)));
    item.received_at = at;
    good(store->accept({item}));
    BOOST_TEST(good(store->find(Kind::lead, item.id)).value().repeats == 0);
  }
}

// Its one thread kept it from ending, and so from being tried again.
BOOST_AUTO_TEST_CASE(work_that_lacks_a_thread_ends) {
  if (geteuid() != 0) return;  // only root may become a user with few threads left
  const EventSettings settings;
  AppSource app{settings.launch(), "index"};
  StoreSource stores{app};
  GateSource gates{app};
  FormSource forms{stores};
  LeadIntake intake(app, stores, gates, forms, settings.launch());
  Forked child([&] {
    ::alarm(60);
    if (!allow_threads(2)) return false;
    try {
      intake.work({});
    } catch (const std::system_error&) {
      return true;
    }
    return false;
  });
  BOOST_TEST(child.join());
}

BOOST_AUTO_TEST_SUITE_END()
