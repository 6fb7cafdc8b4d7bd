// hoster: the bundle (make dist) on shared hosting: unpacked in an empty root, or in a home
// directory behind an Apache that is set up as hosters do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "event_fixture.h"
#include "process.h"
#include "raw_http.h"
#include "site.h"

namespace b24::test {

std::filesystem::path bundle(std::string_view ending);  // ".tar.gz"
// The bundle's two folders and all else, directly below `to`.
void unpack_bundle(const std::filesystem::path& to);

// A root directory with nothing in it but the bundle, /etc/hosts and /dev/null. (An event's token
// is kToken.)
class EmptyHost {
 public:
  explicit EmptyHost(const Site& site);

  const std::filesystem::path& root() const { return root_.path(); }
  HttpReply ask(const std::string& program, const HttpCall& call) const;
  Ran shell(const std::string& program, const std::vector<std::string>& arguments) const;

 private:
  std::vector<std::string> command(const std::string& program) const;
  TempDir root_;
};

enum class CgiModule { cgi, cgid };

// Apache, a site of one user's whose home nobody else can list; PHP's handler set for *.php. As
// root the user is nobody, and programs run by suEXEC.
class Hoster {
 public:
  Hoster(CgiModule module, const Site& site);
  ~Hoster();

  std::filesystem::path home() const { return home_; }
  // To be called after the home was changed: everything in it belongs to its user.
  void give_away() const;
  int port() const { return port_; }
  HttpReply get(const std::string& path) const { return http(port_, {"GET", path, {}, ""}); }
  HttpReply post(const std::string& path, const std::string& body) const {
    return http(port_, {"POST", path, {"Content-Type: application/x-www-form-urlencoded"}, body});
  }
  std::string errors() const { return read_file(logs_ / "error.log"); }

 private:
  std::string conf(CgiModule module) const;

  int port_;
  TempDir logs_;
  std::filesystem::path home_;
  std::unique_ptr<Process> process_;
};

}  // namespace b24::test
