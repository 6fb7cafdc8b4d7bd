// cluster_tests: two machines on one PostgreSQL of three nodes, under load, while nodes and
// machines die: what was answered with 200 is there exactly once, and so is each lead in the
// portal.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "decorators.h"
#include "form_client.h"
#include "machine.h"
#include "patroni.h"
#include "postgres.h"
#include "site.h"
#include "value/json.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;
using namespace std::chrono_literals;

namespace cluster_tests {

constexpr auto kPatience = 60s;
constexpr int kSenders = 2;
constexpr int kVisitors = 1;
constexpr int kFirst = 1'000'000;  // of the deals; the portal's own events are of smaller numbers

using Count = std::map<int, int>;  // how often each event is there

// The portal and the visitors: they send all the time, each thing once, and note what they are
// told.
class Load {
 public:
  explicit Load(const Site& site)
      : site_(site), token_(input_value(site.get("/").body, "form_token")) {
    for (int i = 0; i < kSenders; ++i)
      threads_.emplace_back([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) send_event();
      });
    for (int i = 0; i < kVisitors; ++i)
      threads_.emplace_back([this](const std::stop_token& stop) {
        // The portal takes two a second.
        for (int n = 0; !stop.stop_requested(); ++n) {
          visit();
          wait_until([&] { return stop.stop_requested(); }, 2000ms);
        }
      });
  }
  void end() { threads_.clear(); }

  std::size_t acknowledged() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }
  // Whether so many more are answered with 200, whatever is going on.
  bool goes_on(std::size_t more = 50) const {
    const std::size_t begun = acknowledged();
    return wait_until([&] { return acknowledged() >= begun + more; }, kPatience);
  }
  const std::set<int>& events() const { return events_; }
  const std::set<std::string>& leads() const { return leads_; }
  int refused() const { return refused_; }

 private:
  void send_event() {
    const int number = kFirst + ++next_;
    const HttpReply reply = site_.post(
        "/handler.php", "event=ONCRMDEALUPDATE&data[FIELDS][ID]=" + std::to_string(number) +
                            "&ts=1700000000&auth[application_token]=" + site_.token());
    std::this_thread::sleep_for(5ms);  // some hundred a second are enough
    const std::lock_guard lock(mutex_);
    if (reply.status == 200) {
      events_.insert(number);
    } else {
      ++refused_;
    }
  }
  void visit() {
    Value params = person("Visitor " + std::to_string(++next_));
    params.set("form_token", token_);
    const Value answer = body_json(
        http(site_.port(),
             {"POST",
              "/",
              {"Accept: application/json", "Content-Type: application/x-www-form-urlencoded"},
              php::build_query(params)}));
    const std::string status = answer["status"].text();
    const std::lock_guard lock(mutex_);
    if (status == "saved" || status == "accepted") leads_.insert(answer["id"].text());
  }

  const Site& site_;
  const std::string token_;
  std::atomic<int> next_ = 0;
  std::atomic<int> refused_ = 0;
  mutable std::mutex mutex_;
  std::set<int> events_;
  std::set<std::string> leads_;
  std::vector<std::jthread> threads_;
};

using Ask = std::function<std::string(const std::string& sql)>;  // the database

// Who streams, and what everybody waits for.
constexpr const char* kAtWork =
    "SELECT concat_ws(' ', application_name, state, sync_state, sent_lsn, flush_lsn) FROM "
    "pg_stat_replication UNION ALL SELECT concat_ws(' ', usename, state, wait_event_type, "
    "wait_event, clock_timestamp() - xact_start, left(query, 60)) FROM pg_stat_activity";

// Until an item more is in the database than now.
void wait_for_one_more(const Ask& ask) {
  const auto confirmed = [&] {
    return Value(ask("SELECT count(*) FROM b24hooks.items")).integer();
  };
  const std::int64_t before = confirmed();
  const bool more = wait_until([&] { return confirmed() > before; }, kPatience);
  BOOST_TEST(more, (more ? std::string() : ask(kAtWork)));
}

struct Cluster {
  // n1 is where its network can be cut, if that is possible here.
  const std::unique_ptr<OwnNetwork> network = OwnNetwork::make();
  Postgres postgres{3, addresses(network.get()), network.get()};
  std::string database = postgres.new_database();
  Site site{{{}, settings()}};
  Machine second{site};

  std::string settings() const {
    migrate(postgres.owner_url(database), postgres.url(database));
    return cluster_settings(postgres.url(database));
  }
  static std::vector<std::string> addresses(const OwnNetwork* network) {
    if (network == nullptr) return {};
    return {network->address(1), network->address(2), network->address(3)};
  }
  std::string ask(const std::string& sql) const { return postgres.ask(sql, database); }
  void gap() const {
    wait_for_one_more([this](const std::string& sql) { return ask(sql); });
  }
};

Count stored(const Ask& ask) {
  Count count;
  std::istringstream rows(
      ask("SELECT split_part(object, ':', 2) FROM b24hooks.items WHERE name = 'ONCRMDEALUPDATE'"));
  for (int number; rows >> number;) ++count[number];
  return count;
}

Count written(const std::filesystem::path& log) {
  Count count;
  for (const std::string& line : text::split(read_file(log), "\n"))
    if (const int number = line.starts_with("[ID] => ") ? std::atoi(line.c_str() + 8) : 0;
        number > kFirst)
      ++count[number];
  return count;
}

// All that was answered with 200: in the database, in one machine's hook.log, in the portal.
void each_is_there_once(const Load& load, const Site& site, const Machine& second, const Ask& ask) {
  const auto all_there = [&] {
    const Count events = stored(ask);
    return std::ranges::all_of(load.events(), [&](int number) { return events.contains(number); });
  };
  BOOST_TEST(wait_until(all_there, kPatience));
  for (const auto& [number, count] : stored(ask)) BOOST_TEST(count == 1, number);
  const auto in_logs = [&] {
    Count logs = written(site.run_dir() / "data/hook.log");
    for (const auto& [number, count] : written(second.data_dir() / "hook.log"))
      logs[number] += count;
    return logs;
  };
  BOOST_TEST(wait_until([&] { return in_logs().size() >= load.events().size(); }, kPatience));
  const Count logs = in_logs();
  for (const int number : load.events()) BOOST_TEST(logs.contains(number), number);
  for (const auto& [number, count] : logs) BOOST_TEST(count == 1, number);

  // A lead may still wait in a machine's journal, where the database does not know of it.
  const auto sent = [&] {
    std::map<std::string, int> leads;
    const Value all = site.leads();
    for (const Value::Member& lead : all.members()) ++leads[lead.value["ORIGIN_ID"].text()];
    return leads;
  };
  const auto all_sent = [&] {
    const auto leads = sent();
    return std::ranges::all_of(load.leads(), [&](const auto& id) { return leads.contains(id); });
  };
  const auto open_leads = [&] {
    return ask("SELECT count(*) FROM b24hooks.items WHERE kind = 'lead' AND state <> 'done'");
  };
  BOOST_TEST(wait_until(all_sent, kPatience));
  BOOST_TEST(wait_until([&] { return open_leads() == "0"; }, kPatience));
  const auto leads = sent();
  for (const std::string& id : load.leads()) BOOST_TEST(leads.contains(id), id);
  for (const auto& [id, count] : leads) BOOST_TEST(count == 1, id);
  BOOST_TEST(!load.leads().empty());
  // Both have called from one address.
  const Value calls = site.calls();
  for (const Value::Member& call : calls.members())
    BOOST_TEST(call.value["error"].text() != "QUERY_LIMIT_EXCEEDED");
}

auto where_nodes_are_apart() {
  return boost::unit_test::precondition([](boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result apart(Patroni::is_possible());
    apart.message() << "process namespaces are not allowed here";
    return apart;
  });
}

}  // namespace cluster_tests

using namespace cluster_tests;

BOOST_AUTO_TEST_SUITE(cluster_tests)

BOOST_AUTO_TEST_CASE(what_two_machines_accepted_is_there_once_whatever_dies) {
  Cluster cluster;
  Postgres& postgres = cluster.postgres;
  Load load(cluster.site);
  BOOST_TEST(load.goes_on());
  std::string gaps;

  if (cluster.network == nullptr) BOOST_TEST_MESSAGE("no network can be cut here");
  for (const bool primary : {true, false}) {
    if (cluster.network == nullptr) break;
    BOOST_TEST_CONTEXT("the network is cut to a " << (primary ? "primary" : "standby")) {
      BOOST_TEST((postgres.primary() == 1) == primary);
      cluster.network->cut();
      BOOST_TEST(load.goes_on());
      if (primary) postgres.promote();
      cluster.gap();
      cluster.network->mend();
      BOOST_TEST(load.goes_on());
      cluster.gap();
      postgres.kill(1);
      postgres.rejoin(1);
      postgres.wait_for_standbys(2);
    }
  }
  BOOST_TEST_CONTEXT("each standby dies in turn") {
    for (const int node : {1, 2, 3}) {
      if (node == postgres.primary()) continue;
      postgres.kill(node);
      BOOST_TEST(load.goes_on());
      cluster.gap();
      postgres.start(node);
      postgres.wait_for_standbys(2);
    }
  }
  BOOST_TEST_CONTEXT("the primary dies, three times") {
    for (int round = 0; round < 3; ++round) {
      const int before = postgres.primary();
      const Millis killed = steady_ms();
      postgres.kill(before);
      BOOST_TEST(load.goes_on());
      postgres.promote();
      cluster.gap();
      gaps += " " + std::to_string(steady_ms() - killed);
      postgres.rejoin(before);
      postgres.wait_for_standbys(2);
    }
  }
  BOOST_TEST_CONTEXT("the primary hangs, another takes its place, and it comes back as one") {
    const int before = postgres.primary();
    postgres.freeze(before);
    BOOST_TEST(load.goes_on());
    postgres.promote();
    postgres.wait_for_standbys(1);
    cluster.gap();
    postgres.thaw(before);
    BOOST_TEST(load.goes_on());
    cluster.gap();
    postgres.kill(before);
    postgres.rejoin(before);
    postgres.wait_for_standbys(2);
  }
  BOOST_TEST_CONTEXT("a machine dies and comes back") {
    cluster.second.kill();
    BOOST_TEST(load.goes_on());
    cluster.second.start();
    BOOST_TEST(load.goes_on());
  }
  BOOST_TEST_CONTEXT("the whole database is away") {
    for (const int node : {1, 2, 3}) postgres.kill(node);
    const Millis begun = steady_ms();
    do {
      BOOST_TEST(load.goes_on());
    } while (steady_ms() - begun < 1000 * wanted("AWAY", 5));
    for (const int node : {1, 2, 3}) postgres.start(node);
    cluster.gap();
  }
  load.end();

  each_is_there_once(load, cluster.site, cluster.second,
                     [&](const std::string& sql) { return cluster.ask(sql); });
  BOOST_TEST(load.leads().size() > 5U);
  BOOST_TEST_MESSAGE(load.events().size() << " events and " << load.leads().size()
                                          << " leads answered, " << load.refused()
                                          << " not; nothing confirmed after each death of the "
                                             "primary for ms:"
                                          << gaps);
}

BOOST_AUTO_TEST_CASE(the_self_check_tells_of_nodes_and_of_machines_that_differ) {
  Cluster cluster;
  const auto row = [&](const std::string& id) {
    const Value rows = json::parse(cluster.second.shell("checkserver", {"--format", "json"}).out)
                           .value_or(Value())["checks"];
    for (const Value::Member& each : rows.members())
      if (each.value["id"].text() == id) return each.value;
    return Value();
  };
  const auto is = [&](const std::string& id, const std::string& state) {
    return wait_until([&] { return row(id)["state"].text() == state; });
  };
  BOOST_TEST(is("database", "ok"));
  BOOST_TEST(is("nodes", "ok"));
  BOOST_TEST(is("machines", "ok"));
  BOOST_TEST(row("store_sound").is_null());
  cluster.site.set_setting("settle", "9s");
  cluster.site.kill("handler", SIGKILL);  // it tells at its start, and then once a minute
  BOOST_TEST(is("machines", "warning"));
  BOOST_TEST(row("machines")["detail"].text().contains("[delivery]"));
  for (const int node : {2, 3}) cluster.postgres.kill(node);
  BOOST_TEST(is("nodes", "error"));
}

BOOST_AUTO_TEST_SUITE_END()

// By hand it is the test that promotes; here it is who does so in earnest.
BOOST_AUTO_TEST_SUITE(patroni_tests)

BOOST_AUTO_TEST_CASE(what_was_accepted_outlives_the_leader, *where_nodes_are_apart()) {
  Patroni patroni;
  migrate(patroni.url("b24owner"), patroni.url());
  const Site site{{{}, cluster_settings(patroni.url())}};
  const Machine second{site};
  const Ask ask = [&](const std::string& sql) { return patroni.ask(sql); };
  Load load(site);
  BOOST_TEST(load.goes_on());
  wait_for_one_more(ask);

  const int former = patroni.leader();
  const Millis killed = steady_ms();
  if (wanted("MACHINE", 0) != 0) {  // takes half a minute
    patroni.kill_machine(former);
  } else {
    patroni.kill_postgres(former);
  }
  BOOST_TEST(load.goes_on());
  const auto is_replaced = [&] {
    const int leader = patroni.leader();
    return leader != 0 && leader != former;
  };
  BOOST_TEST(wait_until(is_replaced, kPatience));
  wait_for_one_more(ask);
  const Millis gap = steady_ms() - killed;
  BOOST_TEST(load.goes_on());
  load.end();
  each_is_there_once(load, site, second, ask);
  BOOST_TEST_MESSAGE(load.events().size()
                     << " events and " << load.leads().size() << " leads answered, "
                     << load.refused() << " not; nothing confirmed for ms: " << gap);
}

BOOST_AUTO_TEST_SUITE_END()
