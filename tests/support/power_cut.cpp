// power_cut: see power_cut.h.
#include "power_cut.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>

#include "base/text.h"
#include "process.h"

namespace b24::test {

namespace {

namespace fs = std::filesystem;
using Kind = DiskCall::Kind;

constexpr std::size_t kSector = 512;

// --- Traces

std::string without_hex(std::string_view line) {
  std::string plain;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line.substr(i).starts_with("\\x")) {
      plain += static_cast<char>(std::stoi(std::string(line.substr(i + 2, 2)), nullptr, 16));
      i += 3;
    } else {
      plain += line[i];
    }
  }
  return plain;
}

// The parts of a line of strace -y -xx: what stands in <> and "", and the numbers behind.
struct Line {
  std::string call, file, result_file;
  std::vector<std::string> texts;
  std::string rest;  // behind the last text
  bool failed = false;

  explicit Line(std::string_view line) {
    const std::size_t bracket = std::min(line.find('('), line.size());
    call = line.substr(0, bracket);
    const std::size_t result = line.rfind(" = ");
    if (result == line.npos) return;
    failed = line.substr(result).starts_with(" = -1");
    file = between(line.substr(bracket, result - bracket), '<', '>');
    result_file = between(line.substr(result), '<', '>');
    rest = line.substr(0, result);
    while (rest.contains('"')) {
      const std::size_t begin = rest.find('"') + 1, end = rest.find('"', begin);
      texts.push_back(without_hex(std::string_view(rest).substr(begin, end - begin)));
      rest.erase(0, end + 1);
    }
  }
  static std::string between(std::string_view text, char open, char close) {
    const std::size_t begin = text.find(open);
    const std::size_t end = text.find(close, std::min(begin, text.size()));
    return end == text.npos ? "" : without_hex(text.substr(begin + 1, end - begin - 1));
  }
  // Of "..., SIZE, OFFSET)" or "..., LENGTH)".
  std::uint64_t last_number() const { return std::stoull(rest.substr(rest.rfind(',') + 2)); }
};

// --- The disk

struct File {
  struct Change {
    bool is_cut = false;
    std::uint64_t offset = 0;
    std::string bytes;
  };
  bool is_directory = false;
  std::string safe;
  std::vector<Change> pending;

  static void change(std::string& text, const Change& change) {
    if (change.is_cut) return text.resize(change.offset);
    text.resize(std::max<std::size_t>(text.size(), change.offset + change.bytes.size()));
    text.replace(change.offset, change.bytes.size(), change.bytes);
  }
  void sync() {
    for (const Change& each : pending) change(safe, each);
    pending.clear();
  }
};
using FilePtr = std::shared_ptr<File>;
using Names = std::map<std::string, FilePtr>;
// What happens to names at once; a null pointer takes the name away.
using NameChange = std::vector<std::pair<std::string, FilePtr>>;

class Disk {
 public:
  void run(const DiskCall& call) {
    switch (call.kind) {
      case Kind::make_file:
      case Kind::make_directory:
        if (!live_.contains(call.path)) make(call);
        break;
      case Kind::remove:
        name({{call.path, nullptr}});
        break;
      case Kind::rename:
        name({{call.path, nullptr}, {call.to, live_.at(call.path)}});
        break;
      case Kind::write:
      case Kind::cut:
        if (const auto file = live_.find(call.path); file != live_.end())
          file->second->pending.push_back({call.kind == Kind::cut, call.offset, call.bytes});
        break;
      case Kind::sync:
        sync(call.path);
        break;
      case Kind::call:
      case Kind::answer:
        break;
    }
  }

  void lose_power(std::mt19937& random, const fs::path& directory) {
    for (auto& [parent, changes] : renamings_) {
      changes.resize(random() % (changes.size() + 1));
      settle(changes);
    }
    for (const auto& [path, file] : safe_) {  // a directory comes before what is in it
      const fs::path place = directory / path;
      if (!fs::exists(place.parent_path())) continue;
      if (file->is_directory) {
        fs::create_directory(place);
        fs::permissions(place, fs::perms::owner_all);
      } else {
        write_file(place, left_of(*file, random));
      }
    }
  }

 private:
  static std::string parent_of(const std::string& path) {
    return fs::path(path).parent_path().string();
  }
  void make(const DiskCall& call) {
    auto file = std::make_shared<File>();
    file->is_directory = call.kind == Kind::make_directory;
    name({{call.path, std::move(file)}});
  }
  void name(const NameChange& change) {
    apply(live_, change);
    renamings_[parent_of(change.back().first)].push_back(change);
  }
  static void apply(Names& names, const NameChange& change) {
    for (const auto& [path, file] : change) {
      names.erase(path);
      if (file) names[path] = file;
    }
  }
  void settle(std::vector<NameChange>& changes) {
    for (const NameChange& change : changes) apply(safe_, change);
    changes.clear();
  }
  void sync(const std::string& path) {
    const auto file = live_.find(path);
    if (path.empty() || (file != live_.end() && file->second->is_directory))
      settle(renamings_[path]);
    else if (file != live_.end())
      file->second->sync();
  }
  static std::string left_of(const File& file, std::mt19937& random) {
    std::string left = file.safe;
    const auto how = random() % 4;  // nothing, all, or some of what was not synced
    for (const File::Change& change : file.pending) {
      if (how == 0 || (how > 1 && random() % 2 == 0)) continue;
      if (change.is_cut || how == 1 || random() % 2 == 0) {
        File::change(left, change);
        continue;
      }
      for (std::size_t at = 0, size = 0; at < change.bytes.size(); at += size) {
        size = std::min(kSector - (change.offset + at) % kSector, change.bytes.size() - at);
        if (random() % 2 == 0)
          File::change(left, {false, change.offset + at, change.bytes.substr(at, size)});
      }
    }
    return left;
  }

  Names live_, safe_;
  std::map<std::string, std::vector<NameChange>> renamings_;  // not safe yet; by directory
};

// Below the directory: the path from there; nothing for any other.
std::optional<std::string> below(const std::string& path, const fs::path& directory) {
  if (path == directory) return "";
  const std::string prefix = directory.string() + "/";
  if (!path.starts_with(prefix)) return std::nullopt;
  return path.substr(prefix.size());
}

std::optional<DiskCall> call_of(const Line& line, const fs::path& directory) {
  if (line.call == "connect" && line.file.starts_with("TCP")) return DiskCall{Kind::call};
  if (line.failed || line.call == "connect") return std::nullopt;
  if (line.call == "write" && !line.texts.empty() && line.texts[0].starts_with("Status: 200"))
    return DiskCall{Kind::answer};
  const bool by_name = line.call != "openat" && line.file.empty() && !line.texts.empty();
  const std::string& named = by_name ? line.texts[0] : line.file;
  const auto path = below(line.call == "openat" ? line.result_file : named, directory);
  if (!path) return std::nullopt;
  if (line.call == "openat") {
    if (line.rest.contains("O_TRUNC")) throw std::logic_error("power_cut: O_TRUNC");
    if (!line.rest.contains("O_CREAT")) return std::nullopt;
    return DiskCall{Kind::make_file, *path};
  }
  if (line.call == "mkdir") return DiskCall{Kind::make_directory, *path};
  if (line.call == "unlink") return DiskCall{Kind::remove, *path};
  if (line.call == "rename")
    return DiskCall{Kind::rename, *path, *below(line.texts.at(1), directory)};
  if (line.call == "ftruncate") return DiskCall{Kind::cut, *path, {}, line.last_number()};
  if (line.call == "fsync" || line.call == "fdatasync") return DiskCall{Kind::sync, *path};
  if (line.call != "pwrite64") throw std::logic_error("power_cut: " + line.call);
  return DiskCall{Kind::write, *path, {}, line.last_number(), line.texts.at(0)};
}

}  // namespace

std::vector<std::string> traced(const fs::path& trace) {
  const char* const calls =
      "trace=openat,mkdir,unlink,rename,pwrite64,ftruncate,fsync,fdatasync,write,writev,pwritev,"
      "pwritev2,open,creat,truncate,fallocate,mkdirat,unlinkat,renameat,renameat2,link,linkat,"
      "symlink,rmdir,copy_file_range,sendfile,sync_file_range,connect";
  return {"strace", "-qq",      "-ff", "-ttt",         "-yy", "-xx",
          "-s",     "16777216", "-o",  trace.string(), "-e",  calls};
}

std::vector<DiskCall> read_trace(const fs::path& trace, const fs::path& directory) {
  std::multimap<std::string, std::string> lines;  // by the time at which they begin
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(trace.parent_path()))
    if (entry.path().stem() == trace.filename()) files.push_back(entry.path());
  for (const fs::path& file : files) {
    for (const std::string& line : text::split(read_file(file), "\n"))
      if (const std::size_t blank = line.find(' '); blank != line.npos)
        lines.emplace(line.substr(0, blank), line.substr(blank + 1));
    fs::remove(file);
  }
  std::vector<DiskCall> calls;
  for (const auto& [time, text] : lines)
    if (auto call = call_of(Line(text), directory)) calls.push_back(*std::move(call));
  return calls;
}

void cut_power(const std::vector<DiskCall>& calls, std::size_t count, std::mt19937& random,
               const fs::path& directory) {
  Disk disk;
  for (std::size_t i = 0; i < count; ++i) disk.run(calls[i]);
  disk.lose_power(random, directory);
}

}  // namespace b24::test
