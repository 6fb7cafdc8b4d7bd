// catalogue: the messages of the pages in one language.
//
// messages.LANG.conf holds KEY = text, without sections. The English one says which keys there are.
// Errors are those of Templates::load.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "value/value.h"

namespace b24 {

inline constexpr std::string_view kEnglish = "en";  // what every other language falls back to

// What these begin is English in the programs themselves: the texts of the settings' table.
inline constexpr std::string_view kTranslatedOnly = "setting_";

using Messages = std::map<std::string, std::string, std::less<>>;  // KEY -> text

// A catalogue's file.
Result<Messages> read_messages(const std::string& file);
// Makes another catalogue have the keys of the English one: a text that is missing or has other
// {{names}} becomes the English one, a surplus one goes. The Error (broken_catalogue) names them.
Status make_alike(Messages& other, const Messages& english, const std::string& file);

// `text` with each {{name}} replaced by what `data` has under that name.
std::string fill(std::string_view text, const Value& data);

}  // namespace b24
