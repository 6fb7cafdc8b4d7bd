// request: one HTTP request as a page sees it, whichever way it came (CGI environment or FastCGI
// parameters).
//
// Everything in it is the visitor's input. The body is read to its end or the request is refused: a
// body that is shorter or longer than CONTENT_LENGTH, or whose stream broke, never becomes a
// Request.
#pragma once

#include <cstddef>
#include <expected>
#include <forward_list>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "value/php.h"
#include "value/value.h"

namespace b24 {

// An entry of a header of the form "ru-RU, en;q=0.5": what a browser would rather have.
struct Wish {
  std::string name;  // lower case
  double weight = 1;
};
// In the header's order, as far as a visitor's input is worth the time.
std::vector<Wish> parse_wishes(std::string_view header);
// Whether an Accept header prefers application/json to text/html: by weight, then by how exactly
// each is named, then by which comes first.
bool prefers_json(std::string_view accept);

struct RequestLimits {
  std::size_t body = 1 << 20;  // bytes; checked before anything is read
  php::Limits names;           // fields, depth and nodes, of query and body together
};

// Why a request was refused before any page saw it. `code` is ours and stable, e.g.
// "body_too_large"; it is the key of the message catalogue (error_<code>) and of the log line;
// `cause` has the detail for the log.
struct Refusal {
  int status = 400;
  std::string code;
  std::string cause;
};

// A file field of multipart/form-data. PHP keeps these out of $_REQUEST, and so do we.
struct Upload {
  std::string field;     // its name as sent
  std::string filename;  // as sent: never a path to open
  std::string content;
};

// A read-only look at the variables that the web server gave.
class Environment {
 public:
  // `variables`: "NAME=value" pointers, ended by a null pointer; must outlive this.
  explicit Environment(const char* const* variables);
  Environment(Environment&&) = default;
  // Empty when there is none of that name.
  std::string_view get(std::string_view name) const;
  // A name that is there twice (headers are joined), a header with control bytes, an entry without
  // a name, or over 200 variables or 64 KiB: a sign of tampering; then the reason, else empty.
  std::string fault() const;

 private:
  struct Entry {
    std::string_view name;
    std::string_view whole;  // "NAME=value"
  };
  void join_headers();

  std::vector<Entry> entries_;  // by their names
  std::forward_list<std::string> joined_;
};

// Reads up to `size` bytes; 0 at the end, negative when the stream broke.
using BodyReader = std::function<long(char* buffer, std::size_t size)>;

struct Request {
  std::string method;       // "GET", "POST", ... as sent
  std::string script_name;  // SCRIPT_NAME
  std::string path_info;    // PATH_INFO; the pages refuse anything but ""
  std::string query_string;
  std::string content_type;         // lower-case media type without parameters
  std::string content_type_header;  // as sent
  std::string body;                 // of a POST, as sent
  Value get = Value::array();
  Value post = Value::array();    // form fields, or the members of a JSON object
  Value params = Value::array();  // $_REQUEST: GET, then POST over it
  std::vector<Upload> uploads;

  std::string remote_address;  // REMOTE_ADDR
  std::string forwarded_for;   // X-Forwarded-For; believed only from trusted proxies (address.h)
  bool https = false;
  std::string host;  // Host header, or SERVER_NAME and port
  std::string accept;
  std::string accept_language;
  std::string origin;
  std::string referer;
  std::string sec_fetch_site;
  std::string cookie;
  std::string document_root;
  std::string server_software;
  std::string key_header;  // X-B24hooks-Key: the owner's key for checkserver

  bool is_json() const { return content_type.starts_with("application/json"); }
  bool accepts_json() const { return is_json() || prefers_json(accept); }  // who sends it reads it
  bool is_post() const { return method == "POST"; }
  // The visitor's address (address.h); `trusted`: the owner's proxies.
  std::string client(const std::vector<Network>& trusted) const {
    return client_address(remote_address, forwarded_for, trusted);
  }
};

// A field of a POST, not a file, as it was sent: PHP's rules let the last of two equal names win.
struct SentField {
  std::string name;  // of a JSON document's members what a form would call them: "a[b][]"
  std::string text;
};
// All of a request that was read, in their order.
std::vector<SentField> sent_fields(const Request& request);
// What the POST says its charset is, by its Content-Type or its field _charset_; empty: nothing.
std::string declared_charset(const Request& request);

// Reads a request, or refuses it with
//   400 bad_request: variables with a fault (Environment::fault), or a Host that is none
//   405 wrong_method: neither GET, HEAD, POST nor OPTIONS
//   411 length_required: a POST with neither CONTENT_LENGTH nor chunked transfer (which a gateway
//       hands on without a length; it is read to its end)
//   413 body_too_large, too_many_fields (or parts), too_many_nodes
//   400 bad_length: CONTENT_LENGTH is not digits only, or the body is longer; body_incomplete
//   415 unsupported_type: a POST that is not urlencoded, multipart or JSON (an empty one may have
//       no type)
//   400 too_deep, bad_json (or a scalar), bad_multipart
// What comes along as the body of another method is read under the same limits and dropped.
std::expected<Request, Refusal> read_request(const Environment& environment, const BodyReader& read,
                                             const RequestLimits& limits);

// The same from a request that was read before and kept as it came: only what was sent (get, post,
// params, uploads) is filled in.
std::expected<Request, Refusal> parse_content(std::string query, std::string content_type,
                                              std::string body, const RequestLimits& limits);

}  // namespace b24
