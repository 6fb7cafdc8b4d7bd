// webhook: calls to the portal: call, batch, errors with a cause and a remedy.
#include "portal/webhook.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "base/version.h"
#include "value/json.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr std::size_t kCommandsPerRequest = 50;
constexpr std::size_t kBytesPerRequest = 1 << 20;
constexpr Millis kOperatingWait = 60'000;
constexpr std::string_view kScheme = "https://";

// What an owner who copied that form of the URL means to be called at the REST 3.0 address; of all
// others the classic address is asked first.
constexpr std::string_view kRest3Methods[] = {"tasks.", "main."};

bool is_rest3(std::string_view method) {
  return std::ranges::any_of(kRest3Methods,
                             [&](std::string_view begins) { return method.starts_with(begins); });
}

// The address that was asked does not have the method; the other one may.
bool is_elsewhere(std::string_view method, const CallResult& outcome) {
  // crm.* is classic, and so is a batch of it.
  if (outcome || !method.contains('.') || method.starts_with("crm.")) return false;
  const std::string_view code = outcome.error().error.code;
  return code == "ERROR_METHOD_NOT_FOUND" ||
         code == "BITRIX_REST_V3_EXCEPTION_METHODNOTFOUNDEXCEPTION";
}

// https://HOST/rest/USER/SECRET/, or /rest/api/USER/SECRET/ of REST 3.0
struct WebhookUrl {
  std::string_view host;
  bool rest3 = false;
  std::string_view user;
  std::string_view secret;
};

std::string_view take_until(std::string_view& rest, char end) {
  const std::size_t at = std::min(rest.find(end), rest.size());
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return part;
}

bool consists_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == text.npos;
}

// What is wrong with it, in words that hold nothing of it; nullptr when nothing is.
const char* read_url(std::string_view url, WebhookUrl& parts) {
  const std::string digits = "0123456789";
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (url.empty()) return "is not set";
  if (!url.starts_with(kScheme)) return "does not begin with https://";
  std::string_view rest = url.substr(kScheme.size());
  parts.host = take_until(rest, '/');
  if (!consists_of(parts.host, digits + letters + ".-:[]"))
    return "has no valid host name after https://";
  if (take_until(rest, '/') != "rest") return "has no /rest/ after the host name";
  parts.rest3 = rest.starts_with("api/");
  if (parts.rest3) take_until(rest, '/');
  parts.user = take_until(rest, '/');
  if (!consists_of(parts.user, digits)) return "has no user's number after /rest/";
  parts.secret = take_until(rest, '/');
  if (!consists_of(parts.secret, digits + letters + "_-"))
    return "has no secret after the user's number";
  if (!rest.empty()) return "goes on after the secret";
  return nullptr;
}

HttpOptions http_options(const Settings& settings) {
  HttpOptions options;
  options.connect_time = settings.call.connect_time;
  options.total_time = settings.call.total_time;
  options.verify = !settings.crest.ignore_ssl;
  options.ca_file = settings.call.ca_file;
  options.user_agent = "b24hooks/" + std::string(kVersion);
  options.follow_redirects = true;
  return options;
}

// What the owner must mend before anything can be sent; all else may pass by itself.
Verdict verdict(const HttpFailure& failure) {
  if (failure.sent) return Verdict::look;
  for (const char* code : {"curl_missing", "redirect_refused", "bad_url"}) {
    if (failure.error.code == code) return Verdict::blocked;
  }
  return Verdict::retry;
}

std::string line_of(const Command& command) {
  return php::url_encode(command.method) + "?" + php::build_query(command.params);
}

// How many of the first commands fit one request: a portal's web server has its limit, too.
std::size_t count_together(std::span<const Command> commands) {
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < std::min(commands.size(), kCommandsPerRequest); ++count) {
    bytes += line_of(commands[count]).size();
    if (count > 0 && bytes > kBytesPerRequest) break;
  }
  return count;
}

Value batch_form(std::span<const Command> commands) {
  Value lines = Value::array();
  for (const Command& command : commands) lines.set(command.key, line_of(command));
  return Value::map({{"halt", 0}, {"cmd", std::move(lines)}});
}

}  // namespace

std::optional<Error> Webhook::url_fault(std::string_view url, std::string_view setting) {
  WebhookUrl parts;
  const char* fault = read_url(url, parts);
  if (fault == nullptr) return std::nullopt;
  return Error{ErrorKind::settings, "webhook_url", std::string(setting) + " " + fault,
               "copy the whole address from the portal's inbound webhook: "
               "https://PORTAL/rest/USER/SECRET/"};
}

Webhook::Webhook(const Settings& settings, CallGate* gate, std::string_view portal, Clock clock)
    : Webhook(settings, gate, called_portal(settings, portal), std::move(clock)) {}

Webhook::Webhook(const Settings& settings, CallGate* gate, const CalledPortal& portal, Clock clock)
    : setting_(portal.setting),
      fault_(url_fault(portal)),
      gate_(gate),
      clock_(std::move(clock)),
      http_(http_options(settings)) {
  WebhookUrl parts;
  if (read_url(portal.url, parts) != nullptr) return;
  portal_ = text::lower(parts.host);
  secret_ = parts.secret;
  const std::string rest = std::string(kScheme) + std::string(parts.host) + "/rest/";
  const std::string user = std::string(parts.user) + "/" + secret_ + "/";
  url_ = rest + user;
  rest3_url_ = rest + "api/" + user;
  is_rest3_ = parts.rest3;
}

std::string Webhook::portal_of(std::string_view url) {
  WebhookUrl parts;
  return read_url(url, parts) == nullptr ? text::lower(parts.host) : std::string();
}

bool Webhook::is_at(std::string_view url, std::string_view host) {
  const std::string portal = portal_of(url);
  const std::string wanted = text::lower(host);
  return !portal.empty() && !wanted.empty() &&
         (portal == wanted || portal.starts_with(wanted + ":"));
}

bool Webhook::is_idempotent(std::string_view method) const {
  return (is_rest3_ && is_rest3(method)) != moved_.contains(method);
}

CallResult Webhook::send(At address, std::string_view method, const Value& params,
                         std::string_view key) {
  HttpRequest request;
  // Encoded, so that no method's name can lead to another path.
  const std::string name = php::url_encode(method);
  if (address == At::rest3) {
    request.url = rest3_url_ + name;
    request.content_type = "application/json";
    request.body = json::print(params);
    if (!key.empty()) request.headers = {"Idempotency-Key: " + std::string(key)};
  } else {
    request.url = url_ + name + ".json";
    request.body = php::build_query(params);
  }
  const auto http = http_.send(request);
  if (!http) return std::unexpected(CallError{http.error().error, 0, verdict(http.error()), 0});
  return read_answer(http->status, http->body);
}

CallResult Webhook::held_back(Millis wait) const {
  return std::unexpected(
      CallError{{ErrorKind::portal, "gate", "the portal's limits leave no room for a call now", ""},
                0,
                Verdict::retry,
                clock_() + wait});
}

// As CallGate::enter, when all turns are over.
Millis Webhook::enter(std::string_view method) {
  for (std::int64_t turn = 0;; ++turn) {
    const Millis wait = gate_->enter(method);
    if (wait == 0 || wait > kLongestTurn || turn >= turns_) return wait;
    if (!sleep_for(wait, http_.options.stop)) return wait;
  }
}

CallResult Webhook::call(std::string_view method, const Value& params) {
  return call_at(At::classic, method, params, {});
}

CallResult Webhook::call_where_it_is(std::string_view method, const Value& params,
                                     std::string_view key) {
  const auto call = [&] {
    return call_at(is_idempotent(method) ? At::rest3 : At::classic, method, params, key);
  };
  auto outcome = call();
  if (!is_elsewhere(method, outcome)) return outcome;
  const auto move = [&] {
    if (moved_.erase(std::string(method)) == 0) moved_.emplace(method);
  };
  move();
  auto there = call();
  if (!is_elsewhere(method, there)) return there;
  move();
  return outcome;
}

CallResult Webhook::call_at(At address, std::string_view method, const Value& params,
                            std::string_view key) {
  if (fault_) return std::unexpected(CallError{*fault_, 0, Verdict::blocked, 0});
  if (gate_ != nullptr) {
    if (const Millis wait = enter(method); wait > 0) return held_back(wait);
  }
  auto outcome = send(address, method, params, key);
  mask(outcome);
  if (gate_ != nullptr) gate_->ended(method, outcome);
  date(method, outcome);
  return outcome;
}

// The portal may repeat the secret in its own words; ours are to name the setting that it is from.
void Webhook::mask(CallResult& outcome) const {
  if (outcome) return;
  Error& error = outcome.error().error;
  if (!secret_.empty()) text::replace_all(error.cause, secret_, "***");
  text::replace_all(error.remedy, "C_REST_WEB_HOOK_URL", setting_);
}

void Webhook::date(std::string_view method, CallResult& outcome) const {
  if (outcome || !text::equal_ignoring_case(outcome.error().error.code, "OPERATION_TIME_LIMIT"))
    return;
  const Millis wait = gate_ != nullptr ? gate_->closed_for(method) : 0;
  outcome.error().retry_at = clock_() + (wait > 0 ? wait : kOperatingWait);
}

std::vector<BatchResult> Webhook::run_together(std::span<const Command> commands) {
  std::vector<BatchResult> results;
  std::vector<Command> sent;
  std::vector<std::size_t> places;            // of what is sent, among the results
  std::map<std::string_view, Millis> closed;  // by method
  for (const Command& command : commands) {
    const auto [known, is_new] = closed.try_emplace(command.method, 0);
    if (is_new && gate_ != nullptr) known->second = gate_->closed_for(command.method);
    const Millis wait = known->second;
    if (wait == 0) {
      places.push_back(results.size());
      sent.push_back(command);
    }
    results.push_back({command.key, held_back(wait)});
  }
  if (sent.empty()) return results;
  const auto whole = call("batch", batch_form(sent));
  std::vector<BatchResult> outcomes = read_batch(whole, sent);
  for (BatchResult& each : outcomes) mask(each.outcome);
  if (whole && gate_ != nullptr) gate_->ran(sent, outcomes);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    CallResult& outcome = outcomes[i].outcome;
    if (whole) date(sent[i].method, outcome);
    results[places[i]].outcome = std::move(outcome);
  }
  return results;
}

std::vector<BatchResult> Webhook::batch(std::span<const Command> commands) {
  std::vector<BatchResult> results;
  while (!commands.empty()) {
    const std::size_t together = count_together(commands);
    std::ranges::move(run_together(commands.first(together)), std::back_inserter(results));
    commands = commands.subspan(together);
  }
  return results;
}

}  // namespace b24
