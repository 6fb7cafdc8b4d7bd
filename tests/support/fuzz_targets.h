// fuzz_targets: what the fuzzers feed, and what must hold whatever they feed. Run by tests/fuzz
// with inputs that libFuzzer makes up, and by the tests with the seeds.
#pragma once

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

namespace b24::test {

struct FuzzTarget {
  const char* name;  // of its seeds' directory
  // Throws std::logic_error when something that must hold does not.
  void (*run)(std::string_view input);
};

inline void must(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}
inline std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

void fuzz_query(std::string_view input);      // a query string or urlencoded body
void fuzz_names(std::string_view input);      // names of variables, one a line
void fuzz_multipart(std::string_view input);  // the content type, a line break, the body
void fuzz_json(std::string_view input);       // a document
void fuzz_request(std::string_view input);    // lines NAME=value, an empty line, the body
void fuzz_settings(std::string_view input);   // settings.conf
void fuzz_settings_php(std::string_view input);
void fuzz_answer(std::string_view input);    // a byte that chooses the status, the portal's answer
void fuzz_mask(std::string_view input);      // what stands around secrets
void fuzz_token(std::string_view input);     // what a form sends as its token
void fuzz_template(std::string_view input);  // data as JSON, a line break, the template
void fuzz_journal(std::string_view input);   // makes the records and the damage of a segment
void fuzz_event(std::string_view input);     // the content type, a line break, the body
inline constexpr std::array kFuzzTargets = {FuzzTarget{"query", fuzz_query},
                                            FuzzTarget{"names", fuzz_names},
                                            FuzzTarget{"multipart", fuzz_multipart},
                                            FuzzTarget{"json", fuzz_json},
                                            FuzzTarget{"request", fuzz_request},
                                            FuzzTarget{"settings", fuzz_settings},
                                            FuzzTarget{"settings_php", fuzz_settings_php},
                                            FuzzTarget{"webhook_answer", fuzz_answer},
                                            FuzzTarget{"mask", fuzz_mask},
                                            FuzzTarget{"token", fuzz_token},
                                            FuzzTarget{"template", fuzz_template},
                                            FuzzTarget{"journal", fuzz_journal},
                                            FuzzTarget{"event", fuzz_event}};

// Those that ask real PHP.
void fuzz_php_request(std::string_view input);  // query, line break, content type, line break, body
void fuzz_php_print(std::string_view input);    // a value as JSON
inline constexpr std::array kPhpFuzzTargets = {FuzzTarget{"php_request", fuzz_php_request},
                                               FuzzTarget{"php_print", fuzz_php_print}};

}  // namespace b24::test
