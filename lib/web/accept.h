// accept: what a visitor's browser says it would rather have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace b24 {

// Whether an Accept header prefers application/json to text/html: by quality, then by how exactly
// each is named, then by which comes first.
bool prefers_json(std::string_view accept);

// `setting` (a language or "auto") and an Accept-Language header -> one of `languages`; English
// when in doubt.
std::string choose_language(const std::vector<std::string>& languages, std::string_view setting,
                            std::string_view accept_language);

}  // namespace b24
