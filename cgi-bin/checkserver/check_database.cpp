// check_database: checks of a database that several machines share, and of these machines.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/text.h"
#include "check_seen.h"
#include "settings/permission.h"
#include "value/php.h"

namespace b24::check {
namespace {

constexpr Millis kDatabaseClockOff = 2 * kSecond;
constexpr Millis kWaits = 3 * kSecond;  // in the journal alone: no answer waits longer
constexpr Millis kWaitsLong = kMinute;
constexpr Millis kGone = 10 * kMinute;       // a machine that has told nothing for so long
constexpr std::int64_t kMostWaiting = 5;     // commits; a busy database has some for a moment
constexpr std::int64_t kFewConnections = 5;  // in a hundred: warning

// Judges what the server said.
Finding of_server(const Seen& seen, Finding (*judge)(const Store::Server& server)) {
  if (!seen.database->server) return failed("unreached", seen.database->server.error());
  return judge(*seen.database->server);
}

Finding judge_database(const Seen& seen) {
  return of_server(seen, [](const Store::Server& server) {
    const std::int64_t left = server.connections_allowed - server.connections;
    const bool crowded = left * 100 < server.connections_allowed * kFewConnections;
    const Value facts = Value::map({{"host", server.host},
                                    {"timeline", server.timeline},
                                    {"used", server.connections},
                                    {"allowed", server.connections_allowed}});
    return measured(crowded ? warning("crowded", facts) : ok("reached", facts),
                    {{"database_connections", static_cast<double>(server.connections)}});
  });
}

// By what answers wait for, and who confirms it.
Finding replication(const Store::Server& server, std::int64_t confirm, bool is_hidden) {
  const Value facts = Value::map({{"nodes", confirm}, {"waiting", server.waiting}});
  const bool waits =
      server.synchronous_commit == "on" || server.synchronous_commit == "remote_apply";
  if (!waits || server.standby_names.empty()) return error("one_node", facts);
  if (!server.is_safe) return error("unsafe", facts);
  if (is_hidden) return found(State::info, "hidden", facts, {"GRANT pg_monitor TO b24app;"});
  if (confirm == 0) return error("no_standby", facts);
  return server.waiting > kMostWaiting ? warning("slow", facts) : ok("replicated", facts);
}

Finding judge_nodes(const Seen& seen) {
  if (!seen.subject->settings->store.replicated) return info("unasked");
  return of_server(seen, [](const Store::Server& server) {
    std::string standbys;
    std::int64_t confirm = 0, behind = 0;
    bool is_hidden = !server.standbys.empty();
    for (const auto& each : server.standbys) {
      is_hidden = is_hidden && each.state.empty();
      standbys += each.name + ": " + each.state + " " + each.sync +
                  (each.behind < 0 ? "" : ", " + std::to_string(each.behind) + " B") + "\n";
      if (each.state != "streaming" || (each.sync != "sync" && each.sync != "quorum")) continue;
      ++confirm;
      behind = std::max(behind, each.behind);
    }
    Finding finding = replication(server, confirm, is_hidden);
    finding.cause = standbys;
    return measured(std::move(finding), {{"database_behind_bytes", static_cast<double>(behind)}});
  });
}

Finding judge_database_clock(const Seen& seen) {
  return of_server(seen, [](const Store::Server& server) {
    const Value facts = Value::map({{"ms", server.clock_ahead}});
    return std::abs(server.clock_ahead) > kDatabaseClockOff ? warning("differs", facts)
                                                            : ok("agrees", facts);
  });
}

Finding judge_passfile(const Seen& seen) {
  const std::string& file = seen.database->passfile;
  if (file.empty()) return info("none");
  const Value facts = Value::map({{"file", file}});
  Lines cure = lines_to_write(file);
  if (cure.empty()) cure = {"install -m 600 -o " + user_name(geteuid()) + " /dev/null " + file};
  if (!seen.database->passfile_readable) return error("unreadable", facts, cure);
  if (seen.database->passfile_open) return error("open", facts, cure);
  return ok("private", facts);
}

Finding judge_journaled(const Seen& seen) {
  return only_journaled(seen.database->journaled, !seen.database->server,
                        seen.store ? seen.store->counts : std::vector<Store::Count>());
}

// The sections in which another machine's settings are not this one's.
std::string differences(const Store::Machine& other,
                        const std::map<std::string, std::string>& own) {
  std::map<std::string, std::string> theirs;
  for (const auto& [section, mark] : other.words["marks"].members())
    theirs[section.text()] = mark.text();
  std::vector<std::string> sections;
  for (const auto& [section, mark] : own)
    if (theirs[section] != mark) sections.push_back("[" + section + "]");
  for (const auto& [section, mark] : theirs)
    if (!own.contains(section)) sections.push_back("[" + section + "]");
  return text::join(sections, ", ");
}

// Those that told of themselves lately, one a line; whether one of them is the one that logs.
std::string known_machines(const Seen& seen, bool& logs) {
  const std::string& wanted = seen.subject->settings->log.machines;
  logs = wanted == "own" || wanted == "all" || text::equal_ignoring_case(wanted, host_name());
  std::string lines;
  for (const Store::Machine& each : *seen.database->machines) {
    if (each.age > kDay) continue;
    const std::string name = each.words["name"].text();
    logs = logs || each.id == wanted || text::equal_ignoring_case(name, wanted);
    lines += name + " (" + each.id + ")\n";
  }
  return lines;
}

Finding judge_machines(const Seen& seen) {
  if (!seen.database->machines) return failed("unanswered", seen.database->machines.error());
  Finding finding{.name = "same"};
  std::int64_t others = 0;
  bool differs = false, silent = false;
  for (const Store::Machine& each : *seen.database->machines) {
    if (each.is_own || each.age > kDay) continue;
    ++others;
    const std::string sections = differences(each, seen.subject->settings->marks);
    const bool gone = each.age > kGone;
    if (sections.empty() && !gone) continue;
    differs = differs || !sections.empty();
    silent = silent || gone;
    finding.cause += each.words["name"].text() + " (" + each.id + "): " + sections +
                     (gone ? " " + std::to_string(each.age / kMinute) + " min" : "") + "\n";
  }
  finding.facts = Value::map({{"machines", others + 1}});
  if (others == 0) finding.name = "alone";
  if (silent) finding.name = "silent";
  if (differs) finding.name = "differ";
  if (others == 0) finding.state = State::info;
  bool logs = false;
  const std::string known = known_machines(seen, logs);
  if (!logs) {
    finding.name = "unlogged";
    finding.cause = known;
    finding.facts.set("name", seen.subject->settings->log.machines);
  }
  if (silent || differs || !logs) finding.state = State::warning;
  return finding;
}

std::string passfile_of(const std::string& url) {
  constexpr std::string_view kName = "passfile=";
  const std::size_t at = url.find(kName);
  if (at == url.npos) return {};
  std::string file = url.substr(at + kName.size(), url.find('&', at) - at - kName.size());
  text::replace_all(file, "+", "%2B");  // no blank, to libpq
  return php::url_decode(file);
}

}  // namespace

std::span<const Check> database_checks() {
  static constexpr Check kChecks[] = {
      {"database", Group::storage, "", judge_database, Needs::database},
      {"nodes", Group::storage, "", judge_nodes, Needs::database},
      {"database_clock", Group::storage, "", judge_database_clock, Needs::database},
      {"passfile", Group::storage, "", judge_passfile, Needs::database},
      {"journaled", Group::storage, "", judge_journaled, Needs::database},
      {"machines", Group::storage, "", judge_machines, Needs::database},
  };
  return kChecks;
}

Finding only_journaled(const Journaled& now, bool is_away,
                       const std::vector<Store::Count>& last_day) {
  std::int64_t today = 0;
  for (const Store::Count& count : last_day) today += count.name == "journaled" ? count.count : 0;
  const Millis age = now.count == 0 ? 0 : std::max<Millis>(0, now_ms() - now.oldest);
  const bool waits = age > kWaits;
  Finding finding{.name = is_away ? "away" : waits ? "waits" : today > 0 ? "some" : "none"};
  if (is_away || waits || today > 0) finding.state = State::info;
  if (age > kWaitsLong && !is_away) finding.state = State::warning;
  const std::string more = now.count == Journaled::kMost ? "+" : "";
  finding.facts = Value::map(
      {{"today", today}, {"count", std::to_string(now.count) + more}, {"oldest", duration(age)}});
  finding.metrics = {{"journaled_day", static_cast<double>(today)},
                     {"journaled_now", static_cast<double>(now.count)},
                     {"journaled_oldest_seconds", static_cast<double>(age) / 1000}};
  return finding;
}

DatabaseSeen look_at_database(const Settings& settings, Store& store) {
  DatabaseSeen seen{.server = store.look_at_server(), .machines = store.machines()};
  seen.passfile = passfile_of(settings.data.store);
  struct stat status {};
  seen.passfile_readable =
      ::stat(seen.passfile.c_str(), &status) == 0 && ::access(seen.passfile.c_str(), R_OK) == 0;
  // libpq passes over such a file, with a word on stderr.
  seen.passfile_open = (status.st_mode & 077) != 0;
  seen.journaled = journaled(settings.data.dir);
  return seen;
}

}  // namespace b24::check
