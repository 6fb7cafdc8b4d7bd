// data_dir: see data_dir.h.
#include "keep/data_dir.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

bool is_inside(const fs::path& path, const fs::path& directory) {
  const auto [rest, unused] =
      std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return rest == directory.end();
}

std::unexpected<Error> settings_fault(const char* code, std::string cause, std::string remedy) {
  return std::unexpected(Error{ErrorKind::settings, code, std::move(cause), std::move(remedy)});
}

// Its store says so at the place that SQLite keeps for an application's version.
bool is_of_0_1_0(const fs::path& dir) {
  constexpr std::size_t kVersionEnd = 64;
  const auto head = read_small(dir / "store.db");
  return head && head->size() >= kVersionEnd && head->starts_with("SQLite format 3") &&
         head->substr(kVersionEnd - 4, 4) == std::string("\0\0\0\1", 4);
}

}  // namespace

fs::path real_path(const fs::path& path) {
  std::error_code fault;
  const fs::path absolute = fs::absolute(path, fault);
  fs::path real = fs::weakly_canonical(absolute, fault);
  if (fault) real = absolute;
  real = real.lexically_normal();
  if (!real.has_filename()) real = real.parent_path();  // "dir/"
  return real;
}

Status prepare_data_dir(const fs::path& dir, const std::string& document_root) {
  if (!document_root.empty() && is_inside(real_path(dir), real_path(document_root))) {
    return settings_fault("data_dir_in_web_root",
                          "data.dir: " + dir.string() + " is inside the web root " + document_root,
                          "set dir in section [data] to a directory outside the web root");
  }
  if (auto made = make_private_directory(dir); !made) return made;
  struct stat status {};
  if (::stat(dir.c_str(), &status) != 0)
    return std::unexpected(system_error(ErrorKind::storage, dir.string(), errno));
  if ((status.st_mode & 077) != 0) {
    return settings_fault("data_dir_open",
                          "data.dir: " + dir.string() + " can be entered by other users",
                          "chmod 700 " + dir.string());
  }
  if (is_of_0_1_0(dir)) {
    return settings_fault(
        "data_dir_version",
        "data.dir: " + dir.string() + " is of b24hooks 0.1.0, which this release does not read",
        "set dir in section [data] to a new directory; the old one stays as it is");
  }
  return {};
}

}  // namespace b24
