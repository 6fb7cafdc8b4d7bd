// check_facts: what a run of the self-check sees where all is well, for tests to break one thing
// in.
#pragma once

#include <expected>
#include <string_view>
#include <vector>

#include "checkserver/check.h"
#include "checkserver/check_seen.h"

namespace b24::check {

inline constexpr Millis kNow = 1'764'000'000'000;

// Of events that came every hour or so for a month, the last one then.
inline std::string rhythm_until(Millis last) {
  return "{\"ONX\":[" + std::to_string(last - 30 * kDay) + "," + std::to_string(last) +
         ",3600000,1000]}";
}
inline constexpr const char* kUrl = "https://example.bitrix24.com/rest/1/abcdefabcdef1234/";

// The installed ones.
const Templates& templates();

// What is changed to break one thing.
struct Facts {
  Settings settings;
  Subject subject;
  Seen seen;
  bool without_settings = false;
};

Facts good_facts();
std::vector<Row> judged(Facts facts);
const Row& row_of(const std::vector<Row>& rows, std::string_view id);

Answer answer(Value result);
void set_answer(Facts& f, std::string_view key, const CallResult& outcome);
CallError refusal(const char* code, int status);
Error fault(const char* code);

}  // namespace b24::check
