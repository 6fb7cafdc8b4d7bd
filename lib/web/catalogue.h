// catalogue: the messages of the pages in one language, and which language a visitor gets.
//
// messages.LANG.conf holds KEY = text, without sections. The English one says which keys there are.
// Errors are those of Templates::load.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "value/value.h"

namespace b24 {

using Messages = std::map<std::string, std::string, std::less<>>;  // KEY -> text

// The text of a catalogue; `file` is its name for errors.
Result<Messages> parse_messages(std::string_view text, const std::string& file);
// Compares another catalogue with the English one and drops the texts whose {{names}} differ. The
// first difference, a missing or surplus key too, is the Error (broken_catalogue).
Status drop_unlike(const Messages& english, Messages& other, const std::string& file);

// See Templates::choose_language.
std::string choose_language(const std::vector<std::string>& languages, std::string_view setting,
                            std::string_view accept_language);

// `text` with each {{name}} replaced by what `data` has under that name.
std::string fill(std::string_view text, const Value& data);

}  // namespace b24
