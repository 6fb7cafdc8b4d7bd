// page: templates and message catalogues -> HTML responses with security headers, in the visitor's
// language.
//
// A template NAME.mustache gets the page's data, the catalogue as {{t.KEY}}, {{lang}}, and its own
// NAME.css and NAME.js (after base.css), put in as {{{style}}} and {{{script}}} and allowed by
// their hashes in the Content-Security-Policy. {{> NAME}} includes another template. Everything in
// {{...}} is escaped for HTML text and attributes; a URL must be encoded before it gets here.
// Thread-safe after load.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "error.h"
#include "response.h"
#include "value.h"

namespace b24 {

struct PagePolicy {
  std::string frame_ancestors = "'none'";  // CSP: who may embed the page
  std::string script_sources;  // further hosts for scripts and frames (captcha), space-separated
};

class Templates {
 public:
  // Reads everything in `dir`. Errors (kind settings): a missing or broken template (file and what
  // the parser said), a catalogue that lacks a key that the English one has, or has one more.
  static Result<std::shared_ptr<const Templates>> load(const std::filesystem::path& dir);
  ~Templates();

  // The HTML of a page. REQUIRES: the template exists.
  std::string render(std::string_view name, const Value& data, std::string_view language) const;
  // The same as a complete response: content type, language, CSP with hashes, nosniff, referrer
  // policy, no-store.
  Response page(int status, std::string_view name, const Value& data, std::string_view language,
                const PagePolicy& policy = {}) const;

  // A message of the catalogue, with {{names}} filled from `data` (not escaped: it is escaped where
  // it is put into a page).
  std::string message(std::string_view language, std::string_view key,
                      const Value& data = Value::array()) const;
  bool has_message(std::string_view key) const;

  // "en", "ru", ...: the catalogues found (messages.LANG.conf).
  std::vector<std::string> languages() const;
  // `setting` (a language or "auto") and what the browser accepts -> a language that we have;
  // English when in doubt.
  std::string choose_language(std::string_view setting, std::string_view accept_language) const;

 private:
  struct Data;
  explicit Templates(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

}  // namespace b24
