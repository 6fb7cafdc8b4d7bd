// power_cut: what a disk may hold when the power goes, told from the system calls of programs.
//
// A write is safe once its file is synced, a name once its directory is. Of all else some is there
// and some is not, in any order, and a write may be torn between its sectors of 512 bytes. Names of
// one directory survive in their order, as journals of file systems keep them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace b24::test {

struct DiskCall {
  enum class Kind { make_file, make_directory, remove, rename, write, cut, sync, call, answer };
  Kind kind = Kind::answer;  // a page said 200; call: a connection to a portal was begun
  std::string path = {};     // below the directory that is looked at
  std::string to = {};       // rename
  std::uint64_t offset = 0;  // write; cut: the file's new length
  std::string bytes = {};
};

// The command to run a program under, which writes what it calls to files TRACE.THREAD; and those
// of the calls that are about `directory`, a portal or an answer, in their order. The files are
// removed. Throws std::logic_error at a call that it does not know.
std::vector<std::string> traced(const std::filesystem::path& trace);
std::vector<DiskCall> read_trace(const std::filesystem::path& trace,
                                 const std::filesystem::path& directory);

// Puts into `directory`, which is empty, what may be left when the power goes after the first
// `count` calls.
void cut_power(const std::vector<DiskCall>& calls, std::size_t count, std::mt19937& random,
               const std::filesystem::path& directory);

}  // namespace b24::test
