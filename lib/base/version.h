// version: what --version, the log of calls and checkserver name.
#pragma once

#include <string_view>

namespace b24 {

inline constexpr std::string_view kVersion = "0.2.0";

}  // namespace b24
