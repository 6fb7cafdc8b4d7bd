// log_tests: what a line looks like, what it must not hold, and where it goes.
#include "settings/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <thread>
#include <vector>

#include "decorators.h"
#include "process.h"
#include "value/json.h"

using namespace b24;

namespace log_tests {

struct Fixture {
  test::TempDir dir;
  Settings settings;
  Millis now = 1'795'500'090'123;  // 2026-11-24T06:01:30.123Z

  Fixture() { settings.data.dir = dir / "data"; }
  Log log() {
    return Log(settings, "index", [this] { return now; });
  }
  std::string text() { return test::read_file(dir / "data/b24hooks.log"); }
  // The log's lines, each of which must be a JSON object.
  std::vector<Value> lines() {
    std::vector<Value> result;
    std::string all = text();
    for (std::size_t end; (end = all.find('\n')) != std::string::npos; all.erase(0, end + 1)) {
      Result<Value> line = json::parse(all.substr(0, end));
      BOOST_TEST_REQUIRE(line.has_value());
      result.push_back(*line);
    }
    BOOST_TEST(all == "");
    return result;
  }
};

// What `act` writes to stderr.
std::string stderr_of(const test::TempDir& dir, const std::function<void()>& act) {
  const std::filesystem::path file = dir / "stderr";
  const int saved = dup(STDERR_FILENO);
  const int descriptor = open(file.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  dup2(descriptor, STDERR_FILENO);
  close(descriptor);
  act();
  dup2(saved, STDERR_FILENO);
  close(saved);
  return test::read_file(file);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace log_tests

BOOST_FIXTURE_TEST_SUITE(log_tests, Fixture)

BOOST_AUTO_TEST_CASE(a_line_says_when_how_bad_where_and_what) {
  log().write(Log::Level::warning, "call", Value::map({{"method", "profile"}, {"took", 12}}));
  BOOST_TEST(text() ==
             "{\"time\":\"2026-11-24T06:01:30.123Z\",\"level\":\"warning\",\"page\":\"index\","
             "\"what\":\"call\",\"method\":\"profile\",\"took\":12}\n");
}

BOOST_AUTO_TEST_CASE(fields_cannot_replace_what_the_log_says_itself) {
  log().write(Log::Level::info, "call", Value::map({{"time", "never"}, {"x", 1}}));
  BOOST_TEST(lines().at(0)["time"].text() == "2026-11-24T06:01:30.123Z");
  BOOST_TEST(lines().at(0)["x"].integer() == 1);
}

BOOST_AUTO_TEST_CASE(an_error_keeps_its_parts) {
  log().error("store", {ErrorKind::storage, "disk_full", "store.db: no space", "free some space"});
  const Value line = lines().at(0);
  BOOST_TEST(line["level"].text() == "error");
  BOOST_TEST(line["kind"].text() == "storage");
  BOOST_TEST(line["code"].text() == "disk_full");
  BOOST_TEST(line["remedy"].text() == "free some space");
}

BOOST_AUTO_TEST_CASE(nothing_that_a_visitor_sends_starts_a_second_line_or_steers_a_terminal,
                     *shows("T24") * shows("A25")) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"a\r\n{\"level\":\"info\"}\r\n"sv, "\x1b[2J\x07"sv, "a\0b"sv, "\x7f"sv,
        "\xc2\x85\xc2\x9b"sv, "\xe2\x80\xa8\xe2\x80\xa9"sv, "\xff\xfe\x80"sv, "\xc2"sv}) {
    log().write(Log::Level::info, "refused",
                Value::map({{"cause", text}, {std::string(text).c_str(), 1}}));
  }
  BOOST_TEST(lines().size() == 8U);
  const std::string all = text();
  BOOST_TEST(std::ranges::count(all, '\n') == 8);
  BOOST_TEST(std::ranges::none_of(
      all, [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; }));
  for (const char* hidden : {"\xc2\x85", "\xc2\x9b", "\xe2\x80\xa8", "\xe2\x80\xa9"})
    BOOST_TEST(!contains(all, hidden));
  BOOST_TEST(lines().at(4)["cause"].text() == "\xc2\x85\xc2\x9b");  // kept, as an escape
  BOOST_TEST(lines().at(5)["cause"].text() == "\xe2\x80\xa8\xe2\x80\xa9");
}

BOOST_AUTO_TEST_CASE(secrets_are_masked_in_names_and_in_texts, *shows("T25")) {
  for (const bool dump : {false, true}) {
    settings.crest.log_type_dump = dump;
    log().write(Log::Level::info, "call",
                Value::map({{"url", "https://p/rest/1/SECRET/profile.json"},
                            {"auth", Value::map({{"application_token", "SECRET"}})},
                            {"body", "{\"password\":\"SECRET\\\"SECRET\"}"},
                            {"deep", Value::list({Value::list({"secret=SECRET"})})},
                            {"long", std::string(1990, 'x') + " /rest/1/SECRET/"}}));
  }
  BOOST_TEST(!contains(text(), "SECRET"));
  BOOST_TEST(contains(text(), "/rest/1/***/profile.json"));
}

BOOST_AUTO_TEST_CASE(an_endless_field_is_cut, *shows("T24")) {
  log().write(Log::Level::info, "refused", Value::map({{"cause", std::string(1'000'000, 'x')}}));
  BOOST_TEST(lines().at(0)["cause"].text().size() < 2100U);
}

BOOST_AUTO_TEST_CASE(crests_settings_block_move_and_change_the_log) {
  settings.crest.logs_dir = (dir / "logs").string();
  settings.crest.log_type_dump = true;
  log().write(Log::Level::info, "call", Value::map({{"cause", "a\n[level] => forged"}}));
  const std::string dumped = test::read_file(dir / "logs/b24hooks.log");
  BOOST_TEST(contains(dumped, "Array\n(\n    [time] => 2026-11-24T06:01:30.123Z\n"));
  BOOST_TEST(!contains(dumped, "\n[level] => forged"));
  settings.crest.block_log = true;
  log().write(Log::Level::info, "call", Value::array());
  BOOST_TEST(test::read_file(dir / "logs/b24hooks.log") == dumped);
}

BOOST_AUTO_TEST_CASE(too_many_lines_of_a_kind_are_counted_instead) {
  Log bounded = log();
  for (int i = 0; i < 25; ++i)
    bounded.write_bounded(Log::Level::warning, "refused", Value::map({{"i", i}}), 10);
  bounded.write_bounded(Log::Level::warning, "other", Value::array(), 10);
  BOOST_TEST(lines().size() == 11U);
  now += 60'000;
  bounded.write_bounded(Log::Level::warning, "refused", Value::map({{"i", 25}}), 10);
  bounded.write_bounded(Log::Level::warning, "refused", Value::map({{"i", 26}}), 10);
  BOOST_TEST(lines().at(11)["left_out"].integer() == 15);
  BOOST_TEST(!lines().at(12).find("left_out"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_goes_to_stderr) {
  test::write_file(dir / "data", "a file where the directory should be");
  const std::string shown = stderr_of(dir, [&] {
    log().write(Log::Level::error, "call", Value::map({{"x", "y\nz"}}));
  });
  BOOST_TEST(shown.starts_with("b24hooks index: {\"time\":"));
  BOOST_TEST(std::ranges::count(shown, '\n') == 1);
}

BOOST_AUTO_TEST_CASE(a_complaint_is_one_masked_line) {
  const std::string shown = stderr_of(dir, [] {
    complain("index", {ErrorKind::settings, "bad_value", "a\n/rest/1/SECRET/ \x1b[2J", "mend it"});
  });
  BOOST_TEST(shown == "b24hooks index: a\\x0a/rest/1/***/ \\x1b[2J. mend it\n");
}

BOOST_AUTO_TEST_CASE(threads_do_not_mix_their_lines) {
  Log shared = log();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        shared.write(Log::Level::info, "call", Value::map({{"text", std::string(500, 'x')}}));
    });
  threads.clear();
  BOOST_TEST(lines().size() == 200U);
}

BOOST_AUTO_TEST_SUITE_END()
