// canary: looks for the secrets of a test's settings in what the programs wrote.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace b24::test {

// Below `dir`: each log and store, and what else is in data directories, that has a secret of a
// settings.conf below it, or of those that all tests use, as "file: secret".
std::vector<std::string> secrets_told(const std::filesystem::path& dir);

// The same, for tests/run-suites, which counts it as a failure. What a test puts there on purpose
// it takes away itself.
void report_secrets_told(const std::filesystem::path& dir) noexcept;

}  // namespace b24::test
