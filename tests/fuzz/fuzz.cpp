// fuzz: the target that FUZZ_TARGET names, for libFuzzer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "canary.h"
#include "fuzz_targets.h"

namespace {

const b24::test::FuzzTarget& chosen() {
  const char* const given = std::getenv("FUZZ_TARGET");
  const std::string_view name = given != nullptr ? given : "";
  for (const auto& target : b24::test::kFuzzTargets) {
    if (target.name == name) return target;
  }
  for (const auto& target : b24::test::kPhpFuzzTargets) {
    if (target.name == name) return target;
  }
  throw std::runtime_error("FUZZ_TARGET names no target");
}

}  // namespace

// What is fuzzed has the token in other places, too.
void b24::test::report_secrets_told(const std::filesystem::path&) noexcept {}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const b24::test::FuzzTarget& target = chosen();
  target.run({reinterpret_cast<const char*>(data), size});
  return 0;
}
