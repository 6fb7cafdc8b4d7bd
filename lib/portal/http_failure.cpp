// http_failure: what a failed exchange is called, and what a person can do about it.
#include "portal/http_failure.h"

#include <algorithm>
#include <string_view>

#include "base/secret.h"
#include "base/text.h"

namespace b24 {
namespace {

struct FailureRow {
  CURLcode result;
  const char* code;
  const char* remedy;
};

constexpr const char* kCheckHost =
    "check that the host is up and that this server's firewall lets the connection out";
constexpr const char* kCheckCertificate =
    "renew or correct the other side's certificate, install ca-certificates here, or name its "
    "authority in [portal_call] ca_file";

constexpr FailureRow kFailures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "dns", "check the host's name and this server's DNS"},
    {CURLE_COULDNT_CONNECT, "connect", kCheckHost},
    {CURLE_OPERATION_TIMEDOUT, "timeout", kCheckHost},
    {CURLE_PEER_FAILED_VERIFICATION, "tls", kCheckCertificate},
    {CURLE_SSL_CONNECT_ERROR, "tls", kCheckCertificate},
    {CURLE_SSL_CACERT_BADFILE, "tls",
     "check that the file in [portal_call] ca_file exists and holds certificates"},
    {CURLE_SSL_ISSUER_ERROR, "tls", kCheckCertificate},
    {CURLE_SSL_CERTPROBLEM, "tls", kCheckCertificate},
    {CURLE_SSL_CIPHER, "tls", kCheckCertificate},
    {CURLE_GOT_NOTHING, "reset", ""},
    {CURLE_RECV_ERROR, "reset", ""},
    {CURLE_SEND_ERROR, "reset", ""},
    {CURLE_PARTIAL_FILE, "reset", ""},
    {CURLE_ABORTED_BY_CALLBACK, "stopped", ""},
    {CURLE_UNSUPPORTED_PROTOCOL, "not_http",
     "check the address and port: what answers there does not speak HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, "not_http",
     "check the address and port: what answers there does not speak HTTP"},
};

}  // namespace

HttpFailure failure(const char* code, std::string_view cause, const char* remedy, bool sent) {
  return {{ErrorKind::network, code, secret::mask(cause), remedy}, sent};
}

HttpFailure failure(CURLcode result, const std::string& where, std::string_view detail, bool sent) {
  const std::string cause =
      where + ": " +
      text::for_log(detail.empty() ? std::string_view(curl_library()->easy_strerror(result))
                                   : text::trim(detail));
  const auto* row = std::ranges::find(kFailures, result, &FailureRow::result);
  if (row == std::end(kFailures)) return failure("network", cause, kCheckHost, sent);
  return failure(row->code, cause, row->remedy, sent);
}

}  // namespace b24
