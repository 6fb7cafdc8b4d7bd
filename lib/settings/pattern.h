// pattern: POSIX extended regular expressions over UTF-8, for texts that strangers write.
#pragma once

#include <string>

namespace b24 {

// Why a pattern cannot be used; empty when it can. Refused besides what is no expression: escapes
// that POSIX does not know (\d, \w), since they would silently mean the letter, and back
// references, since matching them can take for ever.
std::string pattern_fault(const std::string& pattern);

// Whether the whole of `text` matches; linear in the text for patterns without a fault.
bool matches(const std::string& pattern, const std::string& text);

}  // namespace b24
