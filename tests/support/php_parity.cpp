// php_parity: see php_parity.h; and the fuzz targets that ask real PHP.
#include "php_parity.h"

#include <cstdio>
#include <stdexcept>

#include "base/text.h"
#include "fuzz_targets.h"
#include "raw_request.h"
#include "value/json.h"
#include "value/php.h"

namespace b24::test {

namespace {

std::string shown(std::string_view text) {
  return text::for_log(text, 3000);
}

std::string difference_of(const std::string& ours, const std::string& php) {
  return ours == php ? "" : "\nPHP\n" + shown(php) + "\nours\n" + shown(ours);
}

// As PHP's unserialize reads it.
std::string serialize(const Value& value) {
  using Type = Value::Type;
  const auto text = [](const std::string& bytes) {
    return "s:" + std::to_string(bytes.size()) + ":\"" + bytes + "\";";
  };
  if (value.is_null()) return "N;";
  if (value.type() == Type::boolean) return value.boolean() ? "b:1;" : "b:0;";
  if (value.type() == Type::integer) return "i:" + std::to_string(value.integer()) + ";";
  if (value.type() == Type::real) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "d:%.17G;", value.real());
    return digits;
  }
  if (!value.is_array()) return text(value.text());
  std::string all = "a:" + std::to_string(value.size()) + ":{";
  for (const Value::Member& member : value.members()) {
    all += member.key.is_integer() ? "i:" + member.key.text() + ";" : text(member.key.text());
    all += serialize(member.value);
  }
  return all + "}";
}

template <class What>
void compare(const What& what) {
  static const PhpParity php;
  const std::string difference = php.difference(what);
  if (!difference.empty() && !difference.starts_with("refused")) throw std::logic_error(difference);
}

}  // namespace

PhpParity::PhpParity() {
  php_.page("request.php", "<?php echo print_r($_REQUEST, true);");
  php_.page("value.php",
            "<?php $value = unserialize(file_get_contents('php://input'));"
            "echo is_array($value) ? http_build_query($value) : '', \"\\0\","
            "print_r($value, true);");
}

std::string PhpParity::difference(const PhpRequest& request) const {
  const auto ours = read_raw(raw_post(request.content_type, request.body, request.query));
  const std::string of = "query " + shown(request.query) + "\n  type " +
                         shown(request.content_type) + "\n  body " + shown(request.body);
  if (!ours) return "refused: " + ours.error().code + "\n  " + of;
  const std::string difference =
      difference_of(php::print_r(ours->params), php_.ask("request.php", request));
  return difference.empty() ? "" : of + difference;
}

std::string PhpParity::difference(const Value& value) const {
  const std::string query = value.is_array() ? php::build_query(value) : "";
  return difference_of(query + '\0' + php::print_r(value),
                       php_.ask("value.php", {"", "application/octet-stream", serialize(value)}));
}

void fuzz_php_request(std::string_view input) {
  PhpRequest request;
  request.query = take_line(input);
  request.content_type = take_line(input);
  request.body = input;
  // An environment has no zero bytes; PHP reads no JSON.
  if (request.query.contains('\0') || request.content_type.contains('\0')) return;
  // PHP leaves out an upload whose name's brackets do not match, and takes what was uploaded for
  // the head of the next part: a file could bring fields. Here a file never does.
  if (text::lower(request.body).contains("filename") &&
      request.body.find_first_of("[]") != std::string::npos)
    return;
  if (!text::lower(request.content_type).contains("json")) compare(request);
}

void fuzz_php_print(std::string_view input) {
  if (const auto value = json::parse(input, 64)) compare(*value);
}

}  // namespace b24::test
