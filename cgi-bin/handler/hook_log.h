// hook_log: hook.log as the example page writes it, from the store, each event exactly once.
//
// The entry is newline, 24 dashes, newline, date("Y.m.d G:i:s") of the time received, newline,
// title, newline, print_r of the parameters, newline, 24 dashes, newline. hook.log.pos
// beside it says up to which item and which length the file is written; whoever catches up holds a
// lock (hook.log.lock), cuts off what a killed process left beyond that length, and writes what the
// store has and the file has not. So a crash at any point neither loses nor doubles an entry. After
// a power cut the file is written again from the last point that was synced (each 1000 entries).
//
// A hook.log without a pos file (the example's own) is kept and continued. One that somebody
// renamed or emptied (logrotate) is begun anew with the next event.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "base/append_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "keep/store.h"

namespace b24 {

enum class HookFormat {
  print_r,  // hook.log
  json,     // hook.jsonl: one object a line, {"number", "id", "received_at", "event", "data"}
};

struct HookLogOptions {
  std::string title = "incoming";
  Rotation rotation;
  bool daily = false;  // begun anew with the first event of a day (of the process's time zone), too
  HookFormat format = HookFormat::print_r;
};

// The text of one entry of hook.log, and of one line of hook.jsonl.
std::string hook_log_entry(Millis at, std::string_view title, const Value& params);
std::string hook_json_line(const Item& event);

class HookLog {
 public:
  HookLog(std::filesystem::path dir, HookLogOptions options);

  // Writes every event of the store that is not in the file yet. Safe from all threads and
  // processes; concurrent callers share one pass.
  Status catch_up(Store& store);
  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  HookLogOptions options_;
  std::mutex mutex_;
  std::condition_variable finished_;
  bool running_ = false;
  std::uint64_t begun_ = 0;  // passes
  std::uint64_t done_ = 0;
  Status last_;  // of the last pass
};

}  // namespace b24
