// lead_sender_tests: which answers of the portal hold a lead's number.
#include "index/lead_sender.h"

#include <boost/test/unit_test.hpp>

#include "value/json.h"

using namespace b24;

namespace lead_sender_tests {

Answer answer(const char* result) {
  Answer answer;
  answer.result = json::parse(result).value();
  return answer;
}

}  // namespace lead_sender_tests

BOOST_AUTO_TEST_SUITE(lead_sender_tests)

BOOST_AUTO_TEST_CASE(only_a_number_is_the_number_of_a_new_lead) {
  const struct {
    const char *result, *number;
  } cases[] = {
      {"17", "17"},
      {"\"17\"", "17"},
      {R"({"item":{"id":17}})", "17"},
      {"true", ""},
      {"0", ""},
      {"-1", ""},
      {"\"\"", ""},
      {"[]", ""},
      {"{}", ""},
      {"null", ""},
      {"\"seventeen\"", ""},
      {R"({"item":{"id":true}})", ""},
      {R"({"item":1})", ""},
  };
  for (const auto& [result, number] : cases) {
    BOOST_TEST(made_number(answer(result)) == number, result);
  }
}

BOOST_AUTO_TEST_CASE(the_first_of_what_was_found_counts) {
  const struct {
    const char *result, *number;
  } cases[] = {
      {R"([{"ID":"5"},{"ID":"6"}])", "5"},
      {R"({"items":[{"id":5}]})", "5"},
      {"[]", ""},
      {R"({"items":[]})", ""},
      {R"([{"ID":true}])", ""},
      {"true", ""},
  };
  for (const auto& [result, number] : cases) {
    BOOST_TEST(found_number(answer(result)) == number, result);
  }
}

BOOST_AUTO_TEST_SUITE_END()
