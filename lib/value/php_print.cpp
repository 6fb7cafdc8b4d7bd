// php_print: values as print_r and http_build_query write them.
#include "base/text.h"
#include "value/php.h"

namespace b24::php {

namespace {

void print_array(std::string& out, const Value& array, std::size_t indent) {
  out += "Array\n";
  out.append(indent, ' ') += "(\n";
  for (const Value::Member& member : array.members()) {
    out.append(indent + 4, ' ') += '[';
    out.append(member.key.text()) += "] => ";
    if (member.value.is_array())
      print_array(out, member.value, indent + 8);
    else if (member.value.is_string())
      out += member.value.string();
    else
      out += member.value.text();
    out += '\n';
  }
  out.append(indent, ' ') += ")\n";
}

// `prefix` is shared by all levels and left as it was, so that the work is bounded by what is read
// and written, however long the names are.
void add_pairs(std::string& out, const Value& array, std::string& prefix) {
  for (const Value::Member& member : array.members()) {
    const std::size_t length = prefix.size();
    const std::string key = url_encode(member.key.text());
    prefix += length == 0 ? key : "%5B" + key + "%5D";
    if (member.value.is_array()) {
      add_pairs(out, member.value, prefix);
    } else if (!member.value.is_null()) {
      if (!out.empty()) out += '&';
      const bool is_false = member.value.type() == Value::Type::boolean && !member.value.boolean();
      out.append(prefix) += '=';
      out += is_false ? "0" : url_encode(member.value.text());
    }
    prefix.resize(length);
  }
}

bool stays(char c) {
  return text::is_digit(c) || text::is_letter(c) || c == '-' || c == '_' || c == '.';
}

}  // namespace

std::string print_r(const Value& value) {
  if (!value.is_array()) return value.text();
  std::string out;
  print_array(out, value, 0);
  return out;
}

std::string build_query(const Value& value) {
  std::string out;
  std::string prefix;
  add_pairs(out, value, prefix);
  return out;
}

std::string url_encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (stays(c))
      out += c;
    else if (c == ' ')
      out += '+';
    else
      (out += '%').append({digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

}  // namespace b24::php
