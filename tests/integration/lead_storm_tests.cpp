// lead_storm_tests: many leads at once, processes side by side, kills and every fault of the
// portal: each accepted submission becomes exactly one lead.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "decorators.h"
#include "fcgi_client.h"
#include "form_client.h"
#include "index/lead.h"
#include "site.h"
#include "store_fixture.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;
using namespace std::chrono_literals;

namespace lead_storm_tests {

constexpr auto kPatience = 180s;
constexpr int kVisitors = 16;  // at once, where it does not matter

// A whole site; the portal's answers are waited for shortly, so that faults pass fast.
std::string storm_settings(const std::string& more) {
  return "C_REST_WEB_HOOK_URL = https://localhost:1/rest/1/sandbox/\n"
         "[data]\ndir = data\n[page]\ntemplates = " +
         (std::filesystem::current_path() / "templates").string() +
         "\n[portal]\napplication_token = 0123456789abcdef\n"
         "[portal_call]\nca_file = sandbox-ca.pem\ntotal_time = 4s\n"
         "[delivery]\nsettle = 8s\n[spam]\nper_address = 0\n" +
         more;
}

// What a visitor was told.
struct Told {
  std::string status;
  std::string id;
  bool accepted() const { return status == "saved" || status == "accepted"; }
};

Told told(const Value& answer) {
  return {answer["status"].text(), answer["id"].text()};
}

class Storm {
 public:
  explicit Storm(const std::string& more)
      : site({{}, storm_settings(more)}),
        token_(input_value(site.get("/").body, "form_token")),
        store_(good(Store::open(site.run_dir() / "data"))) {}

  std::string body(int visitor) const {
    Value params = person("Visitor " + std::to_string(visitor));
    params.set("form_token", token_);
    return php::build_query(params);
  }
  Told submit(int visitor) const {
    return told(body_json(http(site.port(), {"POST",
                                             "/",
                                             {"Accept: application/json",
                                              "Content-Type: application/x-www-form-urlencoded"},
                                             body(visitor)})));
  }
  // Calls `visit` for so many visitors, the next ones, some at a time.
  void visit(int count, int at_once, const std::function<void(int)>& visit) {
    const int end = next_visitor_ + count;
    std::vector<std::jthread> threads;
    for (int i = 0; i < at_once; ++i) {
      threads.emplace_back([&] {
        for (int visitor; (visitor = next_visitor_++) < end;) visit(visitor);
      });
    }
    threads.clear();
    next_visitor_ = end;
  }
  // Each must be accepted at the first attempt.
  void submit_all(int count, int at_once = kVisitors) {
    visit(count, at_once, [&](int visitor) { note(submit(visitor)); });
    BOOST_TEST(refused_ == std::vector<std::string>(), boost::test_tools::per_element());
  }
  void note(const Told& answer) {
    const std::lock_guard lock(mutex_);
    if (answer.accepted() || answer.status == "rejected") {
      accepted_.insert(answer.id);
    } else {
      refused_.push_back(answer.status);
    }
  }

  Ran shell(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), built("cgi-bin/index.fcgi"));
    arguments.emplace_back("--settings");
    arguments.push_back((site.run_dir() / "settings.conf").string());
    return run({arguments, {}, "", {}, {}}, kPatience);
  }
  KindStats stats() { return good(store_->stats(Kind::lead)); }
  Store& store() { return *store_; }
  // What was accepted is in the store a moment later.
  bool is_all_known(const KindStats& now) {
    const std::lock_guard lock(mutex_);
    return now.pending + now.done + now.failed >= static_cast<std::int64_t>(accepted_.size());
  }
  bool drained() {
    const auto is_drained = [&] {
      const KindStats now = stats();
      return now.pending == 0 && is_all_known(now);
    };
    return wait_until(is_drained, kPatience);
  }
  // What an owner does who has mended something: at once, whatever was closed.
  bool drained_by_hand() {
    return wait_until(
        [&] {
          const KindStats now = stats();
          if (now.pending + now.failed == 0 && is_all_known(now)) return true;
          shell({"--retry", "all"});
          return wait_until([&] { return stats().pending + stats().failed == 0; }, 2s);
        },
        kPatience);
  }
  void check_exactly_once() {
    std::map<std::string, int> leads;
    const Value all = site.leads();
    for (const Value::Member& lead : all.members()) ++leads[lead.value["ORIGIN_ID"].text()];
    std::size_t missing = 0, doubled = 0;
    for (const std::string& id : accepted_) missing += leads.contains(id) ? 0 : 1;
    for (const auto& [id, count] : leads) doubled += count > 1 ? 1 : 0;
    BOOST_TEST(missing == 0U);
    BOOST_TEST(doubled == 0U);
    BOOST_TEST(!accepted_.empty());
    BOOST_TEST_MESSAGE(accepted_.size() << " accepted, " << leads.size() << " leads");
  }
  std::size_t accepted() const { return accepted_.size(); }

  Site site;

 private:
  std::string token_;
  std::shared_ptr<Store> store_;
  std::atomic<int> next_visitor_ = 1;
  std::mutex mutex_;
  std::set<std::string> accepted_;
  std::vector<std::string> refused_;
};

// A second process of the form beside the site's, on the same store.
class SecondIndex {
 public:
  explicit SecondIndex(const Site& site)
      : socket_((site.run_dir() / "second.sock").string()),
        process_({{built("cgi-bin/index.fcgi"), "--listen", "unix:" + socket_, "--settings",
                   (site.run_dir() / "settings.conf").string()}}) {
    BOOST_REQUIRE(wait_until([&] { return listens("unix:" + socket_); }));
  }
  Told submit(const std::string& body) const {
    Params params = post_params("", body.size());
    params.emplace_back("HTTP_ACCEPT", "application/json");
    const FcgiAnswer answer = ask("unix:" + socket_, fcgi_head(params) + fcgi_body(body));
    HttpReply reply;
    reply.body = answer.body;
    return told(body_json(reply));
  }

 private:
  std::string socket_;
  Process process_;
};

// Cron, but impatient.
class Cron {
 public:
  explicit Cron(const Storm& storm)
      : thread_([&storm](std::stop_token stop) {
          while (!stop.stop_requested()) storm.shell({"--deliver"});
        }) {}

 private:
  std::jthread thread_;
};

NewItem queued_lead(int number) {
  Submission submission;
  submission.values = person("Queued " + std::to_string(number));
  NewItem item;
  item.id = "queued-" + std::to_string(number);
  item.name = "form";
  item.payload = lead_payload(good(make_form(Settings())), submission, item.id);
  return item;
}

std::size_t refused_by_the_bucket(const Site& site) {
  std::size_t refused = 0;
  const Value calls = site.calls();
  for (const Value::Member& call : calls.members())
    refused += call.value["error"].text() == "QUERY_LIMIT_EXCEEDED" ? 1 : 0;
  return refused;
}

}  // namespace lead_storm_tests

BOOST_AUTO_TEST_SUITE(lead_storm_tests)

BOOST_AUTO_TEST_CASE(two_hundred_visitors_at_once_and_a_full_bucket) {
  Storm storm("[form]\nwait = 1s\n");
  while (storm.site.call("profile", Value::array())->status == 200) continue;
  storm.submit_all(200, 200);
  BOOST_TEST(storm.accepted() == 200U);
  BOOST_TEST(storm.drained());
  storm.check_exactly_once();
  BOOST_TEST(storm.site.leads().size() == 200U);
}

// The portal's limits are the real ones here.
BOOST_AUTO_TEST_CASE(four_processes_with_full_queues_never_overfill_the_bucket,
                     *shows("F3") * shows("A14")) {
  // (Calls that only read would share a request.)
  Storm storm(
      "[handler]\nloop_limit = 0\n[on ONCRMDEALUPDATE]\ncall = "
      "crm.duplicate.findbycomm?type=PHONE&values[]=1\n");
  const SecondIndex second(storm.site);
  constexpr int kEvents = 70;
  constexpr int kLeads = 300;
  for (int i = 0; i < kLeads; ++i) good(storm.store().accept({queued_lead(i)}));
  for (int i = 0; i < kEvents; ++i) {
    const HttpReply reply = storm.site.post(
        "/handler.php", "event=ONCRMDEALUPDATE&data[FIELDS][ID]=1&ts=" + std::to_string(i) +
                            "&auth[application_token]=0123456789abcdef");
    BOOST_TEST(reply.status == 200);
  }
  BOOST_TEST(storm.drained());
  const auto called = [&] { return storm.site.calls("crm.duplicate.findbycomm").size(); };
  BOOST_TEST(wait_until([&] { return called() >= kEvents; }, kPatience));
  // (The portal sends events of the new leads as well.)
  const auto events_done = [&] { return good(storm.store().stats(Kind::event)).pending == 0; };
  BOOST_TEST(wait_until(events_done, kPatience));
  BOOST_TEST(storm.site.leads().size() == static_cast<std::size_t>(kLeads));
  BOOST_TEST(called() == static_cast<std::size_t>(kEvents));
  BOOST_TEST(storm.site.calls().size() > 51U);  // more than pass at once
  BOOST_TEST(refused_by_the_bucket(storm.site) == 0U);
}

// What waits for its place in the bucket keeps what it has found out: a look-up that is done again
// instead of the sending would take each place for itself.
BOOST_AUTO_TEST_CASE(leads_that_have_waited_are_looked_for_once) {
  Storm storm("[portal_call]\nbucket_size = 4\nbucket_drain = 2\n[delivery]\nthreads = 1\n");
  storm.site.fault("down");
  constexpr int kLeads = 200;
  for (int i = 0; i < kLeads; ++i) {
    NewItem lead = queued_lead(i);
    lead.received_at = now_ms() - kMinute;
    good(storm.store().accept({lead}));
  }
  storm.site.reset();
  BOOST_TEST(storm.drained());
  BOOST_TEST(storm.site.leads().size() == static_cast<std::size_t>(kLeads));
  std::size_t answered = 0;
  const Value calls = storm.site.calls("batch");
  for (const Value::Member& call : calls.members())
    answered += call.value["error"].text().empty() ? 1 : 0;
  BOOST_TEST(answered == 8U);  // each fifty are asked for, then sent
}

BOOST_AUTO_TEST_CASE(two_processes_and_cron_side_by_side_double_nothing) {
  Storm storm("[form]\nwait = 2s\n");
  const SecondIndex second(storm.site);
  {
    const Cron cron(storm);
    const Cron another(storm);
    // Each visitor clicks twice, and the clicks reach different processes.
    storm.visit(100, 8, [&](int visitor) {
      Told here;
      {
        const std::jthread click([&] { here = storm.submit(visitor); });
        const Told there = second.submit(storm.body(visitor));
        storm.note(there);
      }
      storm.note(here);
    });
    BOOST_TEST(storm.drained());
  }
  BOOST_TEST(storm.accepted() == 100U);
  storm.check_exactly_once();
  BOOST_TEST(storm.site.leads().size() == 100U);
}

BOOST_AUTO_TEST_CASE(killed_processes_lose_and_double_no_accepted_lead,
                     *shows("F2") * shows("A17")) {
  constexpr int kSubmissions = 300;
  constexpr int kKills = 8;
  Storm storm("[form]\nwait = 500ms\n");
  // So that calls are under way when the process dies: they are carried out and answered late.
  storm.site.control("fault", Value::map({{"mode", "slow"}, {"seconds", 1}}));
  std::atomic<int> dealt_with = 0;
  std::jthread killer([&] {
    for (int kill = 1; kill <= kKills; ++kill) {
      wait_until([&] { return dealt_with >= kill * kSubmissions / (kKills + 1); }, kPatience);
      storm.site.kill("index", SIGKILL);
    }
  });
  storm.visit(kSubmissions, kVisitors, [&](int visitor) {
    // Who gets no answer sends the same again.
    Told answer;
    wait_until([&] { return (answer = storm.submit(visitor)).accepted(); }, kPatience);
    storm.note(answer);
    ++dealt_with;
  });
  killer.join();
  storm.site.fault("ok");
  BOOST_TEST(storm.accepted() == static_cast<std::size_t>(kSubmissions));
  BOOST_TEST(storm.drained());
  storm.check_exactly_once();
  BOOST_TEST(storm.site.leads().size() == static_cast<std::size_t>(kSubmissions));
}

// The portal's answers to the look for the sender come late, so all would look before one is made.
BOOST_AUTO_TEST_CASE(of_one_sender_in_two_processes_one_contact_is_made) {
  constexpr int kVisits = 3;  // to each process
  Storm storm("[form]\nwait = 0\nentity = deal\ncontact = create\n");
  const SecondIndex second(storm.site);
  storm.site.control(
      "fault",
      Value::map({{"mode", "slow"}, {"method", "crm.duplicate.findbycomm"}, {"seconds", 1}}));
  storm.visit(kVisits, kVisits, [&](int visitor) {
    storm.note(storm.submit(visitor));
    storm.note(second.submit(storm.body(visitor + kVisits)));
  });
  BOOST_TEST(storm.drained());
  BOOST_TEST(storm.accepted() == 2U * kVisits);
  BOOST_TEST(storm.site.items(3).size() == 1U);
  BOOST_TEST(storm.site.items(2).size() == 2U + 2U * kVisits);  // two were there
}

BOOST_AUTO_TEST_CASE(killed_at_each_step_it_makes_contact_deal_and_comment_once, *shows("A17")) {
  Storm storm("[form]\nwait = 0\nentity = deal\ncontact = create\nduplicates = comment\n");
  storm.site.set_setting("settle", "2s");
  // Carried out and answered late: it dies before it knows.
  const auto kill_once = [&](const auto& is_made) {
    BOOST_REQUIRE(wait_until(is_made));
    storm.site.kill("index", SIGKILL);
  };
  const auto slow = [&](const char* method) {
    storm.site.control("fault", Value::map({{"mode", "slow"}, {"method", method}, {"seconds", 2}}));
  };
  slow("crm.item.add");
  storm.note(storm.submit(1));
  kill_once([&] { return storm.site.items(3).size() == 1U; });
  kill_once([&] { return storm.site.items(2).size() == 3U; });
  BOOST_TEST(storm.drained());
  slow("crm.timeline.comment.add");
  storm.note(storm.submit(2));
  kill_once([&] { return storm.site.comments().size() == 1U; });
  BOOST_TEST(storm.drained());
  BOOST_TEST(storm.accepted() == 2U);
  BOOST_TEST(storm.stats().done == 2);
  BOOST_TEST(storm.site.items(3).size() == 1U);
  BOOST_TEST(storm.site.items(2).size() == 3U);
  BOOST_TEST(storm.site.comments().size() == 1U);
  BOOST_TEST(storm.site.leads().size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_thousand_submissions_under_every_fault_of_the_portal, *shows("F2")) {
  constexpr const char* kModes[] = {
      "down",      "closed", "slow",        "reset",   "limit",        "overload",
      "operating", "html",   "empty-error", "expired", "server-error", "created-then-timeout"};
  constexpr int kEach = 60;
  constexpr int kMixed = 1'000 - kEach * static_cast<int>(std::size(kModes));
  Storm storm("[form]\nwait = 0\n");
  // A method's time comes back soon, a new lead is not to be found at once.
  storm.site.control("limits", Value::map({{"operating_window", 3}, {"list_delay", 1}}));
  const auto faults_seen = [&](std::string_view mode) {
    std::size_t seen = 0;
    const Value calls = storm.site.calls();
    for (const Value::Member& call : calls.members())
      seen += call.value["fault"].text() == mode ? 1 : 0;
    return seen;
  };
  for (const char* mode : kModes) {
    BOOST_TEST_CONTEXT(mode) {
      const auto begun = std::chrono::steady_clock::now();
      const std::size_t before = faults_seen(mode);
      storm.site.fault(mode);
      storm.submit_all(kEach);
      BOOST_TEST(wait_until([&] { return faults_seen(mode) > before; }, kPatience));
      storm.site.fault("ok");
      BOOST_TEST(storm.drained_by_hand());
      BOOST_TEST_MESSAGE(mode << ": " << (std::chrono::steady_clock::now() - begun) / 1ms << " ms");
    }
  }
  {
    const std::jthread trouble([&](std::stop_token stop) {
      std::minstd_rand random{11};
      while (!stop.stop_requested()) {
        storm.site.fault(kModes[random() % std::size(kModes)], 1 + static_cast<int>(random() % 4));
        storm.shell({"--retry", "all"});
      }
    });
    storm.submit_all(kMixed);
  }
  storm.site.fault("ok");
  BOOST_TEST(storm.drained_by_hand());
  BOOST_TEST(storm.accepted() == 1'000U);
  storm.check_exactly_once();
  BOOST_TEST(storm.site.leads().size() == 1'000U);
}

BOOST_AUTO_TEST_SUITE_END()
