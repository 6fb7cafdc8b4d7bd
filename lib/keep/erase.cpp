// erase: see erase.h.
#include "keep/erase.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "keep/journal.h"
#include "settings/log.h"
#include "value/json.h"
#include "value/php.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPartSize = 8 << 20;
constexpr std::string_view kDeleted = R"({"deleted":true})";

// What of a log goes: what is found, with all around it from behind `begin` to before `end`.
struct Trace {
  fs::path log;
  std::string found;
  std::string_view begin = {}, end = {};  // empty: nothing around it
  std::string_view instead = {};          // at its beginning, then blanks
  bool once = false;                      // an equal one is another's
  std::string_view but = {};              // not where this stands, too
};

std::vector<Trace> traces_of(const Settings& settings, const Item& item) {
  const fs::path log = Log::file_of(settings);
  const std::string id = json::print(item.id);
  // Who did what at the desk stays: it says nothing of the item but its id.
  std::vector<Trace> traces = {
      {log, id, "\n", "\n", kDeleted, false, R"("what":"desk")"},
      {log, "=> " + item.id + "\n", "\nArray\n(\n", "\n)\n", "", false, "[what] => desk\n"}};
  if (item.kind == Kind::event) {
    traces.push_back({settings.data.dir / "hook.jsonl", "{\"id\":" + id, "\n", "\n", kDeleted});
    traces.push_back({settings.data.dir / "hook.log", php::print_r(item.payload)});
    traces.back().once = true;
  }
  return traces;
}

// Where in a part of a file, of which the first starts at 0, a trace begins and ends.
struct Span {
  std::size_t begin = std::string::npos, end = std::string::npos;
};
Span span_at(const Trace& trace, std::string_view part, std::size_t at, bool is_first) {
  Span span{at, at + trace.found.size()};
  if (!trace.begin.empty()) {
    const std::size_t before = part.rfind(trace.begin, at);
    if (before == part.npos && !is_first) return {};  // whole in the part before
    span.begin = before == part.npos ? 0 : before + trace.begin.size();
    span.end = part.find(trace.end, span.end - 1);
  }
  return span;
}

std::string blanks_for(std::string_view text, std::string_view instead) {
  std::string blanks(text);
  for (char& c : blanks) c = c == '\n' ? c : ' ';
  return instead.size() <= text.size() ? blanks.replace(0, instead.size(), instead) : blanks;
}

// Whether there was something.
Result<bool> erase_in(const fs::path& name, const Trace& trace) {
  const FileHandle file(::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 && errno == ENOENT) return false;
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return file_failure(name, "open");
  const std::size_t size = std::max(kPartSize, 4 * trace.found.size());
  std::string part;
  bool changed = false;
  for (off_t start = 0; start < status.st_size; start += static_cast<off_t>(size / 2)) {
    part.resize(size);
    const ssize_t got = ::pread(file.get(), part.data(), size, start);
    if (got < 0) return file_failure(name, "read");
    part.resize(static_cast<std::size_t>(got));
    for (std::size_t at = part.find(trace.found); at != part.npos && !(changed && trace.once);
         at = part.find(trace.found, at + 1)) {
      const Span span = span_at(trace, part, at, start == 0);
      if (span.end == part.npos) continue;
      const std::string told = part.substr(span.begin, span.end - span.begin);
      if (!trace.but.empty() && told.contains(trace.but)) continue;
      const std::string blanks = blanks_for(told, trace.instead);
      const auto written = write_at(file, name, blanks, start + static_cast<off_t>(span.begin));
      if (!written) return std::unexpected(written.error());
      part.replace(span.begin, blanks.size(), blanks);
      changed = true;
    }
  }
  if (!changed) return false;
  // It tells up to when events stand in it.
  const timespec times[] = {status.st_atim, status.st_mtim};
  ::futimens(file.get(), times);
  const auto synced = sync_file(file, name);
  return synced ? Result<bool>(true) : std::unexpected(synced.error());
}

// A log and those that it was renamed to.
Status erase_trace(const Trace& trace) {
  std::error_code fault;
  for (const auto& entry : fs::directory_iterator(trace.log.parent_path(), fault)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(trace.log.filename().string()) || !entry.is_regular_file(fault)) continue;
    const auto done = erase_in(entry.path(), trace);
    if (!done) return std::unexpected(done.error());
    if (*done && trace.once) return {};
  }
  return {};
}

}  // namespace

Status erase_item(const Settings& settings, Store& store, const Item& item) {
  const Journal journal(settings.data.dir, "", item.kind);
  // Nothing is taken in or written to the logs of events meanwhile.
  std::optional<FileHandle> alone;
  if (std::error_code fault; fs::is_directory(journal.dir(), fault)) {
    auto locked = open_locked(ingest_lock(journal.dir(), item.kind));
    if (!locked) return std::unexpected(locked.error());
    alone = std::move(*locked);
  }
  return store.erase(item.number, [&]() -> Status {
    if (auto done = journal.erase(item.id); !done) return done;
    for (const Trace& trace : traces_of(settings, item)) {
      if (auto done = erase_trace(trace); !done) return done;
    }
    return {};
  });
}

}  // namespace b24
