// webdriver: the W3C's WebDriver commands, and Chromium's own for what these lack.
#include "webdriver.h"

#include <signal.h>

#include <stdexcept>

#include "base/secret.h"
#include "raw_http.h"
#include "value/json.h"

namespace b24::test {
namespace {

// The name by which WebDriver tells elements from other objects.
constexpr const char* kElement = "element-6066-11e4-a52e-4f735466cecf";

// cJSON has no empty objects of ours: an empty Value is a list.
std::string object_text(const Value& params) {
  return params.size() == 0 ? "{}" : json::print(params);
}

// The answer's value; throws when it is an error.
Value value_of(const HttpReply& reply, const std::string& what) {
  const Result<Value> answer = json::parse(reply.body);
  if (!answer) throw std::runtime_error("chromedriver, " + what + ": no answer");
  const Value& value = (*answer)["value"];
  if (reply.status != 200) throw std::runtime_error(what + ": " + value["message"].text());
  return value;
}

Value capabilities(const std::string& language, const std::vector<std::string>& switches) {
  Value args =
      Value::list({"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--hide-scrollbars", "--accept-lang=" + language});
  for (const std::string& one : switches) args.append(one);
  const Value wanted = Value::map({{"acceptInsecureCerts", true},
                                   {"unhandledPromptBehavior", "accept"},
                                   {"goog:loggingPrefs", Value::map({{"browser", "ALL"}})},
                                   {"goog:chromeOptions", Value::map({{"args", args}})}});
  return Value::map({{"capabilities", Value::map({{"alwaysMatch", wanted}})}});
}

int port_in(const std::string& output) {
  constexpr std::string_view kWords = "started successfully on port ";
  const std::size_t at = output.find(kWords);
  if (at == std::string::npos || !output.contains('\n')) return 0;
  return static_cast<int>(Value(output.substr(at + kWords.size())).integer());
}

}  // namespace

Browser::Browser(const std::string& language, const std::vector<std::string>& switches) {
  const std::string home = home_.path().string();
  driver_ = std::make_unique<Process>(
      Command{{"chromedriver", "--port=0"}, {"HOME=" + home, "TMPDIR=" + home}});
  const bool started =
      wait_until([this] { return (port_ = port_in(driver_->out())) != 0 || !driver_->running(); });
  if (!started || port_ == 0) throw std::runtime_error("chromedriver does not start");
  const HttpReply reply = http_by_length(
      port_, {"POST", "/session", {}, json::print(capabilities(language, switches))});
  session_ = value_of(reply, "a new session")["sessionId"].text();
  reset();
}

// Asked to end, chromedriver ends its browser too; killed, it would not.
Browser::~Browser() {
  http_by_length(port_, {"DELETE", "/session/" + session_, {}, ""});
  driver_->signal(SIGTERM);
  driver_->wait();
}

Value Browser::ask(const std::string& method, const std::string& path, const Value& params) const {
  return value_of(http_by_length(port_, {method,
                                         "/session/" + session_ + "/" + path,
                                         {},
                                         method == "POST" ? object_text(params) : ""}),
                  path + " " + json::print(params));
}

Value Browser::cdp(const std::string& command, const Value& params) const {
  const HttpReply reply = http_by_length(
      port_, {"POST",
              "/session/" + session_ + "/goog/cdp/execute",
              {},
              "{\"cmd\":\"" + command + "\",\"params\":" + object_text(params) + "}"});
  return value_of(reply, command);
}

void Browser::reset() {
  ask("DELETE", "cookie");
  open("about:blank");
  resize(1280, 900);
  print_ = false;
  set_dark(false);
  set_scripts(true);
  set_offline(false);
  complaints();
}

void Browser::open(const std::string& url) {
  ask("POST", "url", Value::map({{"url", url}}));
}
void Browser::reload() {
  ask("POST", "refresh");
}
void Browser::back() {
  ask("POST", "back");
}
std::string Browser::url() const {
  return ask("GET", "url").text();
}

Value Browser::elements(const std::string& css) const {
  return ask("POST", "elements", Value::map({{"using", "css selector"}, {"value", css}}));
}

bool Browser::has(const std::string& css) const {
  return elements(css).size() != 0;
}

bool Browser::comes(const std::string& css) const {
  return wait_until([&] { return has(css); });
}

bool Browser::goes(const std::string& css) const {
  return wait_until([&] { return !has(css); });
}

std::string Browser::element(const std::string& css) const {
  Value found;
  if (!wait_until([&] { return (found = elements(css)).size() != 0; })) {
    throw std::runtime_error("no element " + css);
  }
  return found[0][kElement].text();
}

std::string Browser::text(const std::string& css) const {
  return ask("GET", "element/" + element(css) + "/text").text();
}

std::string Browser::attribute(const std::string& css, const std::string& name) const {
  return ask("GET", "element/" + element(css) + "/attribute/" + name).text();
}

void Browser::fill(const std::string& css, const std::string& text) {
  const std::string path = "element/" + element(css);
  ask("POST", path + "/clear");
  if (!text.empty()) ask("POST", path + "/value", Value::map({{"text", text}}));
}

void Browser::click(const std::string& css) {
  ask("POST", "element/" + element(css) + "/click");
}

void Browser::double_click(const std::string& css) {
  const Value down = Value::map({{"type", "pointerDown"}, {"button", 0}});
  const Value up = Value::map({{"type", "pointerUp"}, {"button", 0}});
  const Value there = Value::map({{"type", "pointerMove"},
                                  {"duration", 0},
                                  {"x", 0},
                                  {"y", 0},
                                  {"origin", Value::map({{kElement, element(css)}})}});
  ask("POST", "actions",
      Value::map({{"actions", Value::list({Value::map(
                                  {{"type", "pointer"},
                                   {"id", "mouse"},
                                   {"actions", Value::list({there, down, up, down, up})}})})}}));
}

void Browser::press(std::string_view key) {
  const Value down = Value::map({{"type", "keyDown"}, {"value", key}});
  const Value up = Value::map({{"type", "keyUp"}, {"value", key}});
  ask("POST", "actions",
      Value::map({{"actions", Value::list({Value::map({{"type", "key"},
                                                       {"id", "keys"},
                                                       {"actions", Value::list({down, up})}})})}}));
}

bool Browser::focus_comes(const std::string& id) const {
  return wait_until([&] { return script("return document.activeElement.id;").text() == id; });
}

Value Browser::script(const std::string& body, const Value& arguments) const {
  return ask("POST", "execute/sync", Value::map({{"script", body}, {"args", arguments}}));
}

// A window cannot be as narrow as a phone; the page's view can.
void Browser::resize(int width, int height) {
  cdp("Emulation.setDeviceMetricsOverride",
      Value::map(
          {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", false}}));
}

void Browser::emulate_media() {
  cdp("Emulation.setEmulatedMedia",
      Value::map({{"media", print_ ? "print" : ""},
                  {"features", Value::list({Value::map({{"name", "prefers-color-scheme"},
                                                        {"value", dark_ ? "dark" : "light"}})})}}));
}

void Browser::set_dark(bool dark) {
  dark_ = dark;
  emulate_media();
}

void Browser::set_print(bool print) {
  print_ = print;
  emulate_media();
}

void Browser::set_scripts(bool allowed) {
  cdp("Emulation.setScriptExecutionDisabled", Value::map({{"value", !allowed}}));
}

void Browser::set_offline(bool offline) {
  cdp("Network.enable", Value::array());
  cdp("Network.emulateNetworkConditions", Value::map({{"offline", offline},
                                                      {"latency", 0},
                                                      {"downloadThroughput", -1},
                                                      {"uploadThroughput", -1}}));
}

std::string Browser::screenshot() const {
  const Value answer = cdp(
      "Page.captureScreenshot",
      Value::map({{"format", "png"}, {"captureBeyondViewport", true}, {"optimizeForSpeed", true}}));
  return secret::decode_base64(answer["data"].text());
}

std::string Browser::pdf() const {
  const Value answer =
      cdp("Page.printToPDF",
          Value::map({{"paperWidth", 8.27}, {"paperHeight", 11.69}, {"printBackground", false}}));
  return secret::decode_base64(answer["data"].text());
}

std::string Browser::complaints() {
  std::string all;
  const Value log = ask("POST", "se/log", Value::map({{"type", "browser"}}));
  for (const Value::Member& entry : log.members()) {
    const Value& line = entry.value;
    if (line["source"].text() != "network") all += line["message"].text() + "\n";
  }
  return all;
}

}  // namespace b24::test
