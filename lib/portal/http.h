// http: one HTTPS or HTTP exchange by libcurl.
//
// libcurl is loaded when the first client is made, not when the program starts (curl_library.h).
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace b24 {

struct HttpOptions {
  Millis connect_time = 5'000;
  Millis total_time = 65'000;
  bool verify = true;
  std::filesystem::path ca_file;  // trusted besides the system's authorities (alone, on a system
                                  // that does not keep those as a hashed directory); empty: none
  std::string user_agent;
  bool follow_redirects = false;  // 301, 302, 307, 308: at most 5, only to the same scheme, host
                                  // and port, keeping the method and body; all else is refused
  std::size_t max_answer = 16 << 20;  // bytes; more is an error
  bool certificate_info = false;      // fill in certificate_days_left
  std::stop_token stop;  // once asked for, a request under way is given up after about two seconds
                         // (code "stopped")
};

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::string content_type = "application/x-www-form-urlencoded";
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;
  std::string redirect;  // where a redirect leads that is not followed
  Millis took = 0;
  long certificate_days_left = -1;  // -1: not asked for or not TLS
};

// No (usable) answer. `sent` says whether the other side may have acted on the request: false when
// it certainly never got it (name, connection, TLS handshake) or only said that it is elsewhere,
// true when only the answer is missing. No request is ever sent twice: a kept connection that
// breaks before an answer is a "reset" that was sent.
struct HttpFailure {
  Error error;  // kind network; code "timeout", "connect", "dns", "tls", "reset", "not_http",
                // "redirect_refused", "too_large", "bad_url", "curl_missing", or "network" for
                // the rest
  bool sent = false;
};

// Keeps its connection for the next exchange with the same server. One thread at a time. Never uses
// a proxy, whatever the environment says; never reads .netrc; https and http only.
class Http {
 public:
  explicit Http(HttpOptions options);
  Http(Http&&) noexcept;
  ~Http();

  std::expected<HttpAnswer, HttpFailure> send(const HttpRequest& request);
  HttpOptions options;  // for the next requests

  // "https://host:443" of an http or https URL, for whoever counts by servers; empty when it is
  // none, or there is no libcurl.
  static std::string origin(const std::string& url);
  // libcurl's and its TLS library's, for checkserver; or why libcurl cannot be used (code
  // curl_missing).
  static Result<std::string> version();

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace b24
