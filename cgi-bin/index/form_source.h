// form_source: the forms of the settings of now, and the keys that their tokens are signed with.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"
#include "keep/store.h"
#include "settings/app.h"
#include "settings/form.h"

namespace b24 {

// Safe from all threads.
class FormSource {
 public:
  // `stores` must outlive this.
  explicit FormSource(StoreSource& stores) : stores_(stores) {}

  // All forms. While changed ones are broken those before stay, and the log says why.
  Result<std::shared_ptr<const Forms>> current(const App& app);
  // What signs the tokens of this form, and of no other. Without a usable data directory the form
  // can still be shown, and what is sent refused honestly.
  std::string key(const App& app, const Form& form);

 private:
  std::string common_key(const App& app);

  StoreSource& stores_;
  std::mutex mutex_;
  std::shared_ptr<const Forms> forms_;
  std::shared_ptr<const Settings> settings_;
  Error fault_;
  std::string key_;
  std::filesystem::path key_dir_;
};

}  // namespace b24
