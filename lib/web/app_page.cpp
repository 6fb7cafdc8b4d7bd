// app_page: see app_page.h.
#include "web/app_page.h"

#include <utility>

#include "base/text.h"
#include "value/json.h"

namespace b24 {

AppPage::AppPage(const Launch& launch, std::string page)
    : launch_(launch),
      app_(launch, std::move(page)),
      templates_([this] { return template_places(*settings()); },
                 {.page = app_.page(),
                  .once = launch.mode == Mode::cgi,
                  .tell = [this](const Error& fault) {
                    if (const Result<App> app = app_.current(); app)
                      app->log->error("templates", fault);
                  }}) {}

ServerLimits AppPage::server_limits() {
  auto app = app_.current();
  if (!app) {
    complain(app_.page(), app.error());
    return {};
  }
  const ServerSettings& server = app->settings->server;
  return {.threads = server.threads,
          .max_threads = server.max_threads,
          .request_time = server.request_time,
          .allow = server.listen_allow};
}

RequestLimits AppPage::limits() {
  return {.body = settings()->server.max_body, .names = {}};
}

std::string AppPage::language(const Request& request) {
  const Result<std::shared_ptr<const Templates>> templates = templates_.current();
  if (!templates) return "en";
  return (*templates)->choose_language(settings()->page.language, request.accept_language);
}

std::shared_ptr<const Settings> AppPage::settings() {
  static const auto kNone = std::make_shared<const Settings>();
  const Result<App> app = app_.current();
  return app ? app->settings : kNone;
}

Response AppPage::refuse(const Refusal& refusal, const Environment& environment) {
  Result<App> app = app_.current();
  if (app) {
    app->log->write_bounded(Log::Level::warning, "refused",
                            Value::map({{"status", refusal.status},
                                        {"code", refusal.code},
                                        {"cause", refusal.cause},
                                        {"address", environment.get("REMOTE_ADDR")}}));
  }
  Request asked;
  asked.content_type = environment.get("CONTENT_TYPE");
  asked.accept = environment.get("HTTP_ACCEPT");
  asked.accept_language = environment.get("HTTP_ACCEPT_LANGUAGE");
  Response response = error_response(refusal.status, refusal.code, asked);
  if (refusal.status == 405) response.set("Allow", "GET, HEAD, POST, OPTIONS");
  return response;
}

Response AppPage::error_response(int status, std::string_view code, const Request& request) {
  const Result<std::shared_ptr<const Templates>> templates = templates_.current();
  if (!templates) return text_response(status, "This page is not available at the moment.\n");
  const std::string chosen = language(request), key = "error_" + std::string(code);
  const auto message = [&] {
    return (*templates)->message(chosen, (*templates)->has_message(key) ? key : "error_general");
  };
  if (request.accepts_json()) {
    const Value body = Value::map({{"status", "error"}, {"code", code}, {"message", message()}});
    return text_response(status, json::print(body) + "\n", "application/json; charset=utf-8");
  }
  // A portal, or a program: nobody looks at a page.
  if (!request.accept.contains("text/html")) return text_response(status, message() + "\n");
  const auto own = settings();
  return error_pages_.page({*templates, own}, chosen + key + std::to_string(status), {}, [&] {
    PagePolicy policy;
    policy.more = own->page.csp;
    const Value data = Value::map({{"status", status}, {"message", message()}});
    return (*templates)->page(status, "error", data, chosen, policy);
  });
}

Response AppPage::unavailable(const Error& error, const Request& request) {
  if (Result<App> app = app_.current(); app) {
    app->log->error_bounded("unavailable", error);
  } else {
    const std::pair now(steady_ms() / kMinute, error.cause);
    const std::lock_guard lock(complained_mutex_);
    if (std::exchange(complained_, now) != now) complain(app_.page(), error);
  }
  Response response = error_response(503, "unavailable", request);
  response.set("Retry-After", "60");
  return response;
}

}  // namespace b24
