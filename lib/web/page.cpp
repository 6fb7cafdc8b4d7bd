// page: templates and message catalogues -> HTML responses with security headers.
#include "web/page.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include "base/secret.h"
#include "base/text.h"
#include "settings/ini_file.h"
#include "web/catalogue.h"
#include "web/mustache_view.h"
#include "web/template_files.h"
#include "web/template_text.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kEnglish = "en";

Error broken(std::string cause) {
  return {ErrorKind::settings, "broken_template", std::move(cause),
          "mend the file, or put the one that was delivered back"};
}

// "index.mustache" -> "index"; the names that have another start or end are left out.
std::set<std::string> middles(const std::set<std::string>& names, std::string_view start,
                              std::string_view end) {
  std::set<std::string> result;
  for (const std::string& name : names)
    if (name.starts_with(start) && name.ends_with(end))
      result.insert(name.substr(start.size(), name.size() - start.size() - end.size()));
  return result;
}

std::string hash_source(std::string_view text) {
  return "'sha256-" + secret::base64(secret::sha256(text)) + "'";
}

// A page: what it looks like, and what its Content-Security-Policy allows.
struct View {
  MustacheView view;
  MustacheView::Constants assets;  // style, script
  std::string style_source;
  std::string script_source;       // empty: no script
  std::set<std::string> messages;  // the keys that it shows
};

// Something that is made when it is first asked for, by one thread.
template <class T>
class Lazy {
 public:
  template <class Make>
  const T& get(Make make) const {
    std::call_once(once_, [&] { value_.emplace(make()); });
    return *value_;
  }
  const T& get() const { return *value_; }  // REQUIRES: made

 private:
  mutable std::once_flag once_;
  mutable std::optional<T> value_;
};

std::string content_security_policy(const View& view, const PagePolicy& policy) {
  const std::string hosts = policy.script_sources.empty() ? "" : " " + policy.script_sources;
  std::string result = "default-src 'none'; style-src " + view.style_source;
  if (!view.script_source.empty() || !hosts.empty()) {
    result += "; script-src";
    if (!view.script_source.empty()) result += " " + view.script_source;
    result += hosts;
  }
  if (!hosts.empty()) result += "; frame-src" + hosts;
  result += "; connect-src 'self'" + hosts + "; img-src 'self' data:; form-action 'self'";
  if (!policy.form_targets.empty()) result += " " + policy.form_targets;
  return result + "; base-uri 'none'; frame-ancestors " + policy.frame_ancestors;
}

}  // namespace

namespace {

// Reads the files of a directory, and makes pages and languages from them.
class Loader {
 public:
  Loader(std::string dir, std::set<std::string> files)
      : dir_(std::move(dir)),
        files_(std::move(files)),
        texts_(dir_, middles(files_, "", kTemplate)) {}

  Result<View> view(const std::string& name) {
    std::set<std::string> messages;
    Result<std::string> text = texts_.expand(name, messages);
    if (!text) return std::unexpected(text.error());
    MustacheView view(*text);
    if (!view.fault().empty()) return std::unexpected(broken(file_of(name) + ": " + view.fault()));
    Result<std::string> base = asset("base.css"), style = asset(name + ".css"),
                        script = asset(name + ".js");
    for (const Result<std::string>* each : {&base, &style, &script})
      if (!*each) return std::unexpected(each->error());
    const std::string styles = without_indentation(*base + *style);
    return View{std::move(view), MustacheView::Constants({{"style", styles}, {"script", *script}}),
                hash_source(styles), script->empty() ? "" : hash_source(*script),
                std::move(messages)};
  }

  Result<Messages> messages(const std::string& language) const {
    const std::string file = catalogue(language);
    const Result<std::string> text = read_settings_text(file);
    if (!text) return std::unexpected(text.error());
    return parse_messages(*text, file);
  }

  // The templates that are no partials, once all were looked at.
  Result<std::set<std::string>> pages() {
    for (const std::string& name : middles(files_, "", kTemplate))
      if (Status checked = texts_.check(name); !checked) return std::unexpected(checked.error());
    return texts_.pages();
  }

  Status check_messages(const std::string& name, const View& view, const Messages& english) const {
    for (const std::string& key : view.messages) {
      if (english.contains(key)) continue;
      return std::unexpected(Error{ErrorKind::settings, "unknown_message",
                                   file_of(name) + ": {{t." + key + "}} is not in messages.en.conf",
                                   "add " + key + " to each of the catalogues"});
    }
    return {};
  }

  std::string catalogue(const std::string& language) const {
    return dir_ + "/" + std::string(kMessages) + language + std::string(kConf);
  }

 private:
  std::string file_of(const std::string& name) const {
    return dir_ + "/" + name + std::string(kTemplate);
  }

  Result<std::string> asset(const std::string& name) const {
    if (!files_.contains(name)) return "";
    Result<std::string> text = read_settings_text(dir_ + "/" + name);
    // It would end the element that it is put into.
    if (text && text::lower(*text).contains(name.ends_with(kStyle) ? "</style" : "</script"))
      return std::unexpected(
          broken(dir_ + "/" + name + ": it holds an end tag of its own element"));
    return text;
  }

  std::string dir_;
  std::set<std::string> files_;
  TemplateTexts texts_;
};

}  // namespace

struct Templates::Data {
  struct Page {
    Lazy<View> view;
    std::map<std::string, Lazy<MustacheView::Constants>, std::less<>> texts;  // by language
  };

  explicit Data(const fs::path& directory)
      : dir(directory.string()), files(template_files(directory)) {
    for (const std::string& name : middles(files, kMessages, kConf)) {
      languages.try_emplace(name);
      names.push_back(name);
    }
    for (const std::string& name : middles(files, "", kTemplate))
      for (const std::string& language : names) pages[name].texts.try_emplace(language);
  }

  Status check_directory() const {
    if (languages.contains(kEnglish)) return {};
    return std::unexpected(Error{ErrorKind::settings, "no_templates",
                                 dir + ": there is no messages.en.conf",
                                 "set page.templates to the directory of the templates"});
  }

  const std::string& known_language(std::string_view name) const {
    const auto found = languages.find(name);
    return found == languages.end() ? languages.find(kEnglish)->first : found->first;
  }

  // In these a broken file is as good as none: only a process of one request gets that far.
  const Page& page(std::string_view name) const {
    const auto found = pages.find(name);
    if (found == pages.end()) throw std::logic_error("no template " + std::string(name));
    found->second.view.get([&] {
      Result<View> made = Loader(dir, files).view(found->first);
      if (made) return std::move(*made);
      return View{MustacheView("{{message}}\n"), MustacheView::Constants({}), "'none'", "", {}};
    });
    return found->second;
  }

  const Messages& messages(std::string_view language) const {
    const std::string& name = known_language(language);
    return languages.find(name)->second.get(
        [&] { return Loader(dir, files).messages(name).value_or(Messages()); });
  }

  // A message, in English when the language lacks it; null when that does, too.
  const std::string* message(std::string_view language, std::string_view key) const {
    for (const std::string_view each : {language, kEnglish}) {
      const Messages& known = messages(each);
      if (const auto found = known.find(key); found != known.end()) return &found->second;
    }
    return nullptr;
  }

  // {{lang}} and each {{t.KEY}} of a page.
  const MustacheView::Constants& texts(const Page& page, std::string_view language) const {
    const std::string& name = known_language(language);
    return page.texts.find(name)->second.get([&] {
      std::vector<std::pair<std::string, std::string>> texts{{"lang", name}};
      for (const std::string& key : page.view.get().messages)
        if (const std::string* text = message(name, key)) texts.emplace_back("t." + key, *text);
      return MustacheView::Constants(texts);
    });
  }

  std::string dir;
  std::set<std::string> files;
  std::map<std::string, Page, std::less<>> pages;
  std::map<std::string, Lazy<Messages>, std::less<>> languages;
  std::vector<std::string> names;  // of the languages
  std::optional<Error> warning;
};

Templates::Templates(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Templates::~Templates() = default;

Result<std::shared_ptr<const Templates>> Templates::load(const fs::path& dir) {
  auto data = std::make_unique<Data>(dir);
  if (Status checked = data->check_directory(); !checked) return std::unexpected(checked.error());
  Loader loader(data->dir, data->files);
  Result<Messages> native = loader.messages(std::string(kEnglish));
  if (!native) return std::unexpected(native.error());
  const Messages& english =
      data->languages.find(kEnglish)->second.get([&] { return std::move(*native); });
  for (const auto& [name, slot] : data->languages) {
    if (name == kEnglish) continue;
    Result<Messages> messages = loader.messages(name);
    Status sound = messages ? drop_unlike(english, *messages, loader.catalogue(name))
                            : Status(std::unexpected(messages.error()));
    if (!sound && !data->warning) data->warning = sound.error();
    slot.get([&] { return std::move(messages).value_or(Messages()); });
  }
  const Result<std::set<std::string>> pages = loader.pages();
  if (!pages) return std::unexpected(pages.error());
  for (const std::string& name : *pages) {
    Result<View> view = loader.view(name);
    if (!view) return std::unexpected(view.error());
    if (Status known = loader.check_messages(name, *view, english); !known)
      return std::unexpected(known.error());
    data->pages.at(name).view.get([&] { return std::move(*view); });
  }
  return std::shared_ptr<const Templates>(new Templates(std::move(data)));
}

Result<std::shared_ptr<const Templates>> Templates::open(const fs::path& dir,
                                                         const std::string& page) {
  auto data = std::make_unique<Data>(dir);
  if (Status checked = data->check_directory(); !checked) return std::unexpected(checked.error());
  if (const auto slot = data->pages.find(page); slot != data->pages.end()) {
    Result<View> view = Loader(data->dir, data->files).view(page);
    if (!view) return std::unexpected(view.error());
    slot->second.view.get([&] { return std::move(*view); });
  }
  return std::shared_ptr<const Templates>(new Templates(std::move(data)));
}

std::string Templates::render(std::string_view name, const Value& data,
                              std::string_view language) const {
  const Data::Page& page = data_->page(name);
  const View& view = page.view.get();
  return view.view.render(data, {&data_->texts(page, language), &view.assets});
}

Response Templates::page(int status, std::string_view name, const Value& data,
                         std::string_view language, const PagePolicy& policy) const {
  Response response =
      text_response(status, render(name, data, language), "text/html; charset=utf-8");
  response.set(Header::content_language, data_->known_language(language))
      .set(Header::vary, "Accept, Accept-Language")
      .set(Header::content_security_policy,
           content_security_policy(data_->page(name).view.get(), policy))
      // Not "no-referrer": with it, browsers send the form with "Origin: null".
      .set(Header::referrer_policy, "same-origin");
  return response;
}

std::string Templates::message(std::string_view language, std::string_view key,
                               const Value& data) const {
  const std::string* text = data_->message(data_->known_language(language), key);
  return text ? fill(*text, data) : std::string(key);
}

bool Templates::has_message(std::string_view key) const {
  return data_->messages(kEnglish).contains(key);
}

std::optional<Error> Templates::warning() const {
  return data_->warning;
}

std::vector<std::string> Templates::languages() const {
  return data_->names;
}

std::string Templates::choose_language(std::string_view setting,
                                       std::string_view accept_language) const {
  return b24::choose_language(data_->names, setting, accept_language);
}

}  // namespace b24
