// query_fuzz: query strings and urlencoded bodies, for libFuzzer.
#include <cstddef>
#include <cstdint>

#include "fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  b24::test::fuzz_query({reinterpret_cast<const char*>(data), size});
  return 0;
}
