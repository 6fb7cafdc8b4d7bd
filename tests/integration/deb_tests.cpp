// deb_tests: the Debian package: what is in it, and its life on a machine of its own
// (tests/private-root).
#include <boost/test/unit_test.hpp>
#include <regex>
#include <set>

#include "decorators.h"
#include "process.h"
#include "site.h"

using namespace b24::test;
using b24::Value;
namespace fs = std::filesystem;

namespace deb_tests {

// The package in this directory; with a version, made there first.
fs::path package(const fs::path& dir = "build/deb", const std::string& version = "") {
  if (dir != "build/deb") {
    std::vector<std::string> make = {"make", "--silent", "deb", "B=build", "DEB=" + dir.string()};
    std::vector<std::string> environment;
    if (!version.empty()) {
      make.push_back("VERSION=" + version);
      environment.push_back("DPKG_DEB_COMPRESSOR_TYPE=zstd");  // it need not be small
    }
    const Ran made = run({make, environment}, 10 * kDeadline);
    BOOST_REQUIRE_MESSAGE(made.status == 0, made.out + made.err);
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(dir))
    if (entry.path().extension() == ".deb") return fs::absolute(entry.path());
  throw std::runtime_error("no package in " + dir.string());
}

// What a script says on a machine of its own; /tmp is not the real one's.
std::string on_own_machine(const std::string& script, const std::vector<std::string>& arguments,
                           bool network = true) {
  std::vector<std::string> command = {"tests/private-root"};
  if (!network) command.push_back("--net");
  command.insert(command.end(), {"sh", "-eu", "-c", script, "sh"});
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Ran ran = run({command}, 10 * kDeadline);
  BOOST_TEST(ran.status == 0, ran.status << "\n" << ran.out << ran.err);
  return ran.out;
}

// The command that README.md has for a web server, as root, but for the reload at its end.
std::string enabling(const std::string& server) {
  const std::string readme = read_file("README.md");
  std::smatch found;
  BOOST_REQUIRE(std::regex_search(
      readme, found, std::regex("\\| " + server + " \\| `(.*) && sudo systemctl [^`]*` \\|")));
  return std::regex_replace(found.str(1), std::regex("sudo "), "");
}

}  // namespace deb_tests

BOOST_AUTO_TEST_SUITE(deb_tests)

BOOST_AUTO_TEST_CASE(lintian_finds_neither_an_error_nor_a_warning) {
  const Ran ran =
      run({{"lintian", "--allow-root", "--fail-on", "error,warning", package()}}, 10 * kDeadline);
  BOOST_TEST(ran.status == 0, ran.out + ran.err);
  BOOST_TEST(ran.out == "");
}

BOOST_AUTO_TEST_CASE(built_once_more_it_has_the_same_bytes_and_no_path_of_the_build) {
  const TempDir dir;
  const fs::path again = package(dir / "deb");
  BOOST_TEST(again.filename() == package().filename());
  BOOST_TEST((read_file(again) == read_file(package())));
  run({{"dpkg-deb", "--raw-extract", again, dir / "root"}});
  int files = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir / "root")) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    BOOST_TEST(!read_file(entry.path()).contains(fs::current_path().string()), entry.path());
    ++files;
  }
  BOOST_TEST(files > 30);
}

BOOST_AUTO_TEST_CASE(the_services_are_hardened) {
  const TempDir dir;
  for (const std::string page : {"index", "handler", "handler-backup", "checkserver"}) {
    const fs::path unit = dir / ("b24hooks@" + page + ".service");
    fs::copy_file("conf/b24hooks@.service", unit);
    // Exposure 2.0 at the most.
    const Ran ran =
        run({{"systemd-analyze", "security", "--offline=true", "--threshold=20", unit}});
    BOOST_TEST(ran.status == 0, ran.out + ran.err);
    BOOST_TEST(ran.out.contains("Overall exposure level"), ran.out);
  }
}

BOOST_AUTO_TEST_CASE(the_manual_is_sound_and_has_what_the_help_has) {
  const auto plain = [](const std::string& roff) {
    return std::regex_replace(roff, std::regex("\\\\([-&])"), "$1");
  };
  for (const std::string name : {"index", "handler", "checkserver", "settings"}) {
    const bool settings = name == "settings";
    const fs::path page = "build/man/b24hooks-" + name + (settings ? ".5" : ".1");
    const Ran lint = run({{"mandoc", "-T", "lint", "-W", "warning", page}});
    BOOST_TEST(lint.status == 0, lint.out);
    const Ran shown = run({{"man", "--warnings", "--local-file", page},
                           {"LC_ALL=C.UTF-8", "MANWIDTH=100"},
                           "",
                           {},
                           ""});
    BOOST_TEST(shown.status == 0);
    BOOST_TEST(shown.err == "");
    BOOST_TEST(shown.out.contains("b24hooks-" + name + " - "), shown.out);
    const std::string text = plain(read_file(page));
    const std::vector<std::string> command =
        settings ? std::vector<std::string>{built("cgi-bin/index.fcgi"), "--help", "settings"}
                 : std::vector<std::string>{built("cgi-bin/" + name + ".fcgi"), "--help"};
    const std::string help = run({command}).out;
    const std::regex entry(settings ? "\n  ([A-Za-z_*]+): " : "\n  (--[a-z-]+) ");
    int entries = 0;
    for (std::sregex_iterator it(help.begin(), help.end(), entry), end; it != end; ++it) {
      BOOST_TEST(text.contains((settings ? ".B " : ".BI ") + it->str(1)), it->str());
      ++entries;
    }
    BOOST_TEST(entries > (settings ? 50 : 5));
  }
}

constexpr const char* kLife = R"sh(
old=$1 new=$2 portal=$3 authority=$4
settings=/etc/b24hooks/settings.conf
as() { setpriv --reuid b24hooks --regid b24hooks --init-groups "$@"; }
ask() {  # METHOD BODY: the form, as CGI
  printf %s "$2" | as env GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 REQUEST_METHOD="$1" SCRIPT_NAME=/index.php \
    HTTP_HOST=localhost HTTP_SEC_FETCH_SITE=same-origin REMOTE_ADDR=127.0.0.1 CONTENT_TYPE=application/x-www-form-urlencoded CONTENT_LENGTH=${#2} \
    /usr/lib/b24hooks/cgi-bin/index.fcgi
}
install() { dpkg --install "$1" < /dev/null > /tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; exit 1; }; }
kept() {
  sha256sum --check --quiet /tmp/edited
  ask GET '' | grep -q 'my own form'
  echo "$1: $(dpkg-query -W -f '${Version} ${Status}' b24hooks), waiting: $(as b24hooks-index --list pending | grep -c Anna)"
}
rm -f /var/lib/man-db/auto-update  # it takes long

install "$old"
stat -c '%n %a %U %G' $settings /var/lib/b24hooks /etc/b24hooks/templates
grep -cE '^key = [0-9a-f]{32}$' $settings
getent passwd b24hooks | cut -d: -f6-
ls /etc/systemd/system/multi-user.target.wants | grep b24hooks
b24hooks-index --help | grep ^Settings:
as b24hooks-checkserver --format json > /tmp/check.json || true
grep -o 'Loaded from [^"]*' /tmp/check.json
logrotate --debug /etc/logrotate.d/b24hooks 2>&1 | grep -c 'considering log'
bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader b24hooks-handler; complete -p b24hooks-handler
  COMP_WORDS=(b24hooks-handler --exp); COMP_CWORD=1; _b24hooks b24hooks-handler --exp b24hooks-handler; echo "${COMPREPLY[@]}"
  _b24hooks b24hooks-handler "" --export; echo "${COMPREPLY[@]}"'

sed -i 's,^C_REST_WEB_HOOK_URL =,& https://127.0.0.1:1/rest/1/secretsecret99/,' $settings
printf '[form]\naccept = site\nwait = 0\n[portal_call]\nca_file = /etc/b24hooks/authority.pem\n' >> $settings
printf %s "$authority" > /etc/b24hooks/authority.pem
echo 'my own form' > /etc/b24hooks/templates/index.mustache
sed -i 's,/b24hooks/,/crm/,' /etc/nginx/snippets/b24hooks.conf
sha256sum $settings /etc/b24hooks/templates/index.mustache /etc/nginx/snippets/b24hooks.conf > /tmp/edited
ask POST 'first_name=Anna&last_name=Deb&phone=%2B12025550100&email=a%40example.com' | grep -E '^Status: 202' | tr -d '\r'
kept installed
install "$new"
kept upgraded
install "$old"
kept downgraded
sed -i "s,https://127.0.0.1:1/rest/1/secretsecret99/,$portal," $settings
as b24hooks-index --retry all > /dev/null
as b24hooks-index --deliver > /dev/null
sha256sum $settings /etc/b24hooks/templates/index.mustache /etc/nginx/snippets/b24hooks.conf > /tmp/edited
kept delivered
dpkg --verify b24hooks | grep -v ' c /etc/nginx/snippets/b24hooks.conf' || true

dpkg --remove b24hooks > /dev/null 2>&1
sha256sum --check --quiet /tmp/edited
ls -d /usr/lib/b24hooks /usr/bin/b24hooks-* 2> /dev/null || true
as ls /var/lib/b24hooks/store.db
install "$new"
kept 'come back'
dpkg --purge b24hooks > /dev/null 2>&1
find /etc /usr /var/lib /var/cache /var/log /run -name '*b24hooks*'
)sh";

BOOST_AUTO_TEST_CASE(what_the_owner_has_edited_and_leads_that_wait_live_through_all_but_a_purge) {
  const TempDir dir;
  const Site& site = shared_site();
  site.reset();
  const std::string said =
      on_own_machine(kLife, {package(), package(dir / "next", "0.2.1~test"), site.webhook_url(),
                             read_file(site.run_dir() / "sandbox-ca.pem")});
  BOOST_TEST(said == R"(/etc/b24hooks/settings.conf 640 root b24hooks
/var/lib/b24hooks 700 b24hooks b24hooks
/etc/b24hooks/templates 755 root root
1
/var/lib/b24hooks:/usr/sbin/nologin
b24hooks.target
Settings: /etc/b24hooks/settings.conf
Loaded from /etc/b24hooks/templates, /usr/lib/b24hooks/templates.
3
complete -o filenames -F _b24hooks b24hooks-handler
--explain --export
jsonl csv
Status: 202 Accepted
installed: 0.2.0 install ok installed, waiting: 1
upgraded: 0.2.1~test install ok installed, waiting: 1
downgraded: 0.2.0 install ok installed, waiting: 1
delivered: 0.2.0 install ok installed, waiting: 0
/var/lib/b24hooks/store.db
come back: 0.2.1~test install ok installed, waiting: 0
)");
  int leads = 0;
  const Value all = site.leads();
  for (const Value::Member& lead : all.members()) leads += lead.value["LAST_NAME"].text() == "Deb";
  BOOST_TEST(leads == 1);
}

// Each server in its turn as Debian starts it, on port 80 of a network of its own.
constexpr const char* kServers = R"sh(
package=$1
rm -f /var/lib/man-db/auto-update
dpkg --install "$package" < /dev/null > /dev/null 2>&1
sed -i -e 's,^C_REST_WEB_HOOK_URL =,& https://127.0.0.1:1/rest/1/secretsecret99/,' \
  -e 's/^application_token =/& 0123456789abcdef/' /etc/b24hooks/settings.conf
# As systemd does.
mkdir -m 755 /run/b24hooks
for page in index handler handler-backup checkserver; do
  systemd-socket-activate --listen /run/b24hooks/$page.sock setpriv --reuid b24hooks --regid b24hooks --clear-groups \
    /usr/lib/b24hooks/cgi-bin/$page.fcgi 2> /tmp/$page.log &
done
until [ "$(ls /run/b24hooks | wc -l)" = 4 ]; do sleep 0.05; done
chgrp www-data /run/b24hooks/*
chmod 660 /run/b24hooks/*
key=$(sed -n 's/^key = //p' /etc/b24hooks/settings.conf)
echo 'the home page' | tee /var/www/html/index.html > /usr/share/caddy/index.html
look() {  # SERVER COMMAND...
  server=$1; shift
  "$@" > /tmp/$server.log 2>&1 &
  until curl -s -o /dev/null http://localhost/; do kill -0 $!; sleep 0.05; done
  echo "$server: $(curl -s http://localhost/)"
  curl -s http://localhost/b24hooks/ | grep -c 'name="form_token"'
  curl -s -d 'event=ONCRMDEALUPDATE&data[FIELDS][ID]=7&auth[application_token]=0123456789abcdef' \
    -o /dev/null -w '%{http_code} ' http://localhost/b24hooks/handler.php
  curl -s -d 'event=ONCRMDEALUPDATE' -o /dev/null -w '%{http_code} ' http://localhost/b24hooks/handler.php
  head -c 1500000 /dev/zero | curl -s --data-binary @- -o /dev/null -w '%{http_code}\n' http://localhost/b24hooks/handler.php
  curl -s -H "X-B24hooks-Key: $key" 'http://localhost/b24hooks/checkserver.php?format=json' | grep -c '"id":.*"settings"'
  curl -s -o /dev/null -w '%{http_code} ' http://localhost/b24hooks/settings.conf
  curl -s -o /dev/null -w '%{http_code}\n' http://localhost/handler.php
  kill $!
  wait $! || true
}
(eval "$2") > /dev/null
look Apache sh -c '. /etc/apache2/envvars; mkdir -p $APACHE_RUN_DIR; exec apache2 -DFOREGROUND'
ln -sf ../sites-available/default /etc/nginx/sites-enabled/default
(eval "$3")
look nginx nginx -g 'daemon off;'
(eval "$4") > /dev/null
look lighttpd lighttpd -D -f /etc/lighttpd/lighttpd.conf
(eval "$5")
look Caddy setpriv --reuid caddy --regid caddy --init-groups --ambient-caps +net_bind_service --inh-caps +net_bind_service \
  caddy run --config /etc/caddy/Caddyfile
dpkg --purge b24hooks > /dev/null 2>&1
mkdir -p /run/lock
for check in 'apache2ctl configtest' 'nginx -t' 'lighttpd -tt -f /etc/lighttpd/lighttpd.conf' \
  'caddy validate --config /etc/caddy/Caddyfile'; do
  $check > /tmp/check.log 2>&1 || cat /tmp/check.log
done
)sh";

BOOST_AUTO_TEST_CASE(one_command_of_the_readme_lets_each_web_server_have_the_pages) {
  const std::string said = on_own_machine(
      kServers,
      {package(), enabling("Apache"), enabling("nginx"), enabling("lighttpd"), enabling("Caddy")},
      false);
  std::string expected;
  for (const char* server : {"Apache", "nginx", "lighttpd", "Caddy"})
    expected += std::string(server) + ": the home page\n1\n200 403 413\n1\n404 404\n";
  BOOST_TEST(said == expected);
}

BOOST_AUTO_TEST_SUITE_END()
