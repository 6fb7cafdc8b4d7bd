// refused: tells the owner, in the log, what is refused, and which setting would have it taken.
#pragma once

#include <string_view>

#include "settings/app.h"
#include "web/request.h"

namespace b24 {

// `code`: the counter's, "refused.origin", ...
void tell_refused(const App& app, const FormSettings& form, const Request& request,
                  std::string_view code, std::string_view cause = "");

}  // namespace b24
