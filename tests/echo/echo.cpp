// echo: the smallest page, for testing the server: it answers what it was asked, and at the end
// tells on stderr how often.
//
// What the query says is done first: wait=FILE makes FILE.begun and waits for FILE; away=FILE the
// same, and says so; size=N answers with N bytes; throw fails; keep promises to keep the query
// (KEEP: a file that gets a line with how many promises each call of keep had; it throws or fails
// while that file's .throws or .fails is there). REQUEST_TIME, MAX_THREADS, IDLE_TIME, ROUND, ALLOW
// and MAX_BODY in the environment set limits.
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "web/server.h"

namespace {

using namespace b24;

int number(const char* name, int fallback) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::atoi(value) : fallback;
}

class Echo : public Page {
 public:
  ~Echo() override { std::cerr << "answered " + std::to_string(requests_) + " requests\n"; }

  Response respond(const Request& request) override {
    ++requests_;
    const std::string& query = request.query_string;
    if (query.starts_with("wait=")) wait_for(query.substr(5));
    if (query.starts_with("away=")) {
      const Waiting for_file;
      wait_for(query.substr(5));
    }
    if (query == "throw") throw std::runtime_error("as asked");
    if (query.starts_with("size="))
      return text_response(200, std::string(std::stoul(query.substr(5)), 'x'));
    Response response = text_response(200, "method=" + request.method + "\nquery=" + query +
                                               "\naddress=" + request.remote_address +
                                               "\nbody=" + request.body + '\n');
    if (query.starts_with("keep")) response.promise = query;
    return response;
  }

  Status keep(std::span<const std::string> promises) override {
    const std::string file = std::getenv("KEEP");
    std::ofstream(file, std::ios::app) << promises.size() << '\n';
    if (std::filesystem::exists(file + ".throws")) throw std::runtime_error("thrown by keep");
    if (!std::filesystem::exists(file + ".fails")) return {};
    return std::unexpected(Error{ErrorKind::storage, "full", "the disk is full", ""});
  }

  void kept() override {
    std::ofstream(std::string(std::getenv("KEEP")) + ".kept", std::ios::app) << "1\n";
  }

  Response refuse(const Refusal& refusal, const Environment&) override {
    return text_response(refusal.status, refusal.code + '\n');
  }

  void work(std::stop_token stop) override {  // to the end, as a real page's does
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, std::move(stop), [] { return false; });
  }

  void after_answer() override {
    if (const char* file = std::getenv("AFTER_ANSWER")) wait_for(file);
  }

  int command(const Arguments& arguments) override {
    for (const auto& [name, value] : arguments) std::cout << name << '=' << value << '\n';
    return 7;
  }

  RequestLimits limits() override {
    RequestLimits limits;
    limits.body = static_cast<std::size_t>(number("MAX_BODY", 1 << 20));
    return limits;
  }

  ServerLimits server_limits() override {
    return {.threads = 2,
            .max_threads = number("MAX_THREADS", 8),
            .idle_time = number("IDLE_TIME", 30'000),
            .request_time = number("REQUEST_TIME", 10'000),
            .round = number("ROUND", 1),
            .allow = allowed()};
  }

 private:
  static std::vector<Network> allowed() {
    const char* network = std::getenv("ALLOW");
    return network != nullptr ? std::vector<Network>{*Network::parse(network)}
                              : std::vector<Network>{};
  }

  static void wait_for(const std::string& file) {
    std::ofstream(file + ".begun").flush();
    while (!std::filesystem::exists(file))
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }

  std::atomic<int> requests_ = 0;
};

constexpr Option kOptions[] = {
    {"--list", "[pending|failed]", "list what is there"},
    {"--show", "ID", "show one"},
};

}  // namespace

int main(int argc, char** argv) {
  return serve(
      argc, argv,
      {.name = "echo",
       .summary = "answers what it was asked",
       .options = kOptions,
       .make = [](const Launch&) -> std::unique_ptr<Page> { return std::make_unique<Echo>(); }});
}
