// authorities: see authorities.h.
#include "portal/authorities.h"

#include <filesystem>

#include "settings/settings.h"

namespace b24 {
namespace {

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

const Authorities& authorities() {
  static const Authorities found = find_authorities();
  return found;
}

}  // namespace b24
