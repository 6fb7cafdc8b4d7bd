// hoster: see hoster.h.
#include "hoster.h"

#include <signal.h>
#include <unistd.h>

#include <stdexcept>

#include "base/text.h"
#include "base/version.h"
#include "form_client.h"
#include "web_server.h"

namespace b24::test {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;
constexpr gid_t kNoGroup = 65534;

void replace_in(const fs::path& file, std::string_view from, std::string_view to) {
  std::string text = read_file(file);
  if (!text.contains(from)) throw std::runtime_error("hoster: no " + std::string(from));
  text::replace_all(text, from, to);
  write_file(file, text);
}

// The two lines that an owner fills in.
void fill_in(const fs::path& settings, const Site& site) {
  replace_in(settings, "C_REST_WEB_HOOK_URL =\n",
             "C_REST_WEB_HOOK_URL = " + site.webhook_url() + "\n");
  replace_in(settings, "application_token =\n",
             "application_token = " + std::string(kToken) + "\n");
}

}  // namespace

fs::path bundle(std::string_view ending) {
  // Never instrumented: sanitizers do not work in static programs.
  return fs::absolute("build/dist/b24hooks-" + std::string(kVersion) + "-linux-x86_64" +
                      std::string(ending));
}

void unpack_bundle(const fs::path& to) {
  const Ran ran = run({{"tar", "-xzpf", bundle(".tar.gz"), "--strip-components=1", "-C", to}});
  if (ran.status != 0) throw std::runtime_error("hoster: " + ran.err);
}

EmptyHost::EmptyHost(const Site& site) {
  fs::create_directories(root_ / "home");
  fs::create_directories(root_ / "etc");
  fs::create_directories(root_ / "dev");
  unpack_bundle(root_ / "home");
  write_file(root_ / "etc/hosts", "127.0.0.1 localhost\n");
  write_file(root_ / "dev/null", "");
  fill_in(root_ / "home/b24hooks/settings.conf", site);
}

std::vector<std::string> EmptyHost::command(const std::string& program) const {
  const std::string inside = "/home/b24hooks/cgi-bin/" + program + ".fcgi";
  if (geteuid() == 0) return {"/usr/sbin/chroot", root_.path(), inside};
  return {"unshare", "--map-root-user", "/usr/sbin/chroot", root_.path(), inside};
}

HttpReply EmptyHost::ask(const std::string& program, const HttpCall& call) const {
  return ask_cgi(command(program), {"DOCUMENT_ROOT=/home/public_html"}, call);
}

Ran EmptyHost::shell(const std::string& program, const std::vector<std::string>& arguments) const {
  std::vector<std::string> args = command(program);
  args.insert(args.end(), arguments.begin(), arguments.end());
  return run({args});
}

Hoster::Hoster(CgiModule module, const Site& site) : port_(free_port()) {
  // suEXEC runs nothing outside of the directory that Debian has built it for.
  std::string place = (geteuid() == 0 ? "/var/www" : logs_.path().string()) + "/home-XXXXXX";
  if (::mkdtemp(place.data()) == nullptr) throw std::runtime_error("hoster: " + place);
  home_ = place;
  unpack_bundle(home_);
  const fs::path settings = home_ / "b24hooks/settings.conf";
  fill_in(settings, site);
  fs::copy_file(site.run_dir() / "sandbox-ca.pem", home_ / "b24hooks/ca.pem");
  write_file(settings, read_file(settings) + "[portal_call]\nca_file = ca.pem\n");
  fs::permissions(home_, fs::perms(0711));
  fs::permissions(logs_.path(), fs::perms(0711));
  give_away();
  write_file(logs_ / "apache.conf", conf(module));
  // At its end it ends its whole process group.
  process_ = std::make_unique<Process>(
      Command{{"setsid", "/usr/sbin/apache2", "-DFOREGROUND", "-f", logs_ / "apache.conf"}});
  const auto ready = [&] {
    return can_connect(port_) && (module == CgiModule::cgi || cgid_is_ready(logs_.path()));
  };
  if (!wait_until([&] { return ready() || !process_->running(); }) || !process_->running()) {
    throw std::runtime_error("hoster: " + process_->err() + errors());
  }
}

Hoster::~Hoster() {
  process_->signal(SIGTERM);
  process_->wait();
  std::error_code ignored;
  fs::remove_all(home_, ignored);
}

void Hoster::give_away() const {
  if (geteuid() != 0) return;
  const auto give = [](const fs::path& path) {
    if (::lchown(path.c_str(), kNobody, kNoGroup) != 0)
      throw std::runtime_error("hoster: chown " + path.string());
  };
  give(home_);
  for (const auto& entry : fs::recursive_directory_iterator(home_)) give(entry);
}

std::string Hoster::conf(CgiModule module) const {
  const bool threads = module == CgiModule::cgid;
  const std::string logs = logs_.path(), web = (home_ / "public_html").string();
  std::string conf = "ServerRoot " + logs + "\nServerName localhost\nPidFile " + logs +
                     "/pid\nErrorLog " + logs +
                     "/error.log\nListen 127.0.0.1:" + std::to_string(port_) + "\n";
  std::vector<std::string> modules = {threads ? "mpm_event" : "mpm_prefork",
                                      "authz_core",
                                      "dir",
                                      "rewrite",
                                      "alias",
                                      "proxy",
                                      "proxy_fcgi"};
  modules.emplace_back(threads ? "cgid" : "cgi");
  if (geteuid() == 0) modules.emplace_back("suexec");
  for (const std::string& name : modules)
    conf += "LoadModule " + name + "_module /usr/lib/apache2/modules/mod_" + name + ".so\n";
  if (threads) conf += "ScriptSock " + logs + "/cgid.sock\n";
  if (geteuid() == 0) conf += "User www-data\nGroup www-data\nSuexecUserGroup nobody nogroup\n";
  return conf + "DocumentRoot " + web + "\nScriptAlias /cgi-bin/ " + web +
         "/cgi-bin/\n<Directory />\nAllowOverride None\nRequire all denied\n</Directory>\n"
         "<Directory " +
         web +
         ">\nOptions SymLinksIfOwnerMatch\nAllowOverride All\n"
         "Require all granted\nDirectoryIndex index.html index.php\n</Directory>\n"
         "<FilesMatch \"\\.php$\">\nSetHandler \"proxy:unix:/nonexistent|fcgi://php\"\n"
         "</FilesMatch>\n";
}

}  // namespace b24::test
