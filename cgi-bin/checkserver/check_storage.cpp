// check_storage: checks of the data directory, the disk, the store and the log files.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>

#include "base/files.h"
#include "base/secret.h"
#include "check_seen.h"
#include "keep/store_schema.h"

namespace b24::check {
namespace {

constexpr double kMega = 1 << 20;
constexpr double kFewBytes = 200 * kMega;    // warning
constexpr double kTooFewBytes = 20 * kMega;  // error
constexpr double kFewInodes = 2'000;
constexpr double kSlowWrite = 200;  // milliseconds; a healthy disk takes 1 to 20

// A server without a web root may say "/".
bool is_in_web_root(const std::filesystem::path& path, const std::string& root) {
  return !root.empty() && !path.empty() && real_path(root) != "/" && is_inside(path, root);
}

PathSeen look_at_path(const std::filesystem::path& path, const std::string& document_root,
                      ShellLines cure) {
  PathSeen seen;
  seen.path = path;
  seen.in_document_root = is_in_web_root(path, document_root);
  seen.cure = std::move(cure);
  struct stat status {};
  if (path.empty() || stat(path.c_str(), &status) != 0) return seen;
  seen.exists = true;
  seen.is_directory = S_ISDIR(status.st_mode);
  seen.open_to_others = is_open_to_others(status);
  seen.owner = user_name(status.st_uid);
  seen.size = static_cast<std::uintmax_t>(status.st_size);
  seen.writable = faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
  return seen;
}

// A synced write of one block to a file that is gone afterwards.
std::optional<Error> try_to_write(const std::filesystem::path& dir, double& took_ms) {
  const std::filesystem::path file = dir / (".check-" + secret::new_id());
  const auto made = open_private(file);
  if (!made) return made.error();
  const auto begun = std::chrono::steady_clock::now();
  Status done = write_at(*made, file, std::string(4096, 'b'), 0);
  if (done) done = sync_file(*made, file);
  took_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  unlink(file.c_str());
  return done ? std::nullopt : std::optional(done.error());
}

void look_at_space(const std::filesystem::path& dir, StorageSeen& seen) {
  struct statvfs status {};
  if (statvfs(dir.c_str(), &status) != 0) return;
  seen.space_known = status.f_blocks > 0;  // 0: not a disk
  seen.free_bytes = static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize);
  seen.total_bytes = static_cast<double>(status.f_blocks) * static_cast<double>(status.f_frsize);
  seen.free_inodes = static_cast<double>(status.f_favail);
  seen.total_inodes = static_cast<double>(status.f_files);
}

Value path_facts(const PathSeen& path) {
  return Value::map({{"path", path.path.string()}, {"owner", path.owner}});
}

std::int64_t megabytes(double bytes) {
  return static_cast<std::int64_t>(bytes / kMega);
}

Finding judge_data_dir(const Seen& seen) {
  const PathSeen& dir = seen.storage->data_dir;
  if (!dir.exists) return error("missing", path_facts(dir), dir.cure);
  if (!dir.is_directory) return error("no_directory", path_facts(dir));
  if (dir.in_document_root) {
    return error("in_web_root", path_facts(dir), {"[data]", "dir = /var/lib/b24hooks"});
  }
  if (dir.open_to_others) return error("open", path_facts(dir), dir.cure);
  return ok("private", path_facts(dir));
}

Finding judge_write(const Seen& seen) {
  const StorageSeen& storage = *seen.storage;
  if (storage.write_error)
    return failed("failed", *storage.write_error, State::error,
                  Value::map({{"user", seen.programs.user}}), storage.data_dir.cure);
  const Value facts = Value::map({{"ms", std::round(storage.write_ms * 10) / 10}});
  return measured(storage.write_ms > kSlowWrite ? warning("slow", facts) : ok("written", facts),
                  {{"synced_write_seconds", storage.write_ms / 1000}});
}

Finding judge_space(const Seen& seen) {
  const StorageSeen& s = *seen.storage;
  if (!s.space_known) return info("unknown");
  const bool few_inodes = s.total_inodes > 0 && s.free_inodes < kFewInodes;
  State state = State::ok;
  if (s.free_bytes < kFewBytes || few_inodes) state = State::warning;
  if (s.free_bytes < kTooFewBytes || (few_inodes && s.free_inodes < 1)) state = State::error;
  const Value facts = Value::map({{"free", megabytes(s.free_bytes)},
                                  {"total", megabytes(s.total_bytes)},
                                  {"inodes", static_cast<std::int64_t>(s.free_inodes)}});
  return measured(found(state, state == State::ok ? "enough" : "little", facts),
                  {{"disk_free_bytes", s.free_bytes}, {"disk_free_inodes", s.free_inodes}});
}

Finding judge_store(const Seen& seen) {
  if (seen.subject->store_error)
    return failed("closed", *seen.subject->store_error, State::error, {},
                  seen.storage ? seen.storage->data_dir.cure : Lines());
  if (!seen.store) return error("late");
  if (seen.store->error) return failed("unanswered", *seen.store->error);
  if (!seen.subject->settings->data.store.empty()) return {};  // the check "database" says more
  return ok("open", Value::map({{"file", (seen.subject->store->dir() / "store.db").string()},
                                {"version", kSchemaVersion}}));
}

Finding judge_store_sound(const Seen& seen) {
  const std::string file = (seen.subject->store->dir() / "store.db").string();
  if (!seen.store->sound) return info("takes_long", Value::map({{"file", file}}));
  const Result<std::string>& found = *seen.store->sound;
  if (!found) return failed("unanswered", found.error());
  if (*found == "ok") return ok("sound");
  return {.state = State::error,
          .name = "damaged",
          .cause = *found,
          .paste = {command(seen, "handler.fcgi --rebuild")}};
}

Finding judge_journal(const Seen& seen) {
  return seen.store->wal ? ok("wal") : warning("rollback");
}

Finding judge_logs_dir(const Seen& seen) {
  const PathSeen& dir = seen.storage->logs_dir;
  if (!dir.exists || !dir.is_directory || !dir.writable) {
    return error("unwritable", path_facts(dir), dir.cure);
  }
  if (dir.in_document_root) return error("in_web_root", path_facts(dir));
  return ok("writable", path_facts(dir));
}

Finding judge_log(const PathSeen& file, const PathSeen& dir, const Settings& settings) {
  Value facts = path_facts(file);
  facts.set("size", megabytes(static_cast<double>(file.size)));
  if (file.exists ? !file.writable || file.is_directory : !dir.writable) {
    return error("unwritable", facts, file.cure);
  }
  if (file.exists && file.open_to_others) return warning("open", facts, file.cure);
  if (settings.log.max_size > 0 && file.size > 2 * settings.log.max_size) {
    return warning("big", facts);
  }
  return ok("writable", facts);
}

Finding judge_log_file(const Seen& seen) {
  if (seen.subject->settings->crest.block_log) return info("blocked");
  return judge_log(seen.storage->log_file, seen.storage->logs_dir, *seen.subject->settings);
}

Finding judge_hook_log(const Seen& seen) {
  return judge_log(seen.storage->hook_log, seen.storage->data_dir, *seen.subject->settings);
}

}  // namespace

std::span<const Check> storage_checks() {
  static constexpr Check kChecks[] = {
      {"data_dir", Group::storage, "", judge_data_dir, Needs::storage},
      {"write", Group::storage, "setting_creat_error", judge_write, Needs::storage},
      {"space", Group::storage, "", judge_space, Needs::storage},
      {"store", Group::storage, "", judge_store},
      {"store_sound", Group::storage, "", judge_store_sound, Needs::file},
      {"journal", Group::storage, "", judge_journal, Needs::file},
      {"logs_dir", Group::storage, "logs_folder_creat_error", judge_logs_dir, Needs::storage},
      {"log_file", Group::storage, "logs_file_creat_error", judge_log_file, Needs::storage},
      {"hook_log", Group::storage, "", judge_hook_log, Needs::storage},
  };
  return kChecks;
}

StorageSeen look_at_storage(const Subject& subject) {
  StorageSeen seen;
  // Where the settings allow it, what lies in the web root is no fault: the files are asked for
  // (leaks).
  const bool may_be_inside = subject.settings && subject.settings->data.in_web_root;
  const std::string root = may_be_inside ? "" : subject.place.document_root;
  const std::filesystem::path& file = subject.place.settings_file;
  seen.settings_file = look_at_path(file, root, lines_to_read(file));
  if (!subject.settings) return seen;
  const Settings& settings = *subject.settings;
  const std::filesystem::path& dir = settings.data.dir;
  const std::filesystem::path log = Log::file_of(settings), logs = log.parent_path();
  const auto look_at_log = [&](const std::filesystem::path& path, const PathSeen& in) {
    return look_at_path(path, root, in.writable ? lines_to_write(path) : in.cure);
  };
  seen.data_dir = look_at_path(dir, root, lines_to_own(dir, kDataSetting));
  seen.logs_dir = look_at_path(logs, root, lines_to_own(logs, {"C_REST_LOGS_DIR = "}));
  seen.log_file = look_at_log(log, seen.logs_dir);
  seen.hook_log = look_at_log(dir / "hook.log", seen.data_dir);
  seen.write_error = try_to_write(dir, seen.write_ms);
  look_at_space(dir, seen);
  return seen;
}

}  // namespace b24::check
