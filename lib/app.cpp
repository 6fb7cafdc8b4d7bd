// app: see app.h.
#include "app.h"

#include <cstdlib>
#include <ctime>
#include <utility>

#include "json.h"
#include "text.h"
#include "webhook.h"

namespace b24 {
namespace {

constexpr Millis kTryStoreAgain = 1'000;

}  // namespace

AppSource::AppSource(const Launch& launch, std::string page)
    : page_(std::move(page)),
      one_request_(launch.mode == Mode::cgi),
      document_root_(Environment(launch.environment).get("DOCUMENT_ROOT")),
      settings_(launch.settings_file, launch.environment) {
  // Here, since the environment must not change once there are threads. A new time zone counts from
  // the next start.
  const Result<App> app = current();
  if (!app || app->settings->log.time_zone.empty()) return;
  setenv("TZ", app->settings->log.time_zone.c_str(), 1);
  tzset();
}

Result<App> AppSource::current() {
  Result<std::shared_ptr<const Settings>> settings = settings_.current();
  if (!settings) return std::unexpected(settings.error());
  const std::lock_guard lock(mutex_);
  if (app_.settings != *settings) {
    app_.settings = *settings;
    app_.log = std::make_shared<Log>(**settings, page_);
  }
  return app_;
}

std::shared_ptr<TemplateSource> AppSource::template_source() {
  const Result<App> app = current();
  const std::filesystem::path dir = app ? app->settings->page.templates : find_templates();
  const std::lock_guard lock(mutex_);
  if (!templates_ || templates_dir_ != dir) {
    templates_dir_ = dir;
    templates_ = one_request_ ? std::make_shared<TemplateSource>(dir, page_)
                              : std::make_shared<TemplateSource>(dir);
  }
  return templates_;
}

Result<std::shared_ptr<const Templates>> AppSource::templates() {
  return template_source()->current();
}

std::optional<Error> AppSource::templates_fault() {
  return template_source()->fault();
}

Result<std::shared_ptr<Gate>> AppSource::gate(int reserve) {
  Result<App> app = current();
  if (!app) return std::unexpected(app.error());
  const Settings& settings = *app->settings;
  const std::string portal = Webhook::portal_of(settings.crest.web_hook_url);
  const std::string key = settings.data.dir.string() + "\n" + portal + "\n" +
                          std::to_string(settings.call.bucket_size) + "\n" +
                          std::to_string(settings.call.bucket_drain);
  const std::lock_guard lock(mutex_);
  if (gates_for_ != key) gates_.clear();
  gates_for_ = key;
  if (const auto known = gates_.find(reserve); known != gates_.end()) return known->second;
  Result<std::shared_ptr<Gate>> gate = Gate::open(
      settings.data.dir, portal, settings.call.bucket_size, settings.call.bucket_drain, reserve);
  if (gate) gates_.emplace(reserve, *gate);
  return gate;
}

Result<std::shared_ptr<Store>> AppSource::store() {
  Result<App> app = current();
  if (!app) return std::unexpected(app.error());
  const std::lock_guard lock(mutex_);
  const std::filesystem::path& dir = app->settings->data.dir;
  if (store_ && store_dir_ == dir) return store_;
  if (store_error_ && store_dir_ == dir && now_ms() < store_tried_at_ + kTryStoreAgain) {
    return std::unexpected(*store_error_);
  }
  store_dir_ = dir;
  store_tried_at_ = now_ms();
  Result<std::shared_ptr<Store>> opened = Store::open(dir, document_root_);
  if (opened) {
    store_ = *opened;
    store_error_.reset();
  } else {
    store_.reset();
    store_error_ = opened.error();
  }
  return opened;
}

ServerLimits AppPage::server_limits() {
  auto app = app_.current();
  if (!app) return {};
  const ServerSettings& server = app->settings->server;
  return {.threads = server.threads,
          .max_threads = server.max_threads,
          .request_time = server.request_time};
}

RequestLimits AppPage::limits() {
  RequestLimits limits;
  if (Result<App> app = app_.current(); app) limits.body = app->settings->server.max_body;
  return limits;
}

std::string AppPage::language(const Request& request) {
  Result<App> app = app_.current();
  Result<std::shared_ptr<const Templates>> templates = app_.templates();
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
  Response response = error_response(refusal.status, refusal.code, environment.get("HTTP_ACCEPT"),
                                     environment.get("HTTP_ACCEPT_LANGUAGE"));
  if (refusal.status == 405) response.set(Header::allow, "GET, HEAD, POST, OPTIONS");
  return response;
}

Response AppPage::error_response(int status, std::string_view code, std::string_view accept,
                                 std::string_view accept_language) {
  Result<App> app = app_.current();
  Result<std::shared_ptr<const Templates>> templates = app_.templates();
  const std::string key = "error_" + std::string(code);
  Request asker;
  asker.accept = accept;
  if (!templates) return text_response(status, "This page is not available at the moment.\n");
  const std::string chosen = (*templates)->choose_language(
      app ? app->settings->page.language : "auto", accept_language);
  const std::string message =
      (*templates)
          ->message(chosen, (*templates)->has_message(key) ? key : std::string("error_general"));
  if (asker.accepts_json()) {
    const Value body = Value::map({{"status", "error"}, {"code", code}, {"message", message}});
    return text_response(status, json::print(body) + "\n", "application/json; charset=utf-8");
  }
  return (*templates)
      ->page(status, "error", Value::map({{"status", status}, {"message", message}}), chosen);
}

Response AppPage::unavailable(const Error& error, const Request& request) {
  if (Result<App> app = app_.current(); app) {
    app->log->write_bounded(
        Log::Level::error, "unavailable",
        Value::map({{"code", error.code}, {"cause", error.cause}, {"remedy", error.remedy}}));
  } else {
    complain(app_.page(), error);
  }
  Response response = error_response(503, "unavailable", request);
  response.set(Header::retry_after, "60");
  return response;
}

}  // namespace b24
