// log: the structured log: one JSON object a line, for calls, refusals and errors; secrets masked.
#include "settings/log.h"

#include <unistd.h>

#include <cerrno>

#include "base/append_file.h"
#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"
#include "value/json.h"
#include "value/mask.h"
#include "value/php.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kLongestText = 2000;  // of one field

constexpr const char* kLevels[] = {"info", "warning", "error"};

// Masked in names and in running text; bounded.
Value for_line(const Value& value) {
  if (value.is_string()) {
    // Masked before it is cut, since half a URL may no longer look like one.
    std::string text = secret::mask(value.string());
    if (text.size() > kLongestText) {
      text.resize(kLongestText);
      text += "...";
    }
    return text;
  }
  if (!value.is_array()) return value;
  Value result = Value::array();
  for (const Value::Member& member : value.members())
    result.set(member.key, for_line(member.value));
  return result;
}

// As a terminal shows it, print_r's text must not hold what could forge a line or steer it.
Value for_dump(const Value& value) {
  if (value.is_string()) return text::for_log(value.string(), kLongestText + 8);
  if (!value.is_array()) return value;
  Value result = Value::array();
  for (const Value::Member& member : value.members()) {
    const Key key =
        member.key.is_integer() ? member.key : Key(text::for_log(member.key.text(), 200));
    result.set(key, for_dump(member.value));
  }
  return result;
}

// JSON leaves DEL, the C1 controls and U+2028/2029 as they are; to a terminal or a log reader they
// are controls and line breaks. All of them stand inside strings, where \u is allowed.
std::string escape_controls(std::string_view json) {
  std::string result;
  result.reserve(json.size());
  const auto byte = [&](std::size_t at) {
    return at < json.size() ? static_cast<unsigned char>(json[at]) : 0;
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (byte(i) == 0x7f) {
      result += "\\u007f";
    } else if (byte(i) == 0xc2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xa0) {
      result += "\\u00" + secret::hex(json.substr(++i, 1));
    } else if (byte(i) == 0xe2 && byte(i + 1) == 0x80 && (byte(i + 2) | 1) == 0xa9) {
      result += byte(i + 2) == 0xa8 ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      result += json[i];
    }
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

// How many lines of one `what` were written in this minute.
struct Log::Bound {
  Millis minute = 0;
  int written = 0;
  std::int64_t left_out = 0;
};

Log::Log(const Settings& settings, std::string page, Clock clock)
    : page_(std::move(page)),
      file_((settings.crest.logs_dir.empty() ? settings.data.dir
                                             : fs::path(settings.crest.logs_dir)) /
            "b24hooks.log"),
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
  const Value masked = for_line(secret::mask(fields));
  for (const Value::Member& member : masked.members())
    if (!line.find(member.key)) line.set(member.key, member.value);
  const std::string entry = dump_ ? php_date(now) + "\n" + php::print_r(for_dump(line)) + "\n"
                                  : escape_controls(json::print(line)) + "\n";
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

void Log::write_bounded(Level level, std::string_view what, const Value& fields, int per_minute) {
  Value with_count = fields;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Bound>& bound = bounds_[std::string(what)];
    if (!bound) bound = std::make_shared<Bound>();
    const Millis minute = clock_() / kMinute;
    if (bound->minute != minute) {
      bound->minute = minute;
      bound->written = 0;
    }
    if (bound->written >= per_minute) {
      ++bound->left_out;
      return;
    }
    ++bound->written;
    if (bound->left_out > 0) with_count.set("left_out", bound->left_out);
    bound->left_out = 0;
  }
  write(level, what, with_count);
}

void complain(std::string_view page, const Error& error) {
  std::string line = error.cause;
  if (!error.remedy.empty()) line += ". " + error.remedy;
  line = text::for_log(secret::mask(line), 2000);
  to_stderr("b24hooks " + std::string(page) + ": " + line + "\n");
}

}  // namespace b24
