// delivery_tests: a lead whose earlier attempt's outcome is not what it seems: each goes to the
// portal once all the same.
#include <boost/test/unit_test.hpp>
#include <string>

#include "form_client.h"
#include "index/lead.h"
#include "site.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace delivery_tests {

// A lead that was accepted a while ago, in the store of a form whose calls are made from the shell.
struct Waiting {
  Waiting() {
    site.reset();
    Submission submission;
    submission.values = person();
    NewItem item;
    item.id = "lead-1";
    item.name = "form";
    item.received_at = now_ms() - kMinute;
    item.payload = lead_payload(good(make_form(Settings())), submission, item.id);
    good(open()->accept({item}));
  }
  std::shared_ptr<Store> open() const { return good(Store::open(form.data_dir())); }
  Item item() const { return good(open()->find(Kind::lead, "lead-1")).value(); }
  std::string state() const { return std::string(name(item().state)); }
  void deliver() const { BOOST_TEST(form.shell({"--deliver"}).status == 0); }
  void retry() const { BOOST_TEST(form.shell({"--retry", "all"}).status == 0); }

  Site& site = shared_site();
  const CgiForm form{site, {"B24HOOKS_PORTAL_CALL_TOTAL_TIME=1s"}};
};

}  // namespace delivery_tests

BOOST_FIXTURE_TEST_SUITE(delivery_tests, Waiting)

BOOST_AUTO_TEST_CASE(of_a_process_that_died_with_a_lead_nothing_is_known_from_the_attempt_before) {
  site.fault("server-error", 0, "crm.lead.add");  // answered, so that nothing is under way
  deliver();
  site.reset();
  BOOST_TEST(item().unsure);
  retry();
  Forked child([&] { return !open()->claim(Kind::lead, 1)->empty(); });
  BOOST_TEST(child.join());
  deliver();
  BOOST_TEST(site.leads().size() == 0U);  // until delivery.settle has passed
  BOOST_TEST(state() == "pending");
}

BOOST_AUTO_TEST_CASE(what_was_given_up_with_an_unknown_outcome_is_looked_up_when_tried_by_hand) {
  const std::string settings = read_file(form.data_dir().parent_path() / "settings.conf");
  write_file(form.data_dir().parent_path() / "settings.conf",
             settings + "[delivery]\ngive_up = 10s\n");
  site.fault("created-then-timeout");
  deliver();
  BOOST_TEST(state() == "failed");
  BOOST_TEST(item().unsure);
  site.fault("ok");
  retry();
  deliver();
  BOOST_TEST(state() == "done");
  BOOST_TEST(site.leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_store_that_was_put_back_sends_nothing_a_second_time) {
  const auto data = form.data_dir(), backup = form.data_dir().parent_path() / "backup";
  site.fault("expired", 0, "crm.lead.add");
  deliver();
  BOOST_TEST(item().attempts > 0);
  BOOST_TEST(!item().unsure);
  std::filesystem::copy(data, backup);
  site.fault("ok");
  retry();
  deliver();
  BOOST_TEST(state() == "done");
  std::filesystem::remove_all(data);
  std::filesystem::rename(backup, data);
  BOOST_TEST(state() == "pending");
  retry();
  deliver();
  BOOST_TEST(state() == "done");
  BOOST_TEST(site.leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_lead_that_was_only_looked_for_is_not_in_doubt) {
  site.fault("down", 0, "crm.lead.list");
  deliver();
  BOOST_TEST(item().attempts > 0);
  BOOST_TEST(!item().unsure);
}

BOOST_AUTO_TEST_CASE(a_visitor_does_not_wait_for_what_follows_his_lead) {
  site.control(
      "fault",
      Value::map({{"mode", "slow"}, {"method", "crm.tracking.trace.add"}, {"seconds", 20}}));
  Value params = person("Boris");
  params.set("TRACE", "{\"url\":\"x\"}");
  BOOST_TEST(CgiForm(site).submit(params).status == 303);
}

BOOST_AUTO_TEST_SUITE_END()
