// form_view: the form as a page (index.mustache), and how a submission ended, as scripts and
// programs are told.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "settings/app.h"
#include "settings/form.h"
#include "submission.h"
#include "value/value.h"
#include "web/page.h"
#include "web/page_cache.h"

namespace b24 {

struct Notice {
  std::string kind;  // "ok", "info", "error": its look
  std::string text;
};

struct FormView {
  Value values = Value::array();  // field -> text to show in it
  Value errors = Value::array();  // field -> what is wrong with it
  Value marks = Value::array();   // UTM_SOURCE, ...: carried on in hidden inputs
  std::string token = {};
  Notice notice = {};  // no text: none
};

// What a form's page is made from, besides what the visitor sees of himself.
struct FormBase {
  App app;
  std::shared_ptr<const Form> form;
  std::shared_ptr<const Templates> templates;
  std::string language;
  bool between_requests = true;  // something of ours runs then, and sends what waits
};

// How a submission ended.
struct Ending {
  int status = 200;
  std::string_view name = {};  // "saved", ...
  FormView view = {};
  std::string id = {};
  std::string lead_id = {};
  std::string next_token = {};  // for the next submission, where that is not the view's
};

// Where this form is, relative to any form's address: "?", "?form=callback", with this query
// behind.
std::string address_of(const Form& form, std::string_view query = {});

Response form_page(const FormBase& base, const FormView& view, int status);

// The same, rendered once for all pages that differ by their texts alone.
Response form_page(const FormBase& base, const FormView& view, int status, PageCache& pages);

// {"status", "id", "lead_id", "message", "errors": {field: message}, "token", "redirect"}
Response json_answer(const Ending& ending, const std::string& success_url);

// What Tilda's webhook wants: 200 and "ok" for whatever was taken, else the status and the notice.
Response tilda_answer(const Ending& ending);

// What a person calls a field.
std::string field_label(const Field& field, const Templates& templates, std::string_view language);
// The message for an error of a submission ("invalid_long", ...); `field` null: the whole form.
std::string error_message(std::string_view key, const Field* field, const Submission& submission,
                          const Templates& templates, std::string_view language);

}  // namespace b24
