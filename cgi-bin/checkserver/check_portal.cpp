// check_portal: checks of the way to the portal and of the webhook's rights.
#include "check_portal.h"

#include <algorithm>
#include <cmath>

#include "base/secret.h"
#include "base/text.h"
#include "settings/form.h"

namespace b24::check {
namespace {

constexpr Millis kSlowAnswer = 3'000;
constexpr Millis kClockOff = 30'000;     // warning
constexpr Millis kClockWrong = 300'000;  // error: signed tokens and certificates stop working
constexpr double kBusyOperating = 360;   // seconds of the 480 that one method has in ten minutes

// The codes that the catalogue has words of its own for.
constexpr std::string_view kExplained[] = {
    "no_auth_found",
    "expired_token",
    "invalid_token",
    "invalid_credentials",
    "insufficient_scope",
    "access_denied",
    "payment_required",
    "portal_deleted",
    "overload_limit",
    "query_limit_exceeded",
    "operation_time_limit",
    "internal_server_error",
    "timeout",
};

CalledPortal portal_of(const Seen& seen) {
  return called_portal(*seen.subject->settings, seen.portal_name);
}

bool is_callable(const Seen& seen) {
  return !Webhook::url_fault(portal_of(seen));
}

Finding not_asked() {
  return {.state = State::info, .name = "not_asked"};
}

Finding judge_url(const Seen& seen) {
  const CalledPortal portal = portal_of(seen);
  if (portal.url.empty() && forms_of(*seen.subject->settings, seen.portal_name).empty())
    return {.state = State::info, .name = "unused"};
  if (portal.url.empty()) {
    return {.state = State::error,
            .name = "missing",
            .paste = {"C_REST_WEB_HOOK_URL = https://example.bitrix24.com/rest/1/secret/"}};
  }
  if (const auto fault = Webhook::url_fault(portal)) return failed("bad", *fault);
  return {.name = "good", .facts = Value::map({{"url", secret::mask(portal.url)}})};
}

Finding judge_address(const Seen& seen) {
  if (!is_callable(seen)) return not_asked();
  if (!seen.reach) return {.state = State::error, .name = "late"};
  const ReachSeen& reach = *seen.reach;
  Value facts = Value::map({{"host", reach.host}});
  if (!reach.fault.empty()) {
    return {.state = State::error, .name = "no_name", .facts = facts, .cause = reach.fault};
  }
  std::string list;
  std::size_t reached = 0;
  for (const ReachSeen::Tried& tried : reach.tried) {
    list += (list.empty() ? "" : "; ") + tried.address + " " +
            (tried.reached ? std::to_string(tried.took) + " ms" : tried.fault);
    if (tried.reached) ++reached;
  }
  facts.set("tried", list);
  if (reached == 0) return {.state = State::error, .name = "unreachable", .facts = facts};
  if (reached < reach.tried.size()) {
    // A machine without IPv6 is nothing unusual, as long as something answers.
    return {.state = State::info, .name = "partly", .facts = facts};
  }
  return {.name = "reached", .facts = facts};
}

Finding judge_tls(const Seen& seen) {
  if (!is_callable(seen)) return not_asked();
  if (!seen.tls) return {.state = State::error, .name = "late"};
  const TlsSeen& tls = *seen.tls;
  const bool certificate = tls.error && tls.error->code == "tls";
  if (seen.subject->settings->crest.ignore_ssl && (!tls.error || certificate)) {
    return {.state = State::warning,
            .name = "ignored",
            .cause = certificate ? tls.error->cause : std::string(),
            .paste = {"C_REST_IGNORE_SSL = no"}};
  }
  if (tls.error) {
    Finding finding = failed(certificate ? "refused" : "unreachable", *tls.error);
    if (certificate) finding.paste = {"[portal_call]", "ca_file = /path/to/authority.pem"};
    return finding;
  }
  const Value facts = Value::map({{"days", std::int64_t{tls.days_left}}});
  if (tls.days_left < 0) return {.name = "trusted"};
  const bool few = tls.days_left < kFewDays;
  return {.state = few ? State::warning : State::ok,
          .name = few ? "expires" : "valid",
          .facts = facts,
          .metrics = {
              {"portal_certificate_left_seconds", static_cast<double>(tls.days_left) * 86'400}}};
}

Finding judge_answer(const Seen& seen) {
  if (!is_callable(seen)) return not_asked();
  if (!seen.portal) return {.state = State::error, .name = "late"};
  const PortalSeen& portal = *seen.portal;
  if (portal.error) {
    if (portal.error->error.code == "gate") {
      return {.state = State::warning, .name = "bucket_full"};
    }
    const bool answered = portal.error->error.kind == ErrorKind::portal;
    Finding finding = failed(answered ? "refused" : "failed", portal.error->error);
    const std::string code = text::lower(portal.error->error.code);
    const auto* known = std::find(std::begin(kExplained), std::end(kExplained), code);
    if (known != std::end(kExplained)) finding.name = "portal_" + code;
    return finding;
  }
  const bool slow = portal.took > kSlowAnswer;
  return {.state = slow ? State::warning : State::ok,
          .name = slow ? "slow" : "answered",
          .facts = Value::map({{"ms", portal.took}}),
          .metrics = {{"portal_answer_seconds", static_cast<double>(portal.took) / 1000}}};
}

Finding judge_user(const Seen& seen) {
  Finding instead;
  const Answer* answer = answer_to(seen, "profile", instead);
  if (answer == nullptr) return instead;
  const Value& user = answer->result;
  const bool admin = yes(user["ADMIN"]);
  const std::string full = user["NAME"].text() + " " + user["LAST_NAME"].text();
  return {.state = admin ? State::warning : State::ok,
          .name = admin ? "admin" : "user",
          .facts = Value::map({{"name", text::trim(full)}, {"id", user["ID"].text()}})};
}

Finding judge_scope(const Seen& seen) {
  Finding instead;
  const Answer* answer = answer_to(seen, "scope", instead);
  if (answer == nullptr) return instead;
  std::string scopes;
  bool crm = false;
  for (const Value::Member& scope : answer->result.members()) {
    crm |= scope.value.text() == "crm";
    scopes += (scopes.empty() ? "" : ", ") + scope.value.text();
  }
  return {.state = crm ? State::ok : State::error,
          .name = crm ? "crm" : "no_crm",
          .facts = Value::map({{"scopes", scopes}})};
}

Finding judge_methods(const Seen& seen) {
  if (!is_callable(seen)) return not_asked();
  const std::vector<std::string> methods = used_methods(*seen.subject->settings, seen.portal_name);
  std::string missing;
  std::string all;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    Finding instead;
    const Answer* answer = answer_to(seen, "method" + std::to_string(i), instead);
    if (answer == nullptr) return instead;
    all += (all.empty() ? "" : ", ") + methods[i];
    if (yes(answer->result["isExisting"]) && yes(answer->result["isAvailable"])) continue;
    missing += (missing.empty() ? "" : ", ") + methods[i];
  }
  return {.state = missing.empty() ? State::ok : State::error,
          .name = missing.empty() ? "available" : "missing",
          .facts = Value::map({{"methods", all}, {"missing", missing}})};
}

Finding judge_mode(const Seen& seen) {
  Finding instead;
  const Answer* answer = answer_to(seen, "mode", instead);
  if (answer == nullptr) return instead;
  const std::int64_t mode = answer->result.integer();
  return {.state = State::info, .name = mode == 2 ? "simple" : "classic"};
}

Finding judge_clock(const Seen& seen) {
  Finding instead;
  const Answer* answer = answer_to(seen, "time", instead);
  if (answer == nullptr) return instead;
  const auto theirs = read_time(answer->result.text(), Zone::must_be_said);
  if (!theirs) return {.state = State::info, .name = "unknown"};
  const Millis ours = seen.portal->asked_at + seen.portal->took / 2;
  const Millis ahead = ours - *theirs;
  // The portal tells whole seconds, and the answer may have been under way for all of its time.
  const Millis off = std::max<Millis>(0, std::abs(ahead) - seen.portal->took / 2 - 1'000);
  State state = State::ok;
  if (off > kClockOff) state = State::warning;
  if (off > kClockWrong) state = State::error;
  return {.state = state,
          .name = state == State::ok ? "right"
                  : ahead > 0        ? "ahead"
                                     : "behind",
          .facts = Value::map({{"seconds", std::abs(ahead) / 1000}}),
          .paste = state == State::ok ? std::vector<std::string>{}
                                      : std::vector<std::string>{"timedatectl set-ntp true"},
          .metrics = {{"portal_clock_offset_seconds", static_cast<double>(ahead) / 1000}}};
}

Finding judge_limits(const Seen& seen) {
  if (!is_callable(seen)) return not_asked();
  if (!seen.gate) return {.state = State::info, .name = "unknown"};
  const GateState& gate = *seen.gate;
  const int size = portal_of(seen).bucket_size;
  double operating = 0;
  if (seen.portal) {
    for (const BatchResult& result : seen.portal->results) {
      if (result.outcome) operating = std::max(operating, result.outcome->operating);
    }
  }
  Finding finding;
  finding.facts = Value::map({{"level", static_cast<std::int64_t>(std::ceil(gate.level))},
                              {"size", size},
                              {"operating", std::round(operating * 10) / 10},
                              {"failures", gate.failures},
                              {"last_error", gate.last_error}});
  finding.metrics = {{"bucket_level", gate.level},
                     {"bucket_size", static_cast<double>(size)},
                     {"operating_seconds", operating}};
  if (gate.open_until > seen.at) {
    finding.state = State::warning;
    finding.name = "held_back";
  } else if (gate.level > 0.8 * size || operating > kBusyOperating) {
    finding.state = State::warning;
    finding.name = "nearly_used_up";
  } else {
    finding.name = "room";
  }
  return finding;
}

constexpr Check kPortalChecks[] = {
    {"webhook_url", Group::portal, "", judge_url},
    {"portal_address", Group::portal, "", judge_address},
    {"portal_tls", Group::portal, "", judge_tls},
    {"portal_answer", Group::portal, "", judge_answer},
    {"portal_clock", Group::portal, "", judge_clock},
    {"portal_user", Group::portal, "", judge_user},
    {"portal_scope", Group::portal, "", judge_scope},
    {"portal_methods", Group::portal, "", judge_methods},
    {"portal_mode", Group::portal, "", judge_mode},
    {"portal_limits", Group::portal, "", judge_limits},
};

}  // namespace

const Answer* answer_to(const Seen& seen, std::string_view key, Finding& instead) {
  if (!is_callable(seen) || !seen.portal || seen.portal->error) {
    instead = not_asked();
    return nullptr;
  }
  const auto* outcome = seen.portal->find(key);
  if (outcome == nullptr) {
    instead = not_asked();
    return nullptr;
  }
  if (!*outcome) {
    instead = failed("refused", outcome->error().error, State::warning);
    return nullptr;
  }
  return &**outcome;
}

bool yes(const Value& value) {
  return value.text() == "Y" || (value.text() != "N" && value.boolean());
}

std::span<const Check> portal_checks() {
  return kPortalChecks;
}

}  // namespace b24::check
