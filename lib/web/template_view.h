// template_view: one template, compiled, and how a Value is seen by it; the only place that knows
// the mustache library.
#pragma once

#include <kainjow/mustache.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "value/value.h"

namespace b24 {

using TemplateFiles = std::map<std::string, std::string>;  // "index.mustache" -> its path

class TemplateView {
 public:
  static constexpr char kText = ':';

  // NAME.mustache of `files`, which has it, with all {{> OTHER}} replaced by those templates,
  // without comments and indentation. Error (broken_template): a tag that is not closed,
  // unbalanced sections, other delimiters, a partial that is missing or includes itself; those of
  // the system when the file cannot be read.
  static Result<TemplateView> make(const TemplateFiles& files, const std::string& name);

  // A text that stands in a setting, as it is: no partials and no {{t.KEY}}; values go through
  // `escape`. The same error, of tags.
  using Escape = std::string (*)(const std::string& value);
  static Result<TemplateView> of_text(std::string_view text, Escape escape);

  // Each KEY of {{t.KEY}}, and the names of the templates that it includes.
  const std::set<std::string>& keys() const { return keys_; }
  const std::set<std::string>& parts() const { return parts_; }
  // A name is looked up in `constants`, then in `data`; {{t.KEY}} as "t:KEY". Safe from all
  // threads.
  std::string render(const Value& data, const Value& constants) const;

 private:
  TemplateView(kainjow::mustache::mustache view, std::set<std::string> keys,
               std::set<std::string> parts)
      : view_(std::move(view)), keys_(std::move(keys)), parts_(std::move(parts)) {}
  // The library's render is not const only because partials and lambdas keep their error in the
  // object; there are neither here, so that threads may share it.
  mutable kainjow::mustache::mustache view_;
  std::set<std::string> keys_, parts_;
};

// Lines without leading blanks, and no empty ones; a text with a <pre> in it stays as it is.
std::string without_indentation(std::string_view text);

Error broken_template(std::string cause);

}  // namespace b24
