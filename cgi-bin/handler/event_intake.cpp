// event_intake: see event_intake.h.
#include "event_intake.h"

#include <chrono>
#include <condition_variable>

#include "event.h"

namespace b24 {

Status EventIntake::take(const App& app, const NewItem& event) {
  Result<std::shared_ptr<Store>> store = stores_.current();
  Error why;
  if (store) {
    const Result<Accepted> accepted = keep_event(**store, event, *app.settings);
    if (accepted) {
      write_logs(app, **store);
      return {};
    }
    why = accepted.error();
  } else {
    why = store.error();
  }
  const Status spilt = Spill(app.settings->data.dir).keep(event);
  app.log->write_bounded(Log::Level::error, spilt ? "event_spilt" : "event_lost",
                         Value::map({{"cause", why.cause}, {"remedy", why.remedy}}));
  return spilt;
}

// The event is safe in the store: a log that cannot be written now catches up later.
void EventIntake::write_logs(const App& app, Store& store) {
  const Logs both = logs(app);
  bool behind = false;
  for (const std::shared_ptr<HookLog>& log : {both.text, both.json}) {
    if (!log) continue;
    if (const Status written = log->catch_up(store); !written) {
      app.log->write_bounded(Log::Level::error, "hook_log",
                             Value::map({{"cause", written.error().cause}}));
      behind = true;
    }
  }
  const std::lock_guard lock(mutex_);
  behind_ = behind;
}

// One of each for all threads, since it keeps them from writing the same entries; new ones for new
// settings.
EventIntake::Logs EventIntake::logs(const App& app) {
  const std::lock_guard lock(mutex_);
  if (logs_.settings != app.settings) {
    const std::filesystem::path& dir = app.settings->data.dir;
    logs_.settings = app.settings;
    logs_.text =
        std::make_shared<HookLog>(dir, hook_log_options(*app.settings, HookFormat::print_r));
    logs_.json =
        app.settings->handler.json_log
            ? std::make_shared<HookLog>(dir, hook_log_options(*app.settings, HookFormat::json))
            : nullptr;
  }
  return logs_;
}

void EventIntake::catch_up() {
  Result<App> app = app_.current();
  if (!app) return;
  Spill spill(app->settings->data.dir);
  bool behind = false;
  {
    const std::lock_guard lock(mutex_);
    behind = behind_;
  }
  spill.reserve();
  if (!behind && !spill.holds_any()) return;
  Result<std::shared_ptr<Store>> store = stores_.current();
  if (!store) return;
  const Result<int> taken = spill.take_in([&](const NewItem& event) -> Status {
    const Result<Accepted> accepted = keep_event(**store, event, *app->settings);
    return accepted ? Status() : std::unexpected(accepted.error());
  });
  if (!taken) {
    app->log->write_bounded(Log::Level::error, "spill",
                            Value::map({{"cause", taken.error().cause}}));
  }
  spill.reserve();  // emptying the file gave it away
  write_logs(*app, **store);
}

void EventIntake::work(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    catch_up();
    stopped.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
  }
}

}  // namespace b24
