// catalogue: the messages of the pages in each language, and which language a visitor gets.
//
// messages.LANG.conf holds KEY = text, without sections. The English one says which keys there are.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "error.h"
#include "value.h"

namespace b24 {

using Messages = std::map<std::string, std::string, std::less<>>;  // KEY -> text

class Catalogues {
 public:
  // Takes one catalogue; `file` is its name for errors, which are those of Templates::load.
  Status add(const std::string& language, std::string_view text, const std::string& file);
  // Once all are there: that English is among them, and that the others match it.
  Status check(const std::string& dir) const;

  // The catalogue of a language, or else the English one. REQUIRES: checked.
  const Messages& messages(std::string_view language) const;
  bool has(std::string_view language) const { return all_.contains(language); }
  std::vector<std::string> languages() const;
  // See Templates::choose_language.
  std::string choose(std::string_view setting, std::string_view accept_language) const;

 private:
  struct Catalogue {
    std::string file;
    Messages messages;
  };
  std::map<std::string, Catalogue, std::less<>> all_;
};

// `text` with each {{name}} replaced by what `data` has under that name.
std::string fill(std::string_view text, const Value& data);

}  // namespace b24
