// webhook: calls to the portal: call, batch, errors with a cause and a remedy.
#include "webhook.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "php.h"
#include "server.h"
#include "text.h"

namespace b24 {
namespace {

constexpr std::size_t kCommandsPerRequest = 50;
constexpr Millis kOperatingWait = 60'000;
constexpr std::string_view kScheme = "https://";

// https://HOST/rest/USER/SECRET/
struct WebhookUrl {
  std::string_view host;
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

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
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

Value batch_form(std::span<const Command> commands, bool halt) {
  Value lines = Value::array();
  for (const Command& command : commands) {
    lines.set(command.key,
              php::url_encode(command.method) + "?" + php::build_query(command.params));
  }
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
    : url_(settings.crest.web_hook_url),
      fault_(url_fault(url_)),
      gate_(gate),
      clock_(std::move(clock)),
      http_(http_options(settings)) {
  WebhookUrl parts;
  if (fault_ || read_url(url_, parts) != nullptr) return;
  portal_ = portal_of(url_);
  secret_ = parts.secret;
  if (!url_.ends_with('/')) url_ += '/';
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
  request.url = url_ + php::url_encode(method) + ".json";
  request.body = php::build_query(params);
  const auto http = http_.send(request);
  if (!http) return std::unexpected(CallError{http.error().error, 0, verdict(http.error()), 0});
  auto answer = read_answer(http->status, http->body);
  if (answer) answer->took = http->took;
  return answer;
}

std::expected<Answer, CallError> Webhook::exchange(std::string_view method, const Value& params) {
  if (fault_) return std::unexpected(CallError{*fault_, 0, Verdict::blocked, 0});
  if (gate_ != nullptr) {
    if (const Millis wait = gate_->enter(method); wait > 0) {
      return std::unexpected(CallError{
          {ErrorKind::portal, "gate", "the portal's limits leave no room for a call now", ""},
          0,
          Verdict::retry,
          clock_() + wait});
    }
  }
  auto outcome = send(method, params);
  note(method, outcome);
  if (gate_ != nullptr) {
    if (outcome) {
      gate_->answered(method, *outcome);
    } else {
      gate_->failed(method, outcome.error());
    }
  }
  return outcome;
}

void Webhook::note(std::string_view method, std::expected<Answer, CallError>& outcome) {
  if (outcome) {
    if (outcome->operating_reset_at > 0)
      reset_at_.insert_or_assign(std::string(method), outcome->operating_reset_at);
    return;
  }
  CallError& error = outcome.error();
  // The portal may repeat the secret in its own words.
  if (!secret_.empty()) replace_all(error.error.cause, secret_, "***");
  if (!text::equal_ignoring_case(error.error.code, "OPERATION_TIME_LIMIT")) return;
  const auto known = reset_at_.find(method);
  const Millis reset = known == reset_at_.end() ? 0 : known->second * 1000;
  const Millis now = clock_();
  error.retry_at = reset > now ? reset : now + kOperatingWait;
}

void Webhook::note_command(std::string_view method, std::expected<Answer, CallError>& outcome) {
  note(method, outcome);
  // The portal limits a method's time inside a batch, too.
  const bool used_up = !outcome && outcome.error().retry_at > 0;
  if (used_up && gate_ != nullptr) gate_->failed(method, outcome.error());
}

std::expected<Answer, CallError> Webhook::call(std::string_view method, const Value& params) {
  return exchange(method, params);
}

std::vector<BatchResult> Webhook::batch(const std::vector<Command>& commands, bool halt) {
  require_unique_keys(commands);
  std::vector<BatchResult> results;
  bool stopped = false;
  std::span<const Command> rest = commands;
  while (!rest.empty()) {
    const auto chunk = rest.first(std::min(rest.size(), kCommandsPerRequest));
    rest = rest.subspan(chunk.size());
    const Value form = batch_form(chunk, halt);
    const auto whole = stopped ? std::unexpected(not_run()) : exchange("batch", form);
    std::vector<BatchResult> part = read_batch(whole, chunk, halt);
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      if (whole) note_command(chunk[i].method, part[i].outcome);
      stopped = stopped || (halt && !part[i].outcome);
      results.push_back(std::move(part[i]));
    }
  }
  return results;
}

}  // namespace b24
