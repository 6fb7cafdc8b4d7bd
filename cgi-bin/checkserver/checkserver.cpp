// checkserver: the page that finds what is wrong and says how to mend it.
//
//   GET  /checkserver.php                  the page; ?refresh=SECONDS to have it refresh itself
//   GET  /checkserver.php?format=FORMAT    json, text, crest (as the vendor's page), metrics
//   POST /checkserver.php                  key=KEY: opens the details for an hour
//   /checkserver.php?desk=...              the owner's desk (desk.h), with the key only
//   checkserver.fcgi --format FORMAT       a table by default; exits 0, 1 (warning) or 2 (error)
//   checkserver.fcgi --in-use              the settings; exits 2 when they cannot be read
//   checkserver.fcgi --refused             what was turned away of late
//   checkserver.fcgi --try WHAT            lead, event or clean-up; exits 1 when it does not work
//
// 200 when there is no error, else 503. Who sees the details: [checkserver] in the settings.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "access.h"
#include "base/address.h"
#include "check_output.h"
#include "check_run.h"
#include "check_seen.h"
#include "desk.h"
#include "test_lead.h"
#include "value/json.h"
#include "web/app_page.h"
#include "web/server.h"

namespace {

using namespace b24;
using access::Sight;

constexpr Millis kFreshForOwner = 3'000;
constexpr Millis kFreshForStrangers = 60'000;
constexpr std::int64_t kTriesAMinute = 30;  // of keys, from one address
constexpr std::int64_t kShortestRefresh = 10;
constexpr std::int64_t kLongestRefresh = 3'600;

using check::Report;
using Words = const Templates*;

struct Format {
  std::string_view name;
  const char* type;
  std::string (*details)(const Report&, Words, std::string_view language);
  std::string (*verdict)(check::State);  // for those who get nothing else
};

constexpr char kJsonType[] = "application/json; charset=utf-8";
constexpr char kTextType[] = "text/plain; charset=utf-8";
constexpr Format kFormats[] = {
    {"json", kJsonType,
     [](const Report& report, Words words, std::string_view language) {
       return json::print(check::json_form(report, words, language), json::Layout::indented) + "\n";
     },
     [](check::State verdict) { return json::print(check::json_verdict(verdict)) + "\n"; }},
    {"text", kTextType,
     [](const Report& report, Words words, std::string_view language) {
       return check::text_form(report, words, language, false);
     },
     check::text_verdict},
    {"crest", kTextType, check::crest_form, check::crest_verdict},
    {"metrics", "text/plain; version=0.0.4; charset=utf-8",
     [](const Report& report, Words, std::string_view) { return check::metrics_form(report); },
     check::metrics_verdict},
    {"html", kTextType, nullptr, check::text_verdict}};  // a page, unless it cannot be made
constexpr const Format& kHtml = kFormats[std::size(kFormats) - 1];

// Null when there is no such format.
const Format* format_named(std::string_view name) {
  const Format* found = std::ranges::find(kFormats, name, &Format::name);
  return found == std::end(kFormats) ? nullptr : found;
}

const Format* format_of(const Request& request) {
  if (const Value* format = request.get.find("format")) return format_named(format->text());
  return request.accepts_json() ? format_named("json") : &kHtml;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

class CheckPage : public AppPage {
 public:
  explicit CheckPage(const Launch& launch)
      : AppPage(launch, "checkserver"), runner_(app_, templates_, stores_, gates_) {}

  Response respond(const Request& request) override {
    if (!request.path_info.empty()) return error_response(404, "not_found", request);
    const Result<App> app = app_.current();
    if (!app) return without_settings(app.error(), request);
    const Settings& settings = *app->settings;
    const Sight sight = access::sight_of(request, settings, now_ms());
    if (sight == Sight::nothing) return error_response(404, "not_found", request);
    if (!request.key_header.empty()) {
      if (is_guessing(request, settings, access::is_key(request.key_header, settings)))
        return error_response(429, "too_many_tries", request);
      // A program that asks with an old key must not take the verdict alone for all there is.
      if (sight != Sight::everything) return error_response(403, "wrong_key", request);
    }
    const bool is_key_form = request.is_post() && request.post.find("key") != nullptr;
    if (request.get.find("desk") != nullptr && !is_key_form) return at_desk(request, *app);
    if (request.is_post()) return take_key(request, settings);
    if (request.method != "GET" && request.method != "HEAD") {
      Response response = error_response(405, "wrong_method", request);
      return response.set("Allow", "GET, HEAD, POST");
    }
    return show(request, settings, sight);
  }

  void after_answer() override {
    // Their threads would meet the end of the process in the middle of their work.
    if (check::anything_abandoned()) _exit(0);
  }

  int command(const Arguments& arguments) override {
    const Format* format = format_named("text");
    bool in_use = false;
    for (const auto& [name, value] : arguments) {
      if (name == "--format") format = format_named(value);
      if (name == "--in-use") in_use = true;
      if (name == "--refused") return print_refused();
      if (name == "--try") return try_out(value);
    }
    if (in_use && format) return print_settings(format->name);
    if (!format || format == &kHtml) {
      std::fputs("--format takes text, json, crest or metrics\n", stderr);
      return 3;
    }
    const check::Report report = runner_.fresh(place_of({}));
    const auto words = this->words();
    const bool coloured = isatty(STDOUT_FILENO) == 1 && !is_set("NO_COLOR");
    const std::string lang = shell_language();
    print(format->name == "text" ? check::text_form(report, words.get(), lang, coloured)
                                 : format->details(report, words.get(), lang));
    constexpr int kExit[] = {0, 0, 1, 2};
    return ended(kExit[static_cast<std::size_t>(report.verdict())]);
  }

 private:
  static void print(const std::string& text) { std::fputs(text.c_str(), stdout); }
  static void print(const Value& value) {
    print(json::print(value, json::Layout::indented) + "\n");
  }
  static int ended(int code) {
    std::fflush(stdout);
    if (check::anything_abandoned()) _exit(code);
    return code;
  }

  // Null where there are none.
  std::shared_ptr<const Templates> words() { return templates_.current().value_or(nullptr); }

  // As the desk's set-up has them; what is wrong with them is in the JSON.
  int print_settings(std::string_view format) {
    const auto settings = settings_in_use(launch_.settings_file, launch_.environment);
    if (!settings) {
      complain(app_.page(), settings.error());
      return 2;
    }
    if (format != "json") return print(text_of(*settings)), 0;
    const Value checks =
        check::json_form(runner_.fresh(place_of({})), words().get(), shell_language());
    print(desk::setup_value(*settings, checks));
    return ended(0);
  }

  int print_refused() {
    const Result<App> app = app_.current();
    if (!app) return complain(app_.page(), app.error()), 2;
    print(desk::refusals(*app->settings));
    return 0;
  }

  // What the desk's "Try it" does.
  int try_out(const std::string& what) {
    const auto fail = [&](const Error& error) { return complain(app_.page(), error), 1; };
    const Result<App> app = app_.current();
    if (!app) return fail(app.error());
    const Result<std::shared_ptr<Store>> store = stores_.current();
    if (!store) return fail(store.error());
    if (what == "event") {
      const check::Report report = try_event(place_of({}));
      print(check::text_form(report, words().get(), shell_language(), false));
      return report.verdict() == check::State::error ? 1 : 0;
    }
    if (what == "clean-up") {
      const auto gone = clean_up_test_leads(*app->settings, **store, gates_);
      if (!gone) return fail(gone.error());
      return print("deleted: " + std::to_string(*gone) + "\n"), 0;
    }
    if (what != "lead") return std::fputs("--try takes lead, event or clean-up\n", stderr), 3;
    const Result<std::string> id = send_test_lead(*app->settings);
    if (!id) return fail(id.error());
    if (const Status begun = desk::start_worker(launch_, Kind::lead); !begun) fail(begun.error());
    const auto lead = wait_for_test_lead(**store, *id);
    if (!lead) return fail(lead.error());
    print(*id + (*lead ? "\n" : " is accepted, and not in the store yet\n"));
    if (!*lead) return 1;
    const auto life = (*store)->history((*lead)->number);
    if (!life) return fail(life.error());
    print(desk::life_value(*life));
    print(desk::portal_link(*app->settings, **lead) + "\n");
    return (*lead)->state == State::done ? 0 : 1;
  }

  check::Report try_event(const check::Place& place) {
    return check::try_event(std::make_shared<const check::Subject>(
        check::subject_of(app_, templates_, stores_, gates_, place)));
  }

  check::Place place_of(const Request& request) const {
    return {launch_.mode, launch_.settings_file, request.server_software, request.document_root};
  }

  std::string shell_language() {
    const Result<App> app = app_.current();
    const auto templates = words();
    if (templates == nullptr) return "en";
    std::string locale;
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
      if (locale.empty() && is_set(name)) locale = std::getenv(name);
    }
    return templates->choose_language(app ? app->settings->page.language : "auto",
                                      locale.substr(0, 2));
  }

  // Without settings nobody can show that he is the owner, and the error names a path and what is
  // written in the file. So a visitor learns its kind; the log and the shell tell the rest.
  Response without_settings(const Error& error, const Request& request) {
    complain(app_.page(), error);
    const Format* format = format_of(request);
    if (!format) return error_response(400, "unknown_format", request);
    if (const auto templates = words(); templates && format == &kHtml) {
      const std::string lang = language(request);
      const std::string message =
          templates->message(lang, "error_no_settings", Value::map({{"code", error.code}}));
      return templates->page(503, "error", Value::map({{"status", 503}, {"message", message}}),
                             lang);
    }
    return text_response(503, format->verdict(check::State::error), format->type);
  }

  // Whether this address tries too many keys, and so may not learn that one is right; the right one
  // can be used as often as one likes. The key itself is long enough when nobody can count.
  bool is_guessing(const Request& request, const Settings& settings, bool is_right) {
    const Result<std::shared_ptr<Store>> store = stores_.current();
    if (!store) return false;
    const std::string client = request.client(settings.server.trusted_proxies);
    const auto address = Address::parse(client);
    const Result<std::int64_t> used = (*store)->use(
        "checkserver:" + (address ? address->limit_key() : client), 60'000, is_right ? 0 : 1);
    return used && *used > kTriesAMinute;
  }

  void note_key(const Request& request, const Settings& settings, const char* what) {
    const Result<App> app = app_.current();
    if (!app) return;
    const std::string client = request.client(settings.server.trusted_proxies);
    app->log->write_bounded(Log::Level::info, "desk",
                            Value::map({{"action", what}, {"address", client}}));
  }

  Response take_key(const Request& request, const Settings& settings) {
    const bool is_right = access::is_key(request.post["key"].text(), settings);
    if (is_guessing(request, settings, is_right))
      return error_response(429, "too_many_tries", request);
    if (!is_right) {
      note_key(request, settings, "wrong_key");
      return show_html(request, settings, Sight::key_form, true);
    }
    note_key(request, settings, "key");
    Response response = text_response(303, "");
    response.set("Location", "?" + request.query_string);
    return response.set("Set-Cookie", access::make_cookie(request, settings, now_ms()));
  }

  Response at_desk(const Request& request, const App& app) {
    const Settings& settings = *app.settings;
    if (settings.checkserver.desk == "off") return error_response(404, "not_found", request);
    if (!access::has_key(request, settings, now_ms())) {
      const bool is_for_people = !request.is_post() && format_of(request) == &kHtml;
      return is_for_people ? show_html(request, settings, Sight::key_form, false)
                           : error_response(403, "key_needed", request);
    }
    const Result<std::shared_ptr<Store>> store = stores_.current();
    if (!store) return unavailable(store.error(), request);
    const Result<std::shared_ptr<const Templates>> templates = templates_.current();
    if (!templates) return unavailable(templates.error(), request);
    desk::Answer answer =
        desk::answer({request, app, launch_, **store, gates_, **templates, language(request),
                      [&](Millis max_age) { return runner_.report(place_of(request), max_age); },
                      [&] { return try_event(place_of(request)); }});
    if (answer) return *std::move(answer);
    Response refused = error_response(answer.error().status, answer.error().code, request);
    return answer.error().status == 405 ? refused.set("Allow", "GET, HEAD") : refused;
  }

  Response show(const Request& request, const Settings& settings, Sight sight) {
    const Format* format = format_of(request);
    if (!format) return error_response(400, "unknown_format", request);
    if (format == &kHtml) return show_html(request, settings, sight, false);
    if (sight == Sight::key_form) return error_response(403, "key_needed", request);
    const bool details = sight == Sight::everything;
    const check::Report report =
        runner_.report(place_of(request), details ? kFreshForOwner : kFreshForStrangers);
    const int status = report.verdict() == check::State::error ? 503 : 200;
    if (!details) return text_response(status, format->verdict(report.verdict()), format->type);
    return text_response(status, format->details(report, words().get(), language(request)),
                         format->type);
  }

  Response show_html(const Request& request, const Settings& settings, Sight sight,
                     bool wrong_key) {
    const Result<std::shared_ptr<const Templates>> templates = templates_.current();
    const bool details = sight == Sight::everything;
    std::optional<check::Report> report;
    if (sight != Sight::key_form) {
      report = runner_.report(place_of(request), details ? kFreshForOwner : kFreshForStrangers);
    }
    if (!templates) {
      if (!details) return unavailable(templates.error(), request);
      return text_response(503, check::text_form(*report, nullptr, "en", false));
    }
    const std::string lang = language(request);
    Value data = Value::array();
    if (details) {
      data = check::page_form(*report, **templates, lang);
      data.set("refresh", refresh_of(request));
    } else if (report) {
      const std::string verdict(check::name(report->verdict()));
      data =
          Value::map({{"verdict", verdict},
                      {"verdict_name", (*templates)->message(lang, "checks_verdict_" + verdict)}});
    }
    data.set("title", (*templates)->message(lang, "checks_title"));
    data.set("desk", details && settings.checkserver.desk != "off" &&
                         access::has_key(request, settings, now_ms()));
    data.set("noindex", true);
    data.set("key_form", !details);
    data.set("has_key", !access::key_of(settings).empty());
    data.set("key_wrong", wrong_key);
    int status = wrong_key || !report ? 403 : 200;
    if (report && report->verdict() == check::State::error) status = 503;
    return (*templates)->page(status, "checkserver", data, lang);
  }

  static std::string refresh_of(const Request& request) {
    const Value* wanted = request.get.find("refresh");
    if (wanted == nullptr) return "";
    return std::to_string(std::clamp(wanted->integer(), kShortestRefresh, kLongestRefresh));
  }

  StoreSource stores_{app_};
  GateSource gates_{app_, 0, std::bind_front(&StoreSource::change_together, &stores_)};
  check::Runner runner_;
};

constexpr Option kOptions[] = {
    {"--format", "text|json|crest|metrics", "how to print what was found"},
    {"--refused", "",
     "print the requests that were turned away of late, and what would accept each"},
    {"--try", "lead|event|clean-up", "send a test lead or a test event, or delete the test leads"},
    {"--in-use", "", "print what is set and where each comes from (as text or json)"},
};

std::unique_ptr<Page> make(const Launch& launch) {
  return std::make_unique<CheckPage>(launch);
}

}  // namespace

int main(int argc, char** argv) {
  return serve(argc, argv,
               {"checkserver", "finds what is wrong and says how to mend it", kOptions, make});
}
