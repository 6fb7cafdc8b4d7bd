// hook_log: hook.log as the example page writes it, and hook.jsonl, each event exactly once.
//
// An entry of hook.log is newline, 24 dashes, newline, date("Y.m.d G:i:s") of the time received,
// newline, title, newline, print_r of the parameters, newline, 24 dashes, newline. A line of
// hook.jsonl is {"id", "received_at", "event", "data"}.
//
// The owner may rename, delete, shorten or empty a log at any moment: what comes afterwards is
// written, nothing comes back, nothing is ever cut. What a killed process has written and the store
// does not know of yet is recognised by its text, in the file or in one that it was renamed to.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "keep/follower.h"
#include "settings/settings.h"

namespace b24 {

enum class HookFormat { print_r, json };

std::string hook_log_entry(Millis at, std::string_view title, const Value& params);
std::string hook_json_line(std::string_view id, Millis at, std::string_view event,
                           const Value& params);

class HookLog : public Follower {
 public:
  HookLog(const Settings& settings, HookFormat format);

  std::string_view name() const override { return name_; }
  std::string_view machines() const override { return settings_.machines; }
  Millis last_write() const override;
  std::string begin() const override;
  // As many items as go into one file: one that they would make too large, or that is of an earlier
  // day, is rotated first.
  Result<Written> write(std::span<const NewItem> items, const std::string& fact) override;

 private:
  struct Entries {
    std::string text;
    std::size_t count = 0;
    std::size_t first = 0;  // bytes of the first
  };
  std::string entry_of(const NewItem& item) const;
  Entries fitting(std::span<const NewItem> items, std::size_t before) const;

  const std::string name_;
  const std::filesystem::path file_;
  const LogSettings settings_;  // daily: of the process's time zone
  const std::string title_;
  const HookFormat format_;
};

}  // namespace b24
