// web_server: see web_server.h.
#include "web_server.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <regex>
#include <stdexcept>
#include <vector>

#include "fcgi_client.h"

namespace b24::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUser = "www-data";

std::string replaced(const std::string& text, const char* pattern, const std::string& by) {
  return std::regex_replace(text, std::regex(pattern), by);
}

void give_away(const fs::path& dir) {
  const passwd* user = getpwnam(kUser);
  if (user == nullptr) throw std::runtime_error("web_server: no user www-data");
  const auto give = [&](const fs::path& path) {
    if (lchown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("web_server: chown " + path.string());
    }
  };
  give(dir);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir)) give(entry);
}

}  // namespace

WebServer::WebServer(WebServerKind kind) : port_(free_port()) {
  install();
  const bool lighttpd = kind == WebServerKind::lighttpd;
  const fs::path file = dir_ / "server.conf";
  write_file(file, lighttpd ? lighttpd_conf() : apache_conf(kind));
  if (geteuid() == 0) {
    give_away(dir_.path());
    as_user_ = {"setpriv", "--reuid", kUser, "--regid", kUser, "--clear-groups", "--"};
  }
  if (kind == WebServerKind::apache_proxy) listen_ourselves();
  Command command{as_user_};
  const std::vector<std::string> server =
      lighttpd ? std::vector<std::string>{"/usr/sbin/lighttpd", "-D", "-f", file}
               : std::vector<std::string>{"/usr/sbin/apache2", "-DFOREGROUND", "-f", file};
  command.args.insert(command.args.end(), server.begin(), server.end());
  process_ = std::make_unique<Process>(command);
  if (!wait_until([this] { return can_connect(port_) || !process_->running(); }) ||
      !process_->running()) {
    throw std::runtime_error("web_server: " + process_->out() + errors());
  }
}

// Ends what it has started, which a killed one would leave behind.
WebServer::~WebServer() {
  process_->signal(SIGTERM);
  process_->wait();
}

void WebServer::listen_ourselves() {
  for (const std::string name : {"index", "handler", "checkserver"}) {
    const std::string socket = "unix:" + (dir_ / (name + ".sock")).string();
    Command command{as_user_};
    command.args.insert(command.args.end(), {dir_ / ("lib/cgi-bin/" + name + ".fcgi"), "--settings",
                                             dir_ / "settings.conf", "--listen", socket});
    programs_.emplace_back(command);
    if (!wait_until([&] { return listens(socket); }))
      throw std::runtime_error("web_server: " + programs_.back().err());
  }
}

void WebServer::install() const {
  fs::create_directories(dir_ / "lib/cgi-bin");
  for (const char* name : {"index.fcgi", "handler.fcgi", "checkserver.fcgi"}) {
    fs::copy_file(built(std::string("cgi-bin/") + name), dir_ / "lib/cgi-bin" / name);
  }
  fs::copy("templates", dir_ / "lib/templates");
  fs::create_directory(dir_ / "data");
  fs::permissions(dir_ / "data", fs::perms::owner_all);
  write_file(dir_ / "settings.conf",
             "C_REST_WEB_HOOK_URL = https://127.0.0.1:1/rest/1/secretsecret99/\n"
             "[data]\ndir = data\n[portal]\napplication_token = " +
                 token() + "\n[form]\nwait = 0s\n[spam]\nper_address = 0\n");
}

std::string WebServer::with_paths(std::string example) const {
  example = replaced(example, "/usr/local/lib/b24hooks", dir_ / "lib");
  return replaced(example, "/etc/b24hooks/settings.conf", dir_ / "settings.conf");
}

std::string WebServer::apache_conf(WebServerKind kind) const {
  const bool fcgid = kind == WebServerKind::apache_fcgid;
  const bool proxy = kind == WebServerKind::apache_proxy;
  const std::string dir = dir_.path().string(), port = std::to_string(port_);
  std::string conf = "ServerRoot " + dir + "\nServerName localhost\nPidFile " + dir +
                     "/pid\nErrorLog " + dir + "/error.log\nListen 127.0.0.1:" + port +
                     "\nSuexec Off\n";  // where it is installed, mod_fcgid wants root for it
  std::vector<std::string> modules = {"mpm_event", "authz_core", "alias", "headers", "env"};
  modules.push_back(fcgid ? "fcgid" : "cgid");
  if (proxy) modules.insert(modules.end(), {"proxy", "proxy_fcgi"});
  for (const std::string& module : modules) {
    conf += "LoadModule " + module + "_module /usr/lib/apache2/modules/mod_" + module + ".so\n";
  }
  conf += fcgid ? "FcgidIPCDir " + dir + "/fcgid\nFcgidProcessTableFile " + dir + "/shm\n"
                : "ScriptSock " + dir + "/cgid.sock\n";
  std::string example = with_paths(read_file("conf/apache.conf.example"));
  example = replaced(example, "VirtualHost \\*:443", "VirtualHost 127.0.0.1:" + port);
  if (proxy) {
    example = replaced(example, "#(</?Files|  +SetHandler)", "$1");
    example = replaced(example, "/run/b24hooks/", dir + "/");
  }
  return conf + replaced(example, "\n *SSL[^\n]*", "");
}

std::string WebServer::lighttpd_conf() const {
  const std::string dir = dir_.path().string();
  return "server.document-root = \"" + dir +
         "/data\"\nserver.bind = \"127.0.0.1\"\nserver.port = " + std::to_string(port_) +
         "\nserver.errorlog = \"" + dir + "/error.log\"\n" +
         replaced(with_paths(read_file("conf/lighttpd.conf.example")), "/run/lighttpd/", dir + "/");
}

}  // namespace b24::test
