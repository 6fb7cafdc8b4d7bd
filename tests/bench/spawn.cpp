// spawn COUNT BODY PROGRAM [ARGUMENT...]: runs a CGI program that often, one after the other, and
// prints the median of the milliseconds from its start to its end. Each "#" in BODY becomes a
// number of this run's own. Ends with 1 when an answer is an error.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

std::string answer_to(const std::string& body, char** command) {
  std::array<int, 2> in{}, out{};
  if (pipe(in.data()) != 0 || pipe(out.data()) != 0) return {};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in[0], 0);
  posix_spawn_file_actions_adddup2(&files, out[1], 1);
  for (const int file : {in[0], in[1], out[0], out[1]})
    posix_spawn_file_actions_addclose(&files, file);
  setenv("CONTENT_LENGTH", std::to_string(body.size()).c_str(), 1);
  pid_t child = 0;
  const bool begun = posix_spawnp(&child, command[0], &files, nullptr, command, environ) == 0;
  posix_spawn_file_actions_destroy(&files);
  close(in[0]);
  close(out[1]);
  const bool sent = write(in[1], body.data(), body.size()) == static_cast<ssize_t>(body.size());
  close(in[1]);
  std::string answer;
  std::array<char, 1 << 16> piece{};
  for (ssize_t got = 0; sent && (got = read(out[0], piece.data(), piece.size())) > 0;)
    answer.append(piece.data(), static_cast<std::size_t>(got));
  close(out[0]);
  if (begun) waitpid(child, nullptr, 0);
  return answer;
}

std::string numbered(std::string body, long number) {
  for (std::size_t at = 0; (at = body.find('#', at)) != std::string::npos;)
    body.replace(at, 1, std::to_string(number));
  return body;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::vector<double> took;
  for (long i = 0; i < std::atol(argv[1]); ++i) {
    const auto begun = std::chrono::steady_clock::now();
    const std::string answer = answer_to(numbered(argv[2], getpid() * 1000L + i), argv + 3);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begun;
    if (answer.empty() || answer.contains("Status: 4") || answer.contains("Status: 5")) return 1;
    took.push_back(time.count());
  }
  std::ranges::nth_element(took, took.begin() + static_cast<long>(took.size() / 2));
  std::printf("%.2f\n", took[took.size() / 2]);
}
