// erase_tests: what the owner deletes is nowhere any more, and nothing else is touched.
#include <boost/test/unit_test.hpp>

#include "event_fixture.h"
#include "keep/store.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace erase_tests {

// The files below a directory that hold a text.
std::vector<std::string> holders(const fs::path& dir, const std::string& text) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file() && read_file(entry.path()).contains(text))
      found.push_back(entry.path().filename().string());
  }
  return found;
}

struct EraseFixture {
  EventSettings settings;
  std::vector<std::string> environment{"B24HOOKS_SETTINGS=" + settings.file()};

  EraseFixture() { settings.set(kMore); }
  static inline const std::string kMore =
      "[form]\nwait = 0\naccept = json\npost_key = 0123456789abcdef\n[spam]\nper_address = 0\n";

  void event(const std::string& word) const {
    Value params = event_params();
    params.set("data", Value::map({{"WORD", word}}));
    BOOST_TEST(run(cgi_call(environment, "POST", php::build_query(params))).out.contains("200"));
  }
  void lead(const std::string& word) const {
    test::Command command =
        cgi_call(environment, "POST", "first_name=" + word, "key=0123456789abcdef");
    command.args = {built("cgi-bin/index.fcgi")};
    command.environment.push_back("HTTP_ACCEPT=application/json");
    BOOST_TEST(run(command).out.contains("202"));
  }
  Ran shell(const std::string& program, std::vector<std::string> options) const {
    options.insert(options.begin(), built("cgi-bin/" + program + ".fcgi"));
    return run({options, environment});
  }
  std::string id_of(Kind kind, const std::string& word) const {
    const auto store = good(Store::open(settings.data()));
    ListFilter filter;
    filter.kind = kind;
    for (const Item& item : good(store->list(filter)))
      if (json::print(item.payload).contains(word)) return item.id;
    return "";
  }
  std::string hook(const char* name) const { return read_file(settings.data() / name); }
};

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

}  // namespace erase_tests

BOOST_FIXTURE_TEST_SUITE(erase_tests, EraseFixture)

BOOST_AUTO_TEST_CASE(a_deleted_event_is_in_no_file_and_comes_back_from_none) {
  for (const char* word : {"staysone", "canarytwo", "staysthree"}) event(word);
  fs::rename(settings.data() / "hook.log", settings.data() / "hook.log.1");
  event("staysfour");
  const std::string id = id_of(Kind::event, "canarytwo");
  BOOST_TEST(shell("handler", {"--show", id}).status == 0);
  BOOST_TEST(holders(settings.data(), "canarytwo").size() >= 4u);
  const std::string before = hook("hook.log.1"), json_before = hook("hook.jsonl");
  const auto written = last_write(settings.data() / "hook.jsonl");

  const Ran deleted = shell("handler", {"--delete", id});
  BOOST_TEST(deleted.status == 0, deleted.err);
  BOOST_TEST(holders(settings.data(), "canarytwo").empty());
  BOOST_TEST(holders(settings.data(), id).empty());
  BOOST_TEST(hook("hook.log.1").size() == before.size());
  BOOST_TEST(lines_of(hook("hook.log.1")) == lines_of(before));
  BOOST_TEST(hook("hook.jsonl").size() == json_before.size());
  BOOST_TEST(hook("hook.jsonl").contains("{\"deleted\":true}"));
  BOOST_TEST(last_write(settings.data() / "hook.jsonl") == written);

  // What comes then stands in the logs once, as does what was there.
  event("staysfive");
  const std::string all = hook("hook.log.1") + hook("hook.log");
  for (const char* word : {"staysone", "staysthree", "staysfour", "staysfive"}) {
    BOOST_TEST(all.contains(word), word);
    BOOST_TEST(all.find(word) == all.rfind(word), word);
    BOOST_TEST(hook("hook.jsonl").find(word) == hook("hook.jsonl").rfind(word), word);
  }
  const Ran rebuilt = shell("handler", {"--rebuild"});
  BOOST_TEST(rebuilt.out.contains("4 events are in the new store"), rebuilt.out);
  BOOST_TEST(id_of(Kind::event, "canarytwo").empty());
  BOOST_TEST(!id_of(Kind::event, "staysthree").empty());
  BOOST_TEST(shell("handler", {"--journal", "verify"}).out.contains("4 records, 0 damages"));
}

BOOST_AUTO_TEST_CASE(of_two_equal_events_the_other_one_stays) {
  for (int i = 0; i < 2; ++i) event("twin");
  BOOST_TEST(shell("handler", {"--delete", id_of(Kind::event, "twin")}).status == 0);
  BOOST_TEST(!id_of(Kind::event, "twin").empty());
  for (const char* name : {"hook.log", "hook.jsonl"}) {
    const std::string log = hook(name);
    BOOST_TEST(log.contains("twin"), name);
    BOOST_TEST(log.find("twin") == log.rfind("twin"), name);
  }
}

// At each call that changes a file; called again, it goes on.
BOOST_AUTO_TEST_CASE(a_deletion_that_is_killed_anywhere_is_ended_by_the_next) {
  for (const char* word : {"staysone", "canarytwo", "staysthree"}) event(word);
  const std::string id = id_of(Kind::event, "canarytwo");
  const fs::path whole = settings.dir / "whole";
  fs::copy(settings.data(), whole, fs::copy_options::recursive);
  const std::string program = built("cgi-bin/handler.fcgi");
  const std::vector<std::string> strace{"strace", "-f", "-qq", "-o", "/dev/null"};
  const auto traced = [&](std::vector<std::string> more) {
    more.insert(more.begin(), strace.begin(), strace.end());
    return run({more, environment}).status;
  };
  if (traced({"-e", "trace=fsync", "true"}) != 0) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  constexpr int kKilled = 128 + SIGKILL;
  int kills = 0;
  for (const std::string call : {"pwrite64", "fdatasync", "unlink"}) {
    for (int when = 1, status = kKilled; status == kKilled; ++when) {
      fs::remove_all(settings.data());
      fs::copy(whole, settings.data(), fs::copy_options::recursive);
      status = traced({"-e", "trace=" + call, "-e",
                       "inject=" + call + ":signal=KILL:when=" + std::to_string(when), program,
                       "--delete", id});
      kills += status == kKilled ? 1 : 0;
      if (!id_of(Kind::event, "canarytwo").empty())
        BOOST_TEST(shell("handler", {"--delete", id}).status == 0);
      BOOST_TEST(holders(settings.data(), "canarytwo").empty(), call << " " << when);
      for (const char* word : {"staysone", "staysthree"}) {
        BOOST_TEST(!id_of(Kind::event, word).empty());
        BOOST_TEST(holders(settings.data(), word).size() == 4u);
      }
      const Ran verified = shell("handler", {"--journal", "verify"});
      BOOST_TEST(verified.out.contains("2 records, 0 damages"),
                 call << " " << when << verified.out);
    }
  }
  BOOST_TEST_MESSAGE(kills << " kills");
  BOOST_TEST(kills > 8);
}

BOOST_AUTO_TEST_CASE(a_deleted_lead_leaves_no_trace_and_is_not_sent_by_a_new_store) {
  lead("Staysone");
  lead("Canarytwo");
  const std::string id = id_of(Kind::lead, "Canarytwo");
  const fs::path log = settings.dir / "b24hooks.log.1";
  const std::string stays = "{\"lead\":\"other\",\"detail\":\"staystwo\"}\n";
  write_file(log, stays + "{\"lead\":\"" + id + "\",\"detail\":\"canarytwo\"}\n" + stays +
                      "2026.11.28 9:00:00\nArray\n(\n    [lead] => " + id +
                      "\n    [detail] => canarytwo\n)\n\n");
  const auto size = fs::file_size(log);
  Ran deleted;
  BOOST_TEST(wait_until([&] {  // what the form has begun may still be at it
    deleted = shell("index", {"--delete", id});
    return !deleted.err.contains("try again when that has ended");
  }));
  BOOST_TEST(deleted.status == 0, deleted.err);
  for (const std::string& word : {std::string("Canarytwo"), std::string("canarytwo"), id})
    BOOST_TEST(holders(settings.dir.path(), word).empty(), word);
  BOOST_TEST(fs::file_size(log) == size);
  BOOST_TEST(read_file(log).contains("{\"deleted\":true}"));
  BOOST_TEST(read_file(log).starts_with(stays));
  BOOST_TEST(read_file(log).find("staystwo") != read_file(log).rfind("staystwo"));
  fs::remove(settings.data() / "store.db");
  fs::remove(settings.data() / "store.db-wal");
  fs::remove(settings.data() / "store.db-shm");
  shell("index", {"--deliver"});
  BOOST_TEST(id_of(Kind::lead, "Canarytwo").empty());
  BOOST_TEST(!id_of(Kind::lead, "Staysone").empty());
}

// The owner may have made anything of them.
BOOST_AUTO_TEST_CASE(logs_that_are_none_are_passed_over) {
  event("canaryone");
  for (const char* log : {"hook.jsonl", "hook.log"}) {
    fs::remove(settings.data() / log);
    fs::create_directory(settings.data() / log);
  }
  BOOST_TEST(shell("handler", {"--delete", id_of(Kind::event, "canaryone")}).status == 0);
  BOOST_TEST(holders(settings.data(), "canaryone").empty());
}

BOOST_AUTO_TEST_SUITE_END()
