// webhook: calls to the portal: call, batch, errors with a cause and a remedy.
#include "portal/webhook.h"

#include <algorithm>
#include <set>
#include <stdexcept>
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

// What the portal takes at its REST 3.0 address: methods of these names, as JSON. All others, and
// every batch, go to the classic address, whichever form of the URL the owner copied.
constexpr std::string_view kRest3Methods[] = {"tasks.", "main."};

bool is_rest3(std::string_view method) {
  return std::ranges::any_of(kRest3Methods,
                             [&](std::string_view begins) { return method.starts_with(begins); });
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

bool consists_of(std::string_view text, bool (*allowed)(char)) {
  return !text.empty() && std::ranges::all_of(text, allowed);
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_host(char c) {
  return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
}
bool is_secret(char c) {
  return is_digit(c) || is_letter(c) || c == '_' || c == '-';
}

// What is wrong with it, in words that hold nothing of it; nullptr when nothing is.
const char* read_url(std::string_view url, WebhookUrl& parts) {
  if (url.empty()) return "is not set";
  if (!url.starts_with(kScheme)) return "does not begin with https://";
  std::string_view rest = url.substr(kScheme.size());
  parts.host = take_until(rest, '/');
  if (!consists_of(parts.host, is_host)) return "has no valid host name after https://";
  if (take_until(rest, '/') != "rest") return "has no /rest/ after the host name";
  parts.rest3 = rest.starts_with("api/");
  if (parts.rest3) take_until(rest, '/');
  parts.user = take_until(rest, '/');
  if (!consists_of(parts.user, is_digit)) return "has no user's number after /rest/";
  parts.secret = take_until(rest, '/');
  if (!consists_of(parts.secret, is_secret)) return "has no secret after the user's number";
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

// Each outcome is found by its command's key.
void require_unique_keys(const std::vector<Command>& commands) {
  std::set<std::string_view> keys;
  for (const Command& command : commands) {
    if (!keys.insert(command.key).second) {
      throw std::invalid_argument("two commands of a batch have the key " + command.key);
    }
  }
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

Value batch_form(std::span<const Command> commands, bool halt) {
  Value lines = Value::array();
  for (const Command& command : commands) lines.set(command.key, line_of(command));
  return Value::map({{"halt", halt ? 1 : 0}, {"cmd", std::move(lines)}});
}

}  // namespace

std::optional<Error> Webhook::url_fault(std::string_view url) {
  WebhookUrl parts;
  const char* fault = read_url(url, parts);
  if (fault == nullptr) return std::nullopt;
  return Error{ErrorKind::settings, "webhook_url", std::string("C_REST_WEB_HOOK_URL ") + fault,
               "copy the whole address from the portal's inbound webhook: "
               "https://PORTAL/rest/USER/SECRET/"};
}

Webhook::Webhook(const Settings& settings, CallGate* gate, Clock clock)
    : fault_(url_fault(settings.crest.web_hook_url)),
      gate_(gate),
      clock_(std::move(clock)),
      http_(http_options(settings)) {
  WebhookUrl parts;
  if (read_url(settings.crest.web_hook_url, parts) != nullptr) return;
  portal_ = text::lower(parts.host);
  secret_ = parts.secret;
  const std::string rest = std::string(kScheme) + std::string(parts.host) + "/rest/";
  const std::string user = std::string(parts.user) + "/" + secret_ + "/";
  url_ = rest + user;
  if (parts.rest3) rest3_url_ = rest + "api/" + user;
}

std::string Webhook::portal_of(std::string_view url) {
  WebhookUrl parts;
  return read_url(url, parts) == nullptr ? text::lower(parts.host) : std::string();
}

void Webhook::set_total_time(Millis time) {
  http_.set_total_time(time);
}

std::expected<Answer, CallError> Webhook::send(std::string_view method, const Value& params) {
  HttpRequest request;
  // Encoded, so that no method's name can lead to another path.
  const std::string name = php::url_encode(method);
  if (!rest3_url_.empty() && is_rest3(method)) {
    request.url = rest3_url_ + name;
    request.content_type = "application/json";
    request.body = json::print(params);
  } else {
    request.url = url_ + name + ".json";
    request.body = php::build_query(params);
  }
  const auto http = http_.send(request);
  if (!http) return std::unexpected(CallError{http.error().error, 0, verdict(http.error()), 0});
  auto answer = read_answer(http->status, http->body);
  if (answer) answer->took = http->took;
  return answer;
}

std::expected<Answer, CallError> Webhook::held_back(Millis wait) const {
  return std::unexpected(
      CallError{{ErrorKind::portal, "gate", "the portal's limits leave no room for a call now", ""},
                0,
                Verdict::retry,
                clock_() + wait});
}

std::expected<Answer, CallError> Webhook::exchange(std::string_view method, const Value& params) {
  if (fault_) return std::unexpected(CallError{*fault_, 0, Verdict::blocked, 0});
  if (gate_ != nullptr) {
    if (const Millis wait = gate_->enter(method); wait > 0) return held_back(wait);
  }
  auto outcome = send(method, params);
  mask(outcome);
  if (gate_ != nullptr) {
    if (outcome) {
      gate_->answered(method, *outcome);
    } else {
      gate_->failed(method, outcome.error());
    }
  }
  date(method, outcome);
  return outcome;
}

// The portal may repeat the secret in its own words.
void Webhook::mask(std::expected<Answer, CallError>& outcome) const {
  if (!outcome && !secret_.empty()) text::replace_all(outcome.error().error.cause, secret_, "***");
}

void Webhook::date(std::string_view method, std::expected<Answer, CallError>& outcome) const {
  if (outcome || !text::equal_ignoring_case(outcome.error().error.code, "OPERATION_TIME_LIMIT"))
    return;
  const Millis wait = gate_ != nullptr ? gate_->closed_for(method) : 0;
  outcome.error().retry_at = clock_() + (wait > 0 ? wait : kOperatingWait);
}

std::expected<Answer, CallError> Webhook::call(std::string_view method, const Value& params) {
  return exchange(method, params);
}

std::vector<BatchResult> Webhook::run_together(std::span<const Command> commands, bool halt) {
  std::vector<BatchResult> results;
  std::vector<Command> sent;
  std::vector<std::size_t> places;  // of what is sent, among the results
  bool stopped = false;
  for (const Command& command : commands) {
    const Millis wait = gate_ != nullptr && !stopped ? gate_->closed_for(command.method) : 0;
    if (wait > 0 || stopped) {
      results.push_back({command.key, stopped ? std::unexpected(not_run()) : held_back(wait)});
      stopped = halt;
    } else {
      places.push_back(results.size());
      results.push_back({command.key, {}});
      sent.push_back(command);
    }
  }
  if (sent.empty()) return results;
  const auto whole = exchange("batch", batch_form(sent, halt));
  std::vector<BatchResult> outcomes = read_batch(whole, sent, halt);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    std::expected<Answer, CallError>& outcome = outcomes[i].outcome;
    mask(outcome);
    if (whole && gate_ != nullptr) gate_->ran(sent[i].method, outcome);
    if (whole) date(sent[i].method, outcome);
    results[places[i]].outcome = std::move(outcome);
  }
  return results;
}

std::vector<BatchResult> Webhook::batch(const std::vector<Command>& commands, bool halt) {
  require_unique_keys(commands);
  std::vector<BatchResult> results;
  bool stopped = false;
  std::span<const Command> rest = commands;
  while (!rest.empty()) {
    const auto together = rest.first(count_together(rest));
    rest = rest.subspan(together.size());
    if (stopped) {
      for (const Command& command : together)
        results.push_back({command.key, std::unexpected(not_run())});
      continue;
    }
    for (BatchResult& result : run_together(together, halt)) {
      stopped = stopped || (halt && !result.outcome);
      results.push_back(std::move(result));
    }
  }
  return results;
}

}  // namespace b24
