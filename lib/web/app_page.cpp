// app_page: see app_page.h.
#include "web/app_page.h"

#include <utility>

#include "base/text.h"
#include "value/json.h"

namespace b24 {

AppPage::AppPage(const Launch& launch, std::string page)
    : launch_(launch),
      app_(launch, std::move(page)),
      templates_(
          [this] {
            const Result<App> app = app_.current();
            return template_places(app ? *app->settings : Settings());
          },
          {.page = app_.page(),
           .once = launch.mode == Mode::cgi,
           .tell = [this](const Error& fault) {
             if (const Result<App> app = app_.current(); app) app->log->error("templates", fault);
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
  RequestLimits limits;
  if (Result<App> app = app_.current(); app) limits.body = app->settings->server.max_body;
  return limits;
}

std::string AppPage::language(const Request& request) {
  const Result<App> app = app_.current();
  const Result<std::shared_ptr<const Templates>> templates = templates_.current();
  if (!templates) return "en";
  return (*templates)
      ->choose_language(app ? app->settings->page.language : "auto", request.accept_language);
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
  const Result<App> app = app_.current();
  const auto settings = app ? app->settings : nullptr;
  return error_pages_.page({*templates, settings}, chosen + key + std::to_string(status), {}, [&] {
    PagePolicy policy;
    if (settings) policy.more = settings->page.csp;
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
