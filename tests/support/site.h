// site: a whole running suite for a test: tests/run-site in a directory of its own, on free ports.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "portal/http.h"
#include "process.h"
#include "raw_http.h"
#include "value/value.h"

namespace b24::test {

struct SiteOptions {
  std::vector<std::string> environment;  // for run-site and all that it starts
  std::string settings;                  // the whole settings.conf; empty: run-site makes one
};

// Throws when the site does not get ready. The sandbox is empty and without faults then.
class Site {
 public:
  explicit Site(const SiteOptions& options = {});
  ~Site();

  int port() const { return port_; }
  int sandbox_port() const { return sandbox_port_; }
  const std::filesystem::path& run_dir() const { return dir_.path(); }
  std::string webhook_url() const;  // https://localhost:PORT/rest/1/sandbox/
  std::string token() const;        // application_token of the settings

  // The site, through nginx, each on a connection of its own.
  HttpReply get(const std::string& path) const { return http(port_, {"GET", path, {}, ""}); }
  HttpReply post(const std::string& path, const std::string& body,
                 const std::string& type = "application/x-www-form-urlencoded") const;
  HttpReply post(const std::string& path, const Value& params) const;

  // The sandbox, over TLS.
  std::expected<HttpAnswer, HttpFailure> sandbox(const HttpRequest& request) const;
  // A REST call of the given webhook ("1/sandbox/"), form-encoded.
  std::expected<HttpAnswer, HttpFailure> call(const std::string& method, const Value& params,
                                              const std::string& webhook = "1/sandbox/") const;
  // The JSON of such an answer; null when there was none.
  Value call_json(const std::string& method, const Value& params = Value::array(),
                  const std::string& webhook = "1/sandbox/") const;
  // POST /sandbox/NAME; throws when the sandbox refuses: control("fault", {{"mode", "slow"}}).
  Value control(const std::string& name, const Value& params) const;
  // "down"; count 0: until changed; for one method only when it is given.
  void fault(const std::string& mode, int count = 0, const std::string& method = "") const;
  void reset() const { control("reset", Value::array()); }
  Value leads() const { return look("leads"); }
  Value events() const { return look("events"); }
  Value items(int type) const { return look("items?type=" + std::to_string(type)); }
  Value comments() const { return look("comments"); }
  Value traces() const { return look("traces"); }
  Value calls(const std::string& method = "") const { return look("calls?method=" + method); }
  // The users in whose names a method was called.
  std::vector<std::string> callers(const std::string& method) const;

  std::string settings() const { return read_file(dir_ / "settings.conf"); }
  void set_settings(std::string_view text) const { write_file(dir_ / "settings.conf", text); }
  // The value of a key that is in the file, wherever.
  void set_setting(const std::string& key, const std::string& value) const;
  std::string hook_log() const { return read_file(dir_ / "data/hook.log"); }
  // Waits until hook.log has it: it is written a moment after the answer.
  bool hooked(const std::string& text) const {
    return wait_until([&] { return hook_log().contains(text); });
  }
  std::string log(const std::string& name) const { return read_file(dir_ / ("logs/" + name)); }

  // "index", "handler", "handler-backup", "checkserver", "sandbox", "nginx"; 0: not running.
  pid_t pid(const std::string& name) const;
  // Ends a page by a signal and waits until run-site has started it again.
  void kill(const std::string& name, int signal) const;
  // SIGTERM to run-site; its exit code, nothing when it does not end.
  std::optional<int> stop();
  std::string out() const { return process_->out(); }
  std::string err() const { return process_->err(); }

 private:
  Value look(const std::string& path) const;

  TempDir dir_;
  int port_;
  int sandbox_port_;
  std::unique_ptr<Process> process_;
};

// Sets a key of a site's settings for as long as it lives.
class ChangedSetting {
 public:
  ChangedSetting(const Site& site, const std::string& key, const std::string& value)
      : site_(site), before_(site.settings()) {
    site.set_setting(key, value);
  }
  ~ChangedSetting() { site_.set_settings(before_); }
  ChangedSetting(const ChangedSetting&) = delete;
  ChangedSetting& operator=(const ChangedSetting&) = delete;

 private:
  const Site& site_;
  std::string before_;
};

// One for all suites that only talk to the sandbox or leave the site as it was; started when first
// asked for.
Site& shared_site();

}  // namespace b24::test
