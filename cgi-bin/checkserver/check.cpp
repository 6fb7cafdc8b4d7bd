// check: see check.h.
#include "check.h"

#include <algorithm>
#include <iterator>

#include "base/secret.h"
#include "base/text.h"
#include "check_seen.h"
#include "portal/webhook.h"
#include "settings/settings_keys.h"
#include "value/json.h"

namespace b24::check {
namespace {

constexpr std::string_view kStates[] = {"ok", "info", "warning", "error"};
constexpr std::string_view kGroupNames[] = {"programs", "settings", "storage", "leaks",
                                            "portal",   "inbound",  "suite"};

// A finding is named in its check, or shared by several.
std::string message_key(const Row& row, const Templates& templates) {
  std::string own = "check_" + row.id + "_" + row.finding.name;
  if (templates.has_message(own)) return own;
  std::string shared = "check_" + row.finding.name;
  return templates.has_message(shared) ? shared : std::string();
}

// Facts as they are put into a text; `templates` may be null.
Value in_words(const Value& facts, const Templates* templates, std::string_view language) {
  Value out = facts;
  for (const auto& [key, fact] : facts.members()) {
    if (!fact.is_array()) continue;
    const std::string unit = fact[1].text();
    out.set(key, fact[0].text() + " " +
                     (templates ? templates->message(language, "checks_unit_" + unit) : unit));
  }
  return out;
}

std::string facts_alone(const Finding& finding) {
  std::string out = finding.name;
  const Value facts = in_words(finding.facts, nullptr, "");
  for (const Value::Member& fact : facts.members()) {
    out += "; " + fact.key.text() + ": " + fact.value.text();
  }
  return out;
}

std::string remedy_of(const Finding& finding, const std::string& key, const Value& facts,
                      const Templates& templates, std::string_view language) {
  const std::string code = text::lower(finding.code);
  for (const std::string& fix :
       {key + "_fix", "check_fix_" + code, "check_portal_" + code + "_fix"}) {
    if (templates.has_message(fix)) return templates.message(language, fix, facts);
  }
  return finding.remedy;
}

void join(std::string& text, const std::string& more) {
  if (more.empty()) return;
  if (!text.empty()) text += " ";
  text += more;
}

template <std::size_t N>
std::size_t index_of(const std::string_view (&names)[N], const std::string& name) {
  const auto* found = std::find(std::begin(names), std::end(names), name);
  return found == std::end(names) ? 0 : static_cast<std::size_t>(found - std::begin(names));
}

constexpr std::pair<const char*, std::string Row::*> kRowTexts[] = {
    {"id", &Row::id}, {"portal", &Row::portal}, {"crest", &Row::crest}};
constexpr std::pair<const char*, std::string Finding::*> kFindingTexts[] = {
    {"finding", &Finding::name},
    {"cause", &Finding::cause},
    {"remedy", &Finding::remedy},
    {"code", &Finding::code}};

Value row_value(const Row& row) {
  const Finding& f = row.finding;
  Value value = Value::map({{"group", name(row.group)},
                            {"state", name(f.state)},
                            {"facts", f.facts},
                            {"paste", list_of(f.paste)},
                            {"metrics", metrics_of(f)}});
  for (const auto& [key, text] : kRowTexts) value.set(key, row.*text);
  for (const auto& [key, text] : kFindingTexts) value.set(key, f.*text);
  return value;
}

Row row_from(const Value& value) {
  Row row;
  Finding& f = row.finding;
  for (const auto& [key, text] : kRowTexts) row.*text = value[key].text();
  for (const auto& [key, text] : kFindingTexts) f.*text = value[key].text();
  row.group = static_cast<Group>(index_of(kGroupNames, value["group"].text()));
  f.state = static_cast<State>(index_of(kStates, value["state"].text()));
  f.facts = value["facts"];
  for (const Value::Member& line : value["paste"].members()) f.paste.push_back(line.value.text());
  for (const Value::Member& metric : value["metrics"].members()) {
    f.metrics.push_back({metric.key.text(), metric.value.real()});
  }
  return row;
}

// --- Secrets ---

constexpr std::size_t kShortestSecret = 10;  // what is shorter may be a part of any word

std::vector<std::string> secrets_of(const Settings& settings) {
  std::vector<std::string> secrets;
  for (const CalledPortal& portal : called_portals(settings)) {
    // A malformed address is taken apart too: its secret may be anywhere.
    std::vector<std::string> parts = text::split(portal.url, "/:?&=# ");
    const std::string host = Webhook::portal_of(portal.url);
    std::erase_if(parts, [&](const std::string& part) { return host.starts_with(part); });
    std::ranges::move(parts, std::back_inserter(secrets));
  }
  for (const PortalSettings& portal : settings.portals) {
    secrets.insert(secrets.end(), portal.application_tokens.begin(),
                   portal.application_tokens.end());
  }
  for (const ActionSettings& action : settings.actions) {
    secrets.insert(secrets.end(), {action.forward_secret, action.forward});
  }
  secrets.insert(secrets.end(), {settings.checkserver.key, settings.spam.captcha_secret});
  std::erase_if(secrets, [](const std::string& s) { return s.size() < kShortestSecret; });
  return secrets;
}

void hide(std::string& text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) text::replace_all(text, secret, "***");
}

void hide_secrets(Finding& finding, const std::vector<std::string>& secrets) {
  const Value facts = finding.facts;
  for (const Value::Member& fact : facts.members()) {
    if (!fact.value.is_string()) continue;
    std::string text = secret::mask(fact.value.string());
    hide(text, secrets);
    finding.facts.set(fact.key.text(), text);
  }
  finding.cause = secret::mask(finding.cause);
  hide(finding.cause, secrets);
  hide(finding.remedy, secrets);
  for (std::string& line : finding.paste) hide(line, secrets);
}

}  // namespace

std::string_view name(State state) {
  return kStates[static_cast<std::size_t>(state)];
}
std::string_view name(Group group) {
  return kGroupNames[static_cast<std::size_t>(group)];
}

Finding failed(std::string_view finding, const Error& error, State state, Value facts,
               Lines paste) {
  return {state,        std::string(finding), std::move(facts), error.cause,
          error.remedy, error.code,           std::move(paste)};
}

std::string name_of(const Row& row) {
  return row.portal.empty() ? row.id : row.id + "." + text::lower(env_form(row.portal));
}

std::vector<Check> all_checks() {
  std::vector<Check> all;
  for (const auto group :
       {program_checks(), setting_checks(), storage_checks(), database_checks(), leak_checks(),
        portal_checks(), form_checks(), inbound_checks(), suite_checks()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

State Report::verdict() const {
  State worst = State::ok;
  for (const Row& row : rows) worst = std::max(worst, row.finding.state);
  return worst == State::info ? State::ok : worst;
}

std::string command(const Seen& seen, const std::string& program_and_options) {
  const std::size_t blank = program_and_options.find(' ');
  std::string line = seen.programs.dir / program_and_options.substr(0, blank);
  const std::filesystem::path& settings = seen.subject->settings->file;
  if (!settings.empty()) line += " --settings " + settings.string();
  return line + program_and_options.substr(blank);
}

Value duration(Millis time) {
  if (time < 1'000) return Value::list({time, "ms"});
  if (time < 2 * kMinute) return Value::list({time / 1'000, "s"});
  if (time < 2 * kHour) return Value::list({time / kMinute, "min"});
  if (time < 2 * kDay) return Value::list({time / kHour, "h"});
  return Value::list({time / kDay, "d"});
}

Value list_of(const Lines& lines) {
  Value all = Value::array();
  for (const std::string& line : lines) all.append(line);
  return all;
}

Value metrics_of(const Finding& finding) {
  Value all = Value::array();
  for (const Metric& metric : finding.metrics) all.set(metric.name, metric.value);
  return all;
}

int Report::count(State state) const {
  return static_cast<int>(
      std::ranges::count(rows, state, [](const Row& row) { return row.finding.state; }));
}

namespace {

std::optional<Finding> lacking(const Seen& seen, Needs needs) {
  if (needs == Needs::nothing) return std::nullopt;
  if (!seen.subject->settings) return info("no_settings");
  if (needs == Needs::settings) return std::nullopt;
  std::optional<Finding> late = error("late");
  if (needs == Needs::storage) return seen.storage ? std::nullopt : late;
  const bool is_shared = !seen.subject->settings->data.store.empty();
  if (needs == (is_shared ? Needs::file : Needs::database)) return Finding();
  if (!seen.subject->store) return info("no_store");
  if (needs == Needs::database) return seen.database ? std::nullopt : late;
  if (!seen.store) return late;
  if (seen.store->error) return failed("no_answer", *seen.store->error);
  return std::nullopt;
}

// A further portal, as if it were the only one.
void judge_other(const Seen& seen, const PortalLook& other, Report& report) {
  Seen its = seen;
  static_cast<PortalLook&>(its) = other;
  for (const auto group : {portal_checks(), form_checks()}) {
    for (const Check& check : group) {
      Finding finding = check.judge(its);
      if (finding.name == "no_form") continue;
      report.rows.push_back(
          {std::string(check.id), check.group, "", std::move(finding), other.portal_name});
    }
  }
}

}  // namespace

Report judge(const Seen& seen) {
  return judge(seen, all_checks());
}

Report judge(const Seen& seen, std::span<const Check> checks) {
  Report report;
  report.at = seen.at;
  for (const Check& check : checks) {
    std::optional<Finding> finding = lacking(seen, check.needs);
    if (!finding) finding = check.judge(seen);
    if (finding->name.empty()) continue;
    report.rows.push_back(
        {std::string(check.id), check.group, std::string(check.crest), std::move(*finding)});
  }
  for (const PortalLook& other : seen.others) judge_other(seen, other, report);
  std::vector<std::string> secrets;
  if (seen.subject->settings) secrets = secrets_of(*seen.subject->settings);
  for (Row& row : report.rows) hide_secrets(row.finding, secrets);
  if (seen.store) report.hours = seen.store->hours;
  return report;
}

std::string to_text(const Report& report) {
  Value rows = Value::array();
  for (const Row& row : report.rows) rows.append(row_value(row));
  Value hours = Value::array();
  for (const Hour& hour : report.hours) {
    hours.append(Value::list({hour.at, hour.leads, hour.events, hour.delivery}));
  }
  return json::print(
      Value::map({{"at", report.at}, {"took", report.took}, {"rows", rows}, {"hours", hours}}));
}

Result<Report> from_text(std::string_view text) {
  Result<Value> value = json::parse(text);
  if (!value) return std::unexpected(value.error());
  Report report;
  report.at = (*value)["at"].integer();
  report.took = (*value)["took"].integer();
  for (const Value::Member& row : (*value)["rows"].members()) {
    report.rows.push_back(row_from(row.value));
  }
  for (const Value::Member& hour : (*value)["hours"].members()) {
    report.hours.push_back({hour.value[0].integer(), hour.value[1].integer(),
                            hour.value[2].integer(), hour.value[3].integer()});
  }
  return report;
}

Words words(const Row& row, const Templates* templates, std::string_view language) {
  const Finding& f = row.finding;
  Words out;
  if (templates == nullptr) {
    out.title = row.id;
    out.detail = facts_alone(f);
    out.remedy = f.remedy;
  } else {
    out.title = templates->message(language, "check_" + row.id);
    const std::string key = message_key(row, *templates);
    const Value facts = in_words(f.facts, templates, language);
    if (!key.empty()) out.detail = templates->message(language, key, facts);
    out.remedy = remedy_of(f, key, facts, *templates, language);
  }
  join(out.detail, f.cause);
  if (row.portal.empty()) return out;
  out.title += " (" + row.portal + ")";
  for (std::string* text : {&out.detail, &out.remedy})
    text::replace_all(*text, "C_REST_WEB_HOOK_URL", "[portal " + row.portal + "] webhook");
  return out;
}

}  // namespace b24::check
