// event_fixture: settings of a receiver in a directory of their own, and events as a portal sends
// them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "keep/journal.h"
#include "process.h"
#include "settings/app.h"
#include "store_fixture.h"
#include "value/php.h"
#include "value/value.h"

namespace b24::test {

inline constexpr std::string_view kToken = "0123456789abcdef0123456789abcdef";

// Those of a site (site.h) with the sandbox and this token, and what is given: more keys of
// [portal_call] first, then sections.
inline std::string site_settings(const std::string& more) {
  return "C_REST_WEB_HOOK_URL = https://localhost:1/rest/1/sandbox/\n\n[data]\ndir = data\n\n"
         "[page]\ntemplates = " +
         (std::filesystem::current_path() / "templates").string() +
         "\n\n[portal]\napplication_token = " + std::string(kToken) +
         "\n\n[portal_call]\nca_file = sandbox-ca.pem\n" + more;
}

// What $_REQUEST holds of an event about the object `id`.
inline Value event_params(std::string_view event = "ONCRMDEALUPDATE", std::string_view id = "7",
                          std::string_view ts = "1700000000") {
  return Value::map({{"event", event},
                     {"event_handler_id", "3"},
                     {"data", Value::map({{"FIELDS", Value::map({{"ID", id}})}})},
                     {"ts", ts},
                     {"auth", Value::map({{"domain", "example.bitrix24.com"},
                                          {"member_id", "a223c6b3710f85df22e9377d6c4f7553"},
                                          {"application_token", kToken}})}});
}

// The same as the journal keeps it.
inline Record record_of(const Value& params, Millis at) {
  Record record;
  record.id = secret::new_id();
  record.key = record.id;
  record.at = at;
  record.content_type = "application/x-www-form-urlencoded";
  record.body = php::build_query(params);
  record.address = "192.0.2.1";
  return record;
}

// A settings file with the data directory `data` and the structured log beside it.
class EventSettings {
 public:
  explicit EventSettings(const std::string& more = "") {
    if (on_postgres()) {
      std::filesystem::create_directory(data());
      std::filesystem::permissions(data(), std::filesystem::perms::owner_all);
      store_ = "store = " + new_shared_store().url + "\n";
    }
    set(more);
  }
  void set(const std::string& more) {
    write_file(file(), "C_REST_LOGS_DIR = .\n\n[data]\ndir = data\n" + store_ +
                           "\n[portal]\napplication_token = " + std::string(kToken) + "\n\n" +
                           more);
  }
  std::string file() const { return (dir / "settings.conf").string(); }
  std::string log() const { return read_file(dir / "b24hooks.log"); }
  std::filesystem::path data() const { return dir / "data"; }
  Launch launch() const {
    Launch launch;
    launch.settings_file = file();
    launch.environment = environment_;
    return launch;
  }

  TempDir dir;

 private:
  std::string store_;
  const char* environment_[1] = {nullptr};
};

// The receiver as a web server runs a CGI program; `environment`: what says where the settings are.
inline Command cgi_call(std::vector<std::string> environment, const std::string& method,
                        const std::string& body, const std::string& query = "") {
  for (const std::string& line :
       {std::string("GATEWAY_INTERFACE=CGI/1.1"), "REQUEST_METHOD=" + method,
        std::string("SERVER_PROTOCOL=HTTP/1.1"), std::string("SCRIPT_NAME=/handler.php"),
        "QUERY_STRING=" + query, std::string("HTTP_HOST=localhost"),
        std::string("REMOTE_ADDR=127.0.0.1"),
        std::string("CONTENT_TYPE=application/x-www-form-urlencoded"),
        "CONTENT_LENGTH=" + std::to_string(body.size())})
    environment.push_back(line);
  return {{built("cgi-bin/handler.fcgi")}, std::move(environment), body, {}, {}};
}

inline std::vector<Item> all_events(Store& store) {
  ListFilter filter;
  filter.kind = Kind::event;
  filter.limit = 100'000;
  filter.newest_first = false;
  return good(store.list(filter));
}

}  // namespace b24::test
