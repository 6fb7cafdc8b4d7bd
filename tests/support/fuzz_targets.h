// fuzz_targets: what the fuzzers feed, and what must hold whatever they feed. Run by tests/fuzz
// with inputs that libFuzzer makes up, and by the unit tests with the seeds.
#pragma once

#include <array>
#include <string_view>

namespace b24::test {

// Each throws std::logic_error when something that must hold does not.
void fuzz_query(std::string_view input);      // a query string
void fuzz_multipart(std::string_view input);  // the content type, a line break, the body
void fuzz_json(std::string_view input);       // a document
void fuzz_request(std::string_view input);    // lines NAME=value, an empty line, the body

struct FuzzTarget {
  const char* name;  // of its seeds' directory
  void (*run)(std::string_view input);
};
inline constexpr std::array kFuzzTargets = {
    FuzzTarget{"query", fuzz_query}, FuzzTarget{"multipart", fuzz_multipart},
    FuzzTarget{"json", fuzz_json}, FuzzTarget{"request", fuzz_request}};

}  // namespace b24::test
