// check_inbound: checks of the way from the portal to us: token, public address, a real test event.
#include <algorithm>

#include "base/secret.h"
#include "base/text.h"
#include "check_seen.h"
#include "portal/http.h"
#include "portal/test_event.h"
#include "site_url.h"
#include "value/json.h"
#include "value/php.h"

namespace b24::check {
namespace {

constexpr Millis kSlowHandler = 2'000;
constexpr std::size_t kLongestAnswer = 64 << 10;

std::size_t count_tokens(const Settings& settings) {
  std::size_t count = 0;
  for (const PortalSettings& portal : settings.portals) count += portal.application_tokens.size();
  return count;
}

std::string handler_url(const Settings& settings) {
  return settings.site.public_url + "handler.php";
}

// The token goes over the line in this test: to nobody but ourselves, and never readable.
bool may_be_sent(const Settings& settings) {
  const std::string& url = settings.site.public_url;
  if (public_url_fault(url) || count_tokens(settings) == 0) return false;
  return url.starts_with("https://") || is_loopback_url(url);
}

Finding judge_token(const Seen& seen) {
  const auto tokens = static_cast<std::int64_t>(count_tokens(*seen.subject->settings));
  if (tokens > 0) return ok("set", Value::map({{"tokens", tokens}}));
  return warning("missing", {},
                 {"[portal]", "application_token = <the code of the outbound webhook>"});
}

Finding judge_public_url(const Seen& seen) {
  const std::string& url = seen.subject->settings->site.public_url;
  if (url.empty()) return warning("missing", {}, {"[site]", "public_url = https://<your site>/"});
  if (const auto fault = public_url_fault(url)) return failed("bad", *fault);
  const Value facts = Value::map({{"url", url}, {"handler", handler_url(*seen.subject->settings)}});
  if (is_loopback_url(url)) return info("this_machine", facts);
  if (!url.starts_with("https://")) return error("not_https", facts);
  return ok("known", facts);
}

Finding judge_addresses(const Seen& seen) {
  const std::string& url = seen.subject->settings->site.public_url;
  if (public_url_fault(url)) return info("not_asked");
  return seen.site_reach ? reach_found(*seen.site_reach) : error("late");
}

Finding judge_certificate(const Seen& seen) {
  if (!may_be_sent(*seen.subject->settings)) return info("not_asked");
  if (!seen.subject->settings->site.public_url.starts_with("https://")) return info("none");
  if (!seen.inbound) return error("late");
  if (seen.inbound->error && seen.inbound->error->code == "tls") {
    return failed("refused", *seen.inbound->error);
  }
  if (seen.inbound->days_left < 0) return info("unknown");
  return certificate_found(seen.inbound->days_left, "site_certificate_left_seconds");
}

// What firewalls, protections against robots and hosters' limits answer.
bool is_guards_answer(int status) {
  constexpr int kTheirs[] = {200, 202, 401, 403, 405, 406, 418, 429, 503};
  return std::ranges::find(kTheirs, status) != std::end(kTheirs);
}

Finding judge_test_event(const Seen& seen) {
  if (!may_be_sent(*seen.subject->settings)) return info("not_asked");
  if (!seen.inbound) return error("late");
  const InboundSeen& inbound = *seen.inbound;
  const Value facts = Value::map({{"url", handler_url(*seen.subject->settings)},
                                  {"status", inbound.status},
                                  {"ms", inbound.took},
                                  {"to", inbound.redirect},
                                  {"page", inbound.foreign}});
  if (inbound.error) return failed("unreachable", *inbound.error, State::error, facts);
  if (!inbound.redirect.empty()) return error("redirected", facts);
  if (!inbound.foreign.empty() && is_guards_answer(inbound.status))
    return error("in_between", facts);
  if (inbound.code == "address_not_allowed") return info("kept_out", facts);
  if (inbound.status == 403) return error("forbidden", facts);
  if (inbound.status != 200) return error("wrong_answer", facts);
  if (!inbound.stored) return error("not_stored", facts);
  return measured(inbound.took > kSlowHandler ? warning("slow", facts) : ok("arrived", facts),
                  {{"test_event_seconds", static_cast<double>(inbound.took) / 1000}});
}

// A page's title, or how its text begins.
std::string words_of(std::string_view page) {
  const std::string lower = text::lower(page);
  if (const std::size_t tag = lower.find("<title"); tag != lower.npos) {
    page = page.substr(std::min(page.size(), lower.find('>', tag)) + 1);
    page = page.substr(0, page.find('<'));
  }
  const std::string whole = text::to_valid_utf8(text::trim(page.substr(0, 500)));
  return text::for_log(secret::mask(text::first_utf8(whole, 100)), 300);
}

}  // namespace

std::span<const Check> inbound_checks() {
  static constexpr Check kChecks[] = {
      {"token", Group::inbound, "", judge_token},
      {"public_url", Group::inbound, "", judge_public_url},
      {"site_reach", Group::inbound, "", judge_addresses},
      {"site_tls", Group::inbound, "", judge_certificate},
      {"test_event", Group::inbound, "", judge_test_event},
  };
  return kChecks;
}

InboundSeen look_at_inbound(const Subject& subject) {
  InboundSeen seen;
  const Settings& settings = *subject.settings;
  if (!may_be_sent(settings)) return seen;
  const std::string number = secret::new_id();
  Http http(checking_options(settings, kLongestAnswer));
  const Millis begun = now_ms();
  HttpRequest request;
  request.url = handler_url(settings);
  request.headers = {"Accept: application/json"};  // so are ours, and no guard's
  request.body = php::build_query(make_test_event(settings, number, begun));
  const auto answer = http.send(request);
  seen.took = now_ms() - begun;
  if (!answer) {
    seen.error = answer.error().error;
    return seen;
  }
  seen.status = answer->status;
  seen.days_left = answer->certificate_days_left;
  seen.redirect = secret::mask(answer->redirect);
  const Result<Value> ours = json::parse(answer->body);
  const Value* code = ours ? ours->find("code") : nullptr;
  if (code != nullptr)
    seen.code = code->text();
  else if (!answer->body.empty())
    seen.foreign = words_of(answer->body);
  if (subject.store) {
    // The second use, when the receiver's was the first.
    seen.stored = subject.store->use(test_event_use(number), kTestEventWindow).value_or(0) > 1;
  }
  return seen;
}

Report try_event(std::shared_ptr<const Subject> subject) {
  Seen seen;
  seen.at = now_ms();
  seen.subject = std::move(subject);
  const Settings& settings = *seen.subject->settings;
  if (!public_url_fault(settings.site.public_url)) {
    seen.site_reach =
        look_at_addresses(settings.site.public_url, settings.checkserver.time_limit / 2);
  }
  seen.inbound = look_at_inbound(*seen.subject);
  return judge(seen, inbound_checks());
}

}  // namespace b24::check
