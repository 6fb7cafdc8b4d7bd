// checkserver_permission_tests: advice on permissions is followed to the letter, and then all is
// well.
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <regex>
#include <set>

#include "check_site.h"
#include "value/json.h"

namespace checkserver_permission_tests {

namespace fs = std::filesystem;
using namespace b24::test;
using b24::Value;

// What permissions decide.
const std::set<std::string> kRows = {"settings", "settings_privacy", "data_dir", "write",
                                     "store",    "logs_dir",         "log_file", "hook_log",
                                     "templates"};

// An installation that any user can run, below a directory with a blank in its name.
struct Place {
  Place() {
    fs::create_directories(home / "programs");
    fs::copy_file(built("cgi-bin/checkserver.fcgi"), home / "programs/checkserver.fcgi");
    fs::copy("templates", home / "programs/templates");
    shell("chmod -R a+rX . && mkdir etc logs && touch etc/settings.conf");
    write_file(home / "etc/settings.conf",
               "C_REST_WEB_HOOK_URL = https://127.0.0.1:1/rest/1/secretsecret99/\n"
               "C_REST_LOGS_DIR = ../logs\n[data]\ndir = ../data\n");
  }
  // In the shell of root, or of whoever runs the tests.
  void shell(const std::string& lines) const {
    const Ran ran = run({{"sh", "-ec", "umask 022; cd '" + home.string() + "'; " + lines}});
    BOOST_TEST(ran.status == 0, lines << ": " << ran.err);
  }
  // A line that is no setting is one for the shell.
  void obey(const std::string& line) const {
    const std::string key = line.substr(0, line.find('='));
    if (key != "C_REST_LOGS_DIR " && key != "dir " && key != "[data]") return shell(line);
    const fs::path settings = home / "etc/settings.conf";
    write_file(settings, std::regex_replace(read_file(settings), std::regex("\n" + key + "= .*"),
                                            "\n" + line));
  }
  Value report(const std::string& user) const {
    const std::string settings = (home / "etc/settings.conf").string();
    std::vector<std::string> args = {(home / "programs/checkserver.fcgi").string(), "--settings",
                                     settings, "--format", "json"};
    if (geteuid() == 0) {
      args.insert(args.begin(), {"setpriv", "--reuid", user, "--regid", user, "--clear-groups"});
    }
    return parsed_json(run({args}).out);
  }
  TempDir dir;
  fs::path home = dir / "a site";
};

std::vector<std::string> users() {
  if (geteuid() != 0) return {"self"};
  return {"www-data", "root"};
}

// The site as it should be: run by `user`, its secrets seen by nobody else.
void make_well(const Place& place, const std::string& user) {
  place.shell("install -d -m 700 data logs; touch data/hook.log logs/b24hooks.log");
  place.shell("echo b24hooks data 2 > data/version; chmod 600 data/version");
  place.shell("chmod 755 .. . etc; chmod 600 etc/settings.conf data/hook.log logs/b24hooks.log");
  if (geteuid() == 0) place.shell("chown -R " + user + " etc data logs");
}

// The lines that the rows about permissions tell, once each.
std::vector<std::string> advice(const Value& report) {
  std::vector<std::string> lines;
  for (const Value::Member& row : report["checks"].members()) {
    if (!kRows.contains(row.value["id"].text())) continue;
    if (row.value["state"].text() == "ok" || row.value["state"].text() == "info") continue;
    const std::string remedy = row.value["remedy"].text();
    BOOST_TEST(!remedy.empty(), row.value["id"].text());
    for (const Value::Member& line : row.value["paste"].members()) {
      const std::string text = line.value.text();
      if (std::ranges::find(lines, text) == lines.end()) lines.push_back(text);
    }
  }
  return lines;
}

std::string faults(const Value& report) {
  std::string all;
  for (const Value::Member& row : report["checks"].members()) {
    const std::string id = row.value["id"].text(), state = row.value["state"].text();
    // A disk that is slow has nothing to do with permissions.
    const bool slow = id == "write" && state == "warning";
    if (kRows.contains(id) && state != "ok" && state != "info" && !slow)
      all += id + ": " + row.value["detail"].text() + "\n";
  }
  return all;
}

struct Fault {
  const char* lines;       // what somebody did
  bool root_only = false;  // only root can do it
  bool by_root = true;     // it is a fault for root, too
};

constexpr Fault kFaults[] = {
    {"chmod 644 etc/settings.conf"},
    {"chmod 000 etc/settings.conf", false, false},
    {"chown root:root etc/settings.conf", true, false},
    {"chown root:root etc/settings.conf; chmod 644 etc/settings.conf", true},
    {"chown root:www-data etc/settings.conf; chmod 660 etc/settings.conf", true},
    {"chown root etc/settings.conf; chown root etc; chmod 700 etc", true, false},
    {"chmod 755 data"},
    {"chmod 500 data", false, false},
    {"chown -R root data", true, false},
    {"chown -R root data; chmod 755 data", true},
    {"chown root . data; chmod 700 data; chmod 750 .; chmod 711 ..", true, false},
    {"rm -r data; chown root .", true, false},
    {"rm -r data; touch data"},
    {"chown root data/hook.log", true, false},
    {"chmod 400 data/hook.log", false, false},
    {"chmod 644 data/hook.log"},
    {"rm data/hook.log; mkdir data/hook.log"},
    {"chown root data/version", true, false},
    {"rm -r logs; chown root .", true},
    {"chown root logs logs/b24hooks.log", true, false},
    {"chown root logs/b24hooks.log; chmod 644 logs/b24hooks.log", true},
    {"chmod 666 logs/b24hooks.log"},
    {"chown root logs; chmod 775 logs; rm logs/*; touch logs/syslog", true, false},
    {"chown root data; chmod 755 data; rm data/*; touch data/another", true, false},
    {"chmod 777 data; chmod 644 etc/settings.conf"},
};

}  // namespace checkserver_permission_tests

BOOST_AUTO_TEST_SUITE(checkserver_permission_tests)

BOOST_AUTO_TEST_CASE(advice_on_permissions_makes_the_check_pass) {
  for (const std::string& user : users()) {
    for (const Fault& fault : kFaults) {
      if ((fault.root_only && geteuid() != 0) || (user == "root" && !fault.by_root)) continue;
      const Place place;
      make_well(place, user);
      place.shell(fault.lines);
      BOOST_TEST_CONTEXT(user << ": " << fault.lines) {
        Value report = place.report(user);
        BOOST_TEST(!faults(report).empty());
        // What the settings keep from view comes to light with the second look.
        for (int look = 0; look < 2 && !faults(report).empty(); ++look) {
          const std::vector<std::string> lines = advice(report);
          BOOST_TEST(!lines.empty(), faults(report));
          for (const std::string& line : lines) place.obey(line);
          report = place.report(user);
        }
        BOOST_TEST(faults(report) == "");
      }
    }
  }
}

// chmod 600, as any rule of thumb has it, would stop the site.
BOOST_AUTO_TEST_CASE(settings_of_root_that_the_web_servers_group_reads_are_as_they_should_be) {
  if (geteuid() != 0) return;
  const Place place;
  make_well(place, "www-data");
  place.shell("chown root:www-data etc/settings.conf; chmod 640 etc/settings.conf");
  for (const std::string& user : users()) BOOST_TEST(faults(place.report(user)) == "", user);
}

BOOST_AUTO_TEST_SUITE_END()
