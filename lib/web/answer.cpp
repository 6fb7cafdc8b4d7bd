// answer: requests on their way through a page, from their variables to what is sent.
#include "web/answer.h"

#include <unistd.h>

#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/text.h"

namespace b24 {

Response Page::not_kept(const Error& error, const Request&) {
  complain(error.cause);
  return text_response(503, "Not kept. Please try again later.\n");
}

Exchange::Exchange(Page& page, Environment environment)
    : page_(&page), environment_(std::move(environment)), request_(std::unexpected(Refusal{})) {}

template <class Step>
void Exchange::guarded(Step step) {
  if (failed_) return;
  try {
    step();
  } catch (const std::exception& fault) {
    failed_ = true;
    complain(std::string("a request failed: ") + fault.what());
    response_ = text_response(500, "Internal error. Please try again later.\n");
  }
}

void Exchange::read(const BodyReader& body) {
  guarded([&] { request_ = read_request(environment_, body, page_->limits()); });
}

void Exchange::respond() {
  guarded([&] {
    response_ =
        request_ ? page_->respond(*request_) : page_->refuse(request_.error(), environment_);
  });
}

std::string Exchange::text() const {
  return to_cgi(response_, environment_.get("REQUEST_METHOD") == "HEAD");
}

bool Exchange::keep(Page& page, std::span<Exchange> round) {
  std::vector<Exchange*> promising;
  std::vector<std::string> promises;
  for (Exchange& exchange : round) {
    if (exchange.response_.promise.empty()) continue;
    promising.push_back(&exchange);
    promises.push_back(std::move(exchange.response_.promise));
  }
  if (promises.empty()) return false;
  Status kept;
  try {
    kept = page.keep(promises);
  } catch (const std::exception& fault) {
    kept = std::unexpected(Error{ErrorKind::storage, "not_kept", fault.what(), ""});
  }
  if (kept) return true;
  for (Exchange* each : promising) {
    each->guarded(
        [&] { each->response_ = page.not_kept(kept.error(), each->request_.value_or(Request{})); });
  }
  return false;
}

void complain(std::string_view what) {
  static std::mutex mutex;
  static Millis next = 0;
  static int left_out = 0;
  const std::lock_guard lock(mutex);
  if (steady_ms() < next) {
    ++left_out;
    return;
  }
  next = steady_ms() + kSecond;
  std::string line = "b24hooks: " + text::for_log(what);
  if (left_out > 0) line += " (and " + std::to_string(left_out) + " more)";
  left_out = 0;
  line += '\n';
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace b24
