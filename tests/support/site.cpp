// site: starting tests/run-site, and talking to what it started.
#include "site.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "base/text.h"
#include "value/json.h"
#include "value/php.h"

namespace b24::test {

namespace {

std::string build_dir() {
  const char* build = std::getenv("BUILD");
  return build == nullptr ? "build" : build;
}

Value parsed(const std::expected<HttpAnswer, HttpFailure>& answer) {
  if (!answer) return Value();
  auto document = json::parse(answer->body);
  return document ? *document : Value();
}

bool accepts(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool good = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return good;
}

}  // namespace

Site::Site(const SiteOptions& options) : port_(free_port()), sandbox_port_(free_port()) {
  if (!options.settings.empty()) set_settings(options.settings);
  Command command{{"tests/run-site"}, options.environment, "", {}, ""};
  for (const std::string& line :
       {"PORT=" + std::to_string(port_), "SANDBOX_PORT=" + std::to_string(sandbox_port_),
        "RUN_DIR=" + dir_.path().string(), "BUILD=" + build_dir()})
    command.environment.push_back(line);
  process_ = std::make_unique<Process>(command);
  const bool ready = wait_until(
      [this] { return out().ends_with("ready\n") || !process_->running(); }, kDeadline * 3);
  if (!ready || !process_->running()) throw std::runtime_error("run-site: " + out() + err());
  if (pid("sandbox") != 0) reset();
}

Site::~Site() {
  if (process_ && process_->running()) stop();
}

std::string Site::webhook_url() const {
  return "https://localhost:" + std::to_string(sandbox_port_) + "/rest/1/sandbox/";
}

std::string Site::token() const {
  const std::string text = settings();
  constexpr std::string_view kKey = "application_token = ";
  const std::size_t at = text.find(kKey);
  if (at == std::string::npos) return "";
  return text.substr(at + kKey.size(), text.find('\n', at) - at - kKey.size());
}

HttpReply Site::post(const std::string& path, const std::string& body,
                     const std::string& type) const {
  return http(port_, {"POST", path, {"Content-Type: " + type}, body});
}

HttpReply Site::post(const std::string& path, const Value& params) const {
  return post(path, php::build_query(params));
}

std::expected<HttpAnswer, HttpFailure> Site::sandbox(const HttpRequest& request) const {
  HttpOptions options;
  options.ca_file = dir_ / "sandbox-ca.pem";
  options.total_time = 30'000;
  HttpRequest whole = request;
  whole.url = "https://localhost:" + std::to_string(sandbox_port_) + request.url;
  return Http(options).send(whole);
}

std::expected<HttpAnswer, HttpFailure> Site::call(const std::string& method, const Value& params,
                                                  const std::string& webhook) const {
  HttpRequest request;
  request.url = "/rest/" + webhook + method + ".json";
  request.body = php::build_query(params);
  return sandbox(request);
}

Value Site::call_json(const std::string& method, const Value& params,
                      const std::string& webhook) const {
  return parsed(call(method, params, webhook));
}

Value Site::control(const std::string& name, const Value& params) const {
  HttpRequest request;
  request.url = "/sandbox/" + name;
  request.body = php::build_query(params);
  const auto answer = sandbox(request);
  if (!answer) throw std::runtime_error("sandbox: " + answer.error().error.cause);
  if (answer->status != 200) throw std::runtime_error("sandbox: " + answer->body);
  return parsed(answer);
}

void Site::fault(const std::string& mode, int count, const std::string& method) const {
  Value params = Value::map({{"mode", mode}, {"method", method}});
  if (count != 0) params.set("count", count);
  control("fault", params);
}

Value Site::look(const std::string& path) const {
  HttpRequest request;
  request.method = "GET";
  request.url = "/sandbox/" + path;
  return parsed(sandbox(request));
}

std::vector<std::string> Site::callers(const std::string& method) const {
  std::vector<std::string> users;
  const Value all = calls(method);
  for (const Value::Member& call : all.members()) users.push_back(call.value["user"].text());
  return users;
}

void Site::set_setting(const std::string& key, const std::string& value) const {
  std::string text = "\n" + settings();
  const std::size_t at = text.find("\n" + key + " = ");
  if (at == std::string::npos) throw std::runtime_error("no such key in settings.conf: " + key);
  const std::size_t begin = at + key.size() + 4;
  text.replace(begin, text.find('\n', begin) - begin, value);
  set_settings(text.substr(1));
}

pid_t Site::pid(const std::string& name) const {
  return static_cast<pid_t>(Value(read_file(dir_ / (name + ".pid"))).integer());
}

void Site::kill(const std::string& name, int signal) const {
  const pid_t before = pid(name);
  if (before <= 0) throw std::runtime_error(name + " is not running");
  ::kill(before, signal);
  const std::string socket = (dir_ / (name + ".sock")).string();
  const bool again = wait_until([&] { return pid(name) != before && accepts(socket); });
  if (!again) throw std::runtime_error(name + " was not started again");
}

std::optional<int> Site::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

Site& shared_site() {
  static Site site;
  return site;
}

}  // namespace b24::test
