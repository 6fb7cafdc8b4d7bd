// command_line_tests: options by the table.
#include "web/command_line.h"

#include <boost/test/unit_test.hpp>

using namespace b24;

namespace command_line_tests {

constexpr Option kOptions[] = {
    {"--list", "[pending|failed]", "list what waits"},
    {"--retry", "ID|all", "try again"},
    {"--deliver", "", "deliver what is due"},
};

using Args = std::vector<const char*>;

std::expected<CommandLine, std::string> parse(const Args& args) {
  return parse_command_line(args, kOptions);
}

}  // namespace command_line_tests

BOOST_AUTO_TEST_SUITE(command_line_tests)

BOOST_AUTO_TEST_CASE(common_options_are_taken_out) {
  auto line = parse({"--listen", "unix:/run/x.sock", "--threads", "8", "--settings=a.conf"});
  BOOST_REQUIRE(line);
  BOOST_TEST(line->listen == "unix:/run/x.sock");
  BOOST_TEST(line->threads == 8);
  BOOST_TEST(line->settings == "a.conf");
  BOOST_TEST(line->arguments.empty());
  BOOST_TEST(!line->help);
  BOOST_TEST(parse({"--help"})->help);
  BOOST_TEST(parse({"-h"})->help);
  BOOST_TEST(parse({"--version"})->version);
}

BOOST_AUTO_TEST_CASE(options_of_the_page_keep_their_order_and_arguments) {
  Arguments want = {{"--deliver", ""}, {"--retry", "7"}, {"--list", "failed"}, {"--retry", "all"}};
  auto line = parse({"--deliver", "--retry", "7", "--list", "failed", "--retry=all"});
  BOOST_REQUIRE(line);
  BOOST_TEST((line->arguments == want));
}

BOOST_AUTO_TEST_CASE(an_argument_in_brackets_may_be_left_out) {
  BOOST_TEST((parse({"--list"})->arguments == Arguments{{"--list", ""}}));
  BOOST_TEST(
      (parse({"--list", "--deliver"})->arguments == Arguments{{"--list", ""}, {"--deliver", ""}}));
}

BOOST_AUTO_TEST_CASE(faults_are_told_in_words) {
  const std::string known =
      "; there are --list --retry --deliver --listen --threads --settings --help --version";
  struct {
    Args args;
    std::string want;
  } const cases[] = {
      {{"--foo"}, "unknown option --foo" + known},
      {{"--foo=1"}, "unknown option --foo=1" + known},
      {{"--lis"}, "unknown option --lis" + known},  // --list or --listen
      {{"-s"}, "unknown option -s" + known},
      {{"-hs"}, "unknown option -hs" + known},
      {{"pending"}, "unknown option pending" + known},
      {{""}, "unknown option " + known},
      {{"--"}, "unknown option --" + known},
      {{"--deliver", "now"}, "unknown option now" + known},
      {{"--deliver=now"}, "--deliver takes no argument"},
      {{"--retry"}, "--retry needs ID|all"},
      {{"--retry", "--list"}, "--retry needs ID|all"},
      {{"--listen"}, "--listen needs unix:PATH|HOST:PORT"},
      {{"--threads", "0"}, "--threads needs a number from 1 to 1000"},
      {{"--threads", "-1"}, "--threads needs a number from 1 to 1000"},
      {{"--threads", "1001"}, "--threads needs a number from 1 to 1000"},
      {{"--threads", "4x"}, "--threads needs a number from 1 to 1000"},
      {{"--threads", "99999999999999999999"}, "--threads needs a number from 1 to 1000"},
      {{"--threads="}, "--threads needs a number from 1 to 1000"},
  };
  for (const auto& c : cases) {
    auto line = parse(c.args);
    BOOST_TEST_CONTEXT(c.want) {
      BOOST_REQUIRE(!line);
      BOOST_TEST(line.error() == c.want);
    }
  }
}

BOOST_AUTO_TEST_CASE(help_lists_each_option) {
  std::string help =
      help_text({.name = "index", .summary = "the form", .options = kOptions, .make = nullptr});
  BOOST_TEST(help.starts_with("index.fcgi: the form\n"));
  for (std::string_view part :
       {"--list [pending|failed]", "--retry ID|all", "deliver what is due",
        "--listen unix:PATH|HOST:PORT", "--threads", "--settings FILE", "--help", "--version"})
    BOOST_TEST((help.find(part) != help.npos), part);
}

BOOST_AUTO_TEST_SUITE_END()
