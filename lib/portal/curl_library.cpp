// curl_library: libcurl, within the program or loaded when it is first needed.
#include "portal/curl_library.h"

#include <dlfcn.h>

#include <string>
#include <utility>

// A static program has them within; in any other these are null.
#define B24_WEAK(name) extern "C" decltype(curl_##name) curl_##name __attribute__((weak));
B24_CURL_FUNCTIONS(B24_WEAK)
#undef B24_WEAK

namespace b24 {
namespace {

// The first libcurl that has every option used here and writes TLS without raising SIGPIPE.
constexpr unsigned kOldestVersion = 0x075700;

std::string last_error() {
  return dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it per thread
}

Error missing(std::string detail) {
  return {ErrorKind::network, "curl_missing", "libcurl cannot be used: " + std::move(detail),
          "install it (Debian: apt install libcurl4), then restart the pages"};
}

Result<Curl> find() {
  Curl curl{};
#define B24_TAKE(name) curl.name = curl_##name;
  B24_CURL_FUNCTIONS(B24_TAKE)
#undef B24_TAKE
  if (curl.global_init != nullptr) return curl;
  void* library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::unexpected(missing(last_error()));
#define B24_FIND(name)                                                              \
  curl.name = reinterpret_cast<decltype(curl.name)>(dlsym(library, "curl_" #name)); \
  if (curl.name == nullptr) return std::unexpected(missing(last_error()));
  B24_CURL_FUNCTIONS(B24_FIND)
#undef B24_FIND
  return curl;
}

Result<Curl> load() {
  Result<Curl> found = find();
  if (!found) return found;
  const Curl& curl = *found;
  const curl_version_info_data& info = *curl.version_info(CURLVERSION_NOW);
  if (info.version_num < kOldestVersion) {
    return std::unexpected(
        missing(std::string("version ") + info.version + " is too old, 7.87 is needed"));
  }
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return std::unexpected(missing("curl_global_init failed"));
  }
  return found;
}

}  // namespace

const Result<Curl>& curl_library() {
  static const Result<Curl> loaded = load();
  return loaded;
}

}  // namespace b24
