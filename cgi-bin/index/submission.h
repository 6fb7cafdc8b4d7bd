// submission: what a visitor posted, checked against the form.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/form.h"
#include "value/value.h"
#include "web/request.h"

namespace b24 {

struct SubmittedFile {
  std::string field;
  std::string name;  // for the CRM only: no path, no control characters
  std::string content;
};

struct Submission {
  // Field name -> text, for each field that is not a file, in the form's order; always valid UTF-8.
  // Where there is an error: what to show again.
  Value values = Value::array();
  std::vector<SubmittedFile> files;
  Value marks = Value::array();  // UTM_SOURCE, ..., yclid, ..., TRACE: what came of them
  // Posted, but not in the form, as a person reads it: "services" -> "one, two"; a file by its
  // name. With form.unknown = ignore only the names are kept.
  std::vector<std::pair<std::string, std::string>> unknown;
  std::vector<std::string> ignored;
  // Field name ("" for the form as a whole) and the catalogue's key of the message, in the form's
  // order; empty: valid.
  std::vector<std::pair<std::string, std::string>> errors;
  std::string charset;    // in which the post was read
  std::string unfit;      // the field that an error of the whole form is about
  bool honeypot = false;  // the field that no person sees was filled

  bool valid() const { return errors.empty(); }
  std::string_view error(std::string_view field) const;
};

// What Tilda's webhook posts: its owner's fields, and "tranid", which tells one submission from
// another however often it comes. When the address is entered, "test=test" and nothing else.
bool is_tilda(const Request& request);
bool is_tilda_test(const Request& request);

// Checks a POST. A name that differs from a field's by case alone is that field's, and "name" is
// first_name's, where nothing else came for it; no member of JSON may be an object. It is read in
// the charset that it declares; where it declares none in UTF-8, or if it is not valid UTF-8 in
// `encoding` (C_REST_CURRENT_ENCODING; empty: none). A field that is not valid in that charset has
// an error.
Submission read_submission(const Form& form, const Request& request, const std::string& encoding);

// For showing the form filled with a link's or a foreign page's parameters: texts only, nothing is
// an error, what cannot be shown is left out.
Value prefill(const Form& form, const Request& request);

// The marks of advertising in parameters: UTM_SOURCE, ..., yclid, ... as far as they are there, and
// no field of the form has their name.
Value marks_of(const Form& form, const Value& params);

}  // namespace b24
