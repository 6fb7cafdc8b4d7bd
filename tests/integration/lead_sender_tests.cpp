// lead_sender_tests: leads on their way into a scripted portal: batches that are refused as such,
// repeat customers.
#include "index/lead_sender.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "tls_server.h"
#include "value/json.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;

namespace lead_sender_tests {

const Authority& authority() {
  static const Authority shared;
  return shared;
}

const std::string kPage = "<html><body>Forbidden</body></html>";

std::string method_of(const Received& request) {
  const std::size_t slash = request.path.rfind('/');
  return request.path.substr(slash + 1, request.path.rfind(".json") - slash - 1);
}

// Runs each command of a batch by `run`, which answers {"result": ...} or {"error": ...}.
Reply run_batch(const Received& request,
                const std::function<std::string(const std::string& line)>& run) {
  Value results = Value::array(), errors = Value::array();
  const Value form = php::parse_query(request.body).value();
  for (const Value::Member& command : form["cmd"].members()) {
    const Value answer = json::parse(run(command.value.text())).value();
    if (const Value* result = answer.find("result")) {
      results.set(command.key, *result);
    } else {
      errors.set(command.key, answer);
    }
  }
  return test::json(json::print(
      Value::map({{"result", Value::map({{"result", results}, {"result_error", errors}})}})));
}

Item lead(const std::string& name, bool item_method = false) {
  Item item;
  item.payload = Value::map(
      {{"method", item_method ? "crm.item.add" : "crm.lead.add"},
       {"params", Value::map({{"fields", Value::map({{"NAME", name}})}})},
       {"lookup", Value::map({{"method", "crm.lead.list"}, {"params", Value::array()}})}});
  return item;
}

struct Portal {
  explicit Portal(TlsServer::Handler handler)
      : server(authority().issue("localhost"), std::move(handler)) {
    auto with = std::make_shared<Settings>();
    with->crest.web_hook_url = server.url("/rest/1/canary0123456789/");
    with->call.ca_file = authority().ca_file();
    settings = with;
  }
  std::vector<std::expected<std::string, CallError>> send(const std::vector<Item>& items) {
    std::vector<const Item*> pointers;
    for (const Item& item : items) pointers.push_back(&item);
    return LeadSender(settings, nullptr).send(pointers);
  }
  std::vector<std::string> methods() const {
    std::vector<std::string> seen;
    for (const Received& request : server.requests()) seen.push_back(method_of(request));
    return seen;
  }
  // The fields of the last call that made a lead.
  Value made() const {
    for (const Received& request : server.requests()) {
      if (method_of(request).ends_with(".add"))
        return php::parse_query(request.body).value()["fields"];
    }
    return Value();
  }
  TlsServer server;
  std::shared_ptr<const Settings> settings;
};

}  // namespace lead_sender_tests

BOOST_AUTO_TEST_SUITE(lead_sender_tests)

BOOST_AUTO_TEST_CASE(a_batch_that_is_refused_as_such_goes_lead_by_lead) {
  for (const int status : {413, 403, 406, 400}) {
    Portal portal([&](const Received& request) {
      const bool suspicious = request.body.find("poison") != std::string::npos;
      if (method_of(request) == "batch" || suspicious) return test::answer(status, kPage);
      return test::json(R"({"result":)" + std::to_string(100 + request.number) + "}");
    });
    BOOST_TEST_CONTEXT(status) {
      const auto made = portal.send({lead("Anna"), lead("poison"), lead("Boris")});
      BOOST_REQUIRE(made.size() == 3U);
      BOOST_REQUIRE(made[0]);
      BOOST_TEST(*made[0] == "102");
      BOOST_REQUIRE(!made[1]);
      BOOST_TEST(made[1].error().status == status);
      BOOST_REQUIRE(made[2]);
      BOOST_TEST(*made[2] == "104");
    }
  }
}

BOOST_AUTO_TEST_CASE(what_the_portal_itself_says_of_a_batch_is_not_asked_again) {
  const struct {
    int status;
    const char* body;
    Verdict verdict;
  } cases[] = {
      {401, R"({"error":"NO_AUTH_FOUND"})", Verdict::blocked},
      {401, "<html>401</html>", Verdict::blocked},
      {403, R"({"error":"ACCESS_DENIED"})", Verdict::blocked},
      {429, "<html>429</html>", Verdict::retry},
      {503, R"({"error":"QUERY_LIMIT_EXCEEDED"})", Verdict::retry},
      {503, R"({"error":"OVERLOAD_LIMIT"})", Verdict::blocked},
      {500, R"({"error":"INTERNAL_SERVER_ERROR"})", Verdict::look},
      {502, "<html>502</html>", Verdict::look},
      {408, "<html>408</html>", Verdict::look},
      {200, "<html>maintenance</html>", Verdict::look},
  };
  for (const auto& c : cases) {
    Portal portal([&](const Received&) { return test::answer(c.status, c.body); });
    BOOST_TEST_CONTEXT(c.status << " " << c.body) {
      for (const auto& outcome : portal.send({lead("Anna"), lead("Boris")})) {
        BOOST_REQUIRE(!outcome);
        BOOST_TEST((outcome.error().verdict == c.verdict));
      }
      BOOST_TEST(portal.server.requests().size() == 1U);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_lead_of_a_batch_has_its_own_outcome) {
  Portal portal([](const Received& request) {
    return run_batch(request, [](const std::string& line) -> std::string {
      if (line.find("refused") != std::string::npos) return R"({"error":"ERROR_CORE"})";
      if (line.find("broken") != std::string::npos) return R"({"error":"INTERNAL_SERVER_ERROR"})";
      if (line.find("odd") != std::string::npos) return R"({"result":0})";
      return R"({"result":7})";
    });
  });
  const auto made = portal.send({lead("refused"), lead("Anna"), lead("broken"), lead("odd")});
  BOOST_TEST((made[0].error().verdict == Verdict::permanent));
  BOOST_REQUIRE(made[1]);
  BOOST_TEST(*made[1] == "7");
  BOOST_TEST((made[2].error().verdict == Verdict::look));
  BOOST_TEST(made[3].error().error.code == "no_number");
  BOOST_TEST(portal.server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(repeat_customers_are_linked_and_a_failed_search_loses_no_lead) {
  const struct {
    const char* by_phone;  // what the search answers
    const char* by_email;
    const char* contact;
    const char* company;
  } cases[] = {
      {R"({"result":{"CONTACT":[12,13]}})", R"({"result":{"CONTACT":[99]}})", "12", ""},
      {R"({"result":[]})", R"({"result":{"CONTACT":[99],"COMPANY":["5"]}})", "99", "5"},
      {R"({"result":{"LEAD":[3]}})", R"({"result":[]})", "", ""},
      {R"({"error":"ACCESS_DENIED"})", R"({"result":{"COMPANY":[5]}})", "", "5"},
      {R"({"error":"ACCESS_DENIED"})", R"({"error":"INTERNAL_SERVER_ERROR"})", "", ""},
      {R"({"result":{"CONTACT":"x","COMPANY":[[]]}})", R"({"result":7})", "", ""},
      {nullptr, nullptr, "", ""},  // the search as a whole breaks
  };
  for (const auto& c : cases) {
    for (const bool item_method : {false, true}) {
      Portal portal([&](const Received& request) {
        if (method_of(request) != "batch")
          return test::json(item_method ? R"({"result":{"item":{"id":4}}})" : R"({"result":4})");
        if (c.by_phone == nullptr) return Reply{"", Reply::Then::reset};
        return run_batch(request, [&](const std::string& line) -> std::string {
          BOOST_TEST(line.starts_with("crm.duplicate.findbycomm?type="), line);
          return line.find("PHONE") != std::string::npos ? c.by_phone : c.by_email;
        });
      });
      BOOST_TEST_CONTEXT((c.by_phone == nullptr ? "broken" : c.by_phone) << item_method) {
        Item item = lead("Anna", item_method);
        item.payload.set("duplicates", Value::map({{"PHONE", Value::list({"+1"})},
                                                   {"EMAIL", Value::list({"a@example.com"})}}));
        const auto made = portal.send({item});
        BOOST_REQUIRE(made[0]);
        BOOST_TEST(*made[0] == "4");
        const Value fields = portal.made();
        BOOST_TEST(fields[item_method ? "contactId" : "CONTACT_ID"].text() == c.contact);
        BOOST_TEST(fields[item_method ? "companyId" : "COMPANY_ID"].text() == c.company);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_the_owner_fixed_is_not_replaced_by_what_was_found) {
  Portal portal([](const Received& request) {
    if (method_of(request) == "crm.lead.add") return test::json(R"({"result":4})");
    return test::json(R"({"result":{"CONTACT":[12],"COMPANY":[5]}})");
  });
  Item item = lead("Anna");
  item.payload["params"]["fields"].set("COMPANY_ID", "1");
  item.payload.set("duplicates", Value::map({{"PHONE", Value::list({"+1"})}}));
  BOOST_REQUIRE(portal.send({item})[0]);
  BOOST_TEST(portal.made()["COMPANY_ID"].text() == "1");
  BOOST_TEST(portal.made()["CONTACT_ID"].text() == "12");
  const std::vector<std::string> want{"crm.duplicate.findbycomm", "crm.lead.add"};
  BOOST_TEST(portal.methods() == want, boost::test_tools::per_element());
}

// Or each would make a contact of its own.
BOOST_AUTO_TEST_CASE(of_two_that_come_at_once_from_one_unknown_sender_the_second_waits) {
  const auto answer_to = [](const std::string& method) -> std::string {
    if (method.starts_with("crm.item.add")) return R"({"result":{"item":{"id":7}}})";
    return method.starts_with("crm.lead.add") ? R"({"result":4})" : R"({"result":[]})";
  };
  Portal portal([&](const Received& request) {
    if (method_of(request) == "batch") return run_batch(request, answer_to);
    return test::json(answer_to(method_of(request)));
  });
  std::vector<Item> items = {lead("Anna"), lead("Anne"), lead("Boris")};
  for (Item& item : items) {
    item.payload.set("contact", Value::map({{"method", "crm.item.add"},
                                            {"params", Value::map({{"entityTypeId", 3}})},
                                            {"lookup", Value::map({{"method", "crm.item.list"},
                                                                   {"params", Value::array()}})}}));
  }
  const Value same = Value::map({{"PHONE", Value::list({"+1"})}});
  items[0].payload.set("duplicates", same);
  items[1].payload.set("duplicates", same);
  const auto made = portal.send(items);
  BOOST_TEST(made[0].value() == "4");
  BOOST_REQUIRE(!made[1]);
  BOOST_TEST(made[1].error().error.code == "same_sender");
  BOOST_TEST((made[1].error().verdict == Verdict::retry));
  BOOST_TEST(made[2].value() == "4");
}

BOOST_AUTO_TEST_SUITE_END()
