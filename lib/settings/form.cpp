// form: see form.h.
#include "settings/form.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "settings/pattern.h"
#include "settings/settings_keys.h"

namespace b24 {
namespace {

// In FieldType's order.
constexpr std::string_view kTypes[] = {"text",   "email",    "phone",   "textarea",
                                       "select", "checkbox", "consent", "hidden",
                                       "file",   "date",     "money"};

struct Preset {
  std::string_view name;
  FieldType type;
  std::string_view target;
  std::string_view autocomplete;
};

constexpr Preset kPresets[] = {
    {"first_name", FieldType::text, "NAME", "given-name"},
    {"last_name", FieldType::text, "LAST_NAME", "family-name"},
    {"second_name", FieldType::text, "SECOND_NAME", "additional-name"},
    {"phone", FieldType::phone, "PHONE", "tel"},
    {"email", FieldType::email, "EMAIL", "email"},
    {"company", FieldType::text, "COMPANY_TITLE", "organization"},
    {"position", FieldType::text, "POST", "organization-title"},
    {"comments", FieldType::textarea, "COMMENTS", "off"},
    {"consent", FieldType::consent, "COMMENTS", "off"},
};

constexpr std::size_t kLongText = 10'000;
constexpr std::size_t kLongestAllowed = 100'000;
constexpr std::size_t kFileBytes = 500'000;  // at most half of a request's body

Error fault(std::string where, std::string what, std::string remedy) {
  return {ErrorKind::settings, "bad_form", where + ": " + what, std::move(remedy)};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return text::is_letter(c) || text::is_digit(c) || c == '_' || c == '-';
  });
}

// "a: First | b: Second | Third"; a choice without a label is its own label.
std::vector<Choice> parse_choices(std::string_view options) {
  std::vector<Choice> choices;
  for (const std::string& option : text::split(options, "|")) {
    const std::size_t colon = option.find(": ");
    const std::size_t label = colon == std::string::npos ? 0 : colon + 2;
    choices.push_back({std::string(text::trim(option.substr(0, colon))),
                       std::string(text::trim(option.substr(label)))});
  }
  return choices;
}

std::size_t default_length(FieldType type, std::size_t max_body) {
  if (type == FieldType::file) return std::min(kFileBytes, max_body / 2);
  return type == FieldType::textarea ? kLongText : 255;
}

std::optional<Error> field_fault(const Field& field) {
  const bool is_page = field.link.starts_with("https://") || field.link.starts_with("http://") ||
                       field.link.starts_with("/");
  const std::string pattern = pattern_fault(field.pattern);
  const struct {
    bool bad;
    const char *key, *what, *remedy;
  } rows[] = {
      {!is_name(field.name), "", "not a name for a field", "use letters, digits, - and _ only"},
      {is_reserved_input(field.name), "", "the form itself uses this name", "choose another name"},
      {field.type == FieldType::select && field.choices.empty(), " options",
       "a select needs something to choose from", "write options = value: label | value: label"},
      {field.max_length > kLongestAllowed && field.type != FieldType::file, " max_length",
       "more than 100000", "use a smaller number"},
      {!field.link.empty() && !is_page, " link", "not the address of a page",
       "begin it with https:// or /"},
      {!field.target.empty() && !is_name(target_field(field.target)), " target",
       "not the name of a CRM field", "for example COMMENTS or UF_CRM_1700000000"},
      {!pattern.empty(), " pattern", pattern.c_str(),
       "use a POSIX extended regular expression: [0-9] instead of \\d"}};
  for (const auto& row : rows)
    if (row.bad) return fault("[field " + field.name + "]" + row.key, row.what, row.remedy);
  return std::nullopt;
}

Result<Field> make_field(const FieldSettings& from, std::size_t max_body) {
  Field field{from};
  if (field.target.empty()) field.target = "COMMENTS";  // nothing that a visitor wrote gets lost
  if (const auto* preset = std::ranges::find(kPresets, from.name, &Preset::name);
      preset != std::end(kPresets)) {
    field.type = preset->type;
    if (from.target.empty()) field.target = preset->target;
    field.autocomplete = preset->autocomplete;
  }
  if (const auto* type = std::ranges::find(kTypes, from.type_name); type != std::end(kTypes))
    field.type = static_cast<FieldType>(type - kTypes);
  if (from.target == "none") field.target.clear();
  if (field.type == FieldType::consent) field.required = true;
  if (field.max_length == 0) field.max_length = default_length(field.type, max_body);
  field.choices = parse_choices(from.options);
  if (field.is_box() && field.value.empty()) field.value = "Y";
  if (std::optional<Error> bad = field_fault(field); bad) return std::unexpected(*bad);
  return field;
}

bool is_named_by_any(const Settings& settings, const std::string& field) {
  const auto names = [&](const FormSettings& form) {
    const std::vector<std::string> all = text::split(form.fields);
    return std::ranges::find(all, field) != all.end();
  };
  return names(settings.form) || std::ranges::any_of(settings.forms, names);
}

Result<std::vector<Field>> make_fields(const Settings& settings, const FormSettings& form) {
  std::vector<std::string> names = text::split(form.fields);
  for (const FieldSettings& own : settings.fields) {
    if (form.fields == settings.form.fields && !is_named_by_any(settings, own.name))
      names.push_back(own.name);
  }
  const std::string where = section_of(form) + " fields";
  std::vector<Field> fields;
  for (const std::string& name : names) {
    const auto own = std::ranges::find(settings.fields, name, &FieldSettings::name);
    FieldSettings from = own != settings.fields.end() ? *own : FieldSettings();
    from.name = name;
    if (std::ranges::find(fields, name, &Field::name) != fields.end()) {
      return std::unexpected(fault(where, name + " is named twice", "name each field once"));
    }
    Result<Field> field = make_field(from, settings.server.max_body);
    if (!field) return std::unexpected(field.error());
    fields.push_back(std::move(*field));
  }
  if (fields.empty()) {
    return std::unexpected(fault(where, "a form without fields", "name at least one"));
  }
  return fields;
}

// The visitor's name as far as the form asks for it, or what else tells one lead from another.
std::string default_title(const Form& form) {
  std::string names;
  for (const std::string_view name : {"first_name", "last_name"}) {
    if (form.find(name) != nullptr) names += (names.empty() ? "{" : " {") + std::string(name) + "}";
  }
  if (!names.empty()) return names;
  for (const std::string_view name : {"company", "email", "phone"}) {
    if (form.find(name) != nullptr) return "{" + std::string(name) + "}";
  }
  return {};
}

std::optional<Error> title_fault(const Form& form) {
  for (std::size_t open = form.title.find('{'); open != std::string::npos;
       open = form.title.find('{', open + 1)) {
    const std::size_t close = form.title.find('}', open);
    const std::string name = form.title.substr(open + 1, close - open - 1);
    if (close == std::string::npos || form.find(name) == nullptr) {
      return fault(section_of(form.settings) + " title", "the form has no field " + name,
                   "put names of the form's fields into { }");
    }
  }
  return std::nullopt;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_values(const FormSettings& form) {
  std::vector<std::pair<std::string, std::string>> parsed;
  for (const std::string& value : text::split(form.values, ",")) {
    const std::size_t equals = value.find('=');
    const std::string name(text::trim(std::string_view(value).substr(0, equals)));
    if (equals == std::string::npos || !is_name(name)) {
      return std::unexpected(fault(section_of(form) + " values",
                                   "\"" + value + "\" is not NAME=value",
                                   "for example STATUS_ID=NEW, SOURCE_ID=WEB"));
    }
    parsed.emplace_back(name, text::trim(std::string_view(value).substr(equals + 1)));
  }
  return parsed;
}

// A smart process has no comments for what has no place in it otherwise.
std::optional<Error> place_fault(const Form& form) {
  if (form.entity.has_comments) return std::nullopt;
  for (const Field& field : form.fields) {
    const bool is_lost =
        field.target == "COMMENTS" ||
        (!field.target.empty() && !form.entity.has(field.target) && !form.create_contact);
    if (is_lost)
      return fault(section_of(form.settings) + " fields",
                   "a smart process has no place for " + field.name,
                   "set target in [field " + field.name +
                       "] to a field of it (UF_CRM_...) or to none, or contact = create in " +
                       section_of(form.settings) + " for names, phones and e-mails");
  }
  return std::nullopt;
}

std::optional<Error> form_fault(const FormSettings& form) {
  const std::string section = section_of(form);
  if (!form.name.empty() && !is_name(form.name))
    return fault(section, "not a name for a form", "use letters, digits, - and _ only");
  if (!is_name(form.page))
    return fault(section + " template", "not the name of a template", "for example callback");
  if (form.post_key.empty() && std::ranges::find(form.accept, "tilda") != form.accept.end())
    return fault(section + " accept", "nothing proves that it is tilda who posts",
                 "set " + section +
                     " post_key, too, to 16 or more letters and digits that nobody "
                     "can guess, and let Tilda's webhook address end with ?key= and "
                     "them");
  return std::nullopt;
}

Result<Form> form_of(const Settings& settings, const FormSettings& from) {
  if (std::optional<Error> bad = form_fault(from); bad) return std::unexpected(*bad);
  Form form;
  form.settings = from;
  Result<std::vector<Field>> fields = make_fields(settings, from);
  if (!fields) return std::unexpected(fields.error());
  form.fields = std::move(*fields);
  form.title = from.title.empty() ? default_title(form) : from.title;
  if (std::optional<Error> bad = title_fault(form); bad) return std::unexpected(*bad);
  auto values = parse_values(from);
  if (!values) return std::unexpected(values.error());
  form.values = std::move(*values);
  form.entity = entity_of(from.entity);
  form.item_method = from.method == "crm.item.add" || form.entity.name != "lead";
  form.unknown_to_comments = from.unknown == "comments";
  form.link_customer = from.duplicates == "link" || from.contact != "none";
  form.create_contact = from.contact == "create" && form.entity.name != "contact";
  form.comment_known = from.duplicates == "comment";
  if (std::optional<Error> bad = place_fault(form); bad) return std::unexpected(*bad);
  return form;
}

Result<Form> named(Result<Form> form, const Settings& settings) {
  if (!form && !settings.file.empty())
    form.error().cause = settings.file.string() + ": " + form.error().cause;
  return form;
}

}  // namespace

std::string_view text_in(const Labels& texts, std::string_view language) {
  if (const auto own = texts.find(language); own != texts.end()) return own->second;
  if (const auto any = texts.find(""); any != texts.end()) return any->second;
  return {};
}

Entity entity_of(std::string_view setting) {
  constexpr Entity kEntities[] = {{"lead", 1, true, true, true},
                                  {"deal", 2, false, false, true},
                                  {"contact", 3, true, true, true},
                                  {"company", 4, false, true, true}};
  const auto* known = std::ranges::find(kEntities, setting, &Entity::name);
  if (known != std::end(kEntities)) return *known;
  Entity process;
  std::from_chars(setting.data(), setting.data() + setting.size(), process.type);
  return process;
}

bool Entity::has(std::string_view target) const {
  constexpr std::string_view kNames[] = {"NAME", "LAST_NAME", "SECOND_NAME",
                                         "POST", "HONORIFIC", "BIRTHDATE"};
  if (is_multifield(target)) return has_phones;
  if (std::ranges::find(kNames, target) != std::end(kNames)) return has_names;
  if (target == "COMMENTS") return has_comments;
  if (target == "TITLE") return name != "contact";
  return (target != "COMPANY_TITLE" && target != "STATUS_ID") || name == "lead";
}

const Choice* Field::choice(std::string_view text) const {
  for (const auto part : {&Choice::value, &Choice::label}) {
    const auto found = std::ranges::find(choices, text, part);
    if (found != choices.end()) return &*found;
  }
  return nullptr;
}

const Field* Form::find(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

bool Form::has_files() const {
  return std::ranges::find(fields, FieldType::file, &Field::type) != fields.end();
}

Result<Form> make_form(const Settings& settings) {
  return named(form_of(settings, settings.form), settings);
}

Result<Forms> make_forms(const Settings& settings) {
  Result<Form> first = make_form(settings);
  if (!first) return std::unexpected(first.error());
  Forms forms = {std::move(*first)};
  for (const FormSettings& each : settings.forms) {
    Result<Form> form = named(form_of(settings, each), settings);
    if (!form) return std::unexpected(form.error());
    forms.push_back(std::move(*form));
  }
  return forms;
}

const Form* find_form(const Forms& forms, std::string_view name) {
  const auto is_it = [&](const Form& form) { return env_form(form.name()) == env_form(name); };
  const auto found = std::ranges::find_if(forms, is_it);
  return found == forms.end() ? nullptr : &*found;
}

std::string section_of(const FormSettings& form) {
  return "[form" + (form.name.empty() ? "" : " " + form.name) + "]";
}

bool is_reserved_input(std::string_view name) {
  return name == kSavedInput || name == kTokenInput || name == kHoneypotInput ||
         name == kTraceInput || name == kCharsetInput || name == "sent" ||
         std::ranges::find(kUtmInputs, name) != std::end(kUtmInputs);
}

bool is_multifield(std::string_view target) {
  return target == "PHONE" || target == "EMAIL" || target == "WEB" || target == "IM";
}

std::string_view target_field(std::string_view target) {
  return target.ends_with("[]") ? target.substr(0, target.size() - 2) : target;
}

std::string item_field(std::string_view name) {
  if (name == "STATUS_ID") return "stageId";
  const bool classic = std::ranges::all_of(
      name, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
  if (!classic || name.starts_with("UF_")) return std::string(name);
  std::string camel;
  bool upper = false;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
    } else {
      camel += upper ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      upper = false;
    }
  }
  return camel;
}

}  // namespace b24
