// form_view: the form as data for its template (index.mustache).
#pragma once

#include <string>
#include <string_view>

#include "captcha.h"
#include "settings/form.h"
#include "submission.h"
#include "value/value.h"
#include "web/page.h"

namespace b24 {

struct Notice {
  std::string kind;  // "ok", "info", "error": its look
  std::string text;
};

struct FormView {
  Value values = Value::array();        // field -> text to show in it
  const Submission* checked = nullptr;  // its errors are shown; may be null
  Value marks = Value::array();         // UTM_SOURCE, ...: carried on in hidden inputs
  std::string token;
  const CaptchaService* captcha = nullptr;  // null: none
  std::string captcha_site_key;
  Notice notice;  // no text: none
};

Value form_view_data(const Form& form, const FormView& view, const Templates& templates,
                     std::string_view language);

// What a person calls a field.
std::string field_label(const Field& field, const Templates& templates, std::string_view language);
// The message for an error of a submission ("invalid_long", ...); `field` null: the whole form.
std::string error_message(std::string_view key, const Field* field, const Templates& templates,
                          std::string_view language);

}  // namespace b24
