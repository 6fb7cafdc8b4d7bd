// error: names of failures and the one place where errno becomes an Error.
#include "base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace b24 {
namespace {

struct Remedy {
  int number;
  const char* text;
};

constexpr std::array kRemedies = {
    Remedy{EACCES, "Let the account that this program runs as read and write there."},
    Remedy{EPERM, "Let the account that this program runs as own this file or directory."},
    Remedy{ENOSPC, "The disk is full: free space, or name a [data] dir on another disk."},
    Remedy{EDQUOT, "The disk quota is used up: free space, or ask the host for more."},
    Remedy{EROFS,
           "The disk is mounted read-only: mount it for writing, or name another [data] dir."},
    Remedy{ENOENT, "Create the missing file or directory, or correct its path in the settings."},
    Remedy{ENOTDIR, "A part of the path is a file: correct the path in the settings."},
    Remedy{EMFILE, "Too many open files: raise the limit of open files (ulimit -n)."},
    Remedy{ENFILE, "The machine has too many open files: raise fs.file-max."},
};

}  // namespace

const char* name(ErrorKind kind) {
  constexpr std::array kNames = {"settings", "storage", "network", "portal", "input"};
  return kNames[static_cast<std::size_t>(kind)];
}

Error system_error(ErrorKind kind, const std::string& context, int number) {
  // std::generic_category and not strerror, which threads would share a buffer of.
  Error error{kind, "system_" + std::to_string(number),
              context + ": " + std::generic_category().message(number), ""};
  const auto found = std::ranges::find(kRemedies, number, &Remedy::number);
  if (found != kRemedies.end()) error.remedy = found->text;
  return error;
}

}  // namespace b24
