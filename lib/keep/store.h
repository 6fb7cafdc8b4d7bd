// store: the durable inbox and outbox: what was accepted and what became of it.
//
// The verbs are those of a queue with acknowledgement: accept (the same id twice is once), claim,
// done, retry, fail, stats. It is SQLite's file store.db in the data directory (schema and version
// in store_schema.h), or a PostgreSQL database that several machines share (store_postgres.h).
// Several processes work on one store; one Store is used by all threads of a process.
//
// A damaged database is put aside by whoever meets the damage; its error says so, and the next call
// begins a new one.
//
// What was accepted is the journal's to keep (journal.h); the store says what became of it. It is
// filled from there (ingest.h), also again when it was lost.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "settings/app.h"
#include "value/value.h"

namespace b24 {

enum class Kind { lead, event };
enum class State { pending, done, failed, spam };  // spam: kept like done, for a person to look at

std::string_view name(Kind kind);
std::string_view name(State state);

// A lead that the owner sends to try the way: it has this name, and its id begins so.
inline constexpr std::string_view kTestLead = "test";
inline bool is_test_lead(std::string_view id) {
  return id.starts_with("test-");
}

struct NewItem {
  Kind kind = Kind::lead;
  std::string id;      // unique within its kind
  Value payload;       // kept as JSON
  std::string name;    // what to list it by: an event's name, a form's name
  std::string object;  // items with the same object are worked on in order; empty: no order
  Millis received_at = 0;
  State state = State::pending;  // done: only kept, nothing to do
  bool unsure = false;           // it may have been worked on before: look first
  std::string destination;       // where the work on it will first go; empty: nobody knows
};

struct Item {
  // Grows with each accepted item of any kind, in the order of commits; those of a new store begin
  // behind those of all before it, so that none is ever given twice.
  std::int64_t number = 0;
  Kind kind = Kind::lead;
  std::string id;
  Value payload;
  std::string name;
  std::string object;
  State state = State::pending;
  Millis received_at = 0;
  Millis due_at = 0;       // in the store's own time
  Millis finished_at = 0;  // 0 while pending
  int attempts = 0;
  int repeats = 0;  // how often the same id was accepted again
  bool unsure =
      false;           // an attempt was begun whose outcome nobody knows: look before sending again
  Value progress;      // what earlier attempts got done; null when nothing
  std::string result;  // of a done item: the lead's number
  std::string error_code;  // of the last failed attempt
  std::string error_text;
};

struct Attempt {
  Millis at = 0;
  Millis took = 0;
  std::string outcome;  // "accepted", "done", "retry", "failed", "retried by hand", "salvaged";
                        // "lost": the process that had it ended or was late
  std::string code;
  std::string text;
};

// What to write down about one attempt.
struct Outcome {
  Millis took = 0;
  std::string code = {};
  std::string text = {};         // masked
  std::string result = {};       // done: the lead's number
  Value progress = {};           // null: leave as it is
  std::string destination = {};  // retry: where it goes next
  std::vector<std::pair<std::string, std::string>> facts =
      {};  // remembered in the same transaction
};

struct ListFilter {
  std::optional<Kind> kind = {};
  std::optional<State> state = {};
  std::string name = {};  // empty: any
  Millis since = 0;
  std::int64_t after = 0;  // only what comes after this number in the order of the list; 0: all
  std::size_t limit = 100;
  bool newest_first = true;
  // For a list that is newest first:
  Millis until = 0;                     // received before; 0: no end
  std::vector<std::string> words = {};  // of item_words.h, at most three; leads that have all
};

struct KindStats {
  std::int64_t pending = 0, done = 0, failed = 0;
  std::int64_t today = 0;     // received since midnight of the server's time zone
  Millis oldest_pending = 0;  // received_at; 0: none
  std::int64_t spam = 0;
  bool arrived = false;  // whether there ever was one, spam left out
};

// A store in PostgreSQL, which several machines work on. Each ingests its own journal; what it
// remembers of that, of its logs and of its work (facts "journal.", "follow.", "work.") is its own.
struct SharedStore {
  std::string url = {};    // empty: SQLite, on this machine
  bool replicated = true;  // what is kept must be on two nodes
  bool operator==(const SharedStore&) const = default;
};

class Store {
 public:
  // How long nothing gets through to a destination; 0: it may be tried.
  using Held = std::function<Millis(const std::string& destination)>;

  // Makes the directory (0700) and, of SQLite, the database when missing; refuses a directory
  // inside `document_root` (when given), one that others can read, and a database of another
  // version. `brief`: see Database::open.
  static Result<std::shared_ptr<Store>> open(const std::filesystem::path& dir,
                                             const std::string& document_root = "",
                                             Clock clock = {}, const SharedStore& shared = {},
                                             bool brief = false);
  ~Store();

  // In one transaction: accepts all items (one whose id is there counts as its repeat) and
  // remembers all facts. Not synced: whoever calls can call again with the same, from the journal,
  // after a power cut.
  Status accept(const std::vector<NewItem>& items,
                const std::vector<std::pair<std::string, std::string>>& facts = {});
  // Takes up to `limit` due items for this Store until done, retry or fail is called, or this
  // process has died (claimant.h); oldest first. Marks them begun (durably), so a later claim after
  // a crash finds them `unsure`. An item whose object has an older pending item is left; so is
  // one whose destination is `held`. Nothing is written when there is none.
  Result<std::vector<Item>> claim(Kind kind, std::size_t limit, const Held& held = {});
  using Done = std::pair<std::int64_t, Outcome>;  // an item's number and what came of it
  Status done(std::span<const Done> items);       // all or none
  Status done(std::int64_t number, const Outcome& outcome) {
    const Done one{number, outcome};
    return done({&one, 1});
  }
  // Due again at `at` (an hour from now at most, and whatever becomes of the system's clock).
  // `unsure`: the outcome is not known. `counted`: false when nothing was even tried (a full
  // bucket), so attempts stay.
  Status retry(std::int64_t number, Millis at, const Outcome& outcome, bool unsure,
               bool counted = true);
  Status fail(std::int64_t number, const Outcome& outcome, bool unsure = false);
  // Up to `limit` pending items of the same object behind this one, of this name (empty: any),
  // oldest first.
  Result<std::vector<Item>> behind(const Item& item, std::string_view name, std::size_t limit);
  // In one transaction: progress[key] of `from` becomes `note`, that of `to` `place`. False, and
  // nothing done: that one is not pending any more.
  Result<bool> hand_on(std::int64_t from, std::int64_t to, std::string_view key, const Value& note,
                       const Value& place);
  // By hand: an item that is not done is due now. Fails with code "no_such_item".
  Status retry_now(std::int64_t number);
  // The same for all of a kind that failed or wait: of this name (empty: any), received since then;
  // how many.
  Result<std::int64_t> retry_all(Kind kind, std::string_view name, Millis since);
  // By hand: the item, done or not, is worked on once more from the beginning. The same error, or
  // code "in_work".
  Status replay(std::int64_t number);
  // The same for all of a kind that are not being worked on: of this name (empty: any), received
  // since then; how many.
  Result<std::int64_t> replay_all(Kind kind, std::string_view name, Millis since);
  // By hand: an item that waits or failed is spam, and stays here; retry_now takes that back. The
  // same errors.
  Status set_aside(std::int64_t number);
  // By hand: the item and its history are gone. The same errors. `first` is done before, while
  // nobody can take the item in hand; when that fails the item stays. Traces elsewhere: erase.h.
  Status erase(std::int64_t number, const std::function<Status()>& first = {});

  Result<KindStats> stats(Kind kind);
  // In how many milliseconds the next claim(kind, ..., held) may find something; nothing
  // when no item is pending that nobody works on. What waits for `held` destinations is not looked
  // at, however much it is.
  Result<std::optional<Millis>> next_due(Kind kind, const Held& held = {});
  Result<std::optional<Item>> find(Kind kind, std::string_view id);
  // Two of those whose id begins so, when there are two, by their ids.
  Result<std::vector<Item>> find_by_beginning(Kind kind, std::string_view id);
  Result<std::optional<Item>> find(std::int64_t number);
  Millis due_at(const Item& item) const;  // when a pending one is due, by the clock
  Result<std::vector<Item>> list(const ListFilter& filter);
  Result<std::vector<Attempt>> history(std::int64_t number);
  // Deletes done items and spam that finished before `before` (failed ones never), a bounded number
  // a call; how many. So it does with facts whose key begins with kSeen and whose value with an
  // earlier time, in milliseconds and a blank.
  static constexpr std::string_view kSeen = "seen ";
  Result<std::int64_t> erase_done(Millis before);

  // Counters by name and hour, kept 60 days: spam.honeypot, refused.token, ...
  Status count(std::string_view counter, std::int64_t by = 1);
  struct Count {
    std::string name;
    Millis hour;
    std::int64_t count;
  };
  Result<std::vector<Count>> counts(Millis since);
  // One hour of one kind: how many were received, and how long the done ones of them took from then
  // on, in the mean (-1: none among the newest 1,000 of the kind).
  struct Hour {
    Millis hour;
    std::int64_t received;
    Millis took;
  };
  // The hours since `since` in which something was received, oldest first.
  Result<std::vector<Hour>> hours(Kind kind, Millis since);
  // How many were received, by quarters of an hour (of which every time zone's days are made), of
  // the last 31 days at most; oldest first.
  Result<std::vector<std::pair<Millis, std::int64_t>>> received(Kind kind, Millis since);
  // Adds to the use of `key` (an address, "all") within `window`; how often it was used so far,
  // these times included.
  Result<std::int64_t> use(std::string_view key, Millis window, int times = 1);

  // When the newest event of each object was sent by the portal's clock (`ts`; one without it: when
  // it came), of those whose names begin so and that were received since then.
  Result<std::map<std::string, Millis>> newest_events(std::string_view begins, Millis since);

  // The greatest number ever given to an item.
  Result<std::int64_t> last_number();

  // Small facts shared by all processes ("work.lead.last_run"); empty when unknown.
  Status remember(std::string_view key, std::string_view value);
  Result<std::string> recall(std::string_view key);

  // Renames the store's files to store-TIME.db; every process begins a new one with its next call.
  // The new name; empty when there is none, or another than that of `inode`.
  static Result<std::string> put_aside(const std::filesystem::path& dir,
                                       std::optional<ino_t> inode = {});

  // Takes over what can be read of a store that was put aside: items that are missing here or
  // further on there (sent), their history, and what else was remembered and is not here. Counters
  // are not. Works on a copy of the file beside the store; memory is bounded. Once for each file:
  // fails with code "salvaged_before", or "store_in_use", "busy" (another does it), of disk errors.
  struct Salvaged {
    std::int64_t read = 0;
    std::int64_t saved = 0;            // of these: they were missing here, or not so far on
    std::int64_t lost = 0;             // items that could not be read
    std::int64_t without_history = 0;  // read, but not what happened to them
    std::vector<std::string> faults;   // what else could not be read
  };
  Result<Salvaged> salvage(const std::filesystem::path& file);

  const std::filesystem::path& dir() const;
  bool is_shared() const;
  // Of a shared one. Replaces a fact by what `change` makes of it at this time of the store's own,
  // one machine after the other; no other node is waited for.
  Status change_together(std::string_view key,
                         const std::function<std::string(const std::string&, Millis)>& change);
  // What each machine last told the others of itself, and how long ago.
  struct Machine {
    std::string id;
    bool is_own = false;
    Millis age = 0;
    Value words;
  };
  Status tell_machines(Value words);
  Result<std::vector<Machine>> machines();
  bool is_called(std::string_view machine) const;  // this one, by its host name or its number
  // Of a shared one: up to `limit` items of a kind behind this number, oldest first, of which
  // another node is sure to know: none comes a second time under another number.
  Result<std::vector<Item>> confirmed(Kind kind, std::int64_t after, std::size_t limit);
  // What the server of a shared one says of itself, and of the nodes that follow it. Without the
  // right pg_monitor their states are empty.
  struct Server {
    std::string host = {}, timeline = {};
    std::string synchronous_commit = {}, standby_names = {};
    bool is_safe = false;  // fsync and full_page_writes are on
    std::int64_t connections = 0, connections_allowed = 0;
    Millis clock_ahead = 0;    // of ours
    std::int64_t waiting = 0;  // commits that wait for a standby, now
    struct Standby {
      std::string name, state, sync;
      std::int64_t behind;  // bytes; -1: unknown
    };
    std::vector<Standby> standbys = {};
  };
  Result<Server> look_at_server();

  // All of it goes to another store, which has no items yet; this one is refused from then on,
  // with code "moved". Nothing may be ingested meanwhile. Codes: "in_work" (somebody still works on
  // items at the end of `patience`), "not_empty", "differs". What was moved: the tables and their
  // rows.
  using Moved = std::vector<std::pair<std::string, std::int64_t>>;
  Result<Moved> move_to(Store& to, Millis patience);
  // So that the store of this directory, which has moved away, may be one again.
  static Status forget_move(const std::filesystem::path& dir);

  // Of a shared one: `heard` is called whenever any program has accepted items of this kind, and
  // once what was accepted before cannot be missed, until a stop is asked for. While the database
  // is away, nothing is heard.
  void listen(Kind kind, const std::stop_token& stop, const std::function<void()>& heard);
  // What other machines know of this one's work stays valid; to be called every half minute or so.
  Status keep_claims();
  // A shared one that cannot be reached or does not confirm, as far as is known: no use to wait.
  bool is_away() const;
  bool uses_wal() const;
  // PRAGMA quick_check; "ok" or what is wrong.
  Result<std::string> check();

 private:
  struct Data;
  explicit Store(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

std::string host_name();  // this machine's

// Of a verb that means nothing to a shared store.
Error only_a_file(std::string_view what);

// The command for a store that was put aside, in words for people.
std::string how_to_salvage(const std::filesystem::path& file);

// The store in the settings' data directory, opened when it is first asked for, since a CGI process
// pays for each thing that it opens. Safe from all threads.
class StoreSource {
 public:
  // `app` must outlive this.
  explicit StoreSource(AppSource& app) : app_(app) {}
  AppSource& app() { return app_; }
  ~StoreSource();  // puts what is still counted
  // After a failure it is tried again, at most once a second.
  Result<std::shared_ptr<Store>> current();
  // Of the store of now.
  Status change_together(const std::string& key,
                         const std::function<std::string(const std::string&, Millis)>& change);

  // Store::count without a look at the store, so that refusing stays cheap and no answer waits: it
  // is in the store with put_counts().
  void count(const std::string& counter);
  // At most once a second; what cannot be put stays for the next time.
  void put_counts();

 private:
  AppSource& app_;
  std::mutex counted_mutex_;
  std::map<std::string, std::int64_t> counted_;
  Millis put_at_ = -kSecond;  // steady
  std::mutex mutex_;
  std::shared_ptr<Store> store_;
  std::filesystem::path dir_;
  SharedStore shared_;
  std::optional<Error> error_;
  Millis tried_at_ = 0;
};

}  // namespace b24
