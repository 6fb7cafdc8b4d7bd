// settings_fuzz: any settings file is read, or refused by an error of one clean line.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "settings/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A file in memory, so that the disk is left alone.
  static const int file = memfd_create("settings", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (fchmod(file, 0600) != 0 || ftruncate(file, 0) != 0) std::abort();
  if (pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const char* const no_environment[] = {nullptr};
  const b24::Result<b24::Settings> settings = b24::load_settings(path, no_environment);
  if (settings) return 0;
  const b24::Error& error = settings.error();
  const bool clean = std::ranges::none_of(error.cause + error.remedy,
                                          [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (error.kind != b24::ErrorKind::settings || error.code.empty() || error.cause.empty() ||
      error.remedy.empty() || !clean) {
    std::abort();
  }
  return 0;
}
