// event_join_tests: robots that call, events of one object that are joined, and calls for many
// events that share a request.
#include <signal.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/text.h"
#include "decorators.h"
#include "event_fixture.h"
#include "site.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace event_join_tests {

constexpr const char* kPath = "/handler.php";
constexpr const char* kSecret = "robot-canary-0123456789";

// A site with a section for each case, whose program writes its arguments as a line to `ran`.
class Joined {
 public:
  Joined() {
    const std::string program = (dir_ / "program").string();
    write_file(program, "#!/bin/sh\necho \"$@\" >> \"" + (dir_ / "ran").string() + "\"\n");
    fs::permissions(program, fs::perms::owner_all);
    SiteOptions options;
    options.settings = site_settings(
        std::string("\n[robot won]\nsecret = ") + kSecret +
        "\n\n[on ROBOT:won]\nexec = " + program +
        " robot {event} {document.entity} {data.FIELDS.ID} {note}\n"
        "\n[on ONJOIN]\ndebounce = 2s\nfilter = n!=x\nexec = " +
        program + " joined {n} {joined}\n\n[on ONJOIN each]\nexec = " + program +
        " each {n}\n\n[on ONREAD]\ndebounce = 2s\ncall = crm.deal.get?id={deal}\nexec = " +
        program + " read {data.FIELDS.ID} {deal} {result.ID}\n");
    site_.emplace(options);
  }
  const Site& site() const { return *site_; }
  std::shared_ptr<Store> store() const { return good(Store::open(site_->run_dir() / "data")); }
  // The words behind the first of the lines that begin with it.
  std::vector<std::vector<std::string>> ran(const std::string& first) const {
    std::vector<std::vector<std::string>> found;
    for (const std::string& line : text::split(read_file(dir_ / "ran"), "\n")) {
      std::vector<std::string> words = text::split(line);
      if (words.at(0) != first) continue;
      words.erase(words.begin());
      found.push_back(std::move(words));
    }
    return found;
  }
  bool all_done() const {
    return wait_until([&] { return good(store()->stats(Kind::event)).pending == 0; },
                      kDeadline * 3);
  }
  void post(std::string_view event, const std::string& id, const std::string& name,
            const std::string& value) const {
    Value params = event_params(event, id, "");
    params.set(name, value);
    BOOST_TEST(site_->post(kPath, params).status == 200);
  }

 private:
  TempDir dir_;
  std::optional<Site> site_;
};

Joined& joined() {
  static Joined one;
  return one;
}

}  // namespace event_join_tests

BOOST_AUTO_TEST_SUITE(event_join_tests)

BOOST_AUTO_TEST_CASE(a_robot_with_its_secret_is_an_event_and_one_without_is_refused) {
  const Site& site = joined().site();
  const std::string call = "document_id[]=crm&document_id[]=CCrmDocumentDeal&document_id[]=DEAL_7";
  BOOST_TEST(site.post(std::string(kPath) + "?note=hello&robot=" + kSecret, call).status == 200);
  for (const char* query : {"", "?robot=", "?robot=wrong-canary-0123456789"})
    BOOST_TEST(site.post(kPath + std::string(query), call).status == 403, query);
  BOOST_REQUIRE(joined().all_done());
  BOOST_REQUIRE(wait_until([&] { return joined().ran("robot").size() == 1; }));
  BOOST_TEST(
      (joined().ran("robot")[0] == std::vector<std::string>{"ROBOT:WON", "DEAL", "7", "hello"}));
  BOOST_TEST(site.hooked("[event] => ROBOT:WON\n"));
  const std::string log = read_file(site.run_dir() / "data/b24hooks.log");
  BOOST_TEST(log.contains("robot_refused"));
  BOOST_TEST(log.contains("[robot NAME]"));
  // Neither the right secret nor a wrong one is kept.
  for (const auto& entry : fs::recursive_directory_iterator(site.run_dir() / "data")) {
    if (entry.is_regular_file())
      BOOST_TEST(!read_file(entry.path()).contains("canary-0123456789"), entry.path());
  }
}

BOOST_AUTO_TEST_CASE(events_of_one_object_are_joined_and_none_is_lost_by_kills) {
  const Site& site = joined().site();
  for (int n = 1; n <= 6; ++n) {
    joined().post("ONJOIN", "1", "n", std::to_string(n));
    if (n % 3 == 0) site.kill("handler", SIGKILL);
    if (n % 3 == 0) site.kill("handler-backup", SIGKILL);
  }
  joined().post("ONJOIN", "1", "n", "x");  // the filter leaves it out
  joined().post("ONJOIN", "2", "n", "9");
  BOOST_REQUIRE(joined().all_done());
  std::int64_t sum = 0;
  std::string newest;
  for (const auto& run : joined().ran("joined")) {
    BOOST_REQUIRE(run.size() == 2u);
    BOOST_TEST((run[0] != "x"));
    if (run[0] == "9") BOOST_TEST(run[1] == "1");
    if (run[0] == "9") continue;
    newest = run[0];
    sum += Value(run[1]).integer();
  }
  BOOST_TEST(newest == "6");
  BOOST_TEST(sum == 6);
  BOOST_TEST(joined().ran("joined").size() < 6u);
  std::string order;
  for (const auto& run : joined().ran("each")) order += run.at(0);
  std::erase(order, '9');
  // What a kill broke off runs once more.
  order.erase(std::unique(order.begin(), order.end()), order.end());
  BOOST_TEST(order == "123456x");
}

BOOST_AUTO_TEST_CASE(calls_that_read_for_many_events_share_requests, *shows("A13")) {
  constexpr std::size_t kMany = 120;
  const Site& site = joined().site();
  site.reset();
  for (std::size_t n = 0; n < kMany; ++n)
    joined().post("ONREAD", std::to_string(n), "deal", n % 2 == 0 ? "1" : "2");
  BOOST_REQUIRE(joined().all_done());
  const auto ran = joined().ran("read");
  BOOST_TEST(ran.size() == kMany);
  for (const auto& words : ran) {
    BOOST_REQUIRE(words.size() == 3u);
    BOOST_TEST(words[1] == words[2]);  // each the answer to its own call
  }
  BOOST_TEST(site.calls("batch").size() >= 2u);
  BOOST_TEST(site.calls().size() < kMany / 3);
}

BOOST_AUTO_TEST_CASE(what_a_batch_has_refused_is_not_put_into_another, *shows("A13")) {
  constexpr std::size_t kMany = 60;
  const Site& site = joined().site();
  site.reset();
  for (std::size_t n = 0; n < kMany; ++n)
    joined().post("ONREAD", "gone" + std::to_string(n), "deal", "99999");
  BOOST_REQUIRE(joined().all_done());
  BOOST_TEST(site.calls("crm.deal.get").size() == kMany);
  BOOST_TEST(site.calls("batch").size() < kMany / 4);
}

BOOST_AUTO_TEST_SUITE_END()
