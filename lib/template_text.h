// template_text: the text of mustache templates before they are compiled: checked, partials put in.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "error.h"

namespace b24 {

class TemplateTexts {
 public:
  // A template NAME.mustache; `file` is its name for errors, which are those of Templates::load.
  // Checks its tags: closed, sections balanced, no other delimiters, no unknown kind.
  Status add(const std::string& name, std::string text, const std::string& file);

  // The text with all {{> NAME}} replaced by those templates, without comments and indentation.
  // Each {{t.KEY}} goes into `messages`. Error: a partial that is missing or includes itself.
  Result<std::string> expand(const std::string& name, std::set<std::string>& messages) const;
  // Those that no other includes: the pages.
  std::set<std::string> pages() const;

 private:
  struct Source {
    std::string file;
    std::string text;
    std::set<std::string> partials;
  };
  Status append(const std::string& name, int depth, std::string& result,
                std::set<std::string>& messages) const;
  std::map<std::string, Source> sources_;
};

// Lines without leading blanks, and no empty ones; what is in <pre> and <textarea> stays.
std::string without_indentation(std::string_view html);

}  // namespace b24
