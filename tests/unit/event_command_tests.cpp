// event_command_tests: what an owner sees and does with events in the shell.
#include "handler/event_command.h"

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <sstream>

#include "base/text.h"
#include "decorators.h"
#include "event_fixture.h"
#include "handler/event.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace event_command_tests {

struct Said {
  int code = -1;
  std::string out;
  std::string err;
};

// Puts a stream's text into a string while it lives.
class Caught {
 public:
  explicit Caught(std::ostream& stream) : stream_(stream), before_(stream.rdbuf(text_.rdbuf())) {}
  ~Caught() { stream_.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::ostream& stream_;
  std::streambuf* before_;
};

struct CommandFixture {
  EventSettings settings;
  AppSource source{settings.launch(), "handler"};
  StoreSource stores{source};
  GateSource gates{source};
  Ingester ingester{source, stores, Kind::event, event_of};

  Said say(const Arguments& arguments) {
    const Caught out(std::cout);
    const Caught err(std::cerr);
    const int code = event_command({source, stores, gates, ingester}, arguments);
    return {code, out.text(), err.text()};
  }
  Item add(const Value& params, Millis age = 0, State state = State::done) {
    Store& store = *good(stores.current());
    NewItem item = make_event(record_of(params, now_ms() - age), {});
    item.state = state;
    return good(store.find(test::accept(store, item))).value();
  }
  Item look(const Item& item) { return good(good(stores.current())->find(item.number)).value(); }
};

std::size_t lines(const std::string& text) {
  return text::split(text, "\n").size();
}

}  // namespace event_command_tests

BOOST_FIXTURE_TEST_SUITE(event_command_tests, CommandFixture)

BOOST_AUTO_TEST_CASE(cells_are_no_formulas_and_no_other_cells, *shows("T30")) {
  const struct {
    std::string name;
    const char* cell;
  } cases[] = {{"ONX", "\"ONX\""},
               {"=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""},
               {"+1", "\"'+1\""},
               {"-1", "\"'-1\""},
               {"@SUM(A1)", "\"'@SUM(A1)\""},
               {"\t=1", "\"'\t=1\""},
               {"\r=1", "\"'\r=1\""},
               {"\n=1", "\"'\n=1\""},
               {" =1", "\"' =1\""},
               {"a,b", "\"a,b\""},
               {"a\"b", "\"a\"\"b\""},
               {"", "\"\""}};
  for (const auto& [name, cell] : cases) {
    Item item;
    item.number = 3;
    item.id = "id";
    item.name = name;
    item.received_at = 1'700'000'000'000;
    item.state = State::failed;
    item.payload = Value::map({{"a", "=1\"\n"}});
    BOOST_TEST(csv_line(item) == "3,\"id\",2023-11-14T22:13:20.000Z," + std::string(cell) +
                                     ",failed,\"{\"\"a\"\":\"\"=1\\\"\"\\n\"\"}\"\n");
  }
}

BOOST_AUTO_TEST_CASE(events_are_listed_by_state_name_and_time) {
  add(event_params("ONCRMDEALADD", "1"), 3'600'000);
  add(event_params("ONCRMDEALADD", "2"));
  add(event_params("ONCRMLEADADD", "3"), 0, State::pending);
  const struct {
    Arguments arguments;
    std::size_t events;
  } cases[] = {{{{"--list", ""}}, 3},
               {{{"--list", "pending"}}, 1},
               {{{"--list", "failed"}}, 0},
               {{{"--list", ""}, {"--event", "ONCRMDEALADD"}}, 2},
               {{{"--list", "pending"}, {"--event", "ONCRMDEALADD"}}, 0},
               {{{"--list", ""}, {"--since", "30m"}}, 2},
               {{{"--since", "30m"}, {"--event", "ONCRMDEALADD"}, {"--list", "done"}}, 1}};
  for (const auto& [arguments, events] : cases) {
    const Said said = say(arguments);
    BOOST_TEST(said.code == 0);
    BOOST_TEST(lines(said.out) == events + 2, said.out);  // a head and the numbers
  }
  BOOST_TEST(say({{"--list", "everything"}}).code == 64);
}

BOOST_AUTO_TEST_CASE(an_event_is_shown_without_its_token_and_without_control_bytes, *shows("T25")) {
  Value params = event_params();
  params.set("text", "a\x1b[31m\nforged");
  const Item item = add(params);
  const Said said = say({{"--show", item.id}});
  BOOST_TEST(said.code == 0);
  BOOST_TEST(said.out.contains("ONCRMDEALUPDATE"));
  BOOST_TEST(said.out.contains("\"ID\""), said.out);
  BOOST_TEST(!said.out.contains(kToken));
  BOOST_TEST(!said.out.contains('\x1b'));
  BOOST_TEST(!said.out.contains("\nforged"));
  BOOST_TEST(say({{"--show", item.id.substr(0, 10)}}).code == 0);
  const Said missing = say({{"--show", "nobody\x1b"}});
  BOOST_TEST(missing.code == 1);
  BOOST_TEST(!missing.err.contains('\x1b'));
}

BOOST_AUTO_TEST_CASE(events_are_exported_as_lines_of_json) {
  for (int id = 0; id < 250; ++id) add(event_params("ONX", std::to_string(id)));  // several reads
  add(event_params("=ONY", "x"));
  const Said all = say({{"--export", "jsonl"}});
  BOOST_TEST(all.code == 0);
  BOOST_TEST(lines(all.out) == 251u);
  int id = 0;
  for (const std::string& line : text::split(all.out, "\n")) {
    if (id == 250) break;
    BOOST_TEST(good(json::parse(line)).path("data.data.FIELDS.ID").text() == std::to_string(id));
    ++id;
  }
  BOOST_TEST(lines(say({{"--export", "jsonl"}, {"--event", "=ONY"}}).out) == 1u);
  const Said csv = say({{"--export", "csv"}, {"--event", "=ONY"}});
  BOOST_TEST(csv.out.starts_with("number,id,received_at,event,state,data\n"));
  BOOST_TEST(csv.out.contains(",\"'=ONY\",done,\"{"));
  BOOST_TEST(say({{"--export", "xml"}}).code == 64);
}

BOOST_AUTO_TEST_CASE(since_narrows_an_export_and_a_bad_time_is_refused_before_anything_is_done) {
  const Item old = add(event_params("ONX", "1"), 2 * 3'600'000);
  const Item fresh = add(event_params("ONX", "2"), 60'000);
  BOOST_TEST(lines(say({{"--export", "jsonl"}, {"--since", "1h"}}).out) == 1u);
  BOOST_TEST(lines(say({{"--export", "jsonl"}, {"--since", "3h"}}).out) == 2u);
  for (const char* option : {"--export", "--list", "--replay", "--retry"}) {
    const Said said =
        say({{option, option == std::string("--export") ? "csv" : ""}, {"--since", "soon"}});
    BOOST_TEST(said.code == 64, option);
    BOOST_TEST(said.out == "", option);
    BOOST_TEST(said.err.contains("2h"), option);
  }
  BOOST_TEST((look(fresh).state == State::done));
  BOOST_TEST((look(old).state == State::done));
}

BOOST_AUTO_TEST_CASE(one_event_is_replayed_by_its_id) {
  const Item item = add(event_params());
  const Item other = add(event_params("ONX"));
  BOOST_TEST(say({{"--replay", item.id}}).code == 0);
  BOOST_TEST((look(item).state == State::pending));
  BOOST_TEST((look(other).state == State::done));
  BOOST_TEST(say({{"--replay", "nobody"}}).code == 1);
}

BOOST_AUTO_TEST_CASE(events_are_replayed_by_time_and_name) {
  const Item old = add(event_params("ONX", "1"), 2 * 3'600'000);
  const Item fresh = add(event_params("ONX", "2"));
  const Item other = add(event_params("ONY", "3"));
  const Said said = say({{"--replay", ""}, {"--since", "1h"}, {"--event", "ONX"}});
  BOOST_TEST(said.code == 0);
  BOOST_TEST(said.out == "1 are due now\n");
  BOOST_TEST((look(fresh).state == State::pending));
  BOOST_TEST((look(old).state == State::done));
  BOOST_TEST((look(other).state == State::done));
}

// It may have been accepted this moment, or by a process that was killed then.
BOOST_AUTO_TEST_CASE(every_accepted_event_is_seen_in_the_order_of_acceptance) {
  std::vector<std::string> ids;
  const auto accept = [&](Millis at) {
    const Record record = record_of(event_params(), at);
    good(ingester.journal(good(source.current()))->append(std::vector{encode(record)}));
    ids.push_back(record.id);
  };
  const auto seen = [&](const Said& said) {
    std::vector<std::string> found;
    for (const std::string& line : text::split(said.out, "\n"))
      found.push_back(good(json::parse(line))["id"].text());
    return found;
  };
  const Millis now = now_ms();
  // The clock went a day ahead for a while, and was set back.
  for (const Millis at : {now + kDay, now + kDay + 5, now - 5'000, now - 4'000, now - 4'000})
    accept(at);
  BOOST_TEST(seen(say({{"--export", "jsonl"}})) == ids, boost::test_tools::per_element());
  accept(now - 3'000);
  const Said listed = say({{"--list", ""}, {"--since", "1h"}});
  BOOST_TEST(lines(listed.out) == ids.size() + 2, listed.out);
  for (std::size_t i = 1; i < ids.size(); ++i)
    BOOST_TEST(listed.out.find(ids[i]) < listed.out.find(ids[i - 1]));  // the newest first
  BOOST_TEST(seen(say({{"--export", "jsonl"}, {"--since", "1h"}})) == ids,
             boost::test_tools::per_element());
  accept(now - 2'000);
  BOOST_TEST(say({{"--replay", ""}, {"--since", "1h"}}).out ==
             std::to_string(ids.size()) + " are due now\n");
  accept(now - 1'000);
  BOOST_TEST(say({{"--replay", ids.back()}}).code == 0);
}

// Everything from the beginning is never what somebody means who forgot an argument.
BOOST_AUTO_TEST_CASE(a_replay_needs_an_id_or_a_time) {
  const Item item = add(event_params());
  for (const Arguments& arguments :
       {Arguments{{"--replay", ""}}, Arguments{{"--replay", ""}, {"--event", "ONCRMDEALUPDATE"}},
        Arguments{{"--since", "1h"}}, Arguments{{"--event", "ONCRMDEALUPDATE"}}, Arguments{}})
    BOOST_TEST(say(arguments).code == 64);
  BOOST_TEST((look(item).state == State::done));
}

BOOST_AUTO_TEST_CASE(failed_events_are_made_due_one_or_all_or_by_name) {
  Store& store = *good(stores.current());
  std::vector<Item> items;
  for (const char* name : {"ONX", "ONY", "ONZ"}) {
    items.push_back(add(event_params(name), 0, State::pending));
    BOOST_REQUIRE(good(store.claim(Kind::event, 1)).size() == 1);
    good(store.fail(items.back().number, {}));
  }
  BOOST_TEST(say({{"--retry", items[0].id}}).code == 0);
  BOOST_TEST((look(items[0]).state == State::pending));
  BOOST_TEST((look(items[1]).state == State::failed));
  BOOST_TEST(say({{"--retry", "all"}, {"--event", "ONY"}}).out == "1 are due now\n");
  BOOST_TEST((look(items[2]).state == State::failed));
  BOOST_TEST(say({{"--retry", "all"}}).out == "3 are due now\n");  // two wait already
  BOOST_TEST((look(items[2]).state == State::pending));
  BOOST_TEST(say({{"--retry", "nobody"}}).code == 1);
}

BOOST_AUTO_TEST_CASE(a_test_event_is_not_sent_without_a_token) {
  write_file(settings.file(), "[data]\ndir = data\n");
  AppSource without(settings.launch(), "handler");
  StoreSource no_stores(without);
  GateSource no_gates(without);
  const Caught err(std::cerr);
  BOOST_TEST(event_command({without, no_stores, no_gates, ingester},
                           {{"--send-test", "https://example.com/"}}) == 1);
}

BOOST_AUTO_TEST_CASE(without_settings_there_is_an_answer) {
  Launch launch = settings.launch();
  launch.settings_file = "/nowhere/settings.conf";
  AppSource nothing(launch, "handler");
  StoreSource no_stores(nothing);
  GateSource no_gates(nothing);
  for (const char* option : {"--list", "--export", "--tail", "--send-test"})
    BOOST_TEST(event_command({nothing, no_stores, no_gates, ingester}, {{option, "csv"}}) == 1,
               option);
}

BOOST_AUTO_TEST_SUITE_END()
