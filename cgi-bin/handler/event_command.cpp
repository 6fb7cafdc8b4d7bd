// event_command: see event_command.h.
#include "event_command.h"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "event.h"
#include "explain.h"
#include "hook_log.h"
#include "keep/journal.h"
#include "keep/outbox_command.h"
#include "keep/store_postgres.h"
#include "portal/http.h"
#include "portal/test_event.h"
#include "value/json.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr std::size_t kPerRead = 100;
constexpr Millis kPatience = 30'000;

std::optional<std::string> given(const Arguments& arguments, std::string_view option) {
  const auto found = std::ranges::find(arguments, option, &Arguments::value_type::first);
  return found == arguments.end() ? std::nullopt : std::optional(found->second);
}

// What was accepted and is not in the store yet (a killed process left it) is to be seen, too.
// Files that another user made, a curious root, the receiver could not write to.
void take_in(const EventTools& tools, const App& app) {
  struct stat status {};
  if (::stat(app.settings->data.dir.c_str(), &status) != 0 || status.st_uid != ::geteuid()) return;
  const Result<int> taken = tools.ingester.run(kPatience);
  if (!taken) complain("handler", taken.error());
}

// All events of a filter, oldest first, a page at a time; the number of the last one.
Result<std::int64_t> for_each_event(Store& store, ListFilter filter,
                                    const std::function<Status(const Item&)>& visit) {
  filter.kind = Kind::event;
  filter.newest_first = false;
  filter.limit = kPerRead;
  for (;;) {
    const Result<std::vector<Item>> items = store.list(filter);
    if (!items) return std::unexpected(items.error());
    for (const Item& item : *items) {
      if (const Status visited = visit(item); !visited) return std::unexpected(visited.error());
      filter.after = item.number;
    }
    if (items->size() < kPerRead) return filter.after;
  }
}

int finish(const Result<std::int64_t>& outcome) {
  if (outcome) return 0;
  complain("handler", outcome.error());
  return 1;
}

int export_events(Store& store, const ListFilter& filter, const std::string& format) {
  if (format != "jsonl" && format != "csv") {
    std::cerr << "--export takes jsonl or csv\n";
    return EX_USAGE;
  }
  if (format == "csv") std::cout << "number,id,received_at,event,state,data\n";
  return finish(for_each_event(store, filter, [&](const Item& event) -> Status {
    std::cout << (format == "csv"
                      ? csv_line(event)
                      : hook_json_line(event.id, event.received_at, event.name, event.payload));
    return {};
  }));
}

int tail(Store& store, ListFilter filter) {
  const Result<std::int64_t> newest = store.last_number();
  if (!newest) return complain("handler", newest.error()), 1;
  filter.after = *newest;
  for (;;) {
    const Result<std::int64_t> last =
        for_each_event(store, filter, [](const Item& event) -> Status {
          std::cout << hook_log_entry(event.received_at, event.name, event.payload) << std::flush;
          return {};
        });
    if (!last) return finish(last);
    filter.after = *last;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

int replay(Store& store, const std::string& id, const ListFilter& filter) {
  Result<std::int64_t> due = 0;
  if (!id.empty()) {
    const std::optional<Item> event = look_for(store, Kind::event, id);
    if (!event) return 1;
    const Status done = store.replay(event->number);
    due = done ? Result<std::int64_t>(1) : std::unexpected(done.error());
  } else if (filter.since != 0) {
    due = store.replay_all(Kind::event, filter.name, filter.since);
  } else {
    std::cerr << "--replay takes the ID of an event, or --since TIME beside it\n";
    return EX_USAGE;
  }
  if (due) std::cout << *due << " are due now\n";
  return finish(due);
}

// The tables of the database that several machines share; `app`: as the pages reach it.
int migrate(const std::string& app, const std::string& url, bool print) {
  if (app.empty()) {
    std::cerr << "--migrate lets the pages' role use the tables: set [data] store, or name it with "
                 "--move-store URL\n";
    return EX_USAGE;
  }
  const Result<std::string> done =
      print ? migration_for(app) : migrate_shared(url.empty() ? app : url, app);
  if (!done) return complain("handler", done.error()), 1;
  std::cout << *done << "\n";
  return 0;
}

Error refuse_move(std::string cause, std::string remedy) {
  return {ErrorKind::input, "cannot_move", std::move(cause), std::move(remedy)};
}

// Whether a machine of those that share a store may take it away.
Status may_move(const Settings& settings, Store& from, bool back) {
  if (from.is_shared() != back)
    return std::unexpected(
        refuse_move(back ? "the store is in a file already" : "the store is in a database already",
                    "see [data] store"));
  if (!settings.data.store.empty()) {
    const auto machines = from.machines();
    if (!machines) return std::unexpected(machines.error());
    for (const Store::Machine& each : *machines) {
      if (!each.is_own && each.age < 3 * kMinute)
        return std::unexpected(
            refuse_move("another machine works on it: " + each.words["name"].text(),
                        "end its programs, when its journal is empty (checkserver: journaled), and "
                        "wait 3 min"));
    }
  }
  return {};
}

// What comes meanwhile waits in the journal.
Result<Store::Moved> move_store(const EventTools& tools, const App& app, const std::string& to) {
  const Settings& settings = *app.settings;
  const bool back = to == "sqlite";
  const auto from = tools.stores.current();
  if (!from) return std::unexpected(from.error());
  if (auto may = may_move(settings, **from, back); !may) return std::unexpected(may.error());
  std::vector<FileHandle> locks;
  for (const Kind kind : {Kind::lead, Kind::event}) {
    std::error_code fault;
    const auto dir = settings.data.dir / "journal";
    if (!std::filesystem::is_directory(dir, fault)) continue;
    auto lock = open_locked(ingest_lock(dir, kind), kPatience);
    if (!lock) return std::unexpected(lock.error());
    locks.push_back(std::move(*lock));
  }
  if (back) {
    if (auto forgotten = Store::forget_move(settings.data.dir); !forgotten)
      return std::unexpected(forgotten.error());
  }
  const SharedStore shared = back ? SharedStore{} : SharedStore{to, settings.store.replicated};
  const auto target = Store::open(settings.data.dir, "", {}, shared);
  if (!target) return std::unexpected(target.error());
  return (*from)->move_to(**target, 2 * kPatience);
}

int move_store_and_tell(const EventTools& tools, const App& app, const std::string& to) {
  const auto moved = move_store(tools, app, to);
  if (!moved) return complain("handler", moved.error()), 1;
  for (const auto& [table, rows] : *moved) std::cout << table << ": " << rows << "\n";
  std::cout << "moved and compared; until you say so in the settings, what comes waits in the "
               "journal:\n"
            << (to == "sqlite" ? "take store out of [data]\n" : "[data]\nstore = " + to + "\n");
  return 0;
}

constexpr std::size_t kBytesARead = 1 << 20;

void print_damage(const JournalDamage& damage) {
  std::cout << damage.segment << " at " << damage.offset << ": " << damage.size
            << " bytes are lost: " << damage.why << "\n";
}

// The whole journal, a read at a time.
Status for_each_read(const Journal& journal, const std::function<void(const JournalRead&)>& visit) {
  JournalPosition at;
  for (;;) {
    const Result<JournalRead> read = journal.read(at, kBytesARead);
    if (!read) return std::unexpected(read.error());
    visit(*read);
    if (read->end == at) return {};
    at = read->end;
  }
}

void print_record(const Record& record) {
  std::cout << record.end.text() << "  " << iso_time(record.at) << "  " << record.id << "  "
            << text::for_log(record.key, 64) << "  " << record.body.size() << " bytes\n";
}

int verify_journal(const Journal& journal) {
  const Result<std::vector<JournalSegment>> segments = journal.segments();
  if (!segments) return complain("handler", segments.error()), 1;
  for (const JournalSegment& segment : *segments) {
    std::cout << segment.file.filename().string() << "  " << iso_time(segment.last_write) << "  "
              << segment.size << " bytes\n";
  }
  std::size_t records = 0;
  std::size_t damages = 0;
  JournalPosition end;
  const Status done = for_each_read(journal, [&](const JournalRead& read) {
    records += read.records.size();
    damages += read.damage.size();
    for (const JournalDamage& damage : read.damage) print_damage(damage);
    end = read.end;
  });
  if (!done) return complain("handler", done.error()), 1;
  if (!segments->empty() && segments->back().number == end.segment &&
      end.offset < segments->back().size) {
    ++damages;
    std::cout << segments->back().file.filename().string() << " at " << end.offset
              << ": the end is not whole (or is being written)\n";
  }
  std::cout << records << " records, " << damages << " damages\n";
  return damages == 0 ? 0 : 1;
}

// "list": a line for each record: its place, time, id, key and size, and a line for each damage.
// "verify": a line for each segment, and what of it cannot be read; 1 when that is something.
int journal_command(const Journal& journal, const std::string& what) {
  if (what == "verify") return verify_journal(journal);
  if (what != "list") {
    std::cerr << "--journal takes list or verify\n";
    return EX_USAGE;
  }
  const Status done = for_each_read(journal, [](const JournalRead& read) {
    for (const Record& record : read.records) print_record(record);
    for (const JournalDamage& damage : read.damage) print_damage(damage);
  });
  if (!done) return complain("handler", done.error()), 1;
  return 0;
}

// Everything that was accepted is in the journal, for as long as that is kept.
int rebuild(const EventTools& tools, const App& app) {
  if (!app.settings->data.store.empty()) return complain("handler", only_a_file("--rebuild")), 1;
  const Result<std::string> aside = Store::put_aside(app.settings->data.dir);
  if (!aside) return complain("handler", aside.error()), 1;
  if (!aside->empty()) {
    std::cout << "the store is put aside as " << *aside << "; "
              << how_to_salvage(app.settings->data.dir / *aside) << "\n";
  }
  const Result<int> taken = tools.ingester.run(kPatience);
  if (!taken) return complain("handler", taken.error()), 1;
  std::cout << *taken << " events are in the new store\n";
  return 0;
}

// What the portal would send for a changed deal, with the first configured token.
int send_test(const Settings& settings, const std::string& url) {
  if (verify(Value::array(), settings) == TokenCheck::not_configured) {
    return complain("handler", no_token_error(settings)), 1;
  }
  HttpOptions options;
  options.total_time = 15'000;
  options.ca_file = settings.call.ca_file;
  Value event = make_test_event(settings, "", now_ms());
  event.set("event", "ONCRMDEALUPDATE");
  event.set("data", Value::map({{"FIELDS", Value::map({{"ID", "1"}})}}));
  HttpRequest request;
  request.url = url;
  request.body = php::build_query(event);
  const auto answer = Http(options).send(request);
  if (!answer) return complain("handler", answer.error().error), 1;
  std::cout << "status " << answer->status << " after " << answer->took << " ms, "
            << answer->body.size() << " bytes\n";
  if (!answer->body.empty()) std::cout << text::for_log(answer->body, 300) << "\n";
  return answer->status >= 200 && answer->status < 300 ? 0 : 1;
}

}  // namespace

int event_command(const EventTools& tools, const Arguments& arguments) {
  if (arguments.empty()) return EX_USAGE;
  Result<App> current = tools.app.current();
  if (!current) return complain("handler", current.error()), 1;
  if (const auto what = given(arguments, "--journal")) {
    return journal_command(*tools.ingester.journal(*current), *what);
  }
  const auto to = given(arguments, "--move-store");
  if (const auto url = given(arguments, "--migrate")) {
    const bool print = given(arguments, "--print").has_value();
    const int made = migrate(to.value_or(current->settings->data.store), *url, print);
    if (made != 0 || print || !to) return made;
  }
  if (to) return move_store_and_tell(tools, *current, *to);
  if (given(arguments, "--rebuild")) return rebuild(tools, *current);
  if (const auto url = given(arguments, "--send-test")) {
    return send_test(*current->settings, *url);
  }
  ListFilter filter;
  filter.name = given(arguments, "--event").value_or("");
  if (const auto since = given(arguments, "--since")) {
    const std::optional<Millis> time = read_since(*since, Zone::utc);
    if (!time) {
      std::cerr << "--since takes a time such as 2026-11-24T06:00:00Z, 15m, 2h or 3d\n";
      return EX_USAGE;
    }
    filter.since = *time;
  }
  take_in(tools, *current);
  const auto reopen = [&] {
    if (Result<std::shared_ptr<Gate>> gate = tools.gates.current(); gate) (*gate)->reopen();
  };
  if (const auto done = outbox_command(tools.stores, Kind::event, arguments, reopen, filter))
    return *done;
  Result<std::shared_ptr<Store>> store = tools.stores.current();
  if (!store) return complain("handler", store.error()), 1;
  if (const auto format = given(arguments, "--export")) {
    return export_events(**store, filter, *format);
  }
  if (given(arguments, "--tail")) return tail(**store, filter);
  if (const auto id = given(arguments, "--replay")) return replay(**store, *id, filter);
  if (const auto id = given(arguments, "--explain")) {
    const std::optional<Item> event = look_for(**store, Kind::event, *id);
    if (event) std::cout << explain(*current->settings, *event, now_ms());
    return event ? 0 : 1;
  }
  std::cerr << "see --help\n";
  return EX_USAGE;
}

std::string csv_line(const Item& event) {
  return std::to_string(event.number) + "," + text::csv_cell(event.id) + "," +
         iso_time(event.received_at) + "," + text::csv_cell(text::to_valid_utf8(event.name)) + "," +
         std::string(name(event.state)) + "," + text::csv_cell(json::print(event.payload)) + "\n";
}

}  // namespace b24
