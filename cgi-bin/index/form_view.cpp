// form_view: see form_view.h.
#include "form_view.h"

#include <algorithm>

#include "base/text.h"
#include "spam.h"
#include "value/json.h"

namespace b24 {
namespace {

// The <input type> of fields that are one.
std::string_view input_type(FieldType type) {
  if (type == FieldType::email) return "email";
  if (type == FieldType::phone) return "tel";
  if (type == FieldType::date) return "date";
  return type == FieldType::file ? "file" : "text";
}

Value choices_data(const Field& field, const std::string& chosen) {
  Value choices = Value::array();
  for (const Choice& choice : field.choices) {
    choices.append(Value::map(
        {{"value", choice.value}, {"text", choice.label}, {"selected", choice.value == chosen}}));
  }
  return choices;
}

// Nothing when a browser takes it for another: [[:digit:]] is the letters of "digit" and a colon.
std::string browsers_pattern(const std::string& pattern) {
  for (const char* is_of_posix : {"[:", "[.", "[="})
    if (pattern.contains(is_of_posix)) return {};
  return pattern;
}

// Every name is there in every field: mustache looks for a missing one further out.
Value field_data(const Field& field, const std::string& value, const std::string& error,
                 const std::string& label) {
  const bool box = field.is_box();
  const bool area = field.type == FieldType::textarea;
  const bool select = field.type == FieldType::select;
  const std::string limit = field.type == FieldType::file ? "" : std::to_string(field.max_length);
  return Value::map({{"name", field.name},
                     {"label", label},
                     {"value", box ? field.value : value},
                     {"error", error},
                     {"focus", false},
                     {"required", field.required},
                     {"limit", limit},
                     {"pattern", area ? std::string() : browsers_pattern(field.pattern)},
                     {"autocomplete", field.autocomplete},
                     {"is_input", !box && !area && !select},
                     {"is_area", area},
                     {"is_select", select},
                     {"is_box", box},
                     {"type", input_type(field.type)},
                     {"checked", box && value == field.value},
                     {"link", field.link},
                     {"choices", choices_data(field, value)}});
}

std::string shown_value(const Field& field, const FormView& view) {
  const Value* given = view.values.find(field.name);
  if (given != nullptr) return given->text();
  return field.is_box() ? std::string() : field.value;
}

// What is chosen in a field, of what its owner offers; nothing when it is anything else.
bool is_chosen(const Field& field) {
  return field.is_box() || field.type == FieldType::select;
}
std::string own_choice(const Field& field, const std::string& value) {
  if (field.is_box()) return value == field.value ? value : std::string();
  const Choice* choice = field.choice(value);
  return choice == nullptr ? std::string() : choice->value;
}

Value hidden_inputs(const Form& form, const FormView& view) {
  Value hidden = Value::list({Value::map({{"name", kSavedInput}, {"value", "yes"}}),
                              Value::map({{"name", kTokenInput}, {"value", view.token}}),
                              Value::map({{"name", kTraceInput}, {"value", ""}})});
  for (const Field& field : form.fields) {
    if (field.type != FieldType::hidden) continue;
    hidden.append(Value::map({{"name", field.name}, {"value", shown_value(field, view)}}));
  }
  for (const Value::Member& mark : view.marks.members()) {
    hidden.append(
        Value::map({{"name", text::lower(mark.key.text())}, {"value", mark.value.text()}}));
  }
  return hidden;
}

Value captcha_data(const CaptchaService* captcha, const Settings& settings) {
  if (captcha == nullptr) return false;
  return Value::map({{"class", captcha->widget_class},
                     {"script", captcha->script},
                     {"site_key", settings.spam.captcha_site_key}});
}

Value fields_data(const FormBase& base, const FormView& view) {
  Value fields = Value::array();
  bool focused = false;
  for (const Field& field : base.form->fields) {
    if (field.type == FieldType::hidden) continue;
    const std::string error = view.errors[field.name].text();
    Value data = field_data(field, shown_value(field, view), error,
                            field_label(field, *base.templates, base.language));
    if (!error.empty() && !focused) {
      data.set("focus", true);
      focused = true;
    }
    fields.append(std::move(data));
  }
  return fields;
}

}  // namespace

std::string field_label(const Field& field, const Templates& templates, std::string_view language) {
  if (const std::string_view own = field.label(language); !own.empty()) return std::string(own);
  const std::string key = "field_" + field.name;
  return templates.has_message(key) ? templates.message(language, key) : field.name;
}

std::string error_message(std::string_view key, const Field* field, const Submission& submission,
                          const Templates& templates, std::string_view language) {
  const std::size_t limit = field != nullptr ? field->max_length : 0;
  return templates.message(language, key,
                           Value::map({{"limit", std::to_string(limit)},
                                       {"kilobytes", std::to_string(limit / 1000)},
                                       {"charset", submission.charset},
                                       {"field", submission.unfit}}));
}

std::string address_of(const Form& form, std::string_view query) {
  const std::string own = form.name().empty() ? "" : std::string(kFormInput) + "=" + form.name();
  return "?" + own + (own.empty() || query.empty() ? "" : "&") + std::string(query);
}

Response form_page(const FormBase& base, const FormView& view, int status) {
  const Settings& settings = *base.app.settings;
  const FormSettings& own = base.form->settings;
  const CaptchaService* captcha = own.captcha ? captcha_service(settings) : nullptr;
  const auto text = [&](const Labels& texts, const char* otherwise) {
    const std::string_view set = text_in(texts, base.language);
    return set.empty() ? base.templates->message(base.language, otherwise) : std::string(set);
  };
  PagePolicy policy;
  if (captcha != nullptr) policy.script_sources = captcha->sources;
  policy.form_target = own.success_url;
  policy.more = settings.page.csp;
  if (!own.frame_ancestors.empty()) policy.frame_ancestors = text::join(own.frame_ancestors, " ");
  const Value data = Value::map({{"fields", fields_data(base, view)},
                                 {"hidden", hidden_inputs(*base.form, view)},
                                 {"honeypot", kHoneypotInput},
                                 {"captcha", captcha_data(captcha, settings)},
                                 {"has_files", base.form->has_files()},
                                 {"ask", !base.between_requests},
                                 {"notice", view.notice.text},
                                 {"notice_kind", view.notice.kind},
                                 {"notice_role", view.notice.kind == "error" ? "alert" : "status"},
                                 {"noindex", false},
                                 {"action", address_of(*base.form)},
                                 {"send", text(own.button, "form_send")},
                                 {"title", text(own.heading, "form_title")}});
  return base.templates->page(status, base.templates->has_page(own.page) ? own.page : "index", data,
                              base.language, policy);
}

Response form_page(const FormBase& base, const FormView& view, int status, PageCache& pages) {
  std::string key =
      base.form->name() + ":" + std::to_string(status) + base.language + view.notice.kind;
  std::vector<std::string> texts;
  // An empty text shapes the page by being so.
  const auto marked = [&](std::string text) {
    key += text.empty() ? '-' : '+';
    if (text.empty()) return text;
    texts.push_back(std::move(text));
    return PageCache::mark(texts.size() - 1);
  };
  FormView shape{.token = marked(view.token),
                 .notice = {view.notice.kind, marked(view.notice.text)}};
  for (const Field& field : base.form->fields) {
    std::string value = shown_value(field, view);
    if (is_chosen(field))
      key += value = own_choice(field, value);
    else
      value = marked(std::move(value));
    shape.values.set(field.name, std::move(value));
    shape.errors.set(field.name, marked(view.errors[field.name].text()));
  }
  for (const Value::Member& mark : view.marks.members()) {
    key += mark.key.text();
    shape.marks.set(mark.key, marked(mark.value.text()));
  }
  return pages.page({base.app.settings, base.templates}, key, texts,
                    [&] { return form_page(base, shape, status); });
}

Response json_answer(const Ending& ending, const std::string& success_url) {
  Value body = Value::map({{"status", ending.name}});
  if (!ending.id.empty()) body.set("id", ending.id);
  if (!ending.lead_id.empty()) body.set("lead_id", ending.lead_id);
  if (!ending.view.notice.text.empty()) body.set("message", ending.view.notice.text);
  if (ending.view.errors.size() > 0) body.set("errors", ending.view.errors);
  body.set("token", ending.next_token.empty() ? ending.view.token : ending.next_token);
  if (ending.name == "saved" && !success_url.empty()) body.set("redirect", success_url);
  return text_response(ending.status, json::print(body) + "\n", "application/json; charset=utf-8");
}

Response tilda_answer(const Ending& ending) {
  if (ending.status < 300) return text_response(200, "ok\n");
  return text_response(ending.status, ending.view.notice.text + "\n");
}

}  // namespace b24
