// handler: the receiver of the portal's outbound webhooks.
//
//   POST /handler.php   an event: 200 and an empty body once it is on the disk; 403 with a wrong
//                       token or from a wrong address; 503 when it could not be kept
//   GET  /handler.php   a short page that says what this address is for
//
// Needs: [portal] application_token in the settings.
#include <signal.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "action.h"
#include "event.h"
#include "event_command.h"
#include "event_watch.h"
#include "event_work.h"
#include "keep/ingest.h"
#include "portal/test_event.h"
#include "robot.h"
#include "watch.h"
#include "web/app_page.h"
#include "web/server.h"

namespace {

using namespace b24;

constexpr Millis kRequestTime = 3'000;       // a connection's: events come whole
constexpr Millis kCronTime = 50'000;         // --work: less than cron's minute
constexpr Millis kAfterAnswerTime = 20'000;  // a CGI process, once the portal is answered
constexpr Millis kPatience = 10'000;         // with another process that fills the store
constexpr int kReserve = 10;  // places in the portal's bucket that actions leave to the leads

void set_termination(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(how, &signals, nullptr);
}

class HandlerPage : public AppPage {
 public:
  explicit HandlerPage(const Launch& launch)
      : AppPage(launch, "handler"),
        ingester_(app_, stores_, Kind::event, event_of, event_followers),
        work_(event_work(app_, stores_, gates_)),
        watch_(app_, stores_, gates_, ingester_, [this] { work_.ingested(1); }) {}

  Response respond(const Request& request) override {
    if (request.method == "POST") return receive(request);
    if (!request.path_info.empty()) return error_response(404, "not_found", request);
    if (request.method == "GET" || request.method == "HEAD") return explain(request);
    Response response = error_response(405, "wrong_method", request);
    return response.set("Allow", "GET, HEAD, POST");
  }

  ServerLimits server_limits() override {
    ServerLimits limits = AppPage::server_limits();
    limits.round = 64;
    // A second one makes the rounds smaller, each of which costs a sync, and is in the way.
    limits.threads = 1;
    limits.request_time = std::min(limits.request_time, kRequestTime);
    return limits;
  }

  Status keep(std::span<const std::string> promises) override {
    Result<App> app = app_.current();
    if (!app) return std::unexpected(app.error());
    // Apache ends a CGI program as soon as its answer is there; the store is to be filled first.
    if (app_.mode() == Mode::cgi) set_termination(SIG_BLOCK);
    Status kept = ingester_.journal(*app)->append(promises);
    if (kept) kept = ingester_.confirm(*app);
    end_answers(stores_);
    return kept;
  }

  void kept() override { ingester_.wake(); }

  void work(std::stop_token stop) override {
    // Each ends also when another cannot start, so that all are tried again.
    std::jthread ingestion([this](const std::stop_token& own) {
      ingester_.work(own, [this](int taken) { work_.ingested(taken); });
    });
    const std::stop_callback end_ingestion(stop, [&] { ingestion.request_stop(); });
    std::jthread watching([this](const std::stop_token& own) { watch_.work(own); });
    const std::stop_callback end_watching(stop, [&] { watching.request_stop(); });
    const Result<App> app = app_.current();
    work_.work(stop, app ? app->settings->handler.work_threads : 1);
  }

  void after_answer() override {
    Result<App> app = app_.current();
    if (!app) return;
    if (const Result<int> done = work_due(kAfterAnswerTime); !done)
      app->log->error("work", done.error());
  }

  int command(const Arguments& arguments) override {
    for (const auto& [option, argument] : arguments) {
      if (option == "--work") return work_command();
    }
    return event_command({app_, stores_, gates_, ingester_}, arguments);
  }

 private:
  Response receive(const Request& request) {
    const Millis begun = steady_ms();
    Result<App> app = app_.current_for(request.document_root);
    if (!app) return unavailable(app.error(), request);
    const Settings& settings = *app->settings;
    const Result<bool> allowed = sender_allowed(request, settings);
    if (!allowed) return unavailable(allowed.error(), request);
    if (!*allowed) return refuse_caller(request, *app, "address_not_allowed");
    const RobotSettings* robot = calling_robot(request, settings);
    if (robot != nullptr) return take(request, begun, robot);
    if (!request.path_info.empty() && settings.robots.empty())
      return error_response(404, "not_found", request);
    const TokenCheck token = verify(request.params, settings);
    if (token == TokenCheck::not_configured) return unavailable(no_token_error(settings), request);
    if (token == TokenCheck::robot || !request.path_info.empty())
      return refuse_caller(request, *app, "robot");
    if (token == TokenCheck::wrong) return refuse_caller(request, *app, "wrong_token");
    warn_of_token_in_url(request, *app);
    if (const auto number = test_event_number(request.params, settings, now_ms()); number) {
      return take_test_event(*number, request);
    }
    return take(request, begun, nullptr);
  }

  static Response take(const Request& request, Millis begun, const RobotSettings* robot) {
    Response response = text_response(200, "");
    response.promise = encode(make_record(request, now_ms(), robot));
    begin_answer(begun);
    return response;
  }

  Response refuse_caller(const Request& request, const App& app, std::string_view code) {
    const bool robot = code == "robot";
    // By a name of its own, so that those who guess do not crowd it out.
    app.log->write_bounded(Log::Level::warning, robot ? "robot_refused" : "refused", [&] {
      Value fields = Value::map({{"code", code},
                                 {"address", request.remote_address},
                                 {"event", request.params["event"].text()},
                                 {"remedy", remedy_for(code, request, *app.settings)}});
      if (robot)
        fields.set("cause",
                   "a robot's \"Outgoing webhook\" called without the secret of a [robot]");
      return fields;
    });
    stores_.count("refused." + std::string(code));
    return error_response(403, code, request);
  }

  // PHP's $_REQUEST takes it from there too, but addresses end up in logs.
  void warn_of_token_in_url(const Request& request, const App& app) {
    if (request.get["auth"]["application_token"].is_null()) return;
    app.log->write_bounded(
        Log::Level::warning, "token_in_url",
        Value::map({{"remedy", "send application_token in the body, and make a new token"}}));
  }

  // The self-check's: its number is noted, the event not kept.
  Response take_test_event(const std::string& number, const Request& request) {
    Result<std::shared_ptr<Store>> store = stores_.current();
    if (!store) return unavailable(store.error(), request);
    if (const auto kept = (*store)->use(test_event_use(number), kTestEventWindow); !kept) {
      return unavailable(kept.error(), request);
    }
    return text_response(200, "");
  }

  Response explain(const Request& request) {
    Result<std::shared_ptr<const Templates>> templates = templates_.current();
    if (!templates) return unavailable(templates.error(), request);
    const std::string chosen = language(request);
    const Value data =
        Value::map({{"title", (*templates)->message(chosen, "handler_title")}, {"noindex", true}});
    return (*templates)->page(200, "handler", data, chosen);
  }

  Result<int> work_due(Millis time_limit) {
    return work_.work_due(time_limit, [this]() -> Status {
      const Result<int> taken = ingester_.run(kPatience);
      set_termination(SIG_UNBLOCK);
      return taken ? Status() : std::unexpected(taken.error());
    });
  }

  int work_command() {
    watch_.run_due(kCronTime / 2);
    const Result<int> done = work_due(kCronTime);
    if (!done) complain("handler", done.error());
    return done ? 0 : 1;
  }

  StoreSource stores_{app_};
  GateSource gates_{app_, kReserve, std::bind_front(&StoreSource::change_together, &stores_)};
  Ingester ingester_;
  WorkLoop work_;
  Watch watch_;
};

std::unique_ptr<Page> make(const Launch& launch) {
  return std::make_unique<HandlerPage>(launch);
}

constexpr Option kOptions[] = {
    {"--work", "", "fill the store and run the actions that are due (for cron)"},
    {"--list", "[pending|failed|done]", "list the newest events"},
    {"--search", "TEXT", "the events of this name, or with this text or object (ONCRMDEAL:7)"},
    {"--show", "ID", "show an event and all that happened to it"},
    {"--retry", "ID|all", "run the failed actions of an event, or of all, again"},
    {"--delete", "ID", "remove an event and all that happened to it from the store"},
    {"--explain", "ID", "what each section would do with an event, and why; nothing is done"},
    {"--tail", "", "print events as they come in, until Ctrl-C"},
    {"--replay", "[ID]", "run all actions of an event once more, or of all --since TIME"},
    {"--since", "TIME", "only what came since 2026-11-24T06:00:00Z, or in the last 15m, 2h, 3d"},
    {"--event", "NAME", "only events of this name"},
    {"--export", "jsonl|csv", "print the events"},
    {"--send-test", "URL", "post an event as the portal does, and tell what came back"},
    {"--journal", "list|verify", "what the journal holds, or whether all of it can be read"},
    {"--rebuild", "", "put the store aside and fill a new one from the journal"},
    {"--migrate", "[URL]",
     "make the tables of the shared database ([data] store), as the URL's role"},
    {"--move-store", "TO",
     "take all to the database TO (its URL), or back to a file (sqlite); events go on"},
    {"--print", "", "with --migrate: print its SQL instead"},
    {"--salvage", "FILE", "take over what can be read of a store that was put aside"},
};

}  // namespace

int main(int argc, char** argv) {
  return serve(argc, argv, {"handler", "receives the portal's outbound webhooks", kOptions, make});
}
