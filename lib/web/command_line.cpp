// command_line: the options of a binary, by its table.
#include "web/command_line.h"

#include <getopt.h>

#include <charconv>
#include <iterator>
#include <vector>

namespace b24 {
namespace {

constexpr Option kCommon[] = {
    {"--listen", "unix:PATH|HOST:PORT", "serve FastCGI on a socket of its own"},
    {"--threads", "N", "workers kept ready (1-1000)"},
    {"--settings", "FILE", "the settings file"},
    {"--help", "[settings|settings.conf]", "print this (or -h); what can be set; a settings file"},
    {"--version", "", "print the version"},
};

// getopt_long's codes for long options, above those for characters.
constexpr int kFirst = 256;

std::vector<Option> all_options(std::span<const Option> options) {
  std::vector<Option> all(options.begin(), options.end());
  all.insert(all.end(), std::begin(kCommon), std::end(kCommon));
  return all;
}

bool may_lack_argument(const Option& option) {
  return option.argument.starts_with('[');
}

std::vector<option> long_options(const std::vector<Option>& all) {
  std::vector<option> table;
  for (const Option& one : all) {
    const int argument = one.argument.empty()     ? no_argument
                         : may_lack_argument(one) ? optional_argument
                                                  : required_argument;
    const int code = kFirst + static_cast<int>(table.size());
    table.push_back({one.name.data() + 2, argument, nullptr, code});
  }
  table.push_back({});
  return table;
}

std::string unknown(const std::vector<Option>& all, std::string_view what) {
  std::string text = "unknown option " + std::string(what) + "; there are";
  for (const Option& one : all) text += ' ' + std::string(one.name);
  return text;
}

std::string needs(const Option& one) {
  return std::string(one.name) + " needs " + std::string(one.argument);
}

bool is_option(std::string_view text) {
  return text.starts_with("--");
}

std::expected<void, std::string> apply_common(CommandLine& line, std::string_view name,
                                              const std::string& value) {
  if (name == "--help") {
    line.help = true;
    line.help_topic = value;
  }
  if (name == "--version") line.version = true;
  if (name == "--listen") line.listen = value;
  if (name == "--settings") line.settings = value;
  if (name == "--threads") {
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, line.threads);
    if (read.ptr != end || line.threads < 1 || line.threads > 1000)
      return std::unexpected("--threads needs a number from 1 to 1000");
  }
  return {};
}

void append_table(std::string& text, std::span<const Option> options) {
  constexpr std::size_t kColumn = 34;
  for (const Option& option : options) {
    std::string left = "  " + std::string(option.name);
    if (!option.argument.empty()) left += ' ' + std::string(option.argument);
    if (left.size() < kColumn)
      left.resize(kColumn, ' ');
    else
      left += '\n' + std::string(kColumn, ' ');
    text += left + std::string(option.help) + '\n';
  }
}

}  // namespace

std::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> args,
                                                           std::span<const Option> options) {
  const std::vector<Option> all = all_options(options);
  const std::vector<option> known = long_options(all);
  std::vector<std::string> words = {""};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  const int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  CommandLine line;
  optind = 0;  // from the start, whoever has called it before
  // '+': what is no option ends the options; ':': it prints nothing itself.
  for (int at = 1; at < argc; at = optind) {
    const std::string& word = words[static_cast<std::size_t>(at)];
    int code = getopt_long(argc, argv.data(), "+:h", known.data(), nullptr);
    if (code == 'h') {
      line.help = true;
      continue;
    }
    if (code == -1 || (code == '?' && optopt < kFirst)) return std::unexpected(unknown(all, word));
    const Option& one = all[static_cast<std::size_t>((code < kFirst ? optopt : code) - kFirst)];
    if (code == '?') return std::unexpected(std::string(one.name) + " takes no argument");
    if (code == ':') return std::unexpected(needs(one));
    std::string value = optarg != nullptr ? optarg : "";
    const bool apart = optarg != nullptr && optind == at + 2;
    if (apart && is_option(value)) return std::unexpected(needs(one));
    // What may be left out getopt takes only from behind a '='.
    if (optarg == nullptr && may_lack_argument(one) && optind < argc && !is_option(argv[optind]))
      value = argv[optind++];
    if (code - kFirst < static_cast<int>(options.size()))
      line.arguments.emplace_back(one.name, value);
    else if (auto applied = apply_common(line, one.name, value); !applied)
      return std::unexpected(applied.error());
  }
  return line;
}

std::string help_text(const Program& program) {
  std::string name(program.name);
  std::string text = name + ".fcgi: " + std::string(program.summary) + "\n\n";
  text += "A web server starts it as CGI or FastCGI. From the shell:\n\n  " + name +
          ".fcgi [options]\n\n";
  append_table(text, program.options);
  append_table(text, kCommon);
  return text;
}

}  // namespace b24
