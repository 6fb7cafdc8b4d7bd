// faults: the table of modes.
#include "faults.h"

#include <algorithm>

namespace sandbox {

namespace {

constexpr FaultMode kModes[] = {
    {"ok", FaultKind::none},
    {"down", FaultKind::gateway},
    {"closed", FaultKind::close},
    {"slow", FaultKind::delay},
    {"reset", FaultKind::cut},
    {"limit", FaultKind::answer, 503, "QUERY_LIMIT_EXCEEDED", "Too many requests"},
    {"overload", FaultKind::answer, 503, "OVERLOAD_LIMIT", "REST API is blocked due to overload"},
    {"operating", FaultKind::answer, 429, "OPERATION_TIME_LIMIT",
     "Method is blocked due to operation time limit."},
    {"html", FaultKind::answer, 200, "", "", true},
    {"untimed", FaultKind::answer, 200},
    {"empty-error", FaultKind::answer, 400, "", "Access denied."},
    {"expired", FaultKind::answer, 401, "expired_token", "The access token provided has expired"},
    {"server-error", FaultKind::answer, 500, "INTERNAL_SERVER_ERROR", "Internal server error"},
    {"created-then-timeout", FaultKind::silence, 0, "", "", false, true},
};

bool applies(const Fault& fault, const std::string& method) {
  if (!fault.method.empty()) return method == fault.method;
  return !fault.mode->creating_only || method.ends_with(".add");
}

}  // namespace

const FaultMode* find_mode(std::string_view name) {
  for (const FaultMode& mode : kModes)
    if (mode.name == name) return &mode;
  return nullptr;
}

std::span<const FaultMode> all_modes() {
  return kModes;
}

std::string mode_names() {
  std::string names;
  for (const FaultMode& mode : kModes) {
    if (!names.empty()) names += ", ";
    names += mode.name;
  }
  return names;
}

Faults::Faults() : fault_{&kModes[0]} {}

Fault Faults::take(const std::vector<std::string>& methods) {
  const bool hit = fault_.mode->kind != FaultKind::none &&
                   std::ranges::any_of(methods, [this](const std::string& method) {
                     return applies(fault_, method);
                   });
  if (!hit) return Fault{&kModes[0]};
  Fault taken = fault_;
  if (fault_.left > 0 && --fault_.left == 0) fault_ = Fault{&kModes[0]};
  return taken;
}

}  // namespace sandbox
