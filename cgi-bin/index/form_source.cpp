// form_source: see form_source.h.
#include "form_source.h"

#include <utility>

#include "base/files.h"
#include "base/secret.h"

namespace b24 {

Result<std::shared_ptr<const Forms>> FormSource::current(const App& app) {
  const std::lock_guard lock(mutex_);
  if (settings_ != app.settings) {
    Result<Forms> forms = make_forms(*app.settings);
    fault_ = forms ? Error() : forms.error();
    if (!forms && forms_) app.log->error("form", forms.error());
    if (forms) forms_ = std::make_shared<const Forms>(std::move(*forms));
    settings_ = app.settings;
  }
  if (!forms_) return std::unexpected(fault_);
  return forms_;
}

std::string FormSource::key(const App& app, const Form& form) {
  const std::string common = common_key(app);
  return form.name().empty() ? common : secret::hmac_sha256(common, "form " + form.name());
}

std::string FormSource::common_key(const App& app) {
  const std::lock_guard lock(mutex_);
  const std::filesystem::path& dir = app.settings->data.dir;
  if (!key_.empty() && key_dir_ == dir) return key_;
  Result<std::string> key = key_of_file(dir / "form.key");
  if (!key && stores_.current()) key = key_of_file(dir / "form.key");  // the store makes `dir`
  if (!key) {
    app.log->error("form_key", key.error());
    // Every process makes the same one.
    return secret::hmac_sha256(app.settings->crest.web_hook_url, "form key");
  }
  key_ = *key;
  key_dir_ = dir;
  return key_;
}

}  // namespace b24
