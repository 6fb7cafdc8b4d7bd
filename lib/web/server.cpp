// server: runs a page as CGI, as FastCGI (threads) or from the shell; stops cleanly.
#include "web/server.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <thread>

#include "base/files.h"
#include "base/version.h"
#include "settings/settings.h"
#include "value/value.h"
#include "web/answer.h"
#include "web/command_line.h"
#include "web/listener.h"
#include "web/rounds.h"

namespace b24 {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // these trace their own process, and need larger stacks
#else
constexpr bool kSanitized = false;
#endif

// Webhook secrets and visitors' data must not end in a core dump.
void forbid_core_dumps() {
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  if (!kSanitized) prctl(PR_SET_DUMPABLE, 0);
}

void print(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

// The variables as they are now: to set another may move the array.
Launch make_launch(Mode mode, const std::string& settings) {
  static const std::vector<const char*> variables = [] {
    std::vector<const char*> all;
    for (char** variable = environ; *variable != nullptr; ++variable) all.push_back(*variable);
    all.push_back(nullptr);
    return all;
  }();
  return {mode, find_settings(settings, environ).string(), variables.data()};
}

// --- CGI ---

long read_stdin(char* buffer, std::size_t size) {
  ssize_t got = 0;
  do {
    got = read(STDIN_FILENO, buffer, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

void write_stdout(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the web server has gone; what was done stands
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// A web server that still sends the body takes our end for a failure, and drops the answer.
void take_rest(std::int64_t taken) {
  constexpr std::int64_t kMost = 64 << 20;
  const Environment environment(environ);
  const std::string_view length = environment.get("CONTENT_LENGTH");
  if (length.empty() && environment.get("HTTP_TRANSFER_ENCODING").empty()) return;
  std::int64_t rest = length.empty() ? kMost : std::min(Value(length).integer() - taken, kMost);
  for (char buffer[16384]; rest > 0;) {
    const long got = read_stdin(buffer, std::min<std::size_t>(sizeof buffer, rest));
    if (got <= 0) return;
    rest -= got;
  }
}

// The web server waits until all three are closed, Apache for stderr too.
void let_go_of_web_server() {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, file);
}

int serve_cgi(const Program& program) {
  std::unique_ptr<Page> page = program.make(make_launch(Mode::cgi, ""));
  Exchange exchange(*page, Environment(environ));
  std::int64_t taken = 0;
  exchange.read([&](char* buffer, std::size_t size) {
    const long got = read_stdin(buffer, size);
    taken += std::max(got, 0L);
    return got;
  });
  exchange.respond();
  Exchange::keep(*page, {&exchange, 1});
  write_stdout(exchange.text());
  take_rest(taken);
  let_go_of_web_server();
  page->after_answer();
  return 0;
}

// --- FastCGI ---

void allow_many_descriptors() {
  constexpr rlim_t kEnough = 16384;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return;
  limit.rlim_cur = std::min(limit.rlim_max, kEnough);
  setrlimit(RLIMIT_NOFILE, &limit);
}

void keep_memory_small() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kSanitized ? 8 << 20 : 1 << 20);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
  // Each takes memory. But of two the receiver's busy threads share one, and wait for each other
  // for a tenth of what an event costs; of four they do by chance.
  mallopt(M_ARENA_MAX, 8);
  // Or a large piece that is given back raises it, and every arena keeps that much at its end.
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// The page's background work must not end before the process does.
void work_in_background(Page& page, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      page.work(stop);
      return;
    } catch (const std::exception& fault) {
      complain(std::string("background work failed: ") + fault.what());
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }
}

// Until a stop is asked for, or another process has taken the place over.
void wait_for_the_end(const sigset_t& signals, const Listener& listener) {
  const FileHandle stop(signalfd(-1, &signals, SFD_CLOEXEC));
  pollfd set[] = {{stop.get(), POLLIN, 0}, {listener.changes(), POLLIN, 0}};
  const int look = listener.must_look() ? 1'000 : -1;
  while (set[0].revents == 0 && !listener.is_replaced()) poll(set, std::size(set), look);
}

// Without a listener that was handed over it opens its own, once everything else is ready.
int serve_fastcgi(const Program& program, std::optional<Listener> listener,
                  const CommandLine& line) {
  // Blocked before the first thread starts, so that all inherit it and only this one sees them.
  sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGHUP, SIG_IGN);
  allow_many_descriptors();
  keep_memory_small();
  if (!prepare_rounds()) {
    print(stderr, "libfcgi cannot be started\n");
    return 1;
  }
  std::unique_ptr<Page> page = program.make(make_launch(Mode::fastcgi, line.settings));
  ServerLimits limits = page->server_limits();
  if (line.threads > 0) limits.threads = line.threads;
  limits.max_threads = std::max(limits.max_threads, limits.threads);
  if (!listener) {
    auto opened = Listener::open(line.listen, limits.allow);
    if (!opened) {
      const Error& error = opened.error();
      print(stderr, std::string(program.name) + ": " + error.cause + "\n" + error.remedy + "\n");
      return 1;
    }
    listener.emplace(std::move(*opened));
  }
  listener->allow(limits.allow);
  // In this order, so that at the end the background is waited for once the rounds are through.
  std::jthread background(
      [&page](const std::stop_token& stop) { work_in_background(*page, stop); });
  Rounds rounds(*listener, *page, limits);
  wait_for_the_end(signals, *listener);
  background.request_stop();
  return 0;
}

// --- the command line ---

int print_help(const Program& program, const CommandLine& line) {
  if (line.help_topic == "settings") {
    print(stdout, settings_whereabouts(line.settings, environ) + settings_help());
  } else if (line.help_topic == "settings.conf") {
    print(stdout, settings_example());
  } else if (line.help_topic.empty()) {
    print(stdout, help_text(program) + "\n" + settings_whereabouts(line.settings, environ));
  } else {
    print(stderr, "there is help on settings and settings.conf only\n");
    return EX_USAGE;
  }
  return 0;
}

int run_command(const Program& program, const CommandLine& line) {
  if (line.help) return print_help(program, line);
  if (line.version) {
    print(stdout, "b24hooks " + std::string(program.name) + ' ' + std::string(kVersion) + '\n');
    return 0;
  }
  if (!line.listen.empty()) return serve_fastcgi(program, std::nullopt, line);
  const int code = program.make(make_launch(Mode::shell, line.settings))->command(line.arguments);
  if (code == EX_USAGE && line.arguments.empty()) print(stdout, help_text(program));
  return code;
}

int choose_mode(int argc, char** argv, const Program& program) {
  auto listener = Listener::inherited();
  bool is_cgi = std::getenv("GATEWAY_INTERFACE") != nullptr;
  if (!listener && (is_cgi || std::getenv("REQUEST_METHOD") != nullptr)) return serve_cgi(program);
  CommandLine line;
  // A web server may hand a visitor's query string to a CGI program as arguments.
  if (!is_cgi) {
    auto parsed = parse_command_line(std::span(argv, static_cast<std::size_t>(argc)).subspan(1),
                                     program.options);
    if (!parsed) {
      print(stderr, std::string(program.name) + ": " + parsed.error() + '\n');
      return EX_USAGE;
    }
    line = std::move(*parsed);
  }
  return listener ? serve_fastcgi(program, std::move(listener), line) : run_command(program, line);
}

}  // namespace

int serve(int argc, char** argv, const Program& program) {
  forbid_core_dumps();
  signal(SIGPIPE, SIG_IGN);
  try {
    return choose_mode(argc, argv, program);
  } catch (const std::exception& fault) {
    print(stderr, std::string(program.name) + ": " + fault.what() + '\n');
    return 1;
  }
}

}  // namespace b24
