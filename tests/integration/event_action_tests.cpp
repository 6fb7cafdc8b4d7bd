// event_action_tests: what follows events: calls to a portal, forwarding, programs; order, budget,
// retries.
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/text.h"
#include "event_fixture.h"
#include "form_client.h"
#include "site.h"
#include "standard_webhooks.h"
#include "tls_server.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace event_action_tests {

constexpr const char* kPath = "/handler.php";

// A directory with a program that appends its first arguments as a line to `ran`, and fails while
// there is a file `broken`.
class Workshop {
 public:
  explicit Workshop(const std::string& script =
                        "cat >> input\nif [ -e broken ]; then echo it is broken; exit 3; fi\n"
                        "echo \"$@\" >> ran\n") {
    write_file(program(), "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 9\n" + script);
    fs::permissions(program(), fs::perms::owner_all);
  }
  std::string program() const { return (dir_ / "program").string(); }
  void break_it() const { write_file(dir_ / "broken", ""); }
  void mend() const { fs::remove(dir_ / "broken"); }
  std::vector<std::string> ran() const { return text::split(read_file(dir_ / "ran"), "\n"); }
  std::string input() const { return read_file(dir_ / "input"); }
  fs::path operator/(std::string_view name) const { return dir_ / name; }

 private:
  TempDir dir_;
};

SiteOptions with_settings(const std::string& more, std::vector<std::string> environment = {}) {
  SiteOptions options;
  options.environment = std::move(environment);
  options.settings = site_settings(more + "\n\n[spam]\nper_address = 0\n");
  return options;
}

int post(const Site& site, std::string_view event, const std::string& id) {
  Value params = event_params(event, id, "");
  return site.post(kPath, params).status;
}

std::shared_ptr<Store> store_of(const Site& site) {
  return good(Store::open(site.run_dir() / "data"));
}

std::size_t count_of(const Site& site, State state) {
  std::size_t count = 0;
  for (const Item& item : all_events(*store_of(site))) count += item.state == state ? 1 : 0;
  return count;
}

bool all_done(const Site& site, std::size_t count) {
  return wait_until([&] { return count_of(site, State::done) == count; }, kDeadline * 3);
}

Ran shell(const Site& site, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {built("cgi-bin/handler.fcgi"), "--settings",
                                       (site.run_dir() / "settings.conf").string()});
  return run({std::move(arguments), {}, "", {}, {}});
}

std::string header_of(const Received& request, const std::string& name) {
  const std::size_t at = request.head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return request.head.substr(begin, request.head.find("\r\n", begin) - begin);
}

std::string signature(const std::string& key, const Received& request) {
  return webhook_signature(key, header_of(request, "webhook-id") + "." +
                                    header_of(request, "webhook-timestamp") + "." + request.body);
}

}  // namespace event_action_tests

BOOST_AUTO_TEST_SUITE(event_action_tests)

BOOST_AUTO_TEST_CASE(a_changed_deal_is_fetched_forwarded_signed_and_handed_to_a_program) {
  const TlsServer receiver(nullptr, [](const Received& request) {
    if (request.number == 1) return answer(500, "not now");
    if (request.number == 2) return Reply{"", Reply::Then::cut};
    return answer(204, "");
  });
  const Workshop workshop;
  const Site site(with_settings(
      "\n[on ONCRMDEALUPDATE]\ncall = crm.deal.get?id={data.FIELDS.ID}\n"
      "forward = http://127.0.0.1:" +
      std::to_string(receiver.port()) +
      "/in\nforward_secret = whsec_c2VjcmV0LW9mLXRoZS10ZXN0\nexec = " + workshop.program() +
      " {data.FIELDS.ID} {result.STAGE_ID}\n"));
  site.call_json("crm.deal.update",
                 Value::map({{"id", 1}, {"fields", Value::map({{"STAGE_ID", "WON"}})}}));
  BOOST_REQUIRE(all_done(site, 1));
  BOOST_TEST(workshop.ran().size() == 1u);
  BOOST_TEST(workshop.ran()[0] == "1 WON");
  // What was done is not done again when a later step fails.
  BOOST_TEST(site.calls("crm.deal.get").size() == 1u);
  const std::vector<Received> requests = receiver.requests();
  BOOST_REQUIRE(requests.size() == 3u);
  for (const Received& request : requests) {
    BOOST_TEST(request.method == "POST");
    BOOST_TEST(header_of(request, "Content-Type") == "application/json");
    BOOST_TEST(header_of(request, "webhook-id") == header_of(requests[0], "webhook-id"));
    BOOST_TEST(header_of(request, "webhook-signature") == signature("secret-of-the-test", request));
    const Value body = good(json::parse(request.body));
    BOOST_TEST(body["event"].text() == "ONCRMDEALUPDATE");
    BOOST_TEST(body.path("data.data.FIELDS.ID").text() == "1");
    BOOST_TEST(body.path("result.STAGE_ID").text() == "WON");
    BOOST_TEST(!request.body.contains(kToken));
  }
  const Item item = all_events(*store_of(site)).at(0);
  std::vector<Millis> failed_at;
  for (const Attempt& attempt : good(store_of(site)->history(item.number)))
    if (attempt.outcome == "retry") failed_at.push_back(attempt.at);
  BOOST_REQUIRE(failed_at.size() == 2u);
  BOOST_TEST(failed_at[1] - failed_at[0] >= 500);  // 1 s, less up to half of it
  const std::string shown = shell(site, {"--show", item.id}).out;
  for (const char* part : {"status 500", "what was done", "\"STAGE_ID\"", "\"forward\""})
    BOOST_TEST(shown.contains(part), part);
  const std::string log = read_file(site.run_dir() / "data/b24hooks.log");
  for (const char* part : {R"("call":"crm.deal.get")", R"("exit_code":0)"})
    BOOST_TEST(log.contains(part), part);
}

BOOST_AUTO_TEST_CASE(forwarding_as_a_form_follows_php) {
  const TlsServer receiver(nullptr, [](const Received&) { return answer(200, ""); });
  const Site site(with_settings("\n[on *]\nforward_as = form\nforward = http://127.0.0.1:" +
                                std::to_string(receiver.port()) + "/in\n"));
  BOOST_TEST(post(site, "ONX", "a b&c") == 200);
  BOOST_REQUIRE(all_done(site, 1));
  const Received request = receiver.requests().at(0);
  BOOST_TEST(header_of(request, "Content-Type") == "application/x-www-form-urlencoded");
  BOOST_TEST(header_of(request, "webhook-signature") == "");
  BOOST_TEST(request.body.contains("&data%5Bdata%5D%5BFIELDS%5D%5BID%5D=a+b%26c&"));
}

BOOST_AUTO_TEST_CASE(only_what_passes_the_filters_is_done) {
  const Workshop workshop;
  const std::string exec = "exec = " + workshop.program();
  const Site site(with_settings("\n[on ONX seven]\nfilter = data.FIELDS.ID=7\n" + exec +
                                " seven\n" + "\n[on ONX others]\nfilter = data.FIELDS.ID != 7\n" +
                                exec + " others {data.FIELDS.ID}\n" +
                                "\n[on *]\nfilter = result.ID = 1\ncall = crm.deal.get?id=1\n" +
                                exec + " by-result {result.ID} {event}\n" +
                                "\n[on ONCRMDEALUPDATE won]\nfilter = result.STAGE_ID=WON\n"
                                "call = crm.deal.get?id={data.FIELDS.ID}\n" +
                                exec + " won {event}\n"));
  for (const char* id : {"7", "8"}) BOOST_TEST(post(site, "ONX", id) == 200);
  site.call_json("crm.deal.update",
                 Value::map({{"id", 2}, {"fields", Value::map({{"STAGE_ID", "WON"}})}}));
  BOOST_REQUIRE(all_done(site, 3));
  std::map<std::string, int> ran;
  for (const std::string& line : workshop.ran()) ++ran[line];
  BOOST_TEST(ran["seven"] == 1);
  BOOST_TEST(ran["others 8"] == 1);
  BOOST_TEST(ran["won ONCRMDEALUPDATE"] == 1);
  BOOST_TEST(ran["by-result 1 ONX"] == 2);
  BOOST_TEST(ran["by-result 1 ONCRMDEALUPDATE"] == 1);
  BOOST_TEST(ran.size() == 5u);
}

BOOST_AUTO_TEST_CASE(what_fails_for_too_long_is_kept_and_done_when_asked_for) {
  const Workshop workshop;
  workshop.break_it();
  const Site site(with_settings("\n[handler]\ngive_up = 1ms\n\n[on *]\nexec = " +
                                workshop.program() + " {data.FIELDS.ID}\n"));
  for (const char* id : {"1", "2"}) BOOST_TEST(post(site, "ONX", id) == 200);
  BOOST_REQUIRE(wait_until([&] { return count_of(site, State::failed) == 2; }));
  const Item item = all_events(*store_of(site)).at(0);
  BOOST_TEST(item.error_code == "exec_failed");
  BOOST_TEST(item.error_text.contains("it is broken"));
  BOOST_TEST(shell(site, {"--list", "failed"}).out.contains("exec_failed"));
  workshop.mend();
  BOOST_TEST(shell(site, {"--retry", item.id}).status == 0);
  BOOST_REQUIRE(all_done(site, 1));
  BOOST_TEST(shell(site, {"--retry", "all"}).out == "1 are due now\n");
  BOOST_REQUIRE(all_done(site, 2));
  BOOST_TEST(workshop.ran().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_refused_call_is_a_failure_at_once_and_a_broken_one_is_repeated) {
  const Workshop workshop;
  const Site site(
      with_settings("\n[on ONGONE]\ncall = crm.deal.get?id=99999\n\n[on ONX]\n"
                    "call = crm.deal.get?id=1\nexec = " +
                    workshop.program() + " done\n"));
  BOOST_TEST(post(site, "ONGONE", "1") == 200);
  BOOST_REQUIRE(wait_until([&] { return count_of(site, State::failed) == 1; }));
  site.fault("server-error", 1, "crm.deal.get");
  BOOST_TEST(post(site, "ONX", "1") == 200);
  BOOST_REQUIRE(all_done(site, 1));
  BOOST_TEST(workshop.ran().size() == 1u);
}

BOOST_AUTO_TEST_CASE(events_of_one_object_keep_their_order_and_others_do_not_wait) {
  const Workshop workshop;
  workshop.break_it();
  const Site site(with_settings(
      "\n[handler]\nwork_threads = 4\n\n[on ONCRMDEALUPDATE]\nexec = " + workshop.program() +
      " {data.FIELDS.ID} {n}\n\n[on ONCRMLEADADD]\nexec = /bin/true\n"));
  for (int n = 0; n < 30; ++n) {
    Value params = event_params("ONCRMDEALUPDATE", std::to_string(n % 3), "");
    params.set("n", n);
    BOOST_TEST(site.post(kPath, params).status == 200);
  }
  BOOST_TEST(post(site, "ONCRMLEADADD", "1") == 200);
  BOOST_REQUIRE(all_done(site, 1));  // the lead's, though all deals wait
  workshop.mend();
  BOOST_REQUIRE(all_done(site, 31));
  std::map<std::string, std::vector<std::int64_t>> order;
  for (const std::string& line : workshop.ran()) {
    const auto words = text::split(line);
    BOOST_REQUIRE(words.size() == 2u);
    order[words[0]].push_back(Value(words[1]).integer());
  }
  for (const char* id : {"0", "1", "2"}) {
    BOOST_TEST(order[id].size() == 10u);
    BOOST_TEST(std::ranges::is_sorted(order[id]));
  }
}

BOOST_AUTO_TEST_CASE(leads_go_before_what_follows_events) {
  // Of the twelve places actions may fill one, and in ten seconds one more gets free.
  // (Calls that only read would share a request.)
  const Site site(
      with_settings("bucket_size = 12\nbucket_drain = 0.1\n\n[on *]\n"
                    "call = crm.duplicate.findbycomm?type=PHONE&values[]=1\n"));
  for (int id = 0; id < 12; ++id) BOOST_TEST(post(site, "ONX", std::to_string(id)) == 200);
  BOOST_REQUIRE(wait_until([&] { return count_of(site, State::done) >= 1; }));
  Value lead = person();
  lead.set("form_token", input_value(site.get("/index.php").body, "form_token"));
  BOOST_TEST(site.post("/index.php", lead).status == 303);
  BOOST_REQUIRE(wait_until([&] { return site.leads().size() == 1; }));
  BOOST_TEST(count_of(site, State::pending) >= 8u);
  BOOST_TEST(site.calls("crm.duplicate.findbycomm").size() <= 3u);
  const Item waiting = all_events(*store_of(site)).back();
  BOOST_TEST(waiting.attempts == 0);  // to wait is no attempt
  BOOST_TEST(waiting.error_text.empty());
}

BOOST_AUTO_TEST_CASE(events_are_replayed_by_id_time_and_name) {
  const Workshop workshop;
  const Site site(with_settings("\n[on *]\nexec = " + workshop.program() + " {event}\n"));
  for (const char* event : {"ONX", "ONY", "ONY"}) BOOST_TEST(post(site, event, "1") == 200);
  BOOST_REQUIRE(all_done(site, 3));
  const std::string log = site.hook_log();
  const auto ran = [&](std::size_t count) {
    return wait_until([&] { return workshop.ran().size() == count; }) && all_done(site, 3);
  };
  BOOST_TEST(shell(site, {"--replay", all_events(*store_of(site)).at(0).id}).status == 0);
  BOOST_TEST(ran(4));
  BOOST_TEST(shell(site, {"--replay", "--since", "1h", "--event", "ONY"}).out == "2 are due now\n");
  BOOST_TEST(ran(6));
  BOOST_TEST(shell(site, {"--since", "1h"}).status == 64);
  const Ran nothing = shell(site, {});
  BOOST_TEST(nothing.status == 64);
  BOOST_TEST(nothing.out.starts_with("handler.fcgi: receives "), nothing.out);
  BOOST_TEST(workshop.ran().size() == 6u);
  BOOST_TEST(site.hook_log() == log);  // nothing came in
}

// The portal tells of each change, ours included.
BOOST_AUTO_TEST_CASE(an_action_that_changes_what_it_hears_of_rests_and_goes_on_later) {
  const Workshop workshop;
  const Site site(with_settings("\n[notify]\ncommand = " + workshop.program() +
                                " told\n\n[handler]\nloop_limit = 5\nloop_time = 20s\n\n"
                                "[on ONCRMDEALUPDATE]\ncall = crm.deal.update?id={data.FIELDS.ID}"
                                "&fields[COMMENTS]=seen\n\n[on ONCRMDEALUPDATE tell]\nexec = " +
                                workshop.program() + " {data.FIELDS.ID}\n"));
  site.call_json("crm.deal.update",
                 Value::map({{"id", 1}, {"fields", Value::map({{"TITLE", "x"}})}}));
  const auto changes = [&] { return site.calls("crm.deal.update").size(); };
  const auto log = [&] { return read_file(site.run_dir() / "data/b24hooks.log"); };
  BOOST_REQUIRE(wait_until([&] { return log().contains(R"("code":"loop")"); }));
  // Ours by hand, the answer to it, and five that followed.
  BOOST_TEST(changes() == 7u);
  BOOST_TEST(log().contains("ONCRMDEAL:1"));
  BOOST_TEST(count_of(site, State::pending) == 1u);  // it waits, and is not lost
  const std::string self_check =
      run({{built("cgi-bin/checkserver.fcgi"), "--settings",
            (site.run_dir() / "settings.conf").string(), "--format", "json"},
           {},
           "",
           {},
           {}})
          .out;
  BOOST_TEST(self_check.contains("ONCRMDEALUPDATE ONCRMDEAL:1"));
  // The other section of the event, and another object, go on.
  BOOST_TEST(workshop.ran().size() == 7u);
  site.call_json("crm.deal.update",
                 Value::map({{"id", 2}, {"fields", Value::map({{"TITLE", "x"}})}}));
  BOOST_TEST(wait_until([&] { return changes() > 8u; }));
  BOOST_TEST(wait_until([&] { return changes() > 14u; }, kDeadline * 3));  // after a while
}

BOOST_AUTO_TEST_CASE(a_killed_receiver_does_again_what_it_was_about) {
  const Workshop workshop(
      "echo x >> begun\nwhile [ ! -e go ]; do sleep 0.05; done\necho done >> ran\n");
  const Site site(with_settings("\n[on *]\nexec = " + workshop.program() + "\n"));
  BOOST_TEST(post(site, "ONX", "1") == 200);
  BOOST_REQUIRE(wait_until([&] { return read_file(workshop / "begun") == "x\n"; }));
  // One of the two has it.
  site.kill("handler", SIGKILL);
  site.kill("handler-backup", SIGKILL);
  BOOST_REQUIRE(wait_until([&] { return read_file(workshop / "begun") == "x\nx\n"; }));
  write_file(workshop / "go", "");
  BOOST_TEST(all_done(site, 1));
}

BOOST_AUTO_TEST_CASE(what_may_have_been_done_before_a_kill_stays_in_doubt_over_a_failure) {
  const Workshop workshop(
      "echo x >> begun\n[ \"$(cat begun)\" = x ] && exec sleep 1000\n[ -e go ]\n");
  const Site site(with_settings("\n[on ONX]\nexec = " + workshop.program() +
                                "\n\n[on *]\ncall = crm.timeline.comment.add?fields[ENTITY_ID]=1"
                                "&fields[ENTITY_TYPE]=deal&fields[COMMENT]=x\n"));
  BOOST_TEST(post(site, "ONX", "1") == 200);
  BOOST_REQUIRE(wait_until([&] { return read_file(workshop / "begun") == "x\n"; }));
  site.kill("handler", SIGKILL);
  site.kill("handler-backup", SIGKILL);
  BOOST_REQUIRE(wait_until([&] { return read_file(workshop / "begun").starts_with("x\nx\n"); }));
  write_file(workshop / "go", "");
  BOOST_REQUIRE(wait_until([&] { return count_of(site, State::failed) == 1; }));
  BOOST_TEST(all_events(*store_of(site)).at(0).error_code == "outcome_unknown");
  BOOST_TEST(site.comments().size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_running_program_does_not_hold_up_a_restart) {
  const Workshop workshop("echo $$ >> begun\nexec sleep 1000\n");
  const Site site(with_settings("\n[on *]\nexec_time = 1h\nexec = " + workshop.program() + "\n"));
  BOOST_TEST(post(site, "ONX", "1") == 200);
  const auto begun = [&] { return text::split(read_file(workshop / "begun"), "\n"); };
  BOOST_REQUIRE(wait_until([&] { return begun().size() == 1; }));
  const auto first = static_cast<pid_t>(Value(begun()[0]).integer());
  site.kill("handler", SIGTERM);
  site.kill("handler-backup", SIGTERM);
  BOOST_TEST(wait_until([&] { return ::kill(first, 0) != 0; }));
  BOOST_TEST(wait_until([&] { return begun().size() == 2; }));
  const Item item = all_events(*store_of(site)).at(0);
  BOOST_TEST(item.attempts == 0);
  BOOST_TEST((item.state == State::pending));
}

BOOST_AUTO_TEST_CASE(a_test_event_goes_all_the_way) {
  const Site site(
      with_settings("\n[portal named]\napplication_token = other\nmember_id = a1b2\n"
                    "domain = portal.example\n"));
  const std::string url = "http://127.0.0.1:" + std::to_string(site.port()) + kPath;
  const Ran sent = shell(site, {"--send-test", url});
  BOOST_TEST(sent.status == 0, sent.err);
  BOOST_TEST(sent.out.starts_with("status 200 after "));
  BOOST_TEST(site.hooked("[event] => ONCRMDEALUPDATE\n"));
  // With the settings of another receiver, whose only portal has a name.
  write_file(site.run_dir() / "other.conf",
             "[data]\ndir = other\n[portal named]\napplication_token = other\nmember_id = a1b2\n"
             "domain = portal.example\n");
  const auto by_other = [&](const std::string& where) {
    return run({{built("cgi-bin/handler.fcgi"), "--settings",
                 (site.run_dir() / "other.conf").string(), "--send-test", where},
                {},
                "",
                {},
                {}});
  };
  BOOST_TEST(by_other(url).status == 0);
  BOOST_TEST(site.hooked("[domain] => portal.example\n"));
  site.set_setting("member_id", "ffff");
  BOOST_TEST(wait_until([&] { return by_other(url).out.starts_with("status 403"); }));
  BOOST_TEST(by_other(url).status == 1);
  const Ran nobody = by_other("http://127.0.0.1:" + std::to_string(free_port()) + "/");
  BOOST_TEST(nobody.status == 1);
  BOOST_TEST(!nobody.err.empty());
}

BOOST_AUTO_TEST_CASE(the_tail_shows_events_as_they_come) {
  const Site& site = shared_site();
  BOOST_TEST(site.post(kPath, std::string("event=ONBEFORE&auth[application_token]=") + site.token())
                 .status == 200);
  Process tail({{built("cgi-bin/handler.fcgi"), "--settings",
                 (site.run_dir() / "settings.conf").string(), "--tail", "--event", "ONTAIL"}});
  const auto send = [&](const std::string& event, const std::string& id) {
    return site.post(kPath,
                     "event=" + event + "&id=" + id + "&auth[application_token]=" + site.token());
  };
  int sent = 0;
  BOOST_TEST(wait_until([&] {
    send("ONTAIL", "n" + std::to_string(++sent));  // it may not have looked for the first time
    return tail.out().contains("[event] => ONTAIL\n");
  }));
  send("ONOTHER", "x");
  send("ONTAIL", "last");
  BOOST_TEST(wait_until([&] { return tail.out().contains("[id] => last\n"); }));
  BOOST_TEST(!tail.out().contains("ONOTHER"));
  BOOST_TEST(!tail.out().contains("ONBEFORE"));
}

BOOST_AUTO_TEST_SUITE_END()
