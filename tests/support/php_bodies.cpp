// php_bodies: puts requests together from pieces that have rules of their own in PHP.
#include "php_bodies.h"

#include <array>

#include "value/php.h"

namespace b24::test {

namespace {

using namespace std::string_literals;

const std::array kPlainNames = {"event"s,
                                "ts"s,
                                "data[FIELDS][ID]"s,
                                "data[FIELDS][PHONE][0][VALUE]"s,
                                "auth[domain]"s,
                                "auth[application_token]"s,
                                "list[]"s,
                                "list[][x]"s,
                                "a"s,
                                "a[b]"s,
                                "a[b][c]"s,
                                "a[]"s,
                                "a[0]"s,
                                "a[5]"s,
                                "a[-3]"s,
                                "0"s,
                                "12"s,
                                "a[9223372036854775807]"s,
                                "a[9223372036854775808]"s,
                                "a[-9223372036854775808]"s};

const std::array kNamePieces = {
    "a"s,       "b"s,      "x"s,         "0"s,        "7"s,     "-3"s,
    "007"s,     "+1"s,     "-0"s,        "."s,        " "s,     "_"s,
    "["s,       "]"s,      "[]"s,        "[a]"s,      "[0]"s,   "[ ]"s,
    "[  ]"s,    "[ x]"s,   "[\t]"s,      "[a.b]"s,    "[a b]"s, "[[a]"s,
    "[a]]"s,    "[-1]"s,   "[007]"s,     "[+1]"s,     "[\0]"s,  "\0"s,
    "\n"s,      "\t"s,     "="s,         "&"s,        "%"s,     "+"s,
    "__Host-"s, ".Host-"s, "__Secure-"s, "\xC3\xA9"s, "\xFF"s,  ";"s,
    "'"s,       "\""s,     "\\"s,        "GLOBALS"s,  "this"s,  "[99999999999999999999]"s};

const std::array kTextPieces = {
    ""s,        "1"s,   "text"s,      "two words"s, "\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD"s,
    "a=b&c"s,   "<b>"s, "\r\n"s,      "\n"s,        "\0"s,
    "+7"s,      "%"s,   "%41"s,       "\x80\xFF"s,  "Array\n(\n"s,
    "[x] => "s, "\t"s,  "0"s,         "-5"s,        "\"quoted\""s,
    "\\"s,      "1e5"s, "2026-08-01"s};

// Sequences that are no encoding of anything, or an unusual one.
const std::array kOddEncodings = {"%"s,   "%4"s,  "%zz"s, "%G1"s, "%%41"s, "%00"s, "%5b"s,
                                  "%5B"s, "%5d"s, "+"s,   "%2e"s, "%20"s,  "%C3"s, "%c3%a9"s};

constexpr std::string_view kUnreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.[]";

std::string hex(unsigned char byte, bool lower) {
  const char* digits = lower ? "0123456789abcdef" : "0123456789ABCDEF";
  return {'%', digits[byte >> 4], digits[byte & 15]};
}

}  // namespace

std::string PhpBodies::name() {
  if (one_in(2)) return pick(kPlainNames);
  std::string result;
  if (one_in(40)) {
    result = "deep";
    for (std::size_t levels = 1 + below(64); levels > 0; --levels) result += "[d]";
    return result;
  }
  for (std::size_t pieces = 1 + below(7); pieces > 0; --pieces) result += pick(kNamePieces);
  return result;
}

std::string PhpBodies::text() {
  std::string result;
  for (std::size_t pieces = below(4); pieces > 0; --pieces) result += pick(kTextPieces);
  return result;
}

std::string PhpBodies::encoded(std::string_view text) {
  const bool lower = one_in(2);
  std::string result;
  for (const char c : text) {
    if (one_in(60)) result += pick(kOddEncodings);
    if (c == ' ' && one_in(2))
      result += '+';
    else if (kUnreserved.find(c) != kUnreserved.npos && !one_in(20))
      result += c;
    else
      result += hex(static_cast<unsigned char>(c), lower);
  }
  return result;
}

std::string PhpBodies::fields(std::size_t most) {
  std::string result;
  for (std::size_t count = below(most + 1); count > 0; --count) {
    if (!result.empty() || one_in(20)) result += '&';
    if (one_in(30)) result += '&';
    result += encoded(name());
    if (one_in(15)) continue;
    result += '=';
    result += one_in(20) ? pick(kOddEncodings) : encoded(text());
    if (one_in(30)) result += "=again";
  }
  return result;
}

PhpRequest PhpBodies::event() {
  const Value event = Value::map(
      {{"event", pick(std::array{"ONCRMDEALUPDATE", "ONCRMLEADADD", "ONTASKUPDATE", "onTest"})},
       {"event_handler_id", std::to_string(below(1000))},
       {"data", Value::map({{"FIELDS", Value::map({{"ID", std::to_string(below(100'000))},
                                                   {"TITLE", text()}})}})},
       {"ts", std::to_string(1'700'000'000 + below(100'000'000))},
       {"auth", Value::map({{"domain", "portal.example"},
                            {"client_endpoint", "https://portal.example/rest/"},
                            {"server_endpoint", "https://oauth.example/rest/"},
                            {"member_id", "a223c6b3710f85df22e9377d6c4f7553"},
                            {"application_token", "51856fefc120afa4b628cc82d3935cce"}})}});
  return {"", "application/x-www-form-urlencoded", php::build_query(event)};
}

PhpRequest PhpBodies::urlencoded() {
  PhpRequest request;
  if (!one_in(3)) request.query = fields(one_in(50) ? 60 : 6);
  if (one_in(12)) return request;
  request.content_type = pick(std::array{"application/x-www-form-urlencoded",
                                         "application/x-www-form-urlencoded; charset=UTF-8",
                                         "Application/X-WWW-Form-Urlencoded;charset=windows-1251"});
  request.body = fields(one_in(50) ? 300 : 12);
  if (one_in(30)) request.body += "&long=" + std::string(below(30'000), 'L') + "+end";
  // A body, unlike a query, can hold any byte as it is.
  if (one_in(4) && !request.body.empty())
    request.body.insert(below(request.body.size()), pick(std::array{"\0"s, "\n"s, "\xFF"s, " "s}));
  return request;
}

std::string PhpBodies::disposition() {
  const bool file = one_in(6);
  std::string name_given = name();
  std::string result =
      pick(std::array{"Content-Disposition"s, "content-disposition"s, "CONTENT-DISPOSITION"s}) +
      pick(std::array{": "s, ":"s, ":  \t"s}) +
      pick(std::array{"form-data"s, "attachment"s, "form-data "s}) +
      pick(std::array{"; "s, ";"s, ";; "s});
  if (one_in(3)) std::erase_if(name_given, [](char c) { return c == '\n' || c == '\0'; });
  const std::string key = pick(std::array{"name="s, "NAME="s, "name= "s, "name=="s});
  switch (below(6)) {
    case 0:
      result += key + "'" + name_given + "'";
      break;
    case 1:
      result += key + "plain" + pick(kPlainNames);
      break;
    case 2:
      result += key + "\"" + name_given + "\\\"x\\\\y\\z\"";
      break;
    default:
      result += key + "\"" + name_given + "\"";
      break;
  }
  if (one_in(8)) result += "; name=\"second" + pick(kPlainNames) + "\"";
  if (file) result += "; filename=" + pick(std::array{"\"f.txt\""s, "\"\""s, "f"s, "\"a;b\""s});
  if (one_in(10)) result += "; filename*=UTF-8''x; size=3; odd";
  return result;
}

std::string PhpBodies::part(const std::string& line_end) {
  std::string result;
  if (one_in(4)) result += "Content-Type: text/plain; charset=x" + line_end;
  if (one_in(8)) result += "no colon here" + line_end;
  if (one_in(8)) result += "X-Folded: a" + line_end + " b: c" + line_end;
  if (!one_in(15)) result += disposition() + line_end;
  if (one_in(8)) result += "Content-Disposition: form-data; name=later" + line_end;
  result += line_end + text();
  if (one_in(15)) result += std::string(below(30'000), 'L') + text();
  if (one_in(4)) result += pick(std::array{"\r"s, "\n"s, "\r\n"s, "\n--"s, "\r\n--lim"s, "--"s});
  return result + line_end;
}

PhpRequest PhpBodies::multipart() {
  const std::string boundary =
      pick(std::array{"limit"s, "----WebKitFormBoundaryX7"s, "b'()+_-./:=?"s});
  PhpRequest request;
  if (one_in(2)) request.query = fields(4);
  request.content_type = pick(std::array{"multipart/form-data; boundary="s,
                                         "Multipart/Form-Data;charset=x; boundary="s,
                                         "multipart/form-data; BOUNDARY="s}) +
                         (one_in(3) ? "\"" + boundary + "\"" : boundary) +
                         pick(std::array{""s, ""s, ""s, "; charset=UTF-8"s, ", x"s});
  const std::string line_end = one_in(8) ? "\n" : "\r\n";
  if (one_in(8)) request.body = "A preamble." + line_end;
  for (std::size_t parts = below(7); parts > 0; --parts)
    request.body += "--" + boundary + line_end + part(line_end);
  request.body += "--" + boundary + "--" + (one_in(3) ? "" : line_end);
  if (one_in(8)) request.body += "An epilogue." + line_end;
  return request;
}

PhpRequest PhpBodies::next() {
  switch (below(5)) {
    case 0:
      return event();
    case 1:
    case 2:
      return multipart();
    default:
      return urlencoded();
  }
}

Value PhpBodies::value(int depth) {
  if (depth > 0 && !one_in(3)) {
    Value array = Value::array();
    for (std::size_t count = below(6); count > 0; --count) {
      if (one_in(3))
        array.append(value(depth - 1));
      else
        array.set(one_in(2) ? pick(kPlainNames) : pick(kNamePieces), value(depth - 1));
    }
    return array;
  }
  // Beyond these PHP writes an exponent in a way of its own.
  constexpr std::array kReals = {0.1, -0.0, 1.5, 1e15, 1e16, 1e-4, 123456789.12345678};
  switch (below(6)) {
    case 0:
      return nullptr;
    case 1:
      return one_in(2);
    case 2:
      return static_cast<std::int64_t>(random_()) - 2'000'000'000;
    case 3:
      return pick(kReals);
    default:
      return text();
  }
}

}  // namespace b24::test
