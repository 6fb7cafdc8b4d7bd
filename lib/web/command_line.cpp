// command_line: the options of a binary, by its table.
#include "web/command_line.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace b24 {
namespace {

constexpr Option kCommon[] = {
    {"--listen", "unix:PATH|HOST:PORT", "serve FastCGI on a socket of its own"},
    {"--threads", "N", "workers kept ready (1-1000)"},
    {"--settings", "FILE", "the settings file"},
    {"--help", "[settings|settings.conf]", "print this; what can be set; a settings file"},
    {"--version", "", "print the version"},
};

const Option* find_option(std::span<const Option> options, std::string_view name) {
  auto found = std::ranges::find(options, name, &Option::name);
  return found == options.end() ? nullptr : &*found;
}

bool argument_is_optional(const Option& option) {
  return option.argument.starts_with('[');
}

// Takes what `option` needs from the "=value" attached to it (null for none) or from the arguments
// that follow.
std::expected<std::string, std::string> take_argument(const Option& option, const char* attached,
                                                      std::span<const char* const>& following) {
  std::string name(option.name);
  if (option.argument.empty()) {
    if (attached != nullptr) return std::unexpected(name + " takes no argument");
    return "";
  }
  if (attached != nullptr) return attached;
  bool is_there = !following.empty() && !std::string_view(following.front()).starts_with("--");
  if (!is_there) {
    if (argument_is_optional(option)) return "";
    return std::unexpected(name + " needs " + std::string(option.argument));
  }
  std::string value = following.front();
  following = following.subspan(1);
  return value;
}

std::optional<int> parse_threads(std::string_view text) {
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > 1000)
    return std::nullopt;
  return number;
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
    auto threads = parse_threads(value);
    if (!threads) return std::unexpected("--threads needs a number from 1 to 1000");
    line.threads = *threads;
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
  CommandLine line;
  while (!args.empty()) {
    std::string_view arg = args.front();
    args = args.subspan(1);
    std::size_t equals = arg.find('=');
    std::string_view name = arg.substr(0, equals);
    const Option* common = find_option(kCommon, name);
    const Option* option = common != nullptr ? common : find_option(options, name);
    if (option == nullptr) return std::unexpected("unknown option " + std::string(arg));
    const char* attached = equals == arg.npos ? nullptr : arg.data() + equals + 1;
    auto value = take_argument(*option, attached, args);
    if (!value) return std::unexpected(value.error());
    if (common == nullptr) {
      line.arguments.emplace_back(name, *value);
    } else if (auto applied = apply_common(line, name, *value); !applied) {
      return std::unexpected(applied.error());
    }
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
