// check_form: checks of what the forms fill in the portal: fields, stage, source, responsible.
#include <algorithm>

#include "base/text.h"
#include "check_portal.h"
#include "settings/form.h"

namespace b24::check {
namespace {

// Every field that the form fills, under crm.item.add's spelling, which both spellings lead to.
std::vector<std::string> filled_fields(const Form& form) {
  std::vector<std::string> filled;
  const auto add = [&](std::string_view target) {
    if (!target.empty() && form.entity.has(target))
      filled.push_back(item_field(target_field(target)));
  };
  add("TITLE");
  if (form.entity.name.empty()) add("XML_ID");
  if (!form.entity.name.empty()) filled.insert(filled.end(), {"originatorId", "originId"});
  for (const Field& field : form.fields) add(field.target);
  for (const auto& [name, value] : form.values) add(name);
  return filled;
}

// A field of the CRM as the portal describes it: by crm.lead.fields, or crm.item.fields.
struct KnownField {
  std::string name;  // crm.item.add's
  std::string shown;
  const Value* about;
};
std::vector<KnownField> known_fields(const Value& answer) {
  const Value* items = answer.find("fields");
  std::vector<KnownField> known;
  for (const Value::Member& field : (items != nullptr ? *items : answer).members()) {
    const std::string name = field.key.text();
    known.push_back({item_field(name), name, &field.value});
    if (name != "fm") continue;
    for (const char* kind : {"phone", "email", "web", "im"})
      known.push_back({kind, kind, &field.value});
  }
  return known;
}

// What a list of the portal does not have among the options of a select; empty: all is there.
Finding list_fault(const Form& form, const std::vector<KnownField>& known) {
  for (const Field& field : form.fields) {
    const auto it =
        std::ranges::find(known, item_field(target_field(field.target)), &KnownField::name);
    if (it == known.end() || field.choices.empty()) continue;
    const Value& items = (*it->about)["items"];
    Lines numbers, options;
    for (const Value::Member& item : items.members()) {
      numbers.push_back(item.value["ID"].text());
      options.push_back(numbers.back() + ": " + item.value["VALUE"].text());
    }
    const auto is_there = [&](const Choice& choice) {
      return std::ranges::find(numbers, choice.value) != numbers.end();
    };
    if (numbers.empty() || std::ranges::all_of(field.choices, is_there)) continue;
    return error("list", Value::map({{"field", field.name}, {"target", it->shown}}),
                 {"[field " + field.name + "]", "options = " + text::join(options, " | ")});
  }
  return {};
}

Finding fields_of(const Seen& seen, const Form& form) {
  Finding instead;
  const Answer* answer = answer_to(seen, fields_question(form), instead);
  if (answer == nullptr) return instead;
  const std::vector<std::string> filled = filled_fields(form);
  const std::vector<KnownField> known = known_fields(answer->result);
  Lines required;
  for (const KnownField& field : known) {
    const Value& about = *field.about;
    const bool must = yes(about["isRequired"]) && !yes(about["isReadOnly"]);
    if (!must || std::ranges::find(filled, field.name) != filled.end()) continue;
    const std::string label =
        about["formLabel"].is_string() ? about["formLabel"].string() : about["title"].text();
    const bool is_other = !label.empty() && label != field.shown;
    required.push_back(field.shown + (is_other ? " (" + label + ")" : ""));
  }
  Lines unknown = filled;
  std::erase_if(unknown, [&](const std::string& name) {
    return std::ranges::find(known, name, &KnownField::name) != known.end();
  });
  const Value facts = Value::map({{"required", text::join(required, ", ")},
                                  {"unknown", text::join(unknown, ", ")},
                                  {"count", static_cast<std::int64_t>(filled.size())}});
  if (!required.empty()) return error("required", facts);
  if (!unknown.empty()) return error("unknown", facts);
  if (Finding list = list_fault(form, known); !list.name.empty()) return list;
  return ok("known", facts);
}

Finding listed(const Seen& seen, const Form& form, std::string_view field,
               std::string_view question) {
  Finding instead;
  const Answer* answer = answer_to(seen, question, instead);
  if (answer == nullptr) return instead;
  const std::string wanted = fixed_value(form, field);
  if (wanted.empty()) return ok("portal_chooses");
  Lines all;
  for (const Value::Member& status : answer->result.members()) {
    const std::string id = status.value["STATUS_ID"].text();
    if (id == wanted) {
      return ok("exists", Value::map({{"id", id}, {"name", status.value["NAME"].text()}}));
    }
    all.push_back(id);
  }
  return error("missing", Value::map({{"id", wanted}, {"all", text::join(all, ", ")}}));
}

// Of contacts and companies there is none; a smart process has lists of its own.
Finding stage_of(const Seen& seen, const Form& form) {
  if (form.entity.name == "lead") return listed(seen, form, "STATUS_ID", "stages");
  if (form.entity.name == "deal") return listed(seen, form, "STAGE_ID", stages_question(form));
  return ok("portal_chooses");
}
Finding source_of(const Seen& seen, const Form& form) {
  return listed(seen, form, "SOURCE_ID", "sources");
}

Finding responsible_of(const Seen& seen, const Form& form) {
  Finding instead;
  const Answer* profile = answer_to(seen, "profile", instead);
  if (profile == nullptr) return instead;
  const std::string wanted = fixed_value(form, "ASSIGNED_BY_ID");
  if (wanted.empty()) return ok("portal_chooses");
  const Value facts = Value::map({{"id", wanted}});
  if (profile->result["ID"].text() == wanted) return ok("is_webhook_user", facts);
  const Answer* users = answer_to(seen, "responsible", instead);
  if (users == nullptr) users = answer_to(seen, "responsible" + wanted, instead);
  if (users == nullptr) return info("unknown", facts);
  if (users->result.size() == 0) return error("missing", facts);
  const Value& active = users->result.members().front().value["ACTIVE"];
  if (!active.is_null() && !yes(active)) return warning("dismissed", facts);
  return ok("exists", facts);
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
  return worst.value_or(info("no_form"));
}

}  // namespace

std::span<const Check> form_checks() {
  static constexpr Check kChecks[] = {
      {"portal_fields", Group::portal, "", of_forms<fields_of>},
      {"portal_stage", Group::portal, "", of_forms<stage_of>},
      {"portal_source", Group::portal, "", of_forms<source_of>},
      {"portal_responsible", Group::portal, "", of_forms<responsible_of>},
  };
  return kChecks;
}

}  // namespace b24::check
