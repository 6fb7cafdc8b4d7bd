// salvage_tests: what is taken over from a damaged store: all that lies on sound pages, never
// twice.
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>

#include "decorators.h"
#include "raw_sql.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace salvage_tests {

constexpr std::size_t kPage = 4096;

using Rows = std::map<std::string, Item>;  // by kind and id

Rows rows_of(Store& store) {
  Rows rows;
  ListFilter all;
  all.limit = 100'000;
  for (Item& item : good(store.list(all))) {
    const std::string key = std::string(name(item.kind)) + " " + item.id;
    const bool is_new = rows.emplace(key, std::move(item)).second;
    BOOST_TEST(is_new, key);
  }
  return rows;
}

// On which pages each item lies: its leaf, and what overflows from it.
std::map<std::string, std::set<std::size_t>> places(const fs::path& file, const Rows& rows) {
  std::map<std::int64_t, std::string> by_number;
  for (const auto& [key, item] : rows) by_number[item.number] = key;
  std::map<std::string, std::set<std::size_t>> pages;
  std::map<std::string, std::string> by_cell;  // "/000/001/002"
  auto next = by_number.begin();
  RawSql(file).for_each(
      "SELECT pageno, pagetype, path, ncell FROM dbstat WHERE name = 'items'"
      " ORDER BY pagetype, path",
      [&](sqlite3_stmt* row) {
        const auto page = static_cast<std::size_t>(sqlite3_column_int64(row, 0));
        const std::string type(reinterpret_cast<const char*>(sqlite3_column_text(row, 1)));
        const std::string path(reinterpret_cast<const char*>(sqlite3_column_text(row, 2)));
        if (type == "leaf") {
          for (int cell = 0; cell < sqlite3_column_int(row, 3); ++cell, ++next) {
            BOOST_REQUIRE(next != by_number.end());
            pages[next->second].insert(page);
            char hex[16];
            std::snprintf(hex, sizeof hex, "%03x", cell);
            by_cell[path + hex] = next->second;
          }
        } else if (type == "overflow") {
          pages[by_cell.at(path.substr(0, path.find('+')))].insert(page);
        }
      });
  BOOST_REQUIRE_EQUAL(pages.size(), rows.size());
  return pages;
}

struct SalvageFixture : StoreFixture {
  Rows rows;
  std::string sound;  // the file
  std::map<std::string, std::set<std::size_t>> pages;
  std::string fresh;   // a store begun anew
  std::string filled;  // one that was filled again from the journal

  SalvageFixture() {
    fill(*store, 30);
    for (const Item& lead : good(store->claim(Kind::lead, 10)))
      good(store->done(lead.number, {.result = std::to_string(lead.number % 1000)}));
    for (const Item& event : good(store->claim(Kind::event, 5)))
      good(store->fail(event.number, {.code = "ERROR"}));
    good(store->remember("notify.told", "7"));
    good(store->remember("journal.lead", "of the old store"));
    rows = rows_of(*store);
    close();
    sound = read_file(dir / "store.db");
    pages = places(dir / "store.db", rows);
    fresh = begin_anew([](Store&) {});
    filled = begin_anew([this](Store& anew) { fill(anew, 30); });
  }

  // Leads and events, some of which overflow their page.
  static void fill(Store& into, int count) {
    std::vector<NewItem> items;
    for (int i = 0; i < count; ++i) {
      for (const Kind kind : {Kind::lead, Kind::event}) {
        items.push_back(new_item(kind, "id-" + std::to_string(i)));
        items.back().received_at = 1'800'000'000'000 + i;
        items.back().payload.set("words", std::string(i % 7 == 0 ? 9'000 : 400, 'w'));
      }
    }
    good(into.accept(items));
  }

  std::string begin_anew(const std::function<void(Store&)>& work) {
    fs::remove(dir / "store.db");
    store = open();
    work(*store);
    close();
    return read_file(dir / "store.db");
  }

  // With this file in place of the one that is put aside, and that one in use.
  Result<Store::Salvaged> salvage(const std::string& damaged, const std::string& in_use) {
    close();
    write_file(dir / "aside.db", damaged);
    write_file(dir / "store.db", in_use);
    store = open();
    return store->salvage(dir / "aside.db");
  }

  bool is_sound(const std::string& key, const std::set<std::size_t>& damaged) const {
    return std::ranges::none_of(pages.at(key),
                                [&](std::size_t page) { return damaged.contains(page); });
  }

  // Nothing of the sound pages is missing, nothing is there twice, what was lost is told.
  void check(const std::string& damaged, const std::set<std::size_t>& broken) {
    const auto done = good(salvage(damaged, fresh));
    const Rows saved = rows_of(*store);
    // What is there under a damaged id, where the bit was the id's, is not lost.
    std::set<std::int64_t> numbers;
    for (const auto& [key, item] : saved) numbers.insert(item.number);
    std::int64_t lost = 0;
    for (const auto& [key, item] : rows) {
      const auto found = saved.find(key);
      if (found == saved.end() && !numbers.contains(item.number)) ++lost;
      if (!is_sound(key, broken)) continue;
      BOOST_REQUIRE_MESSAGE(found != saved.end(), key << " lies on a sound page");
      BOOST_TEST((found->second.state == item.state), key);
      BOOST_TEST(found->second.number == item.number, key);
      BOOST_TEST(found->second.result == item.result, key);
      BOOST_TEST((found->second.payload == item.payload), key);
      BOOST_TEST(found->second.unsure == (item.kind == Kind::lead && item.state == State::pending),
                 key);
    }
    BOOST_TEST(saved.size() <= rows.size());
    if (lost > 0) BOOST_TEST((done.lost > 0 || !done.faults.empty()));

    good(salvage(damaged, filled));
    BOOST_TEST(rows_of(*store).size() == rows.size());
  }
};

}  // namespace salvage_tests

BOOST_AUTO_TEST_SUITE(salvage_tests)

BOOST_FIXTURE_TEST_CASE(a_flipped_bit_costs_at_most_what_lies_on_its_page, SalvageFixture,
                        *shows("A28")) {
  std::minstd_rand random(7);
  for (std::size_t page = 1; page * kPage <= sound.size(); ++page) {
    BOOST_TEST_CONTEXT("page " << page) {
      for (const std::size_t at : {std::size_t{random() % kPage}, page == 1 ? 0 : random() % 8}) {
        std::string damaged = sound;
        char& byte = damaged[(page - 1) * kPage + at];
        byte = static_cast<char>(byte ^ (1 << random() % 8));
        check(damaged, {page});
      }
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_cut_costs_at_most_what_lies_behind_it, SalvageFixture, *shows("A28")) {
  std::set<std::size_t> gone;
  for (std::size_t page = sound.size() / kPage; page > 0; --page) {
    gone.insert(page);
    BOOST_TEST_CONTEXT("cut to " << page - 1 << " pages") {
      check(sound.substr(0, (page - 1) * kPage), gone);
    }
  }
}

// The interior pages only say where the leaves are.
BOOST_FIXTURE_TEST_CASE(a_store_without_its_trees_loses_nothing, StoreFixture) {
  SalvageFixture::fill(*store, 1'500);
  close();
  std::string damaged = read_file(dir / "store.db");
  int interior = 0;
  RawSql(dir / "store.db")
      .for_each("SELECT pageno FROM dbstat WHERE pagetype = 'internal'", [&](sqlite3_stmt* row) {
        const auto page = static_cast<std::size_t>(sqlite3_column_int64(row, 0));
        if (page > 1) damaged.replace((page - 1) * kPage, kPage, kPage, 'x');
        ++interior;
      });
  BOOST_TEST(interior > 5);
  write_file(dir / "aside.db", damaged);
  fs::remove(dir / "store.db");
  store = open();
  BOOST_TEST(good(store->salvage(dir / "aside.db")).read == 3'000);
  BOOST_TEST(rows_of(*store).size() == 3'000u);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_id_makes_no_second_item, SalvageFixture) {
  std::string damaged = sound;
  // In the row and in the indexes.
  for (std::size_t at; (at = damaged.find("leadid-11")) != damaged.npos;) damaged[at + 8] = ':';
  BOOST_TEST(good(salvage(damaged, filled)).read == 60);
  BOOST_TEST(rows_of(*store).size() == rows.size());
  BOOST_TEST(!good(store->find(Kind::lead, "id-1:")).has_value());
}

BOOST_FIXTURE_TEST_CASE(what_is_further_on_wins, SalvageFixture) {
  std::string in_use = begin_anew([](Store& anew) {
    fill(anew, 30);
    const auto taken = good(anew.claim(Kind::lead, 12));
    for (std::size_t i = 5; i < 12; ++i) good(anew.done(taken[i].number, {.result = "new"}));
  });
  good(salvage(sound, in_use));
  const auto lead = [&](int i) {
    return good(store->find(Kind::lead, "id-" + std::to_string(i))).value();
  };
  // 0 to 4 are in the hands of somebody in the store in use; 0 to 9 were done in the other.
  BOOST_TEST((lead(0).state == State::pending));
  for (int i = 5; i < 12; ++i) BOOST_TEST(lead(i).result == "new", i);
  BOOST_TEST((lead(12).state == State::pending));
  BOOST_TEST(good(store->stats(Kind::event)).failed == 5);
  BOOST_TEST(good(store->recall("notify.told")) == "7");
  BOOST_TEST(good(store->recall("journal.lead")) == "");
  const auto story = good(store->history(good(store->find(Kind::event, "id-0")).value().number));
  BOOST_REQUIRE_EQUAL(story.size(), 3u);
  BOOST_TEST(story[1].code == "ERROR");
  BOOST_TEST(story[2].outcome == "salvaged");
}

// What the rebuilt store took for done with was only not followed again.
BOOST_FIXTURE_TEST_CASE(an_event_that_waits_goes_on, StoreFixture) {
  accept(Kind::event, "waits");
  close();
  fs::rename(dir / "store.db", dir / "aside.db");
  store = open();
  NewItem seen = new_item(Kind::event, "waits");
  seen.state = State::done;
  good(store->accept({seen}));
  BOOST_TEST(good(store->salvage(dir / "aside.db")).saved == 1);
  BOOST_TEST(good(store->claim(Kind::event, 10)).size() == 1u);
  BOOST_TEST(!good(store->find(Kind::event, "waits")).value().unsure);
}

BOOST_FIXTURE_TEST_CASE(what_is_only_in_the_log_of_changes_is_read_too, StoreFixture) {
  accept(Kind::lead, "1");
  fs::copy_file(dir / "store.db", dir / "aside.db");
  fs::copy_file(dir / "store.db-wal", dir / "aside.db-wal");
  close();
  fs::remove(dir / "store.db");
  store = open();
  const auto done = good(store->salvage(dir / "aside.db"));
  BOOST_TEST(done.saved == 1);
  BOOST_TEST(done.faults.empty());
  BOOST_TEST(good(store->find(Kind::lead, "1")).has_value());
  for (const auto& entry : fs::directory_iterator(dir.path()))
    BOOST_TEST(!entry.path().filename().string().starts_with("salvage.db-"), entry.path());
}

BOOST_FIXTURE_TEST_CASE(no_file_is_salvaged_twice_nor_the_one_in_use, SalvageFixture) {
  good(salvage(sound, fresh));
  BOOST_TEST(code_of(store->salvage(dir / "aside.db")) == "salvaged_before");
  BOOST_TEST(code_of(store->salvage(dir / "store.db")) == "store_in_use");
  BOOST_TEST(!store->salvage(dir / "nowhere.db").has_value());
  write_file(dir / "none.db", std::string(9'000, 'x'));
  const auto none = good(store->salvage(dir / "none.db"));
  BOOST_TEST(none.read == 0);
  BOOST_TEST(!none.faults.empty());
}

// Its process may come back to the new store with the outcome of something else.
BOOST_FIXTURE_TEST_CASE(an_outcome_of_a_store_put_aside_closes_nothing_in_the_new_one,
                        StoreFixture) {
  accept(Kind::lead, "old");
  const Item old = good(store->claim(Kind::lead, 1)).at(0);
  good(Store::put_aside(dir.path()));
  const std::int64_t fresh = accept(Kind::lead, "new");
  BOOST_TEST(fresh > old.number);
  BOOST_TEST(code_of(store->done(old.number, {.result = "42"})) == "no_such_item");
  BOOST_TEST((item(fresh).state == State::pending));
}

BOOST_AUTO_TEST_SUITE_END()
