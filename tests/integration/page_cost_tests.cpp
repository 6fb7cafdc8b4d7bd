// page_cost_tests: what a request may cost a FastCGI process: looks at files, and memory.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "decorators.h"
#include "echo_server.h"
#include "fcgi_client.h"
#include "process.h"

using namespace b24::test;
using std::chrono::steady_clock;

namespace page_cost_tests {

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

// A page, alone: its portal is never asked.
class Alone {
 public:
  explicit Alone(const std::string& name = "index", std::vector<std::string> under = {}) {
    write_file(dir_ / "settings.conf",
               "C_REST_WEB_HOOK_URL = https://localhost:1/rest/1/sandbox/\n[data]\ndir = data\n"
               "[page]\ntemplates = " +
                   (std::filesystem::current_path() / "templates").string() +
                   "\n[portal]\napplication_token = " + std::string(kToken) +
                   "\n[spam]\nper_address = 0\n[form]\nwait = 0\n");
    for (const std::string& part :
         {built("cgi-bin/" + name + ".fcgi"), std::string("--settings"),
          (dir_ / "settings.conf").string(), std::string("--listen"), where()})
      under.push_back(part);
    process_ = std::make_unique<Process>(b24::test::Command{under});
    runs_ =
        wait_until([&] { return listens(where()) || !process_->running(); }) && process_->running();
  }

  std::string where() const { return "unix:" + (dir_ / "s").string(); }
  std::filesystem::path file(const char* name) const { return dir_ / name; }
  bool runs() const { return runs_; }
  Process& process() { return *process_; }

 private:
  TempDir dir_;
  std::unique_ptr<Process> process_;
  bool runs_ = false;
};

// Lines of a trace that are a look at a template, at their directory, or at the settings.
std::size_t looks_in(const std::string& trace) {
  std::size_t count = 0;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);)
    if (line.contains("/templates") || line.contains("settings.conf\"")) ++count;
  return count;
}

std::string repeated(const std::string& text, std::size_t bytes) {
  std::string all;
  while (all.size() + text.size() <= bytes) all += text;
  return all;
}

// The figures of that name ("voluntary_ctxt_switches:") of all files, added up.
long sum_of(const std::string& name, const std::vector<std::filesystem::path>& files) {
  long sum = 0;
  for (const auto& file : files) {
    std::istringstream text(read_file(file));
    for (std::string word; text >> word;) {
      long figure = 0;
      if (word == name && text >> figure) sum += figure;
    }
  }
  return sum;
}

// A figure of /proc/PID/status, in MB.
long memory(pid_t pid, const std::string& name) {
  return sum_of(name + ":", {"/proc/" + std::to_string(pid) + "/status"}) / 1024;
}

// How often a process has gone to sleep, and what it has written to the disk.
std::pair<long, long> use_of(pid_t pid) {
  const std::filesystem::path proc = "/proc/" + std::to_string(pid);
  std::vector<std::filesystem::path> threads;
  for (const auto& thread : std::filesystem::directory_iterator(proc / "task"))
    threads.push_back(thread.path() / "status");
  return {sum_of("voluntary_ctxt_switches:", threads), sum_of("write_bytes:", {proc / "io"})};
}

}  // namespace page_cost_tests

BOOST_AUTO_TEST_SUITE(page_cost_tests)

BOOST_AUTO_TEST_CASE(showing_the_form_looks_at_its_files_once_a_second) {
  TempDir dir;
  const std::string trace = (dir / "trace").string();
  Alone form("index", {"strace", "-f", "-qq", "-o", trace, "-e", "trace=%file"});
  if (!form.runs()) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  const auto begun = steady_clock::now();
  for (int i = 0; i < 300; ++i) BOOST_TEST_REQUIRE(ask(form.where(), fcgi_get("")).status == 200);
  const std::chrono::duration<double> took = steady_clock::now() - begun;
  const std::size_t looks = looks_in(read_file(trace));
  // Once a second each file of the templates, their directory, and the settings; at the start each
  // is opened, too, and so are the libraries.
  const auto files = std::distance(std::filesystem::directory_iterator("templates"), {}) + 2;
  BOOST_TEST(looks > 0U);
  BOOST_TEST(static_cast<double>(looks) <= static_cast<double>(files) * (took.count() + 5),
             looks << " looks");
}

BOOST_AUTO_TEST_CASE(a_program_at_rest_neither_wakes_nor_writes, *as_released()) {
  Alone form, handler("handler"), checkserver("checkserver");
  Alone* const pages[] = {&form, &handler, &checkserver};
  for (Alone* page : pages) {
    BOOST_REQUIRE(page->runs());
    ask(page->where(), fcgi_get(""));
  }
  const std::string event = "event=ONTEST&auth[application_token]=" + std::string(kToken);
  BOOST_TEST(ask(handler.where(), fcgi_post("", event)).status == 200);
  // What follows a request takes a while to come to an end.
  BOOST_TEST(wait_until([&] {
    std::vector<std::pair<long, long>> before;
    for (Alone* page : pages) before.push_back(use_of(page->process().pid()));
    std::this_thread::sleep_for(std::chrono::seconds(7));  // three wakes of every two seconds
    return std::ranges::equal(pages, before, [](Alone* page, const auto& was) {
      const auto [switches, bytes] = use_of(page->process().pid());
      return switches <= was.first + 2 && bytes == was.second;
    });
  }));
}

// Bodies of one MiB that are the most work for somebody.
BOOST_AUTO_TEST_CASE(any_body_of_a_megabyte_costs_little_memory_and_gives_it_back,
                     *as_released() * shows("F9") * shows("A21")) {
  constexpr std::size_t kMega = 1 << 20;
  const std::string form_type = "application/x-www-form-urlencoded";
  const std::string multipart = "multipart/form-data; boundary=b";
  const std::string part = "--b\r\nContent-Disposition: form-data; name=first_name\r\n\r\n";
  std::string deep = "saved=1", wide = "saved=1";
  for (int i = 0; i < 990; ++i) {
    deep += "&a" + std::to_string(i) + repeated("[x]", 62 * 3) + "=";
    wide += "&a" + std::to_string(i) + "[" + std::to_string(i) + "]=" + std::string(1'000, 'v');
  }
  const std::pair<std::string, std::string> bodies[] = {
      {form_type, deep},
      {form_type, "saved=1" + repeated("&a" + repeated("[]", 120), 16'000)},
      {form_type, wide},
      {form_type, "saved=1&first_name=" + std::string(kMega - 100, '<')},
      {form_type, "saved=1&first_name=" + repeated("%ff", kMega - 100)},
      {"application/json", "[" + repeated("[],", kMega - 100) + "0]"},
      {"application/json", "{\"saved\":1,\"email\":\"" + std::string(kMega - 100, '&') + "\"}"},
      {multipart, part + std::string(kMega - 200, '"') + "\r\n--b--\r\n"},
      {multipart, repeated(part + "\r\n", kMega - 200) + "--b--\r\n"}};
  EchoServer echo;
  Alone form;
  BOOST_REQUIRE(form.runs());
  for (const auto& [where, process] :
       {std::pair(echo.where, &echo.process), std::pair(form.where(), &form.process())}) {
    ask(where, fcgi_get(""));
    const long start = memory(process->pid(), "VmRSS");
    for (const auto& [type, body] : bodies) {
      BOOST_TEST_CONTEXT(where << " " << type << " " << body.substr(0, 40)) {
        const std::string request = fcgi_head(post_params("", body.size(), type)) + fcgi_body(body);
        std::vector<std::jthread> threads;
        for (int i = 0; i < 32; ++i) threads.emplace_back([&] { ask(where, request); });
        threads.clear();
        BOOST_TEST(memory(process->pid(), "VmHWM") < 200);
        BOOST_TEST(wait_until([&] { return memory(process->pid(), "VmRSS") < start + 30; }),
                   memory(process->pid(), "VmRSS") << " MB, at the start " << start);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
