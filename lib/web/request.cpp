// request: from the web server's variables and a stream of bytes to a Request, or to a refusal.
#include "web/request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "value/json.h"
#include "web/multipart.h"

namespace b24 {

namespace {

constexpr std::size_t kUsualVariables = 32;
constexpr std::size_t kMaxVariables = 200;
constexpr std::size_t kMaxVariableBytes = 64 * 1024;
constexpr std::size_t kMaxNameBytes = 256;

constexpr std::array<std::string_view, 4> kMethods = {"GET", "HEAD", "POST", "OPTIONS"};

// What is taken over as it is. A request's "Proxy:" header (HTTP_PROXY) is not among it, on
// purpose.
struct Variable {
  std::string_view variable;
  std::string Request::*member;
};
constexpr std::array kVariables = {
    Variable{"REQUEST_METHOD", &Request::method},
    Variable{"SCRIPT_NAME", &Request::script_name},
    Variable{"PATH_INFO", &Request::path_info},
    Variable{"QUERY_STRING", &Request::query_string},
    Variable{"REMOTE_ADDR", &Request::remote_address},
    Variable{"HTTP_X_FORWARDED_FOR", &Request::forwarded_for},
    Variable{"HTTP_HOST", &Request::host},
    Variable{"HTTP_ACCEPT", &Request::accept},
    Variable{"HTTP_ACCEPT_LANGUAGE", &Request::accept_language},
    Variable{"HTTP_ORIGIN", &Request::origin},
    Variable{"HTTP_REFERER", &Request::referer},
    Variable{"HTTP_SEC_FETCH_SITE", &Request::sec_fetch_site},
    Variable{"HTTP_COOKIE", &Request::cookie},
    Variable{"DOCUMENT_ROOT", &Request::document_root},
    Variable{"SERVER_SOFTWARE", &Request::server_software},
    Variable{"HTTP_X_B24HOOKS_KEY", &Request::key_header},
};

using Done = std::expected<void, Refusal>;

std::unexpected<Refusal> refuse(int status, const char* code, std::string cause) {
  return std::unexpected(Refusal{status, code, std::move(cause)});
}

std::unexpected<Refusal> refuse(php::ParseFault fault) {
  if (fault == php::ParseFault::too_deep)
    return refuse(400, "too_deep", "a name has more levels of brackets than allowed");
  if (fault == php::ParseFault::too_many_nodes)
    return refuse(413, "too_many_nodes", "more values than allowed");
  return refuse(413, "too_many_fields", "more fields than allowed");
}

// --- Variables

std::string media_type(std::string_view header) {
  return text::lower(header.substr(0, header.find_first_of("; ,")));
}

void take_variables(const Environment& environment, Request& request) {
  for (const Variable& one : kVariables) request.*one.member = environment.get(one.variable);
  const std::string_view https = environment.get("HTTPS");
  request.https = (!https.empty() && !text::equal_ignoring_case(https, "off")) ||
                  environment.get("REQUEST_SCHEME") == "https";
  if (request.host.empty()) {
    request.host = environment.get("SERVER_NAME");
    const std::string_view port = environment.get("SERVER_PORT");
    if (!port.empty() && port != (request.https ? "443" : "80"))
      request.host.append(":").append(port);
  }
  request.content_type_header = environment.get("CONTENT_TYPE");
  request.content_type = media_type(request.content_type_header);
}

// The host gets into links and redirects of our pages.
bool is_host(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    return text::is_digit(c) || text::is_letter(c) || std::string_view(".-_:[]").contains(c);
  });
}

// --- Body

// Reads until the end or `most` bytes; false when the stream broke.
bool read_up_to(const BodyReader& read, std::size_t most, std::string& body) {
  std::array<char, 16384> buffer;
  while (body.size() < most) {
    const long got = read(buffer.data(), std::min(buffer.size(), most - body.size()));
    if (got < 0) return false;
    if (got == 0) break;
    body.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return true;
}

std::expected<std::string, Refusal> read_body(const Environment& environment,
                                              const BodyReader& read, std::size_t limit,
                                              bool required) {
  // Servers that always pass CONTENT_LENGTH leave it empty when there is none.
  const std::string_view length = environment.get("CONTENT_LENGTH");
  const bool counted = !length.empty();
  if (!counted &&
      !text::equal_ignoring_case(environment.get("HTTP_TRANSFER_ENCODING"), "chunked")) {
    if (required) return refuse(411, "length_required", "a body without CONTENT_LENGTH");
    return std::string();
  }
  if (length.find_first_not_of("0123456789") != length.npos)
    return refuse(400, "bad_length", "CONTENT_LENGTH is not a number");
  std::size_t most = limit;
  const char* end = length.data() + length.size();
  if (counted && (std::from_chars(length.data(), end, most).ec != std::errc() || most > limit))
    return refuse(413, "body_too_large", "CONTENT_LENGTH is " + std::string(length.substr(0, 20)));
  std::string body;
  // One byte more than announced shows a body that is longer.
  if (!read_up_to(read, most + 1, body))
    return refuse(400, "body_incomplete", "the body's stream broke");
  if (body.size() > most && counted)
    return refuse(400, "bad_length", "the body is longer than CONTENT_LENGTH");
  if (body.size() > most) return refuse(413, "body_too_large", "chunked body over the limit");
  if (body.size() < most && counted)
    return refuse(
        400, "body_incomplete",
        "the body has " + std::to_string(body.size()) + " of " + std::to_string(most) + " bytes");
  return body;
}

// --- Accept

using Preference = std::tuple<double, int, std::size_t>;  // weight, exactness, place from the end

Preference preference(const std::vector<Wish>& wishes, const std::string& type) {
  const std::string any_of_kind = type.substr(0, type.find('/')) + "/*";
  Preference best;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const std::string& name = wishes[i].name;
    const int exactness = name == type ? 3 : name == any_of_kind ? 2 : name == "*/*" ? 1 : 0;
    if (exactness > std::get<1>(best)) best = {wishes[i].weight, exactness, wishes.size() - i};
  }
  return best;
}

// --- Content types

// `left`: what the query has left.
Done take_form(Request& request, RequestLimits& left) {
  const auto added = php::add_query(request.post, request.body, left.names);
  if (!added) return refuse(added.error());
  return {};
}

Done take_multipart(Request& request, RequestLimits& left) {
  const auto parts = parse_multipart(request.body, request.content_type_header);
  if (!parts) return std::unexpected(parts.error());
  for (const Part& part : *parts) {
    if (!part.filename) {
      const auto added = php::add_variable(request.post, *part.name, part.content, left.names);
      if (!added) return refuse(added.error());
    } else if (!part.filename->empty()) {
      request.uploads.push_back(
          {part.name.value_or(""), *part.filename, std::string(part.content)});
    }
  }
  return {};
}

std::size_t count_members(const Value& value) {
  std::size_t count = value.size();
  for (const Value::Member& member : value.members()) count += count_members(member.value);
  return count;
}

Done take_json(Request& request, RequestLimits& left) {
  // A name without brackets is a member of the outermost object.
  auto value = json::parse(request.body, left.names.depth + 1, left.names.nodes);
  if (!value) {
    const std::string& code = value.error().code;
    return refuse(code == "too_many_nodes" ? 413 : 400, code.c_str(), value.error().cause);
  }
  if (!value->is_array()) return refuse(400, "bad_json", "JSON: not an object");
  if (count_members(*value) > left.names.fields) return refuse(php::ParseFault::too_many_fields);
  request.post = std::move(*value);
  return {};
}

// --- Fields as they were sent

void list_form(const Request& request, std::vector<SentField>& fields) {
  std::string_view rest = request.body;
  while (auto field = php::take_field(rest))
    fields.push_back({std::move(field->first), std::move(field->second)});
}

void list_multipart(const Request& request, std::vector<SentField>& fields) {
  const auto parts = parse_multipart(request.body, request.content_type_header);
  if (!parts) return;
  for (const Part& part : *parts)
    if (!part.filename) fields.push_back({*part.name, std::string(part.content)});
}

void list_members(const Value& value, const std::string& name, std::vector<SentField>& fields) {
  if (!value.is_array()) return fields.push_back({name, value.text()});
  for (const Value::Member& member : value.members()) {
    const std::string key = value.is_list() ? "" : member.key.text();
    list_members(member.value, name.empty() ? key : name + "[" + key + "]", fields);
  }
}

struct Taker {
  std::string_view type;
  Done (*take)(Request&, RequestLimits&);
  void (*list)(const Request&, std::vector<SentField>&);
};
constexpr std::array kTakers = {
    Taker{"application/x-www-form-urlencoded", take_form, list_form},
    Taker{"multipart/form-data", take_multipart, list_multipart},
    Taker{"application/json", take_json,
          [](const Request& request, std::vector<SentField>& fields) {
            list_members(request.post, "", fields);
          }},
};

Done take_content(Request& request, RequestLimits& left) {
  if (request.body.empty() && request.content_type.empty()) return {};
  const auto taker = std::ranges::find(kTakers, request.content_type, &Taker::type);
  if (taker == kTakers.end())
    return refuse(415, "unsupported_type",
                  "Content-Type: " + text::for_log(request.content_type_header, 100));
  return taker->take(request, left);
}

std::expected<Request, Refusal> with_parameters(Request request, RequestLimits left) {
  if (const auto added = php::add_query(request.get, request.query_string, left.names); !added)
    return refuse(added.error());
  if (request.is_post())
    if (const Done done = take_content(request, left); !done) return std::unexpected(done.error());
  request.params = request.get;
  php::merge(request.params, request.post);
  return request;
}

}  // namespace

// --- Environment

Environment::Environment(const char* const* variables) {
  entries_.reserve(kUsualVariables);
  for (; *variables != nullptr; ++variables) {
    const std::string_view entry(*variables);
    entries_.push_back({entry.substr(0, entry.find('=')), entry});
  }
  std::ranges::stable_sort(entries_, {}, &Entry::name);
  if (entries_.size() <= kMaxVariables) join_headers();
}

// A header that comes more than once is one list (RFC 9110, 5.3; cookies: RFC 9113, 8.2.3); nginx
// before 1.23 passes each line.
void Environment::join_headers() {
  for (;;) {
    const auto twice = std::ranges::adjacent_find(entries_, {}, &Entry::name);
    if (twice == entries_.end() || !twice->name.starts_with("HTTP_")) return;
    const auto next = std::next(twice);
    const std::size_t name = next->name.size();
    const char* const between = next->name == "HTTP_COOKIE" ? "; " : ", ";
    twice->whole = joined_.emplace_front(
        std::string(twice->whole)
            .append(between)
            .append(next->whole.substr(std::min(name + 1, next->whole.size()))));
    twice->name = twice->whole.substr(0, name);
    entries_.erase(next);
  }
}

std::string_view Environment::get(std::string_view name) const {
  const auto found = std::ranges::lower_bound(entries_, name, {}, &Entry::name);
  if (found == entries_.end() || found->name != name) return {};
  return found->whole.substr(std::min(name.size() + 1, found->whole.size()));
}

std::string Environment::fault() const {
  std::size_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.whole.size();
  if (entries_.size() > kMaxVariables || bytes > kMaxVariableBytes) return "too many variables";
  for (const auto& [name, entry] : entries_) {
    if (name.empty() || name.size() == entry.size() || name.size() > kMaxNameBytes)
      return "a variable without a proper name";
    const auto is_control = [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
    };
    if (name.starts_with("HTTP_") && std::ranges::any_of(entry, is_control))
      return "control bytes in " + text::for_log(name, 64);
  }
  const auto twice = std::ranges::adjacent_find(entries_, {}, &Entry::name);
  return twice == entries_.end() ? "" : "two variables " + text::for_log(twice->name, 64);
}

// --- Request

std::vector<Wish> parse_wishes(std::string_view header) {
  constexpr std::size_t kMostWishes = 32, kMostBytes = 2048;
  std::vector<Wish> wishes;
  for (const std::string& item : text::split(text::lower(header.substr(0, kMostBytes)), ",")) {
    const std::vector<std::string> parts = text::split(item, "; \t");
    if (parts.empty()) continue;
    Wish wish{parts[0], 1};
    for (const std::string& part : parts) {
      if (!part.starts_with("q=")) continue;
      const char* end = part.data() + part.size();
      const bool read = std::from_chars(part.data() + 2, end, wish.weight).ec == std::errc();
      if (!read || wish.weight < 0 || wish.weight > 1) wish.weight = 0;
    }
    wishes.push_back(std::move(wish));
    if (wishes.size() == kMostWishes) break;
  }
  return wishes;
}

bool prefers_json(std::string_view accept) {
  const std::vector<Wish> wishes = parse_wishes(accept);
  const Preference json = preference(wishes, "application/json");
  return std::get<0>(json) > 0 && json > preference(wishes, "text/html");
}

std::vector<SentField> sent_fields(const Request& request) {
  std::vector<SentField> fields;
  const auto taker = std::ranges::find(kTakers, request.content_type, &Taker::type);
  if (taker != kTakers.end()) taker->list(request, fields);
  return fields;
}

std::string declared_charset(const Request& request) {
  const std::string_view named = content_parameter(request.content_type_header, "charset");
  return text::lower(text::trim(named.empty() ? request.post["_charset_"].text() : named));
}

std::expected<Request, Refusal> read_request(const Environment& environment, const BodyReader& read,
                                             const RequestLimits& limits) {
  if (const std::string fault = environment.fault(); !fault.empty())
    return refuse(400, "bad_request", fault);
  Request request;
  take_variables(environment, request);
  if (!is_host(request.host))
    return refuse(400, "bad_request", "Host: " + text::for_log(request.host, 100));
  if (std::ranges::find(kMethods, request.method) == kMethods.end())
    return refuse(405, "wrong_method", text::for_log(request.method, 40));

  auto body = read_body(environment, read, limits.body, request.is_post());
  if (!body) return std::unexpected(body.error());
  if (request.is_post()) request.body = std::move(*body);
  return with_parameters(std::move(request), limits);
}

std::expected<Request, Refusal> parse_content(std::string query, std::string content_type,
                                              std::string body, const RequestLimits& limits) {
  Request request;
  request.method = "POST";
  request.query_string = std::move(query);
  request.content_type = media_type(content_type);
  request.content_type_header = std::move(content_type);
  request.body = std::move(body);
  return with_parameters(std::move(request), limits);
}

}  // namespace b24
