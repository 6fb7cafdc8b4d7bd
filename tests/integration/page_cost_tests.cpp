// page_cost_tests: what a request may cost a FastCGI process: looks at files, and memory.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "echo_server.h"
#include "fcgi_client.h"
#include "process.h"

using namespace b24::test;
using std::chrono::steady_clock;

namespace {

// The form, alone: its portal is never asked.
class Form {
 public:
  explicit Form(std::vector<std::string> under = {}) {
    write_file(dir_ / "settings.conf",
               "C_REST_WEB_HOOK_URL = https://localhost:1/rest/1/sandbox/\n[data]\ndir = data\n"
               "[page]\ntemplates = " +
                   (std::filesystem::current_path() / "templates").string() +
                   "\n[spam]\nper_address = 0\n[form]\nwait = 0\n");
    for (const std::string& part :
         {built("cgi-bin/index.fcgi"), std::string("--settings"), (dir_ / "settings.conf").string(),
          std::string("--listen"), where()})
      under.push_back(part);
    process_ = std::make_unique<Process>(Command{under});
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

}  // namespace

BOOST_AUTO_TEST_SUITE(page_cost_tests)

BOOST_AUTO_TEST_CASE(showing_the_form_looks_at_its_files_once_a_second) {
  TempDir dir;
  const std::string trace = (dir / "trace").string();
  Form form({"strace", "-f", "-qq", "-o", trace, "-e", "trace=%file"});
  if (!form.runs()) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  const auto begun = steady_clock::now();
  for (int i = 0; i < 300; ++i) BOOST_TEST_REQUIRE(ask(form.where(), fcgi_get("")).status == 200);
  const std::chrono::duration<double> took = steady_clock::now() - begun;
  const std::size_t looks = looks_in(read_file(trace));
  // Once a second each file of the templates, their directory, and the settings.
  BOOST_TEST(looks > 0U);
  BOOST_TEST(static_cast<double>(looks) <= 20 * (took.count() + 5), looks << " looks");
}

BOOST_AUTO_TEST_SUITE_END()
