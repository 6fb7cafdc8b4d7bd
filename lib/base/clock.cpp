// clock: the system's time, and how it is written.
#include "base/clock.h"

#include <array>
#include <chrono>
#include <ctime>

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

}  // namespace b24
