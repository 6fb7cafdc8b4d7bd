// permission: see permission.h.
#include "settings/permission.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

std::string group_name(gid_t id) {
  std::array<char, 4096> buffer{};
  group entry{};
  group* found = nullptr;
  getgrgid_r(id, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(id);
}

// As www-data is the group of www-data: nobody else is in it by accident.
bool is_own_group_of_an_account(gid_t id) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwnam_r(group_name(id).c_str(), &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr && found->pw_gid == id && found->pw_uid != 0;
}

bool is_trusted(gid_t id) {
  return id == getegid() || group_member(id) != 0 ||
         (geteuid() == 0 && is_own_group_of_an_account(id));
}

bool may(const fs::path& path, int what) {
  return faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0;
}

// As one word of a shell.
std::string word(const fs::path& path) {
  std::string text = path.string();
  constexpr std::string_view kMarks = "/._-+,:@%";
  const bool plain = std::ranges::all_of(
      text, [&](unsigned char c) { return std::isalnum(c) != 0 || kMarks.contains(char(c)); });
  if (plain) return text;
  text::replace_all(text, "'", "'\\''");
  return "'" + text + "'";
}

// Below a directory that lets nobody through nothing can be seen, so each one there is opened.
ShellLines lines_to_reach(const fs::path& path) {
  ShellLines lines;
  fs::path above;
  for (const fs::path& part : path.parent_path()) {
    above /= part;
    if (!may(above, X_OK) && errno == EACCES) lines.push_back("chmod a+x " + word(above));
  }
  return lines;
}

bool holds_what_is_not_ours(const fs::path& directory) {
  std::error_code fault;
  for (fs::directory_iterator entry(directory, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    if (!may(entry->path(), R_OK | W_OK)) return true;
  }
  return false;
}

// Such as /var/log: it belongs to somebody else, others use it, and it holds nothing of b24hooks.
bool is_shared(const fs::path& directory, const struct stat& status) {
  std::error_code fault;
  return status.st_uid != geteuid() && is_open_to_others(status) &&
         !fs::is_empty(directory, fault) && !fs::exists(directory / "version", fault);
}

bool is_foreign(const struct stat& status) {
  return geteuid() != 0 && status.st_uid != geteuid();
}

std::string made(const std::string& directory) {
  return "install -d -m 700 -o " + user_name(geteuid()) + " " + directory;
}

}  // namespace

std::string in_one_line(const ShellLines& lines) {
  return text::join(lines, " && ");
}

std::string user_name(uid_t user) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? entry.pw_name : std::to_string(user);
}

bool is_open_to_others(const struct stat& status) {
  const mode_t others = status.st_mode & 077;
  const bool read_by_group = S_ISREG(status.st_mode) && others == S_IRGRP;
  return others != 0 && !(read_by_group && is_trusted(status.st_gid));
}

std::string account_alone(const struct stat& status) {
  const bool is_closed = (status.st_mode & 077) == S_IRGRP;
  return is_closed && !is_trusted(status.st_gid) && is_own_group_of_an_account(status.st_gid)
             ? group_name(status.st_gid)
             : "";
}

ShellLines lines_to_read(const fs::path& file) {
  ShellLines lines = lines_to_reach(file);
  struct stat status {};
  const bool seen = stat(file.c_str(), &status) == 0;
  if (seen && !is_open_to_others(status) && may(file, R_OK)) return {};
  const std::string name = word(file);
  if (seen && geteuid() == 0 && is_own_group_of_an_account(status.st_gid)) {
    lines.push_back("chmod 640 " + name);
  } else if (seen && (geteuid() == 0 || status.st_uid == geteuid())) {
    lines.push_back("chmod 600 " + name);
  } else {
    lines.insert(lines.end(), {"chgrp " + group_name(getegid()) + " " + name, "chmod 640 " + name});
  }
  return lines;
}

ShellLines lines_to_write(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return {};
  if (S_ISDIR(status.st_mode)) return {"mv " + word(file) + " " + word(file) + ".away"};
  if (!is_open_to_others(status) && may(file, W_OK)) return {};
  ShellLines lines;
  if (is_foreign(status)) lines.push_back("chown " + user_name(geteuid()) + " " + word(file));
  lines.push_back("chmod 600 " + word(file));
  return lines;
}

ShellLines lines_to_own(const fs::path& directory, ShellLines setting) {
  ShellLines lines = lines_to_reach(directory);
  const std::string name = word(directory);
  const std::string take = "chown -R " + user_name(geteuid()) + " " + name;
  struct stat status {};
  const bool seen = stat(directory.c_str(), &status) == 0;
  if (seen && !S_ISDIR(status.st_mode)) lines.push_back("mv " + name + " " + name + ".away");
  if (!seen || !S_ISDIR(status.st_mode)) {
    lines.push_back(made(name));
  } else if (is_shared(directory, status)) {
    setting.back() += (directory / "b24hooks").string();
    lines.push_back(made(word(directory / "b24hooks")));
    lines.insert(lines.end(), setting.begin(), setting.end());
  } else if (is_foreign(status)) {
    lines.insert(lines.end(), {take, "chmod 700 " + name});
  } else if (is_open_to_others(status) || !may(directory, R_OK | W_OK | X_OK)) {
    lines.push_back("chmod 700 " + name);
  } else if (holds_what_is_not_ours(directory)) {
    lines.insert(lines.end(), {take, "chmod -R u+rwX " + name});
  }
  return lines;
}

}  // namespace b24
