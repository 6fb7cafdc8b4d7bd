// clock: the system's time, and how it is written.
#include "base/clock.h"

#include <array>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <mutex>

#include "base/files.h"
#include "base/text.h"

namespace b24 {
namespace {

// Rounds towards the past, also before 1970.
std::time_t seconds(Millis at) {
  return (at >= 0 ? at : at - (kSecond - 1)) / kSecond;
}

std::string formatted(const char* format, const std::tm& time) {
  std::array<char, 64> buffer;
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &time)};
}

}  // namespace

Millis now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Millis steady_ms() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return Millis{time.tv_sec} * kSecond + time.tv_nsec / 1'000'000;
}

bool sleep_for(Millis time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, std::chrono::milliseconds(time), [] { return false; });
  return !stop.stop_requested();
}

std::string boot_id() {
  static const std::string id(
      text::trim(read_file("/proc/sys/kernel/random/boot_id", 64).value_or("-")));
  return id;
}

std::string php_date(Millis at) {
  const std::time_t whole = seconds(at);
  std::tm time{};
  localtime_r(&whole, &time);
  return formatted("%Y.%m.%d ", time) + std::to_string(time.tm_hour) + formatted(":%M:%S", time);
}

std::string iso_time(Millis at) {
  const std::time_t whole = seconds(at);
  std::tm time{};
  gmtime_r(&whole, &time);
  const std::string fraction = std::to_string(kSecond + (at - whole * kSecond)).substr(1);
  return formatted("%Y-%m-%dT%H:%M:%S.", time) + fraction + "Z";
}

std::optional<Millis> read_time(std::string_view text, Zone unsaid) {
  const std::string whole(text);
  std::tm parts{};
  const char* rest = strptime(whole.c_str(), "%Y-%m-%d", &parts);
  if (rest != nullptr && *rest == 'T') rest = strptime(rest, "T%H:%M", &parts);
  if (rest != nullptr && *rest == ':') rest = strptime(rest, ":%S", &parts);
  if (rest == nullptr) return std::nullopt;
  double fraction = 0;
  if (*rest == '.')
    rest =
        std::from_chars(rest, whole.data() + whole.size(), fraction, std::chars_format::fixed).ptr;
  const int day = parts.tm_mday;
  const bool is_said = *rest != '\0';
  if (is_said) rest = std::strchr("Z+-", *rest) == nullptr ? nullptr : strptime(rest, "%z", &parts);
  if (rest == nullptr || rest != whole.c_str() + whole.size()) return std::nullopt;
  if (!is_said && unsaid == Zone::must_be_said) return std::nullopt;
  const long offset = is_said ? parts.tm_gmtoff : 0;
  parts.tm_isdst = -1;
  const std::time_t time = !is_said && unsaid == Zone::local ? mktime(&parts) : timegm(&parts);
  if (parts.tm_mday != day) return std::nullopt;  // the month has no such day
  return (Millis{time} - offset) * kSecond + static_cast<Millis>(fraction * kSecond);
}

std::optional<Millis> read_since(std::string_view text, Zone unsaid, Millis now) {
  constexpr std::pair<char, Millis> kUnits[] = {
      {'s', kSecond}, {'m', kMinute}, {'h', kHour}, {'d', kDay}};
  Millis count = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (fault != std::errc() || end + 1 != text.data() + text.size()) return read_time(text, unsaid);
  for (const auto& [unit, length] : kUnits) {
    if (*end == unit && count >= 0 && count < 100'000) return now - count * length;
  }
  return std::nullopt;
}

Millis last_midnight(Millis at) {
  const std::time_t whole = seconds(at);
  std::tm parts{};
  localtime_r(&whole, &parts);
  parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
  parts.tm_isdst = -1;
  return Millis{std::mktime(&parts)} * kSecond;
}

}  // namespace b24
