// data_dir: see data_dir.h.
#include "keep/data_dir.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/files.h"
#include "base/text.h"
#include "settings/permission.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

constexpr Millis kLongestRest = kMinute;  // what a killed process left is found by then

std::unexpected<Error> settings_fault(const char* code, std::string cause, std::string remedy) {
  return std::unexpected(Error{ErrorKind::settings, code, std::move(cause), std::move(remedy)});
}

// Written before anything else; 0.1.0 had none. (The store itself is not looked into: closing a
// file drops the locks that SQLite has on it.)
Status check_version(const fs::path& dir) {
  constexpr std::string_view kVersion = "b24hooks data 2\n";
  const fs::path file = dir / "version";
  const auto version = read_file(file, 64);
  if (version == kVersion) return {};
  if (!version && errno != ENOENT)
    return std::unexpected(system_error(ErrorKind::storage, file.string(), errno));
  std::error_code fault;
  if (version ? !version->empty() : fs::exists(dir / "store.db", fault)) {
    return settings_fault(
        "data_dir_version",
        "data.dir: " + dir.string() + " is of " +
            (version ? "another release of b24hooks: " + text::for_log(*version, 40)
                     : "b24hooks 0.1.0") +
            "; this release does not read it",
        "set dir in section [data] to a new directory; the old one stays as it is");
  }
  auto made = open_private(file);
  if (!made) return std::unexpected(made.error());
  if (auto written = write_at(*made, file, kVersion, 0); !written) return written;
  if (auto synced = sync_file(*made, file); !synced) return synced;
  return sync_directory(dir);
}

}  // namespace

Status prepare_data_dir(const fs::path& dir, const std::string& document_root) {
  if (!document_root.empty() && is_inside(dir, document_root)) {
    return settings_fault("data_dir_in_web_root",
                          "data.dir: " + dir.string() + " is inside the web root " + document_root,
                          "set dir in section [data] to a directory outside the web root");
  }
  if (auto made = make_private_directory(dir); !made) return made;
  struct stat status {};
  if (::stat(dir.c_str(), &status) != 0)
    return std::unexpected(system_error(ErrorKind::storage, dir.string(), errno));
  if (is_open_to_others(status)) {
    return settings_fault("data_dir_open",
                          "data.dir: " + dir.string() + " can be entered by other users",
                          in_one_line(lines_to_own(dir, kDataSetting)));
  }
  return check_version(dir);
}

fs::path rest_file(const fs::path& dir, std::string_view kind) {
  return dir / (std::string(kind) + ".rest");
}

// One that ends far ahead was made before the clock was set back.
bool is_at_rest(const fs::path& rest) {
  const Millis end = last_write(rest), now = now_ms();
  return now < end && end <= now + kLongestRest;
}

void set_rest(const FileHandle& rest, Millis time) {
  const Millis end = now_ms() + std::min(time, kLongestRest);
  const timespec at{.tv_sec = end / 1000, .tv_nsec = end % 1000 * 1'000'000};
  const timespec times[] = {at, at};
  futimens(rest.get(), times);
}

}  // namespace b24
