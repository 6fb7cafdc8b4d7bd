// bundle_tests: what `make dist` packs, as shared hosting runs it: static programs in an empty root
// directory; Apache with suEXEC and .htaccess.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <thread>
#include <tuple>

#include "form_client.h"
#include "hoster.h"
#include "value/php.h"

using namespace b24::test;
using b24::Value;
namespace fs = std::filesystem;

namespace bundle_tests {

const Site& site() {
  static const Site only;
  return only;
}

std::string event(int number, std::string_view token = kToken) {
  return "event=ONCRMDEALUPDATE&data[FIELDS][ID]=" + std::to_string(number) +
         "&auth[application_token]=" + std::string(token);
}

bool in_portal(const std::string& name) {
  const Value leads = site().leads();
  return std::ranges::any_of(leads.members(), [&](const Value::Member& lead) {
    return lead.value["NAME"].text() == name;
  });
}

void trust_sandbox(const fs::path& file) {
  fs::create_directories(file.parent_path());
  fs::copy_file(site().run_dir() / "sandbox-ca.pem", file, fs::copy_options::overwrite_existing);
}

// Answers every question for an address with 127.0.0.1, as a name server at 127.0.0.77.
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in place{.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {}, .sin_zero = {}};
    inet_pton(AF_INET, kAddress, &place.sin_addr);
    BOOST_REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  static constexpr const char* kAddress = "127.0.0.77";

 private:
  void serve() const {
    char packet[512];
    for (;;) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const ssize_t size = ::recvfrom(socket_, packet, sizeof packet, 0,
                                      reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 17) return;
      const std::string answer = answered(std::string(packet, static_cast<std::size_t>(size)));
      ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from),
               length);
    }
  }
  // RFC 1035, section 4: the question once more, and for type A one answer that points to its name.
  static std::string answered(const std::string& question) {
    const std::size_t name_end = question.find('\0', 12);
    const bool is_address = question[name_end + 2] == 1;
    std::string answer = question.substr(0, name_end + 5);
    answer[2] = '\x81';
    answer[3] = '\x80';
    answer.replace(6, 6, std::string("\0\1\0\0\0\0", 6));
    if (!is_address) answer[7] = '\0';
    if (is_address) answer += std::string("\xC0\x0C\0\1\0\1\0\0\0\x3C\0\4\x7F\0\0\1", 16);
    return answer;
  }

  int socket_;
  std::thread thread_;
};

// The form, an event and the self-check, all at the addresses below `base`.
void the_pages_do_their_work(const Hoster& host, const std::string& base, const std::string& name) {
  const HttpReply page = host.get(base + "index.php");
  BOOST_TEST_REQUIRE(page.status == 200, page.raw << host.errors());
  Value params = person(name);
  params.set("form_token", input_value(page.body, "form_token"));
  const HttpReply sent = host.post(base + "index.php", b24::php::build_query(params));
  BOOST_TEST(sent.status == 303, sent.raw << host.errors());
  BOOST_TEST(in_portal(name));

  BOOST_TEST(host.post(base + "handler.php", event(7)).status == 200, host.errors());
  BOOST_TEST(host.post(base + "handler.php", event(8, "wrong")).status == 403);

  const HttpReply stranger = host.get(base + "checkserver.php");
  BOOST_TEST(stranger.body.contains("name=\"key\""), stranger.raw << host.errors());
  BOOST_TEST(!stranger.body.contains(host.home().string()));
}

std::string key_of(const fs::path& b24hooks) {
  const std::string text = read_file(b24hooks / "data/checkserver.key");
  return text.substr(0, text.find('\n'));
}

HttpReply report(const Hoster& host, const std::string& path) {
  const fs::path inside = host.home() / "public_html/b24hooks";
  const fs::path b24hooks = fs::exists(inside) ? inside : host.home() / "b24hooks";
  return http(host.port(),
              {"GET", path + "?format=json", {"X-B24hooks-Key: " + key_of(b24hooks)}, ""});
}

std::string state_of(const HttpReply& reply, const std::string& id) {
  const Value checks = body_json(reply)["checks"];
  for (const Value::Member& check : checks.members())
    if (check.value["id"].text() == id) return check.value["state"].text();
  return "missing: " + reply.raw;
}

void the_three_pages_do_their_work(const EmptyHost& host, const std::string& windows_1251,
                                   const std::string& name) {
  const std::string page = host.ask("index", {"GET", "/index.php", {}, ""}).body;
  const HttpReply sent = host.ask(
      "index", {"POST",
                "/index.php",
                {"Content-Type: application/x-www-form-urlencoded; charset=windows-1251"},
                "first_name=" + windows_1251 + "&phone=1&email=a%40example.com&form_token=" +
                    input_value(page, "form_token")});
  BOOST_TEST(sent.status == 303, sent.raw);
  BOOST_TEST(in_portal(name));
  const HttpReply taken = host.ask(
      "handler",
      {"POST", "/handler.php", {"Content-Type: application/x-www-form-urlencoded"}, event(7)});
  BOOST_TEST(taken.status == 200, taken.raw);
  BOOST_TEST(read_file(host.root() / "home/b24hooks/data/hook.log").contains("[ID] => 7\n"));
  BOOST_TEST(host.ask("checkserver", {"GET", "/checkserver.php", {}, ""}).status == 200);
}

}  // namespace bundle_tests

BOOST_AUTO_TEST_SUITE(bundle_tests)

BOOST_AUTO_TEST_CASE(the_programs_are_static_small_and_tell_nothing_of_where_they_were_built) {
  const TempDir dir;
  unpack_bundle(dir.path());
  for (const char* name : {"index", "handler", "checkserver"}) {
    const fs::path program = dir / "b24hooks/cgi-bin" / (std::string(name) + ".fcgi");
    BOOST_TEST(fs::file_size(program) <= 10'000'000u, name);
    BOOST_TEST(run({{"readelf", "--dynamic", program}}).out.contains("NEEDED") == false, name);
    BOOST_TEST(run({{"readelf", "--program-headers", program}}).out.contains("INTERP") == false);
    BOOST_TEST(!read_file(program).contains(fs::current_path().string() + "/"), name);
  }
}

BOOST_AUTO_TEST_CASE(the_same_programs_are_packed_to_the_same_bytes) {
  const TempDir dir;
  fs::create_directory_symlink(fs::absolute("build/static"), dir / "static");
  const Ran ran = run({{"conf/dist/pack"}, {"BUILD=" + dir.path().string()}}, 10 * kDeadline);
  BOOST_TEST_REQUIRE(ran.status == 0, ran.err);
  for (const char* ending : {".tar.gz", ".zip"}) {
    const fs::path again = dir / "dist" / bundle(ending).filename();
    BOOST_TEST((read_file(again) == read_file(bundle(ending))), ending);
  }
  BOOST_TEST(
      run({{"sha256sum", "--check", "--quiet", "SHA256SUMS"}, {}, "", {}, "build/dist"}).status ==
      0);
}

BOOST_AUTO_TEST_CASE(what_is_secret_and_what_runs_has_its_mode_in_the_archive) {
  const TempDir dir;
  unpack_bundle(dir.path());
  const struct {
    const char* path;
    unsigned mode;
  } rows[] = {{"b24hooks/data", 0700},         {"b24hooks/settings.conf", 0600},
              {"b24hooks/cgi-bin", 0755},      {"b24hooks/cgi-bin/index.fcgi", 0755},
              {"public_html/index.php", 0755}, {"public_html/.htaccess", 0644},
              {"b24hooks/.htaccess", 0644},    {"cgi-bin-only/cgi-bin/handler.cgi", 0755}};
  for (const auto& row : rows) {
    const auto mode = fs::status(dir / row.path).permissions() & fs::perms::mask;
    BOOST_TEST(static_cast<unsigned>(mode) == row.mode, row.path);
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_needed_of_the_host_whatever_its_umask) {
  for (const auto& [umask, bytes, name] :
       {std::tuple(0022, "%C0%ED%ED%E0", "Анна"), std::tuple(0077, "%CE%EB%E5%E3", "Олег")}) {
    const EmptyHost host(site());
    trust_sandbox(host.root() / "etc/pki/tls/certs/ca-bundle.crt");
    const mode_t before = ::umask(static_cast<mode_t>(umask));
    the_three_pages_do_their_work(host, bytes, name);
    ::umask(before);
  }
}

BOOST_AUTO_TEST_CASE(certificate_authorities_are_found_where_each_system_keeps_them) {
  const EmptyHost host(site());
  for (const char* place :
       {"etc/ssl/certs/ca-certificates.crt", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/ca-bundle.pem", "etc/ssl/cert.pem",
        "home/b24hooks/conf/ca-certificates.crt"}) {
    trust_sandbox(host.root() / place);
    const Ran checked = host.shell("checkserver", {"--format", "text"});
    BOOST_TEST(checked.out.contains("Portal's certificate: It is trusted"), place << checked.out);
    fs::remove(host.root() / place);
  }
  BOOST_TEST(!host.shell("checkserver", {}).out.contains("It is trusted"));
}

BOOST_AUTO_TEST_CASE(names_are_looked_up_without_any_module_of_the_host) {
  if (geteuid() != 0) return;  // only root may answer at a name server's port
  const EmptyHost host(site());
  const NameServer names;
  write_file(host.root() / "etc/resolv.conf",
             std::string("nameserver ") + NameServer::kAddress + "\n");
  // As systemd's hosts have it: its module is another C library's.
  write_file(host.root() / "etc/nsswitch.conf", "hosts: resolve [!UNAVAIL=return] mymachines\n");
  const std::string port = std::to_string(site().sandbox_port());
  const Ran asked = host.shell("handler", {"--send-test", "https://portal.example:" + port + "/"});
  BOOST_TEST(asked.err.contains("certificate"), asked.out << asked.err);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_uploaded_works_by_mod_cgi_and_suexec) {
  const Hoster host(CgiModule::cgi, site());
  the_pages_do_their_work(host, "/", "Cgi");
  BOOST_TEST(host.get("/").body.contains("name=\"form_token\""));
  const HttpReply whole = report(host, "/checkserver.php");
  BOOST_TEST(state_of(whole, "portal_tls") == "ok");
  BOOST_TEST(state_of(whole, "data_dir") == "ok");
}

BOOST_AUTO_TEST_CASE(it_works_in_a_folder_of_a_site_and_leaves_the_rest_alone) {
  const Hoster host(CgiModule::cgid, site());
  fs::rename(host.home() / "public_html", host.home() / "crm");
  fs::create_directory(host.home() / "public_html");
  fs::rename(host.home() / "crm", host.home() / "public_html/crm");
  write_file(host.home() / "public_html/index.html", "the home page");
  fs::permissions(host.home() / "public_html/index.html", fs::perms(0644));
  host.give_away();
  the_pages_do_their_work(host, "/crm/", "Cgid");
  BOOST_TEST(host.get("/").body == "the home page");
}

BOOST_AUTO_TEST_CASE(it_works_where_programs_run_only_in_cgi_bin) {
  const Hoster host(CgiModule::cgid, site());
  fs::remove_all(host.home() / "public_html");
  fs::rename(host.home() / "cgi-bin-only", host.home() / "public_html");
  the_pages_do_their_work(host, "/", "Only");
}

BOOST_AUTO_TEST_CASE(inside_the_web_root_it_needs_a_setting_is_closed_and_checkserver_looks) {
  const Hoster host(CgiModule::cgid, site());
  fs::rename(host.home() / "b24hooks", host.home() / "public_html/b24hooks");
  BOOST_TEST(host.get("/index.php").status == 503);
  const fs::path settings = host.home() / "public_html/b24hooks/settings.conf";
  const std::string text = read_file(settings);
  write_file(settings, text + "[data]\nin_web_root = yes\n");
  the_pages_do_their_work(host, "/", "Inside");
  BOOST_TEST(host.get("/b24hooks/settings.conf").status == 403);
  BOOST_TEST(state_of(report(host, "/checkserver.php"), "leaks") == "error");
  std::string public_url = "public_url = http://localhost:";
  public_url += std::to_string(host.port()) + "/\n[data]\nin_web_root = yes\n";
  write_file(settings, text.substr(0, text.find("public_url =")) + public_url);
  fs::remove(settings.parent_path() / "data/checkserver.json");  // the report stands for a while
  const HttpReply closed = report(host, "/checkserver.php");
  for (const char* check : {"leaks", "settings_privacy", "data_dir", "logs_dir"})
    BOOST_TEST(state_of(closed, check) == "ok", check << closed.body << host.errors());
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_said) {
  const Hoster host(CgiModule::cgid, site());
  fs::rename(host.home() / "b24hooks", host.home() / "elsewhere");
  const HttpReply reply = host.get("/handler.php");
  BOOST_TEST(reply.status == 500);
  BOOST_TEST(reply.body.contains("b24hooks/cgi-bin/handler.fcgi"), reply.raw << host.errors());
}

BOOST_AUTO_TEST_SUITE_END()
