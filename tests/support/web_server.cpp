// web_server: see web_server.h.
#include "web_server.h"

#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <regex>
#include <set>
#include <stdexcept>
#include <vector>

#include "fcgi_client.h"

namespace b24::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUser = "www-data";
constexpr const char* kHomePage = "the home page";

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

bool cgid_is_ready(const fs::path& directory) {
  return std::ranges::any_of(fs::directory_iterator(directory), [](const auto& entry) {
    struct stat status {};
    // Made by root, it is given to Apache's user at last.
    return entry.path().filename().string().starts_with("cgid.sock") &&
           ::stat(entry.path().c_str(), &status) == 0 && (geteuid() != 0 || status.st_uid != 0);
  });
}

WebServer::WebServer(WebServerKind kind, std::string directory)
    : kind_(kind), directory_(std::move(directory)), port_(free_port()) {
  install();
  write_file(dir_ / "server.conf", conf(kind));
  if (geteuid() == 0) {
    give_away(dir_.path());
    as_user_ = {"setpriv", "--reuid", kUser, "--regid", kUser, "--clear-groups", "--"};
  }
  const bool starts_programs = kind == WebServerKind::apache_cgi ||
                               kind == WebServerKind::apache_fcgid ||
                               kind == WebServerKind::lighttpd;
  if (!starts_programs) listen_ourselves();
  Command starting{as_user_, {"HOME=" + dir_.path().string()}};
  const std::vector<std::string> server = command(kind);
  starting.args.insert(starting.args.end(), server.begin(), server.end());
  process_ = std::make_unique<Process>(starting);
  const bool by_cgid = kind == WebServerKind::apache_cgi;
  const auto ready = [&] { return can_connect(port_) && (!by_cgid || cgid_is_ready(dir_.path())); };
  if (!wait_until([&] { return ready() || !process_->running(); }) || !process_->running()) {
    throw std::runtime_error("web_server: " + process_->out() + errors());
  }
}

// Ends what it has started, which a killed one would leave behind.
WebServer::~WebServer() {
  process_->signal(SIGTERM);
  process_->wait();
}

void WebServer::listen_ourselves() {
  for (const char* name : {"index", "handler", "handler-backup", "checkserver"})
    start_program(name);
}

void WebServer::start_program(const std::string& name) {
  programs_.erase(name);
  const auto& program =
      programs_.emplace(name, command_of(name, {"--listen", socket(name)})).first->second;
  if (!wait_until([&] { return listens(socket(name)); }))
    throw std::runtime_error("web_server: " + program.err());
}

Command WebServer::command_of(const std::string& name, std::vector<std::string> options) const {
  Command command{as_user_};
  command.args.insert(command.args.end(), {dir_ / ("lib/cgi-bin/" + name + ".fcgi"), "--settings",
                                           dir_ / "settings.conf"});
  command.args.insert(command.args.end(), options.begin(), options.end());
  return command;
}

bool WebServer::still_runs() {
  return std::ranges::all_of(programs_, [](auto& program) { return program.second.running(); });
}

std::string WebServer::shell(const std::string& name, const std::string& option) const {
  const Ran ran = run(command_of(name, {option}));
  return ran.out + ran.err;
}

void WebServer::kill_handler() {
  const std::string program = dir_ / "lib/cgi-bin/handler.fcgi";
  const auto handlers = [&program] {
    std::set<pid_t> pids;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
      const pid_t pid = std::atoi(entry.path().filename().c_str());
      if (pid > 0 && read_file(entry.path() / "cmdline").starts_with(program)) pids.insert(pid);
    }
    return pids;
  };
  const std::set<pid_t> killed = handlers();
  for (const pid_t pid : killed) ::kill(pid, SIGKILL);
  if (programs_.contains("handler")) start_program("handler");
  // A child of lighttpd that does not run the program yet swallows the signal by which a reload
  // ends it, and the reload waits for it for ever.
  const auto run_again = [&] {
    const std::set<pid_t> now = handlers();
    return now.size() == killed.size() &&
           std::ranges::none_of(now, [&](pid_t pid) { return killed.contains(pid); });
  };
  if (kind_ == WebServerKind::lighttpd) wait_until(run_again, 3 * kDeadline);
}

std::string WebServer::by_http2(const std::string& path, const std::string& body) const {
  std::vector<std::string> curl = {"curl",
                                   "--silent",
                                   "--http2-prior-knowledge",
                                   "--write-out",
                                   "\n%{http_code} %{http_version}",
                                   "http://localhost:" + std::to_string(port_) + path};
  // nginx has both versions on one socket by TLS alone.
  if (kind_ == WebServerKind::nginx)
    curl.insert(curl.end(), {"--unix-socket", dir_ / "http2.sock"});
  if (!body.empty()) curl.insert(curl.end(), {"--data-binary", "@-"});
  const std::string out = run({curl, {}, body}).out;
  const std::size_t line = out.rfind('\n');
  return line == out.npos ? out : out.substr(line + 1) + "\n" + out.substr(0, line);
}

void WebServer::reload() {
  if (kind_ == WebServerKind::apache_fcgid) return;
  if (kind_ == WebServerKind::caddy) {
    const Ran ran = run({{"/usr/bin/caddy", "reload", "--adapter", "caddyfile", "--config",
                          dir_ / "server.conf", "--address", "unix/" + (dir_ / "admin").string()}});
    if (ran.status != 0) throw std::runtime_error("web_server: " + ran.err);
    return;
  }
  process_->signal(kind_ == WebServerKind::nginx ? SIGHUP : SIGUSR1);
}

void WebServer::install() const {
  fs::create_directories(dir_ / "lib/cgi-bin");
  for (const char* name : {"index.fcgi", "handler.fcgi", "checkserver.fcgi"}) {
    fs::copy_file(built(std::string("cgi-bin/") + name), dir_ / "lib/cgi-bin" / name);
  }
  fs::create_symlink("handler.fcgi", dir_ / "lib/cgi-bin/handler-backup.fcgi");
  fs::create_directory(dir_ / "www");
  write_file(dir_ / "www/index.html", kHomePage);
  fs::copy("templates", dir_ / "lib/templates");
  fs::create_directory(dir_ / "data");
  fs::permissions(dir_ / "data", fs::perms::owner_all);
  write_file(
      dir_ / "settings.conf",
      "C_REST_WEB_HOOK_URL = https://127.0.0.1:1/rest/1/secretsecret99/\n"
      "[data]\ndir = data\n[portal]\napplication_token = " +
          token() +
          "\n[form]\nwait = 0s\n[spam]\nper_address = 0\n[server]\ntrusted_proxies = 127.0.0.1\n"
          "[checkserver]\nnetworks = 203.0.113.0/24\n"
          "[form callback]\nfields = phone\nheading = Call me back\n");
}

std::vector<std::string> WebServer::command(WebServerKind kind) const {
  const fs::path file = dir_ / "server.conf";
  if (kind == WebServerKind::lighttpd) return {"/usr/sbin/lighttpd", "-D", "-f", file};
  if (kind == WebServerKind::nginx) return {"/usr/sbin/nginx", "-e", "stderr", "-c", file};
  if (kind == WebServerKind::caddy)
    return {"/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", file};
  return {"/usr/sbin/apache2", "-DFOREGROUND", "-f", file};
}

std::string WebServer::conf(WebServerKind kind) const {
  if (kind == WebServerKind::lighttpd) return lighttpd_conf();
  if (kind == WebServerKind::nginx) return nginx_conf();
  if (kind == WebServerKind::caddy) return caddy_conf();
  return apache_conf(kind);
}

std::string WebServer::with_paths(std::string example) const {
  example = replaced(example, "/usr/local/lib/b24hooks", dir_ / "lib");
  example = replaced(example, "/run/b24hooks/", dir_.path().string() + "/");
  // With the address of its own that the example has for a form.
  example = replaced(
      example, "#((RewriteEngine|RewriteRule|server.modules|url.rewrite|rewrite|location)[ -])",
      "$1");
  return replaced(example, "/etc/b24hooks/settings.conf", dir_ / "settings.conf");
}

std::string WebServer::apache_conf(WebServerKind kind) const {
  const bool fcgid = kind == WebServerKind::apache_fcgid;
  const bool proxy = kind == WebServerKind::apache_proxy;
  const std::string dir = dir_.path().string(), port = std::to_string(port_);
  std::string conf = "ServerRoot " + dir + "\nServerName localhost\nPidFile " + dir +
                     "/pid\nErrorLog " + dir + "/error.log\nListen 127.0.0.1:" + port +
                     "\nSuexec Off\n"  // where it is installed, mod_fcgid wants root for it
                     "ServerLimit 20\nThreadsPerChild 64\nMaxRequestWorkers 1280\n";
  std::vector<std::string> modules = {"mpm_event", "authz_core", "alias",  "headers",
                                      "env",       "http2",      "rewrite"};
  modules.push_back(fcgid ? "fcgid" : "cgid");
  if (proxy) modules.insert(modules.end(), {"proxy", "proxy_fcgi"});
  for (const std::string& module : modules) {
    conf += "LoadModule " + module + "_module /usr/lib/apache2/modules/mod_" + module + ".so\n";
  }
  conf += fcgid ? "FcgidIPCDir " + dir + "/fcgid\nFcgidProcessTableFile " + dir + "/shm\n"
                : "ScriptSock " + dir + "/cgid.sock\n";
  std::string example = with_paths(read_file("conf/apache.conf.example"));
  example = replaced(example, "VirtualHost \\*:443", "VirtualHost 127.0.0.1:" + port);
  example = replaced(example, "Protocols h2 ", "Protocols h2c ");
  if (proxy) {
    example = replaced(example, "#(</?Files|  +SetHandler)", "$1");
  }
  if (!directory_.empty()) {
    example = replaced(example, "AliasMatch \"\\^", "AliasMatch \"^" + directory_);
    conf += "LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so\nDocumentRoot " + dir +
            "/www\n<Directory " + dir + "/www>\nRequire all granted\n</Directory>\n";
  }
  return conf + replaced(example, "\n *SSL[^\n]*", "");
}

std::string WebServer::lighttpd_conf() const {
  const std::string dir = dir_.path().string();
  std::string example = with_paths(read_file("conf/lighttpd.conf.example"));
  example = replaced(example, "/run/lighttpd/", dir + "/");
  example = replaced(example, "=~ \"\\^", "=~ \"^" + directory_);
  return "server.document-root = \"" + dir + "/www\"\nindex-file.names = ( \"index.html\" )\n" +
         "server.bind = \"127.0.0.1\"\nserver.port = " + std::to_string(port_) +
         "\nserver.max-fds = 4096\nserver.errorlog = \"" + dir + "/error.log\"\n" + example;
}

std::string WebServer::nginx_conf() const {
  const std::string dir = dir_.path().string();
  std::string example = with_paths(read_file("nginx.conf.example"));
  example = replaced(example, "listen 443 ssl http2",
                     "listen 127.0.0.1:" + std::to_string(port_) + ";\n    listen unix:" + dir +
                         "/http2.sock http2");
  example = replaced(example, "listen 80", "listen unix:" + dir + "/http.sock");
  example = replaced(example, "\n *(listen \\[::\\]|ssl_)[^\n]*", "");
  if (!directory_.empty()) {
    example = replaced(example, "location = ", "location = " + directory_);
    example = replaced(example, "location / [^\n]*", "root " + dir + "/www;");
  }
  std::string temporary;
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    temporary += std::string(kind) + "_temp_path " + dir + "/" + kind + ";\n";
  return "daemon off;\npid " + dir + "/pid;\nerror_log " + dir +
         "/error.log;\nevents { worker_connections 4096; }\nhttp {\n" + "access_log off;\n" +
         temporary + example + "}\n";
}

std::string WebServer::caddy_conf() const {
  const std::string dir = dir_.path().string();
  std::string example = with_paths(read_file("conf/Caddyfile.example"));
  example = replaced(example, "example.com \\{",
                     "http://127.0.0.1:" + std::to_string(port_) +
                         ", http://localhost:" + std::to_string(port_) + " {\nbind 127.0.0.1\n");
  example = replaced(example, "reverse_proxy unix[^\n]*", "$&\ntrusted_proxies 127.0.0.1");
  if (!directory_.empty()) {
    example = replaced(example, " (/|/(index|handler|checkserver)(\\.php)?)(?=[ \n])",
                       " " + directory_ + "$1");
    example = replaced(example, "respond 404", "root * " + dir + "/www\nfile_server");
  }
  return "{\nadmin unix/" + dir + "/admin\nauto_https off\nservers {\nprotocols h1 h2c\n}\n}\n" +
         example;
}

}  // namespace b24::test
