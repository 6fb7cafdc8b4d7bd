// threat_tests: what a hostile event can make the receiver do: nothing but be kept.
#include <boost/test/unit_test.hpp>
#include <regex>
#include <string>
#include <vector>

#include "decorators.h"
#include "event_fixture.h"
#include "fcgi_client.h"
#include "site.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;

namespace threat_tests {

// Where nothing may ever be fetched from: the machine itself and its neighbours in every spelling,
// what clouds tell their machines, other schemes, and names that look like the portal's.
const std::vector<std::string> kAddresses = {
    "http://127.0.0.1/",
    "http://127.1:22/",
    "http://127.0.0.1:6379/",
    "http://localhost/",
    "http://LOCALHOST.:8080/",
    "http://0.0.0.0/",
    "http://0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://[::1]/",
    "http://[::]:80/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[fe80::1%25lo]/",
    "http://[fc00::1]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://metadata.google.internal/computeMetadata/v1/",
    "https://example.bitrix24.com@127.0.0.1/rest/",
    "https://127.0.0.1#@example.bitrix24.com/rest/",
    "https://example.bitrix24.com.evil.example/rest/",
    "https://127.0.0.1.nip.example/rest/",
    "http://1。0。0。127/",
    "http://127.0.0.1%00.bitrix24.com/",
    "https://localhost:1/rest/\r\nHost: evil.example",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stats",
    "unix:/run/docker.sock",
    "//127.0.0.1/rest/",
    "() { :;}; touch /tmp/p",
};

// Everywhere in an event where an address could stand.
std::string event_with(const std::string& address, std::size_t id) {
  Value params = event_params("ONCRMDEALUPDATE", std::to_string(id), "");
  for (const char* name : {"domain", "server_endpoint", "client_endpoint", "refresh_token"})
    params["auth"].set(name, address);
  params["data"]["FIELDS"].set("URL", address);
  params.set("document_id", address);
  return php::build_query(params);
}

// The receiver under strace, with an action that calls the sandbox.
class Traced {
 public:
  explicit Traced(const Site& portal) {
    write_file(settings(),
               "C_REST_WEB_HOOK_URL = " + portal.webhook_url() +
                   "\n[data]\ndir = data\n[portal]\napplication_token = " + std::string(kToken) +
                   "\n[portal_call]\nca_file = " + (portal.run_dir() / "sandbox-ca.pem").string() +
                   "\n[on *]\ncall = crm.deal.get?id={data.FIELDS.ID}\n");
  }
  std::string where() const { return "unix:" + (dir_ / "s").string(); }
  std::string settings() const { return (dir_ / "settings.conf").string(); }
  std::string trace() const { return read_file(dir_ / "trace"); }
  std::size_t done() const {
    std::size_t count = 0;
    for (const Item& item : all_events(*good(Store::open(dir_ / "data"))))
      count += item.state == State::done || item.state == State::failed ? 1 : 0;
    return count;
  }
  Process start() const {
    return Process({{"strace", "-f", "-qq", "-o", (dir_ / "trace").string(), "-e",
                     "trace=connect,execve,execveat", built("cgi-bin/handler.fcgi"), "--settings",
                     settings(), "--listen", where()}});
  }

 private:
  TempDir dir_;
};

std::vector<std::string> all_matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it)
    found.push_back(it->str(it->size() - 1));
  return found;
}

}  // namespace threat_tests

BOOST_AUTO_TEST_SUITE(threat_tests)

BOOST_AUTO_TEST_CASE(what_an_event_names_is_neither_called_nor_run,
                     *shows("T6") * shows("T21") * shows("A24")) {
  Site& portal = shared_site();
  portal.reset();
  const Traced traced(portal);
  Process receiver = traced.start();
  if (!wait_until([&] { return listens(traced.where()) || !receiver.running(); }) ||
      !receiver.running()) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  for (std::size_t i = 0; i < kAddresses.size(); ++i) {
    const int status = ask(traced.where(), fcgi_post("", event_with(kAddresses[i], i + 1))).status;
    BOOST_TEST(status == 200, kAddresses[i]);
  }
  BOOST_TEST(wait_until([&] { return traced.done() == kAddresses.size(); }, 3 * kDeadline));
  receiver.signal(SIGTERM);
  receiver.wait();
  const std::string trace = traced.trace();
  const std::vector<std::string> ports = all_matches(trace, "sin6?_port=htons\\(([0-9]+)\\)");
  BOOST_TEST(!ports.empty());
  for (const std::string& port : ports) BOOST_TEST(port == std::to_string(portal.sandbox_port()));
  for (const std::string& to : all_matches(trace, "inet_addr\\(\"([^\"]*)\"\\)"))
    BOOST_TEST(to == "127.0.0.1");
  for (const std::string& to : all_matches(trace, "inet_pton\\(AF_INET6, \"([^\"]*)\""))
    BOOST_TEST(to == "::1");
  for (const std::string& to : all_matches(trace, "sun_path=@?\"([^\"]*)\""))
    BOOST_TEST(to.contains("nscd"));  // the C library's own
  BOOST_TEST(all_matches(trace, "(execve)").size() == 1u);
}

// Only the settings say which portal is heard; an installation from elsewhere is a stranger's word.
BOOST_AUTO_TEST_CASE(an_installation_takes_nothing_over, *shows("T22")) {
  const EventSettings settings;
  const std::string before = read_file(settings.file());
  for (const char* event : {"ONAPPINSTALL", "ONAPPUPDATE", "OnAppInstall"}) {
    Value params = event_params(event, "1", "");
    params["auth"].set("domain", "evil.example");
    params["auth"].set("application_token", "ffffffffffffffffffffffffffffffff");
    const Ran ran =
        run(cgi_call({"B24HOOKS_SETTINGS=" + settings.file()}, "POST", php::build_query(params)));
    BOOST_TEST(ran.out.starts_with("Status: 403"), ran.out);
  }
  BOOST_TEST(read_file(settings.file()) == before);
  BOOST_TEST(all_events(*good(Store::open(settings.data()))).empty());
}

BOOST_AUTO_TEST_SUITE_END()
