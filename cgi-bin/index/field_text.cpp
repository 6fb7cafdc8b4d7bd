// field_text: see field_text.h.
#include "field_text.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "settings/pattern.h"

namespace b24 {
namespace {

constexpr std::string_view kNotInLocal = "] \t\r\n\"(),:;<>@[\\";
constexpr std::string_view kNotInDomain = "] \t\r\n\"(),:;<>@[\\_/?#%!$&'*+=^`{|}~";

// Parts between single dots, without any of these characters.
bool is_dotted(std::string_view text, std::string_view forbidden) {
  return !text.empty() && text.find_first_of(forbidden) == text.npos && !text.starts_with('.') &&
         !text.ends_with('.') && !text.contains("..");
}

std::string narrow(const std::string& text) {
  return std::string(text::trim(text::narrow(text)));
}

std::string year_first(const std::string& text) {
  if (!matches("[0-9]{1,2}[.-][0-9]{1,2}[.-][0-9]{4}", text)) return text;
  const std::vector<std::string> parts = text::split(text, ".-");
  const auto padded = [](const std::string& part) { return part.size() < 2 ? "0" + part : part; };
  return parts[2] + "-" + padded(parts[1]) + "-" + padded(parts[0]);
}

bool is_date(const std::string& text) {
  return matches("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) && read_time(text, Zone::utc);
}

// The last point or comma with one or two digits behind it begins the cents; others, and blanks,
// group the digits.
std::string plain_number(std::string text) {
  if (text.find_first_of("0123456789") == text.npos) return text;
  for (const char* blank : {" ", "\u00a0", "\u202f"}) text::replace_all(text, blank, "");
  if (text.find_first_not_of("0123456789.,") != text.npos) return text;
  const std::size_t sign = text.find_last_of(".,");
  const bool has_cents = sign != text.npos && sign + 1 < text.size() && sign + 3 >= text.size();
  const std::string cents = has_cents ? text.substr(sign + 1) : "";
  text.resize(has_cents ? sign : text.size());
  std::erase_if(text, [](char c) { return c == '.' || c == ','; });
  return has_cents ? text + "." + cents : text;
}

}  // namespace

std::string field_text(const Field& field, std::string text) {
  if (field.is_box()) return text.empty() ? text : field.value;
  if (const Choice* choice = field.choice(text)) return choice->value;
  switch (field.type) {
    case FieldType::email:
    case FieldType::phone:
      return narrow(text);
    case FieldType::date:
      return year_first(narrow(text));
    case FieldType::money:
      return plain_number(narrow(text));
    default:
      return text;
  }
}

std::string_view text_fault(const Field& field, const std::string& text) {
  if (text::has_control(text, field.type == FieldType::textarea)) return "invalid_text";
  if (text::length_utf8(text) > field.max_length) return "invalid_long";
  switch (field.type) {
    case FieldType::email:
      if (!is_email(text)) return "invalid_email";
      break;
    case FieldType::phone:
      if (text.find_first_of("0123456789") == text.npos) return "invalid_phone";
      break;
    case FieldType::select:
      if (field.choice(text) == nullptr) return "invalid_choice";
      break;
    case FieldType::date:
      if (!is_date(text)) return "invalid_date";
      break;
    case FieldType::money:
      if (!matches("[0-9]{1,15}(\\.[0-9]{1,2})?", text)) return "invalid_money";
      break;
    default:
      break;
  }
  if (!field.pattern.empty() && !matches(field.pattern, text)) return "invalid_pattern";
  return {};
}

std::string sent_text(const Field& field, std::string text) {
  if (field.type != FieldType::money || field.choices.empty() || text.empty()) return text;
  return std::move(text) + "|" + field.choices.front().value;
}

bool is_email(std::string_view text) {
  const std::size_t at = text.find('@');
  if (text.size() > 254 || at > 64) return false;
  const std::string_view local = text.substr(0, at), domain = text.substr(at + 1);
  return is_dotted(local, kNotInLocal) && is_dotted(domain, kNotInDomain) && domain.contains('.') &&
         !domain.starts_with('-') && text::length_utf8(domain.substr(domain.rfind('.') + 1)) >= 2;
}

}  // namespace b24
