// curl_library: libcurl, loaded when it is first needed.
#include "portal/curl_library.h"

#include <dlfcn.h>

#include <string>
#include <utility>

namespace b24 {
namespace {

// The first libcurl that has every option used here and writes TLS without raising SIGPIPE.
constexpr unsigned kOldestVersion = 0x075700;

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

std::string last_error() {
  return dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it per thread
}

Error missing(std::string detail) {
  return {ErrorKind::network, "curl_missing", "libcurl cannot be used: " + std::move(detail),
          "install it (Debian: apt install libcurl4), then restart the pages"};
}

Result<Curl> load() {
  void* library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::unexpected(missing(last_error()));
  Curl curl{};
  const bool complete =
      find(library, "curl_global_init", curl.global_init) &&
      find(library, "curl_version_info", curl.version_info) &&
      find(library, "curl_easy_init", curl.easy_init) &&
      find(library, "curl_easy_reset", curl.easy_reset) &&
      find(library, "curl_easy_setopt", curl.easy_setopt) &&
      find(library, "curl_easy_perform", curl.easy_perform) &&
      find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
      find(library, "curl_easy_strerror", curl.easy_strerror) &&
      find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
      find(library, "curl_slist_append", curl.slist_append) &&
      find(library, "curl_slist_free_all", curl.slist_free_all) &&
      find(library, "curl_url", curl.url) && find(library, "curl_url_set", curl.url_set) &&
      find(library, "curl_url_get", curl.url_get) &&
      find(library, "curl_url_cleanup", curl.url_cleanup) && find(library, "curl_free", curl.free);
  if (!complete) return std::unexpected(missing(last_error()));
  const curl_version_info_data& info = *curl.version_info(CURLVERSION_NOW);
  if (info.version_num < kOldestVersion) {
    return std::unexpected(
        missing(std::string("version ") + info.version + " is too old, 7.87 is needed"));
  }
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return std::unexpected(missing("curl_global_init failed"));
  }
  return curl;
}

}  // namespace

const Result<Curl>& curl_library() {
  static const Result<Curl> loaded = load();
  return loaded;
}

}  // namespace b24
