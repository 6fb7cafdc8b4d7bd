// form_view: the form as a page (index.mustache).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/secret.h"
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
  std::string token = {};
  Notice notice = {};  // no text: none

  // Nothing but the token is this visitor's own.
  bool is_fresh() const {
    return checked == nullptr && notice.text.empty() && values.size() == 0 && marks.size() == 0;
  }
};

// What a form's page is made from, besides what the visitor sees of himself.
struct FormBase {
  std::shared_ptr<const Settings> settings;
  std::shared_ptr<const Form> form;
  std::shared_ptr<const Templates> templates;
  std::string language;
};

Response form_page(const FormBase& base, const FormView& view, int status);

// The page for visitors who have typed nothing yet: it differs by its token alone, so it is made
// once for each version of what it is made from. Safe from all threads.
class FormPages {
 public:
  Response fresh(const FormBase& base, const std::string& token);

 private:
  std::mutex mutex_;
  FormBase base_;  // of those in pages_; the language is of no meaning
  std::map<std::string, Response, std::less<>> pages_;  // by language
  const std::string mark_ = secret::new_id();           // stands where a token goes
};

// What a person calls a field.
std::string field_label(const Field& field, const Templates& templates, std::string_view language);
// The message for an error of a submission ("invalid_long", ...); `field` null: the whole form.
std::string error_message(std::string_view key, const Field* field, const Submission& submission,
                          const Templates& templates, std::string_view language);

}  // namespace b24
