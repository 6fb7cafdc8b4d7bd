// answer: one request through a page, from its variables to the text that CGI and FastCGI send.
#include "web/answer.h"

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <mutex>

#include "base/text.h"

namespace b24 {

Response Page::not_kept(const Error& error, const Request&) {
  complain(error.cause);
  return text_response(503, "Not kept. Please try again later.\n");
}

namespace {

constexpr std::size_t kLarge = 8 * 1024;

// Declared before all that a request holds, so that this is gone when it gives memory back.
struct Trim {
  std::size_t bytes = 0;
  ~Trim() {
    if (bytes > kLarge) malloc_trim(0);
  }
};

}  // namespace

std::string answer(Page& page, const Environment& environment, const BodyReader& read) {
  Trim trim;
  bool head = environment.get("REQUEST_METHOD") == "HEAD";
  try {
    auto request = read_request(environment, read, page.limits());
    trim.bytes = request ? request->body.size() + request->query_string.size() : kLarge + 1;
    Response response =
        request ? page.respond(*request) : page.refuse(request.error(), environment);
    if (!response.promise.empty()) {
      const Status kept = page.keep({&response.promise, 1});
      if (!kept) response = page.not_kept(kept.error(), *request);
    }
    return to_cgi(response, head);
  } catch (const std::exception& fault) {
    complain(std::string("a request failed: ") + fault.what());
    return to_cgi(text_response(500, "Internal error. Please try again later.\n"), head);
  }
}

void complain(std::string_view what) {
  using std::chrono::steady_clock;
  static std::mutex mutex;
  static steady_clock::time_point next;
  static int left_out = 0;
  std::lock_guard lock(mutex);
  auto now = steady_clock::now();
  if (now < next) {
    ++left_out;
    return;
  }
  next = now + std::chrono::seconds(1);
  std::string line = "b24hooks: " + text::for_log(what);
  if (left_out > 0) line += " (and " + std::to_string(left_out) + " more)";
  left_out = 0;
  line += '\n';
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace b24
