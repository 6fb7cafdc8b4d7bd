// search_tests: what an owner looks for is found: at once by name, phone, e-mail, ID, event and
// object; within a bound in the texts.
#include "keep/search.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "base/text.h"
#include "keep/item_words.h"
#include "raw_sql.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace search_tests {

using Ids = std::vector<std::string>;

Value lead_payload(const char* first, const char* last, const char* phone, const char* email,
                   const char* comments) {
  return Value::map(
      {{"params",
        Value::map(
            {{"fields",
              Value::map(
                  {{"NAME", first},
                   {"LAST_NAME", last},
                   {"COMMENTS", comments},
                   {"PHONE", Value::list({Value::map({{"VALUE", phone}, {"VALUE_TYPE", "WORK"}})})},
                   {"EMAIL",
                    Value::list({Value::map({{"VALUE", email}, {"VALUE_TYPE", "WORK"}})})}})}})}});
}

struct SearchFixture : StoreFixture {
  std::int64_t add(const std::string& id, Value payload, Kind kind = Kind::lead,
                   const std::string& name = "form", const std::string& object = "") {
    now += kMinute;
    NewItem item = new_item(kind, id, object);
    item.name = name;
    item.payload = std::move(payload);
    return test::accept(*store, item);
  }
  SearchPage page(const std::string& typed, ListFilter filter = list_of(Kind::lead),
                  bool in_texts = false) {
    return good(search(*store, filter, typed, in_texts));
  }
  Ids find(const std::string& typed, ListFilter filter = list_of(Kind::lead),
           bool in_texts = false) {
    Ids ids;
    for (const Item& item : page(typed, filter, in_texts).items) ids.push_back(item.id);
    return ids;
  }
};

struct ThreeLeads : SearchFixture {
  ThreeLeads() {
    add("01aaaaaaaa", lead_payload("Пётр", "О’Нил", "+7 (912) 345-67-89", "Petr.Oneil@Example.com",
                                   "Нужны двери"));
    add("01bbbbbbbb", lead_payload("Petr", "Schmidt", "8 912 345 67 89", "a@b.example", "Fenster"));
    add("01cccccccc", lead_payload("Anna", "Schmidt-Meier", "12345", "anna@b.example", "Türen"));
  }
};

}  // namespace search_tests

BOOST_AUTO_TEST_SUITE(search_tests)

BOOST_AUTO_TEST_CASE(letters_are_folded_as_people_compare_them) {
  BOOST_TEST(text::fold("ÀÖØÞ Straße АЯЁЀЏ яё ΑΡΣΩ 1_x") == "àöøþ straße аяеѐџ яе αρσω 1_x");
  BOOST_TEST(text::fold("\xff\xc3") == "\xff\xc3");
}

BOOST_FIXTURE_TEST_CASE(a_lead_is_found_by_what_it_is_known_by, ThreeLeads) {
  BOOST_TEST(find("ПЕТР") == (Ids{"01aaaaaaaa"}));
  BOOST_TEST(find("schmidt") == (Ids{"01cccccccc", "01bbbbbbbb"}));
  BOOST_TEST(find("Petr Schmidt") == (Ids{"01bbbbbbbb"}));
  BOOST_TEST(find("Schmidt-Meier, Anna") == (Ids{"01cccccccc"}));
  BOOST_TEST(find("petr.oneil@example.COM") == (Ids{"01aaaaaaaa"}));
  BOOST_TEST(find("+79123456789") == (Ids{"01bbbbbbbb", "01aaaaaaaa"}));
  BOOST_TEST(find("9123456789") == (Ids{"01bbbbbbbb", "01aaaaaaaa"}));
  BOOST_TEST(find(" 12345 ") == (Ids{"01cccccccc"}));
  BOOST_TEST(find("01bbbb") == (Ids{"01bbbbbbbb"}));
  BOOST_TEST(find("Petr Meier") == Ids{});
  BOOST_TEST(find("") == (Ids{"01cccccccc", "01bbbbbbbb", "01aaaaaaaa"}));
  BOOST_TEST(!page("schmidt").in_texts);
}

BOOST_FIXTURE_TEST_CASE(anything_else_is_looked_for_in_the_texts, ThreeLeads) {
  BOOST_TEST(find("ДВЕР") == (Ids{"01aaaaaaaa"}));
  BOOST_TEST(page("ДВЕР").in_texts);
  BOOST_TEST(find("enster") == (Ids{"01bbbbbbbb"}));
  BOOST_TEST(find("schmi", list_of(Kind::lead), true) == (Ids{"01cccccccc", "01bbbbbbbb"}));
  BOOST_TEST(find("%") == Ids{});
  BOOST_TEST(find("' OR 1=1 --") == Ids{});
  BOOST_TEST(find("\"") == Ids{});
}

BOOST_FIXTURE_TEST_CASE(states_and_days_narrow_a_search, ThreeLeads) {
  good(store->fail(good(store->find(Kind::lead, "01bbbbbbbb"))->number, {}));
  ListFilter failed = list_of(Kind::lead);
  failed.state = State::failed;
  BOOST_TEST(find("schmidt", failed) == (Ids{"01bbbbbbbb"}));
  ListFilter day = list_of(Kind::lead);
  day.since = now - kMinute;
  day.until = now;
  BOOST_TEST(find("", day) == (Ids{"01bbbbbbbb"}));
  BOOST_TEST(find("schmidt", day) == (Ids{"01bbbbbbbb"}));
  day.since = now + 1;
  day.until = now + 2;
  BOOST_TEST(find("", day) == Ids{});
  day = list_of(Kind::lead);
  day.until = now - 5 * kDay;
  BOOST_TEST(find("", day) == Ids{});
}

BOOST_FIXTURE_TEST_CASE(an_event_is_found_by_name_object_and_text, SearchFixture) {
  const auto payload = [](const char* id) {
    return Value::map({{"data", Value::map({{"FIELDS", Value::map({{"ID", id}})}})}});
  };
  add("e1e1e1e1", payload("7"), Kind::event, "ONCRMDEALUPDATE", "ONCRMDEAL:7");
  add("e2e2e2e2", payload("77"), Kind::event, "ONCRMDEALADD", "ONCRMDEAL:77");
  const ListFilter events = list_of(Kind::event);
  BOOST_TEST(find("oncrmdealadd", events) == (Ids{"e2e2e2e2"}));
  BOOST_TEST(!page("oncrmdealadd", events).in_texts);
  BOOST_TEST(find("oncrmdeal:77", events) == (Ids{"e2e2e2e2"}));
  BOOST_TEST(find("DEAL", events) == (Ids{"e2e2e2e2", "e1e1e1e1"}));
  BOOST_TEST(find("77", events) == (Ids{"e2e2e2e2"}));
  BOOST_TEST(find("ONNOTHING", events) == Ids{});
}

BOOST_FIXTURE_TEST_CASE(pages_follow_one_another_without_gap_or_repeat, SearchFixture) {
  for (int i = 0; i < 25; ++i)
    add("id" + std::to_string(100'000 + i), lead_payload("Anna", "", "", "", "needle"));
  for (const bool in_texts : {false, true}) {
    ListFilter filter = list_of(Kind::lead, 10);
    Ids seen;
    int pages = 0;
    do {
      const SearchPage found = page(in_texts ? "needle" : "anna", filter, in_texts);
      for (const Item& item : found.items) seen.push_back(item.id);
      filter.after = found.after;
      ++pages;
    } while (filter.after != 0 && pages < 10);
    BOOST_TEST(seen.size() == 25u);
    BOOST_TEST(std::set<std::string>(seen.begin(), seen.end()).size() == 25u);
    BOOST_TEST(pages == 3);
  }
}

BOOST_FIXTURE_TEST_CASE(a_look_into_texts_ends_and_says_where, SearchFixture) {
  std::vector<NewItem> many;
  for (std::size_t i = 0; i <= kLookedThrough; ++i) {
    many.push_back(new_item(Kind::lead, "x" + std::to_string(i)));
    many.back().received_at = now + static_cast<Millis>(i);
  }
  good(store->accept(many));
  const SearchPage found = page("nowhere to be found");
  BOOST_TEST(found.items.empty());
  BOOST_TEST(found.looked_back_to == now + 1);
  ListFilter rest = list_of(Kind::lead);
  rest.after = found.after;
  BOOST_TEST(page("payload of x0", rest, true).items.size() == 1u);
  BOOST_TEST(page("payload of x0", rest, true).looked_back_to == 0);
}

BOOST_FIXTURE_TEST_CASE(what_is_set_aside_or_erased_by_hand_is, SearchFixture) {
  const auto number = add("01aaaaaaaa", lead_payload("Anna", "", "", "", ""));
  good(store->set_aside(number));
  BOOST_TEST((item(number).state == State::spam));
  BOOST_TEST(good(store->history(number)).back().outcome == "spam by hand");
  BOOST_TEST(code_of(store->set_aside(number)) == "no_such_item");
  BOOST_TEST(good(store->claim(Kind::lead, 1)).empty());
  good(store->retry_now(number));
  BOOST_TEST(good(store->claim(Kind::lead, 1)).size() == 1u);
  BOOST_TEST(code_of(store->set_aside(number)) == "in_work");
  BOOST_TEST(code_of(store->erase(number)) == "in_work");
  good(store->done(number, {}));
  BOOST_TEST(code_of(store->set_aside(number)) == "no_such_item");
  good(store->erase(number));
  BOOST_TEST(!good(store->find(number)));
  BOOST_TEST(good(store->history(number)).empty());
  BOOST_TEST(find("anna") == Ids{});
  BOOST_TEST(good(store->stats(Kind::lead)).done == 0);
  BOOST_TEST(code_of(store->erase(number)) == "no_such_item");
  close();
  BOOST_TEST(!read_file(dir / "store.db").contains("Anna"));
}

BOOST_AUTO_TEST_CASE(a_store_of_before_is_brought_up_where_it_is, *of_sqlite()) {
  SearchFixture fixture;
  fixture.add("01aaaaaaaa", lead_payload("Anna", "", "", "", ""));
  fixture.close();
  RawSql(fixture.dir / "store.db")
      .run("DROP TRIGGER items_lost; DROP TABLE finds; PRAGMA user_version = 5");
  fixture.store = fixture.open();
  BOOST_TEST(fixture.find("01aaaa") == (Ids{"01aaaaaaaa"}));
  BOOST_TEST(fixture.find("anna") == (Ids{"01aaaaaaaa"}));  // by its text
  fixture.add("01bbbbbbbb", lead_payload("Berta", "", "", "", ""));
  BOOST_TEST(!fixture.page("berta").in_texts);
}

BOOST_AUTO_TEST_SUITE_END()
