// event_intake: takes an event in: the store, or the spill file, then hook.log and hook.jsonl.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>

#include "base/error.h"
#include "hook_log.h"
#include "keep/spill.h"
#include "keep/store_source.h"
#include "settings/app.h"

namespace b24 {

class EventIntake {
 public:
  // Both must outlive this.
  EventIntake(AppSource& app, StoreSource& stores) : app_(app), stores_(stores) {}

  // The event is on the disk when this returns; an Error means that it is nowhere.
  Status take(const App& app, const NewItem& event);
  // What an earlier process left behind: takes in the spill file and brings the logs up to date;
  // and sees to the spill file's reserve.
  // Cheap while there is nothing to do.
  void catch_up();
  // FastCGI: catch_up now and every second, until a stop is asked for.
  void work(std::stop_token stop);

 private:
  struct Logs {
    std::shared_ptr<const Settings> settings;
    std::shared_ptr<HookLog> text;
    std::shared_ptr<HookLog> json;
  };
  Logs logs(const App& app);
  void write_logs(const App& app, Store& store);

  AppSource& app_;
  StoreSource& stores_;
  std::mutex mutex_;
  Logs logs_;
  bool behind_ = true;  // the logs may lack something
};

}  // namespace b24
