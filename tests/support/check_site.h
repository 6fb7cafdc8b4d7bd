// check_site: what the self-check's tests share: settings without a server, a scripted portal, a
// site that may be broken, and how a row is looked at.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fcgi_client.h"
#include "keep/store.h"
#include "process.h"
#include "site.h"
#include "tls_server.h"
#include "value/value.h"

namespace b24::test {

inline constexpr const char* kCheckPage = "/checkserver.php";
inline constexpr const char* kCheckKey = "key-of-the-owner-0123456789";

// Fails the test when it is no JSON.
Value parsed_json(const std::string& text);

// A fresh run of checkserver.fcgi in a shell.
Ran run_check(const std::filesystem::path& settings, const std::string& format = "json",
              std::vector<std::string> environment = {});

// A row of the JSON form; fails the test when it is not there.
Value check_row(const Value& report, std::string_view id);
// The row is in this state and says these words; what is wrong says what to do.
void expect_row(const Value& report, const char* id, const char* state,
                std::string_view words = "");

// A directory with settings and data, without any server; the webhook leads nowhere.
struct BareCheck {
  explicit BareCheck(const std::string& more = "",
                     const std::string& url = "https://127.0.0.1:1/rest/1/secretsecret99/");
  std::filesystem::path settings() const { return dir / "settings.conf"; }
  std::filesystem::path data() const { return dir / "data"; }
  std::shared_ptr<Store> store() const;  // fails the test when it does not open
  Value report() const { return parsed_json(run_check(settings()).out); }
  TempDir dir;
};

// A portal that answers the self-check's batch as it is told, everything else by 200.
class ScriptedPortal {
 public:
  struct Script {
    std::map<std::string, Value> results = {};       // by the command's key, instead of a good one
    std::map<std::string, std::string> errors = {};  // likewise: the portal's code
    double operating = 0;                            // seconds of each method
  };
  explicit ScriptedPortal(Script script);
  ScriptedPortal() : ScriptedPortal(Script{}) {}
  // The report of settings that use it; `more` comes before the first section.
  Value report(const std::string& more = "") const;
  BareCheck check(const std::string& more = "") const;
  std::size_t batches() const;  // how many it was asked

 private:
  Reply answer_to(const Received& request) const;
  Authority authority_;
  Script script_;
  TlsServer server_;
};

// checkserver.fcgi as a FastCGI process of its own, with these settings.
class CheckServer {
 public:
  explicit CheckServer(const BareCheck& bare,
                       const std::string& program = built("cgi-bin/checkserver.fcgi"),
                       std::vector<std::string> environment = {});
  // `more`: further variables, such as HTTP_COOKIE; each goes before the usual one of its name.
  FcgiAnswer get(const std::string& query, const Params& more = {}) const;
  FcgiAnswer post(const std::string& body, const Params& more = {}) const;
  std::string err() const { return process_.err(); }

 private:
  std::string socket_;
  Process process_;
};

// A site of its own that can be broken; the one that all suites share stays whole.
Site& breakable_site();
Value checked(const Site& site);

// A web server that gives whatever lies in DIR/www; `location` is what its configuration says
// besides.
class OpenServer {
 public:
  explicit OpenServer(const TempDir& dir, const std::string& location = "");
  ~OpenServer();
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  static Command command(const TempDir& dir, int port, const std::string& location);
  int port_;
  Process process_;
};

}  // namespace b24::test
