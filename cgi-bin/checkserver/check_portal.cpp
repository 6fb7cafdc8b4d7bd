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

Finding judge_url(const Seen& seen) {
  const CalledPortal portal = portal_of(seen);
  if (portal.url.empty() && forms_of(*seen.subject->settings, seen.portal_name).empty())
    return info("unused");
  if (portal.url.empty()) {
    return error("missing", {},
                 {"C_REST_WEB_HOOK_URL = https://example.bitrix24.com/rest/1/secret/"});
  }
  if (const auto fault = Webhook::url_fault(portal)) return failed("bad", *fault);
  return ok("good", Value::map({{"url", secret::mask(portal.url)}}));
}

Finding judge_address(const Seen& seen) {
  if (!is_callable(seen)) return info("not_asked");
  return seen.reach ? reach_found(*seen.reach) : error("late");
}

Finding judge_tls(const Seen& seen) {
  if (!is_callable(seen)) return info("not_asked");
  if (!seen.tls) return error("late");
  const TlsSeen& tls = *seen.tls;
  const bool certificate = tls.error && tls.error->code == "tls";
  if (seen.subject->settings->crest.ignore_ssl && (!tls.error || certificate)) {
    return {.state = State::warning,
            .name = "ignored",
            .cause = certificate ? tls.error->cause : std::string(),
            .paste = {"C_REST_IGNORE_SSL = no"}};
  }
  if (tls.error) {
    const Lines paste = {"[portal_call]", "ca_file = /path/to/authority.pem"};
    return certificate ? failed("refused", *tls.error, State::error, {}, paste)
                       : failed("unreachable", *tls.error);
  }
  if (tls.days_left < 0) return ok("trusted");
  return certificate_found(tls.days_left, "portal_certificate_left_seconds");
}

Finding judge_answer(const Seen& seen) {
  if (!is_callable(seen)) return info("not_asked");
  if (!seen.portal) return error("late");
  const PortalSeen& portal = *seen.portal;
  if (portal.error) {
    if (portal.error->error.code == "gate") return warning("bucket_full");
    const bool answered = portal.error->error.kind == ErrorKind::portal;
    Finding finding = failed(answered ? "refused" : "failed", portal.error->error);
    const std::string code = text::lower(portal.error->error.code);
    if (std::ranges::find(kExplained, code) != std::end(kExplained))
      finding.name = "portal_" + code;
    return finding;
  }
  const Value facts = Value::map({{"ms", portal.took}});
  return measured(portal.took > kSlowAnswer ? warning("slow", facts) : ok("answered", facts),
                  {{"portal_answer_seconds", static_cast<double>(portal.took) / 1000}});
}

Finding judge_user(const Seen& seen) {
  Finding instead;
  const Answer* answer = answer_to(seen, "profile", instead);
  if (answer == nullptr) return instead;
  const Value& user = answer->result;
  const bool admin = yes(user["ADMIN"]);
  const std::string full = user["NAME"].text() + " " + user["LAST_NAME"].text();
  const Value facts = Value::map({{"name", text::trim(full)}, {"id", user["ID"].text()}});
  return admin ? warning("admin", facts) : ok("user", facts);
}

Finding judge_scope(const Seen& seen) {
  Finding instead;
  const Answer* answer = answer_to(seen, "scope", instead);
  if (answer == nullptr) return instead;
  Lines scopes;
  for (const Value::Member& scope : answer->result.members()) scopes.push_back(scope.value.text());
  const Value facts = Value::map({{"scopes", text::join(scopes, ", ")}});
  const bool crm =
      std::ranges::find(scopes, "crm") != scopes.end() ||
      std::ranges::none_of(used_methods(*seen.subject->settings, seen.portal_name),
                           [](const std::string& method) { return method.starts_with("crm."); });
  return crm ? ok("crm", facts) : error("no_crm", facts);
}

Finding judge_methods(const Seen& seen) {
  if (!is_callable(seen)) return info("not_asked");
  const std::vector<std::string> methods = used_methods(*seen.subject->settings, seen.portal_name);
  Lines missing;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    Finding instead;
    const Answer* answer = answer_to(seen, "method" + std::to_string(i), instead);
    if (answer == nullptr) return instead;
    if (yes(answer->result["isExisting"]) && yes(answer->result["isAvailable"])) continue;
    missing.push_back(methods[i]);
  }
  const Value facts =
      Value::map({{"methods", text::join(methods, ", ")}, {"missing", text::join(missing, ", ")}});
  if (missing.empty()) return ok("available", facts);
  // The portal tells of its classic methods only.
  const bool is_classic =
      std::ranges::any_of(missing, [](auto& each) { return each.starts_with("crm."); });
  return is_classic ? error("missing", facts) : warning("not_classic", facts);
}

Finding judge_mode(const Seen& seen) {
  Finding instead;
  const Answer* answer = answer_to(seen, "mode", instead);
  if (answer == nullptr) return instead;
  return info(answer->result.integer() == 2 ? "simple" : "classic");
}

Finding judge_clock(const Seen& seen) {
  Finding instead;
  const Answer* answer = answer_to(seen, "time", instead);
  if (answer == nullptr) return instead;
  const auto theirs = read_time(answer->result.text(), Zone::must_be_said);
  if (!theirs) return info("unknown");
  const Millis ours = seen.portal->asked_at + seen.portal->took / 2;
  const Millis ahead = ours - *theirs;
  // The portal tells whole seconds, and the answer may have been under way for all of its time.
  const Millis off = std::max<Millis>(0, std::abs(ahead) - seen.portal->took / 2 - 1'000);
  const Value facts = Value::map({{"seconds", std::abs(ahead) / 1000}});
  return measured(off <= kClockOff
                      ? ok("right", facts)
                      : found(off > kClockWrong ? State::error : State::warning,
                              ahead > 0 ? "ahead" : "behind", facts, {"timedatectl set-ntp true"}),
                  {{"portal_clock_offset_seconds", static_cast<double>(ahead) / 1000}});
}

Finding judge_limits(const Seen& seen) {
  if (!is_callable(seen)) return info("not_asked");
  if (!seen.gate) return info("unknown");
  const GateState& gate = *seen.gate;
  const int size = portal_of(seen).bucket_size;
  double operating = 0;
  if (seen.portal) {
    for (const BatchResult& result : seen.portal->results) {
      if (result.outcome) operating = std::max(operating, result.outcome->operating);
    }
  }
  const Value facts = Value::map({{"level", static_cast<std::int64_t>(std::ceil(gate.level))},
                                  {"size", size},
                                  {"operating", std::round(operating * 10) / 10},
                                  {"failures", gate.failures},
                                  {"last_error", gate.last_error}});
  const bool busy = gate.level > 0.8 * size || operating > kBusyOperating;
  return measured(gate.open_until > seen.at ? warning("held_back", facts)
                  : busy                    ? warning("nearly_used_up", facts)
                                            : ok("room", facts),
                  {{"bucket_level", gate.level},
                   {"bucket_size", static_cast<double>(size)},
                   {"operating_seconds", operating}});
}

}  // namespace

const Answer* answer_to(const Seen& seen, std::string_view key, Finding& instead) {
  const bool was_asked = is_callable(seen) && seen.portal && !seen.portal->error;
  const auto* outcome = was_asked ? seen.portal->find(key) : nullptr;
  if (outcome != nullptr && *outcome) return &**outcome;
  instead = outcome == nullptr ? info("not_asked")
                               : failed("refused", outcome->error().error, State::warning);
  return nullptr;
}

bool yes(const Value& value) {
  return value.text() == "Y" || (value.text() != "N" && value.boolean());
}

std::span<const Check> portal_checks() {
  static constexpr Check kChecks[] = {
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
  return kChecks;
}

}  // namespace b24::check
