// floor: the least that a libfcgi program can do: four threads read the body and answer as many
// bytes as the query says.
#include <fcgiapp.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

void serve(int listener) {
  FCGX_Request request;
  FCGX_InitRequest(&request, listener, 0);
  char piece[4096];
  while (FCGX_Accept_r(&request) == 0) {
    while (FCGX_GetStr(piece, sizeof piece, request.in) > 0) {
    }
    const char* size = FCGX_GetParam("QUERY_STRING", request.envp);
    const std::string body(size == nullptr ? 2 : std::strtoul(size, nullptr, 10), 'x');
    FCGX_PutS("Content-Type: text/plain\r\n\r\n", request.out);
    FCGX_PutStr(body.data(), static_cast<int>(body.size()), request.out);
    FCGX_Finish_r(&request);
  }
}

}  // namespace

int main(int, char** argv) {
  FCGX_Init();
  std::signal(SIGTERM, SIG_DFL);
  const int listener = FCGX_OpenSocket(argv[1], 4096);
  if (listener < 0) return 1;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(serve, listener);
}
