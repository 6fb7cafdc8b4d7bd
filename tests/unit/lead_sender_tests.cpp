// lead_sender_tests: which answers of the portal hold a lead's number, and what a search for its
// sender that fails means.
#include "index/lead_sender.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "index/customer.h"
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

// Nothing may be made of whoever must not be made twice while nobody knows whether he is there.
BOOST_AUTO_TEST_CASE(a_search_that_fails_lets_nobody_be_made_twice) {
  const struct {
    const char* wanted;
    Verdict verdict;
    bool waits;
  } cases[] = {
      {R"("comment":{})", Verdict::retry, true},
      {R"("contact":{"method":"crm.item.add","lookup":{"method":"crm.item.list"}})", Verdict::retry,
       true},
      {R"("comment":{})", Verdict::look, true},
      {R"("comment":{})", Verdict::permanent, false},  // a lead is worth more than its link
      {R"("comment":{})", Verdict::blocked, false},
      {R"("link":true)", Verdict::retry, false},
  };
  for (const auto& [wanted, verdict, waits] : cases) {
    Item item;
    item.payload = json::parse(R"({"duplicates":{"PHONE":["1"],"EMAIL":["a@b.cc"]},)" +
                               std::string(wanted) + "}")
                       .value();
    std::vector<std::string> called;
    const auto fail = [&](const std::vector<b24::Command>& commands) {
      std::vector<CallResult> answers;
      for (const b24::Command& command : commands) {
        called.push_back(command.method);
        CallError error;
        error.error.code = "away";
        error.verdict = verdict;
        answers.push_back(std::unexpected(error));
      }
      return answers;
    };
    const Customer customer = look_for_customers({&item}, fail, true).front();
    BOOST_TEST_CONTEXT(wanted << " " << static_cast<int>(verdict)) {
      BOOST_TEST(customer.error.has_value() == waits);
      BOOST_TEST((commented(item, customer) == nullptr));
      BOOST_TEST(std::ranges::count(called, "crm.duplicate.findbycomm") == 2);
      BOOST_TEST(std::ranges::count(called, "crm.item.add") == 0);
      if (!waits) continue;
      BOOST_TEST((customer.error->verdict == Verdict::retry));  // nothing was changed
      BOOST_TEST(customer.error->error.code == "away");
    }
  }
}

// Of whoever is found his deals are asked for: that, too, may fail.
BOOST_AUTO_TEST_CASE(deals_that_cannot_be_looked_at_make_the_comment_wait) {
  Item item;
  item.payload = json::parse(R"({"duplicates":{"PHONE":["1"]},"comment":{}})").value();
  const auto half = [&](const std::vector<b24::Command>& commands) {
    std::vector<CallResult> answers;
    for (const b24::Command& command : commands) {
      if (command.method == "crm.duplicate.findbycomm") {
        answers.emplace_back(lead_sender_tests::answer(R"({"CONTACT":[7]})"));
      } else {
        CallError error;
        error.verdict = Verdict::look;
        answers.push_back(std::unexpected(error));
      }
    }
    return answers;
  };
  const Customer customer = look_for_customers({&item}, half, true).front();
  BOOST_TEST(customer.contact == "7");
  BOOST_REQUIRE(customer.error.has_value());
  BOOST_TEST((customer.error->verdict == Verdict::retry));
  BOOST_TEST((commented(item, customer) == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
