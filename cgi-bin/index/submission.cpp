// submission: see submission.h.
#include "submission.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "base/text.h"
#include "settings/pattern.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr std::size_t kMarkLength = 255;
constexpr std::size_t kTraceBytes = 20'000;
constexpr std::size_t kUnknownFields = 50;
constexpr std::size_t kUnknownLength = 1'000;
constexpr std::size_t kFileNameLength = 120;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// C0, DEL, C1 and the Unicode line breaks. `text` is valid UTF-8.
bool has_control(std::string_view text, bool allow_lines) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (byte < 0x20 || byte == 0x7f) {
      if (!allow_lines || (byte != '\n' && byte != '\t')) return true;
    } else if (byte == 0xc2 && next < 0xa0) {
      return true;
    } else if (!allow_lines && text.substr(i, 2) == "\xe2\x80" && i + 2 < text.size() &&
               (text[i + 2] == '\xa8' || text[i + 2] == '\xa9')) {
      return true;
    }
  }
  return false;
}

std::string without_controls(std::string_view text) {
  std::string clean;
  for (const char c : text::to_valid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) clean += c;
  }
  return clean;
}

std::string one_kind_of_line_break(std::string_view text) {
  std::string lines;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      lines += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      lines += '\n';
    }
  }
  return lines;
}

bool all_valid_utf8(const Value& value) {
  if (value.is_string()) return text::is_valid_utf8(value.string());
  return std::ranges::all_of(value.members(),
                             [](const auto& member) { return all_valid_utf8(member.value); });
}

void convert_all(Value& value, const std::string& encoding) {
  if (value.is_string()) value = text::convert(value.string(), encoding, "UTF-8");
  value.for_each_value([&](const Key&, Value& member) { convert_all(member, encoding); });
}

// A post has one encoding: the site's own pages post in theirs, our page in UTF-8.
Value post_in_utf8(const Request& request, const std::string& encoding) {
  Value post = request.post;
  if (!encoding.empty() && !all_valid_utf8(post)) convert_all(post, encoding);
  return post;
}

// PHP's rules let the last of two equal names win without a word, so the names as sent are asked.
std::map<std::string, int> times_posted(const Request& request) {
  std::map<std::string, int> times;
  for (const std::string& name : request.part_names) ++times[name];
  if (request.content_type != "application/x-www-form-urlencoded") return times;
  std::string_view rest = request.body;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    ++times[php::url_decode(pair.substr(0, pair.find('=')))];
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
  }
  return times;
}

// The message's key for a text that is there; empty when it is good.
std::string_view text_fault(const Field& field, const std::string& text) {
  if (has_control(text, field.type == FieldType::textarea)) return "invalid_text";
  if (text::length_utf8(text) > field.max_length) return "invalid_long";
  switch (field.type) {
    case FieldType::email:
      if (!is_email(text)) return "invalid_email";
      break;
    case FieldType::phone:
      if (!has_digit(text)) return "invalid_phone";
      break;
    case FieldType::select:
      if (std::ranges::find(field.choices, text, &Choice::value) == field.choices.end()) {
        return "invalid_choice";
      }
      break;
    default:
      break;
  }
  if (!field.pattern.empty() && !matches(field.pattern, text)) return "invalid_pattern";
  return {};
}

bool is_box(const Field& field) {
  return field.type == FieldType::checkbox || field.type == FieldType::consent;
}

std::string_view missing_key(const Field& field) {
  return field.type == FieldType::consent ? "invalid_consent" : "invalid_required";
}

class Reader {
 public:
  Reader(const Form& form, const Request& request, const std::string& encoding)
      : form_(form), request_(request), post_(post_in_utf8(request, encoding)) {}

  Submission read() {
    const std::map<std::string, int> times = times_posted(request_);
    for (const Field& field : form_.fields) {
      if (field.type == FieldType::file) {
        read_file(field);
      } else {
        const auto posted = times.find(field.name);
        read_text(field, posted != times.end() && posted->second > 1);
      }
    }
    if (out_.valid() && !anything_) fail("", "invalid_empty");
    out_.honeypot = !post_[kHoneypotInput].text().empty();
    out_.marks = utm_marks(request_);
    const std::string trace = post_[kTraceInput].text();
    if (!trace.empty() && trace.size() <= kTraceBytes && text::is_valid_utf8(trace) &&
        !has_control(trace, true)) {
      out_.marks.set("TRACE", trace);
    }
    if (form_.unknown_to_comments) read_unknown();
    return std::move(out_);
  }

 private:
  void fail(const std::string& field, std::string_view key) {
    out_.errors.emplace_back(field, key);
  }

  void read_text(const Field& field, bool several) {
    const Value& posted = post_[field.name];
    const std::string raw = posted.is_array() ? "" : posted.text();
    std::string text = text::to_valid_utf8(raw);
    const bool intact = text == raw;
    if (field.type == FieldType::textarea) text = one_kind_of_line_break(text);
    text = text::trim(text);
    if (is_box(field) && !text.empty()) text = field.value;
    // What is shown again must not carry what was refused.
    out_.values.set(field.name, field.type == FieldType::textarea ? text : without_controls(text));

    if (several || posted.is_array()) return fail(field.name, "invalid_several");
    if (!intact) return fail(field.name, "invalid_text");
    if (text.empty()) {
      if (field.required) fail(field.name, missing_key(field));
      return;
    }
    // Hidden fields and boxes say something only along with what a person wrote.
    if (field.type != FieldType::hidden && !is_box(field)) anything_ = true;
    if (is_box(field)) return;
    if (const std::string_view key = text_fault(field, text); !key.empty()) fail(field.name, key);
  }

  void read_file(const Field& field) {
    const Upload* found = nullptr;
    for (const Upload& upload : request_.uploads) {
      if (upload.field != field.name || (upload.filename.empty() && upload.content.empty())) {
        continue;
      }
      if (found != nullptr) return fail(field.name, "invalid_several");
      found = &upload;
    }
    if (found == nullptr) {
      if (field.required) fail(field.name, missing_key(field));
      return;
    }
    if (found->content.size() > field.max_length) return fail(field.name, "invalid_file_size");
    anything_ = true;
    const std::size_t slash = found->filename.find_last_of("/\\");
    const std::string name = without_controls(
        std::string_view(found->filename).substr(slash == std::string::npos ? 0 : slash + 1));
    out_.files.push_back(
        {field.name, name.empty() ? "file" : std::string(text::first_utf8(name, kFileNameLength)),
         found->content});
  }

  void read_unknown() {
    for (const Value::Member& member : post_.members()) {
      const std::string name = member.key.text();
      if (form_.find(name) != nullptr || is_reserved_input(name) || member.value.is_array())
        continue;
      if (out_.unknown.size() == kUnknownFields) return;
      const std::string text = without_controls(member.value.text());
      if (text.empty()) continue;
      out_.unknown.emplace_back(text::first_utf8(without_controls(name), 64),
                                text::first_utf8(text, kUnknownLength));
    }
  }

  const Form& form_;
  const Request& request_;
  const Value post_;
  Submission out_;
  bool anything_ = false;
};

}  // namespace

std::string_view Submission::error(std::string_view field) const {
  for (const auto& [name, key] : errors) {
    if (name == field) return key;
  }
  return {};
}

Submission read_submission(const Form& form, const Request& request, const std::string& encoding) {
  return Reader(form, request, encoding).read();
}

Value prefill(const Form& form, const Request& request) {
  Value values = Value::array();
  for (const Field& field : form.fields) {
    if (field.type == FieldType::file) continue;
    const Value* given = request.params.find(field.name);
    if (given == nullptr || given->is_array()) continue;
    const std::string text = given->text();
    const bool shown = text::is_valid_utf8(text) && !has_control(text, true) &&
                       text::length_utf8(text) <= field.max_length;
    if (shown) values.set(field.name, text);
  }
  return values;
}

Value utm_marks(const Request& request) {
  Value marks = Value::array();
  for (const std::string_view name : kUtmInputs) {
    const Value& given = request.params[name];
    const std::string text = given.is_array() ? "" : without_controls(given.text());
    if (text.empty()) continue;
    std::string upper(name);
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return static_cast<char>(std::toupper(c)); });
    marks.set(upper, text::first_utf8(text, kMarkLength));
  }
  return marks;
}

// Strict enough to catch slips, lax enough for every address in use: no quoted local parts, but
// any letters, and a domain with a dot in it.
bool is_email(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254) return false;
  const std::string_view local = text.substr(0, at);
  const std::string_view domain = text.substr(at + 1);
  if (domain.find('.') == std::string_view::npos || domain.find('@') != std::string_view::npos) {
    return false;
  }
  if (text.find_first_of(" \t\r\n\"(),:;<>[]\\") != std::string_view::npos) return false;
  const auto good_dots = [](std::string_view part) {
    return !part.empty() && part.front() != '.' && part.back() != '.' &&
           part.find("..") == std::string_view::npos;
  };
  const std::string_view last = domain.substr(domain.rfind('.') + 1);
  return good_dots(local) && good_dots(domain) && last.size() >= 2 && domain.front() != '-' &&
         domain.find_first_of("_/?#%!$&'*+=^`{|}~") == std::string_view::npos;
}

bool has_digit(std::string_view text) {
  return std::ranges::any_of(text, is_digit);
}

}  // namespace b24
