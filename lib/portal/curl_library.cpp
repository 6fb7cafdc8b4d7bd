// curl_library: libcurl, within the program or loaded when it is first needed.
#include "portal/curl_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <utility>

#include "settings/settings.h"

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

bool is_hash_link(std::string_view name) {
  constexpr std::size_t kDigits = 8;
  return name.size() > kDigits + 1 && name[kDigits] == '.' &&
         name.substr(0, kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Authorities find_authorities() {
  std::error_code error;
  for (const char* dir : {"/etc/ssl/certs", "/etc/pki/ca-trust/extracted/pem/directory-hash"}) {
    for (const auto& entry : std::filesystem::directory_iterator(dir, error))
      if (is_hash_link(entry.path().filename().native())) return {dir, {}};
  }
  // Debian and Alpine, Red Hat new and old, SUSE, the BSDs; at last what the bundle brings.
  const std::filesystem::path files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                         "/etc/pki/tls/certs/ca-bundle.crt",
                                         "/etc/ssl/ca-bundle.pem",
                                         "/etc/ssl/cert.pem",
                                         program().parent_path() / "../conf/ca-certificates.crt"};
  for (const auto& file : files)
    if (std::filesystem::is_regular_file(file, error)) return {{}, file.string()};
  return {};
}

}  // namespace

const Result<Curl>& curl_library() {
  static const Result<Curl> loaded = load();
  return loaded;
}

const Authorities& authorities() {
  static const Authorities found = find_authorities();
  return found;
}

}  // namespace b24
