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
#include "value/json.h"
#include "value/mask.h"

namespace b24 {
namespace {

constexpr std::size_t kListed = 200;
constexpr std::size_t kSearched = 100'000;  // items looked through for the beginning of an id
constexpr std::size_t kWidth = 60;

std::string shown_time(Millis at) {
  return at == 0 ? "-" : iso_time(at).substr(0, 19) + "Z";
}

std::string shown(std::string_view value, std::size_t limit = kWidth) {
  return text::for_log(secret::mask(value), limit);
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

// What a person knows an item by.
std::string title(const Item& item) {
  const Value& fields = item.payload.path("params.fields");
  for (const char* key : {"TITLE", "title"}) {
    if (const std::string text = fields[key].text(); !text.empty()) return text;
  }
  return item.name;
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
  print_row({"ID", "STATE", "RECEIVED", "TRIES", "LAST", "WHAT"});
  for (const Item& item : *items) {
    print_row({shown(item.id), std::string(name(item.state)), shown_time(item.received_at),
               std::to_string(item.attempts), trouble(item), shown(title(item))});
  }
  Result<KindStats> stats = store.stats(kind);
  if (!stats) return complain("store", stats.error()), 1;
  std::cout << stats->pending << " pending, " << stats->failed << " failed, " << stats->done
            << " done\n";
  return 0;
}

// A whole id, or how one begins (the reference that a visitor was given).
Result<std::optional<Item>> look_for(Store& store, Kind kind, const std::string& id) {
  Result<std::optional<Item>> exact = store.find(kind, id);
  if (!exact || *exact || id.size() < 4) return exact;
  ListFilter filter;
  filter.kind = kind;
  filter.limit = kSearched;
  Result<std::vector<Item>> items = store.list(filter);
  if (!items) return std::unexpected(items.error());
  for (Item& item : *items) {
    if (item.id.starts_with(id)) return std::move(item);
  }
  return std::nullopt;
}

void print_line(std::string_view name, const std::string& text) {
  if (!text.empty()) std::cout << padded(std::string(name), 12) << text << "\n";
}

void print_tree(std::string_view name, const Value& value) {
  std::cout << "\n"
            << name << ":\n"
            << json::print(secret::mask(value), json::Layout::indented) << "\n";
}

int show(Store& store, Kind kind, const std::string& id) {
  Result<std::optional<Item>> found = look_for(store, kind, id);
  if (!found) return complain("store", found.error()), 1;
  if (!*found) {
    std::cerr << "there is no " << name(kind) << " " << shown(id) << "\n";
    return 1;
  }
  const Item& item = **found;
  print_line("id", shown(item.id));
  print_line("what", shown(title(item)));
  print_line("state", std::string(name(item.state)) + (item.unsure ? ", outcome unknown" : ""));
  print_line("result", shown(item.result));
  print_line("received", shown_time(item.received_at));
  if (item.state == State::pending) print_line("next try", shown_time(item.due_at));
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

int retry_all(Store& store, Kind kind, ListFilter filter) {
  filter.kind = kind;
  filter.limit = kSearched;
  std::size_t count = 0;
  for (const State state : {State::pending, State::failed}) {
    filter.state = state;
    Result<std::vector<Item>> items = store.list(filter);
    if (!items) return complain("store", items.error()), 1;
    for (const Item& item : *items) {
      Status due = store.retry_now(item.number);
      // Done in the meantime.
      if (!due && due.error().code == "no_such_item") continue;
      if (!due) return complain("store", due.error()), 1;
      ++count;
    }
  }
  std::cout << count << " are due now\n";
  return 0;
}

int retry(Store& store, Kind kind, const std::string& id, const ListFilter& only) {
  if (id == "all") return retry_all(store, kind, only);
  Result<std::optional<Item>> item = look_for(store, kind, id);
  if (!item) return complain("store", item.error()), 1;
  if (!*item) {
    std::cerr << "there is no " << name(kind) << " " << shown(id) << "\n";
    return 1;
  }
  if (Status due = store.retry_now((*item)->number); !due) {
    return complain("store", due.error()), 1;
  }
  std::cout << shown((*item)->id) << " is due now\n";
  return 0;
}

}  // namespace

int outbox_command(StoreSource& stores, Kind kind,
                   const std::vector<std::pair<std::string, std::string>>& arguments,
                   const std::function<void()>& reopen, const ListFilter& only) {
  if (arguments.empty()) return EX_USAGE;
  Result<std::shared_ptr<Store>> store = stores.current();
  if (!store) return complain("store", store.error()), 1;
  for (const auto& [option, argument] : arguments) {
    if (option == "--list") return list(**store, kind, argument, only);
    if (option == "--show") return show(**store, kind, argument);
    if (option == "--retry") {
      reopen();
      return retry(**store, kind, argument, only);
    }
  }
  return EX_USAGE;
}

}  // namespace b24
