// outbox_command: see outbox_command.h.
#include "keep/outbox_command.h"

#include <sysexits.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

#include "base/secret.h"
#include "base/text.h"
#include "keep/erase.h"
#include "keep/item_words.h"
#include "keep/search.h"
#include "value/json.h"
#include "value/value.h"

namespace b24 {
namespace {

constexpr std::size_t kListed = 200;
constexpr std::size_t kWidth = 60;

std::string shown_time(Millis at) {
  return at == 0 ? "-" : iso_time(at).substr(0, 19) + "Z";
}

std::string shown(std::string_view value, std::size_t limit = kWidth) {
  return text::for_log(secret::mask(value), limit);
}

// As every command takes it back.
std::string shown_id(const Item& item) {
  return text::for_log(item.id, 4 * item.id.size());
}

// Columns never run together, however long what is in them.
std::string padded(std::string text, std::size_t width) {
  text.append(text.size() < width ? width - text.size() : 2, ' ');
  return text;
}

void print_row(const std::array<std::string, 6>& cells) {
  constexpr std::array<std::size_t, 5> kWidths = {28, 9, 22, 6, 26};
  for (std::size_t i = 0; i < kWidths.size(); ++i) std::cout << padded(cells[i], kWidths[i]);
  std::cout << cells.back() << "\n";
}

std::string trouble(const Item& item) {
  if (item.state == State::done) return item.result.empty() ? "" : "number " + item.result;
  return shown(item.error_code.empty() ? item.error_text : item.error_code, 24);
}

void print_rows(const std::vector<Item>& items) {
  print_row({"ID", "STATE", "RECEIVED", "TRIES", "LAST", "WHAT"});
  for (const Item& item : items) {
    print_row({shown_id(item), std::string(name(item.state)), shown_time(item.received_at),
               std::to_string(item.attempts), trouble(item), shown(title_of(item))});
  }
}

int list(Store& store, Kind kind, const std::string& which, ListFilter filter) {
  filter.kind = kind;
  filter.limit = kListed;
  for (const State state : {State::pending, State::done, State::failed, State::spam})
    if (name(state) == which) filter.state = state;
  if (!which.empty() && !filter.state) {
    std::cerr << "--list takes pending, failed, done or spam\n";
    return EX_USAGE;
  }
  Result<std::vector<Item>> items = store.list(filter);
  if (!items) return complain("store", items.error()), 1;
  print_rows(*items);
  Result<KindStats> stats = store.stats(kind);
  if (!stats) return complain("store", stats.error()), 1;
  std::cout << stats->pending << " pending, " << stats->failed << " failed, " << stats->done
            << " done\n";
  return 0;
}

void print_line(std::string_view name, const std::string& text) {
  if (!text.empty()) std::cout << padded(std::string(name), 12) << text << "\n";
}

void print_tree(std::string_view name, const Value& value) {
  std::cout << "\n"
            << name << ":\n"
            << json::print(mask_tree(value), json::Layout::indented) << "\n";
}

int show(Store& store, Kind kind, const std::string& id) {
  const std::optional<Item> found = look_for(store, kind, id);
  if (!found) return 1;
  const Item& item = *found;
  print_line("id", shown_id(item));
  print_line("what", shown(title_of(item)));
  print_line("state", std::string(name(item.state)) + (item.unsure ? ", outcome unknown" : ""));
  print_line("result", shown(item.result));
  print_line("received", shown_time(item.received_at));
  if (item.state == State::pending) print_line("next try", shown_time(store.due_at(item)));
  if (item.finished_at != 0) print_line("finished", shown_time(item.finished_at));
  print_line("attempts", std::to_string(item.attempts));
  if (item.repeats != 0) print_line("sent again", std::to_string(item.repeats) + " times");
  print_line("error", shown(item.error_code + " " + item.error_text, 500));

  Result<std::vector<Attempt>> attempts = store.history(item.number);
  if (!attempts) return complain("store", attempts.error()), 1;
  std::cout << "\nits life:\n";
  for (const Attempt& attempt : *attempts) {
    std::cout << "  " << shown_time(attempt.at) << "  " << padded(attempt.outcome, 16)
              << padded(std::to_string(attempt.took) + " ms", 10)
              << shown(attempt.code + " " + attempt.text, 200) << "\n";
  }
  print_tree(kind == Kind::lead ? "what is sent" : "what came", item.payload);
  if (kind == Kind::event && item.progress.is_array()) print_tree("what was done", item.progress);
  return 0;
}

int look_up(Store& store, Kind kind, const std::string& typed, ListFilter filter) {
  filter.kind = kind;
  filter.limit = kListed;
  const Result<SearchPage> found = search(store, filter, typed);
  if (!found) return complain("store", found.error()), 1;
  print_rows(found->items);
  if (found->looked_back_to != 0) {
    std::cout << "looked through the texts of " << kLookedThrough << ", back to "
              << shown_time(found->looked_back_to) << "\n";
  }
  return found->items.empty() ? 1 : 0;
}

// What a verb of the store does to one item by hand.
int change(Store& store, Kind kind, const std::string& id, Status (Store::*verb)(std::int64_t),
           const char* outcome) {
  const std::optional<Item> item = look_for(store, kind, id);
  if (!item) return 1;
  if (Status done = (store.*verb)(item->number); !done) return complain("store", done.error()), 1;
  std::cout << shown_id(*item) << outcome << "\n";
  return 0;
}

int erase(const Settings& settings, Store& store, Kind kind, const std::string& id) {
  const std::optional<Item> item = look_for(store, kind, id);
  if (!item) return 1;
  if (Status done = erase_item(settings, store, *item); !done)
    return complain("store", done.error()), 1;
  std::cout << shown_id(*item) << " is deleted, and what was written of it\n";
  return 0;
}

int retry(Store& store, Kind kind, const std::string& id, const ListFilter& only) {
  if (id == "all") {
    const Result<std::int64_t> due = store.retry_all(kind, only.name, only.since);
    if (!due) return complain("store", due.error()), 1;
    std::cout << *due << " are due now\n";
    return 0;
  }
  return change(store, kind, id, &Store::retry_now, " is due now");
}

int salvage(Store& store, const std::string& file) {
  const Result<Store::Salvaged> done = store.salvage(file);
  if (!done) return complain("store", done.error()), 1;
  std::cout << done->read << " leads and events were read; " << done->saved
            << " of them were missing here, or not so far on, and are saved\n"
            << done->lost << " could not be read\n";
  if (done->without_history > 0)
    std::cout << "the history of " << done->without_history << " could not be read\n";
  for (const std::string& fault : done->faults) std::cout << fault << "\n";
  return done->lost == 0 && done->without_history == 0 && done->faults.empty() ? 0 : 1;
}

}  // namespace

std::optional<Item> look_for(Store& store, Kind kind, const std::string& id) {
  constexpr std::size_t kShortest = 4;
  Result<std::optional<Item>> exact = store.find(kind, id);
  if (!exact) return complain("store", exact.error()), std::nullopt;
  if (*exact) return *std::move(exact);
  Result<std::vector<Item>> found = std::vector<Item>();
  if (id.size() >= kShortest) found = store.find_by_beginning(kind, id);
  if (!found) return complain("store", found.error()), std::nullopt;
  if (found->size() == 1) return std::move(found->front());
  std::cerr << (found->empty() ? "there is no " : "there is more than one ") << name(kind) << " "
            << shown(id) << "\n";
  return std::nullopt;
}

std::optional<int> outbox_command(StoreSource& stores, Kind kind,
                                  const std::vector<std::pair<std::string, std::string>>& arguments,
                                  const std::function<void()>& reopen, const ListFilter& only) {
  Result<std::shared_ptr<Store>> store = stores.current();
  if (!store) return complain("store", store.error()), 1;
  for (const auto& [option, argument] : arguments) {
    if (option == "--list") return list(**store, kind, argument, only);
    if (option == "--show") return show(**store, kind, argument);
    if (option == "--search") return look_up(**store, kind, argument, only);
    if (option == "--spam") {
      return change(**store, kind, argument, &Store::set_aside, " is kept as spam");
    }
    if (option == "--delete") {
      const Result<App> app = stores.app().current();
      if (!app) return complain("store", app.error()), 1;
      return erase(*app->settings, **store, kind, argument);
    }
    if (option == "--salvage") return salvage(**store, argument);
    if (option == "--retry") {
      reopen();
      return retry(**store, kind, argument, only);
    }
  }
  return std::nullopt;
}

}  // namespace b24
