// permission: who may do what with a file, and the shell lines that change it.
//
// The lines are computed from the user and the groups that this process runs as and from the owner,
// group and mode of what is there. Run by root (the owner is enough where they only say chmod),
// they make the check that asked for them pass. None: all is well, or permissions are not the
// trouble.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

namespace b24 {

using ShellLines = std::vector<std::string>;
std::string in_one_line(const ShellLines& lines);  // "chgrp ... && chmod ..."

std::string user_name(uid_t user);  // or its number

// Whether others than the owner may do anything with it. That a group reads a file is as it should
// be when this process is in it, or when root looks at what one account's own group reads.
bool is_open_to_others(const struct stat& status);

// The account whose own group reads a file that is closed to all others but its owner, when this
// process is not in it; else empty.
std::string account_alone(const struct stat& status);

// For a file that this process reads and nobody else does; for one that is not there yet, too.
ShellLines lines_to_read(const std::filesystem::path& file);
// For a file that this process writes, in a directory that it may write to.
ShellLines lines_to_write(const std::filesystem::path& file);
// For a directory that is this process's own, with all in it. In the place of one that is somebody
// else's (/var/log), one below it: then `setting`, what the settings say before the path, is a part
// of the lines.
ShellLines lines_to_own(const std::filesystem::path& directory, ShellLines setting);
inline const ShellLines kDataSetting = {"[data]", "dir = "};

}  // namespace b24
