// submission: see submission.h.
#include "submission.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "field_text.h"
#include "settings/pattern.h"
#include "spam.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr std::size_t kMarkLength = 255;
constexpr std::size_t kTraceBytes = 20'000;
constexpr std::size_t kUnknownFields = 50;
constexpr std::size_t kUnknownLength = 1'000;
constexpr std::size_t kUnknownName = 64;
constexpr std::size_t kShownAgain = 10'000;
constexpr std::size_t kFileNameLength = 120;

constexpr std::string_view kTildaInputs[] = {"tranid", "formid", "COOKIES"};

std::string printable(std::string_view text) {
  return text::without_controls(text::to_valid_utf8(text));
}

std::string on_one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return printable(text::trim(line));
}

// A visitor may name these; iconv knows more, with decoders that nobody needs here.
bool is_charset(const std::string& name) {
  return matches(
             "utf-?8|us-ascii|(windows-|cp)(125[0-8]|866)|ibm866|iso-8859-[0-9]+|koi8-[ru]|"
             "gb2312|gbk|gb18030|big5|euc-jp|euc-kr|shift_jis",
             name) &&
         text::known_encoding(name);
}

// Tilda keeps a page's marks in a cookie: TILDAUTM=utm_source%3Dads%7C%7C%7Cutm_medium%3Dcpc
Value tilda_marks(std::string_view cookies) {
  constexpr std::string_view kCookie = "TILDAUTM=";
  for (const std::string& cookie : text::split(cookies, ";")) {
    if (!cookie.starts_with(kCookie)) continue;
    std::string query = php::url_decode(std::string_view(cookie).substr(kCookie.size()));
    text::replace_all(query, "|||", "&");
    return php::parse_query(query).value_or(Value::array());
  }
  return Value::array();
}

struct Sent {
  std::string name;
  std::string variable;
  std::string text;    // valid UTF-8, unless it is not intact
  bool intact = true;  // valid in the post's charset
};

std::string_view missing_key(const Field& field) {
  return field.type == FieldType::consent ? "invalid_consent" : "invalid_required";
}

class Reader {
 public:
  Reader(const Form& form, const Request& request, const std::string& encoding)
      : form_(form), request_(request) {
    std::vector<SentField> fields = sent_fields(request);
    choose_charset(fields, encoding);
    for (SentField& field : fields) take(field);
    for (Sent& sent : sent_) match(sent);
  }

  Submission read() {
    refuse_nested();
    for (const Field& field : form_.fields)
      field.type == FieldType::file ? read_file(field) : read_text(field);
    if (out_.valid() && !anything_) fail("", "invalid_empty");
    out_.honeypot = !last(kHoneypotInput).empty();
    read_marks();
    read_unknown();
    return std::move(out_);
  }

 private:
  void fail(const std::string& field, std::string_view key) {
    out_.errors.emplace_back(field, key);
  }

  // A post has one charset. The site's own pages may post in theirs without a word, our page posts
  // in UTF-8.
  void choose_charset(const std::vector<SentField>& fields, const std::string& encoding) {
    out_.charset = declared_charset(request_);
    if (out_.charset.empty()) {
      const bool utf8 = std::ranges::all_of(
          fields, [](const SentField& field) { return text::is_valid_utf8(field.text); });
      out_.charset = utf8 || encoding.empty() ? "UTF-8" : encoding;
    } else if (!is_charset(out_.charset)) {
      fail("", "form_charset_unknown");
      out_.charset = on_one_line(text::first_utf8(text::to_valid_utf8(out_.charset), 40));
    }
  }

  void take(SentField& field) {
    const std::string_view charset = out_.charset;
    Sent sent{std::move(field.name), "", std::move(field.text)};
    if (text::equal_ignoring_case(charset, "UTF-8") || !out_.valid()) {
      sent.intact = text::is_valid_utf8(sent.text);
    } else {
      std::optional<std::string> text = text::to_utf8(sent.text, out_.charset);
      sent.intact = text.has_value();
      if (text) sent.text = std::move(*text);
      sent.name = text::to_utf8(sent.name, out_.charset).value_or(sent.name);
    }
    // As PHP names the variable: "a.b[c]" adds to a_b.
    sent.variable = text::trim(std::string_view(sent.name).substr(0, sent.name.find('[')));
    std::ranges::replace_if(
        sent.variable, [](char c) { return c == '.' || c == ' '; }, '_');
    sent_.push_back(std::move(sent));
  }

  static bool is_tree(const Value::Member& member) { return member.value.is_array(); }

  // Builders of forms name fields as people write them.
  void match(Sent& sent) const {
    if (form_.find(sent.variable) != nullptr) return;
    const auto is_meant = [&](const Field& field) {
      return text::equal_ignoring_case(field.name, sent.variable) ||
             (field.name == "first_name" && form_.find("name") == nullptr &&
              text::equal_ignoring_case(sent.variable, "name"));
    };
    const auto field = std::ranges::find_if(form_.fields, is_meant);
    if (field != form_.fields.end() && last(field->name).empty()) sent.variable = field->name;
  }

  // A list of texts is what a form's "name[]" is.
  void refuse_nested() {
    const auto is_nested = [](const Value::Member& member) {
      return !member.value.is_list() || std::ranges::any_of(member.value.members(), is_tree);
    };
    for (const Value::Member& member : request_.post.members()) {
      if (!request_.is_json() || !is_tree(member) || !is_nested(member) || !out_.valid()) continue;
      out_.unfit =
          on_one_line(text::first_utf8(text::to_valid_utf8(member.key.text()), kUnknownName));
      fail("", "form_nested");
    }
  }

  // PHP's rules let the last of two equal names win.
  std::string_view last(std::string_view name, std::string Sent::*by = &Sent::variable) const {
    const auto found = std::ranges::find(sent_.rbegin(), sent_.rend(), name, by);
    return found == sent_.rend() ? std::string_view() : found->text;
  }

  void read_text(const Field& field) {
    int times = 0;
    bool nested = false, intact = true;
    for (const Sent& sent : sent_) {
      if (sent.variable != field.name) continue;
      ++times;
      nested = nested || sent.name.contains('[');
      intact = intact && sent.intact;
    }
    // What is shown again must not carry what was refused, nor all of what is far too long.
    const std::size_t shown = std::max(2 * field.max_length, kShownAgain);
    const std::string_view raw = nested ? "" : last(field.name).substr(0, 4 * shown);
    std::string text = text::to_valid_utf8(raw);
    if (field.type == FieldType::textarea) text::replace_all(text, "\r\n", "\n");
    if (field.type == FieldType::textarea) std::ranges::replace(text, '\r', '\n');
    text = field_text(field, std::string(text::trim(text)));
    const std::string_view begin = text::first_utf8(text, shown);
    out_.values.set(field.name,
                    field.type == FieldType::textarea ? std::string(begin) : printable(begin));

    if (times > 1 || nested) return fail(field.name, "invalid_several");
    if (!intact) return fail(field.name, "invalid_charset");
    if (raw.contains('\0')) return fail(field.name, "invalid_text");
    if (raw.size() == 4 * shown) return fail(field.name, "invalid_long");
    if (text.empty()) {
      if (field.required) fail(field.name, missing_key(field));
      return;
    }
    // Hidden fields and boxes say something only along with what a person wrote.
    if (field.type != FieldType::hidden && !field.is_box()) anything_ = true;
    if (field.is_box()) return;
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
    const std::string name = printable(
        std::string_view(found->filename).substr(slash == std::string::npos ? 0 : slash + 1));
    out_.files.push_back(
        {field.name, name.empty() ? "file" : std::string(text::first_utf8(name, kFileNameLength)),
         found->content});
  }

  void read_marks() {
    Value params = is_tilda(request_) ? tilda_marks(last("COOKIES")) : request_.get;
    const auto take_posted = [&](std::string_view name) {
      const std::string_view posted = last(name, &Sent::name);
      if (!posted.empty()) params.set(name, posted);
    };
    std::ranges::for_each(kUtmInputs, take_posted);
    std::ranges::for_each(kClickInputs, take_posted);
    out_.marks = marks_of(form_, params);
    const std::string_view trace = last(kTraceInput);
    if (!trace.empty() && trace.size() <= kTraceBytes && text::is_valid_utf8(trace) &&
        !text::has_control(trace, true)) {
      out_.marks.set("TRACE", trace);
    }
  }

  bool is_known(const std::string& variable, bool file) const {
    const Field* field = form_.find(variable);
    if (field != nullptr) return (field->type == FieldType::file) == file;
    return is_reserved_input(variable) ||
           std::ranges::find(captcha_services(), variable, &CaptchaService::answer_field) !=
               end(captcha_services()) ||
           std::ranges::find(kClickInputs, variable) != std::end(kClickInputs) ||
           (is_tilda(request_) && std::ranges::find(kTildaInputs, variable) != end(kTildaInputs));
  }

  void read_unknown() {
    for (const Sent& sent : sent_) {
      if (is_known(sent.variable, false)) continue;
      std::string name = on_one_line(sent.name);
      text::replace_all(name, "[]", "");
      if (!sent.intact && form_.unknown_to_comments && out_.unfit.empty()) {
        out_.unfit = name;
        fail("", "form_charset");
      }
      add_unknown(name, on_one_line(sent.text));
    }
    for (const Upload& upload : request_.uploads) {
      if (is_known(upload.field, true)) continue;
      add_unknown(on_one_line(upload.field), on_one_line(upload.filename) + " (a file of " +
                                                 std::to_string(upload.content.size()) +
                                                 " bytes, not kept)");
    }
    if (form_.unknown_to_comments) return shorten_unknown();
    for (const auto& [name, text] : out_.unknown)
      if (out_.ignored.size() < kUnknownFields) out_.ignored.push_back(name);
    out_.unknown.clear();
  }

  void add_unknown(const std::string& name, const std::string& text) {
    if (text.empty()) return;
    const auto before =
        std::ranges::find(out_.unknown, name, &std::pair<std::string, std::string>::first);
    if (before == out_.unknown.end())
      out_.unknown.emplace_back(name, text);
    else
      before->second += ", " + text;
  }

  // What is too much to be read is told of.
  void shorten_unknown() {
    for (auto& [name, text] : out_.unknown) {
      name = text::first_utf8(name, kUnknownName);
      const std::size_t length = text::length_utf8(text);
      if (length <= kUnknownLength) continue;
      text = std::string(text::first_utf8(text, kUnknownLength)) + "... (" +
             std::to_string(length) + " characters)";
    }
    if (out_.unknown.size() <= kUnknownFields) return;
    const std::size_t more = out_.unknown.size() - kUnknownFields;
    out_.unknown.resize(kUnknownFields);
    out_.unknown.emplace_back("...", std::to_string(more) + " more fields");
  }

  const Form& form_;
  const Request& request_;
  std::vector<Sent> sent_;
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

bool is_tilda(const Request& request) {
  const bool test = request.post.size() == 1 && request.post["test"].text() == "test";
  return !request.is_json() && (test || request.post.find("tranid") != nullptr);
}

bool is_tilda_test(const Request& request) {
  return is_tilda(request) && request.post.find("tranid") == nullptr;
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
    const bool shown = text::is_valid_utf8(text) && !text::has_control(text, true) &&
                       text::length_utf8(text) <= field.max_length;
    if (shown) values.set(field.name, text);
  }
  return values;
}

Value marks_of(const Form& form, const Value& params) {
  Value marks = Value::array();
  const auto take = [&](std::string_view name, std::string_view mark) {
    const Value& given = params[name];
    const std::string text = given.is_array() ? "" : printable(given.text());
    if (!text.empty()) marks.set(mark, text::first_utf8(text, kMarkLength));
  };
  for (const std::string_view name : kUtmInputs) take(name, text::upper(name));
  for (const std::string_view name : kClickInputs)
    if (form.find(name) == nullptr) take(name, name);
  return marks;
}

}  // namespace b24
