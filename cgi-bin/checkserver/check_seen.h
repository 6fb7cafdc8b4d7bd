// check_seen: what a run of the self-check has looked at: facts alone, no judgement.
//
// A part that is missing did not come within the time limit. Nothing here changes anything: the
// write test removes its file, and the test event leaves one small mark that the next one replaces.
#pragma once

#include <sys/types.h>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "keep/journal.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "portal/webhook.h"
#include "settings/app.h"
#include "settings/permission.h"
#include "settings/settings.h"
#include "web/app_page.h"
#include "web/server.h"

namespace b24::check {

// Where the check runs, and the web server's view of it.
struct Place {
  Mode mode = Mode::shell;
  std::filesystem::path settings_file;
  std::string web_server;
  std::string document_root;  // empty when unknown: from the shell
};

// What is looked at. Shared, since a look that outlives its time limit still uses it.
struct Subject {
  Place place;
  std::shared_ptr<const Settings> settings;  // null: there have never been good ones
  std::optional<Error> settings_error;       // why there are none, or why the newest are not in use
  std::optional<Error> templates_error;      // the pages cannot be made
  std::optional<Error> templates_warning;    // the newest files, or some texts, are not in use
  std::shared_ptr<Store> store;              // null: it cannot be opened
  std::optional<Error> store_error;
  // The portals that are called, the one without a name first; empty without settings.
  std::vector<std::pair<CalledPortal, std::shared_ptr<Gate>>> portals;
};
Subject subject_of(AppSource& app, TemplateSource& templates, StoreSource& stores,
                   GateSource& gates, const Place& place);

struct ProgramsSeen {
  std::optional<Error> curl_error;  // it cannot be loaded, or is too old
  std::string curl;
  int sqlite = 0;  // 3035000: 3.35
  std::string openssl;
  std::string user;
  pid_t pid = 0;
  int threads = 0;
  std::filesystem::path dir;  // where this program is
};
ProgramsSeen look_at_programs();

// A file or directory, as stat sees it.
struct PathSeen {
  std::filesystem::path path;
  bool exists = false;
  bool is_directory = false;
  std::string owner;
  bool writable = false;
  bool open_to_others = false;  // permission.h
  bool in_document_root = false;
  std::uintmax_t size = 0;
  ShellLines cure = {};  // what makes it what this process needs
};

struct StorageSeen {
  PathSeen settings_file;
  PathSeen data_dir;
  PathSeen logs_dir;
  PathSeen log_file;
  PathSeen hook_log;
  std::optional<Error> write_error;
  double write_ms = 0;  // one synced write
  bool space_known = false;
  double free_bytes = 0;
  double total_bytes = 0;
  double free_inodes = 0;
  double total_inodes = 0;  // 0: the file system has none to run out of
};
StorageSeen look_at_storage(const Subject& subject);

struct StoreSeen {
  bool wal = false;
  KindStats leads;
  KindStats events;
  std::string delivery_last_run;    // milliseconds; empty: never
  std::string event_work_last_run;  // likewise
  std::vector<Millis> event_lag;    // of the newest events: received - ts
  std::string rhythm;               // keep/event_flow.h
  std::string loops;                // likewise
  std::vector<Store::Count> counts;
  std::vector<Item> failed;  // the newest ones of both kinds
  std::vector<Hour> hours;
  std::optional<Result<std::string>> sound;  // "ok", or what is wrong; none: too big to be read
  std::optional<Error> error;                // a question that the store did not answer
};
// Reads a bounded number of rows, however many there are.
StoreSeen look_at_store(Store& store, Millis now);
// A store that several machines share.
struct DatabaseSeen {
  Result<Store::Server> server;
  Result<std::vector<Store::Machine>> machines;
  std::string passfile = {};  // of the URL
  bool passfile_readable = false;
  bool passfile_open = false;  // to others
  Journaled journaled = {};
};
DatabaseSeen look_at_database(const Settings& settings, Store& store);
// What is kept on one disk only, and was of late: the check "journaled".
Finding only_journaled(const Journaled& now, bool is_away,
                       const std::vector<Store::Count>& last_day);

// What was turned away, by reason.
std::map<std::string, std::int64_t> refused_by_reason(const std::vector<Store::Count>& last_day);
// How well the portal reaches us, and the longest silence of each name: the check "missed".
Finding missed_events(const Settings& settings, const std::vector<Store::Count>& last_day,
                      const std::string& rhythm);

// The newest warning or error of each kind in the structured log.
struct LogEntry {
  std::string time;
  std::string what;
  std::string code;
  std::string text;
  bool is_error = false;
};
std::vector<LogEntry> look_at_log(const Settings& settings);
// The warnings and errors at the end of the log, oldest first.
std::vector<Value> log_lines(const Settings& settings);

struct Served {
  std::string url;
  int status = 0;
  bool leaks = false;
};
struct LeaksSeen {
  std::string base;
  std::optional<Error> error;  // the site could not be asked
  bool redirects = false;      // whatever it is asked for
  bool cut_short = false;      // there was no time to ask for everything
  std::vector<Served> served;
};
LeaksSeen look_for_leaks(const Subject& subject);

struct ReachSeen {
  struct Tried {
    std::string address;
    bool reached = false;
    Millis took = 0;
    std::string fault;
  };
  std::string host;
  std::string fault;  // of the name's resolution
  std::vector<Tried> tried;
};
ReachSeen look_at_addresses(const std::string& url, Millis limit);
Finding reach_found(const ReachSeen& reach);

struct TlsSeen {
  std::optional<Error> error;
  long days_left = -1;
};
Finding certificate_found(long days_left, const char* metric);
TlsSeen look_at_certificate(const std::string& url, const Settings& settings);

struct PortalSeen {
  std::optional<CallError> error;  // the batch as a whole
  Millis took = 0;
  Millis asked_at = 0;
  std::vector<BatchResult> results;
  const CallResult* find(std::string_view key) const;
};
PortalSeen look_at_portal(const Settings& settings, const std::string& name,
                          const std::shared_ptr<Gate>& gate);  // null: it cannot be opened

struct InboundSeen {
  std::optional<Error> error;  // the test event was not answered as it should be
  int status = 0;
  Millis took = 0;
  long days_left = -1;
  bool stored = false;   // its mark is in our store
  std::string redirect;  // where the answer leads to
  std::string code;      // of our own answer: why the event is refused
  std::string foreign;   // the answer is a page that is none of ours: its title, or how it begins
};
InboundSeen look_at_inbound(const Subject& subject);
// The owner's own try: what the outside sees of the receiver, as the checks of that group say it.
Report try_event(std::shared_ptr<const Subject> subject);

// One portal that is called.
struct PortalLook {
  std::string portal_name;
  std::optional<ReachSeen> reach;
  std::optional<TlsSeen> tls;
  std::optional<PortalSeen> portal;
  std::optional<GateState> gate;
};

struct Seen : PortalLook {              // the one without a name
  std::vector<PortalLook> others = {};  // each is judged as if it were the one
  std::shared_ptr<const Subject> subject;
  Millis at = 0;
  ProgramsSeen programs;
  std::optional<StorageSeen> storage;
  std::optional<StoreSeen> store;
  std::optional<DatabaseSeen> database;
  std::optional<std::vector<LogEntry>> log;
  std::optional<LeaksSeen> leaks;
  std::optional<ReachSeen> site_reach;
  std::optional<InboundSeen> inbound;
};

// Looks at everything side by side and returns after `limit` at the latest. What has not come by
// then goes on in a thread of its own and is forgotten; while it lasts, the same look is not begun
// again.
Seen look(std::shared_ptr<const Subject> subject, Millis limit);
// Whether such a look is still under way: then the process must end by _exit.
bool anything_abandoned();

// "index.fcgi --deliver" as a line for a shell, where neither path nor environment is ours.
std::string command(const Seen& seen, const std::string& program_and_options);

}  // namespace b24::check
