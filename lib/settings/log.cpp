// log: see log.h.
#include "settings/log.h"

#include <unistd.h>

#include <utility>

#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"
#include "value/json.h"
#include "value/php.h"
#include "value/value.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kLongestText = 2000;  // of one field

constexpr const char* kLevels[] = {"info", "warning", "error"};

// Masked in names and in running text; bounded. As a terminal shows it, print_r's text must not
// hold what could forge a line or steer it.
Value for_line(const Value& value, bool dump) {
  if (value.is_string()) {
    // Masked before it is cut, since half a URL may no longer look like one.
    std::string text = secret::mask(value.string());
    if (dump) return text::for_log(text, kLongestText);
    if (text.size() > kLongestText) text.replace(kLongestText, text.npos, "...");
    return text;
  }
  if (!value.is_array()) return value;
  Value result = Value::array();
  for (const Value::Member& member : value.members()) {
    const Key key = dump ? Key(text::for_log(member.key.text(), 200)) : member.key;
    result.set(key, for_line(member.value, dump));
  }
  return result;
}

Value error_fields(const Error& error) {
  return Value::map({{"kind", name(error.kind)},
                     {"code", error.code},
                     {"cause", error.cause},
                     {"remedy", error.remedy}});
}

void to_stderr(const std::string& line) {
  // Nothing can be done about a failure here.
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

}  // namespace

fs::path Log::file_of(const Settings& settings) {
  const std::string& dir = settings.crest.logs_dir;
  return (dir.empty() ? settings.data.dir : fs::path(dir)) / "b24hooks.log";
}

Log::Log(const Settings& settings, std::string page, Clock clock)
    : page_(std::move(page)),
      file_(file_of(settings)),
      blocked_(settings.crest.block_log),
      dump_(settings.crest.log_type_dump),
      max_size_(settings.log.max_size),
      keep_files_(settings.log.keep_files),
      clock_(std::move(clock)) {}

void Log::write(Level level, std::string_view what, const Value& fields) {
  if (blocked_) return;
  const Millis now = clock_();
  Value line = Value::map({{"time", iso_time(now)},
                           {"level", kLevels[static_cast<int>(level)]},
                           {"page", page_},
                           {"what", what}});
  const Value masked = for_line(mask_tree(fields), dump_);
  for (const Value::Member& member : masked.members())
    if (!line.find(member.key)) line.set(member.key, member.value);
  // JSON leaves DEL, the C1 controls and U+2028/2029 as they are; to a terminal or a log reader
  // they are controls and line breaks. All of them stand inside strings, where \u is allowed.
  const std::string entry = dump_ ? php_date(now) + "\n" + php::print_r(line) + "\n"
                                  : text::escape_controls(json::print(line)) + "\n";
  const Rotation rotation{max_size_, keep_files_};
  Status written = append_entry(file_, entry, rotation);
  // Another thread may have made the directory in the meantime: that is as good.
  if (!written && make_private_directory(file_.parent_path()))
    written = append_entry(file_, entry, rotation);
  if (!written) to_stderr("b24hooks " + page_ + ": " + entry);
}

void Log::error(std::string_view what, const Error& error) {
  write(Level::error, what, error_fields(error));
}

void Log::error_bounded(std::string_view what, const Error& error) {
  write_bounded(Level::error, what, error_fields(error));
}

void Log::write_bounded(Level level, std::string_view what, const std::function<Value()>& fields,
                        int per_minute) {
  int left_out = 0;
  {
    const std::lock_guard lock(mutex_);
    Bound& bound = bounds_[std::string(what)];
    const Millis minute = clock_() / kMinute;
    if (std::exchange(bound.minute, minute) != minute) bound.written = 0;
    if (bound.written >= per_minute) {
      ++bound.left_out;
      return;
    }
    ++bound.written;
    left_out = std::exchange(bound.left_out, 0);
  }
  Value with_count = fields();
  if (left_out > 0) with_count.set("left_out", left_out);
  write(level, what, with_count);
}

void complain(std::string_view page, const Error& error) {
  std::string line = error.cause;
  if (!error.remedy.empty()) line += ". " + error.remedy;
  line = text::for_log(secret::mask(line), 2000);
  to_stderr("b24hooks " + std::string(page) + ": " + line + "\n");
}

}  // namespace b24
