// page: templates and message catalogues -> HTML responses with security headers, in the visitor's
// language.
//
// A template NAME.mustache gets the page's data, the catalogue as {{t.KEY}}, {{lang}}, and its own
// NAME.css and NAME.js (after base.css), put in as {{{style}}} and {{{script}}} and allowed by
// their hashes in the Content-Security-Policy. {{> NAME}} includes another template with its
// style and script. Everything in
// {{...}} is escaped for HTML text and attributes; a URL must be encoded before it gets here.
// In sections false, null, an empty array and an empty text are false; everything else is true, the
// number 0 too. Sections are closed in the file that opens them. Thread-safe after load.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "value/value.h"
#include "web/response.h"

namespace b24 {

struct PagePolicy {
  std::string frame_ancestors = "'none'";  // CSP: who may embed the page
  std::string script_sources;  // further hosts for scripts and frames (captcha), space-separated
  std::string form_target;     // address that sending a form may lead to, by a redirect too
  std::string more;            // as page.csp is written: "font-src https://a, img-src https://b"
};

class Templates {
 public:
  // Reads what is in `dirs`: a file goes before those of the same name in later ones. Errors (kind
  // settings; with file and line) have the codes no_templates (a directory that is not there, or
  // nothing in any), broken_template (what is wrong with a template, style or
  // script), unknown_message ({{t.KEY}} that the English catalogue lacks), broken_catalogue (not
  // UTF-8, a key twice) and broken_line (ini_file.h); the last two for the English catalogue only:
  // see warning().
  //
  // `page`: the one that the program shows, which is kept ready, as "error" is. Of a process of one
  // request (`once`) it alone is checked; else all are. What is not kept ready is read when it is
  // asked for, as its files are by then. Without a page all are kept. `before`: an earlier version;
  // its texts stand in for a catalogue that cannot be read.
  static Result<std::shared_ptr<const Templates>> load(
      const std::vector<std::filesystem::path>& dirs, const std::string& page = {},
      bool once = false, const Templates* before = nullptr);
  ~Templates();

  // A page as a complete response: content type, language, CSP with hashes, nosniff, referrer
  // policy, no-store. REQUIRES: the template exists.
  Response page(int status, std::string_view name, const Value& data, std::string_view language,
                const PagePolicy& policy = {}) const;

  // A message of the catalogue, with {{names}} filled from `data` (not escaped: it is escaped where
  // it is put into a page).
  std::string message(std::string_view language, std::string_view key,
                      const Value& data = Value::array()) const;
  // Without a language: of the English one. Another may have texts of its own ("setting_...").
  bool has_message(std::string_view key, std::string_view language = {}) const;
  bool has_page(std::string_view name) const;  // whether there is such a template

  // What is wrong with the catalogues other than the English one (code broken_catalogue or
  // broken_line): the first that cannot be read, or whose texts are not those of the English one,
  // with all their names. Text by text English steps in: a translation must not take the pages down
  // after an upgrade that adds a text.
  const std::optional<Error>& warning() const;

  // `setting` (a language or "auto") and what the browser accepts -> a language that we have
  // (messages.LANG.conf); English when in doubt.
  std::string choose_language(std::string_view setting, std::string_view accept_language) const;

 private:
  struct Data;
  explicit Templates(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

// Keeps the templates of a process fresh, since a site owner edits them. Safe from all threads.
class TemplateSource {
 public:
  struct Options {
    std::string page = {};  // see Templates::load
    bool once = false;
    std::function<void(const Error&)> tell = {};  // of each new fault, once
    Clock clock = now_ms;
  };
  // `dirs`: where the templates are (see Templates::load), asked at each look.
  TemplateSource(std::function<std::vector<std::filesystem::path>()> dirs, Options options)
      : dirs_(std::move(dirs)), options_(std::move(options)) {}

  // The templates as of now: looks at the files at most once a second and reads them again when one
  // changed. While the new ones have an error the old ones stay; an error only when there never
  // were usable ones.
  Result<std::shared_ptr<const Templates>> current();
  // Why the newest versions of the files, or some texts in them, are not in use; nothing when they
  // are.
  std::optional<Error> fault();

 private:
  bool look();
  std::mutex mutex_;
  std::function<std::vector<std::filesystem::path>()> dirs_;
  Options options_;
  std::shared_ptr<const Templates> templates_;
  std::optional<Error> fault_;
  std::optional<Millis> looked_at_;
  std::string stamp_;  // paths, sizes and times of change of what was read last
};

}  // namespace b24
