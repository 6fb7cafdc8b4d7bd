// check_site: what the self-check's tests share.
#include "check_site.h"

#include <sys/stat.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "base/clock.h"
#include "value/json.h"
#include "value/php.h"

namespace b24::test {
namespace fs = std::filesystem;
namespace {

// What a portal answers where all is well.
Value good_result(const std::string& key) {
  const Value plain = Value::map({{"isRequired", false}, {"isReadOnly", false}});
  if (key == "profile") return Value::map({{"ID", "1"}, {"ADMIN", false}, {"NAME", "Anna"}});
  if (key == "scope") return Value::list({"crm"});
  if (key == "time") return iso_time(now_ms()).substr(0, 19) + "+00:00";
  if (key == "mode") return 1;
  if (key == "fields") {
    Value fields = Value::array();
    for (const char* name : {"TITLE", "NAME", "LAST_NAME", "PHONE", "EMAIL", "STATUS_ID", "OPENED",
                             "ASSIGNED_BY_ID", "ORIGINATOR_ID", "ORIGIN_ID", "COMMENTS"}) {
      fields.set(name, plain);
    }
    return fields;
  }
  if (key == "stages") return Value::list({Value::map({{"STATUS_ID", "NEW"}, {"NAME", "New"}})});
  if (key == "sources") return Value::list({Value::map({{"STATUS_ID", "WEB"}, {"NAME", "Web"}})});
  if (key == "responsible") {
    return Value::list({Value::map({{"ID", "9"}, {"ACTIVE", true}})});
  }
  return Value::map({{"isExisting", true}, {"isAvailable", true}});  // method.get
}

}  // namespace

Value parsed_json(const std::string& text) {
  const auto value = json::parse(text);
  BOOST_REQUIRE_MESSAGE(value.has_value(), "no JSON: " + text.substr(0, 300));
  return *value;
}

Ran run_check(const fs::path& settings, const std::string& format,
              std::vector<std::string> environment) {
  return run(
      {{built("cgi-bin/checkserver.fcgi"), "--settings", settings.string(), "--format", format},
       std::move(environment)});
}

Value check_row(const Value& report, std::string_view id) {
  for (const Value::Member& row : report["checks"].members()) {
    if (row.value["id"].text() == id) return row.value;
  }
  BOOST_FAIL("no row " + std::string(id));
  return {};
}

void expect_row(const Value& report, const char* id, const char* state, std::string_view words) {
  const Value row = check_row(report, id);
  BOOST_TEST_CONTEXT(json::print(row)) {
    BOOST_TEST(row["state"].text() == state);
    std::string told = row["detail"].text() + "\n" + row["remedy"].text();
    for (const Value::Member& line : row["paste"].members()) told += "\n" + line.value.text();
    BOOST_TEST(told.contains(words));
    const bool problem = row["state"].text() == "error" || row["state"].text() == "warning";
    if (problem) BOOST_TEST(!row["remedy"].text().empty());
  }
}

BareCheck::BareCheck(const std::string& more, const std::string& url) {
  fs::create_directory(data());
  chmod(data().c_str(), 0700);
  write_file(settings(), "C_REST_WEB_HOOK_URL = " + url + "\n" + more +
                             "\n[page]\ntemplates = " + fs::absolute("templates").string() + "\n");
}

std::shared_ptr<Store> BareCheck::store() const {
  auto opened = Store::open(data());
  BOOST_REQUIRE(opened.has_value());
  return *opened;
}

ScriptedPortal::ScriptedPortal(Script script)
    : script_(std::move(script)),
      server_(authority_.issue("localhost"),
              [this](const Received& request) { return answer_to(request); }) {}

Reply ScriptedPortal::answer_to(const Received& request) const {
  const auto form = php::parse_query(request.body);
  if (!form || !form->find("cmd")) return answer(200, "a portal");
  Value results = Value::array();
  Value errors = Value::array();
  Value times = Value::array();
  for (const Value::Member& command : (*form)["cmd"].members()) {
    const std::string key = command.key.text();
    times.set(key, Value::map({{"operating", script_.operating}}));
    if (const auto error = script_.errors.find(key); error != script_.errors.end()) {
      errors.set(key, Value::map({{"error", error->second}, {"error_description", "no"}}));
    } else if (const auto told = script_.results.find(key); told != script_.results.end()) {
      results.set(key, told->second);
    } else {
      results.set(key, good_result(key));
    }
  }
  return json(json::print(Value::map(
      {{"result",
        Value::map({{"result", results}, {"result_error", errors}, {"result_time", times}})}})));
}

BareCheck ScriptedPortal::check(const std::string& more) const {
  return BareCheck(more + "\n[portal_call]\nca_file = " + authority_.ca_file().string(),
                   server_.url("/rest/1/secretsecret99/"));
}

std::size_t ScriptedPortal::batches() const {
  const auto all = server_.requests();
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(),
                    [](const Received& request) { return request.path.contains("/batch"); }));
}

Value ScriptedPortal::report(const std::string& more) const {
  return check(more).report();
}

namespace {

std::string with(Params params, const Params& more) {
  for (const auto& [name, value] : more) {
    std::erase_if(params, [&](const auto& param) { return param.first == name; });
    params.emplace_back(name, value);
  }
  return fcgi_head(params);
}

}  // namespace

CheckServer::CheckServer(const BareCheck& bare, const std::string& program,
                         std::vector<std::string> environment)
    : socket_("unix:" + (bare.dir / "socket").string()),
      process_({{program, "--listen", socket_, "--settings", bare.settings().string()},
                std::move(environment)}) {
  // A socket that is bound is not yet one that is listened on.
  const auto listens = [&] {
    try {
      const Peer peer(socket_);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  if (!wait_until(listens)) {
    throw std::runtime_error("checkserver does not start: " + process_.err());
  }
}

FcgiAnswer CheckServer::get(const std::string& query, const Params& more) const {
  return ask(socket_, with(get_params(query), more) + fcgi_body(""));
}

FcgiAnswer CheckServer::post(const std::string& body, const Params& more) const {
  return ask(socket_, with(post_params("", body.size()), more) + fcgi_body(body));
}

Site& breakable_site() {
  static Site site;
  return site;
}

Value checked(const Site& site) {
  return parsed_json(run_check(site.run_dir() / "settings.conf").out);
}

OpenServer::OpenServer(const TempDir& dir, const std::string& location)
    : port_(free_port()), process_(command(dir, port_, location)) {
  if (!wait_until([&] { return can_connect(port_); })) {
    throw std::runtime_error("nginx does not start: " + process_.err());
  }
}

// Its worker, which a killed one would leave behind, ends with it.
OpenServer::~OpenServer() {
  process_.signal(SIGTERM);
  process_.wait();
}

Command OpenServer::command(const TempDir& dir, int port, const std::string& location) {
  fs::create_directories(dir / "www");
  fs::create_directories(dir / "tmp");
  std::string conf = "daemon off; pid " + (dir / "tmp/pid").string() +
                     "; error_log stderr; worker_processes 1;\nevents {}\nhttp { access_log off;";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    conf += std::string(kind) + "_temp_path " + (dir / "tmp").string() + "; ";
  }
  conf += "server { listen 127.0.0.1:" + std::to_string(port) + "; root " + (dir / "www").string() +
          "; " + location + " } }\n";
  write_file(dir / "nginx.conf", conf);
  // Its workers are another user, where root starts it.
  for (const char* open : {"", "www"}) chmod((dir / open).c_str(), 0755);
  return {{"/usr/sbin/nginx", "-c", (dir / "nginx.conf").string(), "-e", "stderr"}};
}

}  // namespace b24::test
