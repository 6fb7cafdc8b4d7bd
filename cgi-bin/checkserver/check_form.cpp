// check_form: checks of what the forms fill in the portal: fields, stage, source, responsible.
#include <algorithm>

#include "check_portal.h"
#include "settings/form.h"

namespace b24::check {
namespace {

Finding no_form() {
  return {.state = State::info, .name = "no_form"};
}

// Every field that the form fills, under crm.item.add's spelling, which both spellings lead to.
std::vector<std::string> filled_fields(const Form& form) {
  std::vector<std::string> filled = {"title", "originatorId", "originId"};
  for (const Field& field : form.fields) {
    if (!field.target.empty()) filled.push_back(item_field(field.target));
  }
  for (const auto& [name, value] : form.values) filled.push_back(item_field(name));
  return filled;
}

Finding fields_of(const Seen& seen, const Form& form) {
  Finding instead;
  const Answer* answer = answer_to(seen, "fields", instead);
  if (answer == nullptr) return instead;
  const std::vector<std::string> filled = filled_fields(form);
  std::vector<std::string> known;
  std::string required;
  for (const Value::Member& field : answer->result.members()) {
    const std::string name = item_field(field.key.text());
    known.push_back(name);
    const bool must = yes(field.value["isRequired"]) && !yes(field.value["isReadOnly"]);
    if (!must || std::find(filled.begin(), filled.end(), name) != filled.end()) continue;
    const std::string& label = field.value["formLabel"].is_string()
                                   ? field.value["formLabel"].string()
                                   : field.value["title"].text();
    required += (required.empty() ? "" : ", ") + field.key.text();
    if (!label.empty() && label != field.key.text()) required += " (" + label + ")";
  }
  std::string unknown;
  for (const std::string& name : filled) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    unknown += (unknown.empty() ? "" : ", ") + name;
  }
  const Value facts = Value::map({{"required", required},
                                  {"unknown", unknown},
                                  {"count", static_cast<std::int64_t>(filled.size())}});
  if (!required.empty()) {
    return {.state = State::error, .name = "required", .facts = facts};
  }
  if (!unknown.empty()) return {.state = State::error, .name = "unknown", .facts = facts};
  return {.name = "known", .facts = facts};
}

Finding listed(const Seen& seen, const Form& form, std::string_view field,
               std::string_view question) {
  Finding instead;
  const Answer* answer = answer_to(seen, question, instead);
  if (answer == nullptr) return instead;
  const std::string wanted = fixed_value(form, field);
  if (wanted.empty()) return {.name = "portal_chooses"};
  std::string all;
  for (const Value::Member& status : answer->result.members()) {
    const std::string id = status.value["STATUS_ID"].text();
    if (id == wanted) {
      return {.name = "exists",
              .facts = Value::map({{"id", id}, {"name", status.value["NAME"].text()}})};
    }
    all += (all.empty() ? "" : ", ") + id;
  }
  return {.state = State::error,
          .name = "missing",
          .facts = Value::map({{"id", wanted}, {"all", all}})};
}

Finding stage_of(const Seen& seen, const Form& form) {
  return listed(seen, form, "STATUS_ID", "stages");
}
Finding source_of(const Seen& seen, const Form& form) {
  return listed(seen, form, "SOURCE_ID", "sources");
}

Finding responsible_of(const Seen& seen, const Form& form) {
  Finding instead;
  const Answer* profile = answer_to(seen, "profile", instead);
  if (profile == nullptr) return instead;
  const std::string wanted = fixed_value(form, "ASSIGNED_BY_ID");
  if (wanted.empty()) return {.name = "portal_chooses"};
  const Value facts = Value::map({{"id", wanted}});
  if (profile->result["ID"].text() == wanted) return {.name = "is_webhook_user", .facts = facts};
  const Answer* users = answer_to(seen, "responsible", instead);
  if (users == nullptr) users = answer_to(seen, "responsible" + wanted, instead);
  if (users == nullptr) return {.state = State::info, .name = "unknown", .facts = facts};
  if (users->result.size() == 0) {
    return {.state = State::error, .name = "missing", .facts = facts};
  }
  const Value& active = users->result.members().front().value["ACTIVE"];
  if (!active.is_null() && !yes(active)) {
    return {.state = State::warning, .name = "dismissed", .facts = facts};
  }
  return {.name = "exists", .facts = facts};
}

// Of the forms whose leads go to this portal the finding that is worst; it says whose it is.
template <Finding (*judge_one)(const Seen&, const Form&)>
Finding of_forms(const Seen& seen) {
  std::optional<Finding> worst;
  for (const Form& form : forms_of(*seen.subject->settings, seen.portal_name)) {
    Finding finding = judge_one(seen, form);
    if (worst && worst->state >= finding.state) continue;
    if (!form.name().empty()) finding.cause += section_of(form.settings);
    worst = std::move(finding);
  }
  return worst.value_or(no_form());
}

constexpr Check kFormChecks[] = {
    {"portal_fields", Group::portal, "", of_forms<fields_of>},
    {"portal_stage", Group::portal, "", of_forms<stage_of>},
    {"portal_source", Group::portal, "", of_forms<source_of>},
    {"portal_responsible", Group::portal, "", of_forms<responsible_of>},
};

}  // namespace

std::span<const Check> form_checks() {
  return kFormChecks;
}

}  // namespace b24::check
