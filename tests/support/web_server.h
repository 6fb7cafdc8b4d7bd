// web_server: each web server with its example configuration, on a free port of 127.0.0.1.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "process.h"
#include "raw_http.h"

namespace b24::test {

enum class WebServerKind {
  apache_cgi,
  apache_fcgid,
  apache_proxy,  // mod_proxy_fcgi, to programs that listen
  lighttpd,
  nginx,
  caddy,
};

// Whether Apache's mod_cgid, whose ScriptSock lies in this directory, can start programs; until
// then it answers 503.
bool cgid_is_ready(const std::filesystem::path& directory);

// The example in conf/ with its paths below a directory of its own; the programs, templates and
// settings are copied there. As root it runs as www-data, since Apache refuses root.
class WebServer {
 public:
  // With a directory, such as "/crm", the pages lie in that of a site that has a home page. Throws
  // when it does not answer.
  explicit WebServer(WebServerKind kind, std::string directory = "");
  ~WebServer();

  HttpReply get(const std::string& path) const { return http(port_, {"GET", path, {}, ""}); }
  HttpReply post(const std::string& path, const std::string& body) const {
    return http(port_, {"POST", path, {"Content-Type: application/x-www-form-urlencoded"}, body});
  }
  int port() const { return port_; }
  // Where a program listens by itself, as "unix:PATH".
  std::string socket(const std::string& name) const {
    return "unix:" + (dir_ / (name + ".sock")).string();
  }
  // Kills one of those for good.
  void end(const std::string& name) { programs_.erase(name); }
  // None of those has ended since the start.
  bool still_runs();
  // What one of the programs says to options on a command line.
  std::string shell(const std::string& name, const std::string& option) const;
  // The same by HTTP/2, without TLS: "STATUS VERSION" and the body. `body`: of a POST.
  std::string by_http2(const std::string& path, const std::string& body = "") const;
  std::string hook_log() const { return read_file(dir_ / "data/hook.log"); }
  // Waits until hook.log has it: it is written a moment after the answer.
  bool hooked(const std::string& text) const {
    return wait_until([&] { return hook_log().contains(text); });
  }
  // kill -9 for every process of the event receiver; one that listens by itself is started again,
  // as systemd would.
  void kill_handler();
  // Has the server read its configuration again, as `systemctl reload` does. Not with mod_fcgid,
  // which then leaves requests without an answer: its example says to restart.
  void reload();
  static std::string token() { return "0123456789abcdef0123456789abcdef"; }
  std::string errors() const { return read_file(dir_ / "error.log") + process_->err(); }

 private:
  void install() const;
  void listen_ourselves();
  void start_program(const std::string& name);
  Command command_of(const std::string& name, std::vector<std::string> options) const;
  std::vector<std::string> command(WebServerKind kind) const;
  std::string conf(WebServerKind kind) const;
  std::string apache_conf(WebServerKind kind) const;
  std::string lighttpd_conf() const;
  std::string nginx_conf() const;
  std::string caddy_conf() const;
  std::string with_paths(std::string example) const;

  TempDir dir_;
  const WebServerKind kind_;
  std::string directory_;
  int port_;
  std::vector<std::string> as_user_;
  std::map<std::string, Process> programs_;
  std::unique_ptr<Process> process_;
};

}  // namespace b24::test
