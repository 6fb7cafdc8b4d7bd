// handler: the receiver of the portal's outbound webhooks.
//
//   POST /handler.php   an event: 200 and an empty body once it is on the disk; 403 with a wrong
//   token; 503 when it could not be kept GET  /handler.php   a short page that says what this
//   address is for
//
// Needs: [portal] application_token in the settings.
#include <memory>
#include <mutex>
#include <string>

#include "app.h"
#include "event.h"
#include "hook_log.h"
#include "server.h"
#include "test_event.h"

namespace {

using namespace b24;

class HandlerPage : public AppPage {
 public:
  explicit HandlerPage(const Launch& launch) : AppPage(launch, "handler") {}

  Response respond(const Request& request) override {
    if (!request.path_info.empty()) return error_response(404, "not_found", request);
    if (request.method == "POST") return receive(request);
    if (request.method == "GET" || request.method == "HEAD") return explain(request);
    Response response = error_response(405, "wrong_method", request);
    return response.set(Header::allow, "GET, HEAD, POST");
  }

  int command(const Arguments&) override { return 2; }

 private:
  Response receive(const Request& request) {
    Result<App> app = app_.current();
    if (!app) return unavailable(app.error(), request);
    switch (verify(request.params, *app->settings)) {
      case TokenCheck::not_configured:
        return unavailable(no_token_error(*app->settings), request);
      case TokenCheck::wrong:
        return refuse_caller(request, *app);
      case TokenCheck::right:
        break;
    }
    Result<std::shared_ptr<Store>> store = app_.store();
    if (!store) return unavailable(store.error(), request);
    if (const auto number = test_event_number(request.params, *app->settings, now_ms())) {
      return take_test_event(**store, *number, request);
    }
    Result<Accepted> accepted =
        (*store)->accept(make_event(request.params, now_ms(), *app->settings));
    if (!accepted) return unavailable(accepted.error(), request);
    write_hook_log(**store, *app);
    return text_response(200, "");
  }

  // checkserver's own: it goes the way of an event up to the store, and is no event there.
  Response take_test_event(Store& store, const std::string& number, const Request& request) {
    const Status kept = store.remember(kTestEventKey, number);
    if (!kept) return unavailable(kept.error(), request);
    return text_response(200, "");
  }

  Response refuse_caller(const Request& request, const App& app) {
    app.log->write_bounded(Log::Level::warning, "refused",
                           Value::map({{"code", "wrong_token"},
                                       {"address", request.remote_address},
                                       {"event", request.params["event"].text()}}));
    return error_response(403, "wrong_token", request);
  }

  // The event is safe in the store: when hook.log cannot be written now, the next event catches up.
  void write_hook_log(Store& store, const App& app) {
    if (Status written = hook_log(store, app)->catch_up(store); !written) {
      app.log->error("hook_log", written.error());
    }
  }

  // One for all threads, since it keeps them from writing the same entries; a new one for new
  // settings.
  std::shared_ptr<HookLog> hook_log(const Store& store, const App& app) {
    const std::lock_guard lock(mutex_);
    if (hook_log_settings_ != app.settings) {
      hook_log_settings_ = app.settings;
      hook_log_ = std::make_shared<HookLog>(store.dir(), hook_log_options(*app.settings));
    }
    return hook_log_;
  }

  Response explain(const Request& request) {
    Result<std::shared_ptr<const Templates>> templates = app_.templates();
    if (!templates) return unavailable(templates.error(), request);
    return (*templates)->page(200, "handler", Value::array(), language(request));
  }

  std::mutex mutex_;
  std::shared_ptr<HookLog> hook_log_;
  std::shared_ptr<const Settings> hook_log_settings_;
};

std::unique_ptr<Page> make(const Launch& launch) {
  return std::make_unique<HandlerPage>(launch);
}

}  // namespace

int main(int argc, char** argv) {
  return serve(argc, argv, {"handler", "receives the portal's outbound webhooks", {}, make});
}
