// http: one HTTPS or HTTP exchange by libcurl.
#include "portal/http.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

#include "base/secret.h"
#include "base/text.h"
#include "portal/curl_library.h"

namespace b24 {
namespace {

// REQUIRES: curl_library() is there.
const Curl& curl() {
  return *curl_library();
}

// --- Addresses

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl().url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string result = text;
  curl().free(text);
  return result;
}

// "https://host:443" of an http or https URL; nothing when it is none, or carries a user's name
// where `flags` forbid that.
std::optional<std::string> origin(const std::string& text, unsigned flags) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl().url(), curl().url_cleanup);
  if (!url || curl().url_set(url.get(), CURLUPART_URL, text.c_str(), flags) != CURLUE_OK) return {};
  const std::string scheme = text::lower(url_part(url.get(), CURLUPART_SCHEME));
  if (scheme != "https" && scheme != "http") return {};
  return scheme + "://" + text::lower(url_part(url.get(), CURLUPART_HOST)) + ":" +
         url_part(url.get(), CURLUPART_PORT);
}

// --- Failures

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
constexpr const char* kCheckAddress =
    "check the address and port: what answers there does not speak HTTP";

constexpr FailureRow kFailures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "dns", "check the host's name and this server's DNS"},
    {CURLE_COULDNT_CONNECT, "connect", kCheckHost},
    {CURLE_OPERATION_TIMEDOUT, "timeout", kCheckHost},
    {CURLE_PEER_FAILED_VERIFICATION, "tls", kCheckCertificate},
    {CURLE_SSL_CONNECT_ERROR, "tls", kCheckCertificate},
    {CURLE_SSL_CACERT_BADFILE, "tls",
     "check that the file in [portal_call] ca_file exists and holds certificates"},
    {CURLE_GOT_NOTHING, "reset", ""},
    {CURLE_RECV_ERROR, "reset", ""},
    {CURLE_SEND_ERROR, "reset", ""},
    {CURLE_PARTIAL_FILE, "reset", ""},
    {CURLE_ABORTED_BY_CALLBACK, "stopped", ""},
    {CURLE_UNSUPPORTED_PROTOCOL, "not_http", kCheckAddress},
    {CURLE_WEIRD_SERVER_REPLY, "not_http", kCheckAddress},
};

// Secrets in the cause are masked.
HttpFailure failure(const char* code, std::string_view cause, const char* remedy, bool sent) {
  return {{ErrorKind::network, code, secret::mask(cause), remedy}, sent};
}

// The same for a result of libcurl; an empty detail is its own name of it.
HttpFailure failure(CURLcode result, const std::string& where, std::string_view detail, bool sent) {
  const std::string cause =
      where + ": " +
      text::for_log(detail.empty() ? std::string_view(curl().easy_strerror(result))
                                   : text::trim(detail));
  const auto* row = std::ranges::find(kFailures, result, &FailureRow::result);
  if (row == std::end(kFailures)) return failure("network", cause, kCheckHost, sent);
  return failure(row->code, cause, row->remedy, sent);
}

// --- One exchange

struct Exchange {
  const HttpOptions& options;
  Millis stop_seen = 0;
  std::string body = {};
  bool too_large = false;
  bool sent = false;  // the connection stood, so bytes of the request may have gone out
  bool headers_whole = false;
  bool given_up = false;  // libcurl wanted to send it once more
  char detail[CURL_ERROR_SIZE] = "";
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (size * count > exchange.options.max_answer - exchange.body.size()) {
    exchange.too_large = true;
    return 0;
  }
  exchange.body.append(data, size * count);
  return size * count;
}

// libcurl takes a connection that ends amid the headers for an answer.
std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) exchange.headers_whole = false;
  if (line == "\r\n" || line == "\n") exchange.headers_whole = true;
  return line.size();
}

// Called each time that a connection stands and the request is about to go out. When a kept
// connection dies without an answer libcurl sends the request again by itself, a POST too, although
// the other side may have acted on the first one. The second time is therefore refused.
int on_request(void* user, char*, char*, int, int) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (exchange.sent) {
    exchange.given_up = true;
    return CURL_PREREQFUNC_ABORT;
  }
  exchange.sent = true;
  return CURL_PREREQFUNC_OK;
}

// libcurl asks about once a second, also while it only waits.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  constexpr Millis kGrace = 2'000;
  auto& exchange = *static_cast<Exchange*>(user);
  if (!exchange.options.stop.stop_requested()) return 0;
  if (exchange.stop_seen == 0) exchange.stop_seen = steady_ms();
  return steady_ms() - exchange.stop_seen >= kGrace ? 1 : 0;
}

// Sockets are closed on exec: actions run other programs.
curl_socket_t on_socket(void*, curlsocktype, curl_sockaddr* to) {
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// Certificates name their end as "Nov 24 06:15:00 2027 GMT".
Millis certificate_end(const curl_certinfo& info) {
  constexpr std::string_view kLabel = "Expire date:";
  if (info.num_of_certs < 1) return 0;
  for (const curl_slist* line = info.certinfo[0]; line != nullptr; line = line->next) {
    if (!std::string_view(line->data).starts_with(kLabel)) continue;
    tm parts{};
    if (strptime(line->data + kLabel.size(), "%b %d %H:%M:%S %Y", &parts) == nullptr) return 0;
    return Millis{timegm(&parts)} * 1000;
  }
  return 0;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct Http::Handle {
  // Null where there is no libcurl.
  std::unique_ptr<CURL, void (*)(CURL*)> easy{curl_library() ? curl().easy_init() : nullptr,
                                              [](CURL* made) { curl().easy_cleanup(made); }};
  Millis certificate_end = 0;  // of the kept connection's server

  template <class Type>
  void set(CURLoption option, Type value) {
    static_assert(std::is_same_v<Type, long> || std::is_same_v<Type, curl_off_t> ||
                  std::is_pointer_v<Type>);
    curl().easy_setopt(easy.get(), option, value);
  }
  template <class Type>
  Type get(CURLINFO info) const {
    Type value{};
    curl().easy_getinfo(easy.get(), info, &value);
    return value;
  }
  std::string get_text(CURLINFO info) const {
    const char* text = get<char*>(info);
    return text == nullptr ? "" : text;
  }

  bool kept_connection_is_stale() const;
  void prepare(Exchange& exchange);
  void trust(const HttpOptions& options);
  std::expected<HttpAnswer, HttpFailure> exchange(const HttpOptions& options,
                                                  const HttpRequest& request,
                                                  const std::string& url, const std::string& where,
                                                  Millis time);
  HttpAnswer answer(Exchange& exchange);
};

// Nothing may arrive on an idle connection but its end, which libcurl does not see when TLS's
// goodbye comes before it.
bool Http::Handle::kept_connection_is_stale() const {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl().easy_getinfo(easy.get(), CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) return false;
  if (socket == CURL_SOCKET_BAD) return false;
  pollfd ready{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) != 0;
}

void Http::Handle::prepare(Exchange& exchange) {
  const HttpOptions& options = exchange.options;
  const bool stale = kept_connection_is_stale();
  curl().easy_reset(easy.get());
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  set(CURLOPT_PROTOCOLS_STR, "https,http");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  // A connection that was idle for longer is likely to be closed by the other side any moment.
  set(CURLOPT_MAXAGE_CONN, 30L);
  set(CURLOPT_FRESH_CONNECT, stale ? 1L : 0L);
  set(CURLOPT_MAXCONNECTS, 1L);
  set(CURLOPT_ERRORBUFFER, exchange.detail);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &exchange);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &exchange);
  set(CURLOPT_PREREQFUNCTION, &on_request);
  set(CURLOPT_PREREQDATA, &exchange);
  set(CURLOPT_OPENSOCKETFUNCTION, &on_socket);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(CURLOPT_XFERINFODATA, &exchange);
  set(CURLOPT_USERAGENT, options.user_agent.c_str());
  set(CURLOPT_CERTINFO, options.certificate_info ? 1L : 0L);
  trust(options);
}

void Http::Handle::trust(const HttpOptions& options) {
  set(CURLOPT_SSL_VERIFYPEER, options.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, options.verify ? 2L : 0L);
  const auto& [dir, file] = authorities();
  if (!dir.empty() || !file.empty()) {
    set(CURLOPT_CAPATH, dir.empty() ? nullptr : dir.c_str());
    set(CURLOPT_CAINFO, file.empty() ? nullptr : file.c_str());
  }
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
}

std::expected<HttpAnswer, HttpFailure> Http::Handle::exchange(const HttpOptions& options,
                                                              const HttpRequest& request,
                                                              const std::string& url,
                                                              const std::string& where,
                                                              Millis time) {
  Exchange exchange{.options = options};
  prepare(exchange);
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, long{std::min(options.connect_time, time)});
  set(CURLOPT_TIMEOUT_MS, long{time});
  std::vector<std::string> lines = request.headers;
  if (request.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
  } else {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    lines.push_back("Content-Type: " + request.content_type);
    lines.push_back("Expect:");  // no waiting for "100 Continue" before a large body
  }
  curl_slist* headers = nullptr;
  for (const std::string& line : lines) headers = curl().slist_append(headers, line.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owner(headers,
                                                                          curl().slist_free_all);
  set(CURLOPT_HTTPHEADER, headers);

  const CURLcode result = curl().easy_perform(easy.get());
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  if (result == CURLE_OK && exchange.headers_whole) return answer(exchange);
  if (result == CURLE_OK) return std::unexpected(failure(CURLE_PARTIAL_FILE, where, "", true));
  if (exchange.too_large) {
    return std::unexpected(
        failure("too_large",
                where + ": an answer of more than " + std::to_string(options.max_answer) + " bytes",
                "", exchange.sent));
  }
  if (exchange.given_up) {
    return std::unexpected(
        failure("reset", where + ": the kept connection broke before an answer came", "", true));
  }
  return std::unexpected(failure(result, where, exchange.detail, exchange.sent));
}

HttpAnswer Http::Handle::answer(Exchange& exchange) {
  HttpAnswer answer;
  answer.status = static_cast<int>(get<long>(CURLINFO_RESPONSE_CODE));
  answer.content_type = get_text(CURLINFO_CONTENT_TYPE);
  answer.body = std::move(exchange.body);
  answer.redirect = get_text(CURLINFO_REDIRECT_URL);
  if (exchange.options.certificate_info) {
    // libcurl tells it only of a new connection.
    if (get<long>(CURLINFO_NUM_CONNECTS) > 0) {
      const auto* info = get<curl_certinfo*>(CURLINFO_CERTINFO);
      certificate_end = info == nullptr ? 0 : b24::certificate_end(*info);
    }
    if (certificate_end > 0)
      answer.certificate_days_left = std::max<Millis>(0, (certificate_end - now_ms()) / kDay);
  }
  return answer;
}

Http::Http(HttpOptions given) : options(std::move(given)), handle_(std::make_unique<Handle>()) {}
Http::Http(Http&&) noexcept = default;
Http::~Http() = default;

std::expected<HttpAnswer, HttpFailure> Http::send(const HttpRequest& request) {
  constexpr int kMostRedirects = 5;
  if (!curl_library()) return std::unexpected(HttpFailure{curl_library().error(), false});
  if (!handle_->easy)
    return std::unexpected(failure("network", "libcurl: out of memory", "", false));
  std::string url = request.url;
  const std::optional<std::string> where = b24::origin(url, 0);
  if (!where) {
    return std::unexpected(failure("bad_url", "the address is not an http or https URL",
                                   "correct the address", false));
  }
  const Millis begun = steady_ms();
  for (int redirects = 0;; ++redirects) {
    const Millis left = std::max<Millis>(1, options.total_time - (steady_ms() - begun));
    auto answer = handle_->exchange(options, request, url, *where, left);
    if (!answer) {
      answer.error().sent = answer.error().sent || redirects > 0;
      return answer;
    }
    answer->took = steady_ms() - begun;
    if (!options.follow_redirects || !is_redirect(answer->status)) return answer;
    url = handle_->get_text(CURLINFO_REDIRECT_URL);
    if (url.empty()) return answer;
    const std::optional<std::string> next = b24::origin(url, CURLU_DISALLOW_USER);
    // 303 says that the request was carried out and its outcome is elsewhere: sending it there
    // would be the second time.
    if (answer->status == 303 || next != where || redirects == kMostRedirects) {
      return std::unexpected(
          failure("redirect_refused",
                  *where + ": answered " + std::to_string(answer->status) + ", a redirect to " +
                      next.value_or("elsewhere"),
                  "if the other side has moved, put its new address into the settings",
                  answer->status == 303));
    }
  }
}

std::string Http::origin(const std::string& url) {
  return curl_library() ? b24::origin(url, 0).value_or("") : "";
}

Result<std::string> Http::version() {
  if (!curl_library()) return std::unexpected(curl_library().error());
  const curl_version_info_data& info = *curl().version_info(CURLVERSION_NOW);
  return std::string("libcurl ") + info.version + ", " +
         (info.ssl_version == nullptr ? "no TLS" : info.ssl_version);
}

}  // namespace b24
