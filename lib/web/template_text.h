// template_text: the text of mustache templates before they are compiled: checked, partials put in.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"

namespace b24 {

// Reads the templates of a directory as they are needed. Errors are those of Templates::load.
class TemplateTexts {
 public:
  // `names`: the templates there are, NAME for NAME.mustache.
  TemplateTexts(std::string dir, std::set<std::string> names)
      : dir_(std::move(dir)), names_(std::move(names)) {}

  // Checks the tags of one template: closed, sections balanced, no other delimiters, no unknown
  // kind.
  Status check(const std::string& name);
  // The text with all {{> NAME}} replaced by those templates, without comments and indentation.
  // Each {{t.KEY}} goes into `messages`. Error, too: a partial that is missing or includes itself.
  Result<std::string> expand(const std::string& name, std::set<std::string>& messages);
  // Of those that were read, the ones that no other includes: the pages.
  std::set<std::string> pages() const;

 private:
  struct Source {
    std::string file;
    std::string text;
    std::set<std::string> partials;
  };
  Result<const Source*> source(const std::string& name);
  Status append(const std::string& name, int depth, std::string& result,
                std::set<std::string>& messages);
  std::string dir_;
  std::set<std::string> names_;
  std::map<std::string, Source> sources_;
};

// Lines without leading blanks, and no empty ones; what is in <pre> and <textarea> stays.
std::string without_indentation(std::string_view html);

}  // namespace b24
