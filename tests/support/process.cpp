// process: children, temporary directories, ports and waiting, for tests.
#include "process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "canary.h"

namespace b24::test {
namespace {

using std::chrono::milliseconds;

// The child's descriptors are moved up here first, so that no dup2 overwrites one still needed.
constexpr int kParking = 200;

int memory_file(const char* name, std::string_view content = {}) {
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
  if (!content.empty() &&
      pwrite(fd, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
    throw std::runtime_error("a memory file cannot be filled");
  // Appending keeps several writers from overwriting each other.
  if (content.empty()) fcntl(fd, F_SETFL, O_APPEND);
  return fd;
}

std::string content_of(int fd) {
  struct stat info {};
  fstat(fd, &info);
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

std::vector<std::string> child_environment(const Command& command) {
  std::vector<std::string> environment = command.environment;
  // Who is traced by strace cannot be looked at for leaks.
  const std::string traced = command.args.at(0) == "strace" ? ":detect_leaks=0" : "";
  for (const char* name : {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name))
      environment.push_back(std::string(name) + '=' + value +
                            (std::string_view(name).starts_with("ASAN") ? traced : ""));
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Between fork and exec only calls that are safe in a copy of a process with threads.
[[noreturn]] void become(const char* directory, char* const* args, char* const* environment,
                         const std::vector<std::pair<int, int>>& fds) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // A shell starts what runs in its background with SIGINT ignored; our child must not care.
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  int place = kParking;
  for (const auto& [ours, theirs] : fds)
    if (dup2(ours, place++) < 0) _exit(126);
  place = kParking;
  for (const auto& [ours, theirs] : fds) {
    if (dup2(place, theirs) < 0) _exit(126);
    close(place++);
  }
  if (directory != nullptr && chdir(directory) != 0) _exit(126);
  execvpe(args[0], args, environment);
  _exit(127);
}

}  // namespace

Process::Process(const Command& command) {
  int in = memory_file("stdin", command.input);
  out_ = memory_file("stdout");
  err_ = memory_file("stderr");
  std::vector<std::pair<int, int>> fds = {{in, 0}, {out_, 1}, {err_, 2}};
  fds.insert(fds.end(), command.fds.begin(), command.fds.end());
  std::vector<std::string> args = command.args;
  std::vector<std::string> environment = child_environment(command);
  std::vector<char*> arg_pointers = pointers(args);
  std::vector<char*> environment_pointers = pointers(environment);
  std::string directory = command.directory.string();
  pid_ = fork();
  if (pid_ == 0)
    become(directory.empty() ? nullptr : directory.c_str(), arg_pointers.data(),
           environment_pointers.data(), fds);
  close(in);
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)) {}

Process::~Process() {
  if (pid_ > 0 && running()) {
#ifdef PROGRAMS_COUNT  // what is killed does not write down what it counted
    signal(SIGTERM);
    wait(std::chrono::seconds(10));
#endif
    signal(SIGKILL);
    wait();
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

bool Process::running() {
  if (status_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

void Process::signal(int number) const {
  if (!status_) kill(pid_, number);
}

std::optional<int> Process::wait(milliseconds deadline) {
  wait_until([this] { return !running(); }, deadline);
  return status_;
}

std::string Process::out() const {
  return content_of(out_);
}
std::string Process::err() const {
  return content_of(err_);
}

Ran run(const Command& command, milliseconds deadline) {
  Process process(command);
  int status = process.wait(deadline).value_or(-1);
  return {status, process.out(), process.err()};
}

int wanted(const char* variable, int usual) {
  const char* const given = std::getenv(variable);
  return given != nullptr ? std::atoi(given) : usual;
}

std::string built(std::string_view name) {
  const char* build = std::getenv("BUILD");
  return std::filesystem::absolute(build != nullptr ? build : "build") / name;
}

bool wait_until(const std::function<bool()>& condition, milliseconds deadline) {
  const auto begin = std::chrono::steady_clock::now();
  while (!condition()) {
    const auto waited = std::chrono::steady_clock::now() - begin;
    if (waited > deadline) return false;
    // Many conditions ask a server or read a store: what takes long is not held up by being asked.
    std::this_thread::sleep_for(
        std::clamp<std::chrono::nanoseconds>(waited / 16, milliseconds(3), milliseconds(60)));
  }
  return true;
}

TempDir::TempDir() {
  std::string pattern = std::filesystem::temp_directory_path() / "b24hooks-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  report_secrets_told(path_);
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::filesystem::path& file, std::string_view text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
  std::filesystem::permissions(file, std::filesystem::perms{0600});
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

namespace {

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

}  // namespace

int free_port() {
  // Below those that the kernel gives to connections: until it is used, none of these takes it.
  constexpr int kLowest = 10'000, kHighest = 32'000, kTries = 100;
  static std::mt19937 random{std::random_device()()};
  for (int tries = 0; tries < kTries; ++tries) {
    const int port = std::uniform_int_distribution(kLowest, kHighest)(random);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = local(port);
    const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (bound) return port;
  }
  throw std::runtime_error("no free port");
}

FileHandle connected_to(int port) {
  FileHandle socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = local(port);
  const auto* place = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(socket.get(), place, sizeof address) == 0 ? std::move(socket) : FileHandle(-1);
}

bool can_connect(int port) {
  return connected_to(port).get() >= 0;
}

}  // namespace b24::test
