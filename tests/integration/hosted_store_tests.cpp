// hosted_store_tests: a PostgreSQL that somebody else runs: by TLS and a password that a file has,
// and behind a pooler.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "decorators.h"
#include "machine.h"
#include "network.h"
#include "postgres.h"
#include "site.h"
#include "tls_server.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;

namespace hosted_store_tests {

namespace fs = std::filesystem;

const std::string kPassword = "kM7w2-of-the-database";

// One node: that it is kept twice is the hoster's word.
std::string settings(const std::string& url) {
  return cluster_settings(url, "[store]\nreplicated = no\n");
}

struct Hosted {
  const Authority authority;
  const std::string address = own_address(1);
  Postgres postgres{1, {address}};
  const std::string database = postgres.new_database();
  const TempDir dir;
  const std::string passfile = passfile_with(kPassword, 0600);

  Hosted() {
    postgres.put(1, "server.pem", pem_of(*authority.issue("localhost")));
    postgres.put(1, "pg_hba.conf", "local all all trust\nhostssl all all all scram-sha-256\n");
    for (const char* setting :
         {"ssl = on", "ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.pem'"})
      postgres.ask(std::string("ALTER SYSTEM SET ") + setting);
    postgres.ask("ALTER ROLE b24app PASSWORD '" + kPassword + "'; SELECT pg_reload_conf()");
    if (!wait_until([&] { return postgres.ask("SHOW ssl") == "on"; }))
      throw std::runtime_error("no TLS");
    migrate("postgres://b24owner@/" + database + "?host=" + postgres.socket_dir(1).string(), url());
  }
  std::string passfile_with(const std::string& password, int mode) const {
    const fs::path file = dir / ("pass" + std::to_string(password.size()) + std::to_string(mode));
    write_file(file, "*:5432:" + database + ":b24app:" + password + "\n");
    fs::permissions(file, fs::perms(mode));
    return file.string();
  }
  std::string url() const { return url("localhost", authority, passfile); }
  std::string url(const std::string& host, const Authority& by, const std::string& pass) const {
    return "postgres://b24app@" + host + "/" + database + "?hostaddr=" + address +
           "&sslmode=verify-full&sslrootcert=" + by.ca_file().string() + "&passfile=" + pass;
  }
  std::string events() const {
    return postgres.ask("SELECT count(*) FROM b24hooks.items WHERE kind = 'event'", database);
  }
};

// pgbouncer in front of a node.
class Pooler {
 public:
  Pooler(const Postgres& postgres, const std::string& mode) {
    write_file(dir_ / "users", "\"b24app\" \"\"\n");
    write_file(dir_ / "conf", "[databases]\n* = host=" + postgres.socket_dir(1).string() +
                                  "\n[pgbouncer]\nunix_socket_dir=" + dir_.path().string() +
                                  "\nlisten_port=5432\nauth_type=trust\nauth_file=" +
                                  (dir_ / "users").string() + "\npool_mode=" + mode + "\n");
    for (const fs::path& each : {dir_.path(), dir_ / "users", dir_ / "conf"})
      give_to_server_user(each);
    process_ = std::make_unique<Process>(
        b24::test::Command{as_server_user("/usr/sbin/pgbouncer", {(dir_ / "conf").string()})});
    if (!wait_until([&] { return fs::exists(dir_ / ".s.PGSQL.5432"); }))
      throw std::runtime_error("pgbouncer: " + process_->err());
  }
  std::string host() const { return dir_.path().string(); }
  // From now on its connections are never at rest.
  void be_busy(const std::string& database) {
    write_file(dir_ / "sql", "SELECT pg_sleep(0.001);\n");
    clients_ = std::make_unique<Process>(
        b24::test::Command{{postgres_programs() / "pgbench", "-n", "-c", "30", "-T", "600", "-h",
                            host(), "-U", "b24app", "-f", (dir_ / "sql").string(), database}});
  }

 private:
  TempDir dir_;
  std::unique_ptr<Process> process_, clients_;
};

Ran shell(const Site& site, const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), built("cgi-bin/" + program + ".fcgi"));
  arguments.insert(arguments.end(), {"--settings", (site.run_dir() / "settings.conf").string()});
  return run({arguments});
}

void send(const Site& site) {
  const HttpReply reply =
      site.post("/handler.php", "event=ONX&ts=1700000000&auth[application_token]=" + site.token());
  BOOST_TEST(reply.status == 200);
}

std::string state_of(const Site& site, const std::string& check) {
  const Value rows =
      json::parse(shell(site, "checkserver", {"--format", "json"}).out).value_or(Value())["checks"];
  for (const Value::Member& each : rows.members())
    if (each.value["id"].text() == check) return each.value["state"].text();
  return "";
}

}  // namespace hosted_store_tests

using namespace hosted_store_tests;

BOOST_AUTO_TEST_SUITE(hosted_store_tests)

BOOST_AUTO_TEST_CASE(a_password_goes_to_the_right_server_alone_and_no_fault_tells_it,
                     *shows("T25")) {
  const Hosted hosted;
  const Site site({{}, settings(hosted.url())});
  send(site);
  BOOST_TEST(wait_until([&] { return hosted.events() == "1"; }));
  BOOST_TEST(hosted.postgres.ask("SELECT DISTINCT version FROM pg_stat_ssl JOIN pg_stat_activity "
                                 "USING (pid) WHERE usename = 'b24app'") == "TLSv1.3");
  BOOST_TEST(state_of(site, "database") == "ok");
  BOOST_TEST(state_of(site, "passfile") == "ok");

  const Authority stranger("somebody else");
  const struct {
    std::string url, told, passfile, shown = told;
  } kFaults[] = {
      {hosted.url("db.example", hosted.authority, hosted.passfile), "does not match host name",
       "ok"},
      {hosted.url("localhost", stranger, hosted.passfile), "certificate verify failed", "ok"},
      {hosted.url("localhost", hosted.authority, hosted.passfile_with("wrong", 0600)),
       "password authentication failed for user", "ok"},
      {hosted.url("localhost", hosted.authority, hosted.passfile_with(kPassword, 0644)),
       "closed to others (mode 0600)", "error", "so it is not used"},
  };
  for (const auto& fault : kFaults) {
    BOOST_TEST_CONTEXT(fault.told) {
      site.set_setting("store", fault.url);
      const Ran ran = shell(site, "handler", {"--export", "csv"});
      BOOST_TEST(ran.status == 1);
      BOOST_TEST(ran.err.contains(fault.told), ran.err);
      BOOST_TEST(!ran.err.contains(kPassword));
      std::string page;
      const auto shown = [&] {
        page = site.get("/checkserver.php").body;
        return page.contains(fault.shown);
      };
      BOOST_TEST(wait_until(shown));
      BOOST_TEST(!page.contains(kPassword));
      BOOST_TEST(state_of(site, "database") == "error");
      BOOST_TEST(state_of(site, "passfile") == fault.passfile);
      send(site);
    }
  }
  site.set_setting("store", hosted.url());
  BOOST_TEST(wait_until([&] { return hosted.events() == "5"; }), hosted.events());
  for (const auto& file : fs::recursive_directory_iterator(site.run_dir()))
    if (file.is_regular_file()) BOOST_TEST(!read_file(file).contains(kPassword), file.path());
}

BOOST_AUTO_TEST_CASE(a_pooler_that_parts_sessions_is_refused_and_one_that_does_not_serves) {
  Postgres& postgres = shared_postgres();
  const std::string database = postgres.new_database();
  migrate(postgres.owner_url(database), postgres.url(database));
  Pooler parting(postgres, "transaction");
  const Pooler other(postgres, "transaction"), keeping(postgres, "session");
  const auto by = [&](const std::string& hosts) {
    return "postgres://b24app@/" + database + "?host=" + hosts;
  };
  const Site site({{}, cluster_settings(by(keeping.host()))});
  send(site);
  const auto events = [&] { return postgres.ask("SELECT count(*) FROM b24hooks.items", database); };
  BOOST_TEST(wait_until([&] { return events() == "1"; }));
  BOOST_TEST(state_of(site, "database") == "ok");

  const auto refused = [&](const std::string& hosts) {
    site.set_setting("store", by(hosts));
    const Ran ran = shell(site, "handler", {"--export", "csv"});
    BOOST_TEST(ran.err.contains("pooler (pgbouncer) in transaction mode"), hosts << ran.err);
    BOOST_TEST(ran.status == 1);
  };
  refused(parting.host());
  refused(parting.host() + "," + other.host());
  BOOST_TEST(wait_until([&] { return state_of(site, "database") == "error"; }));
  parting.be_busy(database);
  for (int i = 0; i < 10; ++i) refused(parting.host());
  send(site);
  site.set_setting("store", by(keeping.host()));
  BOOST_TEST(wait_until([&] { return events() == "2"; }));
}

BOOST_AUTO_TEST_SUITE_END()
