// index: the lead form.
//
//   GET  /            the form; filled from the query; after sending: ?sent=ID.MAC; ?form=NAME: a
//                     further one
//   POST /            a submission; of another form as form.accept has it (form_guard.h)
//   OPTIONS /         for scripts of form.allowed_origins
//
// What a submission is answered, as a page and as JSON (asked for, or sent) alike:
//
//   saved     in the portal, or spam: page 303 to form.success_url or to the form, JSON 200
//   accepted  on the disk, being delivered: 202
//   rejected  refused by the portal for good, kept for the owner: 200, since the visitor cannot
//             mend it and a proxy must not replace the page
//   invalid   422: a field, the token, the time or the captcha; 429: too many; what was written is
//             kept
//   error     503: neither the disk nor the portal took it; what was written is kept
//
// A program does not wait for the portal. What is not accepted, and no person has a form for: 403.
#include <sysexits.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/address.h"
#include "form_guard.h"
#include "form_source.h"
#include "form_token.h"
#include "form_view.h"
#include "import_settings.h"
#include "keep/outbox_command.h"
#include "lead.h"
#include "lead_intake.h"
#include "portal/webhook.h"
#include "refused.h"
#include "settings/form.h"
#include "spam.h"
#include "submission.h"
#include "value/php.h"
#include "web/app_page.h"
#include "web/server.h"

namespace {

using namespace b24;

constexpr Millis kCronTime = 50'000;         // --deliver: less than cron's minute
constexpr Millis kAfterAnswerTime = 20'000;  // a CGI process, once the visitor is served
constexpr const char* kNoForm = "no_form";   // of this name
constexpr std::size_t kReferenceLength = 8;  // of an id, for people

// What one request is answered from.
struct Context : FormBase {
  const Request& request;
  std::string key;
  Sender sender;

  bool from_program() const { return sender == Sender::key_holder; }
  const FormSettings& settings() const { return form->settings; }
  std::string message(std::string_view name, const Value& data = Value::array()) const {
    return templates->message(language, name, data);
  }
};

class IndexPage : public AppPage {
 public:
  explicit IndexPage(const Launch& launch)
      : AppPage(launch, "index"), intake_(app_, stores_, gates_, forms_, launch_) {}

  ServerLimits server_limits() override {
    if (const Result<App> app = app_.current(); app) {
      if (const auto forms = forms_.current(*app); !forms) complain("index", forms.error());
    }
    return AppPage::server_limits();
  }

  Response respond(const Request& request) override {
    if (!request.path_info.empty()) return error_response(404, "not_found", request);
    Result<Context> context = make_context(request);
    if (!context && context.error().code == kNoForm) return error_response(404, kNoForm, request);
    if (!context) return unavailable(context.error(), request);
    Response response = request.method == "OPTIONS" ? allow(*context)
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
    const auto reopen = [this] {
      if (Result<std::shared_ptr<Gate>> gate = gates_.current(); gate) (*gate)->reopen();
    };
    return outbox_command(stores_, Kind::lead, arguments, reopen).value_or(EX_USAGE);
  }

 private:
  Result<Context> make_context(const Request& request) {
    Result<App> app = app_.current_for(request.document_root);
    if (!app) return std::unexpected(app.error());
    Result<std::shared_ptr<const Templates>> templates = templates_.current();
    if (!templates) return std::unexpected(templates.error());
    Result<std::shared_ptr<const Forms>> forms = forms_.current(*app);
    if (!forms) return std::unexpected(forms.error());
    const Form* form = find_form(**forms, request.get[kFormInput].text());
    if (form == nullptr) return std::unexpected(Error{ErrorKind::input, kNoForm, "", ""});
    if (!(*templates)->has_page(form->settings.page)) {
      const std::string file = form->settings.page + ".mustache";
      app->log->error_bounded("form", {ErrorKind::settings, "no_template",
                                       section_of(form->settings) + " template: no " + file +
                                           " is there; index.mustache is shown",
                                       "put it beside your other templates, or correct the name"});
    }
    return Context{{*app, {*forms, form}, *templates, language(request), app_.mode() != Mode::cgi},
                   request,
                   forms_.key(*app, *form),
                   sender_of(request, form->settings)};
  }

  Response show(const Context& context) {
    const Request& request = context.request;
    Ending ending{200, "form", {.token = make_token(context.key, now_ms())}};
    const std::string sent = signed_text(context.key, "sent", request.get["sent"].text());
    if (sent.empty())
      ending.view.values = prefill(*context.form, request);
    else
      ending.view.notice = {"ok", thanks(context)};
    Response response = answer(context, std::move(ending));
    // Whoever comes back to it by the "back" button must find the same token again: with a new one,
    // sending again would be another lead. Everywhere else it is asked for anew.
    response.set("Cache-Control", "private, no-cache");
    return response;
  }

  // A script's post that this does not allow never comes.
  Response allow(const Context& context) {
    if (context.sender == Sender::foreign_page) refused(context, "refused.origin");
    return preflight(context.request, context.settings());
  }

  Response post(const Context& context) {
    const Request& request = context.request;
    const FormSettings& settings = context.settings();
    if (context.sender == Sender::foreign_page) {
      refused(context, "refused.origin");
      return error_response(403, "cross_site", request);
    }
    const Submission submission =
        read_submission(*context.form, request, context.app.settings->crest.current_encoding);
    const std::string posted_token = request.post[kTokenInput].text();
    const Millis now = now_ms();
    const auto token = check_token(context.key, posted_token, now, settings.token_age);
    const std::string fresh = make_token(context.key, now);
    if (!token) {
      if (auto stopped = stop_unproven(context, submission, token.error(), fresh); stopped)
        return std::move(*stopped);
    }
    if (is_tilda_test(request)) return text_response(200, "ok\n");
    if (const auto store = stores_.current(); store)
      tell_ignored(submission.ignored, **store, *context.app.log);
    const std::string& usable = token ? posted_token : fresh;
    if (!submission.valid()) return with_errors(context, submission, usable);
    if (token && now - token->shown_at < settings.min_time) {
      refused(context, "refused.too_fast");
      return invalid(context, submission, usable, context.message("form_too_fast"));
    }
    const std::string id = token ? submission_id(token->id, submission) : tilda_id(request);
    if (std::optional<Response> stopped = stop_spam(context, submission, id, usable); stopped) {
      return std::move(*stopped);
    }
    if (submission.honeypot) refused(context, "spam.honeypot");
    return report(context, submission, take(context, submission, id), usable);
  }

  // What has no good token and comes in no way that is accepted. A person gets a form to send.
  std::optional<Response> stop_unproven(const Context& context, const Submission& submission,
                                        TokenFault fault, const std::string& fresh) {
    const Request& request = context.request;
    const auto refusal = refusal_of(request, context.settings(), context.sender);
    if (refusal.empty()) return std::nullopt;
    const bool missing = fault == TokenFault::missing;
    refused(context, missing ? "refused." + std::string(refusal)
                             : "refused.token_" + std::string(name(fault)));
    if (missing && (request.is_json() || is_tilda(request)))
      return error_response(403, "not_accepted", request);
    const bool ours = fault == TokenFault::stale || fault == TokenFault::future;
    return invalid(context, submission, fresh,
                   context.message(ours ? "form_send_again" : "form_not_ours"));
  }

  // Whoever filled a program's form in does not see this: the owner is told.
  Response with_errors(const Context& context, const Submission& submission,
                       const std::string& token) {
    const auto& [field, fault] = submission.errors.front();
    if (context.from_program()) refused(context, "refused.invalid", field + ": " + fault);
    const std::string_view whole = submission.error("");
    return invalid(context, submission, token,
                   error_message(whole.empty() ? "form_invalid" : whole, nullptr, submission,
                                 *context.templates, context.language));
  }

  // A repetition of what was taken in already is neither counted nor asked for a second captcha.
  std::optional<Response> stop_spam(const Context& context, const Submission& submission,
                                    const std::string& id, const std::string& token) {
    Result<std::shared_ptr<Store>> store = stores_.current();
    if (store && !id.empty()) {
      const Result<std::optional<Item>> known = (*store)->find(Kind::lead, id);
      if (known && *known) return std::nullopt;
    }
    switch (check_spam(context.app, context.settings(), context.request,
                       store ? store->get() : nullptr, context.from_program())) {
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
    const std::string address = request.client(context.app.settings->server.trusted_proxies);
    const std::string key = own_id.empty()
                                ? intake_.key_of_equal(submission_id(
                                      "from " + address + context.form->name(), submission))
                                : own_id;
    const auto portal = called_portal(*context.app.settings, context.settings().portal);
    const bool nobody_waits = context.from_program() || Webhook::url_fault(portal);
    return intake_.take(context.app, make_record(request, key, address),
                        nobody_waits ? 0 : context.settings().wait);
  }

  static std::string thanks(const Context& context) {
    const std::string_view own = text_in(context.settings().thanks, context.language);
    return own.empty() ? context.message("form_saved") : std::string(own);
  }

  Response report(const Context& context, const Submission& submission, const TakenLead& taken,
                  const std::string& token) {
    const Value reference = Value::map({{"reference", taken.id.substr(0, kReferenceLength)}});
    Ending ending{.name = "saved",
                  .view = {.values = submission.values, .token = token},
                  .id = taken.id,
                  .lead_id = taken.lead_id,
                  .next_token = make_token(context.key, now_ms())};
    switch (taken.state) {
      case LeadState::saved:
        ending.view.notice = {"ok", thanks(context)};
        return saved(context, ending);
      case LeadState::accepted:
        ending.status = 202;
        ending.name = "accepted";
        ending.view.notice = {"ok", context.message("form_accepted", reference)};
        break;
      case LeadState::rejected:
        ending.name = "rejected";
        ending.view.notice = {
            "error",
            context.settings().show_portal_errors
                ? context.message("form_portal_error", Value::map({{"error", taken.error.cause}}))
                : context.message("form_rejected", reference)};
        break;
      case LeadState::lost:
        ending.status = 503;
        ending.name = "error";
        ending.view.notice = {"error", context.message("form_not_taken")};
        ending.next_token = token;  // the same submission again, should it have got through
        break;
    }
    return answer(context, std::move(ending));
  }

  // The page that the redirect carries is for clients that do not follow it.
  Response saved(const Context& context, const Ending& ending) {
    Response response = answer(context, ending);
    if (context.request.accepts_json() || is_tilda(context.request)) return response;
    response.status = 303;
    response.set("Location", success_url(context, ending.id));
    return response;
  }

  static std::string success_url(const Context& context, const std::string& id) {
    const std::string& own = context.settings().success_url;
    return own.empty()
               ? address_of(*context.form, "sent=" + php::url_encode(sign(context.key, "sent", id)))
               : own;
  }

  Response invalid(const Context& context, const Submission& submission, const std::string& token,
                   std::string notice, int status = 422) {
    Ending ending{
        status,
        "invalid",
        {.values = submission.values, .token = token, .notice = {"error", std::move(notice)}}};
    for (const auto& [name, key] : submission.errors) {
      if (name.empty()) continue;
      ending.view.errors.set(name, error_message(key, context.form->find(name), submission,
                                                 *context.templates, context.language));
    }
    return answer(context, std::move(ending));
  }

  Response answer(const Context& context, Ending ending) {
    if (is_tilda(context.request)) return tilda_answer(ending);
    if (context.request.accepts_json()) return json_answer(ending, context.settings().success_url);
    ending.view.marks = marks_of(*context.form, context.request.params);
    return form_page(context, ending.view, ending.status, pages_);
  }

  void refused(const Context& context, const std::string& counter, std::string_view cause = "") {
    tell_refused(context.app, context.settings(), context.request, counter, cause);
    stores_.count(counter);
  }

  int deliver_command() {
    Result<int> done = intake_.work_due(kCronTime);
    if (done) return 0;
    complain("index", done.error());
    return 1;
  }

  StoreSource stores_{app_};
  GateSource gates_{app_, 0, std::bind_front(&StoreSource::change_together, &stores_)};
  FormSource forms_{stores_};
  LeadIntake intake_;
  PageCache pages_;
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
