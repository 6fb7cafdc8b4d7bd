// page: templates and message catalogues -> HTML responses with security headers.
#include "web/page.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <stdexcept>

#include "base/secret.h"
#include "base/text.h"
#include "settings/ini_file.h"
#include "web/catalogue.h"
#include "web/request.h"
#include "web/template_view.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kTemplate = ".mustache", kStyle = ".css", kScript = ".js";
constexpr std::string_view kMessages = "messages.", kConf = ".conf";

// What of a directory makes up the pages, but for what is there already; nothing when it cannot be
// read.
void add_files(TemplateFiles& files, const fs::path& dir) {
  std::error_code fault;
  for (fs::directory_iterator entry(dir, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) continue;
    if (name.ends_with(kTemplate) || name.ends_with(kStyle) || name.ends_with(kScript) ||
        (name.starts_with(kMessages) && name.ends_with(kConf))) {
      files.emplace(name, entry->path().string());
    }
  }
}

TemplateFiles template_files(const std::vector<fs::path>& dirs) {
  TemplateFiles files;
  for (const fs::path& dir : dirs) add_files(files, dir);
  return files;
}

// "index.mustache" -> "index"; nothing for names that have another start or end.
std::string_view middle(std::string_view name, std::string_view start, std::string_view end) {
  if (!name.starts_with(start) || !name.ends_with(end)) return {};
  return name.substr(start.size(), name.size() - start.size() - end.size());
}

// Something that is made when it is first asked for, by one thread.
template <class T>
class Lazy {
 public:
  template <class Make>
  const T& get(Make make) const {
    std::call_once(once_, [&] { value_.emplace(make()); });
    return *value_;
  }

 private:
  mutable std::once_flag once_;
  mutable std::optional<T> value_;
};

// messages.pt-BR.conf is the catalogue of pt-br, too.
struct IgnoringCase {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    return text::lower(a) < text::lower(b);
  }
};

struct View {
  TemplateView view;
  std::string style;
  std::string script;
  std::string style_source;  // of the two, for the Content-Security-Policy
  std::string script_source;
};

std::string hash_source(std::string_view text) {
  return text.empty() ? "" : "'sha256-" + secret::base64(secret::sha256(text)) + "'";
}

std::string content_security_policy(const View& view, const PagePolicy& policy) {
  std::map<std::string, std::string, std::less<>> csp = {
      {"default-src", "'none'"},
      {"style-src", view.style_source},
      {"script-src", view.script_source},
      {"connect-src", "'self'"},
      {"img-src", "'self' data:"},
      {"form-action", "'self'"},
      {"base-uri", "'none'"},
      {"frame-ancestors", policy.frame_ancestors}};
  const auto add = [&](std::string_view name, std::string_view sources) {
    std::string& all = csp[std::string(name)];
    if (!all.empty() && !sources.empty()) all += ' ';
    all += sources;
  };
  for (const char* name : {"script-src", "frame-src", "connect-src"})
    add(name, policy.script_sources);
  add("form-action", text::origin_of(policy.form_target));
  for (const std::string& more : text::split(policy.more, ",")) {
    const std::size_t blank = std::min(more.find(' '), more.size());
    add(more.substr(0, blank), text::trim(std::string_view(more).substr(blank)));
  }
  std::string result;
  for (const auto& [name, sources] : csp)
    if (!sources.empty()) result += (result.empty() ? "" : "; ") + name + " " + sources;
  return result;
}

std::string stamp_of(const std::vector<fs::path>& dirs) {
  std::string stamp;
  std::error_code ignored;
  for (const fs::path& dir : dirs) {
    stamp += dir.string() + (fs::is_directory(dir, ignored) ? "/\n" : "\n");
    for (const auto& [name, file] : template_files({dir})) {
      struct stat status {};
      if (stat(file.c_str(), &status) != 0) continue;
      stamp += name + " " + std::to_string(status.st_size) + " " +
               std::to_string(status.st_mtim.tv_sec) + "." +
               std::to_string(status.st_mtim.tv_nsec) + "\n";
    }
  }
  return stamp;
}

}  // namespace

// What is broken when it is asked for has a plain text or the English one in its place.
struct Templates::Data {
  explicit Data(const std::vector<fs::path>& places) : dirs(places), files(template_files(places)) {
    for (const auto& [name, file] : files) {
      if (const auto page = middle(name, "", kTemplate); !page.empty())
        pages.try_emplace(std::string(page));
      const auto language = middle(name, kMessages, kConf);
      const std::string lower = text::lower(language);
      if (lower != language && files.contains(catalogue(lower))) continue;
      if (!language.empty() && language != kEnglish) others.try_emplace(std::string(language));
    }
  }

  // Its path; empty when there is none.
  std::string file(const std::string& name) const {
    const auto found = files.find(name);
    return found == files.end() ? "" : found->second;
  }

  static std::string catalogue(std::string_view language) {
    return std::string(kMessages) + std::string(language) + std::string(kConf);
  }

  // Text by text, so that what an upgrade adds is there though the owner has a catalogue of his
  // own.
  Result<Messages> texts(std::string_view language) const {
    Messages all;
    for (const fs::path& dir : dirs | std::views::reverse) {
      const fs::path path = dir / catalogue(language);
      if (std::error_code ignored; !fs::exists(path, ignored)) continue;
      Result<Messages> own = b24::read_messages(path.string());
      if (!own) return own;
      own->merge(all);
      all = *std::move(own);
    }
    return all;
  }

  Result<std::string> asset(const std::string& name) const {
    const std::string path = file(name);
    if (path.empty()) return "";
    Result<std::string> text = read_settings_text(path);
    // Browsers make the same of line ends before they compare with the policy's hash.
    if (text) text::replace_all(*text, "\r\n", "\n");
    // It would end the element that it is put into.
    if (text && text::lower(*text).contains(name.ends_with(kStyle) ? "</style" : "</script"))
      return std::unexpected(broken_template(path + ": it holds an end tag of its own element"));
    return text;
  }

  Result<View> make_view(const std::string& name) const {
    Result<TemplateView> view = TemplateView::make(files, name);
    if (!view) return std::unexpected(view.error());
    for (const std::string& key : view->keys()) {
      if (english.contains(key)) continue;
      return std::unexpected(
          Error{ErrorKind::settings, "unknown_message",
                file(name + ".mustache") + ": {{t." + key + "}} is not in messages.en.conf",
                "add " + key + " to each of the catalogues"});
    }
    Result<std::string> base = asset("base.css"), style = asset(name + std::string(kStyle)),
                        script = asset(name + std::string(kScript));
    for (const Result<std::string>* each : {&base, &style, &script})
      if (!*each) return std::unexpected(each->error());
    for (const std::string& part : view->parts()) {
      for (const auto& [all, suffix] : {std::pair(&style, kStyle), std::pair(&script, kScript)}) {
        const Result<std::string> its_own = asset(part + std::string(suffix));
        if (!its_own) return std::unexpected(its_own.error());
        **all += *its_own;
      }
    }
    const std::string styles = without_indentation(*base + *style);
    return View{std::move(*view), styles, *script, hash_source(styles), hash_source(*script)};
  }

  const Result<View>& view(std::string_view name) const {
    const auto found = pages.find(name);
    if (found == pages.end()) throw std::logic_error("no template " + std::string(name));
    return found->second.get([&] { return make_view(found->first); });
  }

  Messages read_messages(std::string_view language, const Templates* before, Status& sound) const {
    Result<Messages> own = texts(language);
    if (!own) {
      sound = std::unexpected(own.error());
      own = before ? before->data_->messages(language) : Messages();
    }
    const Status like = make_alike(*own, english, file(catalogue(language)));
    if (sound) sound = like;
    return std::move(*own);
  }

  const Messages& messages(std::string_view language) const {
    const auto found = others.find(language);
    if (found == others.end()) return english;
    Status sound;
    return found->second.get([&] { return read_messages(found->first, nullptr, sound); });
  }

  std::string_view known_language(std::string_view name) const {
    return others.contains(name) ? name : kEnglish;
  }

  const std::vector<fs::path> dirs;
  const TemplateFiles files;
  std::map<std::string, Lazy<Result<View>>, std::less<>> pages;
  Messages english;
  std::map<std::string, Lazy<Messages>, IgnoringCase> others;  // by language
  std::optional<Error> warning;
};

namespace {

std::unexpected<Error> no_templates(const fs::path& dir, const char* what) {
  return std::unexpected(Error{ErrorKind::settings, "no_templates", dir.string() + ": " + what,
                               "set page.templates to the directory of your templates"});
}

}  // namespace

Templates::Templates(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Templates::~Templates() = default;

Result<std::shared_ptr<const Templates>> Templates::load(const std::vector<fs::path>& dirs,
                                                         const std::string& page, bool once,
                                                         const Templates* before) {
  std::error_code ignored;
  for (const fs::path& dir : dirs)
    if (!fs::is_directory(dir, ignored)) return no_templates(dir, "there is no such directory");
  auto data = std::make_unique<Data>(dirs);
  if (data->file(Data::catalogue(kEnglish)).empty())
    return no_templates(dirs.back(), "there is no messages.en.conf");
  Result<Messages> native = data->texts(kEnglish);
  if (!native) return std::unexpected(native.error());
  data->english = std::move(*native);
  for (const auto& [name, slot] : data->pages) {
    if (once && name != page) continue;
    if (page.empty() || name == page || name == "error") {
      if (const Result<View>& view = data->view(name); !view) return std::unexpected(view.error());
    } else if (const Result<View> view = data->make_view(name); !view) {
      return std::unexpected(view.error());
    }
  }
  for (const auto& [name, slot] : data->others) {
    if (once) break;
    Status sound;
    slot.get([&] { return data->read_messages(name, before, sound); });
    if (!sound && !data->warning) data->warning = sound.error();
  }
  return std::shared_ptr<const Templates>(new Templates(std::move(data)));
}

Response Templates::page(int status, std::string_view name, const Value& data,
                         std::string_view language, const PagePolicy& policy) const {
  const Result<View>& view = data_->view(name);
  if (!view) return text_response(status, data["message"].text() + "\n");
  const Messages& messages = data_->messages(language);
  Value constants = Value::map({{"lang", data_->known_language(language)},
                                {"style", view->style},
                                {"script", view->script}});
  for (const std::string& key : view->view.keys())
    constants.set("t" + std::string(1, TemplateView::kText) + key, messages.find(key)->second);
  Response response =
      text_response(status, view->view.render(data, constants), "text/html; charset=utf-8");
  response.set("Content-Language", data_->known_language(language))
      .set("Vary", "Accept, Accept-Language")
      .set("Content-Security-Policy", content_security_policy(*view, policy))
      // Not "no-referrer": with it, browsers send the form with "Origin: null".
      .set("Referrer-Policy", "same-origin");
  return response;
}

std::string Templates::message(std::string_view language, std::string_view key,
                               const Value& data) const {
  const Messages& messages = data_->messages(language);
  const auto found = messages.find(key);
  return found == messages.end() ? std::string(key) : fill(found->second, data);
}

bool Templates::has_page(std::string_view name) const {
  return data_->pages.contains(std::string(name));
}

bool Templates::has_message(std::string_view key, std::string_view language) const {
  return data_->messages(language).contains(key);
}

const std::optional<Error>& Templates::warning() const {
  return data_->warning;
}

std::string Templates::choose_language(std::string_view setting,
                                       std::string_view accept_language) const {
  const auto has = [&](std::string_view name) { return data_->known_language(name) == name; };
  if (has(setting)) return std::string(setting);
  std::vector<Wish> wishes = parse_wishes(setting == "auto" ? accept_language : "");
  std::ranges::stable_sort(wishes, std::greater(), &Wish::weight);
  for (const Wish& wish : wishes) {
    if (wish.name == "*" || wish.weight == 0) break;
    for (const std::string& name : {wish.name, wish.name.substr(0, wish.name.find('-'))})
      if (has(name)) return name;
  }
  return std::string(kEnglish);
}

// --- TemplateSource ---

Result<std::shared_ptr<const Templates>> TemplateSource::current() {
  std::unique_lock lock(mutex_);
  const bool is_news = look();
  const auto templates = templates_;
  const std::optional<Error> fault = fault_;
  lock.unlock();
  if (is_news && options_.tell) options_.tell(*fault);
  if (!templates) return std::unexpected(*fault);
  return templates;
}

// Whether the fault is another one now.
bool TemplateSource::look() {
  const Millis now = options_.clock();
  // A clock that was set back counts as a second gone by.
  if (looked_at_ && now >= *looked_at_ && now - *looked_at_ < 1000) return false;
  looked_at_ = now;
  const std::vector<fs::path> dirs = dirs_();
  std::string stamp = options_.once ? "looked at" : stamp_of(dirs);
  if (stamp == stamp_) return false;
  stamp_ = std::move(stamp);
  auto fresh = Templates::load(dirs, options_.page, options_.once, templates_.get());
  std::optional<Error> fault = fresh ? (*fresh)->warning() : std::optional(fresh.error());
  if (fresh) templates_ = std::move(*fresh);
  const bool is_new = fault && (!fault_ || fault->cause != fault_->cause);
  fault_ = std::move(fault);
  return is_new;
}

std::optional<Error> TemplateSource::fault() {
  const std::lock_guard lock(mutex_);
  return fault_;
}

}  // namespace b24
