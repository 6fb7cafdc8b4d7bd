// page: templates and message catalogues -> HTML responses with security headers.
#include "page.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "catalogue.h"
#include "ini_file.h"
#include "mustache_view.h"
#include "secret.h"
#include "template_text.h"
#include "text.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kTemplate = ".mustache", kStyle = ".css", kScript = ".js";
constexpr std::string_view kMessages = "messages.", kConf = ".conf";

Error broken(std::string cause) {
  return {ErrorKind::settings, "broken_template", std::move(cause),
          "mend the file, or put the one that was delivered back"};
}

bool is_ours(std::string_view name) {
  if (name.starts_with('.')) return false;
  return name.ends_with(kTemplate) || name.ends_with(kStyle) || name.ends_with(kScript) ||
         (name.starts_with(kMessages) && name.ends_with(kConf));
}

// The files of a template directory by name, sorted; none when it cannot be read.
std::vector<fs::path> list_files(const fs::path& dir) {
  std::vector<fs::path> files;
  std::error_code fault;
  for (fs::directory_iterator entry(dir, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    if (is_ours(entry->path().filename().string())) files.push_back(entry->path());
  }
  std::ranges::sort(files);
  return files;
}

std::string hash_source(std::string_view text) {
  return "'sha256-" + secret::base64(secret::sha256(text)) + "'";
}

// A page: what it looks like, and what its Content-Security-Policy allows.
struct View {
  MustacheView view;
  MustacheView::Constants assets;  // style, script
  std::string style_source;
  std::string script_source;  // empty: no script
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

struct Templates::Data {
  Catalogues catalogues;
  // By language: {{t.KEY}} and {{lang}}.
  std::map<std::string, MustacheView::Constants, std::less<>> messages;
  std::map<std::string, View, std::less<>> views;

  const View& view(std::string_view name) const {
    const auto found = views.find(name);
    if (found == views.end()) throw std::logic_error("no template " + std::string(name));
    return found->second;
  }
};

namespace {

// Reads the files of a directory and makes the pages from them.
class Loader {
 public:
  explicit Loader(const fs::path& dir) : dir_(dir.string()) {}

  Status read() {
    for (const fs::path& file : list_files(dir_)) {
      Result<std::string> text = read_settings_text(file.string());
      if (!text) return std::unexpected(text.error());
      if (Status taken = take(file, std::move(*text)); !taken) return taken;
    }
    return catalogues.check(dir_);
  }

  Result<View> make(const std::string& name) const {
    std::set<std::string> used;
    Result<std::string> text = texts_.expand(name, used);
    if (!text) return std::unexpected(text.error());
    const std::string file = dir_ + "/" + name + ".mustache";
    for (const std::string& key : used) {
      if (catalogues.messages("en").contains(key)) continue;
      return std::unexpected(Error{ErrorKind::settings, "unknown_message",
                                   file + ": {{t." + key + "}} is not in messages.en.conf",
                                   "add " + key + " to each of the catalogues"});
    }
    MustacheView view(*text);
    if (!view.fault().empty()) return std::unexpected(broken(file + ": " + view.fault()));
    const std::string style = asset("base.css") + asset(name + ".css");
    const std::string script = asset(name + ".js");
    return View{std::move(view), MustacheView::Constants({{"style", style}, {"script", script}}),
                hash_source(style), script.empty() ? "" : hash_source(script)};
  }

  std::set<std::string> pages() const { return texts_.pages(); }

  Catalogues catalogues;

 private:
  Status take(const fs::path& file, std::string text) {
    const std::string name = file.filename().string();
    if (name.ends_with(kTemplate))
      return texts_.add(file.stem().string(), std::move(text), file.string());
    if (name.ends_with(kConf)) {
      const std::string language =
          name.substr(kMessages.size(), name.size() - kMessages.size() - kConf.size());
      return catalogues.add(language, text, file.string());
    }
    // It would end the element that it is put into.
    if (text::lower(text).contains(name.ends_with(kStyle) ? "</style" : "</script"))
      return std::unexpected(broken(file.string() + ": it holds an end tag of its own element"));
    assets_[name] = name.ends_with(kStyle) ? without_indentation(text) : std::move(text);
    return {};
  }

  std::string asset(const std::string& name) const {
    const auto found = assets_.find(name);
    return found == assets_.end() ? "" : found->second;
  }

  std::string dir_;
  TemplateTexts texts_;
  std::map<std::string, std::string> assets_;
};

MustacheView::Constants constants_of(const std::string& language, const Messages& messages) {
  std::vector<std::pair<std::string, std::string>> texts{{"lang", language}};
  for (const auto& [key, message] : messages) texts.emplace_back("t." + key, message);
  return MustacheView::Constants(texts);
}

std::string stamp_of(const fs::path& dir) {
  std::string stamp;
  for (const fs::path& file : list_files(dir)) {
    struct stat status {};
    if (stat(file.c_str(), &status) != 0) continue;
    stamp += file.filename().string() + " " + std::to_string(status.st_size) + " " +
             std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) +
             "\n";
  }
  return stamp;
}

}  // namespace

Templates::Templates(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Templates::~Templates() = default;

Result<std::shared_ptr<const Templates>> Templates::load(const fs::path& dir) {
  Loader loader(dir);
  if (Status read = loader.read(); !read) return std::unexpected(read.error());
  auto data = std::make_unique<Data>();
  for (const std::string& name : loader.pages()) {
    Result<View> view = loader.make(name);
    if (!view) return std::unexpected(view.error());
    data->views.emplace(name, std::move(*view));
  }
  data->catalogues = std::move(loader.catalogues);
  for (const std::string& language : data->catalogues.languages())
    data->messages.emplace(language, constants_of(language, data->catalogues.messages(language)));
  return std::shared_ptr<const Templates>(new Templates(std::move(data)));
}

std::string Templates::render(std::string_view name, const Value& data,
                              std::string_view language) const {
  const View& view = data_->view(name);
  auto messages = data_->messages.find(language);
  if (messages == data_->messages.end()) messages = data_->messages.find("en");
  return view.view.render(data, {&messages->second, &view.assets});
}

Response Templates::page(int status, std::string_view name, const Value& data,
                         std::string_view language, const PagePolicy& policy) const {
  Response response =
      text_response(status, render(name, data, language), "text/html; charset=utf-8");
  response.set(Header::content_language, data_->catalogues.has(language) ? language : "en")
      .set(Header::vary, "Accept, Accept-Language")
      .set(Header::content_security_policy, content_security_policy(data_->view(name), policy))
      // Not "no-referrer": with it, browsers send the form with "Origin: null".
      .set(Header::referrer_policy, "same-origin");
  return response;
}

std::string Templates::message(std::string_view language, std::string_view key,
                               const Value& data) const {
  const Messages& messages = data_->catalogues.messages(language);
  const auto found = messages.find(key);
  return found == messages.end() ? std::string(key) : fill(found->second, data);
}

bool Templates::has_message(std::string_view key) const {
  return data_->catalogues.messages("en").contains(key);
}

std::vector<std::string> Templates::languages() const {
  return data_->catalogues.languages();
}

std::string Templates::choose_language(std::string_view setting,
                                       std::string_view accept_language) const {
  return data_->catalogues.choose(setting, accept_language);
}

Result<std::shared_ptr<const Templates>> TemplateSource::current() {
  const std::lock_guard lock(mutex_);
  const Millis now = clock_();
  // A clock that was set back counts as a second gone by.
  const bool fresh = looked_at_ != 0 && now >= looked_at_ && now - looked_at_ < 1000;
  if (!fresh) {
    looked_at_ = now;
    if (std::string stamp = stamp_of(dir_); stamp != stamp_ || (!templates_ && !fault_)) {
      stamp_ = std::move(stamp);
      Result<std::shared_ptr<const Templates>> loaded = Templates::load(dir_);
      fault_ = loaded ? std::nullopt : std::optional(loaded.error());
      if (loaded) templates_ = std::move(*loaded);
    }
  }
  if (templates_) return templates_;
  return std::unexpected(*fault_);
}

std::optional<Error> TemplateSource::fault() {
  const std::lock_guard lock(mutex_);
  return fault_;
}

}  // namespace b24
