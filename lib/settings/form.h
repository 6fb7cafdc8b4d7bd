// form: a form as data: its fields, what each may hold, and where it goes in the CRM.
//
// A [field NAME] that no form names belongs to [form], and to those that take its fields.
//
// The default is the form of the vendor's example: first_name, last_name, phone, email. Names that
// many sites use (first_name, company, comments, consent, ...) bring a type, a target and a label
// of their own (the table in form.cpp), so that naming them in form.fields is enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "settings/settings.h"

namespace b24 {

enum class FieldType {
  text,
  email,
  phone,
  textarea,
  select,
  checkbox,
  consent,
  hidden,
  file,
  date,
  money
};

// What the owner has set for a language, else for all; empty: neither.
std::string_view text_in(const Labels& texts, std::string_view language);

struct Choice {
  std::string value;
  std::string label;
};

// Its settings with what they left open filled in: max_length, and `target`, which is empty for
// what is not sent to the portal.
struct Field : FieldSettings {
  FieldType type = FieldType::text;
  std::vector<Choice> choices = {};
  std::string autocomplete = {};

  // The owner's label for a language; empty when there is none (then the catalogue's
  // field_<name>, or the name).
  std::string_view label(std::string_view language) const { return text_in(labels, language); }
  // The choice with this value, else with this label, which a site's own form may send; null: none.
  const Choice* choice(std::string_view text) const;
  bool is_box() const { return type == FieldType::checkbox || type == FieldType::consent; }
};

// What a submission becomes in the CRM, and what of it that has a place for.
struct Entity {
  std::string_view name;  // "lead"; empty: a smart process
  std::int64_t type = 0;  // entityTypeId
  bool has_names = false;
  bool has_phones = false;  // and e-mails
  bool has_comments = false;
  // Whether a target (in crm.lead.add's spelling) is a field of it.
  bool has(std::string_view target) const;
};
Entity entity_of(std::string_view setting);  // "deal", "128"

struct Form {
  FormSettings settings;
  Entity entity = {};
  std::vector<Field> fields;
  std::string title;  // pattern with {field} in it; may come out blank
  std::vector<std::pair<std::string, std::string>> values;  // fixed CRM fields
  bool item_method = false;                                 // crm.item.add
  bool unknown_to_comments = false;
  bool link_customer = false;  // contact and company that are known are tied to it
  bool create_contact = false;
  bool comment_known = false;

  const std::string& name() const { return settings.name; }  // of [form NAME]; "": of [form]
  const Field* find(std::string_view name) const;
  bool has_files() const;
};

// Errors (kind settings) name section, key and remedy: an unknown type, a pattern that is none, a
// select without options, a title with an unknown field, a reserved or impossible name, a
// tilda that has no key to prove itself by, ...
Result<Form> make_form(const Settings& settings);  // [form]

// All: [form] first, then each [form NAME].
using Forms = std::vector<Form>;
Result<Forms> make_forms(const Settings& settings);
// Names are compared as those of sections are; null: there is none.
const Form* find_form(const Forms& forms, std::string_view name);
// "[form]", "[form callback]"
std::string section_of(const FormSettings& form);

// Names that the form itself uses among the posted fields.
inline constexpr std::string_view kSavedInput = "saved";
inline constexpr std::string_view kFormInput = "form";  // in the address: which form it is
inline constexpr std::string_view kTokenInput = "form_token";
inline constexpr std::string_view kHoneypotInput =
    "b24_extra";  // a trap: no person sees it, no autofill knows it
inline constexpr std::string_view kTraceInput = "TRACE";        // filled by the portal's script
inline constexpr std::string_view kCharsetInput = "_charset_";  // filled by browsers
inline constexpr std::string_view kUtmInputs[] = {"utm_source", "utm_medium", "utm_campaign",
                                                  "utm_content", "utm_term"};
// What advertisers put into links, for which the CRM has no fields of its own.
inline constexpr std::string_view kClickInputs[] = {"yclid", "gclid", "ysclid", "fbclid"};
bool is_reserved_input(std::string_view name);

// The CRM's fields that hold several values with a type each.
bool is_multifield(std::string_view target);

// "UF_CRM_TAGS[]" is a field of several values: its name.
std::string_view target_field(std::string_view target);

// A classic CRM field's name for crm.item.add: LAST_NAME -> lastName, STATUS_ID -> stageId; custom
// fields (UF_...) and names in camelCase stay.
std::string item_field(std::string_view name);

}  // namespace b24
