// index: the lead form.
//
//   GET  /            the form; filled from the query; after sending: ?sent=ID.MAC
//   POST /            a submission; of another form only without form.require_token
//   OPTIONS /         for scripts of form.allowed_origins
//
// What a submission is answered, as a page and as JSON (Accept: application/json) alike:
//
//   saved     in the portal, or spam: page 303 to form.success_url or to the form, JSON 200
//   accepted  on the disk, being delivered: 202
//   rejected  refused by the portal for good, kept for the owner: 200, since the visitor cannot
//             mend it and a proxy must not replace the page
//   invalid   422: a field, the token, the time or the captcha; 429: too many; what was written is
//             kept
//   error     503: neither the disk nor the portal took it; what was written is kept
//
// JSON: {"status", "id", "lead_id", "message", "errors": {field: message}, "token", "redirect"}.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/address.h"
#include "base/files.h"
#include "base/secret.h"
#include "captcha.h"
#include "form_guard.h"
#include "form_token.h"
#include "form_view.h"
#include "ignored.h"
#include "import_settings.h"
#include "keep/outbox_command.h"
#include "lead.h"
#include "lead_intake.h"
#include "settings/form.h"
#include "spam.h"
#include "submission.h"
#include "value/json.h"
#include "value/php.h"
#include "web/app_page.h"
#include "web/server.h"

namespace {

using namespace b24;

constexpr Millis kCronTime = 50'000;         // --deliver: less than cron's minute
constexpr Millis kAfterAnswerTime = 20'000;  // a CGI process, once the visitor is served
constexpr std::size_t kReferenceLength = 8;  // of an id, for people

// What is refused though the owner may want it.
constexpr std::pair<std::string_view, std::string_view> kRemedies[] = {
    {"refused.token_missing", "a form of the site's own needs form.require_token = no"},
    {"refused.origin", "name the site in form.allowed_origins to take its forms"},
    {"spam.honeypot", "index.fcgi --list spam shows it, --retry ID sends it all the same"}};

// What one request is answered from.
struct Context {
  const Request& request;
  App app;
  std::shared_ptr<const Templates> templates;
  std::string language;
  std::shared_ptr<const Form> form;
  std::string key;

  const FormSettings& settings() const { return app.settings->form; }
  std::string message(std::string_view name, const Value& data = Value::array()) const {
    return templates->message(language, name, data);
  }
};

// How a request ends.
struct Ending {
  int status = 200;
  std::string_view name;  // "saved", ...
  Notice notice;
  std::string id;
  std::string lead_id;
  std::string token;       // for the form that is shown now
  std::string next_token;  // for the next submission, where that is another one
};

class IndexPage : public AppPage {
 public:
  explicit IndexPage(const Launch& launch)
      : AppPage(launch, "index"),
        intake_(app_, stores_, gates_, launch_, [this](const App& app, const Record& record, bool) {
          return lead_of(app, record);
        }) {}

  ServerLimits server_limits() override {
    if (const Result<App> app = app_.current(); app) {
      if (const auto form = current_form(*app); !form) complain("index", form.error());
    }
    return AppPage::server_limits();
  }

  Response respond(const Request& request) override {
    if (!request.path_info.empty()) return error_response(404, "not_found", request);
    Result<Context> context = make_context(request);
    if (!context) return unavailable(context.error(), request);
    Response response = request.method == "OPTIONS" ? preflight(request, context->settings())
                        : request.is_post()         ? post(*context)
                                                    : show(*context);
    allow_origin(response, request, context->settings());
    return response;
  }

  void work(std::stop_token stop) override { intake_.work(std::move(stop)); }

  void after_answer() override {
    if (Result<int> done = intake_.work_due(kAfterAnswerTime); !done) {
      if (Result<App> app = app_.current(); app) app->log->error("delivery", done.error());
    }
  }

  int command(const Arguments& arguments) override {
    for (const auto& [option, argument] : arguments) {
      if (option == "--deliver") return deliver_command();
      if (option == "--import-settings") return import_settings_command(argument);
    }
    return outbox_command(stores_, Kind::lead, arguments, [this] {
      if (Result<std::shared_ptr<Gate>> gate = gates_.current(); gate) (*gate)->reopen();
    });
  }

 private:
  Result<Context> make_context(const Request& request) {
    Result<App> app = app_.current_for(request.document_root);
    if (!app) return std::unexpected(app.error());
    Result<std::shared_ptr<const Templates>> templates = templates_.current();
    if (!templates) return std::unexpected(templates.error());
    Result<std::shared_ptr<const Form>> form = current_form(*app);
    if (!form) return std::unexpected(form.error());
    return Context{request, *app, *templates, language(request), *form, form_key(*app)};
  }

  // While a changed form is broken the one before stays.
  Result<std::shared_ptr<const Form>> current_form(const App& app) {
    const std::lock_guard lock(mutex_);
    if (form_settings_ != app.settings) {
      Result<Form> form = make_form(*app.settings);
      form_fault_ = form ? Error() : form.error();
      if (!form && form_) app.log->error("form", form.error());
      if (form) form_ = std::make_shared<const Form>(std::move(*form));
      form_settings_ = app.settings;
    }
    if (!form_) return std::unexpected(form_fault_);
    return form_;
  }

  // Without a usable data directory the form can still be shown, and what is sent refused honestly.
  std::string form_key(const App& app) {
    const std::lock_guard lock(mutex_);
    const std::filesystem::path& dir = app.settings->data.dir;
    if (!key_.empty() && key_dir_ == dir) return key_;
    Result<std::string> key = key_of_file(dir / "form.key");
    if (!key && stores_.current()) key = key_of_file(dir / "form.key");  // the store makes `dir`
    if (!key) {
      app.log->error("form_key", key.error());
      return derive_form_key(app.settings->crest.web_hook_url);
    }
    key_ = *key;
    key_dir_ = dir;
    return key_;
  }

  Response show(const Context& context) {
    const Request& request = context.request;
    Ending ending{200, "form", {}, "", "", make_token(context.key, now_ms()), ""};
    const std::string sent = signed_text(context.key, "sent", request.get["sent"].text());
    FormView view;
    if (!sent.empty()) {
      ending.notice = {"ok", context.message("form_saved")};
    } else {
      view.values = prefill(*context.form, request);
    }
    Response response = answer(context, ending, std::move(view));
    // Whoever comes back to it by the "back" button must find the same token again: with a new one,
    // sending again would be another lead. Everywhere else it is asked for anew.
    response.set("Cache-Control", "private, no-cache");
    return response;
  }

  Response post(const Context& context) {
    const Request& request = context.request;
    const FormSettings& settings = context.settings();
    if (is_foreign_post(request, settings)) {
      count(context, "refused.origin");
      return error_response(403, "cross_site", request);
    }
    const Submission submission =
        read_submission(*context.form, request, context.app.settings->crest.current_encoding);
    const std::string posted_token = request.post[kTokenInput].text();
    const Millis now = now_ms();
    const auto token = check_token(context.key, posted_token, now, settings.token_age);
    const std::string fresh = make_token(context.key, now);
    if (!token && settings.require_token) {
      count(context, "refused.token_" + std::string(name(token.error())));
      const bool ours = token.error() == TokenFault::stale || token.error() == TokenFault::future;
      return invalid(context, submission, fresh,
                     context.message(ours ? "form_send_again" : "form_not_ours"));
    }
    if (const auto store = stores_.current(); store)
      tell_ignored(submission.ignored, **store, *context.app.log);
    const std::string& usable = token ? posted_token : fresh;
    if (!submission.valid()) {
      const std::string_view whole = submission.error("");
      return invalid(context, submission, usable,
                     error_message(whole.empty() ? "form_invalid" : whole, nullptr, submission,
                                   *context.templates, context.language));
    }
    if (token && now - token->shown_at < settings.min_time) {
      count(context, "refused.too_fast");
      return invalid(context, submission, usable, context.message("form_too_fast"));
    }
    const std::string id = token ? submission_id(token->id, submission) : "";
    if (std::optional<Response> stopped = stop_spam(context, submission, id, usable); stopped) {
      return std::move(*stopped);
    }
    if (submission.honeypot) count(context, "spam.honeypot");
    return report(context, submission, take(context, submission, id), usable);
  }

  // A repetition of what was taken in already is neither counted nor asked for a second captcha.
  std::optional<Response> stop_spam(const Context& context, const Submission& submission,
                                    const std::string& id, const std::string& token) {
    Result<std::shared_ptr<Store>> store = stores_.current();
    if (store && !id.empty()) {
      const Result<std::optional<Item>> known = (*store)->find(Kind::lead, id);
      if (known && *known) return std::nullopt;
    }
    switch (check_spam(context.app, context.request, store ? store->get() : nullptr)) {
      case SpamVerdict::too_many:
        return invalid(context, submission, token, context.message("form_too_many"), 429);
      case SpamVerdict::captcha:
        return invalid(context, submission, token, context.message("form_captcha"));
      case SpamVerdict::pass:
        break;
    }
    return std::nullopt;
  }

  TakenLead take(const Context& context, const Submission& submission, const std::string& own_id) {
    const Request& request = context.request;
    const std::string address = client_address(request.remote_address, request.forwarded_for,
                                               context.app.settings->server.trusted_proxies);
    const std::string key = own_id.empty()
                                ? intake_.key_of_equal(submission_id("from " + address, submission))
                                : own_id;
    return intake_.take(context.app, make_record(request, key, address));
  }

  Result<NewItem> lead_of(const App& app, const Record& record) {
    Result<std::shared_ptr<const Form>> form = current_form(app);
    if (!form) return std::unexpected(form.error());
    return make_lead(**form, record, app.settings->crest.current_encoding);
  }

  Response report(const Context& context, const Submission& submission, const TakenLead& taken,
                  const std::string& token) {
    const Value reference = Value::map({{"reference", taken.id.substr(0, kReferenceLength)}});
    Ending ending{
        200, "saved", {}, taken.id, taken.lead_id, token, make_token(context.key, now_ms())};
    switch (taken.state) {
      case LeadState::saved:
        ending.notice = {"ok", context.message("form_saved")};
        return saved(context, submission, ending);
      case LeadState::accepted:
        ending.status = 202;
        ending.name = "accepted";
        ending.notice = {"ok", context.message("form_accepted", reference)};
        break;
      case LeadState::rejected:
        ending.name = "rejected";
        ending.notice = {"error", context.settings().show_portal_errors
                                      ? context.message("form_portal_error",
                                                        Value::map({{"error", taken.error.cause}}))
                                      : context.message("form_rejected", reference)};
        break;
      case LeadState::lost:
        ending.status = 503;
        ending.name = "error";
        ending.notice = {"error", context.message("form_not_taken")};
        ending.next_token = token;  // the same submission again, should it have got through
        break;
    }
    return answer(context, ending, {.values = submission.values});
  }

  // The page that the redirect carries is for clients that do not follow it.
  Response saved(const Context& context, const Submission& submission, const Ending& ending) {
    Response response = answer(context, ending, {.values = submission.values});
    if (context.request.accepts_json()) return response;
    response.status = 303;
    response.set("Location", success_url(context, ending.id));
    return response;
  }

  static std::string success_url(const Context& context, const std::string& id) {
    const std::string& own = context.settings().success_url;
    return own.empty() ? "?sent=" + php::url_encode(sign(context.key, "sent", id)) : own;
  }

  Response invalid(const Context& context, const Submission& submission, const std::string& token,
                   std::string notice, int status = 422) {
    Ending ending{status, "invalid", {"error", std::move(notice)}, "", "", token, ""};
    FormView view{.values = submission.values};
    for (const auto& [name, key] : submission.errors) {
      if (name.empty()) continue;
      view.errors.set(name, error_message(key, context.form->find(name), submission,
                                          *context.templates, context.language));
    }
    return answer(context, ending, std::move(view));
  }

  Response answer(const Context& context, const Ending& ending, FormView view) {
    if (context.request.accepts_json()) return json_answer(context, ending, view.errors);
    view.token = ending.token;
    view.notice = ending.notice;
    view.marks = utm_marks(context.request.params);
    const FormBase base{context.app.settings, context.form, context.templates, context.language,
                        app_.mode() != Mode::cgi};
    return form_page(base, view, ending.status, pages_);
  }

  static Response json_answer(const Context& context, const Ending& ending, const Value& errors) {
    Value body = Value::map({{"status", ending.name}});
    if (!ending.id.empty()) body.set("id", ending.id);
    if (!ending.lead_id.empty()) body.set("lead_id", ending.lead_id);
    if (!ending.notice.text.empty()) body.set("message", ending.notice.text);
    if (errors.size() > 0) body.set("errors", errors);
    body.set("token", ending.next_token.empty() ? ending.token : ending.next_token);
    if (ending.name == "saved" && !context.settings().success_url.empty()) {
      body.set("redirect", context.settings().success_url);
    }
    return text_response(ending.status, json::print(body) + "\n",
                         "application/json; charset=utf-8");
  }

  void count(const Context& context, const std::string& counter) {
    Value line = Value::map({{"code", counter},
                             {"address", context.request.remote_address},
                             {"origin", context.request.origin}});
    for (const auto& [code, remedy] : kRemedies)
      if (code == counter) line.set("remedy", remedy);
    context.app.log->write_bounded(Log::Level::warning, "refused", line);
    stores_.count(counter);
  }

  int deliver_command() {
    Result<int> done = intake_.work_due(kCronTime);
    if (done) return 0;
    complain("index", done.error());
    return 1;
  }

  StoreSource stores_{app_};
  GateSource gates_{app_};
  LeadIntake intake_;
  PageCache pages_;
  std::mutex mutex_;
  std::shared_ptr<const Form> form_;
  std::shared_ptr<const Settings> form_settings_;
  Error form_fault_;
  std::string key_;
  std::filesystem::path key_dir_;
};

std::unique_ptr<Page> make(const Launch& launch) {
  return std::make_unique<IndexPage>(launch);
}

constexpr Option kOptions[] = {
    {"--list", "[pending|failed|done|spam]", "list the leads"},
    {"--search", "TEXT", "the leads with this name, phone, e-mail or text, or whose ID begins so"},
    {"--show", "ID", "a lead's whole life; an ID or how it begins"},
    {"--retry", "ID|all", "send a failed or waiting lead, or all of them, now; spam by its ID"},
    {"--spam", "ID", "a lead that waits or failed is spam: kept here, not sent"},
    {"--delete", "ID", "remove a lead and all that happened to it from the store"},
    {"--salvage", "FILE", "take over what can be read of a damaged store that was put aside"},
    {"--deliver", "", "send what is due, then end (for cron)"},
    {"--import-settings", "FILE", "print what CRest's settings.php says as lines of settings.conf"},
};

}  // namespace

int main(int argc, char** argv) {
  return serve(argc, argv, {"index", "the lead form", kOptions, make});
}
