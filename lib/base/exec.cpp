// exec: see exec.h.
#include "base/exec.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/files.h"

namespace b24 {
namespace {

constexpr std::size_t kMostOutput = 64 << 10;
constexpr int kMoment = 20;  // ms between two looks at whether the program has ended

void shut(FileHandle& file) {
  file = FileHandle(-1);
}

// posix_spawn's two argument objects, freed together.
struct SpawnPlan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    // Our threads block all signals; a program must not inherit that, nor an ignored SIGPIPE.
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

Result<pid_t> spawn(SpawnPlan& plan, short flags, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment) {
  if (arguments.empty() || !arguments[0].starts_with('/')) {
    return std::unexpected(Error{ErrorKind::input, "not_absolute",
                                 "a program must be given by its absolute path",
                                 "write the whole path, as `command -v NAME` prints it"});
  }
  // Not all that is open here is ours to mark for closing: libraries open files, too.
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, 3);
  posix_spawnattr_setflags(
      &plan.attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | flags));
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, arguments[0].c_str(), &plan.actions, &plan.attributes,
                                 pointers(arguments).data(), pointers(environment).data());
  if (failed != 0) return std::unexpected(system_error(ErrorKind::input, arguments[0], failed));
  return pid;
}

// Takes what has come; closes `from` at its end.
void listen_to(FileHandle& from, std::string& output) {
  std::array<char, 4096> buffer{};
  while (from.get() >= 0 && output.size() <= kMostOutput) {
    const ssize_t n = read(from.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return shut(from);
    output.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

// Feeds the program and listens to it for a moment.
void converse(FileHandle& to, FileHandle& from, std::string_view& input, std::string& output) {
  if (to.get() >= 0 && input.empty()) shut(to);
  std::array<pollfd, 2> fds{{{from.get(), POLLIN, 0}, {to.get(), POLLOUT, 0}}};
  if (poll(fds.data(), 2, kMoment) <= 0) return;
  if (fds[1].revents != 0) {
    const ssize_t n = write(to.get(), input.data(), input.size());
    if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
    if (n < 0 && errno != EAGAIN) shut(to);  // it does not want to read: not our concern
  }
  if (fds[0].revents == 0) return;
  listen_to(from, output);
  output.resize(std::min(output.size(), kMostOutput));
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<ProgramResult> run_program(const ProgramRun& run) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0)
    return std::unexpected(system_error(ErrorKind::input, "pipe", errno));
  FileHandle child_in(in[0]);
  FileHandle to(in[1]);
  if (pipe2(out, O_CLOEXEC) != 0)
    return std::unexpected(system_error(ErrorKind::input, "pipe", errno));
  FileHandle from(out[0]);
  FileHandle child_out(out[1]);
  fcntl(to.get(), F_SETFL, O_NONBLOCK);
  fcntl(from.get(), F_SETFL, O_NONBLOCK);

  SpawnPlan plan;
  posix_spawn_file_actions_adddup2(&plan.actions, child_in.get(), 0);
  posix_spawn_file_actions_adddup2(&plan.actions, child_out.get(), 1);
  posix_spawn_file_actions_adddup2(&plan.actions, child_out.get(), 2);
  // A group of its own, so that its children can be killed with it.
  const Result<pid_t> pid = spawn(plan, POSIX_SPAWN_SETPGROUP, run.arguments, run.environment);
  if (!pid) return std::unexpected(pid.error());
  shut(child_in);
  shut(child_out);

  ProgramResult result;
  std::string_view input = run.input;
  const Millis deadline = steady_ms() + run.time_limit;
  int status = 0;
  bool ended = false;
  while (!ended && !result.timed_out && !result.stopped) {
    converse(to, from, input, result.output);
    // Not the end of its output: a child of its that goes on may hold that.
    ended = waitpid(*pid, &status, WNOHANG) == *pid;
    result.stopped = !ended && run.stop.stop_requested();
    result.timed_out = !ended && !result.stopped && steady_ms() >= deadline;
  }
  if (!ended) {
    kill(-*pid, SIGKILL);
    waitpid(*pid, &status, 0);
  }
  listen_to(from, result.output);
  result.output.resize(std::min(result.output.size(), kMostOutput));
  result.exit_code = exit_code_of(status);
  return result;
}

Status start_detached(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment) {
  SpawnPlan plan;
  posix_spawn_file_actions_addopen(&plan.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&plan.actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&plan.actions, 2, "/dev/null", O_WRONLY, 0);
  const Result<pid_t> pid = spawn(plan, POSIX_SPAWN_SETSID, arguments, environment);
  if (!pid) return std::unexpected(pid.error());
  return {};
}

}  // namespace b24
