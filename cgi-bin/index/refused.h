// refused: tells the owner, in the log, what is refused or left out, and which setting would have
// it taken.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keep/store.h"
#include "settings/app.h"
#include "web/request.h"

namespace b24 {

// `code`: the counter's, "refused.origin", ...
void tell_refused(const App& app, const FormSettings& form, const Request& request,
                  std::string_view code, std::string_view cause = "");

// Which fields are posted that the form does not take: each name once, as long as the store
// remembers it; no more than some hundred in all.
void tell_ignored(const std::vector<std::string>& names, Store& store, Log& log);

}  // namespace b24
